//! Many codes against several queries: a line that several dot products need is read once.

use super::codes::{Dots, Line, Packing};
use super::lanes::{LANES, Lanes};

/// Queries that share a read.
pub(crate) const TILE: usize = 4;

/// Codes in groups of sixteen vectors and queries, see [`BucketScan`](super::BucketScan).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeTile<'a> {
    /// `stride` lines a group, of which the last `lines` are codes.
    pub(crate) groups: &'a [Line],
    pub(crate) stride: usize,
    pub(crate) lines: usize,
    pub(crate) packing: Packing,
    /// As many numbers as the lines have dimensions.
    pub(crate) queries: [&'a [i8]; TILE],
}

impl CodeTile<'_> {
    /// How many code vectors there are.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub(super) fn check(&self) -> usize {
        let Self { stride, lines, .. } = *self;
        assert!(stride > 0 && lines <= stride && self.groups.len().is_multiple_of(stride));
        let numbers = lines * self.packing.dimensions();
        assert!(self.queries.iter().all(|query| query.len() == numbers));
        self.groups.len() / stride * LANES
    }
}

pub(crate) const BYTES: usize = Packing::Bytes.dimensions();
pub(crate) const NIBBLES: usize = Packing::Nibbles.dimensions();
pub(crate) const QUARTERS: usize = Packing::Quarters.dimensions();

/// Dot products with several queries at once.
pub(crate) trait Tiles: Dots {
    /// [`Dots::bytes`], [`Dots::nibbles`] or [`Dots::quarters`] of each query: by how many dimensions a line
    /// has.
    ///
    /// # Safety
    /// As for those.
    #[inline(always)]
    unsafe fn tile<const DIMENSIONS: usize>(
        codes: *const Line,
        queries: [*const i8; TILE],
        lines: usize,
    ) -> [Self::V; TILE] {
        // SAFETY: as the caller vouches. Spelt out: what `map` calls may end up without the
        // instruction set.
        unsafe {
            let [a, b, c, d] = queries;
            if DIMENSIONS == QUARTERS {
                [
                    Self::quarters(codes, a, lines),
                    Self::quarters(codes, b, lines),
                    Self::quarters(codes, c, lines),
                    Self::quarters(codes, d, lines),
                ]
            } else if DIMENSIONS == NIBBLES {
                [
                    Self::nibbles(codes, a, lines),
                    Self::nibbles(codes, b, lines),
                    Self::nibbles(codes, c, lines),
                    Self::nibbles(codes, d, lines),
                ]
            } else {
                [
                    Self::bytes(codes, a, lines),
                    Self::bytes(codes, b, lines),
                    Self::bytes(codes, c, lines),
                    Self::bytes(codes, d, lines),
                ]
            }
        }
    }

    /// [`Self::tile`] of bytes, for two groups whose codes are so many lines apart.
    ///
    /// # Safety
    /// As for that, of both groups.
    #[inline(always)]
    unsafe fn two_groups(
        codes: *const Line,
        stride: usize,
        queries: [*const i8; TILE],
        lines: usize,
    ) -> [[Self::V; TILE]; 2] {
        // SAFETY: as the caller vouches.
        unsafe {
            [
                Self::tile::<BYTES>(codes, queries, lines),
                Self::tile::<BYTES>(codes.add(stride), queries, lines),
            ]
        }
    }
}

/// The dot products of each query with every code vector.
///
/// # Safety
/// As for [`Lanes`]; the slices hold whole groups, and each of `out` has a place for every vector.
#[inline(always)]
pub(crate) unsafe fn dots<D: Tiles>(t: CodeTile<'_>, out: [&mut [f32]; TILE]) {
    // SAFETY: as the caller vouches.
    unsafe {
        match t.packing {
            Packing::Bytes => groups::<D, BYTES>(t, out),
            Packing::Nibbles => groups::<D, NIBBLES>(t, out),
            Packing::Quarters => groups::<D, QUARTERS>(t, out),
        }
    }
}

