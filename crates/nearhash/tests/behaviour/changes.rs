//! Points stored, updated and deleted after fit.

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Points, PredictOptions, RowData, RowSlice, RowsView,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::point_index::{assert_found_at_its_new_place_only, change, changed};
use crate::{SRP, fitted, l2, normal, options, points, view};

const DIM: usize = 5;
const FAMILIES: [FamilyKind; 2] = [SRP, l2(3.0)];

/// Answers by the points' places among all that there are.
fn answers(index: &LshIndex, ids: &[u32], queries: &[f32]) -> Vec<(Vec<usize>, Vec<f32>)> {
    [0, 4]
        .into_iter()
        .flat_map(|budget| {
            index.set_budget(budget);
            let options = PredictOptions {
                top_k: 15,
                ..PredictOptions::default()
            };
            let found = index.predict(&view(queries, DIM), &options, &Control::new());
            let found = found.unwrap();
            found
                .offsets
                .windows(2)
                .map(|places| {
                    let places = places[0] as usize..places[1] as usize;
                    let by_place = found.ids[places.clone()].iter();
                    (
                        by_place.map(|id| ids.binary_search(id).unwrap()).collect(),
                        found.distances[places].to_vec(),
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_index_after_any_changes_equals_one_built_of_what_is_left(
        changes in proptest::collection::vec(change(2000..5000, 1..200), 1..25),
        srp: bool,
        seed in 0..1000_u64,
    ) {
        let options = LshOptions {
            dim: Some(DIM),
            ..options(FAMILIES[usize::from(srp)], 5, 4)
        };
        let index = LshIndex::new(options.clone()).unwrap();
        let model = changed(&index, DIM, &changes, seed)?;
        if !model.is_empty() {
            let ids: Vec<u32> = model.keys().copied().collect();
            let rows: Vec<f32> = model.values().flatten().copied().collect();
            let twin = fitted(options, &rows, DIM);
            let places: Vec<u32> = (0..ids.len() as u32).collect();
            let mut queries = normal(seed, 20 * DIM);
            queries.extend_from_slice(&rows[..DIM]);
            prop_assert_eq!(
                answers(&index, &ids, &queries),
                answers(&twin, &places, &queries)
            );
            for table in 0..4 {
                let name = |index: &LshIndex| index.buckets(table).unwrap();
                let found = name(&index);
                let expected: Vec<_> = name(&twin)
                    .into_iter()
                    .map(|(name, rows)| {
                        (name, rows.iter().map(|row| ids[*row as usize]).collect::<Vec<_>>())
                    })
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn ids_go_on_and_are_never_given_twice() {
    for family in FAMILIES {
        let index = fitted(options(family, 4, 3), &normal(1, 10 * DIM), DIM);
        let control = Control::new();
        let row = normal(2, DIM);
        let row = view(&row, DIM);
        assert_eq!(index.store(&row, &control), Ok(10..11));
        assert_eq!(index.delete(10), Ok(1));
        assert_eq!(index.store(&row, &control), Ok(11..12));
        // Not even where stored points are sorted in.
        let many = normal(3, 5000 * DIM);
        assert_eq!(index.delete(11), Ok(1));
        assert_eq!(index.store(&view(&many, DIM), &control), Ok(12..5012));
        assert_eq!(index.delete(5011), Ok(1));
        assert_eq!(index.store(&row, &control), Ok(5012..5013));
        assert_eq!(index.vector(5011), None);
        assert_eq!(index.size(), 5010);
        // Only fit starts anew.
        index.fit(points(&many, DIM), &control).unwrap();
        assert_eq!(index.store(&row, &control), Ok(5000..5001));
    }
}

#[test]
fn an_updated_point_is_found_at_its_new_place_only() {
    for family in FAMILIES {
        let rows = normal(4, 100 * DIM);
        let index = fitted(options(family, 4, 6), &rows, DIM);
        assert_found_at_its_new_place_only(&index, &rows);
    }
}

#[test]
fn all_equal_vectors_go_and_no_near_ones() {
    for family in FAMILIES {
        let index = fitted(options(family, 4, 3), &normal(5, 10 * DIM), DIM);
        let control = Control::new();
        let row = [1.0_f32, 2.0, 3.0, 0.0, 5.0];
        let mut near = row;
        near[4] = f32::from_bits(near[4].to_bits() + 1);
        for _ in 0..3 {
            index.store(&view(&row, DIM), &control).unwrap();
        }
        index.store(&view(&near, DIM), &control).unwrap();
        // Zeros of either sign are equal numbers.
        let mut same = row;
        same[3] = -0.0;
        assert_eq!(index.delete_equal(&view(&same, DIM)), Ok(3));
        assert_eq!(index.delete_equal(&view(&row, DIM)), Ok(0));
        assert_eq!(index.vector(13).unwrap(), near);
        assert_eq!(index.size(), 11);
    }
}

#[test]
fn an_index_can_lose_all_points_and_get_new_ones() {
    for family in FAMILIES {
        let rows = normal(6, 30 * DIM);
        let index = fitted(options(family, 4, 3), &rows, DIM);
        let control = Control::new();
        for id in 0..30 {
            assert_eq!(index.delete(id), Ok(1));
        }
        assert_eq!(index.size(), 0);
        let all = view(&rows, DIM);
        assert_eq!(index.search(&all, 2, &control).unwrap().counts, [0; 30]);
        assert!(index.buckets(0).unwrap().is_empty());
        assert_eq!(index.store(&all, &control), Ok(30..60));
        let found = index.search(&all, 1, &control).unwrap();
        assert!(found.ids.into_iter().eq(30..60));
    }
}

#[test]
fn reset_forgets_the_points_and_keeps_the_options() {
    for family in FAMILIES {
        let rows = normal(7, 30 * DIM);
        let options = LshOptions {
            seed: 5,
            ..options(family, 4, 3)
        };
        let index = fitted(options.clone(), &rows, DIM);
        let before = index.buckets(0);
        index.set_budget(3);
        index.reset().unwrap();
        assert_eq!((index.size(), index.dim()), (0, None));
        assert_eq!(index.vector(0), None);
        assert_eq!(index.memory_bytes(), 0);
        let description = index.describe();
        assert_eq!(description.n_projections, Some(4));
        assert_eq!((description.seed, description.budget), (5, 3));
        index.fit(points(&rows, DIM), &Control::new()).unwrap();
        assert_eq!(index.buckets(0), before);
    }
}

#[test]
fn integers_stay_integers_until_others_are_sorted_in() {
    let bytes: Vec<u8> = (0..3000 * DIM).map(|i| (i * 7 % 251) as u8).collect();
    let index = LshIndex::new(options(l2(100.0), 3, 2)).unwrap();
    let data = Points::new(RowData::U8(bytes.clone()), DIM).unwrap();
    let control = Control::new();
    index.fit(data, &control).unwrap();
    let small = index.memory_bytes();
    let more = RowsView::new(RowSlice::U8(&bytes), DIM).unwrap();
    for _ in 0..2 {
        index.store(&more, &control).unwrap();
    }
    assert!(index.memory_bytes() > 2 * small);
    assert_eq!(index.size(), 9000);
    // Each three times: with the ids of the first fit and those of the two stores.
    let one = RowsView::new(RowSlice::U8(&bytes[..DIM]), DIM).unwrap();
    let equal = bytes
        .chunks(DIM)
        .filter(|row| *row == &bytes[..DIM])
        .count();
    assert_eq!(index.delete_equal(&one), Ok(3 * equal));
}

#[test]
fn updates_without_end_take_no_memory_without_end() {
    for family in FAMILIES {
        let rows = normal(8, 1000 * DIM);
        let index = fitted(options(family, 4, 3), &rows, DIM);
        let update = |id: usize, from: usize| {
            let row = view(&rows[from * DIM..][..DIM], DIM);
            index.update(id as u32, &row).unwrap();
        };
        let mut most = 0;
        for i in 0..20_000 {
            update(i % 1000, (i * 7) % 1000);
            if i < 5000 {
                most = most.max(index.memory_bytes());
            }
        }
        assert!(index.memory_bytes() <= most);
        assert_eq!(index.size(), 1000);
        // Back to where they were: the answers are those of a new index.
        (0..1000).for_each(|i| update(i, i));
        let control = Control::new();
        let found = index.search(&view(&rows, DIM), 5, &control).unwrap();
        let twin = fitted(options(family, 4, 3), &rows, DIM);
        let expected = twin.search(&view(&rows, DIM), 5, &control).unwrap();
        assert_eq!(found, expected);
    }
}
