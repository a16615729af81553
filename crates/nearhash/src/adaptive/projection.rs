//! What vectors become before anything else: their place along leading directions of the data, and
//! what is left over.

use std::ops::Range;

use crate::adaptive::spectrum::{Spectrum, power_of_two_near};
use crate::kernel::{Axes, Kernels, LANES, LINE, Line, Split};
use crate::large;
use crate::metric::Prepared;

/// y = scale × axes · (x − mean): orthonormal axes, the leading principal directions, by variance.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    dim: usize,
    axes: usize,
    /// A power of two that brings the rows' usual distance from their mean near one, so that no
    /// square leaves float32's range.
    scale: f32,
    /// `padded_width(dim)` floats.
    mean: Vec<f32>,
    /// The scaled axes, in panels of sixteen, see [`Kernels::project`].
    panels: Vec<f32>,
    offsets: Vec<f32>,
    /// For queries, where the axes are many and long.
    coarse: Option<CoarseAxes>,
}

/// Axes rounded to bytes: a quarter of the memory that every query goes through. Points are
/// projected on the rounded axes, too.
#[derive(Debug, Clone)]
struct CoarseAxes {
    /// Four dimensions of sixteen axes a line.
    codes: Vec<Line>,
    lines: usize,
    /// Of each axis.
    steps: Vec<f32>,
    /// What queries are measured from, `padded_width(dim)` floats, and what is added for that. Where
    /// rows have many zeros that is the origin: zeros need not be looked at.
    from: Vec<f32>,
    offsets: Vec<f32>,
}

/// Share of zeros in the rows from which on queries are measured from the origin, and how far the mean may
/// be from there, squared, in parts of the variance: the rounding of a query grows with it.
const MANY_ZEROS: f64 = 0.1;
const NEAR_ORIGIN: f64 = 4.0;

/// Axes of more numbers than this are rounded.
const FINE: usize = 16_384;
/// An axis's code of zero, and the largest distance from it.
const MIDDLE: f32 = 64.0;
const REACH: f32 = 63.0;

impl CoarseAxes {
    /// Round axes in panels, and the panels themselves.
    fn round(panels: &mut [f32], dim: usize, axes: usize) -> Self {
        let lines = dim.div_ceil(4);
        let mut codes = vec![Line([MIDDLE as u8; LINE]); axes / LANES * lines];
        let mut steps = vec![1.0; axes];
        for axis in 0..axes {
            let at = |i: usize| (axis / LANES * dim + i) * LANES + axis % LANES;
            let most = (0..dim).fold(0.0_f32, |most, i| most.max(panels[at(i)].abs()));
            let step = if most > 0.0 { most / REACH } else { 1.0 };
            steps[axis] = step;
            for i in 0..dim {
                let code = (panels[at(i)] / step).round().clamp(-REACH, REACH);
                panels[at(i)] = code * step;
                codes[axis / LANES * lines + i / 4].0[4 * (axis % LANES) + i % 4] =
                    (code + MIDDLE) as u8;
            }
        }
        Self {
            codes,
            lines,
            steps,
            from: Vec::new(),
            offsets: Vec::new(),
        }
    }

    /// Project a query.
    fn project(&self, kernels: &Kernels, query: &[f32], y: &mut [f32], s: &mut Split) {
        kernels.split(query, &self.from, s);
        kernels.project_codes(
            Axes {
                codes: &self.codes,
                lines: self.lines,
                vector: s,
                middle: MIDDLE,
                factors: &self.steps,
                offsets: &self.offsets,
            },
            y,
        );
    }
}

