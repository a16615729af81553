//! Bytes of single rows, picked out of many, against one query in two parts.
//!
//! A row takes whole lines of 64 bytes. Its bytes are unsigned, 0 to 255; the query is
//! `128 × high + low` with parts of −64 to 63, so that two products fit a signed 16-bit integer
//! (AVX2 adds them there, saturating) and every CPU gets the same integers.

use super::codes::{Dots, Line};
use super::lanes::Lanes;

/// Largest high part of a query; low ones are −64 to 63.
pub(crate) const PART: f32 = 63.0;

/// Rows whose dot products with a query are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowCodes<'a> {
    /// `lines` lines a row.
    pub(crate) codes: &'a [Line],
    pub(crate) lines: usize,
    /// 64 numbers a line.
    pub(crate) high: &'a [i8],
    pub(crate) low: &'a [i8],
    /// Which rows, in this order.
    pub(crate) ids: &'a [u32],
}

/// Rows ahead whose memory is asked for.
const AHEAD: usize = 12;
/// Of such a row, no more than this many lines.
const AHEAD_LINES: usize = 6;

/// Σ byte × (128 × high + low) of each picked row: sixteen whole sums, rounded to float32 and then
/// added as in [`Lanes::reduce`].
///
/// # Safety
/// As for [`Lanes`]; every id is a row, and `out` has a place for each.
#[inline(always)]
pub(crate) unsafe fn row_dots<D: Dots>(r: RowCodes<'_>, out: &mut [f32]) {
    let (high, low) = (r.high.as_ptr(), r.low.as_ptr());
    // SAFETY: ids are rows; prefetching is allowed anywhere.
    let row = |id: u32| unsafe { r.codes.as_ptr().add(id as usize * r.lines) };
    let lines = r.lines.min(AHEAD_LINES);
    let ask = |id: u32| {
        for line in 0..lines {
            // SAFETY: as above.
            unsafe { D::V::prefetch(row(id).wrapping_add(line).cast()) };
        }
    };
    r.ids.iter().take(AHEAD).for_each(|id| ask(*id));
    let (fours, rest) = r.ids.as_chunks::<4>();
    let (out_fours, out_rest) = out.as_chunks_mut::<4>();
    for (i, (ids, out)) in fours.iter().zip(out_fours).enumerate() {
        let ahead = r.ids.iter().skip(4 * i + AHEAD).take(4);
        ahead.for_each(|id| ask(*id));
        let [a, b, c, d] = *ids;
        let rows = [row(a), row(b), row(c), row(d)];
        // SAFETY: the ids are rows, which have so many lines, as have the query's parts.
        *out = unsafe { D::V::reduce4(D::rows(rows, high, low, r.lines)) };
    }
    for (id, out) in rest.iter().zip(out_rest) {
        // SAFETY: as above.
        *out = unsafe { D::row(row(*id), high, low, r.lines).reduce() };
    }
}
