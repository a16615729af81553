//! The smallest estimates of a search, and the points that may be nearer than those say.

use super::lanes::{LANES, Lanes};
use super::order::{smallest_lanes, sort_keys};

/// A point whose estimate may be within the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    /// Estimated squared distance.
    pub(crate) estimate: f32,
    /// What may be wrong with it: `fixed` + `slope` × the root of the limit.
    pub(crate) fixed: f32,
    pub(crate) slope: f32,
    /// Which row.
    pub(crate) row: u32,
}

/// Candidates in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    count: usize,
    // Each longer than `count` by a group or more once there are any.
    estimates: Vec<f32>,
    fixed: Vec<f32>,
    slopes: Vec<f32>,
    rows: Vec<u32>,
}

impl Candidates {
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Which rows.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows[..self.count]
    }

    /// One after the other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Candidate> {
        (0..self.count).map(|i| Candidate {
            estimate: self.estimates[i],
            fixed: self.fixed[i],
            slope: self.slopes[i],
            row: self.rows[i],
        })
    }

    /// Make room for so many groups more, and for one behind them.
    fn make_room(&mut self, groups: usize) {
        let needed = self.count + (groups + 1) * LANES;
        if self.rows.len() < needed {
            self.estimates.resize(needed, 0.0);
            self.fixed.resize(needed, 0.0);
            self.slopes.resize(needed, 0.0);
            self.rows.resize(needed, 0);
        }
    }

    /// Append those of the group from row `first` on whose bit is set: estimate, `fixed`, slope.
    ///
    /// # Safety
    /// As for [`Lanes`]; there is room for a group.
    #[inline(always)]
    pub(super) unsafe fn push<V: Lanes>(
        &mut self,
        bits: u16,
        [estimate, fixed, slope]: [V; 3],
        first: u32,
    ) {
        let at = self.count;
        // SAFETY: there is room for sixteen numbers behind the last.
        unsafe {
            estimate.pack(bits, self.estimates.as_mut_ptr().add(at));
            fixed.pack(bits, self.fixed.as_mut_ptr().add(at));
            slope.pack(bits, self.slopes.as_mut_ptr().add(at));
            V::list(bits, first, self.rows.as_mut_ptr().add(at));
        }
        self.count += bits.count_ones() as usize;
    }

    /// For each group of candidates: where it begins, what is known of them, a bit for each that
    /// `which` says of its estimates, `fixed` and slopes.
    ///
    /// # Safety
    /// As for [`Lanes`].
    #[inline(always)]
    unsafe fn groups<V: Lanes>(
        &mut self,
        from: usize,
        which: impl Fn([V; 3]) -> u16,
        mut each: impl FnMut(&mut Self, u16, [V; 4]),
    ) {
        for at in (from..self.count).step_by(LANES) {
            let all = ((1_u32 << (self.count - at).min(LANES)) - 1) as u16;
            // SAFETY: there is a group or more behind the last candidate.
            unsafe {
                let numbers = [
                    V::load(self.estimates.as_ptr().add(at)),
                    V::load(self.fixed.as_ptr().add(at)),
                    V::load(self.slopes.as_ptr().add(at)),
                ];
                let [estimate, fixed, slope] = numbers;
                // Rows are moved as they are.
                let rows = V::load(self.rows.as_ptr().add(at).cast());
                each(self, which(numbers) & all, [estimate, fixed, slope, rows]);
            }
        }
    }

    /// Bytes held.
    fn memory_bytes(&self) -> usize {
        let floats = [&self.estimates, &self.fixed, &self.slopes];
        floats.iter().map(|v| v.capacity() * 4).sum::<usize>() + self.rows.capacity() * 4
    }
}

/// The smallest estimates so far, and all candidates that were within the limit when they came.
#[derive(Debug, Default)]
pub(crate) struct Shortlist {
    k: usize,
    watched: usize,
    /// The smallest estimates, ascending, and infinities behind them; as many as are watched, and
    /// what whole lanes have room for.
    nearest: Vec<f32>,
    /// The ranks of the buckets that they are from: whole numbers below 2²⁴.
    ranks: Vec<f32>,
    /// The k-th smallest estimate; infinite while there are fewer.
    limit: f32,
    root: f32,
    /// The last of those watched; infinite while there are fewer.
    last: f32,
    pub(crate) candidates: Candidates,
    /// Estimates of the bucket that is scanned, in whole groups.
    estimates: Vec<f32>,
    /// Its groups that have something near, and which points: those that may be within the limit in
    /// the low half, those to be noted in the high one.
    hits: Vec<(u32, u32)>,
    places: Vec<u32>,
    keys: Vec<u64>,
}

