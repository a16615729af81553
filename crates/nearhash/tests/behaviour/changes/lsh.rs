//! What changes do to hash tables.

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Points, PredictOptions, RowData, RowSlice, RowsView,
};
use proptest::prelude::*;

use crate::point_index::{change, changed};
use crate::{SRP, config, fitted, l2, normal, options, points, view};

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
    #![proptest_config(config(60))]

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
fn no_bucket_is_left_of_an_index_that_lost_all_points() {
    for family in FAMILIES {
        let index = fitted(options(family, 4, 3), &normal(6, 30 * DIM), DIM);
        for id in 0..30 {
            assert_eq!(index.delete(id), Ok(1));
        }
        assert!((0..3).all(|table| index.buckets(table).unwrap().is_empty()));
    }
}

#[test]
fn reset_keeps_the_options() {
    for family in FAMILIES {
        let rows = normal(7, 30 * DIM);
        let options = LshOptions {
            seed: 5,
            ..options(family, 4, 3)
        };
        let index = fitted(options, &rows, DIM);
        let before = index.buckets(0);
        index.set_budget(3);
        index.reset().unwrap();
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
