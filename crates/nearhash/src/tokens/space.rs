//! The space that is cut into groups: vectors scaled, centred and rotated.

use super::rotation::Rotation;
use crate::metric::{Metric, Prepared};

/// Coordinates of that space are kept within this. So far out, centroids can't be told apart by
/// float32 distances anyway, and squares stay finite.
const FARTHEST: f32 = (1_u64 << 40) as f32;

/// How a vector gets there.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    pub(super) metric: Metric,
    /// A power of two that brings the training rows near 1, so that no square leaves float32. 1 for
    /// cosine.
    pub(super) scale: f32,
    /// Mean of the training rows, scaled.
    pub(super) mean: Vec<f32>,
    pub(super) rotation: Option<Rotation>,
}

impl Space {
    /// A space for rows of this kind, `sample` being some of them, prepared for `metric`, and
    /// `magnitude` the largest coordinate.
    pub(crate) fn new(
        metric: Metric,
        magnitude: f32,
        sample: &[f32],
        dim: usize,
        rotation: Option<Rotation>,
    ) -> Self {
        let scale = match metric {
            Metric::Cosine => 1.0,
            Metric::Euclidean => scale_for(magnitude),
        };
        let mut sums = vec![0.0_f64; dim];
        for row in sample.chunks_exact(dim) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += f64::from(*x) * f64::from(scale);
            }
        }
        let rows = (sample.len() / dim).max(1) as f64;
        Self {
            metric,
            scale,
            mean: sums.iter().map(|sum| (sum / rows) as f32).collect(),
            rotation,
        }
    }

    /// Vector length.
    pub(crate) fn dim(&self) -> usize {
        self.mean.len()
    }

    /// Write the place of a prepared row to `out`.
    pub(crate) fn place(&self, row: &[f32], out: &mut [f32]) {
        for ((out, x), mean) in out.iter_mut().zip(row).zip(&self.mean) {
            *out = (x * self.scale - mean).clamp(-FARTHEST, FARTHEST);
        }
        if let Some(rotation) = &self.rotation {
            rotation.apply(out);
        }
    }

    /// Write the places of some rows to `out`, one after the other.
    pub(crate) fn place_all(
        &self,
        rows: &Prepared<'_>,
        range: std::ops::Range<usize>,
        buffer: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let dim = self.dim();
        let block = rows.block(range, dim, buffer);
        for (row, out) in block.chunks_exact(dim).zip(out.chunks_exact_mut(dim)) {
            self.place(row, out);
        }
    }
}

/// The power of two that brings `magnitude` to about 1, as far as float32 has one.
fn scale_for(magnitude: f32) -> f32 {
    if magnitude == 0.0 {
        return 1.0;
    }
    // Widened, every number is normal and has its exponent in one place.
    let exponent = (f64::from(magnitude).to_bits() >> 52) as i32 - 1023;
    let exponent = (-exponent).clamp(-126, 126);
    f32::from_bits(((exponent + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_a_power_of_two_that_brings_every_magnitude_near_one() {
        assert_eq!(scale_for(0.0), 1.0);
        assert_eq!(scale_for(1.0), 1.0);
        assert_eq!(scale_for(255.0), 1.0 / 128.0);
        assert_eq!(scale_for(0.75), 2.0);
        for magnitude in [f32::MAX, 1e30, 1e-20, f32::MIN_POSITIVE] {
            let scaled = magnitude * scale_for(magnitude);
            assert!((0.5..4.0).contains(&scaled), "{magnitude:e}: {scaled}");
        }
        assert!((f32::from_bits(1) * scale_for(f32::from_bits(1))).is_finite());
    }

    #[test]
    fn a_vector_far_beyond_the_training_rows_keeps_finite_squares() {
        let space = Space::new(Metric::Euclidean, 1e-30, &[1e-30, -1e-30], 2, None);
        let mut out = [0.0; 2];
        space.place(&[f32::MAX, f32::MIN], &mut out);
        assert!(out.iter().all(|x| (x * x).is_finite()), "{out:?}");
    }
}
