//! Keys of L2 are sums, and different buckets can have the same one. That is harmless: such buckets
//! share their candidates, which are ranked by their exact distance like all others.
//!
//! A pair of such buckets is rare (2⁻⁶⁴) but can be had: integers that the factors of a seed add up
//! to nothing with, found by lattice reduction (LLL), are the step from the one to the other.

use ndarray::Array2;

use crate::lsh::built;
use crate::lsh::family::Family;
use crate::lsh::l2::L2;
use crate::lsh::random;
use crate::metric::Prepared;
use crate::{
    Control, FamilyKind, LshIndex, LshOptions, Metric, Points, PredictOptions, RowData, RowSlice,
    RowsView, exact,
};

const SEED: u64 = 2024;
const K: usize = 6;
const R: f32 = 2.0;
/// Σ step × factor = 0 (mod 2⁶⁴).
const STEP: [i32; K] = [-69, -463, 83, 712, 452, -361];

/// The vector with these projections, by elimination with pivoting.
fn solve(planes: &Array2<f32>, mut projections: Vec<f64>) -> Vec<f32> {
    let mut rows: Vec<Vec<f64>> = planes
        .rows()
        .into_iter()
        .map(|row| row.iter().map(|x| f64::from(*x)).collect())
        .collect();
    for i in 0..K {
        let pivot = (i..K)
            .max_by(|a, b| rows[*a][i].abs().total_cmp(&rows[*b][i].abs()))
            .unwrap();
        rows.swap(i, pivot);
        projections.swap(i, pivot);
        let chosen = rows[i].clone();
        for j in (0..K).filter(|j| *j != i) {
            let factor = rows[j][i] / chosen[i];
            for (x, chosen) in rows[j].iter_mut().zip(&chosen) {
                *x -= factor * chosen;
            }
            projections[j] -= factor * projections[i];
        }
    }
    (0..K)
        .map(|i| (projections[i] / rows[i][i]) as f32)
        .collect()
}

/// The middle of a bucket of table 0.
fn middle(bucket: &[i32]) -> Vec<f32> {
    let (planes, offsets) = random::planes(SEED, 0, K, K);
    let projections = bucket
        .iter()
        .zip(offsets)
        .map(|(value, offset)| (f64::from(*value) + 0.5 - f64::from(offset)) * f64::from(R))
        .collect();
    solve(&planes, projections)
}

/// Three points in a bucket, two in the one that shares its key, one in its neighbour.
fn points() -> Vec<Vec<f32>> {
    let near = |row: &[f32], by: f32| row.iter().map(|x| x + by).collect::<Vec<f32>>();
    let one = middle(&[0; K]);
    let other = middle(&STEP);
    let neighbour = middle(&[1, 0, 0, 0, 0, 0]);
    vec![
        one.clone(),
        other.clone(),
        near(&one, 1e-3),
        near(&other, 1e-3),
        near(&one, -1e-3),
        neighbour,
    ]
}

fn index(l: usize) -> LshIndex {
    let index = LshIndex::new(LshOptions {
        family: FamilyKind::L2 { r: Some(R) },
        n_projections: Some(K),
        n_hash_tables: Some(l),
        seed: SEED,
        ..LshOptions::default()
    })
    .unwrap();
    let points = Points::new(RowData::F32(points().concat()), K).unwrap();
    index.fit(points, &Control::new()).unwrap();
    index
}

fn view(rows: &[f32]) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), K).unwrap()
}

#[test]
fn the_two_buckets_are_different_and_share_a_key() {
    let sum = STEP
        .iter()
        .zip(random::key_factors(SEED, K))
        .fold(0_u64, |sum, (step, factor)| {
            sum.wrapping_add((i64::from(*step) as u64).wrapping_mul(factor))
        });
    assert_eq!(sum, 0);

    let rows = points().concat();
    let family = L2::new(SEED, K, K, 1, R);
    let values = built::hash_values(&family, &view(&rows), &Control::new()).unwrap();
    let values: Vec<_> = values.chunks(K).collect();
    assert_eq!(values[0], [0; K]);
    assert_eq!(values[1], STEP);
    assert_eq!((values[2], values[4]), (values[0], values[0]));
    assert_eq!(values[3], values[1]);
    assert_eq!(values[5], [1, 0, 0, 0, 0, 0]);
    let rows = view(&rows);
    let prepared = Prepared::new("x", &rows, family.metric()).unwrap();
    let keys = built::hash_rows(&family, &prepared);
    assert!(keys[1..5].iter().all(|key| *key == keys[0]));
    assert_ne!(keys[5], keys[0]);
}

#[test]
fn buckets_keeps_apart_what_shares_a_key() {
    let buckets = index(1).buckets(0).unwrap();
    let expected = [
        ("0,0,0,0,0,0".to_owned(), vec![0, 2, 4]),
        ("-69,-463,83,712,452,-361".to_owned(), vec![1, 3]),
        ("1,0,0,0,0,0".to_owned(), vec![5]),
    ];
    assert_eq!(buckets, expected);
}

#[test]
fn answers_are_right_where_buckets_share_a_key() {
    let rows = points();
    let flat = rows.concat();
    for l in [1, 3] {
        let index = index(l);
        for (id, row) in rows.iter().enumerate().take(5) {
            // Those of both buckets are candidates, each once.
            let candidates = index.candidates(&view(row)).unwrap();
            assert_eq!(candidates[..5], [0, 1, 2, 3, 4]);
            // The nearest of its own bucket come first, with their true distances.
            let found = index.search(&view(row), 5, &Control::new()).unwrap();
            let truth = exact::knn(
                &view(&flat),
                &view(row),
                6,
                Metric::Euclidean,
                &Control::new(),
            )
            .unwrap();
            assert_eq!((found.ids[0], found.distances[0]), (id as u32, 0.0));
            let own: &[u32] = if id % 2 == 0 { &[0, 2, 4] } else { &[1, 3] };
            assert!(found.ids[..own.len()].iter().all(|id| own.contains(id)));
            let known: Vec<_> = truth.ids.iter().zip(&truth.distances).collect();
            for (id, distance) in found.ids.iter().zip(&found.distances) {
                assert!(known.contains(&(id, distance)));
            }
        }
    }
}

#[test]
fn probing_and_changes_go_well_where_buckets_share_a_key() {
    let rows = points();
    let index = index(1);
    index.set_budget(2 * K);
    let predicted = index
        .predict(&view(&rows[0]), &PredictOptions::default(), &Control::new())
        .unwrap();
    assert_eq!(predicted.collisions, [6]);
    // Deleting by value takes the point itself, not the others of its key.
    assert_eq!(index.delete_equal(&view(&rows[0])), Ok(1));
    assert_eq!(index.candidates(&view(&rows[0])).unwrap(), [1, 2, 3, 4, 5]);
    index.update(1, &view(&rows[0])).unwrap();
    let found = index.search(&view(&rows[0]), 1, &Control::new()).unwrap();
    assert_eq!((found.ids[0], found.distances[0]), (1, 0.0));
    let stored = index.store(&view(&rows[1]), &Control::new()).unwrap();
    assert_eq!(stored, 6..7);
    let found = index.search(&view(&rows[1]), 1, &Control::new()).unwrap();
    assert_eq!((found.ids[0], found.distances[0]), (6, 0.0));
    let names: Vec<_> = index.buckets(0).unwrap().into_iter().collect();
    assert_eq!(names.len(), 3);
}