impl Shortlist {
    /// Start afresh, for the `k` nearest; the `watched` nearest, no fewer, are listed. k is at
    /// least 1.
    pub(crate) fn reset(&mut self, k: usize, watched: usize) {
        self.k = k;
        self.watched = watched.max(k);
        let places = self.watched.next_multiple_of(LANES);
        self.nearest.clear();
        self.nearest.resize(places, f32::INFINITY);
        self.ranks.clear();
        self.ranks.resize(places, 0.0);
        self.candidates.count = 0;
        self.limit = f32::INFINITY;
        self.root = f32::INFINITY;
        self.last = f32::INFINITY;
    }

    /// The k-th smallest estimate; infinite while there are fewer.
    #[inline(always)]
    pub(crate) fn limit(&self) -> f32 {
        self.limit
    }

    /// Its root.
    #[inline(always)]
    pub(crate) fn root(&self) -> f32 {
        self.root
    }

    /// The smallest estimates, ascending, and infinities behind them when there are too few.
    pub(crate) fn nearest(&self) -> &[f32] {
        &self.nearest[..self.watched]
    }

    /// The ranks of the buckets that they are from.
    pub(crate) fn ranks(&self) -> &[f32] {
        &self.ranks[..self.watched]
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        (self.nearest.capacity() + self.ranks.capacity()) * 4
            + self.candidates.memory_bytes()
            + (self.estimates.capacity() + self.places.capacity()) * 4
            + (self.hits.capacity() + self.keys.capacity()) * 8
    }

    /// Whether nothing has come yet.
    #[inline(always)]
    fn is_fresh(&self) -> bool {
        self.nearest[0] == f32::INFINITY && self.candidates.count == 0
    }

    /// Get ready for a bucket with these live words. Whether it is the first one and has points enough
    /// to note them at once.
    #[inline(always)]
    pub(super) fn make_room(&mut self, live: &[u16]) -> bool {
        self.candidates.make_room(live.len());
        if self.hits.len() <= live.len() {
            self.hits.resize(live.len() + 1, (0, 0));
            self.estimates.resize(self.hits.len() * LANES, 0.0);
        }
        let points = || live.iter().map(|bits| bits.count_ones() as usize);
        self.is_fresh() && points().sum::<usize>() >= self.watched
    }

    /// Where the estimates of a group are, sixteen of them.
    ///
    /// # Safety
    /// There is [room](Self::make_room) for it.
    #[inline(always)]
    pub(super) unsafe fn group(&mut self, group: usize) -> *mut f32 {
        debug_assert!((group + 1) * LANES <= self.estimates.len());
        // SAFETY: as the caller vouches.
        unsafe { self.estimates.as_mut_ptr().add(group * LANES) }
    }

    /// Write hit number `hit`; 1 when it is one, 0 when it is to be written over.
    ///
    /// # Safety
    /// There is [room](Self::make_room) for it.
    #[inline(always)]
    pub(super) unsafe fn hit(
        &mut self,
        hit: usize,
        group: usize,
        within: u16,
        noted: u16,
    ) -> usize {
        let bits = u32::from(within) | u32::from(noted) << 16;
        debug_assert!(hit < self.hits.len());
        // SAFETY: as the caller vouches.
        unsafe { *self.hits.as_mut_ptr().add(hit) = (group as u32, bits) };
        usize::from(bits != 0)
    }

    /// The group of a hit, what may be within the limit, and what is to be noted.
    #[inline(always)]
    pub(super) fn hit_at(&self, hit: usize) -> (usize, u16, u16) {
        let (group, bits) = self.hits[hit];
        (group as usize, bits as u16, (bits >> 16) as u16)
    }

