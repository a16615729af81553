//! A recall of 1 is exact, and no answer is ever unsound, whatever the points are.

use nearhash::adaptive::{AdaptiveIndex, SearchOptions};
use nearhash::{Control, Metric, RowData, RowSlice, RowsView};
use proptest::prelude::*;

use super::{
    FEWEST, METRICS, SHORT, Sample, asked, assert_exact, assert_sound, clustered, fitted, floats,
    knn, recall, samples, search, with_metric,
};
use crate::{config, normal, view};

/// Exact with a recall of 1, sound with less, for few neighbours, many, and more than there are.
#[track_caller]
fn check(index: &AdaptiveIndex, rows: &RowsView<'_>, queries: &RowsView<'_>, metric: Metric) {
    let n = rows.rows();
    assert_eq!(index.size(), n);
    for k in [1, 10, 33, n + 5] {
        let truth = knn(rows, queries, k, metric);
        let found = search(index, queries, &asked(k, 1.0));
        assert_exact(&found, &truth, (n, rows.dim(), k, metric));
        for recall in [0.5, 0.95, 0.9999] {
            let found = search(index, queries, &asked(k, recall));
            assert_sound(&found, rows, queries, k, metric);
        }
    }
}

/// The same from plain rows; some of them are asked, and a few others.
#[track_caller]
fn check_rows(rows: &[f32], dim: usize, metric: Metric) -> AdaptiveIndex {
    let index = fitted(with_metric(metric), floats(rows), dim);
    let mut queries: Vec<f32> = rows.iter().copied().take(6 * dim).collect();
    queries.extend(rows[rows.len() - dim..].iter().map(|x| x * 0.5));
    queries.extend(normal(99, 4 * dim));
    check(&index, &view(rows, dim), &view(&queries, dim), metric);
    index
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn few_points_of_any_length_are_searched_exactly(
        n in 1..200_usize, dim in prop_oneof![1..40_usize, 1..600_usize], seed: u64, cosine: bool,
    ) {
        let metric = METRICS[usize::from(cosine)];
        let rows = normal(seed, n * dim);
        let index = check_rows(&rows, dim, metric);
        prop_assert!(index.describe().codes.is_none());
        prop_assert_eq!(index.describe().open, n);
    }
}

#[test]
fn points_of_any_number_and_length_are_searched_exactly_when_that_is_asked() {
    for (n, dim) in [
        (FEWEST - 1, 7),
        (FEWEST, 1),
        (FEWEST, 17),
        (1500, 2),
        (1100, 65),
        (1025, 300),
        (FEWEST, 4096),
    ] {
        let metric = METRICS[n % 2];
        let index = check_rows(&normal((n + dim) as u64, n * dim), dim, metric);
        assert_eq!(index.describe().codes.is_some(), n >= FEWEST);
    }
}

#[test]
fn equal_points_are_told_apart_by_their_ids() {
    let dim = 8;
    // All equal; equal and zero; twelve that are there a hundred times each.
    let constant = [1.5, -2.0, 0.25, 7.0, 0.0, 3.0, -1.0, 9.0].repeat(1200);
    let index = check_rows(&constant, dim, Metric::Euclidean);
    let found = search(
        &index,
        &view(&constant[..dim], dim),
        &SearchOptions::nearest(7),
    );
    assert_eq!(found.ids, [0, 1, 2, 3, 4, 5, 6]);
    check_rows(&vec![0.0; 1200 * dim], dim, Metric::Euclidean);
    for metric in METRICS {
        check_rows(&normal(3, 12 * dim).repeat(100), dim, metric);
    }
}

