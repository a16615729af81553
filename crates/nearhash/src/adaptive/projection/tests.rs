use proptest::prelude::*;

use super::*;
use crate::adaptive::spectrum::tests::{in_small_space, normal, prepared};
use crate::kernel::padded_width;
use crate::testing::config;

/// A projection of rows on so many axes, with what it makes of them.
fn projected(rows: &[f32], dim: usize, axes: usize) -> (Projection, Vec<f32>, Vec<f32>) {
    let prepared = prepared(rows, dim);
    let spectrum = Spectrum::of(&prepared, axes);
    let projection = Projection::new(&spectrum, dim, axes);
    let (y, rests) = projection.project_all(&prepared);
    (projection, y, rests)
}

proptest! {
    #![proptest_config(config(40))]

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
        let rows = in_small_space(dim);
        let spectrum = Spectrum::of(&prepared(&rows, dim), 16);
        assert_eq!(spectrum.directions_for(0.9999), 3);
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
