//! The recall that is asked for is the recall that comes.

use nearhash::adaptive::{IndexOptions, SearchOptions};
use nearhash::{Control, Points, RowData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{Sample, asked, assert_sound, clustered, fitted, floats, knn, recall, samples, search};
use crate::photos::{self, COUNTS, DIM};
use crate::{normal, view};

#[test]
fn asked_recall_is_reached_for_queries_that_are_no_points() {
    for sample in samples() {
        let queries = sample.queries();
        for k in [1, 10, 100] {
            let truth = knn(&sample.rows(), &queries, k, sample.metric);
            for wanted in [0.8, 0.9, 0.95, 0.99] {
                let found = search(&sample.index, &queries, &asked(k, wanted));
                let found = recall(&found, &truth);
                // 400 queries: a standard error of .01 or so at k = 1.
                let below = if k == 1 { 0.035 } else { 0.02 };
                assert!(found >= wanted - below, "{found} for {wanted}, k = {k}");
            }
            // Less is asked, less is done.
            let found = search(&sample.index, &queries, &asked(k, 0.5));
            assert!(recall(&found, &truth) < 0.995, "k = {k}");
        }
    }
}

#[test]
fn the_recall_of_the_index_serves_where_a_search_asks_for_none() {
    let sample = samples()[0];
    let queries = sample.queries();
    let own = search(&sample.index, &queries, &SearchOptions::nearest(10));
    assert_eq!(own, search(&sample.index, &queries, &asked(10, 0.95)));
    assert_ne!(own, search(&sample.index, &queries, &asked(10, 0.6)));
}

/// Queries made of the sample's own, by a rule.
fn strangers(sample: &Sample) -> Vec<(&'static str, Vec<f32>)> {
    let dim = sample.dim;
    let n = sample.rows.len() / dim;
    let count = 150;
    let row = |i: usize| &sample.rows[(i * 7919 + 13) % n * dim..][..dim];
    let mut mean = vec![0.0; dim];
    for row in sample.rows.chunks(dim) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, x)| *m += x / n as f32);
    }
    let each = |make: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
        (0..count)
            .flat_map(|i| (0..dim).map(move |j| (i, j)))
            .map(|(i, j)| make(i, j))
            .collect()
    };
    let noise = normal(31, count * dim);
    vec![
        (
            "mean of two",
            each(&|i, j| 0.5 * (row(i)[j] + row(i + count)[j])),
        ),
        ("reflected", each(&|i, j| 2.0 * mean[j] - row(i)[j])),
        ("negated", each(&|i, j| -row(i)[j])),
        ("shuffled", each(&|i, j| row(i)[(j * 7 + 3 + i) % dim])),
        ("noise", each(&|i, j| noise[i * dim + j])),
        (
            "far out",
            each(&|i, j| mean[j] + 4.0 * (row(i)[j] - mean[j])),
        ),
        (
            "sparse",
            each(&|i, j| if (i + j) % 5 == 0 { row(i)[j] } else { 0.0 }),
        ),
    ]
}

/// Recall of strangers where .95 is asked, by kind and k.
fn recalls_of_strangers(sample: &Sample) -> Vec<(&'static str, usize, f64)> {
    let mut recalls = Vec::new();
    for (kind, queries) in strangers(sample) {
        let queries = view(&queries, sample.dim);
        for k in [1, 10, 100] {
            let truth = knn(&sample.rows(), &queries, k, sample.metric);
            let found = search(&sample.index, &queries, &asked(k, 0.95));
            assert_sound(&found, &sample.rows(), &queries, k, sample.metric);
            recalls.push((kind, k, recall(&found, &truth)));
        }
    }
    recalls
}

/// At least so much recall@10 for every kind, and something for other k.
fn assert_strangers_get(least_of_ten: f64, sample: &Sample) {
    let recalls = recalls_of_strangers(sample);
    for (kind, k, found) in &recalls {
        let least = match k {
            1 => 0.75,
            10 => least_of_ten,
            _ => 0.4,
        };
        assert!(*found >= least, "{kind}, k = {k}: {recalls:?}");
    }
}

