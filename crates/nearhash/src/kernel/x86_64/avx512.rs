//! One 512-bit register. Needs AVX-512 F, DQ, BW and VL, and FMA.

use std::arch::x86_64::*;

use crate::kernel::codes::{Dots, LINE, Line};
use crate::kernel::lanes::{FLOOR_LIMIT, Lanes};
use crate::kernel::tile::{TILE, Tiles};

/// Sixteen lanes in one register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zmm(__m512);

// SAFETY of every block below: callers run on a CPU with this instruction set, as the trait asks;
// where a pointer goes in, the caller vouches for it.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Lanes for Zmm {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self {
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) })
    }

    #[inline(always)]
    unsafe fn load_i16(from: *const i16) -> Self {
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256(from.cast()))) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn first(self, n: usize) -> Self {
        let mask = ((1_u32 << n.min(16)) - 1) as __mmask16;
        Self(unsafe { _mm512_maskz_mov_ps(mask, self.0) })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn below(self, other: Self) -> u16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn list(bits: u16, first: u32, to: *mut u32) {
        unsafe {
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let places = _mm512_add_epi32(lanes, _mm512_set1_epi32(first as i32));
            let packed = _mm512_maskz_compress_epi32(bits, places);
            _mm512_storeu_si512(to.cast(), packed);
        }
    }

    #[inline(always)]
    unsafe fn pack(self, bits: u16, to: *mut f32) {
        // In the register: to memory, some CPUs take a hundred cycles.
        unsafe { _mm512_storeu_ps(to, _mm512_maskz_compress_ps(bits, self.0)) }
    }

    #[inline(always)]
    unsafe fn count_within<const N: usize>(
        values: *const f32,
        groups: usize,
        limits: [f32; N],
    ) -> [u32; N] {
        unsafe {
            // Counted in lanes: a mask takes longer to get out and to count than to add.
            let (mut sums, mut bounds) = ([_mm512_setzero_si512(); N], [_mm512_setzero_ps(); N]);
            for i in 0..N {
                bounds[i] = _mm512_set1_ps(limits[i]);
            }
            let one = _mm512_set1_epi32(1);
            for group in 0..groups {
                let values = _mm512_loadu_ps(values.add(16 * group));
                for i in 0..N {
                    let within = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(values, bounds[i]);
                    sums[i] = _mm512_mask_add_epi32(sums[i], within, sums[i], one);
                }
            }
            let mut counts = [0; N];
            for i in 0..N {
                counts[i] = _mm512_reduce_add_epi32(sums[i]) as u32;
            }
            counts
        }
    }

    #[inline(always)]
    unsafe fn count_below(keys: *const u64, count: usize, some: *const u64, to: *mut u64) {
        unsafe {
            let some = _mm512_loadu_si512(some.cast());
            let (one, mut below) = (_mm512_set1_epi64(1), _mm512_setzero_si512());
            for i in 0..count {
                let key = _mm512_set1_epi64(keys.add(i).read().cast_signed());
                let is_below = _mm512_cmplt_epu64_mask(key, some);
                below = _mm512_mask_add_epi64(below, is_below, below, one);
            }
            _mm512_storeu_si512(to.cast(), below);
        }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn shifted(self) -> Self {
        unsafe {
            let before = _mm512_castps_si512(_mm512_set1_ps(f32::NEG_INFINITY));
            let moved = _mm512_alignr_epi32::<15>(_mm512_castps_si512(self.0), before);
            Self(_mm512_castsi512_ps(moved))
        }
    }

    #[inline(always)]
    unsafe fn select(self, bits: u16, other: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(bits, other.0, self.0) })
    }

    #[inline(always)]
    unsafe fn where_below(self, other: Self, yes: Self, no: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_ps(self.below(other), no.0, yes.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(self.0, by.0, plus.0) })
    }

    #[inline(always)]
    unsafe fn not_negative(self) -> u16 {
        unsafe { _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, _mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn store_floor(self, to: *mut i32) {
        unsafe {
            // `max` returns its second operand when the first is NaN.
            let low = _mm512_max_ps(self.0, _mm512_set1_ps(-FLOOR_LIMIT));
            let within = _mm512_min_ps(low, _mm512_set1_ps(FLOOR_LIMIT));
            let floor =
                _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(within);
            _mm512_storeu_si512(to.cast(), _mm512_cvttps_epi32(floor));
        }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        unsafe {
            let bytes = _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(self.0));
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    #[inline(always)]
    unsafe fn reduce(self) -> f32 {
        unsafe {
            let eight = _mm256_add_ps(
                _mm512_castps512_ps256(self.0),
                _mm512_extractf32x8_ps::<1>(self.0),
            );
            super::avx2::reduce8(eight)
        }
    }

    #[inline(always)]
    unsafe fn reduce4(of: [Self; 4]) -> [f32; 4] {
        unsafe {
            let [a, b, c, d] = of.map(|x| x.0);
            // Lane i plus lane i + 8: a's eight sums below b's.
            let ab = _mm512_add_ps(
                _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b),
                _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b),
            );
            let cd = _mm512_add_ps(
                _mm512_shuffle_f32x4::<0b01_00_01_00>(c, d),
                _mm512_shuffle_f32x4::<0b11_10_11_10>(c, d),
            );
            // Lane i plus lane i + 4: one block of four for each of a, b, c, d.
            let four = _mm512_add_ps(
                _mm512_shuffle_f32x4::<0b10_00_10_00>(ab, cd),
                _mm512_shuffle_f32x4::<0b11_01_11_01>(ab, cd),
            );
            let two = _mm512_add_ps(four, _mm512_permute_ps::<0b01_00_11_10>(four));
            let one = _mm512_add_ps(two, _mm512_permute_ps::<0b10_11_00_01>(two));
            let sums = _mm512_castps512_ps128(_mm512_maskz_compress_ps(0b0001_0001_0001_0001, one));
            let mut out = [0.0; 4];
            _mm_storeu_ps(out.as_mut_ptr(), sums);
            out
        }
    }

    #[inline(always)]
    unsafe fn prefetch(at: *const u8) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}

