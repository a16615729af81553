//! Where distances come from and which may be left out.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::points::RowSlice;

#[test]
fn no_squared_distance_above_the_limit_becomes_a_distance_within_it() {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    for metric in [Metric::Euclidean, Metric::Cosine] {
        let check = |bits: u32| {
            let distance = metric.distance(f32::from_bits(bits));
            let limit = metric.squared_limit(distance);
            // Those just above may round to the same distance.
            for more in 0..8 {
                let squared = f32::from_bits(bits + more);
                if metric.distance(squared) <= distance {
                    assert!(squared <= limit, "{metric:?}: {squared:e} above {limit:e}");
                }
            }
        };
        (0..5000).for_each(check);
        let edges = [f32::MIN_POSITIVE, 2.0 * f32::MIN_POSITIVE, 1.0, 2.0, 4.0];
        for edge in edges {
            (edge.to_bits() - 50..edge.to_bits() + 50).for_each(check);
        }
        for _ in 0..200_000 {
            check(generator.random_range(0..f32::MAX.to_bits() - 8));
        }
    }
    // Cosine ends at 2, which rounding may pass.
    assert_eq!(Metric::Cosine.squared_limit(2.0), f32::INFINITY);
    assert_eq!(Metric::Cosine.distance(4.000_001), 2.0);
}

fn prepare(rows: &[f32], dim: usize) -> Result<Vec<f32>> {
    let view = RowsView::new(RowSlice::F32(rows), dim)?;
    Ok(Prepared::new("x", &view, Metric::Cosine)?
        .into_norms()
        .unwrap_or_default())
}

#[test]
fn inverse_norms_are_right_at_every_scale() {
    let mut generator = ChaCha8Rng::seed_from_u64(2);
    for dim in [1, 3, 16, 100] {
        let shape: Vec<f32> = (0..dim).map(|_| generator.random_range(0.1..1.0)).collect();
        for scale in [1e-37, 1e-30, 1e-20, 1e-10, 1.0, 1e10, 1e15, 1e20, 1e37] {
            let row: Vec<f32> = shape.iter().map(|x| x * scale).collect();
            let norm = row
                .iter()
                .map(|x| f64::from(*x).powi(2))
                .sum::<f64>()
                .sqrt();
            let found = f64::from(prepare(&row, dim).unwrap()[0]);
            assert!((found * norm - 1.0).abs() < 4e-7, "{scale:e}: {found:e}");
        }
    }
}

#[test]
fn a_direction_is_what_has_a_norm_in_the_normal_range() {
    let smallest = f32::MIN_POSITIVE;
    for good in [smallest, 1e-30, 1e30, 8.5e37] {
        assert!(prepare(&[good, 0.0], 2).is_ok(), "{good:e}");
    }
    for bad in [0.0, -0.0, 1e-45, smallest / 2.0, f32::MAX, 8.6e37] {
        assert_eq!(
            prepare(&[1.0, 1.0, bad, 0.0], 2),
            Err(Error::ZeroVector {
                argument: "x",
                row: 1
            }),
            "{bad:e}"
        );
    }
}

#[test]
fn blocks_are_padded_with_zeros_whatever_the_buffer_held() {
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    let dim = 5;
    let bytes: Vec<u8> = (0..8 * dim)
        .map(|_| (generator.next_u32() % 255) as u8 + 1)
        .collect();
    let floats: Vec<f32> = bytes.iter().map(|x| f32::from(*x)).collect();
    for metric in [Metric::Euclidean, Metric::Cosine] {
        for slice in [RowSlice::U8(&bytes), RowSlice::F32(&floats)] {
            let view = RowsView::new(slice, dim).unwrap();
            let prepared = Prepared::new("x", &view, metric).unwrap();
            let mut buffer = vec![f32::NAN; 300];
            for (range, width) in [(0..8, 16), (2..5, 32), (7..8, 5), (3..3, 16)] {
                let block = prepared.block(range.clone(), width, &mut buffer);
                assert_eq!(block.len(), range.len() * width);
                for (row, block) in range.zip(block.chunks(width)) {
                    let scale = match metric {
                        Metric::Euclidean => 1.0,
                        Metric::Cosine => prepared.inverse_norms.as_ref().unwrap()[row],
                    };
                    for (j, x) in block.iter().enumerate() {
                        let expected = if j < dim {
                            floats[row * dim + j] * scale
                        } else {
                            0.0
                        };
                        assert_eq!(x.to_bits(), expected.to_bits());
                    }
                }
            }
        }
    }
}