#[test]
fn queries_unlike_the_points_get_ten_neighbours_as_asked() {
    let [short, long, many] = samples();
    assert_strangers_get(0.9, short);
    assert_strangers_get(0.9, long);
    assert_strangers_get(0.82, many);
}

#[test]
#[ignore = "not so yet: with regions of 200 points two of seven kinds get .86 and .89"]
fn queries_unlike_the_points_get_ten_neighbours_where_buckets_are_ranked_in_two_levels() {
    assert_strangers_get(0.9, samples()[2]);
}

#[test]
#[ignore = "not so yet: of strangers of crowds of 125, means of two get .87 to .92"]
fn queries_unlike_the_points_get_their_recall_for_every_k() {
    for recalls in samples().map(recalls_of_strangers) {
        let low = recalls.iter().filter(|found| found.2 < 0.9);
        assert_eq!(low.count(), 0, "{recalls:?}");
    }
}

#[test]
fn more_probes_find_more_and_all_probes_nearly_all() {
    for sample in samples() {
        let queries = sample.queries();
        let truth = knn(&sample.rows(), &queries, 10, sample.metric);
        let buckets = sample.index.describe().codes.unwrap().buckets;
        let mut before = 0.0;
        for probes in [1, 2, 4, 8, 16, buckets, 10 * buckets] {
            let options = SearchOptions {
                probes: Some(probes),
                recall: Some(1.0),
                ..SearchOptions::nearest(10)
            };
            let found = recall(&search(&sample.index, &queries, &options), &truth);
            assert!(found >= before, "{found} with {probes} probes");
            before = found;
        }
        assert!(before > 0.99, "{before}");
    }
}

#[test]
fn evaluate_measures_the_recall_of_search() {
    for sample in samples() {
        let queries = sample.queries();
        for (k, wanted) in [(1, 0.9), (10, 0.8), (10, 0.95), (100, 0.99)] {
            let options = asked(k, wanted);
            let truth = knn(&sample.rows(), &queries, k, sample.metric);
            let expected = recall(&search(&sample.index, &queries, &options), &truth);
            let control = Control::new();
            let found = sample.index.evaluate(&queries, &options, &control).unwrap();
            assert!((found.recall - expected).abs() < 1e-12);
            assert!(found.low <= found.recall && found.recall <= found.high);
            assert!(found.p5 <= found.recall);
            assert!(found.micros_per_query > 0.0 && found.exact_micros_per_query > 0.0);
        }
    }
}

#[test]
fn the_curve_rises_with_recall_and_says_what_searches_do() {
    for sample in samples() {
        let description = sample.index.describe();
        let codes = description.codes.unwrap();
        let many = sample.index.options().regions_from == 0;
        assert_eq!(codes.bits, if sample.dim <= 64 && !many { 7 } else { 4 });
        assert_eq!(codes.axes % 16, 0);
        assert!(codes.mean_bucket_size <= codes.max_bucket_size as f64);
        let bytes = if codes.bits == 4 { 0.5 } else { 1.0 };
        assert!(codes.bytes_per_vector > codes.axes as f64 * bytes);
        for k in [1, 10, 100] {
            let of_k = codes.calibration.iter().filter(|point| point.k == k);
            let curve: Vec<(f64, f64)> = of_k.map(|point| (point.recall, point.probes)).collect();
            assert!(curve.len() > 3);
            assert!(curve.is_sorted());
            let probes: Vec<f64> = curve.iter().map(|point| point.1).collect();
            assert!(probes.is_sorted(), "k = {k}: {probes:?}");
            assert!(
                probes
                    .iter()
                    .all(|p| *p >= 1.0 && *p <= codes.buckets as f64)
            );
        }
    }
}

#[test]
fn the_seed_moves_recall_little() {
    let dim = 24;
    let (rows, queries) = (clustered(1, 4000, dim), clustered(5, 400, dim));
    let queries = view(&queries, dim);
    let truth = knn(&view(&rows, dim), &queries, 10, nearhash::Metric::Euclidean);
    let recalls = [1, 2].map(|seed| {
        let options = IndexOptions {
            seed,
            ..IndexOptions::default()
        };
        let index = fitted(options, floats(&rows), dim);
        recall(&search(&index, &queries, &asked(10, 0.9)), &truth)
    });
    assert!((recalls[0] - recalls[1]).abs() < 0.02, "{recalls:?}");
}

