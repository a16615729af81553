use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::metric::Metric;
use crate::points::{RowSlice, RowsView};
use crate::random::stream;

/// Normal numbers, dimension j with a standard deviation of `decay` to the power j.
fn normal(seed: u64, count: usize, dim: usize, decay: f32) -> Vec<f32> {
    let mut random = stream(seed, 0);
    (0..count * dim)
        .map(|i| random.sample::<f32, _>(StandardNormal) * decay.powi((i % dim) as i32))
        .collect()
}

fn prepared(rows: &[f32], dim: usize) -> Prepared<'_> {
    let view = RowsView::new(RowSlice::F32(rows), dim).unwrap();
    Prepared::new("x", &view, Metric::Euclidean).unwrap()
}

#[track_caller]
fn assert_orthonormal(directions: &DMatrix<f64>, count: usize) {
    for i in 0..count {
        for j in 0..=i {
            let dot = directions.column(i).dot(&directions.column(j));
            let expected = f64::from(u8::from(i == j));
            assert!((dot - expected).abs() < 1e-5, "{i}, {j}: {dot}");
        }
    }
}

#[test]
fn axes_are_orthonormal_and_ordered_by_variance() {
    for (dim, most) in [
        (1, 16),
        (3, 16),
        (16, 16),
        (40, 16),
        (100, 16),
        (300, 32),
        (300, 256),
    ] {
        let rows = normal(dim as u64, 700, dim, 0.97);
        let spectrum = Spectrum::of(&prepared(&rows, dim), most);
        let count = most.min(dim);
        assert_eq!(spectrum.variances.len(), count);
        assert_orthonormal(&spectrum.directions, count);
        assert!(spectrum.variances.windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(spectrum.variances.iter().all(|x| *x >= 0.0));
        let sum: f64 = spectrum.variances.iter().sum();
        assert!(sum <= spectrum.total * (1.0 + 1e-5));
        if count == dim {
            assert!(
                sum >= spectrum.total * (1.0 - 1e-5),
                "{sum}, {}",
                spectrum.total
            );
        }
        // The variance along an axis is what it says.
        let direction = spectrum.directions.column(0);
        let along = rows.chunks(dim).map(|row| -> f64 {
            let of = |(i, x): (usize, &f32)| f64::from(x - spectrum.mean[i]) * direction[i];
            row.iter().enumerate().map(of).sum()
        });
        let variance = along.map(|x| x * x).sum::<f64>() / 700.0;
        assert!((variance / spectrum.variances[0] - 1.0).abs() < 1e-3);
    }
}

#[test]
fn subspace_iteration_finds_what_the_full_solver_finds() {
    for (dim, decay) in [(60, 0.9_f32), (100, 0.95), (200, 0.93)] {
        let most = 16;
        let width = padded_width(dim);
        let mut rows = vec![0.0; 500 * width];
        for (padded, row) in rows
            .chunks_mut(width)
            .zip(normal(3, 500, dim, decay).chunks(dim))
        {
            // In a basis of its own: neighbours mixed.
            for j in 0..dim {
                padded[j] = row[j] + 0.5 * row[(j + 1) % dim];
            }
        }
        let matrix = gram(&rows, 500, dim, width);
        assert!(2 * (most + SPARE) < dim);
        let (directions, values) = leading(&matrix, dim, width, most);
        let full = DMatrix::from_fn(dim, dim, |i, j| f64::from(matrix[i * width + j]));
        let (expected, expected_values) = eigen(full, most);
        assert_orthonormal(&directions, most);
        for (value, expected) in values.iter().zip(&expected_values) {
            assert!((value / expected - 1.0).abs() < 1e-3, "{value}, {expected}");
        }
        // The same space: each of the first directions lies in the other's.
        for j in 0..most / 2 {
            let within = expected.transpose() * directions.column(j);
            assert!(within.norm() > 0.999, "{dim}, {j}: {}", within.norm());
        }
    }
}

#[test]
fn products_of_columns_are_those_of_a_loop() {
    let (count, dim, width) = (37, 21, 32);
    let mut rows = vec![0.0; count * width];
    for (padded, row) in rows
        .chunks_mut(width)
        .zip(normal(4, count, dim, 1.0).chunks(dim))
    {
        padded[..dim].copy_from_slice(row);
    }
    let found = gram(&rows, count, dim, width);
    for i in 0..dim {
        for j in 0..width {
            let products = rows
                .chunks(width)
                .map(|row| f64::from(row[i]) * f64::from(row[j]));
            let expected: f64 = products.sum();
            assert!((f64::from(found[i * width + j]) - expected).abs() < 1e-3);
        }
    }
}

#[test]
fn few_directions_are_enough_for_a_share_of_the_variance() {
    let rows = normal(5, 2000, 50, 0.8);
    let spectrum = Spectrum::of(&prepared(&rows, 50), 256);
    let mut before = 0;
    for share in [0.0, 0.3, 0.5, 0.9, 0.99, 0.999_999] {
        let count = spectrum.directions_for(share);
        assert!(count >= before.max(1));
        let sum = |count: usize| spectrum.variances[..count].iter().sum::<f64>();
        assert!(sum(count) >= share * spectrum.total);
        assert!(count == 1 || sum(count - 1) < share * spectrum.total);
        before = count;
    }
    assert_eq!(spectrum.directions_for(2.0), 50);
}

/// A projection of rows on so many axes, with what it makes of them.
fn projected(rows: &[f32], dim: usize, axes: usize) -> (Projection, Vec<f32>, Vec<f32>) {
    let prepared = prepared(rows, dim);
    let spectrum = Spectrum::of(&prepared, axes);
    let projection = Projection::new(&spectrum, dim, axes);
    let (y, rests) = projection.project_all(&prepared);
    (projection, y, rests)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn projected_points_and_rests_keep_distances(
        seed: u64, n in 2..300_usize, dim in 1..150_usize, sixteens in 1..5_usize,
        decay in 0.8..1.0_f32, offset in -3.0..3.0_f32,
    ) {
        let axes = 16 * sixteens;
        let mut rows = normal(seed, n, dim, decay);
        rows.iter_mut().for_each(|x| *x += offset);
        let (projection, y, rests) = projected(&rows, dim, axes);
        let scale = f64::from(projection.scale());
        prop_assert_eq!(projection.axes(), axes);
        let mut all = 0.0;
        for (i, row) in rows.chunks(dim).enumerate() {
            let squared: f64 = row
                .iter()
                .zip(projection.mean())
                .map(|(x, m)| (f64::from(*x) - f64::from(*m)).powi(2))
                .sum();
            let y = &y[i * axes..(i + 1) * axes];
            let found = f64::from(squared_norm(y) + rests[i]);
            let expected = squared * scale * scale;
            prop_assert!((found - expected).abs() < 1e-4 * (1.0 + expected), "{found}, {expected}");
            prop_assert!(rests[i] >= 0.0 && (axes < dim || rests[i] == 0.0));
            all += found;
        }
        // The usual distance is near one.
        let usual = all / n as f64;
        prop_assert!(usual > 0.2 && usual < 1.1, "{usual}");
        // No axis beyond the dimensions.
        for y in y.chunks(axes) {
            prop_assert!(y.iter().skip(dim).all(|x| *x == 0.0));
        }
    }
}

#[test]
fn points_that_are_all_the_same_are_projected_to_nothing() {
    for value in [0.0_f32, 1.0, -0.125, 1e15, 1e30] {
        let rows = vec![value; 300 * 40];
        let (projection, y, rests) = projected(&rows, 40, 16);
        assert!(y.iter().all(|x| x.abs() < 1e-3), "{value}");
        assert!(rests.iter().all(|x| *x == 0.0), "{value}");
        assert!(projection.scale() > 0.0);
    }
}

#[test]
fn points_of_a_small_space_need_no_more_axes() {
    for dim in [30, 120] {
        let coordinates = normal(6, 400, 3, 0.9);
        let directions = normal(7, 3, dim, 1.0);
        let rows: Vec<f32> = coordinates
            .chunks(3)
            .flat_map(|c| {
                (0..dim).map(|j| (0..3).map(|i| c[i] * directions[i * dim + j]).sum::<f32>())
            })
            .collect();
        let spectrum = Spectrum::of(&prepared(&rows, dim), 16);
        assert_eq!(spectrum.directions_for(0.9999), 3);
        assert_orthonormal(&spectrum.directions, 3);
        let (_, y, rests) = projected(&rows, dim, 16);
        assert!(rests.iter().all(|rest| *rest < 1e-4));
        assert!(y.iter().all(|x| x.is_finite()));
    }
}

#[test]
fn units_change_nothing_but_the_scale() {
    let dim = 30;
    let rows = normal(8, 500, dim, 0.95);
    let (_, expected, _) = projected(&rows, dim, 32);
    for exponent in [-100, -20, 20, 100] {
        let unit = 2.0_f32.powi(exponent);
        let rows: Vec<f32> = rows.iter().map(|x| x * unit).collect();
        let (projection, y, _) = projected(&rows, dim, 32);
        assert!(projection.scale().is_finite());
        // Powers of two: the same bits.
        assert_eq!(y, expected, "2^{exponent}");
    }
    // The largest numbers, whose differences are beyond float32.
    let rows: Vec<f32> = rows.iter().map(|x| x.signum() * f32::MAX).collect();
    for axes in [16, 32] {
        let (_, y, _) = projected(&rows, dim, axes);
        assert!(y.iter().all(|x| x.is_finite() && x.abs() < 100.0));
        assert!(y.iter().any(|x| x.abs() > 0.01));
    }
}

#[test]
fn the_number_of_threads_changes_no_projection() {
    let rows = normal(9, 6000, 120, 0.98);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let (_, y, rests) = projected(&rows, 120, 32);
            (y, rests)
        })
    };
    let one = run(1);
    assert_eq!(run(3), one);
}

