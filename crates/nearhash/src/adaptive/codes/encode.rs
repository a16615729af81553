//! The codes and norms of one bucket's rows.

use half::f16;

use super::{AHEAD, Bits, Bucket, Projected};
use crate::kernel::{Kernels, LANES, Line, Residuals};

/// Halves go up to 65,504.
const LARGEST_HALF: f32 = 60_000.0;

/// Encodes the rows of one bucket.
pub(super) struct Encoder<'a> {
    pub(super) bits: Bits,
    pub(super) residuals: Residuals<'a>,
    /// Of the decoded centre, squared.
    pub(super) centre_norm: f32,
}

/// What is kept from one pass over a bucket's rows to the next.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    scales: Vec<f32>,
    norms: Vec<f32>,
    /// Of one row.
    codes: Vec<i8>,
}

impl Encoder<'_> {
    /// Write norms and codes to `lines`, their units to `bucket`.
    pub(super) fn encode(
        &self,
        bucket: &mut Bucket,
        rows: &Projected<'_>,
        lines: &mut [Line],
        encoded: &mut Encoded,
    ) {
        let Encoded {
            scales,
            norms,
            codes,
        } = encoded;
        let (kernels, axes) = (Kernels::get(), rows.axes);
        let stride = 1 + self.bits.lines(axes);
        let (mut farthest, mut largest_rest) = (0.0_f32, 0.0_f32);
        let mut spread = 0.0;
        scales.clear();
        for i in bucket.range() {
            rows.prefetch(i + AHEAD);
            let (y, rest) = rows.row(i);
            let residual = kernels.residual(&self.residuals, y);
            let squared = residual.squared + rest;
            farthest = farthest.max(squared);
            spread += f64::from(squared);
            largest_rest = largest_rest.max(rest);
            let rms = (residual.weighted / axes as f32).sqrt();
            scales.push(self.bits.scale(residual.largest, rms));
        }
        bucket.reach = farthest.sqrt();
        bucket.spread = (spread / f64::from(bucket.rows.max(1))) as f32;
        let unit_of = |most: f32| if most > 0.0 { most / 255.0 } else { 1.0 };
        // No code is zero, so that points on their centre need a scale that makes nothing of it.
        let largest = scales.iter().fold(f32::MIN_POSITIVE, |a, b| a.max(*b));
        bucket.u_unit = (largest / 255.0).max(f32::MIN_POSITIVE);
        bucket.e_unit = unit_of(largest_rest.sqrt());
        codes.resize(axes, 0);
        norms.clear();
        for (at, (i, scale)) in bucket.range().zip(scales).enumerate() {
            let (y, rest) = rows.row(i);
            let u = ceiling(*scale / bucket.u_unit).max(1);
            // Casts end at the bounds.
            let e = (rest.sqrt() / bucket.e_unit + 0.5) as u8;
            let scale = f32::from(u) * bucket.u_unit;
            let (group, lane) = (at / LANES * stride, at % LANES);
            lines[group].0[32 + lane] = u;
            lines[group].0[48 + lane] = e;
            let decoded = kernels.encode(&self.residuals, y, scale, codes);
            self.place(codes, &mut lines[group + 1..group + stride], lane);
            norms.push(decoded.squared - self.centre_norm + rest - decoded.error);
        }
        let most = norms.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        bucket.a_unit = if most > 0.0 { most / LARGEST_HALF } else { 1.0 };
        for (i, norm) in norms.iter().enumerate() {
            let half = f16::from_f32(norm / bucket.a_unit).to_bits();
            let at = 2 * (i % LANES);
            lines[i / LANES * stride].0[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
    }

    /// Write the codes of one vector to its lane.
    fn place(&self, codes: &[i8], lines: &mut [Line], lane: usize) {
        let (fours, _) = codes.as_chunks::<4>();
        let word = |codes: &[i8; 4]| u32::from_le_bytes(codes.map(|code| code as u8));
        let write = |line: &mut Line, word: u32| {
            let (places, _) = line.0.as_chunks_mut::<4>();
            places[lane] = word.to_le_bytes();
        };
        match self.bits {
            Bits::Seven => {
                for (line, codes) in lines.iter_mut().zip(fours) {
                    write(line, word(codes));
                }
            }
            Bits::Two => {
                for (line, [a, b, c, d]) in lines.iter_mut().zip(fours.as_chunks::<4>().0) {
                    write(line, word(a) | word(b) << 2 | word(c) << 4 | word(d) << 6);
                }
            }
            Bits::Four => {
                for (line, [low, high]) in lines.iter_mut().zip(fours.as_chunks::<2>().0) {
                    write(line, word(low) | word(high) << 4);
                }
            }
        }
    }
}

/// The whole number at or above `x`, from 0 to 255. That of the standard library is a call where the
/// instruction set has no rounding.
fn ceiling(x: f32) -> u8 {
    let floor = x as u8;
    floor.saturating_add(u8::from(f32::from(floor) < x))
}
