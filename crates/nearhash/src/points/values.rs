//! Values in the type that they came in.

use crate::kernel::Kernels;

/// Borrowed row-major values.
#[derive(Debug, Clone, Copy)]
pub enum RowSlice<'a> {
    /// Unsigned bytes.
    U8(&'a [u8]),
    /// Signed 16-bit integers.
    I16(&'a [i16]),
    /// Single-precision floats.
    F32(&'a [f32]),
}

/// Owned row-major values.
#[derive(Debug, Clone)]
pub enum RowData {
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Signed 16-bit integers.
    I16(Vec<i16>),
    /// Single-precision floats.
    F32(Vec<f32>),
}

impl RowData {
    /// The same values, borrowed.
    pub fn as_slice(&self) -> RowSlice<'_> {
        match self {
            Self::U8(v) => RowSlice::U8(v),
            Self::I16(v) => RowSlice::I16(v),
            Self::F32(v) => RowSlice::F32(v),
        }
    }
}

impl<'a> RowSlice<'a> {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::F32(v) => v.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes a value takes.
    pub fn value_bytes(&self) -> usize {
        match self {
            Self::U8(_) => 1,
            Self::I16(_) => 2,
            Self::F32(_) => 4,
        }
    }

    pub(crate) fn range(self, range: std::ops::Range<usize>) -> Self {
        match self {
            Self::U8(v) => Self::U8(&v[range]),
            Self::I16(v) => Self::I16(&v[range]),
            Self::F32(v) => Self::F32(&v[range]),
        }
    }

    /// `values` in this slice's type, when all of them have it; otherwise as they are.
    pub(crate) fn narrowed(&self, values: Vec<f32>) -> RowData {
        fn all<T: Copy + Into<f32>>(values: &[f32], narrow: impl Fn(f32) -> T) -> Option<Vec<T>> {
            values
                .iter()
                .map(|x| Some(narrow(*x)).filter(|narrow| (*narrow).into() == *x))
                .collect()
        }
        // Casts end at the type's bounds, so what lies outside differs.
        match self {
            Self::U8(_) => all(&values, |x| x as u8).map(RowData::U8),
            Self::I16(_) => all(&values, |x| x as i16).map(RowData::I16),
            Self::F32(_) => None,
        }
        .unwrap_or(RowData::F32(values))
    }

    /// Largest absolute value; infinite or NaN when any value is.
    pub(super) fn magnitude(&self) -> f32 {
        match self {
            Self::U8(v) => f32::from(v.iter().copied().max().unwrap_or(0)),
            Self::I16(v) => v.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0).into(),
            Self::F32(v) => Kernels::get().magnitude(v),
        }
    }
}
