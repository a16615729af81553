//! No bound is above the distance it stands for, whatever the data; and bounds tell much where data
//! has few directions.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;
use crate::adaptive::spectrum::Spectrum;
use crate::kernel::padded_width;
use crate::metric::Metric;
use crate::points::{Points, RowData, RowSlice, RowsView};
use crate::testing::config;

/// What the rows are like.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Normal,
    /// Few directions, much repeated.
    Clustered,
    /// Far from the origin, close together.
    Shifted,
    /// Coordinates of all magnitudes that ranking in float32 takes.
    Wild,
    /// Most numbers zero, few large.
    Spiked,
    Bytes,
    Constant,
}

const KINDS: [Kind; 7] = [
    Kind::Normal,
    Kind::Clustered,
    Kind::Shifted,
    Kind::Wild,
    Kind::Spiked,
    Kind::Bytes,
    Kind::Constant,
];

fn rows(generator: &mut ChaCha8Rng, kind: Kind, count: usize, dim: usize) -> Vec<f32> {
    let mut number = || generator.sample::<f32, _>(StandardNormal);
    let all = 0..count * dim;
    match kind {
        Kind::Normal => all.map(|_| number()).collect(),
        Kind::Clustered => {
            let basis: Vec<f32> = (0..5 * dim).map(|_| number()).collect();
            let rows = (0..count).flat_map(|i| {
                let by: [f32; 5] = std::array::from_fn(|_| number());
                let noise = if i % 3 == 0 { 0.0 } else { 1e-2 };
                let row: Vec<f32> = (0..dim)
                    .map(|j| {
                        let sum: f32 = (0..5).map(|b| by[b] * basis[b * dim + j]).sum();
                        sum + noise * number()
                    })
                    .collect();
                // Every third row twice.
                vec![row; if i % 3 == 0 { 2 } else { 1 }]
            });
            rows.take(count).flatten().collect()
        }
        Kind::Shifted => all.map(|_| 1e4 + 1e-2 * number()).collect(),
        Kind::Wild => {
            let exponents: Vec<f32> = (0..dim).map(|_| 6.0 * number()).collect();
            let some = all.map(|i| number() * 10_f32.powf(exponents[i % dim].clamp(-25.0, 14.0)));
            some.map(|x| x.clamp(-1e15, 1e15)).collect()
        }
        Kind::Spiked => all
            .map(|i| if i % 37 == 0 { 1e6 * number() } else { 0.0 })
            .collect(),
        Kind::Bytes => all
            .map(|_| (number() * 60.0 + 60.0).clamp(0.0, 255.0).round())
            .collect(),
        Kind::Constant => all.map(|i| (i % dim) as f32 - 3.0).collect(),
    }
}

fn usable(row: &[f32], metric: Metric) -> bool {
    metric == Metric::Euclidean || row.iter().any(|x| x.abs() > 1e-3)
}

/// Bounds and distances of all pairs, by level: (bound, distance).
fn bounds(
    data: &[f32],
    queries: &[f32],
    dim: usize,
    places: Option<usize>,
    metric: Metric,
) -> Vec<(f32, f32)> {
    let points = Points::new(RowData::F32(data.to_vec()), dim).unwrap();
    let view = points.view();
    let rows = Prepared::new("x", &view, metric).unwrap();
    let spectrum = Spectrum::of(&rows, places.unwrap_or(16));
    let map = match places {
        Some(places) => Map::leading(&spectrum, dim, places),
        None => Map::all(&spectrum, dim),
    };
    let codes = Codes::of(map, &rows, &Control::new()).unwrap();
    let norms = rows.into_norms();
    let queries = RowsView::new(RowSlice::F32(queries), dim).unwrap();
    let prepared = Prepared::new("x", &queries, metric).unwrap();
    let width = padded_width(dim);
    let mut buffer = Vec::new();
    let ids: Vec<u32> = (0..points.rows() as u32).rev().collect();
    let mut all: Option<Vec<(f32, f32)>> = None;
    for kernels in Kernels::available() {
        let mut scratch = CodeQuery::default();
        let mut found = Vec::new();
        let block = prepared.block(0..queries.rows(), width, &mut buffer);
        for query in block.chunks_exact(width) {
            let mut lower = vec![f32::NAN; ids.len()];
            codes.lower_bounds(kernels, query, &ids, &mut scratch, &mut lower);
            let mut distances = vec![0.0; ids.len()];
            let norms = norms.as_deref();
            kernels.gather(query, points.padded(), dim, &ids, norms, &mut distances);
            found.extend(lower.into_iter().zip(distances));
        }
        // The same bits on every level.
        let bits = |all: &[(f32, f32)]| -> Vec<(u32, u32)> {
            all.iter().map(|x| (x.0.to_bits(), x.1.to_bits())).collect()
        };
        if let Some(before) = &all {
            assert_eq!(bits(before), bits(&found), "{kernels:?}");
        }
        all = Some(found);
    }
    all.unwrap()
}

