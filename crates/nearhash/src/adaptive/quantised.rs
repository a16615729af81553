//! A projected vector as signed bytes, and the centres that it is compared with.

use std::ops::Deref;

use rayon::prelude::*;

use crate::adaptive::projection::squared_norm;
use crate::kernel::{
    CodeTile, Kernels, LANES, LINE, Line, Packing, ROUNDER, Rounded, Score, Scored, TILE, TileScore,
};
use crate::large;

/// A centre's code of zero; codes go from 1 to 127.
const MIDDLE: f32 = 64.0;
/// Largest distance of a centre's code from its zero.
const REACH: f32 = 63.0;

/// y ≈ step × codes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quantised<Codes = Vec<i8>> {
    pub(crate) codes: Codes,
    pub(crate) step: f32,
    /// Sum of the codes.
    pub(crate) sum: i32,
    /// Sum of their squares.
    squares: i32,
    /// |y|² along axes that have no codes.
    pub(crate) beyond: f32,
}

impl Quantised {
    /// Take `y`, each coordinate multiplied by its weight.
    pub(crate) fn set(&mut self, kernels: &Kernels, y: &[f32], weights: Option<&[f32]>) {
        self.codes.resize(y.len(), 0);
        let rounded = kernels.quantise(y, weights, &mut self.codes);
        (self.step, self.sum, self.squares) = (rounded.step, rounded.sum, rounded.squares);
    }
}

impl<Codes: Deref<Target = [i8]>> Quantised<Codes> {
    /// |step × codes|², and what lies beyond.
    pub(crate) fn squared_norm(&self) -> f32 {
        self.squares as f32 * (self.step * self.step) + self.beyond
    }
}

/// [`Quantised`] vectors, one after the other.
#[derive(Debug)]
pub(crate) struct QuantisedRows {
    axes: usize,
    codes: Vec<i8>,
    rounded: Vec<Rounded>,
}

impl QuantisedRows {
    /// Of projected vectors, `width` floats each, the first `axes` of them.
    pub(crate) fn of(y: &[f32], width: usize, axes: usize) -> Self {
        const STEP: usize = 1024;
        let kernels = Kernels::get();
        let count = y.len() / width;
        let mut codes = large::zeros(count * axes);
        let mut rounded = vec![Rounded::default(); count];
        y.par_chunks(STEP * width)
            .zip(codes.par_chunks_mut(STEP * axes))
            .zip(rounded.par_chunks_mut(STEP))
            .for_each(|((y, codes), rounded)| {
                let rows = y.chunks_exact(width).zip(codes.chunks_exact_mut(axes));
                for ((y, codes), rounded) in rows.zip(rounded) {
                    *rounded = kernels.quantise(&y[..axes], None, codes);
                }
            });
        Self {
            axes,
            codes,
            rounded,
        }
    }

    /// These of them, in this order.
    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let axes = self.axes;
        let mut codes = large::zeros(order.len() * axes);
        let mut rounded = vec![Rounded::default(); order.len()];
        codes
            .par_chunks_mut(axes)
            .zip(&mut rounded)
            .zip(order)
            .for_each(|((codes, rounded), i)| {
                let i = *i as usize;
                codes.copy_from_slice(&self.codes[i * axes..(i + 1) * axes]);
                *rounded = self.rounded[i];
            });
        Self {
            axes,
            codes,
            rounded,
        }
    }

    /// Add the vector at place `i` to `sum`.
    #[inline(always)]
    pub(crate) fn add_to(&self, sum: &mut [f32], i: usize) {
        let step = self.rounded[i].step;
        let codes = &self.codes[i * self.axes..(i + 1) * self.axes];
        for (sum, code) in sum.iter_mut().zip(codes) {
            *sum += step * f32::from(*code);
        }
    }

    /// The vector at place `i`, as if nothing were beyond.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> Quantised<&[i8]> {
        let Rounded { step, sum, squares } = self.rounded[i];
        Quantised {
            codes: &self.codes[i * self.axes..(i + 1) * self.axes],
            step,
            sum,
            squares,
            // The same for all centres: the nearest one is the nearest one without it.
            beyond: 0.0,
        }
    }
}

/// Buckets whose centres lie together, and stand together in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Region {
    /// First bucket and number of buckets.
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// First group of sixteen centres.
    first_group: u32,
    step: f32,
}

impl Region {
    /// Groups of sixteen centres; the last one may have pads.
    pub(crate) fn groups(&self) -> usize {
        (self.count as usize).div_ceil(LANES)
    }
}

