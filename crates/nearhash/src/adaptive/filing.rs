//! Which bucket each point is in, while a model is made.

use rayon::prelude::*;

use crate::adaptive::layout::Layout;
use crate::adaptive::projection::squared_distance;
use crate::adaptive::quantised::{Centres, QuantisedRows};
use crate::adaptive::regions::in_regions;
use crate::adaptive::tree::{grow, members};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Kernels, LANES, TILE, prefetch};

/// Rounds of settling that move all points.
const WHOLE_ROUNDS: usize = 2;
/// Buckets so large have means that half of their points tell nearly as well.
const LARGE_BUCKET: usize = 64;
/// Members ahead whose memory is asked for.
const AHEAD: usize = 4;

/// Points with their buckets.
pub(super) struct Filed {
    /// Length of a projected point, and of the leading part that centres have.
    pub(super) axes: usize,
    pub(super) centre_axes: usize,
    /// Projected, and the squared rests, row by row.
    pub(super) y: Vec<f32>,
    pub(super) rests: Vec<f32>,
    /// The row at each place; none when places are those of rows.
    pub(super) rows: Option<Vec<u32>>,
    /// As bytes, by place; where there are several regions, or while points settle.
    pub(super) quantised: Option<QuantisedRows>,
    /// By place.
    pub(super) bucket_of: Vec<u32>,
    /// Of the buckets, along the leading axes; zero where there is nothing to take it from.
    pub(super) means: Vec<f32>,
    /// Buckets of each region; they stand region by region.
    pub(super) regions: Vec<u32>,
    /// Means of the regions, when they are several.
    pub(super) heads: Vec<f32>,
}

impl Filed {
    /// In the leaves of a tree of sign hashes; the means are still to be taken.
    pub(super) fn by_hashes(y: Vec<f32>, rests: Vec<f32>, layout: &Layout) -> Self {
        let (axes, centre_axes) = (layout.axes, layout.centre_axes);
        let count = rests.len();
        let (mut members, parts, quantised) = if layout.region_size < count {
            let parted = in_regions(&y, layout);
            (parted.members, parted.sizes, Some(parted.quantised))
        } else {
            let rows: Vec<u32> = (0..count as u32).collect();
            (members(&y, axes, &rows), vec![count], None)
        };
        let mut regions = Vec::with_capacity(parts.len());
        let mut left = &mut members[..];
        for part in parts {
            let (region, others) = left.split_at_mut(part);
            regions.push(region);
            left = others;
        }
        let leaves: Vec<Vec<usize>> = regions
            .into_par_iter()
            .map(|region| grow(region, layout.bucket_size))
            .collect();
        let regions: Vec<u32> = leaves.iter().map(|leaves| leaves.len() as u32).collect();
        let sizes = leaves.into_iter().flatten();
        let mut bucket_of = vec![0_u32; count];
        // Points of a region are worked on together, so that it pays to have their bytes together.
        let together = quantised.is_some();
        let mut first = 0;
        for (bucket, size) in sizes.enumerate() {
            for (i, member) in members[first..first + size].iter().enumerate() {
                let at = if together {
                    first + i
                } else {
                    member.row as usize
                };
                bucket_of[at] = bucket as u32;
            }
            first += size;
        }
        let rows: Option<Vec<u32>> =
            together.then(|| members.iter().map(|member| member.row).collect());
        Self {
            axes,
            centre_axes,
            y,
            rests,
            quantised: quantised
                .zip(rows.as_ref())
                .map(|(quantised, rows)| quantised.reordered(rows)),
            rows,
            bucket_of,
            means: Vec::new(),
            regions,
            heads: Vec::new(),
        }
    }