/// Products of bytes summed in pairs (`maddubs`), for CPUs without VNNI.
#[derive(Debug)]
pub(crate) struct Pairwise;

// SAFETY of every block below: as above.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Dots for Pairwise {
    type V = Zmm;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        unsafe {
            let ones = _mm512_set1_epi16(1);
            let mut sum = _mm512_setzero_si512();
            for line in 0..lines {
                let c = _mm512_load_si512(codes.add(line).cast());
                let q = _mm512_set1_epi32(query.cast::<i32>().add(line).read_unaligned());
                let pairs = _mm512_maddubs_epi16(c, q);
                sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, ones));
            }
            Zmm(_mm512_cvtepi32_ps(sum))
        }
    }

    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [Zmm; 2] {
        unsafe {
            let ones = _mm512_set1_epi16(1);
            let mut sums = [_mm512_setzero_si512(); 2];
            for place in places {
                let place = *place as usize;
                let c = _mm512_load_si512(codes.add(place).cast());
                for (query, sum) in queries.iter().zip(&mut sums) {
                    let q = query.cast::<i32>().add(place).read_unaligned();
                    let pairs = _mm512_maddubs_epi16(c, _mm512_set1_epi32(q));
                    *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(pairs, ones));
                }
            }
            let [a, b] = sums;
            [Zmm(_mm512_cvtepi32_ps(a)), Zmm(_mm512_cvtepi32_ps(b))]
        }
    }

    #[inline(always)]
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        unsafe {
            let (ones, low) = (_mm512_set1_epi16(1), _mm512_set1_epi8(15));
            let mut sum = _mm512_setzero_si512();
            let mut line = 0;
            while line < lines {
                // Four lines are eight pairs of products of at most 15 x 127: below 2^15.
                let end = (line + 4).min(lines);
                let mut pairs = _mm512_setzero_si512();
                while line < end {
                    let c = _mm512_load_si512(codes.add(line).cast());
                    let q = query.cast::<i32>().add(2 * line);
                    let (q0, q1) = (q.read_unaligned(), q.add(1).read_unaligned());
                    let c0 = _mm512_and_si512(c, low);
                    let c1 = _mm512_and_si512(_mm512_srli_epi16::<4>(c), low);
                    pairs = _mm512_add_epi16(
                        pairs,
                        _mm512_add_epi16(
                            _mm512_maddubs_epi16(c0, _mm512_set1_epi32(q0)),
                            _mm512_maddubs_epi16(c1, _mm512_set1_epi32(q1)),
                        ),
                    );
                    line += 1;
                }
                sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, ones));
            }
            Zmm(_mm512_cvtepi32_ps(sum))
        }
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Zmm {
        unsafe {
            let ones = _mm512_set1_epi16(1);
            let (mut highs, mut lows) = (_mm512_setzero_si512(), _mm512_setzero_si512());
            for line in 0..lines {
                let c = _mm512_load_si512(codes.add(line).cast());
                let h = _mm512_loadu_si512(high.add(LINE * line).cast());
                let l = _mm512_loadu_si512(low.add(LINE * line).cast());
                let (h, l) = (_mm512_maddubs_epi16(c, h), _mm512_maddubs_epi16(c, l));
                highs = _mm512_add_epi32(highs, _mm512_madd_epi16(h, ones));
                lows = _mm512_add_epi32(lows, _mm512_madd_epi16(l, ones));
            }
            let sums = _mm512_add_epi32(_mm512_slli_epi32::<7>(highs), lows);
            Zmm(_mm512_cvtepi32_ps(sums))
        }
    }
}

