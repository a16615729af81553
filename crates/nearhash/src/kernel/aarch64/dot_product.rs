//! Dot products of bytes in one instruction (FEAT_DotProd), on the lanes of NEON.

use std::arch::aarch64::*;
use std::arch::asm;

use super::long_products::quarter_of;
use super::neon::FourQ;
use crate::kernel::codes::{Dots, LINE, Line};
use crate::kernel::lanes::Lanes;

/// Products of bytes summed by `sdot`.
#[derive(Debug)]
pub(crate) struct DotProduct;

/// `sum` + `a` · `b`: four products of signed bytes in each lane. Its intrinsic is not stable yet.
///
/// # Safety
/// The CPU has dot products.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn sdot(sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: the instruction is the caller's promise; it touches registers and no flags.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sum, in(vreg) a, in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// [`sdot`] with bytes 4 × PLACE to 4 × PLACE + 3 of `b` in each lane.
///
/// # Safety
/// The CPU has dot products.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn sdot_with<const PLACE: usize>(sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    const { assert!(PLACE < 4) };
    let mut sum = sum;
    // SAFETY: as in `sdot`.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[{3}]", inout(vreg) sum, in(vreg) a, in(vreg) b,
            const PLACE, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// A line with four numbers of each of N queries, those at PLACE.
///
/// # Safety
/// The CPU has dot products; the line is readable.
#[inline(always)]
unsafe fn add_line<const N: usize, const PLACE: usize>(
    sums: &mut [[int32x4_t; 4]; N],
    line: *const Line,
    queries: [int8x16_t; N],
) {
    for quarter in 0..4 {
        // SAFETY: as the caller vouches.
        unsafe {
            let c = quarter_of(line, quarter);
            for (sums, query) in sums.iter_mut().zip(queries) {
                sums[quarter] = sdot_with::<PLACE>(sums[quarter], c, query);
            }
        }
    }
}

/// A line of nibbles with eight numbers of a query: those at LOW with the low nibbles.
///
/// # Safety
/// As for [`add_line`].
#[inline(always)]
unsafe fn add_nibbles<const LOW: usize, const HIGH: usize>(
    sums: &mut [[int32x4_t; 4]; 2],
    line: *const Line,
    query: int8x16_t,
) {
    let [low_sums, high_sums] = sums;
    let sums = low_sums.iter_mut().zip(high_sums);
    for (quarter, (low_sum, high_sum)) in sums.enumerate() {
        // SAFETY: as the caller vouches.
        unsafe {
            let both = vreinterpretq_u8_s8(quarter_of(line, quarter));
            let low = vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15)));
            let high = vreinterpretq_s8_u8(vshrq_n_u8::<4>(both));
            *low_sum = sdot_with::<LOW>(*low_sum, low, query);
            *high_sum = sdot_with::<HIGH>(*high_sum, high, query);
        }
    }
}

/// Both sums of each quarter together, rounded.
///
/// # Safety
/// Needs NEON.
#[inline(always)]
unsafe fn together([[a, b, c, d], [e, f, g, h]]: [[int32x4_t; 4]; 2]) -> FourQ {
    // SAFETY: NEON is the caller's promise.
    unsafe {
        FourQ::rounded([
            vaddq_s32(a, e),
            vaddq_s32(b, f),
            vaddq_s32(c, g),
            vaddq_s32(d, h),
        ])
    }
}

