//! What "near" means.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::{Kernels, padded_width};
use crate::points::{RowSlice, RowsView};

/// A distance between two vectors; smaller is nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Straight-line distance, sqrt of the sum of squared differences.
    Euclidean,
    /// 1 − cosine similarity, in [0, 2]. Needs vectors with a direction.
    Cosine,
}

impl Metric {
    /// Turn what the kernels compute, the squared straight-line distance (between the vectors
    /// themselves, or between their unit vectors for cosine), into the distance that is returned.
    ///
    /// |a − b|² = 2 − 2 cos(a, b) for unit vectors, so cosine distance is half of it. Computed
    /// this way it keeps its accuracy when the vectors nearly coincide, where 1 − a·b cancels.
    #[inline]
    pub(crate) fn distance(self, squared: f32) -> f32 {
        match self {
            Self::Euclidean => squared.sqrt(),
            Self::Cosine => (squared * 0.5).min(2.0),
        }
    }

    /// No squared distance above this one can become a distance of `distance` or less.
    #[inline]
    pub(crate) fn squared_limit(self, distance: f32) -> f32 {
        // Rounding of the root and of the square: a few units in the last place.
        let above = 1.0 + 4.0 * f32::EPSILON;
        match self {
            Self::Euclidean => distance * distance * above,
            Self::Cosine if distance >= 2.0 => f32::INFINITY,
            // Halving a denormal number rounds, too.
            Self::Cosine => (distance * 2.0 * above).max(f32::MIN_POSITIVE),
        }
    }
}

/// Rows as the kernels want them: float32, and unit vectors where the metric is cosine.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    rows: RowsView<'a>,
    /// 1 / norm of every row, for cosine.
    inverse_norms: Option<Vec<f32>>,
}

impl<'a> Prepared<'a> {
    /// Get rows ready for `metric`.
    ///
    /// # Errors
    /// [`Error::ZeroVector`](crate::Error::ZeroVector) for cosine, when a row has no direction.
    pub(crate) fn new(argument: &'static str, rows: &RowsView<'a>, metric: Metric) -> Result<Self> {
        let inverse_norms = match metric {
            Metric::Euclidean => None,
            Metric::Cosine => Some(inverse_norms(argument, rows)?),
        };
        Ok(Self {
            rows: *rows,
            inverse_norms,
        })
    }

    /// The rows as they came.
    pub(crate) fn rows(&self) -> &RowsView<'a> {
        &self.rows
    }

    /// 1 / norm of every row, for cosine.
    pub(crate) fn into_norms(self) -> Option<Vec<f32>> {
        self.inverse_norms
    }

    /// The rows of `range`, `width` floats each, zeros behind the row's own. Taken from where they
    /// are when they fit as they are, otherwise written to `buffer`.
    pub(crate) fn block<'b>(
        &'b self,
        range: Range<usize>,
        width: usize,
        buffer: &'b mut Vec<f32>,
    ) -> &'b [f32] {
        let dim = self.rows.dim();
        if let (RowSlice::F32(values), None) = (self.rows.values(), &self.inverse_norms)
            && width == dim
        {
            return &values[range.start * dim..range.end * dim];
        }
        // Old contents may stay: every place is written, the padding included.
        buffer.resize(range.len() * width, 0.0);
        for (row, out) in range.zip(buffer.chunks_exact_mut(width)) {
            let (out, padding) = out.split_at_mut(dim);
            padding.fill(0.0);
            match (self.rows.values(), &self.inverse_norms) {
                (RowSlice::F32(values), Some(inverse_norms)) => {
                    let scale = inverse_norms[row];
                    for (out, x) in out.iter_mut().zip(&values[row * dim..]) {
                        *out = x * scale;
                    }
                }
                (_, inverse_norms) => {
                    self.rows.copy_row(row, out);
                    if let Some(inverse_norms) = inverse_norms {
                        let scale = inverse_norms[row];
                        out.iter_mut().for_each(|x| *x *= scale);
                    }
                }
            }
        }
        buffer
    }
}

