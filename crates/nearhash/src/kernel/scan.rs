//! Residual codes of a bucket against a query.

use super::codes::{Dots, Line, Packing};
use super::lanes::{LANES, Lanes};
use super::shortlist::Shortlist;

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
    pub(crate) packing: Packing,
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
    /// Memory to ask for meanwhile.
    pub(crate) soon: Soon<'a>,
}

/// What will be read soon.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Soon<'a> {
    /// The later groups of the bucket, and then those of the next one.
    Next(&'a [Line]),
    /// Groups of this bucket or others, by their places among all of them: evenly, so many while each group
    /// is scanned.
    Groups(&'a [u32], &'a [Line]),
}

/// Groups ahead whose memory is asked for, within a bucket.
const AHEAD: usize = 4;

/// Offer a bucket's points to `out`.
///
/// # Safety
/// As for [`Lanes`]; the slices of `s` hold whole groups.
#[inline(always)]
pub(crate) unsafe fn scan<D: Dots>(s: BucketScan<'_>, out: &mut Shortlist) {
    // SAFETY: as the caller vouches.
    unsafe {
        match (s.dots, s.packing) {
            (Some(_), _) => scan_groups::<D, KNOWN>(s, out),
            (None, Packing::Nibbles) => scan_groups::<D, NIBBLES>(s, out),
            (None, Packing::Bytes) => scan_groups::<D, BYTES>(s, out),
            (None, Packing::Quarters) => scan_groups::<D, QUARTERS>(s, out),
        }
    }
}

/// Where dot products come from: codes as bytes, nibbles or quarters, or they are known.
const BYTES: u8 = 0;
const NIBBLES: u8 = 1;
const QUARTERS: u8 = 2;
const KNOWN: u8 = 3;

/// # Safety
/// As for [`scan`].
#[inline(always)]
unsafe fn scan_groups<D: Dots, const FROM: u8>(s: BucketScan<'_>, out: &mut Shortlist) {
    let groups = s.live.len();
    let rank = s.rank as f32;
    let first = out.make_room(s.live);
    // SAFETY: groups and live words are as many as each other, and there is room for as many; reads
    // stay inside a group.
    unsafe {
        if first {
            for (group, live) in s.live.iter().enumerate() {
                let estimate = s.estimate::<D, FROM>(group);
                let estimate = estimate.select(*live, D::V::splat(f32::INFINITY));
                estimate.store(out.group(group));
            }
            out.note_first::<D::V>(groups, rank);
        }
        // Which groups have something near is listed before any is looked at: a branch for each would
        // be guessed wrong too often.
        let bounds = Bounds::new(&s, out);
        let mut hits = 0;
        for (group, live) in s.live.iter().enumerate() {
            let estimate = if first {
                D::V::load(out.group(group))
            } else {
                let estimate = s.estimate::<D, FROM>(group);
                estimate.store(out.group(group));
                estimate
            };
            let [u, e] = s.scale_and_rest::<D::V>(group);
            let within = bounds.within(estimate, u, e) & live;
            let noted = if first {
                0
            } else {
                estimate.below(bounds.last) & live
            };
            hits += out.hit(hits, group, within, noted);
        }
        for hit in 0..hits {
            let (group, within, noted) = out.hit_at(hit);
            let estimate = D::V::load(out.group(group));
            let [u, e] = s.scale_and_rest::<D::V>(group);
            let plus = e.mul_add(D::V::splat(s.e_margin), D::V::splat(s.margin));
            let fixed = u.mul_add(D::V::splat(s.u_plus), plus);
            let slope = u.mul(D::V::splat(s.u_margin));
            let row = s.first + (group * LANES) as u32;
            out.candidates.push(within, [estimate, fixed, slope], row);
            if noted != 0 {
                out.note::<D::V>(group, noted, rank);
            }
        }
    }
}

/// How far estimates may be off in one bucket, with the limit as it is.
#[derive(Clone, Copy)]
struct Bounds<V> {
    /// Margins of a unit of `u` and of `e`.
    u: V,
    e: V,
    limit: V,
    last: V,
}

