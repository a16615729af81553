//! Vectors as whole numbers: how queries become them (`quantise`), and dot products and distances of
//! codes (`codes`, `row_codes`, `tile`).

use crate::kernel::Kernels;
use crate::kernel::codes::{Axes, LINE, Packing, Score, Scored};
use crate::kernel::lanes::LANES;
use crate::kernel::quantise::{Rounded, Split};
use crate::kernel::row_codes::RowCodes;
use crate::kernel::tile::{CodeTile, TILE, TileScore};

impl Kernels {
    /// Round `x`, each coordinate multiplied by its weight, when given, to bytes from −127 to 127.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen.
    pub(crate) fn quantise(&self, x: &[f32], weights: Option<&[f32]>, codes: &mut [i8]) -> Rounded {
        assert!(x.len().is_multiple_of(LANES) && x.len() == codes.len());
        assert!(weights.is_none_or(|weights| weights.len() == x.len()));
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.quantise)(x, weights, codes) }
    }

    /// Round x − from to 15 bits, in two parts.
    ///
    /// # Panics
    /// When the lengths differ or are no multiple of sixteen, or above 16,384.
    pub(crate) fn split(&self, x: &[f32], from: &[f32], out: &mut Split) {
        assert!(x.len().is_multiple_of(LANES) && x.len() == from.len() && x.len() <= 16_384);
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.split)(x, from, out) }
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
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.score)(s, out) }
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
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.project_codes)(a, out) }
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
        // SAFETY: this CPU has the instruction set, see `calls`; ids and lengths were checked.
        unsafe { (self.row_dots)(r, out) }
    }

    /// Dot products of all codes with several queries, see [`CodeTile`].
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(crate) fn dots(&self, t: CodeTile<'_>, out: [&mut [f32]; TILE]) {
        let vectors = t.check();
        assert!(out.iter().all(|out| out.len() == vectors));
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.dots)(t, out) }
    }

    /// Place of the nearest code vector of each query, see [`TileScore`]; the first of equally near
    /// ones.
    ///
    /// # Panics
    /// When the lengths do not fit together, or there are none or more than 2²⁴ code vectors.
    pub(crate) fn nearest(&self, s: TileScore<'_>) -> [u32; TILE] {
        assert_eq!(s.tile.packing, Packing::Bytes);
        assert_eq!(s.norms.len(), s.tile.check());
        assert!((1..=1 << 24).contains(&s.norms.len()));
        // SAFETY: this CPU has the instruction set, see `calls`; the lengths were checked.
        unsafe { (self.nearest)(s) }
    }

    /// Place of the first value that is at most `limit`, or how many there are.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn first_within(&self, values: &[f32], limit: f32) -> usize {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: this CPU has the instruction set, see `calls`; the length was checked.
        unsafe { (self.first_within)(values, limit) }
    }

    /// How many values are at most `limit`.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn count_within(&self, values: &[f32], limit: f32) -> usize {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: this CPU has the instruction set, see `calls`; the length was checked.
        let [count] = unsafe { (self.count_within)(values, &[limit]) };
        count as usize
    }

    /// [`count_within`](Self::count_within) of three limits at once.
    ///
    /// # Panics
    /// As there.
    pub(crate) fn count_within_three(&self, values: &[f32], limits: &[f32; 3]) -> [u32; 3] {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: this CPU has the instruction set, see `calls`; the length was checked.
        unsafe { (self.count_within_three)(values, limits) }
    }

    /// Append the places of the values that are at most `limit`, ascending.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn list_within(&self, values: &[f32], limit: f32, out: &mut Vec<u32>) {
        self.list_between(values, f32::NAN, limit, out);
    }

    /// The same of those that are above `above`; of all where that is NaN.
    ///
    /// # Panics
    /// When the length is no multiple of sixteen.
    pub(crate) fn list_between(&self, values: &[f32], above: f32, limit: f32, out: &mut Vec<u32>) {
        assert!(values.len().is_multiple_of(LANES));
        // SAFETY: this CPU has the instruction set, see `calls`; the length was checked.
        unsafe { (self.list_between)(values, above, limit, out) }
    }
}
