//! Vectors rounded to whole numbers, for dot products with codes.

use super::lanes::{LANES, Lanes, largest_lane};

/// 1.5 × 2²³: floats of this size have no fraction, so that adding and taking it away rounds to the
/// nearest whole number.
pub(crate) const ROUNDER: f32 = 12_582_912.0;

/// Largest absolute value of a byte, and of a number in two parts.
const BYTE: f32 = 127.0;
const PARTS: f32 = 16_256.0;

/// A vector as bytes: x ≈ step × codes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Rounded {
    pub(crate) step: f32,
    /// Sum of the codes, and of their squares.
    pub(crate) sum: i32,
    pub(crate) squares: i32,
}

/// The kernel that rounds a vector, with its weights, to codes.
pub(super) type Quantise = unsafe fn(&[f32], Option<&[f32]>, &mut [i8]) -> Rounded;

/// How far apart whole numbers are so that `reach` of them are as far as `most`.
#[inline(always)]
fn step(most: f32, reach: f32) -> f32 {
    let step = most / reach;
    // A step that has no inverse is no better than none.
    if step >= f32::MIN_POSITIVE { step } else { 1.0 }
}

/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn largest<V: Lanes>(groups: usize, value: impl Fn(usize) -> V) -> f32 {
    // SAFETY: as the caller vouches.
    unsafe {
        let zero = V::splat(0.0);
        let mut most = zero;
        for group in 0..groups {
            let x = value(group);
            most = most.max(x.max(zero.sub(x)));
        }
        largest_lane(most)
    }
}

/// The nearest whole number, from −`reach` to `reach`, of each lane times `inverse`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn whole<V: Lanes>(x: V, inverse: V, reach: f32) -> V {
    // SAFETY: as the caller vouches.
    unsafe {
        let rounder = V::splat(ROUNDER);
        let rounded = x.mul(inverse).add(rounder).sub(rounder);
        rounded.min(V::splat(reach)).max(V::splat(-reach))
    }
}

/// Lanes added that are whole numbers below 2²⁴: sums over so many groups of numbers up to 2¹⁴.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn total<V: Lanes>(sums: V, groups: usize) -> i32 {
    // SAFETY: sixteen lanes.
    unsafe {
        // No sum of lanes exceeds 2²⁴, so that all are exact. A cast of each lane takes longer.
        if groups <= 64 {
            return sums.reduce() as i32;
        }
        let mut lanes = [0.0; LANES];
        sums.store(lanes.as_mut_ptr());
        lanes.iter().map(|x| *x as i32).sum()
    }
}

/// Round `x`, each coordinate multiplied by its weight, when given, to `codes`.
///
/// # Safety
/// As for [`Lanes`]; all are as long as each other, whole groups.
#[inline(always)]
pub(crate) unsafe fn quantise<V: Lanes>(
    x: &[f32],
    weights: Option<&[f32]>,
    codes: &mut [i8],
) -> Rounded {
    // SAFETY: as the caller vouches.
    unsafe {
        match weights {
            None => round(x.len(), |at| V::load(x.as_ptr().add(at)), codes),
            Some(weights) => {
                let weighted = |at| {
                    let weights = V::load(weights.as_ptr().add(at));
                    V::load(x.as_ptr().add(at)).mul(weights)
                };
                round(x.len(), weighted, codes)
            }
        }
    }
}

/// # Safety
/// As for [`quantise`].
#[inline(always)]
unsafe fn round<V: Lanes>(len: usize, value: impl Fn(usize) -> V, codes: &mut [i8]) -> Rounded {
    let groups = len / LANES;
    // SAFETY: as the caller vouches.
    unsafe {
        let step = step(largest(groups, |group| value(group * LANES)), BYTE);
        let inverse = V::splat(1.0 / step);
        let (mut sum, mut squares) = (V::splat(0.0), V::splat(0.0));
        for group in 0..groups {
            let whole = whole(value(group * LANES), inverse, BYTE);
            whole.store_i8(codes.as_mut_ptr().add(group * LANES));
            sum = sum.add(whole);
            squares = whole.mul_add(whole, squares);
        }
        Rounded {
            step,
            sum: total(sum, groups),
            squares: total(squares, groups),
        }
    }
}

/// A vector in two parts, 128 × high + low, and the lines of four numbers where it is not zero.
#[derive(Debug, Default)]
pub(crate) struct Split {
    high: Vec<i8>,
    low: Vec<i8>,
    places: Vec<u32>,
    used: usize,
    /// x ≈ step × (128 × high + low).
    pub(crate) step: f32,
    /// Sum of those numbers.
    pub(crate) sum: i32,
}

impl Split {
    /// Four numbers a line, and more zeros than there are lines.
    pub(super) fn parts(&self) -> [&[i8]; 2] {
        [&self.high, &self.low]
    }

    /// The lines in use.
    pub(super) fn places(&self) -> &[u32] {
        &self.places[..self.used]
    }
}

/// Round x − from to 15 bits.
///
/// # Safety
/// As for [`Lanes`]; both are as long as each other, whole groups, no more than 16,384 numbers.
#[inline(always)]
pub(crate) unsafe fn split<V: Lanes>(x: &[f32], from: &[f32], out: &mut Split) {
    let groups = x.len() / LANES;
    out.high.resize(x.len(), 0);
    out.low.resize(x.len(), 0);
    if out.places.len() < x.len() / 4 + LANES {
        out.places.resize(x.len() / 4 + LANES, 0);
    }
    // SAFETY: as the caller vouches; there is room for every line, and a group.
    unsafe {
        let value = |group: usize| {
            let from = V::load(from.as_ptr().add(group * LANES));
            V::load(x.as_ptr().add(group * LANES)).sub(from)
        };
        out.step = step(largest(groups, value), PARTS);
        let inverse = V::splat(1.0 / out.step);
        let (zero, rounder) = (V::splat(0.0), V::splat(ROUNDER));
        let mut sum = zero;
        let mut count = 0;
        for group in 0..groups {
            let whole = whole(value(group), inverse, PARTS);
            // The floor of (whole + 64) / 128: what is rounded is never halfway.
            let above = V::splat(1.0 / 256.0);
            let high = whole.mul_add(V::splat(1.0 / 128.0), above);
            let high = high.add(rounder).sub(rounder);
            let low = high.mul_add(V::splat(-128.0), whole);
            high.store_i8(out.high.as_mut_ptr().add(group * LANES));
            low.store_i8(out.low.as_mut_ptr().add(group * LANES));
            sum = sum.add(whole);
            let zeros = whole.below(zero) & zero.below(whole);
            // Four bits to one: where any is not zero.
            let used = !zeros;
            let any = (used | used >> 1 | used >> 2 | used >> 3) & 0x1111;
            let lines = ((u32::from(any) * 0x1248) >> 12) as u16 & 15;
            V::list(lines, 4 * group as u32, out.places.as_mut_ptr().add(count));
            count += lines.count_ones() as usize;
        }
        out.sum = total(sum, groups);
        out.used = count;
    }
}
