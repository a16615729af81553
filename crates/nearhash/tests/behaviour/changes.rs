//! Points stored, updated and deleted after fit.

use std::collections::BTreeMap;

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Points, PredictOptions, RowData, RowSlice, RowsView,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::{SRP, fitted, l2, normal, options, points, view};

const DIM: usize = 5;
const FAMILIES: [FamilyKind; 2] = [SRP, l2(3.0)];

/// A change to an index.
#[derive(Debug, Clone)]
enum Change {
    Store(usize),
    /// One of the points that there are, by its place among them.
    Delete(usize),
    Update(usize),
    /// Make it equal to another one.
    Copy(usize, usize),
    DeleteEqual(usize),
    Fit(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (0..40_usize).prop_map(Change::Store),
        1 => (2000..5000_usize).prop_map(Change::Store),
        4 => any::<usize>().prop_map(Change::Delete),
        4 => any::<usize>().prop_map(Change::Update),
        2 => any::<(usize, usize)>().prop_map(|(a, b)| Change::Copy(a, b)),
        2 => any::<usize>().prop_map(Change::DeleteEqual),
        1 => (1..200_usize).prop_map(Change::Fit),
    ]
}

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
        changes in proptest::collection::vec(change(), 1..25),
        srp: bool,
        seed in 0..1000_u64,
    ) {
        let options = LshOptions {
            dim: Some(DIM),
            ..options(FAMILIES[usize::from(srp)], 5, 4)
        };
        let index = LshIndex::new(options.clone()).unwrap();
        let control = Control::new();
        let mut model: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        let mut next = 0;
        let fresh = |count: usize, step: usize| normal(seed * 1000 + step as u64, count * DIM);
        for (step, change) in changes.iter().enumerate() {
            let pick = |place: usize| model.keys().nth(place % model.len().max(1)).copied();
            match *change {
                Change::Store(count) => {
                    let rows = fresh(count, step);
                    let ids = index.store(&view(&rows, DIM), &control).unwrap();
                    prop_assert_eq!(ids.clone(), next..next + count as u32);
                    next = ids.end;
                    model.extend(ids.zip(rows.chunks(DIM).map(<[f32]>::to_vec)));
                }
                Change::Delete(place) => {
                    if let Some(id) = pick(place) {
                        prop_assert_eq!(index.delete(id), Ok(1));
                        model.remove(&id);
                    }
                }
                Change::Update(place) => {
                    if let Some(id) = pick(place) {
                        let row = fresh(1, step);
                        index.update(id, &view(&row, DIM)).unwrap();
                        model.insert(id, row);
                    }
                }
                Change::Copy(from, to) => {
                    if let (Some(from), Some(to)) = (pick(from), pick(to)) {
                        let row = model[&from].clone();
                        index.update(to, &view(&row, DIM)).unwrap();
                        model.insert(to, row);
                    }
                }
                Change::DeleteEqual(place) => {
                    if let Some(id) = pick(place) {
                        let row = model[&id].clone();
                        let count = model.values().filter(|other| **other == row).count();
                        prop_assert_eq!(index.delete_equal(&view(&row, DIM)), Ok(count));
                        model.retain(|_, other| *other != row);
                    }
                }
                Change::Fit(count) => {
                    let rows = fresh(count, step);
                    index.fit(points(&rows, DIM), &control).unwrap();
                    model = (0..).zip(rows.chunks(DIM).map(<[f32]>::to_vec)).collect();
                    next = count as u32;
                }
            }
            prop_assert_eq!(index.size(), model.len());
        }
        for (id, row) in &model {
            prop_assert_eq!(index.vector(*id), Some(row.clone()));
        }
        prop_assert_eq!(index.vector(next), None);
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
        let control = Control::new();
        let there = [50.0, -40.0, 30.0, -20.0, 10.0];
        let nearest = |row: &[f32]| {
            let found = index.search(&view(row, DIM), 1, &control).unwrap();
            (found.ids[0], found.distances[0])
        };
        for _ in 0..2 {
            index.update(7, &view(&there, DIM)).unwrap();
            assert_eq!(nearest(&there), (7, 0.0));
            assert_eq!(index.vector(7).unwrap(), there);
            assert_ne!(nearest(&rows[7 * DIM..][..DIM]).0, 7);
            assert_eq!(index.size(), 100);
            // And back again.
            index
                .update(7, &view(&rows[7 * DIM..][..DIM], DIM))
                .unwrap();
            assert_eq!(nearest(&rows[7 * DIM..][..DIM]), (7, 0.0));
        }
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