impl<V: Lanes> Bounds<V> {
    /// # Safety
    /// As for [`Lanes`].
    #[inline(always)]
    unsafe fn new(s: &BucketScan<'_>, out: &Shortlist) -> Self {
        // Nothing is beyond an infinite limit, whatever the margins.
        let root = if out.limit().is_finite() {
            out.root()
        } else {
            0.0
        };
        // SAFETY: as the caller vouches.
        unsafe {
            Self {
                u: V::splat(-(s.u_margin * root + s.u_plus)),
                e: V::splat(-s.e_margin),
                limit: V::splat(out.limit() + s.margin),
                last: V::splat(out.last()),
            }
        }
    }

    /// Which of sixteen points may be within the limit.
    ///
    /// # Safety
    /// As for [`Lanes`].
    #[inline(always)]
    unsafe fn within(&self, estimate: V, u: V, e: V) -> u16 {
        // SAFETY: as the caller vouches.
        unsafe {
            let bound = u.mul_add(self.u, e.mul_add(self.e, estimate));
            bound.below(self.limit)
        }
    }
}

/// Ask for so many lines; any address is allowed.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn ask_for<V: Lanes>(lines: *const Line, count: usize) {
    for line in 0..count {
        // SAFETY: as the caller vouches.
        unsafe { V::prefetch(lines.wrapping_add(line).cast()) };
    }
}

impl BucketScan<'_> {
    /// The norms of a group, and its codes behind them.
    #[inline(always)]
    fn group(&self, group: usize) -> *const Line {
        self.groups.as_ptr().wrapping_add(group * (self.lines + 1))
    }

    /// Ask for memory while a group is looked at, of which `read` lines a group are read.
    ///
    /// # Safety
    /// As for [`scan`].
    #[inline(always)]
    unsafe fn ask<V: Lanes>(&self, group: usize, read: usize) {
        let stride = self.lines + 1;
        let count = self.live.len();
        match self.soon {
            Soon::Next(next) => {
                let left = count - group;
                let ahead = if left > AHEAD {
                    self.group(group + AHEAD)
                } else {
                    next.as_ptr().wrapping_add((AHEAD - left) * stride)
                };
                // SAFETY: as the caller vouches.
                unsafe { ask_for::<V>(ahead, read) };
            }
            Soon::Groups(groups, all) => {
                let each = groups.len().div_ceil(count);
                for at in groups.iter().skip(group * each).take(each) {
                    let lines = all.as_ptr().wrapping_add(*at as usize * stride);
                    // SAFETY: as the caller vouches.
                    unsafe { ask_for::<V>(lines, read) };
                }
            }
        }
    }

    /// Estimates of a group's points; asks for the memory of a later one.
    ///
    /// # Safety
    /// As for [`scan`]; there is such a group.
    #[inline(always)]
    unsafe fn estimate<D: Dots, const FROM: u8>(&self, group: usize) -> D::V {
        let norms = self.group(group);
        // SAFETY: as the caller vouches.
        unsafe {
            self.ask::<D::V>(group, if FROM == KNOWN { 1 } else { self.lines + 1 });
            let (codes, query) = (norms.add(1), self.query.as_ptr());
            let dots = match (FROM, self.dots) {
                (KNOWN, Some(dots)) => D::V::load(dots.as_ptr().add(group * LANES)),
                (NIBBLES, _) => D::nibbles(codes, query, self.lines),
                (QUARTERS, _) => D::quarters(codes, query, self.lines),
                _ => D::bytes(codes, query, self.lines),
            };
            let a = D::V::load_half(norms.cast());
            let [u, e] = self.scale_and_rest::<D::V>(group);
            let base = a.mul_add(D::V::splat(self.a_unit), D::V::splat(self.base));
            let start = e.mul_add(D::V::splat(self.e_factor), base);
            let dots = dots.add(D::V::splat(-self.middle));
            u.mul(D::V::splat(self.u_factor)).mul_add(dots, start)
        }
    }

    /// The scales `u` and the rests `e` of a group's points.
    ///
    /// # Safety
    /// As for [`scan`]; there is such a group.
    #[inline(always)]
    unsafe fn scale_and_rest<V: Lanes>(&self, group: usize) -> [V; 2] {
        let norms = self.group(group).cast::<u8>();
        // SAFETY: as the caller vouches.
        unsafe { [V::load_u8(norms.add(32)), V::load_u8(norms.add(48))] }
    }
}