/// Bucket centres as bytes: each beside its region's centre, with one step a region. Where there is but
/// one region, that is the origin. Beyond their axes, centres are zero.
#[derive(Debug, Clone)]
pub(crate) struct Centres {
    /// Length of each.
    pub(crate) axes: usize,
    count: usize,
    codes: Vec<Line>,
    /// |decoded centre|² beyond that of the region's, one a centre, and for whole groups.
    norms: Vec<f32>,
    /// The same with what is added to rank them by.
    ranked: Vec<f32>,
    pub(crate) regions: Vec<Region>,
    /// Mean squared distance of each region's centres from its own, zeros behind them, in whole groups.
    pub(crate) spreads: Vec<f32>,
    /// Centres of the regions, when they are several.
    heads: Option<Box<Centres>>,
    /// Cosine of the angle between the way from a region's centre to a query and to a bucket of the region, at
    /// most, when buckets near the query are looked for.
    pub(crate) towards: f32,
}

/// What [`Centres::towards`] is at first.
pub(crate) const TOWARDS: f32 = 0.8;
/// A distance that no bucket has.
const FAR: f32 = f32::MAX;
/// Regions in which the nearest centre is looked for.
const NEAREST_REGIONS: usize = 4;

impl Centres {
    /// From centres, `axes` floats each, in one region.
    pub(crate) fn new(centres: &[f32], axes: usize) -> Self {
        Self::coded(centres, axes, &[(centres.len() / axes) as u32], None)
    }

    /// From centres that stand region by region, `sizes` of them in each, and the regions' own.
    pub(crate) fn in_regions(centres: &[f32], axes: usize, sizes: &[u32], heads: &[f32]) -> Self {
        if sizes.len() < 2 {
            return Self::new(centres, axes);
        }
        Self::coded(centres, axes, sizes, Some(Self::new(heads, axes)))
    }