#[test]
fn points_of_a_small_space_within_a_large_one_are_searched() {
    let (n, dim, rank) = (1200, 100, 3);
    let (coordinates, directions) = (normal(4, n * rank), normal(5, rank * dim));
    let mut rows = vec![0.0; n * dim];
    for (row, coordinates) in rows.chunks_mut(dim).zip(coordinates.chunks(rank)) {
        for (x, direction) in coordinates.iter().zip(directions.chunks(dim)) {
            row.iter_mut().zip(direction).for_each(|(r, d)| *r += x * d);
        }
    }
    for metric in METRICS {
        let index = check_rows(&rows, dim, metric);
        assert_eq!(index.describe().codes.unwrap().axes, 16);
    }
}

#[test]
fn heavy_tails_do_no_harm() {
    let dim = 30;
    let uniform = normal(6, 1500 * dim);
    // Ratios of normal numbers have neither mean nor variance.
    let rows: Vec<f32> = uniform
        .iter()
        .zip(normal(7, 1500 * dim))
        .map(|(a, b)| a / b)
        .collect();
    check_rows(&rows, dim, Metric::Euclidean);
    // One point so far out that all others nearly coincide beside it.
    let mut rows = normal(8, 1200 * dim);
    rows[..dim].fill(1e14);
    check_rows(&rows, dim, Metric::Euclidean);
}

#[test]
fn units_may_be_huge_or_tiny() {
    let dim = 20;
    let rows = clustered(9, 1100, dim);
    for unit in [1e30, 1e13, 1e-11, 1e-30, 1e-42] {
        let rows: Vec<f32> = rows.iter().map(|x| x * unit).collect();
        check_rows(&rows, dim, Metric::Euclidean);
        if unit > 1e-20 {
            // Directions are as good in any unit.
            check_rows(&rows, dim, Metric::Cosine);
        }
    }
    // The largest that there are: differences between them leave float32.
    let rows: Vec<f32> = normal(10, 1100 * dim)
        .iter()
        .map(|x| f32::MAX * x.signum() * (1.0 - 1e-3 * x.abs()))
        .collect();
    check_rows(&rows, dim, Metric::Euclidean);
}

#[test]
fn a_query_that_float32_cannot_square_is_answered_exactly() {
    let sample = &*SHORT;
    let queries: Vec<f32> = sample.queries[..3 * sample.dim]
        .iter()
        .enumerate()
        .map(|(i, x)| x * [1e20, 1e30, -1e37][i / sample.dim])
        .collect();
    let queries = view(&queries, sample.dim);
    let truth = knn(&sample.rows(), &queries, 12, sample.metric);
    let found = search(&sample.index, &queries, &SearchOptions::nearest(12));
    assert_exact(&found, &truth, "far");
}

/// Rows of bytes or of words, as points and as numbers.
fn integers(count: usize, dim: usize, middle: f32, unit: f32, most: f32) -> Vec<f32> {
    clustered(11, count, dim)
        .iter()
        .map(|x| {
            (middle + unit * x)
                .round()
                .clamp(middle - most, middle + most)
        })
        .collect()
}

#[test]
fn queries_outside_the_range_of_integer_rows_or_between_are_not_rounded_or_wrapped() {
    let (n, dim) = (2000, 32);
    let bytes = integers(n, dim, 128.0, 20.0, 127.0);
    let words = integers(n, dim, 0.0, 4000.0, 32_000.0);
    let data = [
        (RowData::U8(bytes.iter().map(|x| *x as u8).collect()), bytes),
        (
            RowData::I16(words.iter().map(|x| *x as i16).collect()),
            words,
        ),
    ];
    for (data, rows) in data {
        let index = fitted(with_metric(Metric::Euclidean), data, dim);
        let most = rows.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let asked_of = |by: f32, plus: f32| -> Vec<f32> {
            rows[..100 * dim].iter().map(|x| x * by + plus).collect()
        };
        for queries in [
            asked_of(1.0, 0.37),
            asked_of(1.0, 0.6 * most),
            asked_of(1.0, -most),
            asked_of(-1.0, 0.0),
            asked_of(3.0, -1.25),
        ] {
            let (rows, queries) = (view(&rows, dim), view(&queries, dim));
            let truth = knn(&rows, &queries, 10, Metric::Euclidean);
            let found = search(&index, &queries, &asked(10, 1.0));
            assert_exact(&found, &truth, "integers");
            let found = search(&index, &queries, &asked(10, 0.95));
            assert_sound(&found, &rows, &queries, 10, Metric::Euclidean);
            assert!(recall(&found, &truth) > 0.9, "{}", recall(&found, &truth));
        }
        // Queries of integers are the numbers that they are.
        let some: Vec<u8> = (0..20 * dim).map(|i| (i * 37 % 256) as u8).collect();
        let wide: Vec<f32> = some.iter().map(|x| f32::from(*x)).collect();
        let bytes = RowsView::new(RowSlice::U8(&some), dim).unwrap();
        let options = SearchOptions::nearest(10);
        assert_eq!(
            search(&index, &bytes, &options),
            search(&index, &view(&wide, dim), &options)
        );
    }
}

