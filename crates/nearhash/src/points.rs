//! Row-major vectors in their own type, checked once on the way in.
//!
//! Values keep the type they came in (u8, i16 or f32): it decides how much memory they take and
//! nothing else. Every computation widens them to float32, which is exact for both integer types,
//! so the same numbers give the same keys, distances and answers whatever type holds them.

mod copied;
mod values;

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernel::prefetch;
use crate::large;
pub use copied::CopiedRows;
pub use values::{RowData, RowSlice};

/// Longest vector that is accepted.
pub const MAX_DIM: usize = 1 << 20;
/// Most rows that one index or call takes: ids are `u32`, and one value is kept back.
pub const MAX_ROWS: usize = u32::MAX as usize - 1;

/// Values that the kernels may read, but not use, behind the last row.
pub(crate) const SLACK: usize = 16;

/// Borrowed vectors, one a row, all finite.
#[derive(Debug, Clone, Copy)]
pub struct RowsView<'a> {
    values: RowSlice<'a>,
    dim: usize,
    rows: usize,
    magnitude: f32,
}

impl<'a> RowsView<'a> {
    /// Look at `values` as rows of `dim` numbers. Errors name the argument `x`; see
    /// [`named`](Self::named).
    ///
    /// # Errors
    /// [`Error::Argument`] when `dim` is 0 or above [`MAX_DIM`], the length is no multiple of it or
    /// there are more than [`MAX_ROWS`] rows; [`Error::NotFinite`] for a NaN or an infinity.
    pub fn new(values: RowSlice<'a>, dim: usize) -> Result<Self> {
        Self::named("x", values, dim)
    }

    /// [`new`](Self::new), with the argument's name for the messages.
    ///
    /// # Errors
    /// As `new`.
    pub fn named(argument: &'static str, values: RowSlice<'a>, dim: usize) -> Result<Self> {
        Self::checked(argument, values, dim, || values.magnitude())
    }

    /// [`named`](Self::named), where `magnitude` tells that of all values.
    fn checked(
        argument: &'static str,
        values: RowSlice<'a>,
        dim: usize,
        magnitude: impl FnOnce() -> f32,
    ) -> Result<Self> {
        if dim == 0 || dim > MAX_DIM {
            return Err(Error::argument_error(
                argument,
                format!("vectors of length {dim}"),
                format!("length 1 to {MAX_DIM}"),
            ));
        }
        let rows = values.len() / dim;
        if rows * dim != values.len() {
            return Err(Error::argument_error(
                argument,
                format!("{} values", values.len()),
                format!("a multiple of the vector length {dim}"),
            ));
        }
        if rows > MAX_ROWS {
            return Err(Error::argument_error(
                argument,
                format!("{rows} rows"),
                format!("at most {MAX_ROWS} rows"),
            ));
        }
        let magnitude = magnitude();
        if !magnitude.is_finite()
            && let RowSlice::F32(v) = values
            && let Some(at) = v.iter().position(|x| !x.is_finite())
        {
            return Err(Error::NotFinite {
                argument,
                row: at / dim,
                column: at % dim,
                value: v[at],
            });
        }
        Ok(Self {
            values,
            dim,
            rows,
            magnitude,
        })
    }

    /// Number of vectors.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Length of each vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Largest absolute coordinate.
    pub fn magnitude(&self) -> f32 {
        self.magnitude
    }

