//! Compact residual codes: what is left of each vector beside its bucket's centre.
//!
//! A vector is estimated as its bucket's decoded centre plus a few bits a dimension, and its norms:
//! `|q − x|² ≈ |q − y^|² + rests`. Residuals are divided by one weight a dimension, by how much that
//! dimension varies inside buckets, and by one scale a vector.

mod encode;

use std::ops::Range;

use rayon::prelude::*;

use crate::adaptive::codes::encode::{Encoded, Encoder};
use crate::adaptive::projection::squared_norm;
use crate::adaptive::quantised::Centres;
use crate::kernel::{Kernels, LANES, LINE, Line, Packing, Residuals, prefetch};
use crate::large;

/// Bits a coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bits {
    /// A quarter of a byte: 4 values.
    Two,
    /// Half a byte: 16 values.
    Four,
    /// A byte, of which 128 values are used.
    Seven,
}

impl Bits {
    /// Largest code.
    fn largest(self) -> f32 {
        match self {
            Self::Two => 3.0,
            Self::Four => 15.0,
            Self::Seven => 127.0,
        }
    }

    /// The code of zero, between two codes.
    pub(crate) fn middle(self) -> f32 {
        self.largest() / 2.0
    }

    /// Root mean square of the codes, from the middle, for usual residuals.
    pub(crate) fn usual_code(self) -> f32 {
        match self {
            Self::Two => 0.95,
            Self::Four => 2.4,
            Self::Seven => 16.0,
        }
    }

    /// How many.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Seven => 7,
        }
    }

    /// Codes of the next larger number of bits, if there are any.
    pub(crate) fn finer(self) -> Option<Self> {
        match self {
            Self::Two => Some(Self::Four),
            Self::Four => Some(Self::Seven),
            Self::Seven => None,
        }
    }

    /// How codes lie in lines.
    pub(crate) fn packing(self) -> Packing {
        match self {
            Self::Two => Packing::Quarters,
            Self::Four => Packing::Nibbles,
            Self::Seven => Packing::Bytes,
        }
    }

    /// Lines of codes a group.
    pub(crate) fn lines(self, axes: usize) -> usize {
        axes / self.packing().dimensions()
    }

    /// The scale of a residual by its largest coordinate and its root mean square.
    fn scale(self, largest: f32, rms: f32) -> f32 {
        match self {
            // Few values: to clip the ends costs less than to be coarse in the middle.
            Self::Two => (largest / 1.5).min(rms),
            Self::Four => (largest / 7.5).min(0.42 * rms),
            Self::Seven => largest / 63.5,
        }
    }
}

/// Where a bucket's rows and codes are, and what its norms are multiplied by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    /// First row and number of rows, in the index's own order.
    pub(crate) first_row: u32,
    pub(crate) rows: u32,
    /// First group of sixteen.
    pub(crate) first_group: u32,
    /// Norm part of a vector: `a_unit × a`.
    pub(crate) a_unit: f32,
    /// Scale of a vector: `u_unit × u`.
    pub(crate) u_unit: f32,
    /// Rest of a vector: `e_unit × e`.
    pub(crate) e_unit: f32,
    /// Distance of the vector that is farthest from the centre.
    pub(crate) reach: f32,
    /// Mean squared distance of its vectors from the centre.
    pub(crate) spread: f32,
}

/// Whether a bucket whose centre is at this squared distance holds nothing within `root`, when nothing in
/// it is farther than `reach` from its centre: the triangle inequality, with some room for what
/// rounding does to distances.
#[inline(always)]
pub(crate) fn is_beyond(squared: f32, reach: f32, root: f32) -> bool {
    squared.max(0.0).sqrt() - reach > root * ROOM
}

const ROOM: f32 = 1.0625;

impl Bucket {
    /// Number of groups of sixteen.
    #[inline(always)]
    pub(crate) fn groups(&self) -> u32 {
        self.rows.div_ceil(LANES as u32)
    }

    /// Its rows.
    fn range(&self) -> Range<u32> {
        self.first_row..self.first_row + self.rows
    }

    /// [`is_beyond`] of this bucket.
    #[inline(always)]
    pub(crate) fn is_hopeless(&self, squared: f32, root: f32) -> bool {
        is_beyond(squared, self.reach, root)
    }
}

/// Projected rows, and the order in which they are to stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Projected<'a> {
    /// `axes` floats a row.
    pub(crate) y: &'a [f32],
    /// Squared.
    pub(crate) rests: &'a [f32],
    /// Which of them comes when; none when they stand so already.
    pub(crate) order: Option<&'a [u32]>,
    pub(crate) axes: usize,
}

impl Projected<'_> {
    #[inline(always)]
    fn at(&self, i: u32) -> usize {
        self.order.map_or(i, |order| order[i as usize]) as usize
    }

    /// Ask for the memory of the `i`-th, if there is one.
    #[inline(always)]
    fn prefetch(&self, i: u32) {
        if (i as usize) < self.rests.len() {
            let at = self.at(i);
            let y = &self.y[at * self.axes..][..self.axes];
            y.iter().step_by(LANES).for_each(prefetch);
        }
    }

    /// The projected vector and the squared rest of the `i`-th.
    #[inline(always)]
    fn row(&self, i: u32) -> (&[f32], f32) {
        let at = self.at(i);
        (&self.y[at * self.axes..][..self.axes], self.rests[at])
    }
}

