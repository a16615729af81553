//! Quantised vectors: sixteen at a time against one quantised query.
//!
//! Codes are unsigned, the query signed; their dot product is an integer and therefore the same on
//! every CPU. Bytes hold 0 to 127, so that two products fit a signed 16-bit integer (AVX2 adds them
//! there, saturating); nibbles hold 0 to 15. Sixteen vectors make a group. A line of 64 bytes holds
//! four dimensions of a group (byte 4 v + j: dimension j of vector v), or eight as nibbles: the low
//! ones are the first four dimensions, the high ones the next four.

use super::lanes::{LANES, Lanes};

/// Bytes of a cache line, and of one step of codes.
pub(crate) const LINE: usize = 64;

/// One cache line of codes or of norms.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; LINE]);

/// Dot products of codes with a query.
pub(crate) trait Dots {
    /// The lanes that the results come in.
    type V: Lanes;

    /// Σ code × query over 4 × `lines` dimensions, of sixteen vectors, codes as bytes.
    ///
    /// # Safety
    /// As for [`Lanes`]; `lines` lines are readable at `codes`, aligned to 64 bytes, and four
    /// numbers a line at `query`. No code is above 127, and no sum beyond ±2³¹ (beyond ±2²⁴ it is
    /// rounded).
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> Self::V;

    /// [`bytes`](Self::bytes) with two queries.
    ///
    /// # Safety
    /// As for `bytes`, for each query.
    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        lines: usize,
    ) -> [Self::V; 2] {
        // SAFETY: as the caller vouches.
        unsafe {
            let first = Self::bytes(codes, queries[0], lines);
            [first, Self::bytes(codes, queries[1], lines)]
        }
    }

    /// [`bytes`](Self::bytes) of nibbles, 8 × `lines` dimensions.
    ///
    /// # Safety
    /// As for `bytes`, with eight numbers a line at `query`.
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> Self::V;

    /// Σ byte × (128 × high + low) of one vector that fills `lines` lines: lane i has the bytes
    /// 4 i to 4 i + 3 of every line, summed as integers and then rounded.
    ///
    /// # Safety
    /// As for `bytes`, with 64 numbers a line at `high` and `low`, all from −64 to 63, and no more
    /// than 255 lines. Bytes may be anything.
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Self::V;
}

/// Sixteen points per entry: their distances to a query, from codes as bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score<'a> {
    /// `lines` lines a group.
    pub(crate) codes: &'a [Line],
    pub(crate) lines: usize,
    /// Four numbers a line.
    pub(crate) query: &'a [i8],
    /// One a code vector: what the distance begins with.
    pub(crate) norms: &'a [f32],
    /// The distance is norm + plus + times × dot.
    pub(crate) plus: f32,
    pub(crate) times: f32,
}

/// Distances for every code vector of `s`, to `out`.
///
/// # Safety
/// As for [`Lanes`]; `out` and the norms are as long as there are code vectors, in whole groups.
#[inline(always)]
pub(crate) unsafe fn score<D: Dots>(s: Score<'_>, out: &mut [f32]) {
    // SAFETY: the slices hold whole groups, as the caller vouches.
    unsafe {
        let (plus, times) = (D::V::splat(s.plus), D::V::splat(s.times));
        for group in 0..out.len() / LANES {
            let codes = s.codes.as_ptr().add(group * s.lines);
            let dots = D::bytes(codes, s.query.as_ptr(), s.lines);
            let norms = D::V::load(s.norms.as_ptr().add(group * LANES)).add(plus);
            dots.mul_add(times, norms)
                .store(out.as_mut_ptr().add(group * LANES));
        }
    }
}

/// Directions as bytes, sixteen a group, against one vector in two parts: `128 × high + low`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axes<'a> {
    /// `lines` lines a group: four dimensions a line.
    pub(crate) codes: &'a [Line],
    pub(crate) lines: usize,
    /// Four numbers a line.
    pub(crate) high: &'a [i8],
    pub(crate) low: &'a [i8],
    /// The result is (128 × high dot + low dot − offset) × factor, with one factor a direction.
    pub(crate) offset: f32,
    pub(crate) factors: &'a [f32],
}

/// The vector's place along each direction, to `out`.
///
/// # Safety
/// As for [`Lanes`]; the slices hold whole groups.
#[inline(always)]
pub(crate) unsafe fn project_codes<D: Dots>(a: Axes<'_>, out: &mut [f32]) {
    // SAFETY: as the caller vouches.
    unsafe {
        let (scale, offset) = (D::V::splat(128.0), D::V::splat(a.offset));
        for group in 0..out.len() / LANES {
            let codes = a.codes.as_ptr().add(group * a.lines);
            let parts = [a.high.as_ptr(), a.low.as_ptr()];
            let [high, low] = D::bytes_of_two(codes, parts, a.lines);
            let factors = D::V::load(a.factors.as_ptr().add(group * LANES));
            high.mul_add(scale, low.sub(offset))
                .mul(factors)
                .store(out.as_mut_ptr().add(group * LANES));
        }
    }
}