    /// Note the estimates of the first bucket, all at once: it takes half as long as one by one.
    ///
    /// # Safety
    /// As for [`Lanes`]; there is [room](Self::make_room) for so many groups, at least one.
    #[inline(always)]
    pub(super) unsafe fn note_first<V: Lanes>(&mut self, groups: usize, rank: f32) {
        if self.nearest.len() == LANES {
            // SAFETY: whole groups; there are sixteen places.
            unsafe {
                let smallest = smallest_lanes::<V>(self.estimates.as_ptr(), groups);
                smallest.store(self.nearest.as_mut_ptr());
            }
        } else {
            // SAFETY: as the caller vouches.
            unsafe { self.list_first::<V>(groups) };
        }
        self.ranks.fill(rank);
        self.set_limit();
    }

    /// The smallest estimates of the first bucket to a list of more than sixteen: all of them are put in order,
    /// as it takes a good part of them.
    ///
    /// # Safety
    /// As for [`note_first`](Self::note_first).
    #[inline(always)]
    unsafe fn list_first<V: Lanes>(&mut self, groups: usize) {
        let values = self.estimates.as_ptr();
        // SAFETY: whole groups; there is room for as many places as estimates.
        unsafe {
            self.places.resize((groups + 1) * LANES, 0);
            let all = V::splat(f32::MAX);
            let mut listed = 0;
            for group in 0..groups {
                let bits = V::load(values.add(group * LANES)).below(all);
                let to = self.places.as_mut_ptr().add(listed);
                V::list(bits, (group * LANES) as u32, to);
                listed += bits.count_ones() as usize;
            }
            self.keys.clear();
            let listed = &self.places[..listed];
            self.keys.extend(listed.iter().map(|at| {
                let bits = self.estimates[*at as usize].to_bits();
                // Floats below zero order the other way round.
                let ordered = bits ^ (((bits as i32 >> 31) as u32) | 1 << 31);
                u64::from(ordered) << 32 | u64::from(*at)
            }));
            sort_keys::<V>(&mut self.keys);
            for (near, key) in self.nearest.iter_mut().zip(&self.keys) {
                *near = self.estimates[*key as u32 as usize];
            }
        }
    }

    /// Note those of a group's estimates whose bit is set, one after the other; of those that are not
    /// below the last one watched, nothing is kept.
    ///
    /// # Safety
    /// As for [`Lanes`]; there is [room](Self::make_room) for the group.
    #[inline(always)]
    pub(super) unsafe fn note<V: Lanes>(&mut self, group: usize, mut bits: u16, rank: f32) {
        let estimates = group * LANES;
        if self.nearest.len() == LANES {
            // SAFETY: both lists have sixteen places.
            unsafe {
                let (nearest, ranks) = (self.nearest.as_mut_ptr(), self.ranks.as_mut_ptr());
                let (mut old, mut old_ranks) = (V::load(nearest), V::load(ranks));
                let new_rank = V::splat(rank);
                // In registers: to wait for memory after each takes longer than all the rest.
                while bits != 0 {
                    let lane = bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    let new = V::splat(*self.estimates.as_ptr().add(estimates + lane));
                    // All places at once: each takes its old value, its neighbour's, or the new one.
                    let before = old.shifted();
                    let ranks_here = before.where_below(new, new_rank, old_ranks.shifted());
                    old_ranks = old.where_below(new, old_ranks, ranks_here);
                    old = old.min(before.max(new));
                }
                old.store(nearest);
                old_ranks.store(ranks);
            }
        } else {
            while bits != 0 {
                let estimate = self.estimates[estimates + bits.trailing_zeros() as usize];
                bits &= bits - 1;
                // SAFETY: as the caller vouches.
                unsafe { self.insert::<V>(estimate, rank) };
            }
        }
        self.set_limit();
    }

