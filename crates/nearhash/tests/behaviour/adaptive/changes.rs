//! What changes do to buckets and codes.

use nearhash::adaptive::{AdaptiveIndex, IndexOptions, SearchOptions};
use nearhash::{Control, Metric, Neighbors, Points, RowData, RowSlice, RowsView};
use proptest::prelude::*;

use super::{FEWEST, METRICS, asked, assert_exact, fitted, floats, knn, search, with_metric};
use crate::point_index::{Held, change, changed};
use crate::{config, normal, points, view};

const DIM: usize = 5;

/// What a model of the index answers, in one go.
fn expected(model: &Held, queries: &[f32], k: usize, metric: Metric) -> Neighbors {
    let ids: Vec<u32> = model.keys().copied().collect();
    let rows: Vec<f32> = model.values().flatten().copied().collect();
    let mut found = knn(&view(&rows, DIM), &view(queries, DIM), k, metric);
    for (i, count) in found.counts.iter().enumerate() {
        for id in &mut found.ids[i * k..i * k + *count as usize] {
            *id = ids[*id as usize];
        }
    }
    found
}

#[track_caller]
fn assert_finds(index: &AdaptiveIndex, model: &Held, seed: u64) {
    let mut queries = normal(seed, 12 * DIM);
    queries.extend(model.values().take(2).flatten());
    let metric = index.metric();
    for k in [1, 15] {
        let expected = expected(model, &queries, k, metric);
        let found = search(index, &view(&queries, DIM), &asked(k, 1.0));
        assert_exact(&found, &expected, (k, metric));
        let found = search(index, &view(&queries, DIM), &SearchOptions::nearest(k));
        assert_eq!(found.counts, expected.counts);
        for (i, count) in found.counts.iter().enumerate() {
            let ids = &found.ids[i * found.k..][..*count as usize];
            assert!(ids.iter().all(|id| model.contains_key(id)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_iters: 20,
        ..config(25)
    })]

    #[test]
    fn an_index_holds_what_is_left_after_any_changes(
        changes in proptest::collection::vec(change(200..1500, 1000..1300), 1..20),
        cosine: bool,
        seed in 0..1000_u64,
    ) {
        let options = IndexOptions {
            dim: Some(DIM),
            ..with_metric(METRICS[usize::from(cosine)])
        };
        let index = AdaptiveIndex::new(options).unwrap();
        let model = changed(&index, DIM, &changes, seed)?;
        assert_finds(&index, &model, seed);
    }
}

#[test]
fn points_stored_bit_by_bit_get_into_buckets() {
    let index = AdaptiveIndex::new(IndexOptions {
        dim: Some(DIM),
        ..IndexOptions::default()
    })
    .unwrap();
    let rows = normal(7, 5000 * DIM);
    for (i, some) in rows.chunks(100 * DIM).enumerate() {
        let first = 100 * i as u32;
        let ids = index.store(&view(some, DIM), &Control::new());
        assert_eq!(ids, Ok(first..first + 100));
        let description = index.describe();
        assert_eq!(description.size, 100 * (i + 1));
        assert_eq!(description.codes.is_some(), description.size >= FEWEST);
        assert!(description.open < FEWEST);
    }
    // What is compared with every query stays a small part.
    assert!(index.describe().open <= 256);
    let queries = normal(8, 50 * DIM);
    let (rows, queries) = (view(&rows, DIM), view(&queries, DIM));
    let truth = knn(&rows, &queries, 10, Metric::Euclidean);
    assert_exact(&search(&index, &queries, &asked(10, 1.0)), &truth, "exact");
    let found = search(&index, &queries, &asked(10, 0.95));
    super::assert_sound(&found, &rows, &queries, 10, Metric::Euclidean);
    assert!(super::recall(&found, &truth) > 0.9);
}

#[test]
fn reset_keeps_the_options() {
    let rows = normal(7, 1100 * DIM);
    let options = IndexOptions {
        seed: 5,
        recall: 0.8,
        k: 3,
        settle: Some(2),
        ..IndexOptions::default()
    };
    let index = fitted(options.clone(), floats(&rows), DIM);
    let codes = index.describe().codes;
    assert_eq!(codes.as_ref().unwrap().settle, 2);
    index.reset().unwrap();
    assert_eq!(index.options(), &options);
    let description = index.describe();
    assert_eq!(
        (description.seed, description.recall, description.k),
        (5, 0.8, 3)
    );
    assert_eq!((description.size, description.codes), (0, None));
    index.fit(points(&rows, DIM), &Control::new()).unwrap();
    assert_eq!(index.describe().codes, codes);
}

#[test]
fn integers_stay_integers_until_others_are_put_into_buckets() {
    let bytes: Vec<u8> = (0..2000 * DIM).map(|i| (i * i * 7 % 251) as u8).collect();
    let index = fitted(IndexOptions::default(), RowData::U8(bytes.clone()), DIM);
    let control = Control::new();
    let more = RowsView::new(RowSlice::U8(&bytes), DIM).unwrap();
    let one = RowsView::new(RowSlice::U8(&bytes[..DIM]), DIM).unwrap();
    let small = index.memory_bytes();
    index.store(&more.clone(), &control).unwrap();
    // Twice the points, the same bytes a point, about.
    assert!(index.memory_bytes() < 3 * small);
    let halves = vec![0.5; 400 * DIM];
    index.store(&view(&halves, DIM), &control).unwrap();
    assert_eq!(index.size(), 4400);
    assert_eq!(index.vector(4000).unwrap(), [0.5; DIM]);
    let equal = bytes
        .chunks(DIM)
        .filter(|row| *row == &bytes[..DIM])
        .count();
    assert_eq!(index.delete_equal(&one), Ok(2 * equal));
    assert_eq!(index.delete_equal(&view(&[0.5; DIM], DIM)), Ok(400));
}

#[test]
fn a_second_fit_may_have_other_points_of_another_length() {
    let index = fitted(
        with_metric(Metric::Cosine),
        floats(&normal(4, 1200 * DIM)),
        DIM,
    );
    let rows = normal(9, 1030 * 33);
    index.fit(points(&rows, 33), &Control::new()).unwrap();
    assert_eq!((index.size(), index.dim()), (1030, Some(33)));
    let truth = knn(&view(&rows, 33), &view(&rows[..330], 33), 4, Metric::Cosine);
    let found = search(&index, &view(&rows[..330], 33), &asked(4, 1.0));
    assert_exact(&found, &truth, "second fit");
    // And fewer than are put into buckets.
    let few = Points::new(floats(&rows[..66]), 33).unwrap();
    index.fit(few, &Control::new()).unwrap();
    assert_eq!(index.describe().codes, None);
    let found = search(&index, &view(&rows[..330], 33), &SearchOptions::nearest(4));
    assert_eq!(found.counts, [2; 10]);
}
