//! Two 256-bit registers. Needs AVX2 and FMA.

mod pairwise;

use std::arch::x86_64::*;

use crate::kernel::lanes::{FLOOR_LIMIT, Lanes};
pub(crate) use pairwise::Pairwise;

/// Lanes 0 to 7 and 8 to 15.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwoYmm(__m256, __m256);

/// For eight bits: the places of those set, ascending, a byte each.
static PLACES: [[u8; 8]; 256] = {
    let mut all = [[0; 8]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut place, mut at) = (0, 0);
        while place < 8 {
            if bits >> place & 1 == 1 {
                all[bits][at] = place;
                at += 1;
            }
            place += 1;
        }
        bits += 1;
    }
    all
};

/// The order that brings lanes whose bit is set to the front.
///
/// # Safety
/// Needs AVX2; `bits` has eight bits.
#[inline(always)]
unsafe fn set_first(bits: u16) -> __m256i {
    // SAFETY: AVX2 is the caller's promise; there are eight bytes.
    unsafe { _mm256_cvtepu8_epi32(_mm_loadl_epi64(PLACES[bits as usize].as_ptr().cast())) }
}

/// Sum of eight lanes: i + 4, then i + 2, then i + 1.
///
/// # Safety
/// Needs AVX.
#[inline(always)]
pub(super) unsafe fn reduce8(eight: __m256) -> f32 {
    // SAFETY: AVX is the caller's promise.
    unsafe {
        let four = _mm_add_ps(
            _mm256_castps256_ps128(eight),
            _mm256_extractf128_ps::<1>(eight),
        );
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// Lane i plus lane i + 8, then i + 4.
///
/// # Safety
/// The CPU has AVX.
#[inline(always)]
unsafe fn reduce_to_4(of: TwoYmm) -> __m128 {
    // SAFETY: AVX is the caller's promise.
    unsafe {
        let eight = _mm256_add_ps(of.0, of.1);
        _mm_add_ps(
            _mm256_castps256_ps128(eight),
            _mm256_extractf128_ps::<1>(eight),
        )
    }
}

// Callers run on a CPU with this instruction set, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Lanes for TwoYmm {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as the caller vouches.
        let x = unsafe { _mm256_set1_ps(x) };
        Self(x, x)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller vouches.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let bytes = _mm_loadu_si128(from.cast());
            let high = _mm_srli_si128::<8>(bytes);
            Self(
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(high)),
            )
        }
    }

    #[inline(always)]
    unsafe fn load_i16(from: *const i16) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(from.cast()))),
                _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128(from.add(8).cast()))),
            )
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller vouches.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn first(self, n: usize) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let n = _mm256_set1_epi32(n as i32);
            let keep = |x: __m256, lanes: __m256i| {
                _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_cmpgt_epi32(n, lanes)))
            };
            Self(
                keep(self.0, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
                keep(self.1, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)),
            )
        }
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())),
            )
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_add_ps(self.0, other.0),
                _mm256_add_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn below(self, other: Self) -> u16 {
        // SAFETY: as the caller vouches.
        unsafe {
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(self.0, other.0));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(self.1, other.1));
            (low | high << 8) as u16
        }
    }

    #[inline(always)]
    unsafe fn list(bits: u16, first: u32, to: *mut u32) {
        // SAFETY: as the caller vouches.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let places = _mm256_add_epi32(lanes, _mm256_set1_epi32(first as i32));
            let others = _mm256_add_epi32(places, _mm256_set1_epi32(8));
            let (low, high) = (bits & 0xff, bits >> 8);
            let packed = _mm256_permutevar8x32_epi32(places, set_first(low));
            _mm256_storeu_si256(to.cast(), packed);
            let packed = _mm256_permutevar8x32_epi32(others, set_first(high));
            _mm256_storeu_si256(to.add(low.count_ones() as usize).cast(), packed);
        }
    }

    #[inline(always)]
    unsafe fn pack(self, bits: u16, to: *mut f32) {
        // SAFETY: as the caller vouches.
        unsafe {
            let (low, high) = (bits & 0xff, bits >> 8);
            let packed = _mm256_permutevar8x32_ps(self.0, set_first(low));
            _mm256_storeu_ps(to, packed);
            let packed = _mm256_permutevar8x32_ps(self.1, set_first(high));
            _mm256_storeu_ps(to.add(low.count_ones() as usize), packed);
        }
    }

    #[inline(always)]
    unsafe fn count_within<const N: usize>(
        values: *const f32,
        groups: usize,
        limits: [f32; N],
    ) -> [u32; N] {
        // SAFETY: as the caller vouches.
        unsafe {
            // What is within compares to minus one, which is taken away in its lane.
            let (mut sums, mut bounds) = ([_mm256_setzero_si256(); N], [_mm256_setzero_ps(); N]);
            for i in 0..N {
                bounds[i] = _mm256_set1_ps(limits[i]);
            }
            for half in 0..2 * groups {
                let values = _mm256_loadu_ps(values.add(8 * half));
                for i in 0..N {
                    let within = _mm256_cmp_ps::<_CMP_LE_OQ>(values, bounds[i]);
                    sums[i] = _mm256_sub_epi32(sums[i], _mm256_castps_si256(within));
                }
            }
            let mut counts = [0; N];
            for i in 0..N {
                let four = _mm_add_epi32(
                    _mm256_castsi256_si128(sums[i]),
                    _mm256_extracti128_si256::<1>(sums[i]),
                );
                let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
                let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two));
                counts[i] = _mm_cvtsi128_si32(one) as u32;
            }
            counts
        }
    }

    #[inline(always)]
    unsafe fn count_below(keys: *const u64, count: usize, some: *const u64, to: *mut u64) {
        // SAFETY: as the caller vouches.
        unsafe {
            // Compared as signed numbers, with the first bit turned over.
            let first_bit = _mm256_set1_epi64x(i64::MIN);
            let half = |at: *const u64| _mm256_xor_si256(_mm256_loadu_si256(at.cast()), first_bit);
            let (low, high) = (half(some), half(some.add(4)));
            let mut below = [_mm256_setzero_si256(); 2];
            for i in 0..count {
                let key = _mm256_set1_epi64x(keys.add(i).read().cast_signed() ^ i64::MIN);
                below[0] = _mm256_sub_epi64(below[0], _mm256_cmpgt_epi64(low, key));
                below[1] = _mm256_sub_epi64(below[1], _mm256_cmpgt_epi64(high, key));
            }
            _mm256_storeu_si256(to.cast(), below[0]);
            _mm256_storeu_si256(to.add(4).cast(), below[1]);
        }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_min_ps(self.0, other.0),
                _mm256_min_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_max_ps(self.0, other.0),
                _mm256_max_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn shifted(self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let by_one = _mm256_setr_epi32(7, 0, 1, 2, 3, 4, 5, 6);
            let low = _mm256_permutevar8x32_ps(self.0, by_one);
            let high = _mm256_permutevar8x32_ps(self.1, by_one);
            let before = _mm256_set1_ps(f32::NEG_INFINITY);
            Self(
                _mm256_blend_ps::<1>(low, before),
                _mm256_blend_ps::<1>(high, low),
            )
        }
    }

    #[inline(always)]
    unsafe fn exchanged<const DISTANCE: usize>(self) -> Self {
        let Self(low, high) = self;
        // SAFETY: as the caller vouches.
        unsafe {
            match DISTANCE {
                1 => Self(
                    _mm256_permute_ps::<0b10_11_00_01>(low),
                    _mm256_permute_ps::<0b10_11_00_01>(high),
                ),
                2 => Self(
                    _mm256_permute_ps::<0b01_00_11_10>(low),
                    _mm256_permute_ps::<0b01_00_11_10>(high),
                ),
                4 => Self(
                    _mm256_permute2f128_ps::<1>(low, low),
                    _mm256_permute2f128_ps::<1>(high, high),
                ),
                _ => Self(high, low),
            }
        }
    }

    #[inline(always)]
    unsafe fn select(self, bits: u16, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let pick = |bits: u16, a: __m256, b: __m256| {
                let bits = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lanes);
                let set = _mm256_cmpeq_epi32(bits, lanes);
                _mm256_blendv_ps(b, a, _mm256_castsi256_ps(set))
            };
            Self(
                pick(bits & 0xff, self.0, other.0),
                pick(bits >> 8, self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn where_below(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let low = _mm256_cmp_ps::<_CMP_LE_OQ>(self.0, other.0);
            let high = _mm256_cmp_ps::<_CMP_LE_OQ>(self.1, other.1);
            Self(
                _mm256_blendv_ps(no.0, yes.0, low),
                _mm256_blendv_ps(no.1, yes.1, high),
            )
        }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_sub_ps(self.0, other.0),
                _mm256_sub_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_mul_ps(self.0, other.0),
                _mm256_mul_ps(self.1, other.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self(
                _mm256_fmadd_ps(self.0, by.0, plus.0),
                _mm256_fmadd_ps(self.1, by.1, plus.1),
            )
        }
    }

    #[inline(always)]
    unsafe fn not_negative(self) -> u16 {
        // SAFETY: as the caller vouches.
        unsafe {
            let zero = _mm256_setzero_ps();
            let low = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(self.0, zero));
            let high = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(self.1, zero));
            (low | high << 8) as u16
        }
    }

    #[inline(always)]
    unsafe fn store_floor(self, to: *mut i32) {
        // SAFETY: as the caller vouches.
        unsafe {
            let floor = |x: __m256| {
                // `max` returns its second operand when the first is NaN.
                let low = _mm256_max_ps(x, _mm256_set1_ps(-FLOOR_LIMIT));
                let within = _mm256_min_ps(low, _mm256_set1_ps(FLOOR_LIMIT));
                _mm256_cvttps_epi32(_mm256_floor_ps(within))
            };
            _mm256_storeu_si256(to.cast(), floor(self.0));
            _mm256_storeu_si256(to.add(8).cast(), floor(self.1));
        }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: as the caller vouches.
        unsafe {
            let words =
                _mm256_packs_epi32(_mm256_cvttps_epi32(self.0), _mm256_cvttps_epi32(self.1));
            // Packed by halves: quarters 0, 2, 1, 3.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let bytes = _mm_packs_epi16(
                _mm256_castsi256_si128(words),
                _mm256_extracti128_si256::<1>(words),
            );
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    #[inline(always)]
    unsafe fn reduce(self) -> f32 {
        // SAFETY: as the caller vouches.
        unsafe { reduce8(_mm256_add_ps(self.0, self.1)) }
    }

    #[inline(always)]
    unsafe fn reduce4(of: [Self; 4]) -> [f32; 4] {
        // SAFETY: as the caller vouches.
        unsafe {
            // Not by `map`, which stays a call without the instruction set: 20 ns a vector.
            let [a, b, c, d] = of;
            let (a, b, c, d) = (
                reduce_to_4(a),
                reduce_to_4(b),
                reduce_to_4(c),
                reduce_to_4(d),
            );
            let ab = _mm_add_ps(_mm_movelh_ps(a, b), _mm_movehl_ps(b, a));
            let cd = _mm_add_ps(_mm_movelh_ps(c, d), _mm_movehl_ps(d, c));
            let sums = _mm_add_ps(
                _mm_shuffle_ps::<0b10_00_10_00>(ab, cd),
                _mm_shuffle_ps::<0b11_01_11_01>(ab, cd),
            );
            let mut out = [0.0; 4];
            _mm_storeu_ps(out.as_mut_ptr(), sums);
            out
        }
    }

    #[inline(always)]
    unsafe fn prefetch(at: *const u8) {
        // SAFETY: as the caller vouches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}
