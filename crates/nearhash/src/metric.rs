//! What "near" means.

use std::ops::Range;

use crate::error::{Error, Result};
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
            Self::Cosine => distance * 2.0 * above,
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
        buffer.clear();
        buffer.resize(range.len() * width, 0.0);
        for (row, out) in range.zip(buffer.chunks_exact_mut(width)) {
            self.rows.copy_row(row, out);
            if let Some(inverse_norms) = &self.inverse_norms {
                let scale = inverse_norms[row];
                out.iter_mut().for_each(|x| *x *= scale);
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

/// 1 / norm of every row. Squares are summed in f64, where those of no float32 overflow or vanish.
fn inverse_norms(argument: &'static str, rows: &RowsView<'_>) -> Result<Vec<f32>> {
    let mut row = vec![0.0; rows.dim()];
    (0..rows.rows())
        .map(|i| {
            rows.copy_row(i, &mut row);
            // Eight sums, so that one addition need not wait for the other.
            let mut sums = [0.0_f64; 8];
            for part in row.chunks(sums.len()) {
                for (sum, x) in sums.iter_mut().zip(part) {
                    *sum += f64::from(*x) * f64::from(*x);
                }
            }
            let norm = sums.iter().sum::<f64>().sqrt();
            if NORMS.contains(&norm) {
                Ok((1.0 / norm) as f32)
            } else {
                Err(Error::ZeroVector { argument, row: i })
            }
        })
        .collect()
}

/// Sets whose largest coordinate lies here have squared distances well inside float32, for up to
/// [`MAX_DIM`](crate::MAX_DIM) dimensions. Others take [`wide_distance`].
const COMFORTABLE: std::ops::RangeInclusive<f32> = 1e-12..=1e15;

/// Whether distances to points with coordinates up to `magnitude` must be computed in f64.
pub(crate) fn points_need_wide(metric: Metric, magnitude: f32) -> bool {
    metric == Metric::Euclidean && magnitude != 0.0 && !COMFORTABLE.contains(&magnitude)
}

/// Whether a query asks for f64 whatever the points are. A tiny one does not: among points of
/// common size it is as good as the origin.
pub(crate) fn query_needs_wide(metric: Metric, query: &[f32]) -> bool {
    metric == Metric::Euclidean && query.iter().any(|x| x.abs() > *COMFORTABLE.end())
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
