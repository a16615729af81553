//! One row's code, and its distance's lower bound for a query.

use super::map::{Map, Mapped, wide_norm};
use crate::kernel::{LANES, LINE, Line, PART};

/// A byte's zero.
pub(super) const MIDDLE: f32 = 128.0;
/// Largest distance of a byte from it.
pub(super) const REACH: f32 = 127.0;
/// Largest number that two parts of a query hold.
const PARTS: f32 = 128.0 * PART;
/// Bytes of a row's codes that hold its [`Norms`] instead.
pub(super) const NORMS: usize = 16;
/// 1.5 × 2²³: floats of this size have no fraction.
const ROUNDER: f32 = 12_582_912.0;

/// What is kept of a row beside its bytes, at the end of its last line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norms {
    /// |x̂|² of the bytes.
    squared: f32,
    /// Σ |byte − middle|.
    sum: f32,
    /// The last part of φ.
    rest: f32,
    /// E, rounded up.
    error: f32,
}

impl Norms {
    pub(super) fn bytes(self) -> [u8; NORMS] {
        let mut out = [0; NORMS];
        let values = [self.squared, self.sum, self.rest, self.error];
        for (out, value) in out.chunks_exact_mut(4).zip(values) {
            out.copy_from_slice(&value.to_le_bytes());
        }
        out
    }

    #[inline(always)]
    pub(super) fn of(line: &Line) -> Self {
        const START: usize = LINE - NORMS;
        let value = |i: usize| {
            let at = START + 4 * i;
            f32::from_le_bytes([line.0[at], line.0[at + 1], line.0[at + 2], line.0[at + 3]])
        };
        Self {
            squared: value(0),
            sum: value(1),
            rest: value(2),
            error: value(3),
        }
    }
}

/// Code one row, in whatever way: the norms tell what became of it.
#[inline(always)]
pub(super) fn encode(y: &[f32], steps: &[f32], mapped: &Mapped, codes: &mut [Line]) {
    let (mut squares, mut offs) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let mut sums = [0.0_f32; LANES];
    let bytes = codes
        .iter_mut()
        .flat_map(|line| line.0.chunks_exact_mut(LANES));
    let parts = y.chunks_exact(LANES).zip(steps.chunks_exact(LANES));
    for (bytes, (y, steps)) in bytes.zip(parts) {
        for i in 0..LANES {
            let step = if steps[i] > 0.0 { steps[i] } else { 1.0 };
            let code = (y[i] / step + ROUNDER - ROUNDER).clamp(-REACH, REACH);
            bytes[i] = (code + MIDDLE) as u8;
            let decoded = f64::from(code) * f64::from(steps[i]);
            squares[i] += decoded * decoded;
            sums[i] += code.abs();
            let by = f64::from(y[i]) - decoded;
            offs[i] += by * by;
        }
    }
    let squared = squares.iter().sum::<f64>();
    let off = offs.iter().sum::<f64>();
    let sum = sums.iter().sum::<f32>();
    let rest = mapped.rest as f32;
    let rounded = (f64::from(rest) - mapped.rest).abs();
    let error = (off.sqrt() + mapped.error + rounded) * (1.0 + 1e-6);
    let norms = Norms {
        squared: squared as f32,
        sum,
        rest,
        error: (error as f32).next_up(),
    };
    if let Some(last) = codes.last_mut() {
        last.0[LINE - NORMS..].copy_from_slice(&norms.bytes());
    }
}

/// What a query adds to a row's lower bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// |φ(q)|² without the rest.
    squared: f32,
    rest: f32,
    /// Twice the unit of the query's parts.
    unit: f32,
    /// Dot product of the parts with bytes of [`MIDDLE`].
    middle: f32,
    /// What rounding may have added, apart from what grows with the row's own norms.
    slack: f32,
    error: f32,
    /// The kernel's own distance may be so much less than the real one.
    shrink: f32,
}

impl Terms {
    #[inline(always)]
    pub(super) fn of(
        map: &Map,
        steps: &[f32],
        y: &[f32],
        mapped: Mapped,
        weighted: &mut [f32],
        (high, low): (&mut [i8], &mut [i8]),
    ) -> Self {
        let mut most = [0.0_f32; LANES];
        let parts = y.chunks_exact(LANES).zip(steps.chunks_exact(LANES));
        for (out, (y, steps)) in weighted.chunks_exact_mut(LANES).zip(parts) {
            for i in 0..LANES {
                out[i] = y[i] * steps[i];
                let size = out[i].abs();
                most[i] = if size > most[i] { size } else { most[i] };
            }
        }
        let most = most.iter().fold(0.0_f32, |a, b| a.max(*b));
        // Where units would leave float32's range, nothing is known of any number.
        let known = most > 1e-30;
        let unit = if known { most / PARTS } else { 2.0 * most };
        let inverse = if known { 1.0 / unit } else { 0.0 };
        let (mut sums, mut sizes) = ([0_i32; LANES], [0_i32; LANES]);
        let outs = high
            .chunks_exact_mut(LANES)
            .zip(low.chunks_exact_mut(LANES));
        for (weighted, (high, low)) in weighted.chunks_exact(LANES).zip(outs) {
            for i in 0..LANES {
                let rounded = weighted[i] * inverse + ROUNDER - ROUNDER;
                let whole = (rounded as i32).clamp(-(PARTS as i32), PARTS as i32);
                let upper = (whole + 64) >> 7;
                high[i] = upper as i8;
                low[i] = (whole - (upper << 7)) as i8;
                sums[i] += whole;
                sizes[i] += whole.abs();
            }
        }
        let sum = sums.iter().sum::<i32>() as f32;
        let sizes = sizes.iter().sum::<i32>() as f32;
        let squared = wide_norm(y) as f32;
        let rest = mapped.rest as f32;
        let rounded = (f64::from(rest) - mapped.rest).abs();
        // Sixteen operations at the most, on numbers up to these.
        let slack = 8.0 * f32::EPSILON * (squared + 2.0 * unit * 256.0 * sizes)
            // Products too small for float32.
            + 64.0 * map.places as f32 * f32::MIN_POSITIVE;
        Self {
            squared,
            rest,
            unit: 2.0 * unit,
            middle: MIDDLE * sum,
            slack,
            error: ((mapped.error + rounded) * (1.0 + 1e-6)) as f32 * (1.0 + 2.0 * f32::EPSILON),
            shrink: 1.0 - (map.dim / LANES + 32) as f32 * f32::EPSILON,
        }
    }

    #[inline(always)]
    pub(super) fn lower_bound(&self, dot: f32, row: Norms) -> f32 {
        // Each of the query's numbers is wrong by half a unit, and a little for its own rounding.
        let off = self.slack + 8.0 * f32::EPSILON * row.squared + 0.51 * self.unit * row.sum;
        let along = self.squared + row.squared - self.unit * (dot - self.middle) - off;
        let across = self.rest - row.rest;
        let across = across * across * (1.0 - 4.0 * f32::EPSILON);
        let root = (along.max(0.0) + across).sqrt() * (1.0 - 8.0 * f32::EPSILON);
        let least = (root - row.error - self.error).max(0.0);
        (least * least * self.shrink - 4096.0 * f32::MIN_POSITIVE).max(0.0)
    }
}
