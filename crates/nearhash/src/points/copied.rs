//! Values copied from memory that may change.

use super::{Points, RowData, RowSlice, RowsView, SLACK};
use crate::error::Result;
use crate::large;

/// Values that are copied and looked at together: they are in the cache then.
const BLOCK: usize = 1 << 14;

/// A copy of row-major values. Whether all are finite was found out on the way, so that looking at
/// them as rows takes no second pass.
#[derive(Debug, Clone)]
pub struct CopiedRows {
    /// With room for the slack of [`Points`].
    data: RowData,
    magnitude: f32,
}

impl CopiedRows {
    /// Copy `values`, whatever they are.
    pub fn of(values: RowSlice<'_>) -> Self {
        let mut magnitude = 0.0;
        let data = match values {
            RowSlice::U8(v) => RowData::U8(copied(v, |v| RowSlice::U8(v), &mut magnitude)),
            RowSlice::I16(v) => RowData::I16(copied(v, |v| RowSlice::I16(v), &mut magnitude)),
            RowSlice::F32(v) => RowData::F32(copied(v, |v| RowSlice::F32(v), &mut magnitude)),
        };
        Self { data, magnitude }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.data.as_slice().len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As rows of `dim` numbers. `argument` names them in errors.
    ///
    /// # Errors
    /// As [`RowsView::named`].
    pub fn view(&self, argument: &'static str, dim: usize) -> Result<RowsView<'_>> {
        RowsView::checked(argument, self.data.as_slice(), dim, || self.magnitude)
    }

    /// As points, without another copy.
    ///
    /// # Errors
    /// As [`Points::new`].
    pub fn into_points(self, dim: usize) -> Result<Points> {
        let view = self.view("x", dim)?;
        let (rows, magnitude) = (view.rows(), view.magnitude());
        Ok(Points::with_slack(self.data, dim, rows, magnitude))
    }
}

/// A copy of `values`, and the largest magnitude among them and before; it stays infinite or NaN
/// once it is.
fn copied<T: Copy>(
    values: &[T],
    as_slice: impl for<'a> Fn(&'a [T]) -> RowSlice<'a>,
    magnitude: &mut f32,
) -> Vec<T> {
    let mut copy = large::with_capacity(values.len() + SLACK);
    for block in values.chunks(BLOCK) {
        let from = copy.len();
        copy.extend_from_slice(block);
        // Of the copy: what is checked is what is used.
        let largest = as_slice(&copy[from..]).magnitude();
        // `max` alone would forget a NaN.
        if magnitude.is_finite() {
            *magnitude = if largest.is_finite() {
                magnitude.max(largest)
            } else {
                largest
            };
        }
    }
    copy
}
