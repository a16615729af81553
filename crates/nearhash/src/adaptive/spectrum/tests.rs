use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::metric::Metric;
use crate::points::{RowSlice, RowsView};
use crate::random::stream;

/// Normal numbers, dimension j with a standard deviation of `decay` to the power j.
pub(crate) fn normal(seed: u64, count: usize, dim: usize, decay: f32) -> Vec<f32> {
    let mut random = stream(seed, 0);
    (0..count * dim)
        .map(|i| random.sample::<f32, _>(StandardNormal) * decay.powi((i % dim) as i32))
        .collect()
}

pub(crate) fn prepared(rows: &[f32], dim: usize) -> Prepared<'_> {
    let view = RowsView::new(RowSlice::F32(rows), dim).unwrap();
    Prepared::new("x", &view, Metric::Euclidean).unwrap()
}

/// 400 points of a space of three dimensions, somewhere in `dim`.
pub(crate) fn in_small_space(dim: usize) -> Vec<f32> {
    let coordinates = normal(6, 400, 3, 0.9);
    let directions = normal(7, 3, dim, 1.0);
    let place = |c: &[f32], j: usize| (0..3).map(|i| c[i] * directions[i * dim + j]).sum();
    coordinates
        .chunks(3)
        .flat_map(|c| (0..dim).map(move |j| (c, j)))
        .map(|(c, j)| place(c, j))
        .collect()
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
        let matrix = gram(&rows, dim, width);
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
    for (count, dim) in [
        (37, 21),
        (1, 1),
        (BLOCK, COLUMNS),
        (3 * BLOCK + 5, 2 * COLUMNS + 5),
    ] {
        let width = padded_width(dim);
        let mut rows = vec![0.0; count * width];
        for (padded, row) in rows
            .chunks_mut(width)
            .zip(normal(4, count, dim, 1.0).chunks(dim))
        {
            padded[..dim].copy_from_slice(row);
        }
        let found = gram(&rows, dim, width);
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

#[test]
fn directions_of_a_small_space_are_orthonormal() {
    for (dim, most) in [(30, 16), (120, 16), (200, 100)] {
        let rows = in_small_space(dim);
        let spectrum = Spectrum::of(&prepared(&rows, dim), most);
        assert_eq!(spectrum.directions_for(0.9999), 3);
        assert_orthonormal(&spectrum.directions, 3);
    }
}
