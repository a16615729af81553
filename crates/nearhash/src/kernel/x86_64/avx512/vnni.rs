//! Dot products of bytes in one instruction (AVX-512 VNNI).

use std::arch::x86_64::*;

use super::Zmm;
use crate::kernel::codes::{Dots, LINE, Line};
use crate::kernel::tile::{NIBBLES, QUARTERS, TILE, Tiles};

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

// Callers run on a CPU with AVX-512 VNNI too; where a pointer goes in, they vouch for it.
impl Dots for Vnni {
    type V = Zmm;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        // SAFETY: as the caller vouches.
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
    unsafe fn bytes_of_four(codes: *const Line, query: *const i8, lines: usize) -> [Zmm; 4] {
        // SAFETY: as the caller vouches.
        unsafe {
            // Four numbers of the query come from the cache once; two chains of sums a group.
            let mut sums = [[_mm512_setzero_si512(); 4]; 2];
            for line in (0..lines / 2 * 2).step_by(2) {
                for (half, sums) in sums.iter_mut().enumerate() {
                    let numbers = four_numbers(query, line + half);
                    for (i, sum) in sums.iter_mut().enumerate() {
                        let c = _mm512_load_si512(codes.add(i * lines + line + half).cast());
                        *sum = _mm512_dpbusd_epi32(*sum, c, numbers);
                    }
                }
            }
            if lines % 2 == 1 {
                let numbers = four_numbers(query, lines - 1);
                for (i, sum) in sums[0].iter_mut().enumerate() {
                    let c = _mm512_load_si512(codes.add((i + 1) * lines - 1).cast());
                    *sum = _mm512_dpbusd_epi32(*sum, c, numbers);
                }
            }
            let [first, second] = sums;
            let whole = |i: usize| Zmm(_mm512_cvtepi32_ps(_mm512_add_epi32(first[i], second[i])));
            [whole(0), whole(1), whole(2), whole(3)]
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
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
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
    unsafe fn quarters(codes: *const Line, query: *const i8, lines: usize) -> Zmm {
        // SAFETY: as the caller vouches.
        unsafe {
            let low = _mm512_set1_epi8(3);
            let mut sums = [_mm512_setzero_si512(); CHAINS];
            for line in 0..lines {
                let c = _mm512_load_si512(codes.add(line).cast());
                let parts = [
                    c,
                    _mm512_srli_epi16::<2>(c),
                    _mm512_srli_epi16::<4>(c),
                    _mm512_srli_epi16::<6>(c),
                ];
                for (i, (sum, part)) in sums.iter_mut().zip(parts).enumerate() {
                    let part = _mm512_and_si512(part, low);
                    *sum = _mm512_dpbusd_epi32(*sum, part, four_numbers(query, 4 * line + i));
                }
            }
            all_chains(sums)
        }
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Zmm {
        // SAFETY: as the caller vouches.
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

impl Tiles for Vnni {
    #[inline(always)]
    unsafe fn tile<const DIMENSIONS: usize>(
        codes: *const Line,
        queries: [*const i8; TILE],
        lines: usize,
    ) -> [Zmm; TILE] {
        // SAFETY: as the caller vouches.
        unsafe {
            let low = _mm512_set1_epi8(if DIMENSIONS == QUARTERS { 3 } else { 15 });
            // Two chains of sums a query hide the latency.
            let mut sums = [[_mm512_setzero_si512(); 2]; TILE];
            let number = |query: usize, at: usize| {
                _mm512_set1_epi32(queries[query].cast::<i32>().add(at).read_unaligned())
            };
            if DIMENSIONS == QUARTERS {
                for line in 0..lines {
                    let c = _mm512_load_si512(codes.add(line).cast());
                    let parts = [
                        _mm512_and_si512(c, low),
                        _mm512_and_si512(_mm512_srli_epi16::<2>(c), low),
                        _mm512_and_si512(_mm512_srli_epi16::<4>(c), low),
                        _mm512_and_si512(_mm512_srli_epi16::<6>(c), low),
                    ];
                    for (query, sums) in sums.iter_mut().enumerate() {
                        for (i, part) in parts.iter().enumerate() {
                            let numbers = number(query, 4 * line + i);
                            sums[i % 2] = _mm512_dpbusd_epi32(sums[i % 2], *part, numbers);
                        }
                    }
                }
            } else if DIMENSIONS == NIBBLES {
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
        // SAFETY: as the caller vouches.
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