/// How many of `values` are at most each of `limits`.
///
/// # Safety
/// As for [`Lanes`]; the length is a multiple of sixteen.
#[inline(always)]
pub(crate) unsafe fn count_within<V: Lanes, const N: usize>(
    values: &[f32],
    limits: &[f32; N],
) -> [u32; N] {
    // SAFETY: every chunk has sixteen values.
    unsafe {
        let limits: [V; N] = std::array::from_fn(|i| V::splat(limits[i]));
        let mut counts = [0; N];
        for some in values.chunks_exact(LANES) {
            let values = V::load(some.as_ptr());
            for (count, limit) in counts.iter_mut().zip(limits) {
                *count += values.below(limit).count_ones();
            }
        }
        counts
    }
}

/// Append the places of the values that are at most `limit`, ascending.
///
/// # Safety
/// As for [`count_within`].
#[inline(always)]
pub(crate) unsafe fn list_within<V: Lanes>(values: &[f32], limit: f32, out: &mut Vec<u32>) {
    out.reserve(values.len());
    // SAFETY: every chunk has sixteen values, and there is room for as many places as values.
    unsafe {
        let limit = V::splat(limit);
        let mut count = out.len();
        for (i, some) in values.chunks_exact(LANES).enumerate() {
            let within = V::load(some.as_ptr()).below(limit);
            V::list(within, (i * LANES) as u32, out.as_mut_ptr().add(count));
            count += within.count_ones() as usize;
        }
        out.set_len(count);
    }
}

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
    /// In the order in which they came.
    pub(crate) candidates: Vec<Candidate>,
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
        self.candidates.clear();
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
            + self.candidates.capacity() * size_of::<Candidate>()
    }

    /// Note those of sixteen estimates whose bit is set, one after the other; of those that are not
    /// below the last one watched, nothing is kept.
    ///
    /// # Safety
    /// As for [`Lanes`].
    #[inline(always)]
    unsafe fn note<V: Lanes>(&mut self, estimates: &[f32; LANES], mut bits: u16, rank: f32) {
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
                    let new = V::splat(estimates[lane]);
                    // All places at once: each takes its old value, its neighbour's, or the new one.
                    let before = old.shifted();
                    let (stays, starts) = (old.below(new), before.below(new));
                    old = old.min(before.max(new));
                    let ranks_here = new_rank.select(starts, old_ranks.shifted());
                    old_ranks = old_ranks.select(stays, ranks_here);
                }
                old.store(nearest);
                old_ranks.store(ranks);
            }
        } else {
            while bits != 0 {
                let estimate = estimates[bits.trailing_zeros() as usize];
                bits &= bits - 1;
                // SAFETY: as the caller vouches.
                unsafe { self.insert::<V>(estimate, rank) };
            }
        }
        let limit = self.nearest[self.k - 1];
        if limit != self.limit {
            self.limit = limit;
            self.root = limit.max(0.0).sqrt();
        }
        self.last = self.nearest[self.watched - 1];
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

    /// Forget the candidates that the limit, as it is now, rules out, with `part` of the margins.
    pub(crate) fn settle(&mut self, part: f32) {
        let (limit, root) = (self.limit, self.root);
        if limit.is_finite() {
            // All are moved, kept or not: to guess which takes longer.
            let mut kept = 0;
            for at in 0..self.candidates.len() {
                let c = self.candidates[at];
                self.candidates[kept] = c;
                let bound = c.estimate - (c.slope * root + c.fixed) * part;
                kept += usize::from(bound <= limit);
            }
            self.candidates.truncate(kept);
        }
    }
}

