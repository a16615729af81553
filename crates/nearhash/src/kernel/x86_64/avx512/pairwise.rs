//! Dot products of bytes on AVX-512 without VNNI.

use std::arch::x86_64::*;

use super::Zmm;
use crate::kernel::codes::{Dots, LINE, Line};
use crate::kernel::tile::Tiles;

/// Products of bytes summed in pairs (`maddubs`), for CPUs without VNNI.
#[derive(Debug)]
pub(crate) struct Pairwise;

// Callers run on a CPU with this instruction set, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Dots for Pairwise {
    type V = Zmm;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
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
    unsafe fn quarters(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        // SAFETY: as the caller vouches.
        unsafe {
            let (ones, low) = (_mm512_set1_epi16(1), _mm512_set1_epi8(3));
            let mut sums = _mm512_setzero_si512();
            let mut line = 0;
            while line < lines {
                // Eight lines are 64 products of at most 3 x 127: below 2^15.
                let end = (line + 8).min(lines);
                let mut pairs = _mm512_setzero_si512();
                while line < end {
                    let c = _mm512_load_si512(codes.add(line).cast());
                    let q = query.cast::<i32>().add(4 * line);
                    let parts = [
                        c,
                        _mm512_srli_epi16::<2>(c),
                        _mm512_srli_epi16::<4>(c),
                        _mm512_srli_epi16::<6>(c),
                    ];
                    for (i, part) in parts.into_iter().enumerate() {
                        let q = _mm512_set1_epi32(q.add(i).read_unaligned());
                        let products = _mm512_maddubs_epi16(_mm512_and_si512(part, low), q);
                        pairs = _mm512_add_epi16(pairs, products);
                    }
                    line += 1;
                }
                sums = _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, ones));
            }
            Zmm(_mm512_cvtepi32_ps(sums))
        }
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Zmm {
        // SAFETY: as the caller vouches.
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

impl Tiles for Pairwise {}
