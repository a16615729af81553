//! How an index is laid out, chosen from the data.

use crate::adaptive::codes::Bits;
use crate::adaptive::spectrum::Spectrum;

/// Fewer points than this are compared with every query.
pub(crate) const FEWEST: usize = 1024;
/// Most axes that vectors are projected on for codes of four bits and more, and of two.
const MOST_AXES: usize = 256;
const MOST_AXES_OF_TWO_BITS: usize = 304;
/// Vectors up to this length get codes of seven bits: there is little to leave out of them, and
/// what is left out costs more than it saves.
const SHORT: usize = 64;
/// Shares of the variance that the axes keep, for short vectors and for longer ones.
const SHORT_SHARE: f64 = 0.99;
const LONG_SHARE: f64 = 0.93;
/// And for short ones whose near points differ little along the axes beyond: no more than this part of
/// their squared distance (photo histograms .04 to .05). Noise such as that of near copies differs along
/// all axes, and estimates that know only some of them would be far off (.07 and .08 with a third and
/// half of the points such copies).
const FEWER_SHARE: f64 = 0.95;
pub(crate) const LITTLE_BEYOND: f64 = 0.06;
/// Among fewer points than this, fewer axes save little, and queries unlike the data lose by them.
const FEWER_FROM: usize = 50_000;
/// From so many axes on, sign hashes along single directions leave much to settling, and a centre's bytes
/// cost as much as the nibbles of two points: fewer buckets, better settled.
const MANY_AXES: usize = 192;

/// From so many points on, buckets are ranked in two levels.
pub(crate) const REGIONS_FROM: usize = 250_000;
/// Most points of a bucket where buckets are ranked in two levels: many small ones cost little there.
const SMALL_BUCKET: usize = 96;
/// Rounds of settling there, where each looks at few of the centres, and among few buckets with many axes.
const MORE_ROUNDS: usize = 6;

/// And most axes of centres there: points are as well off in buckets by the leading ones, and regions and
/// buckets are ranked sooner.
const CENTRE_AXES: usize = 128;
/// What codes take there should be no more than a tenth of vectors of float32, but this many axes have four
/// bits in any case.
const TENTH: f64 = 0.1;
const AXES_OF_FOUR_BITS: usize = 160;

/// Axes come in whole lines of codes.
fn whole_axes(directions: usize) -> usize {
    directions.next_multiple_of(16).max(16)
}

/// Whether four bits an axis, with norms, pads, ids and centres, take no more than they should.
fn fits(axes: usize, dim: usize) -> bool {
    let codes = 1.15 * (axes as f64 / 2.0 + 4.0) + 12.0;
    axes <= AXES_OF_FOUR_BITS || codes <= TENTH * 4.0 * dim as f64
}

/// What is asked of a layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Rounds of settling; none: chosen from the data.
    pub(crate) settle: Option<usize>,
    /// From so many points on, buckets are ranked in two levels.
    pub(crate) regions_from: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            settle: None,
            regions_from: REGIONS_FROM,
        }
    }
}

/// Choices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) axes: usize,
    /// Leading ones, which buckets' centres have.
    pub(crate) centre_axes: usize,
    pub(crate) bits: Bits,
    /// Points a bucket to grow.
    pub(crate) bucket_size: usize,
    /// Points a region to grow, of buckets that lie together; all of them where there is to be one.
    pub(crate) region_size: usize,
    /// Rounds in which every point moves to its nearest centre.
    pub(crate) settle: usize,
}

impl Layout {
    /// Share of the variance that the axes keep, of vectors of `dim` numbers.
    pub(crate) fn share(dim: usize) -> f64 {
        if dim <= SHORT {
            SHORT_SHARE
        } else {
            LONG_SHARE
        }
    }

    /// Most axes for `rows` points of `dim` numbers.
    pub(crate) fn most_axes(rows: usize, dim: usize, shape: Shape) -> usize {
        if rows >= shape.regions_from && !fits(MOST_AXES, dim) {
            MOST_AXES_OF_TWO_BITS
        } else {
            MOST_AXES
        }
    }

    /// How many axes are enough for `rows` points where near ones differ [little](LITTLE_BEYOND) along the
    /// others; none where they would not be fewer.
    pub(crate) fn fewer_axes(&self, spectrum: &Spectrum, rows: usize) -> Option<usize> {
        let fewer = whole_axes(spectrum.directions_for(FEWER_SHARE));
        let pays = self.bits == Bits::Seven && rows >= FEWER_FROM;
        (pays && fewer < self.axes).then_some(fewer)
    }

    /// For `rows` points of `dim` numbers.
    pub(crate) fn new(spectrum: &Spectrum, rows: usize, dim: usize, shape: Shape) -> Self {
        let short = dim <= SHORT;
        let axes = whole_axes(spectrum.directions_for(Self::share(dim)));
        let root = (rows as f64).sqrt();
        if rows >= shape.regions_from {
            // About √n / 4 regions, each of as many buckets: either way few are looked at.
            let regions = ((root / 4.0) as usize).next_power_of_two().max(2);
            let fits = fits(axes, dim);
            // What is left out costs more than rounding does: two bits of all axes find as much as four of
            // the first 256 of 300, and more than four of as many as fit.
            let axes = if fits {
                axes.min(MOST_AXES)
            } else {
                whole_axes(dim).min(MOST_AXES_OF_TWO_BITS)
            };
            return Self {
                axes,
                centre_axes: axes.min(CENTRE_AXES),
                // Memory is what limits a search among many points.
                bits: if fits { Bits::Four } else { Bits::Two },
                bucket_size: SMALL_BUCKET,
                // The tree halves what is larger; a little room, so that it does not halve half of
                // its leaves once more.
                region_size: (rows + rows / 4).div_ceil(regions),
                settle: shape.settle.unwrap_or(MORE_ROUNDS),
            };
        }
        // About 1.5 √n buckets, or √n: ranking them costs as much as scanning some.
        let many = axes > MANY_AXES;
        let buckets = if many { root } else { 1.5 * root };
        let buckets = (buckets as usize).next_power_of_two();
        Self {
            axes,
            centre_axes: axes,
            bits: if short { Bits::Seven } else { Bits::Four },
            bucket_size: rows.div_ceil(buckets),
            region_size: rows,
            settle: shape.settle.unwrap_or(if many { MORE_ROUNDS } else { 1 }),
        }
    }
}

#[cfg(test)]
mod tests;
