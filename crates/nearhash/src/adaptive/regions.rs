//! Regions: parts of many points, in which buckets stand together.
//!
//! Hashes look at few coordinates. Buckets near a query would be in many of the parts that they make, so
//! points go to the nearest of a few hundred means, along all the axes that centres have (Lloyd, k-means).

use rayon::prelude::*;

use crate::adaptive::filing::{by_number, nearest_of};
use crate::adaptive::layout::Layout;
use crate::adaptive::model::Model;
use crate::adaptive::quantised::{Centres, QuantisedRows, TOWARDS};
use crate::adaptive::search::Scratch;
use crate::adaptive::tree::{Member, grow, members};
use crate::kernel::Kernels;
use crate::large;

/// Points that the means are taken of, at most.
const SAMPLE: usize = 65_536;
/// How often they are taken.
const ROUNDS: usize = 3;

/// Points that are asked how many regions open.
const ASKED: usize = 64;
/// Buckets that are listed for them, and regions that should be open then, at most: to score the buckets
/// of a region costs less than to scan one of them, and stored points with twins open twice as many as
/// queries do.
const LISTED: usize = 32;
const OPENED: usize = 64;
/// Steps down from the largest cosine.
const STEP: f32 = 0.025;

impl Model {
    /// The largest cosine with which not too many regions are opened: the more axes vary, the nearer to a
    /// right angle the ways from a region's centre to its buckets are to any other way.
    pub(super) fn measured_towards(&self) -> f32 {
        if self.centres.heads().is_none() {
            return TOWARDS;
        }
        let kernels = Kernels::get();
        let rows = self.points.rows();
        let mut centres = self.centres.clone();
        let asked: Vec<u32> = (0..rows as u32).step_by(rows.div_ceil(ASKED)).collect();
        let listed = LISTED.min(centres.len());
        while centres.towards > STEP {
            let opened = asked.par_iter().map_init(Scratch::default, |scratch, row| {
                self.copy_prepared(*row, &mut scratch.query);
                if !self.prepare(kernels, scratch) {
                    return 0;
                }
                let (ranking, plain) = (&mut scratch.ranking, &scratch.plain);
                ranking.start(kernels, &centres, plain);
                ranking.list(kernels, &centres, plain, listed);
                ranking.opened_by(listed - 1)
            });
            let opened: usize = opened.sum();
            if opened <= OPENED * asked.len() {
                break;
            }
            centres.towards -= STEP;
        }
        centres.towards
    }
}

/// Points region by region.
pub(super) struct InRegions {
    pub(super) members: Vec<Member>,
    /// How many of them are in each region.
    pub(super) sizes: Vec<usize>,
    /// All points as bytes, in their own order.
    pub(super) quantised: QuantisedRows,
}

/// Part points into about as many regions as make `layout.region_size` points each.
pub(super) fn in_regions(y: &[f32], layout: &Layout) -> InRegions {
    let (axes, centre_axes) = (layout.axes, layout.centre_axes);
    let count = y.len() / axes;
    let step = count.div_ceil(SAMPLE).max(1);
    let rows: Vec<u32> = (0..count as u32).step_by(step).collect();
    let mut sample = members(y, axes, &rows);
    let parts = grow(&mut sample, layout.region_size.div_ceil(step));
    let mut sampled = large::zeros(sample.len() * centre_axes);
    sampled
        .par_chunks_mut(centre_axes)
        .zip(&sample)
        .for_each(|(out, member)| {
            out.copy_from_slice(&y[member.row as usize * axes..][..centre_axes]);
        });
    let mut region_of: Vec<u32> = Vec::with_capacity(sample.len());
    for (region, part) in parts.iter().enumerate() {
        region_of.resize(region_of.len() + part, region as u32);
    }
    let mut heads = vec![0.0; parts.len() * centre_axes];
    take_means(&sampled, &region_of, &mut heads, centre_axes);
    let quantised = QuantisedRows::of(&sampled, centre_axes, centre_axes);
    for _ in 1..ROUNDS {
        let centres = Centres::new(&heads, centre_axes);
        nearest_of(&centres, &quantised, 1, &mut region_of);
        take_means(&sampled, &region_of, &mut heads, centre_axes);
    }
    let quantised = QuantisedRows::of(y, axes, centre_axes);
    let mut region_of = vec![0; count];
    let centres = Centres::new(&heads, centre_axes);
    nearest_of(&centres, &quantised, 1, &mut region_of);
    let (sizes, rows) = by_number(&region_of, parts.len());
    InRegions {
        members: members(y, axes, &rows),
        sizes: sizes
            .into_iter()
            .map(|size| size as usize)
            .filter(|size| *size > 0)
            .collect(),
        quantised,
    }
}

/// The mean of each region's points, `axes` floats each, to `means`; regions without points keep theirs.
fn take_means(y: &[f32], region_of: &[u32], means: &mut [f32], axes: usize) {
    let mut members = vec![Vec::new(); means.len() / axes];
    for (i, region) in region_of.iter().enumerate() {
        members[*region as usize].push(i);
    }
    let kernels = Kernels::get();
    means
        .par_chunks_mut(axes)
        .zip(&members)
        .filter(|(_, members)| !members.is_empty())
        .for_each(|(mean, members)| {
            kernels.compiled(
                #[inline(always)]
                || {
                    mean.fill(0.0);
                    for i in members {
                        let y = &y[i * axes..(i + 1) * axes];
                        mean.iter_mut().zip(y).for_each(|(sum, x)| *sum += x);
                    }
                    let by = 1.0 / members.len() as f32;
                    mean.iter_mut().for_each(|x| *x *= by);
                },
            );
        });
}

#[cfg(test)]
mod tests;
