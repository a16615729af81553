//! The kernels as safe functions, which check lengths.

use super::codes::{Axes, LINE, Score, Scored};
use super::generic::{Gather, Pairs, Projection};
use super::lanes::LANES;
use super::padded_width;
use super::quantise::{Rounded, Split};
use super::residuals::{Decoded, Residual, Residuals};
use super::row_codes::RowCodes;
use super::scan::BucketScan;
use super::shortlist::Shortlist;
use super::table::Kernels;
use super::tile::{CodeTile, TILE, TileScore};
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
        // SAFETY: this table exists only for a CPU that has the instruction set, and the lengths
        // were checked.
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
        // SAFETY: as in `project`.
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
                // SAFETY: the instruction set as in `project`; ids and lengths were checked, and
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
        // SAFETY: the instruction set as in `project`; the lengths were checked.
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
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.signs)(values.as_ptr(), out.len(), out.as_mut_ptr()) }
    }

    /// The floor of each value, within ±2³⁰; NaN gives −2³⁰.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen.
    pub(crate) fn floors(&self, values: &[f32], out: &mut [i32]) {
        assert!(values.len() == out.len() && values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.floors)(values.as_ptr(), values.len() / LANES, out.as_mut_ptr()) }
    }

    /// Largest absolute value; infinite or NaN when any value is.
    pub(crate) fn magnitude(&self, values: &[f32]) -> f32 {
        // SAFETY: the instruction set as in `project`.
        f32::from_bits(unsafe { (self.magnitude)(values) })
    }

    /// Place of the smallest value, the first of equal ones; 0 when there is none but NaN.
    pub(crate) fn smallest(&self, values: &[f32]) -> usize {
        // SAFETY: the instruction set as in `project`.
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
        // SAFETY: the instruction set as in `project`; slices carry their lengths.
        unsafe { (self.sums)(values, factors, out) }
    }

    /// Distances from codes as bytes, see [`Score`]: one for each code vector.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn score(&self, s: Score<'_>, out: &mut [f32]) -> Scored {
        assert!(out.len().is_multiple_of(LANES));
        assert_eq!(s.norms.len(), out.len());
        assert_eq!(s.codes.len(), out.len() / LANES * s.lines);
        assert_eq!(s.query.len(), 4 * s.lines);
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.score)(s, out) }
    }

    /// Round `x`, each coordinate multiplied by its weight, when given, to bytes from −127 to 127.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen.
    pub(crate) fn quantise(&self, x: &[f32], weights: Option<&[f32]>, codes: &mut [i8]) -> Rounded {
        assert!(x.len().is_multiple_of(LANES) && x.len() == codes.len());
        assert!(weights.is_none_or(|weights| weights.len() == x.len()));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.quantise)(x, weights, codes) }
    }

    /// Round x − from to 15 bits, in two parts.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen, or above 16,384.
    pub(crate) fn split(&self, x: &[f32], from: &[f32], out: &mut Split) {
        assert!(x.len().is_multiple_of(LANES) && x.len() == from.len() && x.len() <= 16_384);
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.split)(x, from, out) }
    }

    /// Place of a vector along directions as bytes, see [`Axes`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn project_codes(&self, a: Axes<'_>, out: &mut [f32]) {
        assert!(out.len().is_multiple_of(LANES));
        assert!(a.factors.len() == out.len() && a.offsets.len() == out.len());
        assert_eq!(a.codes.len(), out.len() / LANES * a.lines);
        // The lines in use ascend.
        let last = a.vector.places().last();
        assert!(last.is_none_or(|last| (*last as usize) < a.lines));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.project_codes)(a, out) }
    }

    /// How far a vector is from its bucket's centre.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn residual(&self, r: &Residuals<'_>, y: &[f32]) -> Residual {
        r.check(y);
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.residual)(r, y) }
    }

    /// Write the codes of a vector, in steps of weight × `scale`.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn encode(
        &self,
        r: &Residuals<'_>,
        y: &[f32],
        scale: f32,
        codes: &mut [i8],
    ) -> Decoded {
        r.check(y);
        assert_eq!(codes.len(), y.len());
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.encode)(r, y, scale, codes) }
    }

    /// Sums of the products of each two coordinates of the rows.
    pub(crate) fn products(&self, rows: &[[f32; LANES]]) -> [[f32; LANES]; LANES] {
        // SAFETY: the instruction set as in `project`.
        unsafe { (self.products)(rows) }
    }

    /// Offer the points of a bucket to `out`, see [`BucketScan`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn scan(&self, s: BucketScan<'_>, out: &mut Shortlist) {
        assert_eq!(s.groups.len(), s.live.len() * (s.lines + 1));
        assert_eq!(s.query.len(), s.lines * if s.nibbles { 8 } else { 4 });
        assert!(s.dots.is_none_or(|dots| dots.len() == s.live.len() * LANES));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.scan)(s, out) }
    }

    /// Dot products of all codes with several queries, see [`CodeTile`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn dots(&self, t: CodeTile<'_>, out: [&mut [f32]; TILE]) {
        assert!(t.stride > 0 && t.lines <= t.stride && t.groups.len().is_multiple_of(t.stride));
        let vectors = t.groups.len() / t.stride * LANES;
        assert!(out.iter().all(|out| out.len() == vectors));
        let numbers = t.lines * if t.nibbles { 8 } else { 4 };
        assert!(t.queries.iter().all(|query| query.len() == numbers));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.dots)(t, out) }
    }

    /// Place of the nearest code vector of each query, see [`TileScore`]; the first of equally near
    /// ones.
    ///
    /// # Panics
    /// When the lengths do not fit together, or there are none or more than 2²⁴ code vectors.
    pub(crate) fn nearest(&self, s: TileScore<'_>) -> [u32; TILE] {
        let t = &s.tile;
        assert!(t.stride > 0 && t.lines <= t.stride && t.groups.len().is_multiple_of(t.stride));
        assert!(!t.nibbles && t.queries.iter().all(|query| query.len() == 4 * t.lines));
        assert_eq!(s.norms.len(), t.groups.len() / t.stride * LANES);
        assert!((1..=1 << 24).contains(&s.norms.len()));
        // SAFETY: the instruction set as in `project`; the lengths were checked.
        unsafe { (self.nearest)(s) }
    }

    /// Forget the candidates that the limit, as it is now, rules out, with `part` of the margins.
    pub(crate) fn settle(&self, list: &mut Shortlist, part: f32) {
        // SAFETY: the instruction set as in `project`.
        unsafe { (self.settle)(list, part) }
    }

    /// Rows of the candidates whose estimates are within the limit, from the one at place `from` on,
    /// to `rows`.
    ///
    /// # Panics
    /// When there are fewer than `from`.
    pub(crate) fn likely(&self, list: &mut Shortlist, from: usize, rows: &mut Vec<u32>) {
        assert!(from <= list.candidates.len());
        // SAFETY: the instruction set as in `project`; the place was checked.
        unsafe { (self.likely)(list, from, rows) }
    }

    /// Rows of the other candidates that may be within `most`, with `part` of the margins, to `rows`.
    pub(crate) fn others_within(
        &self,
        list: &mut Shortlist,
        most: f32,
        part: f32,
        rows: &mut Vec<u32>,
    ) {
        // SAFETY: the instruction set as in `project`.
        unsafe { (self.others_within)(list, most, part, rows) }
    }

    /// Place of the first value that is at most `limit`, or how many there are.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn first_within(&self, values: &[f32], limit: f32) -> usize {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        unsafe { (self.first_within)(values, limit) }
    }

    /// Put keys in ascending order; no two are equal.
    pub(crate) fn sort_keys(&self, keys: &mut [u64]) {
        // SAFETY: the instruction set as in `project`.
        unsafe { (self.sort_keys)(keys) }
    }

    /// How many values are at most `limit`.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn count_within(&self, values: &[f32], limit: f32) -> usize {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        let [count] = unsafe { (self.count_within)(values, &[limit]) };
        count as usize
    }

    /// [`count_within`](Self::count_within) of three limits at once.
    ///
    /// # Panics
    /// As there.
    pub(crate) fn count_within_three(&self, values: &[f32], limits: &[f32; 3]) -> [u32; 3] {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        unsafe { (self.count_within_three)(values, limits) }
    }

    /// Append the places of the values that are at most `limit`, ascending.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn list_within(&self, values: &[f32], limit: f32, out: &mut Vec<u32>) {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: the instruction set as in `project`; the length was checked.
        unsafe { (self.list_within)(values, limit, out) }
    }

    /// Dot products of rows as bytes with a query, see [`RowCodes`]: one an id.
    ///
    /// # Panics
    /// When the lengths do not fit together or an id is no row.
    pub(crate) fn row_dots(&self, r: RowCodes<'_>, out: &mut [f32]) {
        assert!((1..=255).contains(&r.lines));
        assert!(r.high.len() == LINE * r.lines && r.low.len() == LINE * r.lines);
        assert_eq!(out.len(), r.ids.len());
        let count = r.codes.len() / r.lines;
        assert!(r.ids.iter().all(|id| (*id as usize) < count));
        // SAFETY: the instruction set as in `project`; ids and lengths were checked.
        unsafe { (self.row_dots)(r, out) }
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