#[test]
fn lists_are_never_short_even_where_all_dimensions_are_kept() {
    // Equal variance everywhere: codes leave nothing out, and margins are narrow.
    let dim = 64;
    let rows = normal(13, 2000 * dim);
    let index = fitted(with_metric(Metric::Euclidean), floats(&rows), dim);
    assert_eq!(index.describe().codes.unwrap().axes, dim);
    let queries = normal(14, 150 * dim);
    let (rows, queries) = (view(&rows, dim), view(&queries, dim));
    for k in [1, 9, 10, 17, 33, 100, 1999, 2000] {
        for recall in [0.1, 0.5, 0.95] {
            let found = search(&index, &queries, &asked(k, recall));
            assert_sound(&found, &rows, &queries, k, Metric::Euclidean);
        }
    }
}

/// Recall where .95 is asked, for each of some k above those of short lists.
fn recalls_of_many(sample: &Sample) -> Vec<(usize, f64)> {
    let queries = view(&sample.queries[..60 * sample.dim], sample.dim);
    [31, 32, 33, 64, 99, 101, 500]
        .map(|k| {
            let found = search(&sample.index, &queries, &SearchOptions::nearest(k));
            assert_sound(&found, &sample.rows(), &queries, k, sample.metric);
            let truth = knn(&sample.rows(), &queries, k, sample.metric);
            (k, recall(&found, &truth))
        })
        .to_vec()
}

#[test]
fn more_than_thirty_two_neighbours_are_no_special_case() {
    for recalls in samples().map(recalls_of_many) {
        assert!(recalls.iter().all(|found| found.1 > 0.7), "{recalls:?}");
    }
}

#[test]
fn recall_is_reached_between_and_beyond_the_calibrated_k() {
    for sample in samples() {
        for (k, found) in recalls_of_many(sample) {
            // Five hundred neighbours are of several crowds; calibration knows of the nearest one. With buckets
            // ranked in two levels that gives .90 to .95, by seed.
            let least = if k > 100 && sample.index.options().regions_from == 0 {
                0.88
            } else {
                0.92
            };
            assert!(found > least, "{found} at {k}");
        }
    }
}

#[test]
fn a_stored_point_finds_itself() {
    for sample in samples() {
        let options = SearchOptions::nearest(1);
        let found = search(&sample.index, &sample.rows(), &options);
        let own = (0..).zip(&found.ids).filter(|(i, id)| *i == **id).count();
        let short = sample.index.describe().codes.unwrap().bits == 7;
        // Coarse codes of short vectors leave a twentieth of them out, as asked.
        let least = if sample.dim <= 64 && !short {
            0.94
        } else {
            0.97
        };
        assert!(own as f64 > least * found.ids.len() as f64, "{own}");
    }
    // No queries are answered with nothing.
    let none = view(&[], SHORT.dim);
    let found = SHORT.index.search(&none, &asked(3, 0.9), &Control::new());
    assert!(found.unwrap().counts.is_empty());
}
