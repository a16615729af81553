//! The fast ways against slow obvious ones: words and their weights.

use proptest::prelude::*;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::Control;
use crate::metric::{Metric, Prepared};
use crate::points::{RowSlice, RowsView};
use crate::testing::config;

mod training;

fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut generator = random::group_stream(seed, 77);
    (0..count)
        .map(|_| generator.sample::<f32, _>(StandardNormal))
        .collect()
}

/// Rows around a few centres, so that there is something to find.
fn clumps(seed: u64, count: usize, dim: usize) -> Vec<f32> {
    let centres = normal(seed, 20 * dim);
    let noise = normal(seed + 1, count * dim);
    noise
        .iter()
        .enumerate()
        .map(|(i, noise)| {
            let (row, column) = (i / dim, i % dim);
            centres[row % 20 * dim + column] * 3.0 + noise
        })
        .collect()
}

fn view(rows: &[f32], dim: usize) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), dim).unwrap()
}

fn options(groups: usize, clusters: usize) -> ClusterTokensOptions {
    ClusterTokensOptions {
        groups: Some(groups),
        clusters,
        seed: 4,
        ..ClusterTokensOptions::default()
    }
}

fn train(rows: &[f32], dim: usize, options: &ClusterTokensOptions) -> ClusterTokens {
    ClusterTokens::train(&view(rows, dim), options, &Control::new()).unwrap()
}

fn encode(model: &ClusterTokens, rows: &RowsView<'_>) -> CodeMatrix {
    model.encode(rows, &Control::new()).unwrap()
}

/// Squared distances of a row to the centroids of each group: one sum after the other, coordinate by
/// coordinate, fused.
fn naive_squares(model: &ClusterTokens, row: &[f32]) -> Vec<Vec<f32>> {
    let view = view(row, row.len());
    let prepared = Prepared::new("x", &view, model.metric()).unwrap();
    let mut placed = vec![0.0; row.len()];
    model.space.place(
        prepared.block(0..1, row.len(), &mut Vec::new()),
        &mut placed,
    );
    let mut start = 0;
    model
        .codebook
        .groups()
        .iter()
        .map(|group| {
            let part = &placed[start..start + group.dim()];
            start += group.dim();
            let squares = group.centroids();
            let squares = squares.chunks(group.dim()).map(|centroid| {
                part.iter().zip(centroid).fold(0.0_f32, |sum, (x, c)| {
                    let difference = x - c;
                    difference.mul_add(difference, sum)
                })
            });
            squares.collect()
        })
        .collect()
}

fn naive_codes(model: &ClusterTokens, row: &[f32]) -> Vec<usize> {
    naive_squares(model, row)
        .iter()
        .map(|squares| {
            let least = squares.iter().copied().fold(f32::INFINITY, f32::min);
            squares.iter().position(|square| *square == least).unwrap()
        })
        .collect()
}

/// Words of each row.
fn words(model: &ClusterTokens, rows: &RowsView<'_>) -> Vec<Vec<String>> {
    let texts = model.encode_text(rows, &Control::new()).unwrap();
    texts
        .iter()
        .flat_map(|text| text.split('\n'))
        .map(|row| row.split(' ').map(str::to_owned).collect())
        .collect()
}

fn check_codes(seed: u64, dim: usize, groups: usize, clusters: usize, metric: Metric) {
    let rows = clumps(seed, 333, dim);
    let options = ClusterTokensOptions {
        metric,
        ..options(groups, clusters)
    };
    let model = train(&rows, dim, &options);
    assert_eq!((model.groups(), model.dim()), (groups, dim));
    let codes = encode(&model, &view(&rows, dim));
    assert_eq!((codes.rows(), codes.groups()), (333, groups));
    let words = words(&model, &view(&rows, dim));
    for (i, row) in rows.chunks(dim).enumerate() {
        let expected = naive_codes(&model, row);
        let found: Vec<usize> = (0..groups).map(|group| codes.get(i, group)).collect();
        assert_eq!(found, expected, "row {i}");
        let expected = expected.iter().enumerate();
        let expected: Vec<String> = expected.map(|(g, c)| format!("{g}-{c}")).collect();
        assert_eq!(words[i], expected, "row {i}");
    }
}

#[test]
fn words_name_the_nearest_cluster_of_every_group() {
    for (dim, groups) in [(1, 1), (7, 3), (16, 16), (20, 6), (33, 5), (64, 16)] {
        for metric in [Metric::Euclidean, Metric::Cosine] {
            check_codes(dim as u64, dim, groups, 20, metric);
        }
    }
}

