//! A projected vector as signed bytes, and the centres that it is compared with.

use crate::adaptive::projection::squared_norm;
use crate::kernel::{Kernels, LANES, LINE, Line, Score};

/// Largest absolute value of a signed code.
const SIGNED: f32 = 127.0;
/// A centre's code of zero; codes go from 1 to 127.
const MIDDLE: f32 = 64.0;
/// Largest distance of a centre's code from its zero.
const REACH: f32 = 63.0;

/// y ≈ step × codes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quantised {
    pub(crate) codes: Vec<i8>,
    pub(crate) step: f32,
    /// Sum of the codes.
    pub(crate) sum: i32,
    /// Sum of their squares.
    squares: i32,
}

impl Quantised {
    /// Take `y`, each coordinate multiplied by its weight.
    pub(crate) fn set(&mut self, kernels: &Kernels, y: &[f32], weights: Option<&[f32]>) {
        self.codes.resize(y.len(), 0);
        kernels.compiled(
            #[inline(always)]
            || match weights {
                None => self.fill(y, y, |x, _| x),
                Some(weights) => self.fill(y, weights, |x, weight| x * weight),
            },
        );
    }

    #[inline(always)]
    fn fill(&mut self, y: &[f32], weights: &[f32], weighted: impl Fn(f32, f32) -> f32) {
        let mut most = [0.0_f32; LANES];
        for (y, weights) in y.chunks_exact(LANES).zip(weights.chunks_exact(LANES)) {
            for i in 0..LANES {
                let x = weighted(y[i], weights[i]).abs();
                most[i] = if x > most[i] { x } else { most[i] };
            }
        }
        let most = most.iter().fold(0.0_f32, |a, b| a.max(*b));
        self.step = if most > 0.0 { most / SIGNED } else { 1.0 };
        let inverse = 1.0 / self.step;
        let (mut sum, mut squares) = ([0_i32; LANES], [0_i32; LANES]);
        let parts = y.chunks_exact(LANES).zip(weights.chunks_exact(LANES));
        for (codes, (y, weights)) in self.codes.chunks_exact_mut(LANES).zip(parts) {
            for i in 0..LANES {
                // Adding and taking away rounds to the nearest whole number.
                let rounded = weighted(y[i], weights[i]) * inverse + ROUNDER - ROUNDER;
                let whole = (rounded as i32).clamp(-127, 127);
                codes[i] = whole as i8;
                sum[i] += whole;
                squares[i] += whole * whole;
            }
        }
        self.sum = sum.iter().sum();
        self.squares = squares.iter().sum();
    }

    /// |step × codes|².
    pub(crate) fn squared_norm(&self) -> f32 {
        self.squares as f32 * (self.step * self.step)
    }
}

/// 1.5 × 2²³: floats of this size have no fraction.
const ROUNDER: f32 = 12_582_912.0;

/// Bucket centres as bytes with one step for all.
#[derive(Debug, Clone)]
pub(crate) struct Centres {
    axes: usize,
    count: usize,
    codes: Vec<Line>,
    step: f32,
    /// |decoded centre|², one a centre, and for whole groups.
    norms: Vec<f32>,
}

/// A distance that no bucket has.
const FAR: f32 = f32::MAX;

impl Centres {
    /// From centres, `axes` floats each.
    pub(crate) fn new(centres: &[f32], axes: usize) -> Self {
        let count = centres.len() / axes;
        let groups = count.div_ceil(LANES);
        let lines = axes / 4;
        let most = centres.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let step = if most > 0.0 { most / REACH } else { 1.0 };
        let mut codes = vec![Line([MIDDLE as u8; LINE]); groups * lines];
        let mut norms = vec![FAR; groups * LANES];
        let mut decoded = vec![0.0; axes];
        for (i, centre) in centres.chunks_exact(axes).enumerate() {
            for (j, x) in centre.iter().enumerate() {
                let code = (x / step + ROUNDER - ROUNDER).clamp(-REACH, REACH);
                decoded[j] = code * step;
                codes[i / LANES * lines + j / 4].0[4 * (i % LANES) + j % 4] = (code + MIDDLE) as u8;
            }
            norms[i] = squared_norm(&decoded);
        }
        Self {
            axes,
            count,
            codes,
            step,
            norms,
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The decoded centre `i`, to `out`.
    pub(crate) fn decode(&self, i: usize, out: &mut [f32]) {
        let lines = self.axes / 4;
        for (j, out) in out.iter_mut().enumerate() {
            let code = self.codes[i / LANES * lines + j / 4].0[4 * (i % LANES) + j % 4];
            *out = (f32::from(code) - MIDDLE) * self.step;
        }
    }

    /// |decoded centre i|².
    pub(crate) fn norm(&self, i: usize) -> f32 {
        self.norms[i]
    }

    /// Squared distances from `y` to all decoded centres, in whole groups; those behind the last
    /// centre are beyond all others.
    pub(crate) fn distances(&self, kernels: &Kernels, y: &Quantised, out: &mut Vec<f32>) {
        out.resize(self.norms.len(), 0.0);
        let times = -2.0 * self.step * y.step;
        kernels.score(
            Score {
                codes: &self.codes,
                lines: self.axes / 4,
                query: &y.codes,
                norms: &self.norms,
                plus: y.squared_norm() - times * (MIDDLE * y.sum as f32),
                times,
            },
            out,
        );
    }

    /// The nearest centre.
    pub(crate) fn nearest(&self, kernels: &Kernels, y: &Quantised, scores: &mut Vec<f32>) -> u32 {
        self.distances(kernels, y, scores);
        let mut best = [f32::INFINITY; LANES];
        for part in scores.chunks_exact(LANES) {
            for (best, x) in best.iter_mut().zip(part) {
                *best = if *x < *best { *x } else { *best };
            }
        }
        let best = best.iter().fold(f32::INFINITY, |a, b| a.min(*b));
        scores.iter().position(|x| *x == best).unwrap_or(0) as u32
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.codes.len() * LINE + self.norms.len() * 4
    }
}

#[cfg(test)]
mod tests;