    fn coded(centres: &[f32], axes: usize, sizes: &[u32], heads: Option<Self>) -> Self {
        let lines = axes / 4;
        let groups: usize = sizes.iter().map(|n| (*n as usize).div_ceil(LANES)).sum();
        let mut codes = vec![Line([MIDDLE as u8; LINE]); groups * lines];
        let mut norms = vec![FAR; groups * LANES];
        let (mut decoded, mut head) = (vec![0.0; axes], vec![0.0; axes]);
        let (mut first, mut first_group) = (0, 0);
        let mut regions = Vec::with_capacity(sizes.len());
        let mut spreads = vec![0.0; sizes.len().next_multiple_of(LANES)];
        for (r, size) in sizes.iter().enumerate() {
            if let Some(heads) = &heads {
                heads.decode(r, &mut head);
            }
            let head_norm = squared_norm(&head);
            let members = &centres[first * axes..(first + *size as usize) * axes];
            let most = members.chunks_exact(axes).fold(0.0_f32, |most, centre| {
                let beside = centre.iter().zip(&head).map(|(x, h)| (x - h).abs());
                beside.fold(most, f32::max)
            });
            let step = if most > 0.0 { most / REACH } else { 1.0 };
            for (i, centre) in members.chunks_exact(axes).enumerate() {
                let at = (first_group + i / LANES) * lines;
                for (j, (x, head)) in centre.iter().zip(&head).enumerate() {
                    let code = ((x - head) / step + ROUNDER - ROUNDER).clamp(-REACH, REACH);
                    decoded[j] = code * step;
                    codes[at + j / 4].0[4 * (i % LANES) + j % 4] = (code + MIDDLE) as u8;
                }
                spreads[r] += squared_norm(&decoded);
                decoded.iter_mut().zip(&head).for_each(|(x, h)| *x += h);
                norms[first_group * LANES + i] = squared_norm(&decoded) - head_norm;
            }
            let region = Region {
                first: first as u32,
                count: *size,
                first_group: first_group as u32,
                step,
            };
            spreads[r] /= (*size).max(1) as f32;
            first += region.count as usize;
            first_group += region.groups();
            regions.push(region);
        }
        Self {
            axes,
            count: first,
            codes,
            ranked: norms.clone(),
            norms,
            regions,
            spreads,
            heads: heads.map(Box::new),
            towards: TOWARDS,
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The regions' centres, when there are several regions.
    pub(crate) fn heads(&self) -> Option<&Self> {
        self.heads.as_deref()
    }

    /// The decoded centre `i`, to `out`; zeros beyond its axes.
    pub(crate) fn decode(&self, i: usize, out: &mut [f32]) {
        let r = self.regions.partition_point(|r| r.first as usize <= i) - 1;
        let region = &self.regions[r];
        match &self.heads {
            Some(heads) => heads.decode(r, out),
            None => out.fill(0.0),
        }
        let i = i - region.first as usize;
        let at = (region.first_group as usize + i / LANES) * (self.axes / 4);
        for (j, out) in out[..self.axes].iter_mut().enumerate() {
            let code = self.codes[at + j / 4].0[4 * (i % LANES) + j % 4];
            *out += (f32::from(code) - MIDDLE) * region.step;
        }
    }

    /// Rank centres by their squared distances and this, one for each; for one region only.
    pub(crate) fn rank_by(&mut self, added: impl Iterator<Item = f32>) {
        self.ranked = self.norms.clone();
        let centres = self.ranked.iter_mut().zip(added);
        centres.for_each(|(norm, added)| *norm += added);
    }

    /// What centres are ranked by: [`distances`](Self::distances), and what is added to them.
    pub(crate) fn ranks(
        &self,
        kernels: &Kernels,
        y: &Quantised<impl Deref<Target = [i8]>>,
        out: &mut Vec<f32>,
    ) -> Scored {
        self.score_all(kernels, &self.ranked, y, out)
    }

    /// Squared distances from `y` to all decoded centres of the only region, in whole groups; those
    /// behind the last centre are beyond all others.
    pub(crate) fn distances(
        &self,
        kernels: &Kernels,
        y: &Quantised<impl Deref<Target = [i8]>>,
        out: &mut Vec<f32>,
    ) -> Scored {
        self.score_all(kernels, &self.norms, y, out)
    }

    /// The same with these norms.
    fn score_all(
        &self,
        kernels: &Kernels,
        norms: &[f32],
        y: &Quantised<impl Deref<Target = [i8]>>,
        out: &mut Vec<f32>,
    ) -> Scored {
        out.resize(norms.len(), 0.0);
        self.score(kernels, &self.regions[0], norms, y, y.squared_norm(), out)
    }

    /// Squared distances in one region, whose own centre is at the squared distance `from`.
    pub(crate) fn distances_in(
        &self,
        kernels: &Kernels,
        region: usize,
        y: &Quantised<impl Deref<Target = [i8]>>,
        from: f32,
        out: &mut [f32],
    ) -> Scored {
        let region = &self.regions[region];
        self.score(kernels, region, &self.norms, y, from, out)
    }

    /// [`distances_in`](Self::distances_in) of centres with these norms.
    fn score(
        &self,
        kernels: &Kernels,
        region: &Region,
        norms: &[f32],
        y: &Quantised<impl Deref<Target = [i8]>>,
        from: f32,
        out: &mut [f32],
    ) -> Scored {
        let groups = region.first_group as usize..region.first_group as usize + region.groups();
        let lines = self.axes / 4;
        let times = -2.0 * region.step * y.step;
        kernels.score(
            Score {
                codes: &self.codes[groups.start * lines..groups.end * lines],
                lines,
                query: &y.codes,
                norms: &norms[groups.start * LANES..groups.end * LANES],
                plus: from - times * (MIDDLE * y.sum as f32),
                times,
            },
            out,
        )
    }

    /// The nearest centre; of those in the nearest regions, when there are several.
    pub(crate) fn nearest(
        &self,
        kernels: &Kernels,
        y: &Quantised<impl Deref<Target = [i8]>>,
        scores: &mut Vec<f32>,
    ) -> u32 {
        let Some(heads) = &self.heads else {
            let scored = self.distances(kernels, y, scores);
            return kernels.first_within(scores, scored.least) as u32;
        };
        heads.distances(kernels, y, scores);
        let all = scores.len();
        let (mut least, mut nearest) = (f32::INFINITY, 0);
        for _ in 0..NEAREST_REGIONS.min(heads.len()) {
            let r = kernels.smallest(&scores[..all]);
            let from = std::mem::replace(&mut scores[r], f32::INFINITY);
            let region = &self.regions[r];
            scores.resize(all + region.groups() * LANES, 0.0);
            let scored = self.distances_in(kernels, r, y, from, &mut scores[all..]);
            if scored.least < least {
                least = scored.least;
                let i = kernels.first_within(&scores[all..], least);
                nearest = region.first + i as u32;
            }
        }
        nearest
    }

    /// [`nearest`](Self::nearest) of several at once: where there is one region, its centres are read
    /// once for all of them.
    pub(crate) fn nearest_of_tile(
        &self,
        kernels: &Kernels,
        y: &[Quantised<&[i8]>; TILE],
        scores: &mut Vec<f32>,
    ) -> [u32; TILE] {
        if self.heads.is_some() {
            return std::array::from_fn(|i| self.nearest(kernels, &y[i], scores));
        }
        let region = &self.regions[0];
        let lines = self.axes / 4;
        let times = y.map(|y| -2.0 * region.step * y.step);
        let plus = |i: usize| y[i].squared_norm() - times[i] * (MIDDLE * y[i].sum as f32);
        kernels.nearest(TileScore {
            tile: CodeTile {
                groups: &self.codes,
                stride: lines,
                lines,
                packing: Packing::Bytes,
                queries: y.map(|y| y.codes),
            },
            norms: &self.norms,
            plus: std::array::from_fn(plus),
            times,
        })
    }

    /// Bytes in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.codes.len() * LINE
            + (self.norms.len() + self.ranked.len() + self.spreads.len()) * 4
            + self.regions.len() * size_of::<Region>()
            + self.heads.as_ref().map_or(0, |heads| heads.memory_bytes())
    }
}

#[cfg(test)]
mod tests;