#[test]
fn queries_are_projected_nearly_as_points_are() {
    for (dim, axes) in [(20, 16), (64, 64), (300, 64), (601, 32), (1024, 256)] {
        let rows = normal(10, 600, dim, 0.999);
        let (projection, y, rests) = projected(&rows, dim, axes);
        assert_eq!(projection.coarse.is_some(), dim * axes > FINE);
        let width = padded_width(dim);
        let mut split = Split::default();
        for kernels in Kernels::available() {
            let mut first = None;
            for (i, row) in rows.chunks(dim).take(40).enumerate() {
                let mut query = vec![0.0; width];
                query[..dim].copy_from_slice(row);
                let (mut found, mut rest) = (vec![7.0; axes], [7.0]);
                projection.project_query(kernels, &query, &mut found, &mut rest, &mut split);
                let expected = &y[i * axes..(i + 1) * axes];
                for (a, b) in found.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-3, "{a}, {b}, {dim}");
                }
                assert!((rest[0] - rests[i]).abs() < 1e-3);
                first.get_or_insert((found, rest));
            }
            // Whatever the CPU is.
            let mut query = vec![0.0; width];
            query[..dim].copy_from_slice(&rows[..dim]);
            let (mut found, mut rest) = (vec![0.0; axes], [0.0]);
            let portable = Kernels::available().next().unwrap();
            projection.project_query(portable, &query, &mut found, &mut rest, &mut split);
            assert_eq!(first, Some((found, rest)));
        }
    }
}
