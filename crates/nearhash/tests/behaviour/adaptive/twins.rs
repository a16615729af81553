//! Where points are there several times, or nearly, queries that are not get the recall that is asked for all the
//! same.

use nearhash::Metric;
use nearhash::adaptive::AdaptiveIndex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{asked, fitted, floats, knn, recall, search, with_metric};
use crate::photos::{COUNTS, DIM};
use crate::view;

const QUERIES: usize = 400;

/// Some photos, and `count` of the others, each of them so many times: as it is, and with noise of so much of the usual
/// distance of a tenth neighbour.
fn photos_with_copies(count: usize, copies: usize, noise: f32) -> [Vec<f32>; 2] {
    let photos: Vec<f32> = COUNTS[..(QUERIES + count) * DIM]
        .iter()
        .map(|x| f32::from(*x))
        .collect();
    let (queries, photos) = photos.split_at(QUERIES * DIM);
    let far = {
        let some = view(&photos[..100 * DIM], DIM);
        let found = knn(&view(photos, DIM), &some, 11, Metric::Euclidean);
        found.distances.chunks(11).map(|x| x[10]).sum::<f32>() / 100.0
    };
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    let mut normal = || generator.sample::<f32, _>(StandardNormal);
    let deviation = noise * far / (DIM as f32).sqrt();
    let mut rows = photos.to_vec();
    for _ in 1..copies {
        rows.extend(photos.iter().map(|x| x + deviation * normal()));
    }
    [queries.to_vec(), rows]
}

/// Recall of some queries where so much is asked.
fn found(index: &AdaptiveIndex, rows: &[f32], queries: &[f32], k: usize, wanted: f64) -> f64 {
    let queries = view(queries, DIM);
    let truth = knn(&view(rows, DIM), &queries, k, Metric::Euclidean);
    recall(&search(index, &queries, &asked(k, wanted)), &truth)
}

fn assert_reached(count: usize, copies: usize, noise: f32) {
    let [queries, rows] = photos_with_copies(count, copies, noise);
    let index = fitted(with_metric(Metric::Euclidean), floats(&rows), DIM);
    // Queries with twins: points with noise of their own.
    let mut generator = ChaCha8Rng::seed_from_u64(4);
    let n = rows.len() / DIM;
    let near: Vec<f32> = (0..QUERIES)
        .flat_map(|i| &rows[i * 7919 % n * DIM..][..DIM])
        .map(|x| x + noise * generator.sample::<f32, _>(StandardNormal))
        .collect();
    for (what, queries) in [("photos", &queries), ("near points", &near)] {
        for (k, wanted) in [(1, 0.9), (10, 0.8), (10, 0.9), (10, 0.95), (30, 0.9)] {
            let found = found(&index, &rows, queries, k, wanted);
            let below = if k == 1 { 0.05 } else { 0.03 };
            assert!(
                found >= wanted - below,
                "{what}: {found} for {wanted}, k = {k}, {copies} times"
            );
        }
    }
}

#[test]
fn photos_are_found_among_near_copies_of_others() {
    assert_reached(2000, 10, 0.7);
    assert_reached(4000, 4, 0.7);
}

#[test]
fn photos_are_found_among_others_that_are_there_several_times() {
    assert_reached(4000, 2, 0.0);
    assert_reached(1500, 10, 0.0);
}
