//! Compact residual codes: what is left of each vector beside its bucket's centre.
//!
//! A vector is estimated as its bucket's decoded centre plus a few bits a dimension, and its norms:
//! `|q − x|² ≈ |q − y^|² + rests`. Residuals are divided by one weight a dimension, by how much that
//! dimension varies inside buckets, and by one scale a vector.

use std::ops::Range;

use half::f16;
use rayon::prelude::*;

use crate::adaptive::projection::squared_norm;
use crate::adaptive::quantised::{Centres, nearest_whole};
use crate::kernel::{Kernels, LANES, LINE, Line};
use crate::large;

/// Bits a coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bits {
    /// Half a byte: 16 values.
    Four,
    /// A byte, of which 128 values are used.
    Seven,
}

impl Bits {
    /// Largest code.
    fn largest(self) -> f32 {
        match self {
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
            Self::Four => 2.4,
            Self::Seven => 16.0,
        }
    }

    /// Lines of codes a group.
    pub(crate) fn lines(self, axes: usize) -> usize {
        match self {
            Self::Four => axes / 8,
            Self::Seven => axes / 4,
        }
    }

    /// The scale of a residual by its largest coordinate and its root mean square.
    fn scale(self, largest: f32, rms: f32) -> f32 {
        match self {
            // Few values: to clip the ends costs less than to be coarse in the middle.
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
    /// First group of sixteen and number of groups.
    pub(crate) first_group: u32,
    pub(crate) groups: u32,
    /// Norm part of a vector: `a_unit × a`.
    pub(crate) a_unit: f32,
    /// Scale of a vector: `u_unit × u`.
    pub(crate) u_unit: f32,
    /// Rest of a vector: `e_unit × e`.
    pub(crate) e_unit: f32,
    /// Distance of the vector that is farthest from the centre.
    pub(crate) reach: f32,
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

impl Codes {
    /// Encode rows in the order of their buckets, `sizes` of them in each.
    pub(crate) fn new(bits: Bits, centres: &Centres, sizes: &[u32], rows: &Projected<'_>) -> Self {
        let axes = rows.axes;
        let mut buckets = Vec::with_capacity(sizes.len());
        let (mut first_row, mut first_group) = (0, 0);
        for rows in sizes {
            let groups = rows.div_ceil(LANES as u32);
            buckets.push(Bucket {
                first_row,
                rows: *rows,
                first_group,
                groups,
                ..Bucket::default()
            });
            first_row += rows;
            first_group += groups;
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
            let (lines, others) = group_lines.split_at_mut(bucket.groups as usize * stride);
            group_lines = others;
            let (live, others) = live_parts.split_at_mut(bucket.groups as usize);
            live_parts = others;
            parts.push((i, bucket, lines, live));
        }
        let weights = &codes.weights;
        let kernels = Kernels::get();
        parts.into_par_iter().for_each_init(
            Vec::new,
            |buffer: &mut Vec<f32>, (i, bucket, lines, live)| {
                buffer.resize(axes, 0.0);
                centres.decode(i, buffer);
                let encoder = Encoder {
                    bits,
                    weights,
                    centre_norm: squared_norm(buffer),
                    centre: buffer,
                };
                kernels.compiled(
                    #[inline(always)]
                    || encoder.encode(bucket, rows, lines),
                );
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

    /// Whether codes have as few bits as there are.
    pub(crate) fn is_coarse(&self) -> bool {
        self.bits == Bits::Four
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
        &self.groups[first..first + bucket.groups as usize * stride]
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.len() * LINE
            + self.live.len() * 2
            + self.buckets.len() * std::mem::size_of::<Bucket>()
    }
}

/// Halves go up to 65,504.
const LARGEST_HALF: f32 = 60_000.0;

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

/// Encodes the rows of one bucket.
struct Encoder<'a> {
    bits: Bits,
    weights: &'a [f32],
    /// Decoded.
    centre: &'a [f32],
    centre_norm: f32,
}

impl Encoder<'_> {
    /// Write norms and codes to `lines`, their units to `bucket`.
    #[inline(always)]
    fn encode(&self, bucket: &mut Bucket, rows: &Projected<'_>, lines: &mut [Line]) {
        let axes = self.weights.len();
        let stride = 1 + self.bits.lines(axes);
        let inverse: Vec<f32> = self.weights.iter().map(|w| 1.0 / w).collect();
        let count = bucket.rows as usize;
        let mut residuals = vec![0.0_f32; count * axes];
        let mut scales = vec![0.0_f32; count];
        let (mut farthest, mut largest_rest) = (0.0_f32, 0.0_f32);
        for ((i, residual), scale) in bucket
            .range()
            .zip(residuals.chunks_exact_mut(axes))
            .zip(&mut scales)
        {
            let (y, rest) = rows.row(i);
            let (mut largest, mut beside) = ([0.0_f32; LANES], [0.0_f32; LANES]);
            let parts = y.chunks_exact(LANES).zip(self.centre.chunks_exact(LANES));
            let outs = residual.chunks_exact_mut(LANES);
            for ((out, (y, centre)), inverse) in outs.zip(parts).zip(inverse.chunks_exact(LANES)) {
                for j in 0..LANES {
                    let from_centre = y[j] - centre[j];
                    beside[j] += from_centre * from_centre;
                    out[j] = from_centre * inverse[j];
                    let size = out[j].abs();
                    largest[j] = if size > largest[j] { size } else { largest[j] };
                }
            }
            farthest = farthest.max(beside.iter().sum::<f32>() + rest);
            largest_rest = largest_rest.max(rest);
            let largest = largest.iter().fold(0.0_f32, |a, b| a.max(*b));
            let rms = (squared_norm(residual) / axes as f32).sqrt();
            *scale = self.bits.scale(largest, rms);
        }
        bucket.reach = farthest.sqrt();
        let unit_of = |most: f32| if most > 0.0 { most / 255.0 } else { 1.0 };
        // No code is zero, so that points on their centre need a scale that makes nothing of it.
        let largest = scales.iter().fold(f32::MIN_POSITIVE, |a, b| a.max(*b));
        bucket.u_unit = (largest / 255.0).max(f32::MIN_POSITIVE);
        bucket.e_unit = unit_of(largest_rest.sqrt());
        let (middle, largest) = (self.bits.middle(), self.bits.largest());
        let mut decoded = vec![0.0_f32; axes];
        let mut codes = vec![0_u8; axes];
        let mut norms = vec![0.0_f32; count];
        for (at, i) in bucket.range().enumerate() {
            let (y, rest) = rows.row(i);
            let residual = &residuals[at * axes..(at + 1) * axes];
            let u = (scales[at] / bucket.u_unit).ceil().clamp(1.0, 255.0);
            let e = (rest.sqrt() / bucket.e_unit).round().clamp(0.0, 255.0);
            let scale = u * bucket.u_unit;
            let per_step = 1.0 / scale;
            let group = at / LANES * stride;
            let lane = at % LANES;
            lines[group].0[32 + lane] = u as u8;
            lines[group].0[48 + lane] = e as u8;
            let mut errors = [0.0_f32; LANES];
            let parts = residual.chunks_exact(LANES).zip(y.chunks_exact(LANES));
            let scales = self.centre.chunks_exact(LANES);
            let scales = scales.zip(self.weights.chunks_exact(LANES));
            let outs = codes.chunks_exact_mut(LANES);
            let outs = outs.zip(decoded.chunks_exact_mut(LANES));
            for (((residual, y), (centre, weights)), (codes, decoded)) in
                parts.zip(scales).zip(outs)
            {
                for j in 0..LANES {
                    let code = residual[j] * per_step + middle;
                    let code = if code < largest { code } else { largest };
                    let code = nearest_whole(if code > 0.0 { code } else { 0.0 });
                    codes[j] = code as u8;
                    decoded[j] = centre[j] + weights[j] * scale * (code as f32 - middle);
                    let off = y[j] - decoded[j];
                    errors[j] += off * off;
                }
            }
            self.place(&codes, &mut lines[group + 1..group + stride], lane);
            let error = errors.iter().sum::<f32>();
            norms[at] = squared_norm(&decoded) - self.centre_norm + rest - error;
        }
        let most = norms.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        bucket.a_unit = if most > 0.0 { most / LARGEST_HALF } else { 1.0 };
        for (i, norm) in norms.iter().enumerate() {
            let half = f16::from_f32(norm / bucket.a_unit).to_bits();
            let at = 2 * (i % LANES);
            lines[i / LANES * stride].0[at..at + 2].copy_from_slice(&half.to_le_bytes());
        }
    }

    /// Write the codes of one vector to its lane.
    #[inline(always)]
    fn place(&self, codes: &[u8], lines: &mut [Line], lane: usize) {
        let (fours, _) = codes.as_chunks::<4>();
        let places = 4 * lane..4 * lane + 4;
        match self.bits {
            Bits::Seven => {
                for (line, codes) in lines.iter_mut().zip(fours) {
                    line.0[places.clone()].copy_from_slice(codes);
                }
            }
            Bits::Four => {
                for (line, codes) in lines.iter_mut().zip(fours.as_chunks::<2>().0) {
                    let [low, high] = codes.map(u32::from_le_bytes);
                    let both = low | high << 4;
                    line.0[places.clone()].copy_from_slice(&both.to_le_bytes());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