#[test]
fn more_than_256_clusters_take_two_bytes_a_code() {
    let rows = normal(3, 3000 * 4);
    for (clusters, two_bytes) in [(256, false), (257, true), (700, true)] {
        let model = train(&rows, 4, &options(2, clusters));
        let codes = encode(&model, &view(&rows, 4));
        let most = (0..3000).map(|row| codes.get(row, 1)).max();
        assert_eq!(most, Some(clusters - 1));
        for (i, row) in rows.chunks(4).enumerate().take(200) {
            assert_eq!(codes.get(i, 0), naive_codes(&model, row)[0]);
        }
        assert_eq!(matches!(codes.into_codes(), Codes::U16(_)), two_bytes);
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn words_name_the_nearest_cluster_whatever_the_shape(
        seed in 0_u64..1000,
        dim in 1_usize..40,
        share in 0.0_f64..1.0,
        clusters in 1_usize..40,
        cosine: bool,
    ) {
        let groups = 1 + (share * (dim - 1) as f64) as usize;
        let metric = if cosine { Metric::Cosine } else { Metric::Euclidean };
        check_codes(seed, dim, groups, clusters, metric);
    }

    #[test]
    fn groups_share_the_dimensions_as_evenly_as_can_be(dim in 1_usize..5000, share in 0.0_f64..1.0) {
        let groups = 1 + (share * (dim - 1) as f64) as usize;
        let starts = codebook::group_starts(dim, groups);
        prop_assert_eq!(starts.len(), groups + 1);
        prop_assert_eq!((starts[0], starts[groups]), (0, dim));
        let sizes: Vec<usize> = starts.windows(2).map(|ends| ends[1] - ends[0]).collect();
        prop_assert!(sizes.is_sorted_by(|a, b| a >= b));
        prop_assert!(sizes[0] - sizes[groups - 1] <= 1 && sizes[groups - 1] > 0);
    }
}

#[test]
fn a_query_asks_for_the_nearest_clusters_and_weighs_them_by_their_distance() {
    let (dim, groups) = (24, 5);
    let rows = clumps(6, 400, dim);
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let options = ClusterTokensOptions {
            metric,
            ..options(groups, 30)
        };
        let model = train(&rows, dim, &options);
        for row in rows.chunks(dim).take(50) {
            for probes in [1, 4, 29, 30, 31, 1000] {
                let found = model.encode_query(&view(row, dim), Some(probes)).unwrap();
                let count = probes.min(30);
                assert_eq!(found.words.len(), groups * count);
                assert_eq!(found.words.len(), model.query_word_count(probes));
                for (group, squares) in naive_squares(&model, row).iter().enumerate() {
                    let distance =
                        |c: &usize| f64::from(squares[*c]).sqrt() / f64::from(model.space.scale);
                    let mean = (0..30).map(|c| distance(&c)).sum::<f64>() / 30.0;
                    let mut order: Vec<usize> = (0..30).collect();
                    order.sort_by(|a, b| squares[*a].total_cmp(&squares[*b]));
                    for (place, cluster) in order.iter().enumerate().take(count) {
                        let at = group * count + place;
                        assert_eq!(found.words[at], format!("{group}-{cluster}"));
                        let expected = (mean - distance(cluster)).max(0.0);
                        let weight = f64::from(found.weights[at]);
                        assert!(
                            (weight - expected).abs() < 1e-5 * mean,
                            "{weight} {expected}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_nearest_clusters_of_a_query_are_the_words_of_its_vector() {
    let rows = clumps(8, 500, 10);
    let model = train(&rows, 10, &options(4, 16));
    for (row, words) in rows.chunks(10).zip(words(&model, &view(&rows, 10))) {
        let query = model.encode_query(&view(row, 10), Some(1)).unwrap();
        assert_eq!(query.words, words);
    }
}

#[test]
fn without_a_number_a_query_asks_for_the_models_own() {
    let rows = clumps(8, 500, 10);
    let given = ClusterTokensOptions {
        probes: Some(7),
        ..options(4, 16)
    };
    let model = train(&rows, 10, &given);
    let query = model.encode_query(&view(&rows[..10], 10), None).unwrap();
    assert_eq!((model.probes(), query.words.len()), (7, 28));
    let recalls = model.validation.unwrap().recalls;
    assert_eq!(recalls.iter().map(|r| r.probes).collect::<Vec<_>>(), [7]);
}