/// Sums that go on beside each other: each waits for its own last one only.
const CHAINS: usize = 4;

/// Numbers 4 `at` to 4 `at` + 3 of a query, in every lane.
///
/// # Safety
/// Needs AVX-512; the query has them.
#[inline(always)]
unsafe fn four_numbers(query: *const i8, at: usize) -> __m512i {
    // SAFETY: as the caller vouches.
    unsafe { _mm512_set1_epi32(query.cast::<i32>().add(at).read_unaligned()) }
}

/// The sum of all chains.
///
/// # Safety
/// Needs AVX-512.
#[inline(always)]
unsafe fn all_chains([a, b, c, d]: [__m512i; CHAINS]) -> Zmm {
    // SAFETY: as the caller vouches.
    unsafe {
        let (ab, cd) = (_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
        Zmm(_mm512_cvtepi32_ps(_mm512_add_epi32(ab, cd)))
    }
}

/// Products of bytes summed by VNNI's `vpdpbusd`.
#[derive(Debug)]
pub(crate) struct Vnni;

// SAFETY of every block below: as above; callers have AVX-512 VNNI too.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Dots for Vnni {
    type V = Zmm;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        unsafe {
            let mut sums = [_mm512_setzero_si512(); CHAINS];
            let whole = lines / CHAINS * CHAINS;
            for line in (0..whole).step_by(CHAINS) {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let c = _mm512_load_si512(codes.add(line + i).cast());
                    *sum = _mm512_dpbusd_epi32(*sum, c, four_numbers(query, line + i));
                }
            }
            for line in whole..lines {
                let c = _mm512_load_si512(codes.add(line).cast());
                sums[0] = _mm512_dpbusd_epi32(sums[0], c, four_numbers(query, line));
            }
            all_chains(sums)
        }
    }

    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [Zmm; 2] {
        unsafe {
            // Each line comes from the cache once.
            let mut sums = [[_mm512_setzero_si512(); CHAINS]; 2];
            let (fours, last) = places.as_chunks::<CHAINS>();
            for four in fours {
                for (i, place) in four.iter().enumerate() {
                    let place = *place as usize;
                    let c = _mm512_load_si512(codes.add(place).cast());
                    for (query, sums) in queries.iter().zip(&mut sums) {
                        sums[i] = _mm512_dpbusd_epi32(sums[i], c, four_numbers(*query, place));
                    }
                }
            }
            for place in last {
                let place = *place as usize;
                let c = _mm512_load_si512(codes.add(place).cast());
                for (query, sums) in queries.iter().zip(&mut sums) {
                    sums[0] = _mm512_dpbusd_epi32(sums[0], c, four_numbers(*query, place));
                }
            }
            let [a, b] = sums;
            [all_chains(a), all_chains(b)]
        }
    }

    #[inline(always)]
    unsafe fn four_groups_of_two(
        codes: [*const Line; 4],
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [[Zmm; 2]; 4] {
        unsafe {
            // Four numbers of a query come from the cache once, too.
            let mut sums = [[_mm512_setzero_si512(); 2]; 4];
            let [high, low] = queries;
            for place in places {
                let place = *place as usize;
                let numbers = [four_numbers(high, place), four_numbers(low, place)];
                for (codes, sums) in codes.iter().zip(&mut sums) {
                    let c = _mm512_load_si512(codes.add(place).cast());
                    for (numbers, sum) in numbers.iter().zip(sums) {
                        *sum = _mm512_dpbusd_epi32(*sum, c, *numbers);
                    }
                }
            }
            let float =
                |[a, b]: [__m512i; 2]| [Zmm(_mm512_cvtepi32_ps(a)), Zmm(_mm512_cvtepi32_ps(b))];
            let [a, b, c, d] = sums;
            [float(a), float(b), float(c), float(d)]
        }
    }

    #[inline(always)]
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        unsafe {
            let low = _mm512_set1_epi8(15);
            let mut sums = [_mm512_setzero_si512(); CHAINS];
            let pairs = lines / 2 * 2;
            for line in (0..pairs).step_by(2) {
                for i in 0..2 {
                    let c = _mm512_load_si512(codes.add(line + i).cast());
                    let (c0, c1) = (_mm512_and_si512(c, low), _mm512_srli_epi16::<4>(c));
                    let c1 = _mm512_and_si512(c1, low);
                    let at = 2 * (line + i);
                    let (q0, q1) = (four_numbers(query, at), four_numbers(query, at + 1));
                    sums[2 * i] = _mm512_dpbusd_epi32(sums[2 * i], c0, q0);
                    sums[2 * i + 1] = _mm512_dpbusd_epi32(sums[2 * i + 1], c1, q1);
                }
            }
            if pairs < lines {
                let c = _mm512_load_si512(codes.add(pairs).cast());
                let (c0, c1) = (_mm512_and_si512(c, low), _mm512_srli_epi16::<4>(c));
                let c1 = _mm512_and_si512(c1, low);
                sums[0] = _mm512_dpbusd_epi32(sums[0], c0, four_numbers(query, 2 * pairs));
                sums[1] = _mm512_dpbusd_epi32(sums[1], c1, four_numbers(query, 2 * pairs + 1));
            }
            all_chains(sums)
        }
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Zmm {
        unsafe {
            let (mut highs, mut lows) = (_mm512_setzero_si512(), _mm512_setzero_si512());
            for line in 0..lines {
                let c = _mm512_load_si512(codes.add(line).cast());
                let h = _mm512_loadu_si512(high.add(LINE * line).cast());
                let l = _mm512_loadu_si512(low.add(LINE * line).cast());
                highs = _mm512_dpbusd_epi32(highs, c, h);
                lows = _mm512_dpbusd_epi32(lows, c, l);
            }
            let sums = _mm512_add_epi32(_mm512_slli_epi32::<7>(highs), lows);
            Zmm(_mm512_cvtepi32_ps(sums))
        }
    }
}

