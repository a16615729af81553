//! Quantised vectors: sixteen at a time against one quantised query.
//!
//! Codes are unsigned, the query signed; their dot product is an integer and therefore the same on
//! every CPU. Bytes hold 0 to 127, so that two products fit a signed 16-bit integer (AVX2 adds them
//! there, saturating); nibbles hold 0 to 15, quarters of bytes 0 to 3. Sixteen vectors make a group. A
//! line of 64 bytes holds four dimensions of a group (byte 4 v + j: dimension j of vector v), eight as
//! nibbles (the low ones are the first four dimensions, the high ones the next four), or sixteen as
//! quarters, from the lowest two bits on.

use super::lanes::{LANES, Lanes, smallest_lane};
use super::quantise::Split;

/// Bytes of a cache line, and of one step of codes.
pub(crate) const LINE: usize = 64;

/// One cache line of codes or of norms.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; LINE]);

/// How codes lie in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Bytes,
    Nibbles,
    Quarters,
}

impl Packing {
    /// Dimensions a line.
    pub(crate) const fn dimensions(self) -> usize {
        match self {
            Self::Bytes => 4,
            Self::Nibbles => 8,
            Self::Quarters => 16,
        }
    }
}

/// Lines of quarters that are unpacked together where nothing better is known.
const UNPACKED: usize = 16;

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

    /// [`bytes`](Self::bytes) of four groups, one behind the other.
    ///
    /// # Safety
    /// As for `bytes`, for each group.
    #[inline(always)]
    unsafe fn bytes_of_four(codes: *const Line, query: *const i8, lines: usize) -> [Self::V; 4] {
        // SAFETY: as the caller vouches.
        unsafe {
            [
                Self::bytes(codes, query, lines),
                Self::bytes(codes.add(lines), query, lines),
                Self::bytes(codes.add(2 * lines), query, lines),
                Self::bytes(codes.add(3 * lines), query, lines),
            ]
        }
    }

    /// [`bytes`](Self::bytes) with two queries, over the dimensions of the lines that are listed:
    /// others count for nothing.
    ///
    /// # Safety
    /// As for `bytes`, for each query; every place is below the number of lines.
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [Self::V; 2];

    /// [`bytes_of_two`](Self::bytes_of_two) of four groups.
    ///
    /// # Safety
    /// As for `bytes_of_two`, for each group.
    #[inline(always)]
    unsafe fn four_groups_of_two(
        codes: [*const Line; 4],
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [[Self::V; 2]; 4] {
        let [a, b, c, d] = codes;
        // SAFETY: as the caller vouches. Spelt out: what `map` calls may end up without the
        // instruction set.
        unsafe {
            [
                Self::bytes_of_two(a, queries, places),
                Self::bytes_of_two(b, queries, places),
                Self::bytes_of_two(c, queries, places),
                Self::bytes_of_two(d, queries, places),
            ]
        }
    }

    /// [`bytes`](Self::bytes) of nibbles, 8 × `lines` dimensions.
    ///
    /// # Safety
    /// As for `bytes`, with eight numbers a line at `query`.
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> Self::V;

    /// [`bytes`](Self::bytes) of quarters of bytes, 16 × `lines` dimensions.
    ///
    /// # Safety
    /// As for `bytes`, with sixteen numbers a line at `query`.
    #[inline(always)]
    unsafe fn quarters(codes: *const Line, query: *const i8, lines: usize) -> Self::V {
        // SAFETY: as the caller vouches; what is unpacked are four lines of bytes for each line, with
        // as many numbers of the query.
        unsafe {
            let mut bytes = [Line([0; LINE]); 4 * UNPACKED];
            let mut sums = Self::V::splat(0.0);
            for from in (0..lines).step_by(UNPACKED) {
                let some = UNPACKED.min(lines - from);
                for line in 0..some {
                    let codes = &(*codes.add(from + line)).0;
                    for (i, bytes) in bytes[4 * line..4 * line + 4].iter_mut().enumerate() {
                        for (byte, code) in bytes.0.iter_mut().zip(codes) {
                            *byte = (code >> (2 * i)) & 3;
                        }
                    }
                }
                // Whole numbers: exact in any order.
                let query = query.add(16 * from);
                sums = sums.add(Self::bytes(bytes.as_ptr(), query, 4 * some));
            }
            sums
        }
    }

    /// Σ byte × (128 × high + low) of one vector that fills `lines` lines: lane i has the bytes
    /// 4 i to 4 i + 3 of every line, summed as integers and then rounded.
    ///
    /// # Safety
    /// As for `bytes`, with 64 numbers a line at `high` and `low`, all from −64 to 63, and no more
    /// than 255 lines. Bytes may be anything.
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Self::V;

    /// [`row`](Self::row) of N vectors.
    ///
    /// # Safety
    /// As for `row`, for each vector.
    #[inline(always)]
    unsafe fn rows<const N: usize>(
        codes: [*const Line; N],
        high: *const i8,
        low: *const i8,
        lines: usize,
    ) -> [Self::V; N] {
        // SAFETY: as the caller vouches. A loop: what `map` calls may end up without the
        // instruction set.
        unsafe {
            let mut out = [Self::V::splat(0.0); N];
            for (out, codes) in out.iter_mut().zip(&codes) {
                *out = Self::row(*codes, high, low, lines);
            }
            out
        }
    }
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

/// Up to so many lines, groups are taken four at a time: longer ones have sums enough of their own that
/// go on beside each other.
const SHORT: usize = 16;

/// What was seen of distances while they were computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored {
    pub(crate) least: f32,
    /// Mean of those in all groups but the last one, which may have pads; infinite where there is no
    /// other.
    pub(crate) mean: f32,
}

