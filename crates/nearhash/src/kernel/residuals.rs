//! Vectors beside the centre of their bucket: how far they are, and as codes.

use super::lanes::{LANES, Lanes, largest_lane};
use super::quantise::ROUNDER;

/// What vectors are encoded with; all slices are as long as the vectors, whole groups of sixteen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Residuals<'a> {
    pub(crate) centre: &'a [f32],
    /// What each coordinate's residual is divided by, and 1 / that.
    pub(crate) weights: &'a [f32],
    pub(crate) inverse: &'a [f32],
    /// The largest code, below 128; the code of zero is half of it.
    pub(crate) largest: f32,
}

impl Residuals<'_> {
    /// # Panics
    /// When `y` is no vector of this length.
    pub(super) fn check(&self, y: &[f32]) {
        assert!(y.len().is_multiple_of(LANES) && y.len() == self.centre.len());
        assert!(self.weights.len() == y.len() && self.inverse.len() == y.len());
    }
}

/// Of one vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Residual {
    /// |y − centre|²
    pub(crate) squared: f32,
    /// Of the coordinates (y − centre) / weight: the largest size, and the sum of squares.
    pub(crate) largest: f32,
    pub(crate) weighted: f32,
}

/// What a vector's codes stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decoded {
    /// |decoded|²
    pub(crate) squared: f32,
    /// |y − decoded|²
    pub(crate) error: f32,
}

/// # Safety
/// As for [`Lanes`]; `y` is as long as the slices of `r`.
#[inline(always)]
pub(crate) unsafe fn residual<V: Lanes>(r: &Residuals<'_>, y: &[f32]) -> Residual {
    // SAFETY: as the caller vouches.
    unsafe {
        let zero = V::splat(0.0);
        let (mut squared, mut largest, mut weighted) = (zero, zero, zero);
        for at in (0..y.len()).step_by(LANES) {
            let beside = V::load(y.as_ptr().add(at)).sub(V::load(r.centre.as_ptr().add(at)));
            squared = beside.mul_add(beside, squared);
            let residual = beside.mul(V::load(r.inverse.as_ptr().add(at)));
            weighted = residual.mul_add(residual, weighted);
            largest = largest.max(residual.max(zero.sub(residual)));
        }
        Residual {
            squared: squared.reduce(),
            largest: largest_lane(largest),
            weighted: weighted.reduce(),
        }
    }
}

/// Write the codes of `y`, in steps of weight × `scale`.
///
/// # Safety
/// As for [`residual`]; `codes` are as many.
#[inline(always)]
pub(crate) unsafe fn encode<V: Lanes>(
    r: &Residuals<'_>,
    y: &[f32],
    scale: f32,
    codes: &mut [i8],
) -> Decoded {
    // SAFETY: as the caller vouches.
    unsafe {
        let zero = V::splat(0.0);
        let (most, middle) = (V::splat(r.largest), V::splat(r.largest * 0.5));
        let (scale, per_step) = (V::splat(scale), V::splat(1.0 / scale));
        let rounder = V::splat(ROUNDER);
        let (mut squared, mut error) = (zero, zero);
        for at in (0..y.len()).step_by(LANES) {
            let y = V::load(y.as_ptr().add(at));
            let centre = V::load(r.centre.as_ptr().add(at));
            let residual = y.sub(centre).mul(V::load(r.inverse.as_ptr().add(at)));
            let code = residual.mul_add(per_step, middle).min(most).max(zero);
            let code = code.add(rounder).sub(rounder);
            code.store_i8(codes.as_mut_ptr().add(at));
            let step = V::load(r.weights.as_ptr().add(at)).mul(scale);
            let decoded = code.sub(middle).mul_add(step, centre);
            squared = decoded.mul_add(decoded, squared);
            let off = y.sub(decoded);
            error = off.mul_add(off, error);
        }
        Decoded {
            squared: squared.reduce(),
            error: error.reduce(),
        }
    }
}

/// Sums of the products of each two coordinates of the rows.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn products<V: Lanes>(rows: &[[f32; LANES]]) -> [[f32; LANES]; LANES] {
    /// Coordinates whose sums stay in registers.
    const PART: usize = 4;
    let mut out = [[0.0; LANES]; LANES];
    for (part, out) in out.as_chunks_mut::<PART>().0.iter_mut().enumerate() {
        // SAFETY: as the caller vouches; rows are as long as there are lanes.
        unsafe {
            let mut sums = [V::splat(0.0); PART];
            for row in rows {
                let x = V::load(row.as_ptr());
                for i in 0..PART {
                    sums[i] = x.mul(V::splat(row[part * PART + i])).add(sums[i]);
                }
            }
            for (out, sums) in out.iter_mut().zip(sums) {
                sums.store(out.as_mut_ptr());
            }
        }
    }
    out
}