/// Norms outside of this range, or their inverses, leave float32's normal numbers.
const NORMS: std::ops::RangeInclusive<f64> = {
    let smallest = f32::MIN_POSITIVE as f64;
    smallest..=1.0 / smallest
};

/// Squared norms of this size are right in float32: no square was lost, none overflowed.
const SAFE_SQUARES: std::ops::RangeInclusive<f32> = 1e-20..=1e30;

/// 1 / norm of every row.
fn inverse_norms(argument: &'static str, rows: &RowsView<'_>) -> Result<Vec<f32>> {
    /// Rows a task.
    const STEP: usize = 1024;
    let kernels = Kernels::get();
    let width = padded_width(rows.dim());
    let origin = vec![0.0; width];
    let plain = Prepared {
        rows: *rows,
        inverse_norms: None,
    };
    let mut norms = vec![0.0; rows.rows()];
    let lost = norms
        .par_chunks_mut(STEP)
        .enumerate()
        .map_init(Vec::new, |buffer, (step, norms)| {
            let first = step * STEP;
            let block = plain.block(first..first + norms.len(), width, buffer);
            // A squared norm is the squared distance from the origin.
            let count = norms.len();
            kernels.pairs(&origin, block, width, norms, count);
            for (i, (norm, row)) in norms.iter_mut().zip(block.chunks_exact(width)).enumerate() {
                match inverse_norm(row, *norm) {
                    Some(inverse) => *norm = inverse,
                    None => return Some(first + i),
                }
            }
            None
        })
        .flatten()
        // The first such row, whichever thread came upon one first.
        .min();
    match lost {
        Some(row) => Err(Error::ZeroVector { argument, row }),
        None => Ok(norms),
    }
}

/// 1 / norm of a vector, padded with zeros to whole lanes, whose squared norm in float32 is
/// `squared`: the same bits as for a row of a set. None when it has no direction.
pub(crate) fn inverse_norm(vector: &[f32], squared: f32) -> Option<f32> {
    inverse_norm_of(squared, || {
        vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()
    })
}

/// [`inverse_norm`] of a vector that is only looked at, by `in_f64`, where float32 has lost its squared
/// norm.
pub(crate) fn inverse_norm_of(squared: f32, in_f64: impl FnOnce() -> f64) -> Option<f32> {
    let squared = if SAFE_SQUARES.contains(&squared) {
        f64::from(squared)
    } else {
        in_f64()
    };
    let exact = squared.sqrt();
    NORMS.contains(&exact).then(|| (1.0 / exact) as f32)
}

/// Sets whose largest coordinate lies here have squared distances well inside float32, for up to
/// [`MAX_DIM`](crate::MAX_DIM) dimensions. Others take [`wide_distance`].
const COMFORTABLE: std::ops::RangeInclusive<f32> = 1e-12..=1e15;

/// Whether distances to points with coordinates up to `magnitude` must be computed in f64.
pub(crate) fn points_need_wide(metric: Metric, magnitude: f32) -> bool {
    metric == Metric::Euclidean && magnitude != 0.0 && !COMFORTABLE.contains(&magnitude)
}

/// Whether a query with coordinates up to `magnitude` asks for f64 whatever the points are. A tiny one does not: among points of
/// common size it is as good as the origin.
pub(crate) fn query_needs_wide(metric: Metric, magnitude: f32) -> bool {
    metric == Metric::Euclidean && magnitude > *COMFORTABLE.end()
}

/// Euclidean distance computed in f64, for coordinates whose squares float32 cannot hold.
pub(crate) fn wide_distance(a: &[f32], b: &[f32]) -> f32 {
    let squared: f64 = a
        .iter()
        .zip(b)
        .map(|(a, b)| {
            let difference = f64::from(*a) - f64::from(*b);
            difference * difference
        })
        .sum();
    squared.sqrt() as f32
}

#[cfg(test)]
mod tests;