/// Codes of all rows.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    pub(crate) bits: Bits,
    pub(crate) axes: usize,
    /// What residuals were divided by, one a dimension.
    pub(crate) weights: Vec<f32>,
    pub(crate) buckets: Vec<Bucket>,
    /// `1 + bits.lines(axes)` lines a group.
    pub(crate) groups: Vec<Line>,
    /// Which vectors of each group there are.
    pub(crate) live: Vec<u16>,
}

/// Least weight of a dimension, in parts of the usual one.
const LEAST_WEIGHT: f32 = 0.1;
/// Rows ahead whose memory is asked for.
const AHEAD: u32 = 4;

impl Codes {
    /// Encode rows in the order of their buckets, `sizes` of them in each.
    pub(crate) fn new(bits: Bits, centres: &Centres, sizes: &[u32], rows: &Projected<'_>) -> Self {
        let axes = rows.axes;
        let mut buckets = Vec::with_capacity(sizes.len());
        let (mut first_row, mut first_group) = (0, 0);
        for rows in sizes {
            let bucket = Bucket {
                first_row,
                rows: *rows,
                first_group,
                ..Bucket::default()
            };
            first_row += rows;
            first_group += bucket.groups();
            buckets.push(bucket);
        }
        let weights = weights(centres, &buckets, rows);
        let stride = 1 + bits.lines(axes);
        let mut codes = Self {
            bits,
            axes,
            weights,
            buckets,
            groups: large::filled(Line([0; LINE]), first_group as usize * stride),
            live: vec![0; first_group as usize],
        };
        let mut parts = Vec::with_capacity(codes.buckets.len());
        let mut group_lines = &mut codes.groups[..];
        let mut live_parts = &mut codes.live[..];
        for (i, bucket) in codes.buckets.iter_mut().enumerate() {
            let (lines, others) = group_lines.split_at_mut(bucket.groups() as usize * stride);
            group_lines = others;
            let (live, others) = live_parts.split_at_mut(bucket.groups() as usize);
            live_parts = others;
            parts.push((i, bucket, lines, live));
        }
        let weights = &codes.weights;
        let inverse: Vec<f32> = weights.iter().map(|w| 1.0 / w).collect();
        parts.into_par_iter().for_each_init(
            || (vec![0.0; axes], Encoded::default()),
            |(centre, encoded), (i, bucket, lines, live)| {
                centres.decode(i, centre);
                let encoder = Encoder {
                    bits,
                    centre_norm: squared_norm(centre),
                    residuals: Residuals {
                        centre,
                        weights,
                        inverse: &inverse,
                        largest: bits.largest(),
                    },
                };
                encoder.encode(bucket, rows, lines, encoded);
                for (group, live) in live.iter_mut().enumerate() {
                    let left = bucket.rows as usize - group * LANES;
                    *live = ((1_u32 << left.min(LANES)) - 1) as u16;
                }
            },
        );
        codes
    }

    /// The bucket of a row.
    pub(crate) fn bucket_of(&self, row: u32) -> usize {
        self.buckets.partition_point(|b| b.first_row <= row) - 1
    }

    /// Where the live bit of a row is: word and mask.
    pub(crate) fn place(&self, row: u32) -> (usize, u16) {
        let bucket = &self.buckets[self.bucket_of(row)];
        let at = (row - bucket.first_row) as usize;
        (bucket.first_group as usize + at / LANES, 1 << (at % LANES))
    }

    /// Lines a group.
    pub(crate) fn stride(&self) -> usize {
        1 + self.bits.lines(self.axes)
    }

    /// The lines of a bucket: norms and codes of its groups.
    #[inline(always)]
    pub(crate) fn lines_of(&self, bucket: &Bucket) -> &[Line] {
        let stride = self.stride();
        let first = bucket.first_group as usize * stride;
        &self.groups[first..first + bucket.groups() as usize * stride]
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.len() * LINE
            + self.live.len() * 2
            + self.buckets.len() * std::mem::size_of::<Bucket>()
    }
}

/// Root mean square of the residuals in each dimension, in parts of that of all dimensions.
fn weights(centres: &Centres, buckets: &[Bucket], rows: &Projected<'_>) -> Vec<f32> {
    const STEP: usize = 64;
    let (kernels, axes) = (Kernels::get(), rows.axes);
    // Sums of fixed parts, added in their order: the same for any number of threads.
    let sums: Vec<Vec<f64>> = buckets
        .par_chunks(STEP)
        .enumerate()
        .map(|(step, buckets)| {
            let mut sums = vec![0.0_f64; axes];
            let mut part = vec![0.0_f32; axes];
            let mut centre = vec![0.0; axes];
            for (i, bucket) in buckets.iter().enumerate() {
                centres.decode(step * STEP + i, &mut centre);
                part.fill(0.0);
                kernels.compiled(
                    #[inline(always)]
                    || {
                        for i in bucket.range() {
                            rows.prefetch(i + AHEAD);
                            let (y, _) = rows.row(i);
                            for ((sum, y), c) in part.iter_mut().zip(y).zip(&centre) {
                                *sum += (y - c) * (y - c);
                            }
                        }
                    },
                );
                for (sum, part) in sums.iter_mut().zip(&part) {
                    *sum += f64::from(*part);
                }
            }
            sums
        })
        .collect();
    let mut total = vec![0.0_f64; axes];
    for sums in &sums {
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    let roots: Vec<f64> = total.iter().map(|x| x.sqrt()).collect();
    let mean = roots.iter().sum::<f64>() / axes as f64;
    roots
        .iter()
        .map(|root| {
            if mean > 0.0 {
                ((root / mean) as f32).max(LEAST_WEIGHT)
            } else {
                1.0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