    /// Put an estimate in its place behind those that are no larger; the largest goes.
    ///
    /// # Safety
    /// As for [`Lanes`].
    #[inline(always)]
    unsafe fn insert<V: Lanes>(&mut self, estimate: f32, rank: f32) {
        let blocks = self.nearest.len() / LANES;
        let (nearest, ranks) = (self.nearest.as_mut_ptr(), self.ranks.as_mut_ptr());
        // SAFETY: both lists have so many blocks of sixteen places; from the second block on there
        // is a place before each.
        unsafe {
            let new = V::splat(estimate);
            let below = |block: usize| V::load(nearest.add(block * LANES)).below(new);
            let place: u32 = (0..blocks).map(|block| below(block).count_ones()).sum();
            let (first, lane) = (place as usize / LANES, place as usize % LANES);
            if first == blocks {
                return;
            }
            // From the end: each block takes what stands one place before it.
            for block in (first + 1..blocks).rev() {
                let at = block * LANES;
                V::load(nearest.add(at - 1)).store(nearest.add(at));
                V::load(ranks.add(at - 1)).store(ranks.add(at));
            }
            let stays = (1_u16 << lane) - 1;
            for (list, new) in [(nearest, estimate), (ranks, rank)] {
                let at = list.add(first * LANES);
                let old = V::load(at);
                old.select(stays, old.shifted()).store(at);
                at.add(lane).write(new);
            }
        }
    }

    #[inline(always)]
    fn set_limit(&mut self) {
        let limit = self.nearest[self.k - 1];
        if limit != self.limit {
            self.limit = limit;
            self.root = limit.max(0.0).sqrt();
        }
        self.last = self.nearest[self.watched - 1];
    }

    /// The last of the estimates that are watched.
    #[inline(always)]
    pub(super) fn last(&self) -> f32 {
        self.last
    }
}

/// Forget the candidates that the limit, as it is now, rules out, with `part` of the margins.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn settle<V: Lanes>(list: &mut Shortlist, part: f32) {
    let (limit, root) = (list.limit, list.root);
    if limit == f32::INFINITY {
        return;
    }
    let mut kept = 0;
    // SAFETY: as the caller vouches; what is written is no farther on than what was read.
    unsafe {
        let within = |numbers| bounds_within(numbers, limit, root, part);
        list.candidates
            .groups::<V>(0, within, |all, bits, [e, f, s, rows]| {
                e.pack(bits, all.estimates.as_mut_ptr().add(kept));
                f.pack(bits, all.fixed.as_mut_ptr().add(kept));
                s.pack(bits, all.slopes.as_mut_ptr().add(kept));
                rows.pack(bits, all.rows.as_mut_ptr().add(kept).cast());
                kept += bits.count_ones() as usize;
            });
    }
    list.candidates.count = kept;
}

/// Rows of the candidates whose estimates are within the limit, from the one at place `from` on, to
/// `rows`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn likely<V: Lanes>(list: &mut Shortlist, from: usize, rows: &mut Vec<u32>) {
    // SAFETY: as the caller vouches.
    unsafe {
        let limit = V::splat(list.limit);
        rows_where::<V>(list, from, |[estimate, _, _]| estimate.below(limit), rows);
    }
}

/// Rows of the other candidates that may be within `most`, to `rows`, with `part` of the margins.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn others_within<V: Lanes>(
    list: &mut Shortlist,
    most: f32,
    part: f32,
    rows: &mut Vec<u32>,
) {
    // SAFETY: as the caller vouches.
    unsafe {
        let (limit, root) = (V::splat(list.limit), most.sqrt());
        let which =
            |numbers: [V; 3]| bounds_within(numbers, most, root, part) & !numbers[0].below(limit);
        rows_where::<V>(list, 0, which, rows);
    }
}

/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn bounds_within<V: Lanes>(numbers: [V; 3], limit: f32, root: f32, part: f32) -> u16 {
    // SAFETY: as the caller vouches.
    unsafe {
        let [estimate, fixed, slope] = numbers;
        let margin = slope.mul_add(V::splat(root), fixed);
        let bound = margin.mul_add(V::splat(-part), estimate);
        bound.below(V::splat(limit))
    }
}

/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn rows_where<V: Lanes>(
    list: &mut Shortlist,
    from: usize,
    which: impl Fn([V; 3]) -> u16,
    rows: &mut Vec<u32>,
) {
    rows.resize(list.candidates.count - from + LANES, 0);
    let mut count = 0;
    // SAFETY: as the caller vouches; there is room for all rows, and a group.
    unsafe {
        let to = rows.as_mut_ptr();
        list.candidates
            .groups::<V>(from, which, |_, bits, [_, _, _, rows]| {
                rows.pack(bits, to.add(count).cast());
                count += bits.count_ones() as usize;
            });
    }
    rows.truncate(count);
}
