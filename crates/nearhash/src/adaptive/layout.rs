//! How an index is laid out, chosen from the data.

use crate::adaptive::codes::Bits;
use crate::adaptive::projection::Spectrum;

/// Fewer points than this are compared with every query.
pub(crate) const FEWEST: usize = 1024;
/// Most axes that vectors are projected on.
pub(crate) const MOST_AXES: usize = 256;
/// Vectors up to this length get codes of seven bits: there is little to leave out of them, and
/// what is left out costs more than it saves.
const SHORT: usize = 64;
/// Shares of the variance that the axes keep, for short vectors and for longer ones.
const SHORT_SHARE: f64 = 0.99;
const LONG_SHARE: f64 = 0.93;
/// From so many axes on, sign hashes along single directions leave much to settling.
const MANY_AXES: usize = 192;

/// Choices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) axes: usize,
    pub(crate) bits: Bits,
    /// Points a bucket to grow.
    pub(crate) bucket_size: usize,
    /// Rounds in which every point moves to its nearest centre.
    pub(crate) settle: usize,
}

impl Layout {
    /// For `rows` points of `dim` numbers.
    pub(crate) fn new(spectrum: &Spectrum, rows: usize, dim: usize, settle: Option<usize>) -> Self {
        let short = dim <= SHORT;
        let share = if short { SHORT_SHARE } else { LONG_SHARE };
        let axes = spectrum.directions_for(share).next_multiple_of(16).max(16);
        // About 1.5 √n buckets: ranking them costs as much as scanning some.
        let buckets = ((2.25 * rows as f64).sqrt() as usize).next_power_of_two();
        Self {
            axes,
            bits: if short { Bits::Seven } else { Bits::Four },
            bucket_size: rows.div_ceil(buckets),
            settle: settle.unwrap_or(if axes > MANY_AXES { 3 } else { 1 }),
        }
    }
}