    /// All values, row after row.
    pub fn values(&self) -> RowSlice<'a> {
        self.values
    }

    /// Some of the rows.
    pub(crate) fn slice(&self, rows: std::ops::Range<usize>) -> Self {
        Self {
            values: self
                .values
                .range(rows.start * self.dim..rows.end * self.dim),
            dim: self.dim,
            rows: rows.len(),
            magnitude: self.magnitude,
        }
    }

    /// A copy of the rows.
    pub(crate) fn to_points(self) -> Points {
        let data = match self.values {
            RowSlice::U8(v) => RowData::U8(large::copied(v, SLACK)),
            RowSlice::I16(v) => RowData::I16(large::copied(v, SLACK)),
            RowSlice::F32(v) => RowData::F32(large::copied(v, SLACK)),
        };
        Points::with_slack(data, self.dim, self.rows, self.magnitude)
    }

    /// Rows `order`, in that order.
    ///
    /// # Errors
    /// None that could come from rows that were accepted before.
    ///
    /// # Panics
    /// When there is no such row.
    pub(crate) fn reordered(&self, order: &[u32]) -> Result<Points> {
        fn pick<T: Copy + Send + Sync + Default>(v: &[T], dim: usize, order: &[u32]) -> Vec<T> {
            // Room for the values that kernels read behind the last row, so that nothing is copied again.
            let mut out = large::filled(T::default(), order.len() * dim + SLACK);
            out.truncate(order.len() * dim);
            out.par_chunks_mut(dim).zip(order).for_each(|(out, row)| {
                out.copy_from_slice(&v[*row as usize * dim..][..dim]);
            });
            out
        }
        let data = match self.values {
            RowSlice::U8(v) => RowData::U8(pick(v, self.dim, order)),
            RowSlice::I16(v) => RowData::I16(pick(v, self.dim, order)),
            RowSlice::F32(v) => RowData::F32(pick(v, self.dim, order)),
        };
        Points::new(data, self.dim)
    }

    /// Write row `row` to the front of `out` as float32.
    ///
    /// # Panics
    /// When there is no such row or `out` is shorter than a row.
    pub fn copy_row(&self, row: usize, out: &mut [f32]) {
        let range = row * self.dim..(row + 1) * self.dim;
        let out = &mut out[..self.dim];
        match self.values {
            RowSlice::U8(v) => widen(&v[range], out),
            RowSlice::I16(v) => widen(&v[range], out),
            RowSlice::F32(v) => out.copy_from_slice(&v[range]),
        }
    }
}

fn widen<T: Copy + Into<f32>>(from: &[T], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = (*from).into();
    }
}

/// Owned vectors, one a row, all finite.
#[derive(Debug, Clone)]
pub struct Points {
    /// The rows, then `SLACK` zeros.
    data: RowData,
    dim: usize,
    rows: usize,
    magnitude: f32,
}

impl Points {
    /// Take `data` as rows of `dim` numbers, without copying it.
    ///
    /// # Errors
    /// As [`RowsView::new`].
    pub fn new(data: RowData, dim: usize) -> Result<Self> {
        let view = RowsView::new(data.as_slice(), dim)?;
        let (rows, magnitude) = (view.rows(), view.magnitude());
        Ok(Self::with_slack(data, dim, rows, magnitude))
    }

    /// Of values that were looked at.
    fn with_slack(mut data: RowData, dim: usize, rows: usize, magnitude: f32) -> Self {
        fn slack<T: Default + Copy>(v: &mut Vec<T>) {
            v.reserve_exact(SLACK);
            v.resize(v.len() + SLACK, T::default());
        }
        match &mut data {
            RowData::U8(v) => slack(v),
            RowData::I16(v) => slack(v),
            RowData::F32(v) => slack(v),
        }
        Self {
            data,
            dim,
            rows,
            magnitude,
        }
    }

    /// Copy the rows of a float32 matrix.
    ///
    /// # Errors
    /// As [`RowsView::new`].
    pub fn from_array(array: ArrayView2<'_, f32>) -> Result<Self> {
        let mut data = Vec::with_capacity(array.len() + SLACK);
        data.extend(array.iter());
        Self::new(RowData::F32(data), array.ncols())
    }