#[test]
fn photos_that_were_not_fitted_are_found_as_asked() {
    // The first photos are asked for, the others are in the index.
    let n = 12_000;
    let (queries, rows) = COUNTS[..(photos::QUERIES + n) * DIM].split_at(photos::QUERIES * DIM);
    let points = Points::new(nearhash::RowData::I16(rows.to_vec()), DIM).unwrap();
    let truth = {
        let queries: Vec<f32> = queries.iter().map(|x| f32::from(*x)).collect();
        knn(
            &points.view(),
            &view(&queries, DIM),
            10,
            nearhash::Metric::Euclidean,
        )
    };
    let queries = nearhash::RowsView::new(nearhash::RowSlice::I16(queries), DIM).unwrap();
    for settle in [None, Some(0)] {
        let index = nearhash::adaptive::AdaptiveIndex::new(IndexOptions {
            settle,
            ..IndexOptions::default()
        })
        .unwrap();
        index.fit(points.clone(), &Control::new()).unwrap();
        assert_eq!(index.describe().codes.unwrap().settle, settle.unwrap_or(1));
        for wanted in [0.9, 0.95, 0.99] {
            let found = recall(&search(&index, &queries, &asked(10, wanted)), &truth);
            assert!(found > wanted - 0.02, "{found} for {wanted}, {settle:?}");
        }
    }
}

/// All photos have the same sum, so that no axis lies along it: of queries that differ from them in their sum
/// nearly everything is rest, and goes together with the rest of no photo.
#[test]
fn queries_far_off_all_axes_find_what_is_nearest() {
    let rows = &COUNTS[..31_000 * DIM];
    let points = Points::new(RowData::I16(rows.to_vec()), DIM).unwrap();
    let noise = normal(17, 200 * DIM);
    let queries: Vec<f32> = noise
        .chunks(DIM)
        .enumerate()
        .flat_map(|(i, noise)| {
            let level = 20.0 + 3.0 * i as f32;
            noise.iter().map(move |x| level * (1.0 + 0.05 * x))
        })
        .collect();
    let queries = view(&queries, DIM);
    for seed in 0..3 {
        let index = nearhash::adaptive::AdaptiveIndex::new(IndexOptions {
            seed,
            ..IndexOptions::default()
        })
        .unwrap();
        index.fit(points.clone(), &Control::new()).unwrap();
        for k in [1, 10, 100] {
            let truth = knn(&points.view(), &queries, k, nearhash::Metric::Euclidean);
            let found = recall(&search(&index, &queries, &asked(k, 0.95)), &truth);
            assert!(found >= 0.93, "{found}, k = {k}, seed {seed}");
        }
    }
}

#[test]
fn short_vectors_keep_the_axes_along_which_near_points_differ() {
    // Variance that falls off fast: the last third of the numbers has a fiftieth of it.
    let dim = 48;
    let mut generator = ChaCha8Rng::seed_from_u64(11);
    let mut normal = |by: f32| by * generator.sample::<f32, _>(StandardNormal);
    let mut rows: Vec<f32> = Vec::new();
    for _ in 0..13_000 {
        // Clusters, so that there are near points.
        let centre: Vec<f32> = (0..dim).map(|j| normal(0.94_f32.powi(j))).collect();
        for _ in 0..4 {
            let near = centre.iter().enumerate();
            rows.extend(near.map(|(j, x)| x + 0.2 * normal(0.94_f32.powi(j as i32))));
        }
    }
    let axes = |rows: Vec<f32>| {
        let index = fitted(IndexOptions::default(), RowData::F32(rows), dim as usize);
        index.describe().codes.unwrap().axes
    };
    let few = axes(rows.clone());
    // Among few points all axes are kept.
    assert_eq!(axes(rows[..12_000 * dim as usize].to_vec()), 48);
    // Near copies of all of them, with the same noise in every coordinate.
    let copies: Vec<f32> = rows.iter().map(|x| x + normal(0.1)).collect();
    rows.extend(copies);
    let many = axes(rows);
    assert_eq!((few, many), (32, 48));
}
