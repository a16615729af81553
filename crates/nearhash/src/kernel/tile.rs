//! Many codes against several queries: a line that several dot products need is read once.

use super::codes::{Dots, Line};
use super::lanes::{LANES, Lanes};

/// Queries that share a read.
pub(crate) const TILE: usize = 4;

/// Codes in groups of sixteen vectors and queries, see [`BucketScan`](super::BucketScan).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeTile<'a> {
    /// `stride` lines a group, of which the last `lines` are codes.
    pub(crate) groups: &'a [Line],
    pub(crate) stride: usize,
    pub(crate) lines: usize,
    /// Codes are nibbles, not bytes.
    pub(crate) nibbles: bool,
    /// Four numbers a line, or eight where codes are nibbles.
    pub(crate) queries: [&'a [i8]; TILE],
}

/// Dot products with several queries at once.
pub(crate) trait Tiles: Dots {
    /// [`Dots::bytes`] or, where codes are nibbles, [`Dots::nibbles`] of each query.
    ///
    /// # Safety
    /// As for those.
    #[inline(always)]
    unsafe fn tile<const NIBBLES: bool>(
        codes: *const Line,
        queries: [*const i8; TILE],
        lines: usize,
    ) -> [Self::V; TILE] {
        // SAFETY: as the caller vouches. Spelt out: what `map` calls may end up without the
        // instruction set.
        unsafe {
            let [a, b, c, d] = queries;
            if NIBBLES {
                [
                    Self::nibbles(codes, a, lines),
                    Self::nibbles(codes, b, lines),
                    Self::nibbles(codes, c, lines),
                    Self::nibbles(codes, d, lines),
                ]
            } else {
                [
                    Self::bytes(codes, a, lines),
                    Self::bytes(codes, b, lines),
                    Self::bytes(codes, c, lines),
                    Self::bytes(codes, d, lines),
                ]
            }
        }
    }
}

/// The dot products of each query with every code vector.
///
/// # Safety
/// As for [`Lanes`]; the slices hold whole groups, and each of `out` has a place for every vector.
#[inline(always)]
pub(crate) unsafe fn dots<D: Tiles>(t: CodeTile<'_>, out: [&mut [f32]; TILE]) {
    // SAFETY: as the caller vouches.
    unsafe {
        if t.nibbles {
            groups::<D, true>(t, out);
        } else {
            groups::<D, false>(t, out);
        }
    }
}

/// # Safety
/// As for [`dots`].
#[inline(always)]
unsafe fn groups<D: Tiles, const NIBBLES: bool>(t: CodeTile<'_>, mut out: [&mut [f32]; TILE]) {
    let count = t.groups.len() / t.stride;
    let [a, b, c, d] = t.queries;
    let queries = [a.as_ptr(), b.as_ptr(), c.as_ptr(), d.as_ptr()];
    for group in 0..count {
        // SAFETY: the codes end a group, and every query has so many places of its own.
        unsafe {
            let codes = t.groups.as_ptr().add((group + 1) * t.stride - t.lines);
            let dots = D::tile::<NIBBLES>(codes, queries, t.lines);
            for (out, dots) in out.iter_mut().zip(dots) {
                dots.store(out.as_mut_ptr().add(group * LANES));
            }
        }
    }
}