    /// Number of vectors.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Length of each vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The rows, borrowed.
    pub fn view(&self) -> RowsView<'_> {
        RowsView {
            values: self.data.as_slice().range(0..self.rows * self.dim),
            dim: self.dim,
            rows: self.rows,
            magnitude: self.magnitude,
        }
    }

    /// The rows that are wanted, in their order.
    ///
    /// # Errors
    /// None that could come from rows that were accepted before.
    pub(crate) fn picked(&self, wanted: impl Fn(usize) -> bool) -> Result<Self> {
        fn pick<T: Copy>(values: &[T], dim: usize, wanted: impl Fn(usize) -> bool) -> Vec<T> {
            let rows = values.chunks_exact(dim).enumerate();
            let rows = rows.filter(|(row, _)| wanted(*row));
            rows.flat_map(|(_, values)| values).copied().collect()
        }
        let data = match self.view().values() {
            RowSlice::U8(values) => RowData::U8(pick(values, self.dim, wanted)),
            RowSlice::I16(values) => RowData::I16(pick(values, self.dim, wanted)),
            RowSlice::F32(values) => RowData::F32(pick(values, self.dim, wanted)),
        };
        Self::new(data, self.dim)
    }

    /// Bytes that the values take.
    pub fn memory_bytes(&self) -> usize {
        (self.rows * self.dim + SLACK) * self.data.as_slice().value_bytes()
    }

    /// The values alone.
    pub(crate) fn into_data(self) -> RowData {
        let values = self.rows * self.dim;
        let mut data = self.data;
        match &mut data {
            RowData::U8(v) => v.truncate(values),
            RowData::I16(v) => v.truncate(values),
            RowData::F32(v) => v.truncate(values),
        }
        data
    }

    /// Ask for a row's memory, to be read soon: as many of its cache lines as are worth it.
    #[inline(always)]
    pub(crate) fn prefetch(&self, row: u32) {
        const MOST_LINES: usize = 16;
        fn lines<T>(values: &[T], at: usize, dim: usize) {
            let step = 64 / size_of::<T>();
            let end = values.len().min(at + dim.min(MOST_LINES * step));
            for at in (at..end).step_by(step) {
                prefetch(&values[at]);
            }
            // Rows seldom begin where a cache line does: most reach into one more.
            prefetch(&values[end - 1]);
        }
        let at = row as usize * self.dim;
        match &self.data {
            RowData::U8(v) => lines(v, at, self.dim),
            RowData::I16(v) => lines(v, at, self.dim),
            RowData::F32(v) => lines(v, at, self.dim),
        }
    }

    /// The rows and the slack behind them, for kernels that read 16 values at a time.
    pub(crate) fn padded(&self) -> RowSlice<'_> {
        self.data.as_slice()
    }
}

/// Refuse vectors of another length than `expected`, where that is known.
pub(crate) fn check_dim(
    argument: &'static str,
    received: usize,
    expected: Option<usize>,
) -> Result<()> {
    match expected {
        Some(expected) if expected != received => Err(Error::Dimension {
            argument,
            received,
            expected,
        }),
        _ => Ok(()),
    }
}

/// Rows that are to be one vector, the argument `v`.
pub(crate) fn one_row<'a>(rows: &RowsView<'a>) -> Result<RowsView<'a>> {
    if rows.rows() == 1 {
        Ok(*rows)
    } else {
        Err(Error::argument_error(
            "v",
            format!("{} vectors", rows.rows()),
            "one vector",
        ))
    }
}

/// The id behind the last of `count` new points, the argument `x`, whose ids begin at `first`.
pub(crate) fn end_of_ids(first: u32, count: usize) -> Result<u32> {
    u32::try_from(count)
        .ok()
        .and_then(|count| first.checked_add(count))
        .filter(|end| *end as usize <= MAX_ROWS)
        .ok_or_else(|| {
            Error::argument_error(
                "x",
                format!("{count} vectors after {first} ids"),
                format!("{MAX_ROWS} ids in all"),
            )
        })
}

#[cfg(test)]
mod tests;