// Callers run on a CPU with dot products, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Dots for DotProduct {
    type V = FourQ;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> FourQ {
        // SAFETY: as the caller vouches.
        unsafe {
            // Two chains of sums a quarter hide half of the latency; groups that follow hide the
            // rest.
            let mut sums = [[[vdupq_n_s32(0); 4]; 1]; 2];
            let [even, odd] = &mut sums;
            let mut line = 0;
            while line + 4 <= lines {
                let (from, q) = (codes.add(line), [vld1q_s8(query.add(4 * line))]);
                add_line::<1, 0>(even, from, q);
                add_line::<1, 1>(odd, from.add(1), q);
                add_line::<1, 2>(even, from.add(2), q);
                add_line::<1, 3>(odd, from.add(3), q);
                line += 4;
            }
            while line < lines {
                let q = query.add(4 * line).cast::<i32>().read_unaligned();
                let q = [vreinterpretq_s8_s32(vdupq_n_s32(q))];
                add_line::<1, 0>(even, codes.add(line), q);
                line += 1;
            }
            let [[even], [odd]] = sums;
            together([even, odd])
        }
    }

    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [FourQ; 2] {
        // SAFETY: as the caller vouches.
        unsafe {
            let mut sums = [[vdupq_n_s32(0); 4]; 2];
            for place in places {
                let place = *place as usize;
                let q = queries[0].cast::<i32>().add(place).read_unaligned();
                let r = queries[1].cast::<i32>().add(place).read_unaligned();
                let q = [
                    vreinterpretq_s8_s32(vdupq_n_s32(q)),
                    vreinterpretq_s8_s32(vdupq_n_s32(r)),
                ];
                add_line::<2, 0>(&mut sums, codes.add(place), q);
            }
            let [a, b] = sums;
            [FourQ::rounded(a), FourQ::rounded(b)]
        }
    }

    #[inline(always)]
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> FourQ {
        // SAFETY: as the caller vouches.
        unsafe {
            let mut sums = [[vdupq_n_s32(0); 4]; 2];
            let mut line = 0;
            while line + 2 <= lines {
                let q = vld1q_s8(query.add(8 * line));
                add_nibbles::<0, 1>(&mut sums, codes.add(line), q);
                add_nibbles::<2, 3>(&mut sums, codes.add(line + 1), q);
                line += 2;
            }
            if line < lines {
                let q = vld1_s8(query.add(8 * line));
                add_nibbles::<0, 1>(&mut sums, codes.add(line), vcombine_s8(q, q));
            }
            together(sums)
        }
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> FourQ {
        // SAFETY: as the caller vouches.
        let [dots] = unsafe { Self::rows([codes], high, low, lines) };
        dots
    }

    #[inline(always)]
    unsafe fn rows<const N: usize>(
        codes: [*const Line; N],
        high: *const i8,
        low: *const i8,
        lines: usize,
    ) -> [FourQ; N] {
        // SAFETY: as the caller vouches.
        unsafe {
            let (ones, middle) = (vdupq_n_s8(1), vdupq_n_u8(128));
            let mut out = [FourQ::splat(0.0); N];
            // Four lanes at a time: the sums of all would not fit the registers.
            for quarter in 0..4 {
                let mut sums = [[vdupq_n_s32(0); 2]; N];
                let mut query_sums = [vdupq_n_s32(0); 2];
                for line in 0..lines {
                    let at = LINE * line + 16 * quarter;
                    let (h, l) = (vld1q_s8(high.add(at)), vld1q_s8(low.add(at)));
                    query_sums[0] = sdot(query_sums[0], h, ones);
                    query_sums[1] = sdot(query_sums[1], l, ones);
                    for (codes, sums) in codes.iter().zip(&mut sums) {
                        // Bytes less 128, which are signed.
                        let bytes = vld1q_u8(codes.cast::<u8>().add(at));
                        let bytes = vreinterpretq_s8_u8(veorq_u8(bytes, middle));
                        sums[0] = sdot(sums[0], bytes, h);
                        sums[1] = sdot(sums[1], bytes, l);
                    }
                }
                // 128 times the query for what bytes lack. Sums wrap; the last one fits.
                let [h, l] = query_sums;
                let lack = vshlq_n_s32::<7>(vaddq_s32(vshlq_n_s32::<7>(h), l));
                for (out, [h, l]) in out.iter_mut().zip(sums) {
                    let four = vaddq_s32(vaddq_s32(vshlq_n_s32::<7>(h), l), lack);
                    out.0[quarter] = vcvtq_f32_s32(four);
                }
            }
            out
        }
    }
}

impl crate::kernel::tile::Tiles for DotProduct {}