/// [`score`] on its way. Methods, not closures: what is no part of the function whose instruction set is on
/// calls every intrinsic.
struct Scoring<'a, V> {
    s: Score<'a>,
    out: *mut f32,
    plus: V,
    times: V,
    least: V,
    sum: V,
    before: V,
}

impl<V: Lanes> Scoring<'_, V> {
    /// The distances of a group.
    ///
    /// # Safety
    /// As for [`score`]; there is such a group.
    #[inline(always)]
    unsafe fn take(&mut self, group: usize, dots: V) {
        // SAFETY: as the caller vouches.
        unsafe {
            let norms = V::load(self.s.norms.as_ptr().add(group * LANES)).add(self.plus);
            let distances = dots.mul_add(self.times, norms);
            distances.store(self.out.add(group * LANES));
            self.sum = self.sum.add(self.before);
            (self.least, self.before) = (self.least.min(distances), distances);
        }
    }
}

/// Distances for every code vector of `s`, to `out`.
///
/// # Safety
/// As for [`Lanes`]; `out` and the norms are as long as there are code vectors, in whole groups.
#[inline(always)]
pub(crate) unsafe fn score<D: Dots>(s: Score<'_>, out: &mut [f32]) -> Scored {
    let groups = out.len() / LANES;
    // SAFETY: the slices hold whole groups, as the caller vouches.
    unsafe {
        let zero = D::V::splat(0.0);
        let mut scoring = Scoring {
            s,
            out: out.as_mut_ptr(),
            plus: D::V::splat(s.plus),
            times: D::V::splat(s.times),
            least: D::V::splat(f32::INFINITY),
            sum: zero,
            before: zero,
        };
        let whole = if s.lines <= SHORT { groups / 4 * 4 } else { 0 };
        for group in (0..whole).step_by(4) {
            let codes = s.codes.as_ptr().add(group * s.lines);
            let dots = D::bytes_of_four(codes, s.query.as_ptr(), s.lines);
            for (i, dots) in dots.into_iter().enumerate() {
                scoring.take(group + i, dots);
            }
        }
        for group in whole..groups {
            let codes = s.codes.as_ptr().add(group * s.lines);
            scoring.take(group, D::bytes(codes, s.query.as_ptr(), s.lines));
        }
        Scored {
            least: smallest_lane(scoring.least),
            mean: if groups > 1 {
                scoring.sum.reduce() / ((groups - 1) * LANES) as f32
            } else {
                f32::INFINITY
            },
        }
    }
}