impl Projection {
    /// On the first `axes` directions of a spectrum (a multiple of sixteen; those beyond the
    /// dimensions are zero).
    pub(crate) fn new(spectrum: &Spectrum, dim: usize, axes: usize) -> Self {
        let scale = power_of_two_near((1.0 / spectrum.total.sqrt()) as f32);
        let scale = if scale.is_finite() { scale } else { 1.0 };
        let have = axes.min(spectrum.variances.len());
        let mut panels = vec![0.0; axes * dim];
        let mut offsets = vec![0.0; axes];
        for j in 0..have {
            for i in 0..dim {
                let x = (spectrum.directions[(i, j)] * f64::from(scale)) as f32;
                panels[((j / LANES) * dim + i) * LANES + j % LANES] = x;
            }
        }
        let mut coarse = (dim * axes > FINE).then(|| CoarseAxes::round(&mut panels, dim, axes));
        for (j, offset) in offsets.iter_mut().enumerate() {
            let along = (0..dim).map(|i| {
                let x = panels[((j / LANES) * dim + i) * LANES + j % LANES];
                f64::from(x) * f64::from(spectrum.mean[i])
            });
            *offset = -along.sum::<f64>() as f32;
        }
        if let Some(coarse) = &mut coarse {
            let squares = spectrum.mean.iter().map(|x| f64::from(*x).powi(2));
            let near = squares.sum::<f64>() <= NEAR_ORIGIN * spectrum.total;
            (coarse.from, coarse.offsets) = if near && spectrum.zeros >= MANY_ZEROS {
                (vec![0.0; spectrum.mean.len()], offsets.clone())
            } else {
                (spectrum.mean.clone(), vec![0.0; axes])
            };
        }
        Self {
            dim,
            axes,
            scale,
            mean: spectrum.mean.clone(),
            panels,
            offsets,
            coarse,
        }
    }

    /// Length of a projected vector.
    pub(crate) fn axes(&self) -> usize {
        self.axes
    }

    /// The rows' mean, padded.
    pub(crate) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The power of two by which projected vectors are multiplied.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// Project rows, `padded_width(dim)` floats each: `axes` floats a row to `y`, and what is left
    /// of the row's squared distance from the mean to `rest`.
    pub(crate) fn project(&self, kernels: &Kernels, rows: &[f32], y: &mut [f32], rest: &mut [f32]) {
        let width = self.mean.len();
        kernels.project(rows, width, self.dim, &self.panels, &self.offsets, y);
        self.rest(kernels, rows, y, rest);
    }

    /// [`project`](Self::project) of one query, faster and nearly the same.
    pub(crate) fn project_query(
        &self,
        kernels: &Kernels,
        query: &[f32],
        y: &mut [f32],
        rest: &mut [f32; 1],
        split: &mut Split,
    ) {
        match &self.coarse {
            Some(coarse) => coarse.project(kernels, query, y, split),
            None => {
                let width = self.mean.len();
                kernels.project(query, width, self.dim, &self.panels, &self.offsets, y);
            }
        }
        self.rest(kernels, query, y, rest);
    }

    fn rest(&self, kernels: &Kernels, rows: &[f32], y: &[f32], rest: &mut [f32]) {
        let count = rest.len();
        kernels.pairs(&self.mean, rows, self.mean.len(), rest, count);
        for (rest, y) in rest.iter_mut().zip(y.chunks_exact(self.axes)) {
            *rest = if self.axes >= self.dim {
                0.0
            } else {
                (*rest * self.scale * self.scale - squared_norm(y)).max(0.0)
            };
        }
    }

    /// [`project`](Self::project) of all rows: projected vectors and squared rests.
    pub(crate) fn project_all(&self, rows: &Prepared<'_>) -> (Vec<f32>, Vec<f32>) {
        use rayon::prelude::*;
        const STEP: usize = 256;
        let kernels = Kernels::get();
        let n = rows.rows().rows();
        let (mut y, mut rests) = (large::zeros(n * self.axes), vec![0.0; n]);
        y.par_chunks_mut(STEP * self.axes)
            .zip(rests.par_chunks_mut(STEP))
            .enumerate()
            .for_each_init(Vec::new, |buffer, (step, (y, rests))| {
                let range: Range<usize> = step * STEP..step * STEP + rests.len();
                let block = rows.block(range, self.mean.len(), buffer);
                self.project(kernels, block, y, rests);
            });
        (y, rests)
    }
}

/// |y|², sixteen partial sums, so that the compiler can use vectors.
pub(crate) fn squared_norm(y: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for part in y.chunks_exact(LANES) {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x * x;
        }
    }
    sums.iter().sum()
}

/// |a − b|², summed as in [`squared_norm`].
#[inline(always)]
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests;