    /// What part of the squared distance between near points is along axes from `fewer` on, in the
    /// mean: of some points and those nearest to them in their buckets.
    pub(super) fn share_beyond(&self, fewer: usize) -> f64 {
        const SAMPLE: usize = 256;
        const NEAR: usize = 5;
        let (kernels, axes) = (Kernels::get(), self.axes);
        let (order, sizes) = (self.in_order(), self.sizes());
        let row = |i: u32| &self.y[i as usize * axes..(i as usize + 1) * axes];
        let mut shares = Vec::new();
        let mut first = 0;
        for (bucket, size) in sizes.iter().enumerate() {
            let members = &order[first..first + *size as usize];
            first += members.len();
            if bucket % sizes.len().div_ceil(SAMPLE) != 0 || members.len() <= NEAR {
                continue;
            }
            let (one, others) = (row(members[0]), &members[1..]);
            let mut near: Vec<(f32, u32)> = kernels.compiled(
                #[inline(always)]
                || {
                    let apart = |other: &u32| (squared_distance(one, row(*other)), *other);
                    others.iter().map(apart).collect()
                },
            );
            near.select_nth_unstable_by(NEAR - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let all: f32 = near[..NEAR].iter().map(|near| near.0).sum();
            let beyond: f32 = near[..NEAR]
                .iter()
                .map(|near| squared_distance(&one[fewer..], &row(near.1)[fewer..]))
                .sum();
            if all > 0.0 {
                shares.push(f64::from(beyond / all));
            }
        }
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }

    /// Keep the first `fewer` axes: what lies along the others is left over.
    pub(super) fn narrow(&mut self, fewer: usize) {
        let axes = std::mem::replace(&mut self.axes, fewer);
        self.centre_axes = self.centre_axes.min(fewer);
        self.y
            .par_chunks_exact(axes)
            .zip(&mut self.rests)
            .for_each(|(row, rest)| *rest += row[fewer..].iter().map(|x| x * x).sum::<f32>());
        // In place: memory that is new to the process takes longer than the copy.
        for row in 1..self.rests.len() {
            self.y
                .copy_within(row * axes..row * axes + fewer, row * fewer);
        }
        self.y.truncate(self.rests.len() * fewer);
    }

    fn buckets(&self) -> usize {
        self.regions.iter().map(|count| *count as usize).sum()
    }

    /// Points of each bucket.
    fn sizes(&self) -> Vec<u32> {
        counts(&self.bucket_of, self.buckets())
    }

    /// The points in the order of their buckets, each by its place here.
    fn in_order(&self) -> Vec<u32> {
        by_number(&self.bucket_of, self.buckets()).1
    }

    /// The same by row.
    pub(super) fn rows_in_order(&self) -> Vec<u32> {
        let mut order = self.in_order();
        if let Some(rows) = &self.rows {
            order.par_iter_mut().for_each(|i| *i = rows[*i as usize]);
        }
        order
    }

    /// Take the means of the members of each bucket but those held out, by row, and of each region.
    pub(super) fn take_means(&mut self, held_out: &[bool]) {
        let (kernels, axes) = (Kernels::get(), self.axes);
        let (sizes, order) = by_number(&self.bucket_of, self.buckets());
        // Near enough, and there is less to read.
        let bytes = self.quantised.as_ref().filter(|_| self.regions.len() > 1);
        let mut members = Vec::with_capacity(sizes.len());
        let mut left = &order[..];
        for size in &sizes {
            let (bucket, others) = left.split_at(*size as usize);
            members.push(bucket);
            left = others;
        }
        let centre_axes = self.centre_axes;
        let mut means = vec![0.0_f32; sizes.len() * centre_axes];
        let counts: Vec<u32> = means
            .par_chunks_mut(centre_axes)
            .zip(members)
            .map(|(mean, members)| {
                let taken = |i: &&u32| {
                    let i = **i as usize;
                    !held_out[self.rows.as_ref().map_or(i, |rows| rows[i] as usize)]
                };
                let members: Vec<&u32> = members.iter().filter(taken).collect();
                let by = 1.0 / members.len().max(1) as f32;
                kernels.compiled(
                    #[inline(always)]
                    || {
                        if let Some(bytes) = bytes {
                            members
                                .iter()
                                .for_each(|i| bytes.add_to(mean, **i as usize));
                            mean.iter_mut().for_each(|x| *x *= by);
                            return;
                        }
                        for (at, i) in members.iter().enumerate() {
                            if let Some(ahead) = members.get(at + AHEAD) {
                                let y = &self.y[**ahead as usize * axes..][..centre_axes];
                                y.iter().step_by(LANES).for_each(prefetch);
                            }
                            let y = &self.y[**i as usize * axes..][..centre_axes];
                            mean.iter_mut().zip(y).for_each(|(sum, x)| *sum += x);
                        }
                        mean.iter_mut().for_each(|x| *x *= by);
                    },
                );
                members.len() as u32
            })
            .collect();
        self.means = means;
        if self.regions.len() < 2 {
            return;
        }
        self.heads = vec![0.0; self.regions.len() * centre_axes];
        let mut first = 0;
        let heads = self.heads.chunks_exact_mut(centre_axes);
        for (region, head) in self.regions.iter().zip(heads) {
            let buckets = first..first + *region as usize;
            first = buckets.end;
            let all: u32 = counts[buckets.clone()].iter().sum();
            for b in buckets {
                let part = counts[b] as f32 / all.max(1) as f32;
                let mean = &self.means[b * centre_axes..(b + 1) * centre_axes];
                head.iter_mut().zip(mean).for_each(|(x, m)| *x += part * m);
            }
        }
    }

    /// The means as centres.
    pub(super) fn centres(&self) -> Centres {
        Centres::in_regions(&self.means, self.centre_axes, &self.regions, &self.heads)
    }

    /// Move every point to its nearest centre, `layout.settle` times. Where buckets are large, all
    /// rounds but the last two move half of the points, and take the means of those alone.
    pub(super) fn settle(
        &mut self,
        layout: &Layout,
        held_out: &[bool],
        control: &Control,
    ) -> Result<()> {
        let is_large = self.regions.len() == 1 && layout.bucket_size >= LARGE_BUCKET;
        let halves = if is_large {
            layout.settle.saturating_sub(WHOLE_ROUNDS)
        } else {
            0
        };
        let left_out: Vec<bool> = if halves > 0 {
            let rows = held_out.iter().enumerate();
            rows.map(|(row, held)| *held || row / TILE % 2 == 1)
                .collect()
        } else {
            Vec::new()
        };
        for round in 0..layout.settle {
            control.check()?;
            let (part, left_out) = if round < halves {
                (2, &left_out[..])
            } else {
                (1, held_out)
            };
            let centres = self.centres();
            let quantised = self
                .quantised
                .get_or_insert_with(|| QuantisedRows::of(&self.y, self.axes, self.centre_axes));
            nearest_of(&centres, quantised, part, &mut self.bucket_of);
            self.take_means(left_out);
            control.advance(self.bucket_of.len());
        }
        self.quantised = None;
        Ok(())
    }

    /// Move every point to its nearest centre.
    pub(super) fn move_to_nearest(&mut self, centres: &Centres) {
        let quantised = QuantisedRows::of(&self.y, self.axes, centres.axes);
        nearest_of(centres, &quantised, 1, &mut self.bucket_of);
    }

    /// Drop buckets and regions without points; returns the sizes of the others.
    pub(super) fn drop_empty(&mut self) -> Vec<u32> {
        let (sizes, axes) = (self.sizes(), self.centre_axes);
        let mut number = vec![0_u32; sizes.len()];
        let mut kept = 0;
        for (number, size) in number.iter_mut().zip(&sizes) {
            *number = kept;
            kept += u32::from(*size > 0);
        }
        self.bucket_of
            .par_iter_mut()
            .for_each(|bucket| *bucket = number[*bucket as usize]);
        let rows = |values: &[f32], keep: &dyn Fn(usize) -> bool| -> Vec<f32> {
            let rows = values.chunks_exact(axes).enumerate();
            rows.filter(|(i, _)| keep(*i))
                .flat_map(|(_, row)| row.iter().copied())
                .collect()
        };
        self.means = rows(&self.means, &|b| sizes[b] > 0);
        let mut first = 0;
        for count in &mut self.regions {
            let buckets = &sizes[first..first + *count as usize];
            first += *count as usize;
            *count = buckets.iter().filter(|size| **size > 0).count() as u32;
        }
        self.heads = rows(&self.heads, &|r| self.regions[r] > 0);
        self.regions.retain(|count| *count > 0);
        sizes.into_iter().filter(|size| *size > 0).collect()
    }
}

/// How often each number below `most` is there.
fn counts(numbers: &[u32], most: usize) -> Vec<u32> {
    let mut counts = vec![0_u32; most];
    numbers.iter().for_each(|n| counts[*n as usize] += 1);
    counts
}

/// [`counts`], and the places of the numbers in ascending order, equal ones as they come.
pub(super) fn by_number(numbers: &[u32], most: usize) -> (Vec<u32>, Vec<u32>) {
    let counts = counts(numbers, most);
    let mut next = 0;
    let mut places: Vec<u32> = counts
        .iter()
        .map(|count| {
            next += count;
            next - count
        })
        .collect();
    let mut order = vec![0_u32; numbers.len()];
    for (i, number) in numbers.iter().enumerate() {
        let place = &mut places[*number as usize];
        order[*place as usize] = i as u32;
        *place += 1;
    }
    (counts, order)
}

/// The bucket of the nearest centre, to `bucket_of`: for one in `part` tiles of `y`.
pub(super) fn nearest_of(centres: &Centres, y: &QuantisedRows, part: usize, bucket_of: &mut [u32]) {
    let kernels = Kernels::get();
    const STEP: usize = 64 * TILE;
    bucket_of.par_chunks_mut(STEP).enumerate().for_each_init(
        Vec::new,
        |scores, (step, buckets)| {
            let (tiles, left) = buckets.as_chunks_mut::<TILE>();
            let count = tiles.len();
            for (i, buckets) in tiles.iter_mut().enumerate().step_by(part) {
                let row = step * STEP + i * TILE;
                let tile = std::array::from_fn(|i| y.row(row + i));
                *buckets = centres.nearest_of_tile(kernels, &tile, scores);
            }
            for (i, bucket) in left.iter_mut().enumerate() {
                let row = step * STEP + count * TILE + i;
                *bucket = centres.nearest(kernels, &y.row(row), scores);
            }
        },
    );
}

#[cfg(test)]
mod tests;