proptest! {
    #![proptest_config(config(120))]

    #[test]
    fn no_bound_is_above_the_distance(
        seed: u64,
        kind in prop::sample::select(&KINDS[..]),
        asked in prop::sample::select(&KINDS[..]),
        dim in prop_oneof![1..40_usize, Just(64), 65..300_usize],
        places in prop::sample::select(&[None, Some(16), Some(48), Some(112)][..]),
        metric in prop::sample::select(&[Metric::Euclidean, Metric::Cosine][..]),
    ) {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let data = rows(&mut generator, kind, 60, dim);
        let mut queries = rows(&mut generator, asked, 6, dim);
        // Stored rows too, and what is very near to one.
        queries.extend_from_slice(&data[..4 * dim]);
        queries.extend(data[4 * dim..6 * dim].iter().map(|x| x * (1.0 + f32::EPSILON)));
        let keep = |rows: Vec<f32>| -> Vec<f32> {
            rows.chunks(dim).filter(|row| usable(row, metric)).flatten().copied().collect()
        };
        let (data, queries) = (keep(data), keep(queries));
        prop_assume!(!data.is_empty() && !queries.is_empty());
        for (bound, distance) in bounds(&data, &queries, dim, places, metric) {
            prop_assert!(bound >= 0.0 && bound <= distance, "{bound:e} > {distance:e}");
        }
    }
}

#[test]
fn bounds_are_near_the_distances_where_codes_hold_what_there_is() {
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let (count, dim) = (300, 128);
    for kind in [Kind::Normal, Kind::Clustered, Kind::Shifted, Kind::Bytes] {
        let data = rows(&mut generator, kind, count, dim);
        let queries = &data[..8 * dim];
        let places = match kind {
            Kind::Clustered => Some(16),
            _ => None,
        };
        for metric in [Metric::Euclidean, Metric::Cosine] {
            if matches!(kind, Kind::Shifted) && metric == Metric::Cosine {
                // All directions are one within float32.
                continue;
            }
            let found = bounds(&data, queries, dim, places, metric);
            let near = found
                .iter()
                .filter(|(bound, distance)| *bound >= 0.85 * distance);
            let near = near.count() as f64 / found.len() as f64;
            assert!(near > 0.9, "{kind:?} {metric:?}: {near}");
        }
    }
}

#[test]
fn codes_take_what_they_say() {
    let mut generator = ChaCha8Rng::seed_from_u64(6);
    let data = rows(&mut generator, Kind::Clustered, 3000, 200);
    let view = RowsView::new(RowSlice::F32(&data), 200).unwrap();
    let rows = Prepared::new("x", &view, Metric::Euclidean).unwrap();
    let codes = Codes::choose(&rows, 800, &Control::new()).unwrap().unwrap();
    // One line a row, 48 axes, the mean, a step for each axis, zeros for offsets.
    let floats = 48 * 200 + padded_width(200) + 48 + 48;
    assert_eq!(codes.memory_bytes(), 3000 * 64 + 4 * floats);
}

#[test]
fn few_rows_short_rows_and_rows_as_small_as_their_codes_get_none() {
    let mut generator = ChaCha8Rng::seed_from_u64(7);
    for (count, dim, row_bytes) in [(2000, 200, 800), (3000, 48, 192), (3000, 64, 64)] {
        let data = rows(&mut generator, Kind::Clustered, count, dim);
        let view = RowsView::new(RowSlice::F32(&data), dim).unwrap();
        let rows = Prepared::new("x", &view, Metric::Euclidean).unwrap();
        let codes = Codes::choose(&rows, row_bytes, &Control::new()).unwrap();
        assert!(codes.is_none(), "{count} x {dim}");
    }
    // Nothing to leave out: every direction counts alike, and neighbours are as far as all others.
    let data = rows(&mut generator, Kind::Normal, 3000, 600);
    let view = RowsView::new(RowSlice::F32(&data), 600).unwrap();
    let rows = Prepared::new("x", &view, Metric::Euclidean).unwrap();
    assert!(
        Codes::choose(&rows, 600, &Control::new())
            .unwrap()
            .is_none()
    );
}
