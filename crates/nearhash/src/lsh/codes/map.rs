//! How vectors are mapped to φ, and how wrong what is computed of it can be.

use crate::adaptive::spectrum::Spectrum;
use crate::kernel::{Kernels, LANES, padded_width};

/// Half the distance between 1 and the next float32: what one operation may be wrong by.
const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;

/// What A is.
#[derive(Debug)]
enum Axes {
    /// The identity.
    All,
    /// Some directions, in panels of sixteen, see [`Kernels::project`]; |A| ≤ 1.
    Leading {
        panels: Vec<f32>,
        zeros: Vec<f32>,
        /// Frobenius norm.
        size: f64,
    },
}

/// How vectors are mapped to φ.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) dim: usize,
    /// c, `padded_width(dim)` floats.
    pub(super) centre: Vec<f32>,
    axes: Axes,
    /// Coordinates of A (x − c), in whole lanes.
    pub(super) places: usize,
}

/// The rest and the error of a vector's φ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapped {
    pub(super) rest: f64,
    /// No less than the distance between φ and what was computed of it.
    pub(super) error: f64,
}

impl Map {
    /// On the leading `places` directions, a multiple of sixteen.
    pub(super) fn leading(spectrum: &Spectrum, dim: usize, places: usize) -> Self {
        let mut columns: Vec<Vec<f64>> = (0..places).map(|i| spectrum.direction(i)).collect();
        // |A|² is at most the largest sum of a row of |A Aᵀ|.
        let largest = (0..places)
            .map(|i| {
                let products = columns.iter().map(|other| dot(&columns[i], other).abs());
                products.sum::<f64>()
            })
            .fold(0.0, f64::max);
        // A little less, for the rounding to float32.
        let by = (1.0 - 1e-5) / largest.max(f64::MIN_POSITIVE).sqrt();
        let mut panels = vec![0.0; places * dim];
        for (j, column) in columns.iter_mut().enumerate() {
            for (i, x) in column.iter_mut().enumerate() {
                let rounded = (*x * by) as f32;
                panels[(j / LANES * dim + i) * LANES + j % LANES] = rounded;
                *x = f64::from(rounded);
            }
        }
        let size = columns.iter().map(|x| dot(x, x)).sum::<f64>().sqrt();
        Self {
            dim,
            centre: spectrum.mean().to_vec(),
            axes: Axes::Leading {
                panels,
                zeros: vec![0.0; places],
                size,
            },
            places,
        }
    }

    pub(super) fn all(spectrum: &Spectrum, dim: usize) -> Self {
        Self {
            dim,
            centre: spectrum.mean().to_vec(),
            axes: Axes::All,
            places: padded_width(dim),
        }
    }

    /// φ of vectors, `padded_width(dim)` floats each: the coordinates to `y`, `places` a vector,
    /// and what else there is to each.
    pub(super) fn map(
        &self,
        kernels: &Kernels,
        vectors: &[f32],
        centred: &mut Vec<f32>,
        y: &mut [f32],
        mapped: &mut Vec<Mapped>,
    ) {
        let width = self.centre.len();
        centred.resize(vectors.len(), 0.0);
        for (out, x) in centred
            .chunks_exact_mut(width)
            .zip(vectors.chunks_exact(width))
        {
            for ((out, x), c) in out.iter_mut().zip(x).zip(&self.centre) {
                *out = x - c;
            }
        }
        let size = match &self.axes {
            Axes::All => {
                y.copy_from_slice(centred);
                None
            }
            Axes::Leading {
                panels,
                zeros,
                size,
            } => {
                kernels.project(centred, width, self.dim, panels, zeros, y);
                Some(*size)
            }
        };
        mapped.clear();
        mapped.extend(
            centred
                .chunks_exact(width)
                .zip(y.chunks_exact(self.places))
                .map(|(centred, y)| {
                    let squared = kernels.compiled(
                        #[inline(always)]
                        || wide_norm(centred),
                    );
                    let norm = squared.sqrt();
                    // x − c was rounded once.
                    let shift = 1.01 * ROUNDING * norm;
                    let Some(size) = size else {
                        return Mapped {
                            rest: 0.0,
                            error: shift,
                        };
                    };
                    // A sum of dim fused products, each as wrong as one operation may be.
                    let along = 1.01 * (self.dim + 4) as f64 * ROUNDING * size * norm;
                    let projected = kernels.compiled(
                        #[inline(always)]
                        || wide_norm(y),
                    );
                    let rest = (squared - projected).max(0.0).sqrt();
                    // |a² − b²| ≤ δ means |a − b| ≤ √δ and ≤ δ / a.
                    let delta = along * (2.0 * projected.sqrt() + along) + 1e-12 * squared;
                    let off = delta.sqrt().min(delta / rest.max(f64::MIN_POSITIVE));
                    Mapped {
                        rest,
                        error: shift + along + off,
                    }
                }),
        );
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let axes = match &self.axes {
            Axes::All => 0,
            Axes::Leading { panels, zeros, .. } => panels.len() + zeros.len(),
        };
        (self.centre.len() + axes) * size_of::<f32>()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// |y|² in f64, sixteen partial sums.
#[inline(always)]
pub(super) fn wide_norm(y: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    for part in y.chunks_exact(LANES) {
        for (sum, x) in sums.iter_mut().zip(part) {
            let x = f64::from(*x);
            *sum += x * x;
        }
    }
    sums.iter().sum()
}