impl Tiles for Pairwise {}

// SAFETY of every block below: as above.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Tiles for Vnni {
    #[inline(always)]
    unsafe fn tile<const NIBBLES: bool>(
        codes: *const Line,
        queries: [*const i8; TILE],
        lines: usize,
    ) -> [Zmm; TILE] {
        unsafe {
            let low = _mm512_set1_epi8(15);
            // Two chains of sums a query hide the latency.
            let mut sums = [[_mm512_setzero_si512(); 2]; TILE];
            let number = |query: usize, at: usize| {
                _mm512_set1_epi32(queries[query].cast::<i32>().add(at).read_unaligned())
            };
            if NIBBLES {
                for line in 0..lines {
                    let c = _mm512_load_si512(codes.add(line).cast());
                    let c0 = _mm512_and_si512(c, low);
                    let c1 = _mm512_and_si512(_mm512_srli_epi16::<4>(c), low);
                    for (query, sums) in sums.iter_mut().enumerate() {
                        sums[0] = _mm512_dpbusd_epi32(sums[0], c0, number(query, 2 * line));
                        sums[1] = _mm512_dpbusd_epi32(sums[1], c1, number(query, 2 * line + 1));
                    }
                }
            } else {
                let mut line = 0;
                while line + 2 <= lines {
                    let c0 = _mm512_load_si512(codes.add(line).cast());
                    let c1 = _mm512_load_si512(codes.add(line + 1).cast());
                    for (query, sums) in sums.iter_mut().enumerate() {
                        sums[0] = _mm512_dpbusd_epi32(sums[0], c0, number(query, line));
                        sums[1] = _mm512_dpbusd_epi32(sums[1], c1, number(query, line + 1));
                    }
                    line += 2;
                }
                if line < lines {
                    let c = _mm512_load_si512(codes.add(line).cast());
                    for (query, sums) in sums.iter_mut().enumerate() {
                        sums[0] = _mm512_dpbusd_epi32(sums[0], c, number(query, line));
                    }
                }
            }
            let [a, b, c, d] = sums;
            let whole = |[a, b]: [__m512i; 2]| Zmm(_mm512_cvtepi32_ps(_mm512_add_epi32(a, b)));
            [whole(a), whole(b), whole(c), whole(d)]
        }
    }

    #[inline(always)]
    unsafe fn two_groups(
        codes: *const Line,
        stride: usize,
        queries: [*const i8; TILE],
        lines: usize,
    ) -> [[Zmm; TILE]; 2] {
        unsafe {
            // Numbers of the queries are read once for both groups: reads, not products, are what
            // limits a tile of one.
            let mut sums = [[_mm512_setzero_si512(); TILE]; 2];
            for line in 0..lines {
                let first = _mm512_load_si512(codes.add(line).cast());
                let second = _mm512_load_si512(codes.add(stride + line).cast());
                for (i, query) in queries.iter().enumerate() {
                    let number = query.cast::<i32>().add(line).read_unaligned();
                    let number = _mm512_set1_epi32(number);
                    sums[0][i] = _mm512_dpbusd_epi32(sums[0][i], first, number);
                    sums[1][i] = _mm512_dpbusd_epi32(sums[1][i], second, number);
                }
            }
            let whole = |sum: __m512i| Zmm(_mm512_cvtepi32_ps(sum));
            let [[a, b, c, d], [e, f, g, h]] = sums;
            [
                [whole(a), whole(b), whole(c), whole(d)],
                [whole(e), whole(f), whole(g), whole(h)],
            ]
        }
    }
}
