//! Float vectors: what is in `generic`.

use crate::kernel::generic::{Gather, Pairs, Projection};
use crate::kernel::lanes::LANES;
use crate::kernel::{Kernels, padded_width};
use crate::points::{RowSlice, SLACK};

impl Kernels {
    /// offset + row · plane, for every row and plane.
    ///
    /// `rows` are `dim` floats each, `stride` floats apart. `panels` hold sixteen planes each, dimension by dimension
    /// (coordinate j of plane 16 p + i at `(p * dim + j) * 16 + i`); `offsets` one float a plane.
    /// `out` gets the results of one row after the other. Each sum starts with the offset and goes
    /// through the dimensions in order, by fused multiply-add.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn project(
        &self,
        rows: &[f32],
        stride: usize,
        dim: usize,
        panels: &[f32],
        offsets: &[f32],
        out: &mut [f32],
    ) {
        let projection = projection(rows, stride, dim, panels, offsets, out);
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.project)(projection) }
    }

    /// offset + |row − centre|², for every row and centre: [`project`](Self::project) with centres
    /// in the places of the planes, laid out and summed in the same way.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn squares(
        &self,
        rows: &[f32],
        stride: usize,
        dim: usize,
        panels: &[f32],
        offsets: &[f32],
        out: &mut [f32],
    ) {
        let projection = projection(rows, stride, dim, panels, offsets, out);
        // SAFETY: as above.
        unsafe { (self.squares)(projection) }
    }

    /// Squared distances between `query` and the rows `ids` of a matrix, each row first multiplied
    /// by its factor in `scales`, when given.
    ///
    /// `query` is `dim` floats and then zeros up to a multiple of sixteen; `rows` are rows of `dim`
    /// values and `SLACK` values more; `out` gets one distance per id. Sixteen partial sums
    /// (dimensions i, i + 16, …), added pairwise.
    ///
    /// # Panics
    /// When the lengths do not fit together or an id is no row.
    pub(crate) fn gather(
        &self,
        query: &[f32],
        rows: RowSlice<'_>,
        dim: usize,
        ids: &[u32],
        scales: Option<&[f32]>,
        out: &mut [f32],
    ) {
        assert!(rows.len() >= SLACK);
        let count = (rows.len() - SLACK) / dim;
        assert_eq!(query.len(), padded_width(dim));
        assert_eq!(out.len(), ids.len());
        assert!(ids.iter().all(|id| (*id as usize) < count));
        assert!(scales.is_none_or(|s| s.len() >= count));
        let kernels = &self.gather[usize::from(scales.is_some())];
        let (query, out) = (query.as_ptr(), out.as_mut_ptr());
        let scales = scales.map_or(std::ptr::null(), <[f32]>::as_ptr);
        macro_rules! call {
            ($kernel:expr, $rows:expr) => {
                // SAFETY: this CPU has the instruction set, see `calls`; ids and lengths were checked, and
                // the kernels with scales are those called when there are any.
                unsafe {
                    $kernel(Gather {
                        query,
                        rows: $rows.as_ptr(),
                        dim,
                        ids,
                        scales,
                        out,
                    })
                }
            };
        }
        match rows {
            RowSlice::U8(rows) => call!((kernels.u8), rows),
            RowSlice::I16(rows) => call!((kernels.i16), rows),
            RowSlice::F32(rows) => call!((kernels.f32), rows),
        }
    }

    /// Squared distances of all pairs of `queries` and `rows`, both padded with zeros to `width`
    /// floats a row, a multiple of sixteen. `out[i * rows + j]` gets that of query i and row j, the
    /// same bits as [`gather`](Self::gather) gives.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn pairs(
        &self,
        queries: &[f32],
        rows: &[f32],
        width: usize,
        out: &mut [f32],
        stride: usize,
    ) {
        assert!(width > 0 && width.is_multiple_of(LANES));
        let (query_count, row_count) = (queries.len() / width, rows.len() / width);
        assert_eq!(queries.len(), query_count * width);
        assert_eq!(rows.len(), row_count * width);
        if query_count == 0 || row_count == 0 {
            return;
        }
        assert!(stride >= row_count && out.len() >= (query_count - 1) * stride + row_count);
        let pairs = Pairs {
            queries: queries.as_ptr(),
            query_count,
            rows: rows.as_ptr(),
            row_count,
            width,
            out: out.as_mut_ptr(),
            stride,
        };
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.pairs)(pairs) }
    }

    /// Squared norm of a vector padded with zeros to whole lanes: its squared distance from the
    /// origin, with the same bits as [`pairs`](Self::pairs).
    pub(crate) fn squared_norm(&self, vector: &[f32]) -> f32 {
        const STEP: usize = 4096;
        static ORIGIN: [f32; STEP] = [0.0; STEP];
        let mut squared = [0.0];
        if vector.len() <= STEP {
            self.pairs(
                &ORIGIN[..vector.len()],
                vector,
                vector.len(),
                &mut squared,
                1,
            );
        } else {
            let origin = vec![0.0; vector.len()];
            self.pairs(&origin, vector, vector.len(), &mut squared, 1);
        }
        squared[0]
    }

    /// One bit per value, set when it is not negative, sixteen to a word, lowest bit first.
    ///
    /// # Panics
    /// When `values` is not sixteen times as long as `out`.
    pub(crate) fn signs(&self, values: &[f32], out: &mut [u16]) {
        assert_eq!(values.len(), out.len() * LANES);
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.signs)(values.as_ptr(), out.len(), out.as_mut_ptr()) }
    }

    /// The floor of each value, within ±2³⁰; NaN gives −2³⁰.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen.
    pub(crate) fn floors(&self, values: &[f32], out: &mut [i32]) {
        assert!(values.len() == out.len() && values.len().is_multiple_of(LANES));
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.floors)(values.as_ptr(), values.len() / LANES, out.as_mut_ptr()) }
    }

    /// Largest absolute value; infinite or NaN when any value is.
    pub(crate) fn magnitude(&self, values: &[f32]) -> f32 {
        // SAFETY: this CPU has the instruction set, see `calls`.
        f32::from_bits(unsafe { (self.magnitude)(values) })
    }

    /// Place of the smallest value, the first of equal ones; 0 when there is none but NaN.
    pub(crate) fn smallest(&self, values: &[f32]) -> usize {
        // SAFETY: this CPU has the instruction set, see `calls`.
        unsafe { (self.smallest)(values) }
    }

    /// Σ factor × value, wrapping, for each run of as many values as there are factors: one sum for
    /// each place of `out`.
    ///
    /// # Panics
    /// When there are no factors or the lengths do not fit together.
    pub(crate) fn sums(&self, values: &[i32], factors: &[u64], out: &mut [u64]) {
        assert!(!factors.is_empty());
        assert!(values.len() >= out.len() * factors.len());
        // SAFETY: this CPU has the instruction set, see `calls`; slices carry their lengths.
        unsafe { (self.sums)(values, factors, out) }
    }
}

/// What [`Kernels::project`] and [`Kernels::squares`] pass on.
///
/// # Panics
/// When the lengths do not fit together.
fn projection(
    rows: &[f32],
    stride: usize,
    dim: usize,
    panels: &[f32],
    offsets: &[f32],
    out: &mut [f32],
) -> Projection {
    let (count, panel_count) = (rows.len() / stride, offsets.len() / LANES);
    assert!(dim <= stride);
    assert_eq!(rows.len(), count * stride);
    assert_eq!(offsets.len(), panel_count * LANES);
    assert_eq!(panels.len(), panel_count * LANES * dim);
    assert_eq!(out.len(), count * panel_count * LANES);
    Projection {
        rows: rows.as_ptr(),
        count,
        stride,
        dim,
        panels: panels.as_ptr(),
        panel_count,
        offsets: offsets.as_ptr(),
        out: out.as_mut_ptr(),
    }
}