/// # Safety
/// As for [`dots`].
#[inline(always)]
unsafe fn groups<D: Tiles, const DIMENSIONS: usize>(t: CodeTile<'_>, mut out: [&mut [f32]; TILE]) {
    let count = t.groups.len() / t.stride;
    let [a, b, c, d] = t.queries;
    let queries = [a.as_ptr(), b.as_ptr(), c.as_ptr(), d.as_ptr()];
    for group in 0..count {
        // SAFETY: the codes end a group, and every query has so many places of its own.
        unsafe {
            let codes = t.groups.as_ptr().add((group + 1) * t.stride - t.lines);
            let dots = D::tile::<DIMENSIONS>(codes, queries, t.lines);
            for (out, dots) in out.iter_mut().zip(dots) {
                dots.store(out.as_mut_ptr().add(group * LANES));
            }
        }
    }
}

/// For each query of a tile, what its dot products are made distances with: as in
/// [`Score`](super::Score).
#[derive(Debug, Clone, Copy)]
pub(crate) struct TileScore<'a> {
    /// Codes as bytes.
    pub(crate) tile: CodeTile<'a>,
    /// One a code vector: what the distance begins with.
    pub(crate) norms: &'a [f32],
    /// The distance is norm + plus + times × dot.
    pub(crate) plus: [f32; TILE],
    pub(crate) times: [f32; TILE],
}

/// The place of each query's nearest code vector, the first of equally near ones.
///
/// # Safety
/// As for [`Lanes`]; the slices hold whole groups, at least one and no more than 2²⁰.
#[inline(always)]
pub(crate) unsafe fn nearest<D: Tiles>(s: TileScore<'_>) -> [u32; TILE] {
    let t = s.tile;
    let [a, b, c, d] = t.queries;
    let queries = [a.as_ptr(), b.as_ptr(), c.as_ptr(), d.as_ptr()];
    let mut places = [0; TILE];
    // SAFETY: the codes end a group, every query has so many places of its own, and the norms are as
    // many as the code vectors.
    unsafe {
        let mut least = [D::V::splat(f32::INFINITY); TILE];
        let mut groups = [D::V::splat(0.0); TILE];
        let codes = |group: usize| t.groups.as_ptr().add((group + 1) * t.stride - t.lines);
        let count = t.groups.len() / t.stride;
        for pair in 0..count / 2 {
            let [a, b] = D::two_groups(codes(2 * pair), t.stride, queries, t.lines);
            take_nearest::<D>(&s, 2 * pair, a, &mut least, &mut groups);
            take_nearest::<D>(&s, 2 * pair + 1, b, &mut least, &mut groups);
        }
        if count % 2 == 1 {
            let last = count - 1;
            let dots = D::tile::<BYTES>(codes(last), queries, t.lines);
            take_nearest::<D>(&s, last, dots, &mut least, &mut groups);
        }
        for i in 0..TILE {
            let (mut scores, mut in_group) = ([0.0; LANES], [0.0; LANES]);
            least[i].store(scores.as_mut_ptr());
            groups[i].store(in_group.as_mut_ptr());
            let mut best = (scores[0], in_group[0] as u32 * LANES as u32);
            for lane in 1..LANES {
                let place = in_group[lane] as u32 * LANES as u32 + lane as u32;
                if scores[lane] < best.0 || scores[lane] == best.0 && place < best.1 {
                    best = (scores[lane], place);
                }
            }
            places[i] = best.1;
        }
    }
    places
}

/// Take the distances of one group into account: the least so far in each lane, and their groups.
///
/// # Safety
/// As for [`nearest`].
#[inline(always)]
unsafe fn take_nearest<D: Tiles>(
    s: &TileScore<'_>,
    group: usize,
    dots: [D::V; TILE],
    least: &mut [D::V; TILE],
    groups: &mut [D::V; TILE],
) {
    // SAFETY: the norms are as many as the code vectors.
    unsafe {
        let norms = D::V::load(s.norms.as_ptr().add(group * LANES));
        let here = D::V::splat(group as f32);
        for i in 0..TILE {
            let start = norms.add(D::V::splat(s.plus[i]));
            let score = dots[i].mul_add(D::V::splat(s.times[i]), start);
            // Those that are no larger stay.
            let stays = least[i].below(score);
            groups[i] = groups[i].select(stays, here);
            least[i] = least[i].select(stays, score);
        }
    }
}