/// Residual codes of one bucket against one query. A group is a line of norms and then its codes;
/// the line of norms is sixteen `a` as halves, sixteen scales `u` and sixteen rests `e` as bytes.
///
/// The estimate of a point is
/// `base + a × a_unit + u × u_factor × (dot − middle) + e × e_factor`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BucketScan<'a> {
    /// `1 + lines` lines a group.
    pub(crate) groups: &'a [Line],
    pub(crate) lines: usize,
    /// Codes are nibbles, not bytes.
    pub(crate) nibbles: bool,
    /// One word a group: which of its vectors count.
    pub(crate) live: &'a [u16],
    pub(crate) query: &'a [i8],
    /// The codes' dot products with the query, one for each vector, where they are known already.
    pub(crate) dots: Option<&'a [f32]>,
    pub(crate) base: f32,
    pub(crate) a_unit: f32,
    pub(crate) u_factor: f32,
    pub(crate) middle: f32,
    pub(crate) e_factor: f32,
    /// Margin for a unit of `u`: this times the root of the limit, and `u_plus`.
    pub(crate) u_margin: f32,
    pub(crate) u_plus: f32,
    /// Margin for a unit of `e`.
    pub(crate) e_margin: f32,
    /// Margin for every vector.
    pub(crate) margin: f32,
    /// Row of the first vector.
    pub(crate) first: u32,
    /// How many buckets were scanned before this one.
    pub(crate) rank: u32,
    /// The bucket that is scanned next, whose memory is asked for in time.
    pub(crate) next: &'a [Line],
}

/// Groups ahead whose memory is asked for.
const AHEAD: usize = 4;

/// Offer a bucket's points to `out`.
///
/// # Safety
/// As for [`Lanes`]; the slices of `s` hold whole groups.
#[inline(always)]
pub(crate) unsafe fn scan<D: Dots>(s: BucketScan<'_>, out: &mut Shortlist) {
    // SAFETY: as the caller vouches.
    unsafe {
        match (s.dots, s.nibbles) {
            (Some(dots), _) => scan_groups::<D, false>(s, Some(dots), out),
            (None, true) => scan_groups::<D, true>(s, None, out),
            (None, false) => scan_groups::<D, false>(s, None, out),
        }
    }
}

/// With the dots that are known, if they are.
///
/// # Safety
/// As for [`scan`].
#[inline(always)]
unsafe fn scan_groups<D: Dots, const NIBBLES: bool>(
    s: BucketScan<'_>,
    known: Option<&[f32]>,
    out: &mut Shortlist,
) {
    // SAFETY: groups and live words are as many as each other; reads stay inside a group.
    unsafe {
        let stride = s.lines + 1;
        let (base, a_unit) = (D::V::splat(s.base), D::V::splat(s.a_unit));
        let (u_factor, middle) = (D::V::splat(s.u_factor), D::V::splat(-s.middle));
        let e_factor = D::V::splat(s.e_factor);
        let e_margin = D::V::splat(-s.e_margin);
        for (group, live) in s.live.iter().enumerate() {
            let norms = s.groups.as_ptr().add(group * stride);
            let left = s.live.len() - group;
            let ahead = if left > AHEAD {
                norms.wrapping_add(AHEAD * stride)
            } else {
                s.next.as_ptr().wrapping_add((AHEAD - left) * stride)
            };
            let read = if known.is_some() { 1 } else { stride };
            for line in 0..read {
                D::V::prefetch(ahead.wrapping_add(line).cast());
            }
            let codes = norms.add(1);
            let dots = match known {
                Some(known) => D::V::load(known.as_ptr().add(group * LANES)),
                None if NIBBLES => D::nibbles(codes, s.query.as_ptr(), s.lines),
                None => D::bytes(codes, s.query.as_ptr(), s.lines),
            };
            let norms = norms.cast::<u8>();
            let a = D::V::load_half(norms.cast());
            let u = D::V::load_u8(norms.add(32));
            let e = D::V::load_u8(norms.add(48));
            let start = e.mul_add(e_factor, a.mul_add(a_unit, base));
            let estimate = u.mul(u_factor).mul_add(dots.add(middle), start);
            let limit = out.limit();
            let bound = if limit.is_finite() {
                let lower = e.mul_add(e_margin, estimate);
                let by = s.u_margin * out.root() + s.u_plus;
                u.mul_add(D::V::splat(-by), lower)
            } else {
                // Nothing is too far.
                D::V::splat(f32::NEG_INFINITY)
            };
            let within = bound.below(D::V::splat(limit + s.margin)) & live;
            let noted = estimate.below(D::V::splat(out.last)) & live;
            if within | noted != 0 {
                let mut estimates = [0.0; LANES];
                estimate.store(estimates.as_mut_ptr());
                let mut left = within;
                while left != 0 {
                    let lane = left.trailing_zeros() as usize;
                    left &= left - 1;
                    let u = f32::from(*norms.add(32 + lane));
                    let e = f32::from(*norms.add(48 + lane));
                    out.candidates.push(Candidate {
                        estimate: estimates[lane],
                        fixed: s.margin + s.e_margin * e + s.u_plus * u,
                        slope: s.u_margin * u,
                        row: s.first + (group * LANES + lane) as u32,
                    });
                }
                if noted != 0 {
                    out.note::<D::V>(&estimates, noted, s.rank as f32);
                }
            }
        }
    }
}
