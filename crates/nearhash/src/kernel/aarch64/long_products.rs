//! Dot products of bytes for CPUs without an instruction for them, on the lanes of NEON.

use std::arch::aarch64::*;
use std::arch::asm;

use super::neon::FourQ;
use crate::kernel::codes::{Dots, LINE, Line};
use crate::kernel::lanes::Lanes;

/// Products of bytes widened to 16 bits (`smull`), for CPUs without dot products.
#[derive(Debug)]
pub(crate) struct LongProducts;

/// Four bytes of a query, four times.
///
/// # Safety
/// Needs NEON; four numbers are readable.
#[inline(always)]
unsafe fn repeated(query: *const i8) -> int8x16_t {
    // SAFETY: as the caller vouches; the empty instruction changes nothing.
    unsafe {
        let mut four = vdupq_n_s32(query.cast::<i32>().read_unaligned());
        // The compiler is not to know that both halves are the same: it would use the lower one
        // with upper halves of codes, which have to be moved down for that.
        asm!("/* {0:v} */", inout(vreg) four, options(pure, nomem, nostack, preserves_flags));
        vreinterpretq_s8_s32(four)
    }
}

/// Quarter `quarter` of a line: four dimensions of four vectors.
///
/// # Safety
/// Needs NEON; the line is readable.
#[inline(always)]
pub(super) unsafe fn quarter_of(line: *const Line, quarter: usize) -> int8x16_t {
    // SAFETY: as the caller vouches.
    unsafe { vld1q_s8(line.cast::<i8>().add(16 * quarter)) }
}

/// Sums of pairs of dimensions put together: one for each vector, rounded.
///
/// # Safety
/// Needs NEON.
#[inline(always)]
unsafe fn sums_of_pairs([a, b, c, d]: [[int32x4_t; 2]; 4]) -> FourQ {
    // SAFETY: NEON is the caller's promise.
    unsafe {
        FourQ::rounded([
            vpaddq_s32(a[0], a[1]),
            vpaddq_s32(b[0], b[1]),
            vpaddq_s32(c[0], c[1]),
            vpaddq_s32(d[0], d[1]),
        ])
    }
}

// Callers run on a CPU with NEON, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Dots for LongProducts {
    type V = FourQ;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> FourQ {
        // SAFETY: as the caller vouches.
        unsafe {
            let mut sums = [[vdupq_n_s32(0); 2]; 4];
            let mut line = 0;
            while line + 2 <= lines {
                let q = repeated(query.add(4 * line));
                let r = repeated(query.add(4 * line + 4));
                for (quarter, [low_sum, high_sum]) in sums.iter_mut().enumerate() {
                    let c = quarter_of(codes.add(line), quarter);
                    let d = quarter_of(codes.add(line + 1), quarter);
                    // Two products of at most 127 x 128: below 2^15.
                    let low = vmull_s8(vget_low_s8(c), vget_low_s8(q));
                    let low = vmlal_s8(low, vget_low_s8(d), vget_low_s8(r));
                    let high = vmlal_high_s8(vmull_high_s8(c, q), d, r);
                    *low_sum = vpadalq_s16(*low_sum, low);
                    *high_sum = vpadalq_s16(*high_sum, high);
                }
                line += 2;
            }
            if line < lines {
                let q = repeated(query.add(4 * line));
                for (quarter, [low_sum, high_sum]) in sums.iter_mut().enumerate() {
                    let c = quarter_of(codes.add(line), quarter);
                    let low = vmull_s8(vget_low_s8(c), vget_low_s8(q));
                    *low_sum = vpadalq_s16(*low_sum, low);
                    *high_sum = vpadalq_s16(*high_sum, vmull_high_s8(c, q));
                }
            }
            sums_of_pairs(sums)
        }
    }

    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [FourQ; 2] {
        // SAFETY: as the caller vouches.
        let one = |query: *const i8| unsafe {
            let mut sums = [[vdupq_n_s32(0); 2]; 4];
            for place in places {
                let place = *place as usize;
                let q = repeated(query.add(4 * place));
                for (quarter, [low_sum, high_sum]) in sums.iter_mut().enumerate() {
                    let c = quarter_of(codes.add(place), quarter);
                    let low = vmull_s8(vget_low_s8(c), vget_low_s8(q));
                    *low_sum = vpadalq_s16(*low_sum, low);
                    *high_sum = vpadalq_s16(*high_sum, vmull_high_s8(c, q));
                }
            }
            sums_of_pairs(sums)
        };
        [one(queries[0]), one(queries[1])]
    }

    #[inline(always)]
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> FourQ {
        // SAFETY: as the caller vouches.
        unsafe {
            let fifteen = vdupq_n_u8(15);
            let mut sums = [[vdupq_n_s32(0); 2]; 4];
            let mut line = 0;
            while line < lines {
                // Eight lines are sixteen products of at most 15 x 128: below 2^15.
                let end = (line + 8).min(lines);
                let mut products = [[vdupq_n_s16(0); 2]; 4];
                while line < end {
                    let q = repeated(query.add(8 * line));
                    let r = repeated(query.add(8 * line + 4));
                    for (quarter, [low, high]) in products.iter_mut().enumerate() {
                        let both = vreinterpretq_u8_s8(quarter_of(codes.add(line), quarter));
                        let c = vreinterpretq_s8_u8(vandq_u8(both, fifteen));
                        let d = vreinterpretq_s8_u8(vshrq_n_u8::<4>(both));
                        *low = vmlal_s8(*low, vget_low_s8(c), vget_low_s8(q));
                        *low = vmlal_s8(*low, vget_low_s8(d), vget_low_s8(r));
                        *high = vmlal_high_s8(*high, c, q);
                        *high = vmlal_high_s8(*high, d, r);
                    }
                    line += 1;
                }
                for ([low_sum, high_sum], [low, high]) in sums.iter_mut().zip(products) {
                    *low_sum = vpadalq_s16(*low_sum, low);
                    *high_sum = vpadalq_s16(*high_sum, high);
                }
            }
            sums_of_pairs(sums)
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
            let mut out = [FourQ::splat(0.0); N];
            // Four lanes at a time: the sums of all would not fit the registers.
            for quarter in 0..4 {
                let mut sums = [[vdupq_n_s32(0); 4]; N];
                for line in 0..lines {
                    let at = LINE * line + 16 * quarter;
                    let (h, l) = (vld1q_s8(high.add(at)), vld1q_s8(low.add(at)));
                    let first = vshll_n_s8::<7>(vget_low_s8(h));
                    let first = vaddw_s8(first, vget_low_s8(l));
                    let second = vaddw_high_s8(vshll_high_n_s8::<7>(h), l);
                    for (codes, [a, b, c, d]) in codes.iter().zip(&mut sums) {
                        let bytes = vld1q_u8(codes.cast::<u8>().add(at));
                        let x = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
                        let y = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
                        *a = vmlal_s16(*a, vget_low_s16(x), vget_low_s16(first));
                        *b = vmlal_high_s16(*b, x, first);
                        *c = vmlal_s16(*c, vget_low_s16(y), vget_low_s16(second));
                        *d = vmlal_high_s16(*d, y, second);
                    }
                }
                for (out, [a, b, c, d]) in out.iter_mut().zip(sums) {
                    let four = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
                    out.0[quarter] = vcvtq_f32_s32(four);
                }
            }
            out
        }
    }
}

impl crate::kernel::tile::Tiles for LongProducts {}