/// Directions as bytes, sixteen a group, against one vector in two parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axes<'a> {
    /// `lines` lines a group: four dimensions a line.
    pub(crate) codes: &'a [Line],
    pub(crate) lines: usize,
    pub(crate) vector: &'a Split,
    /// What codes of zero are, and one factor a direction: the result is
    /// (dot − middle × sum of the vector) × factor × the vector's step + offset.
    pub(crate) middle: f32,
    pub(crate) factors: &'a [f32],
    pub(crate) offsets: &'a [f32],
}

/// The vector's place along each direction, to `out`.
///
/// # Safety
/// As for [`Lanes`]; the slices hold whole groups.
#[inline(always)]
pub(crate) unsafe fn project_codes<D: Dots>(a: Axes<'_>, out: &mut [f32]) {
    // SAFETY: as the caller vouches.
    unsafe {
        let parts = a.vector.parts().map(<[i8]>::as_ptr);
        let (places, groups) = (a.vector.places(), out.len() / LANES);
        let whole = groups / 4 * 4;
        for group in (0..whole).step_by(4) {
            let codes = a.codes.as_ptr().add(group * a.lines);
            let codes = [
                codes,
                codes.add(a.lines),
                codes.add(2 * a.lines),
                codes.add(3 * a.lines),
            ];
            let four = D::four_groups_of_two(codes, parts, places);
            for (i, dots) in four.into_iter().enumerate() {
                a.place::<D::V>(group + i, dots, out);
            }
        }
        for group in whole..groups {
            let codes = a.codes.as_ptr().add(group * a.lines);
            let dots = D::bytes_of_two(codes, parts, places);
            a.place::<D::V>(group, dots, out);
        }
    }
}

impl Axes<'_> {
    /// The vector's place along the directions of one group, from their dot products with its parts.
    ///
    /// # Safety
    /// As for [`project_codes`]; there is such a group.
    #[inline(always)]
    unsafe fn place<V: Lanes>(&self, group: usize, [high, low]: [V; 2], out: &mut [f32]) {
        debug_assert!((group + 1) * LANES <= out.len());
        // SAFETY: as the caller vouches.
        unsafe {
            let middle = V::splat(self.middle * self.vector.sum as f32);
            let factors = V::load(self.factors.as_ptr().add(group * LANES));
            let offsets = V::load(self.offsets.as_ptr().add(group * LANES));
            high.mul_add(V::splat(128.0), low.sub(middle))
                .mul(factors)
                .mul_add(V::splat(self.vector.step), offsets)
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
    // SAFETY: whole groups, as the caller vouches.
    unsafe { V::count_within(values.as_ptr(), values.len() / LANES, *limits) }
}

/// Append the places of the values that are at most `limit` and not at most `above`, ascending.
///
/// # Safety
/// As for [`count_within`].
#[inline(always)]
pub(crate) unsafe fn list_between<V: Lanes>(
    values: &[f32],
    above: f32,
    limit: f32,
    out: &mut Vec<u32>,
) {
    out.reserve(values.len());
    // SAFETY: every chunk has sixteen values, and there is room for as many places as values.
    unsafe {
        let (above, limit) = (V::splat(above), V::splat(limit));
        let mut count = out.len();
        for (i, some) in values.chunks_exact(LANES).enumerate() {
            let some = V::load(some.as_ptr());
            let within = some.below(limit) & !some.below(above);
            V::list(within, (i * LANES) as u32, out.as_mut_ptr().add(count));
            count += within.count_ones() as usize;
        }
        out.set_len(count);
    }
}

/// Place of the first of `values` that is at most `limit`, or how many there are.
///
/// # Safety
/// As for [`count_within`].
#[inline(always)]
pub(crate) unsafe fn first_within<V: Lanes>(values: &[f32], limit: f32) -> usize {
    // SAFETY: every chunk has sixteen values.
    unsafe {
        let limit = V::splat(limit);
        for (i, some) in values.chunks_exact(LANES).enumerate() {
            let within = V::load(some.as_ptr()).below(limit);
            if within != 0 {
                return i * LANES + within.trailing_zeros() as usize;
            }
        }
        values.len()
    }
}
