//! Dot products of bytes on AVX2.

use std::arch::x86_64::*;

use super::TwoYmm;
use crate::kernel::codes::{Dots, Line};
use crate::kernel::tile::Tiles;

/// Products of bytes summed in pairs (`maddubs`).
#[derive(Debug)]
pub(crate) struct Pairwise;

// Callers run on a CPU with this instruction set, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Dots for Pairwise {
    type V = TwoYmm;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> TwoYmm {
        // SAFETY: as the caller vouches.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let mut sums = [_mm256_setzero_si256(); 2];
            for line in 0..lines {
                let c = codes.add(line).cast::<__m256i>();
                let q = _mm256_set1_epi32(query.cast::<i32>().add(line).read_unaligned());
                for (half, sum) in sums.iter_mut().enumerate() {
                    let pairs = _mm256_maddubs_epi16(_mm256_load_si256(c.add(half)), q);
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
            TwoYmm(_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1]))
        }
    }

    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [TwoYmm; 2] {
        // SAFETY: as the caller vouches.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let mut sums = [[_mm256_setzero_si256(); 2]; 2];
            for place in places {
                let place = *place as usize;
                let c = codes.add(place).cast::<__m256i>();
                let halves = [_mm256_load_si256(c), _mm256_load_si256(c.add(1))];
                for (query, sums) in queries.iter().zip(&mut sums) {
                    let q = query.cast::<i32>().add(place).read_unaligned();
                    let q = _mm256_set1_epi32(q);
                    for (half, sum) in halves.iter().zip(sums) {
                        let pairs = _mm256_maddubs_epi16(*half, q);
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
            let [a, b] = sums;
            [
                TwoYmm(_mm256_cvtepi32_ps(a[0]), _mm256_cvtepi32_ps(a[1])),
                TwoYmm(_mm256_cvtepi32_ps(b[0]), _mm256_cvtepi32_ps(b[1])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> TwoYmm {
        // SAFETY: as the caller vouches.
        unsafe {
            let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(15));
            let mut sums = [_mm256_setzero_si256(); 2];
            let mut line = 0;
            while line < lines {
                // Four lines are eight pairs of products of at most 15 x 127: below 2^15.
                let end = (line + 4).min(lines);
                let mut pairs = [_mm256_setzero_si256(); 2];
                while line < end {
                    let c = codes.add(line).cast::<__m256i>();
                    let q = query.cast::<i32>().add(2 * line);
                    let q0 = _mm256_set1_epi32(q.read_unaligned());
                    let q1 = _mm256_set1_epi32(q.add(1).read_unaligned());
                    for (half, pairs) in pairs.iter_mut().enumerate() {
                        let c = _mm256_load_si256(c.add(half));
                        let c0 = _mm256_and_si256(c, low);
                        let c1 = _mm256_and_si256(_mm256_srli_epi16::<4>(c), low);
                        *pairs = _mm256_add_epi16(
                            *pairs,
                            _mm256_add_epi16(
                                _mm256_maddubs_epi16(c0, q0),
                                _mm256_maddubs_epi16(c1, q1),
                            ),
                        );
                    }
                    line += 1;
                }
                for (sum, pairs) in sums.iter_mut().zip(pairs) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
            TwoYmm(_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1]))
        }
    }

    #[inline(always)]
    unsafe fn quarters(codes: *const Line, query: *const i8, lines: usize) -> TwoYmm {
        // SAFETY: as the caller vouches.
        unsafe {
            let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(3));
            let mut sums = [_mm256_setzero_si256(); 2];
            let mut line = 0;
            while line < lines {
                // Eight lines are 64 products of at most 3 x 127: below 2^15.
                let end = (line + 8).min(lines);
                let mut pairs = [_mm256_setzero_si256(); 2];
                while line < end {
                    let c = codes.add(line).cast::<__m256i>();
                    let q = query.cast::<i32>().add(4 * line);
                    for (half, pairs) in pairs.iter_mut().enumerate() {
                        let c = _mm256_load_si256(c.add(half));
                        let parts = [
                            c,
                            _mm256_srli_epi16::<2>(c),
                            _mm256_srli_epi16::<4>(c),
                            _mm256_srli_epi16::<6>(c),
                        ];
                        for (i, part) in parts.into_iter().enumerate() {
                            let q = _mm256_set1_epi32(q.add(i).read_unaligned());
                            let products = _mm256_maddubs_epi16(_mm256_and_si256(part, low), q);
                            *pairs = _mm256_add_epi16(*pairs, products);
                        }
                    }
                    line += 1;
                }
                for (sum, pairs) in sums.iter_mut().zip(pairs) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
            TwoYmm(_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1]))
        }
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> TwoYmm {
        // SAFETY: as the caller vouches.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let mut high_sums = [_mm256_setzero_si256(); 2];
            let mut low_sums = [_mm256_setzero_si256(); 2];
            for line in 0..lines {
                for half in 0..2 {
                    let at = 2 * line + half;
                    let c = _mm256_load_si256(codes.cast::<__m256i>().add(at));
                    let h = _mm256_loadu_si256(high.cast::<__m256i>().add(at));
                    let l = _mm256_loadu_si256(low.cast::<__m256i>().add(at));
                    let (h, l) = (_mm256_maddubs_epi16(c, h), _mm256_maddubs_epi16(c, l));
                    let (h, l) = (_mm256_madd_epi16(h, ones), _mm256_madd_epi16(l, ones));
                    high_sums[half] = _mm256_add_epi32(high_sums[half], h);
                    low_sums[half] = _mm256_add_epi32(low_sums[half], l);
                }
            }
            let (high, low) = (_mm256_slli_epi32::<7>(high_sums[0]), low_sums[0]);
            let first = _mm256_cvtepi32_ps(_mm256_add_epi32(high, low));
            let (high, low) = (_mm256_slli_epi32::<7>(high_sums[1]), low_sums[1]);
            TwoYmm(first, _mm256_cvtepi32_ps(_mm256_add_epi32(high, low)))
        }
    }
}

impl Tiles for Pairwise {}
