//! One 512-bit register. Needs AVX-512 F, DQ, BW and VL, and FMA.

mod pairwise;
mod vnni;

use std::arch::x86_64::*;

use crate::kernel::lanes::{FLOOR_LIMIT, Lanes};
pub(crate) use pairwise::Pairwise;
pub(crate) use vnni::Vnni;

/// Sixteen lanes in one register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Zmm(__m512);

// Callers run on a CPU with this instruction set, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Lanes for Zmm {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) })
    }

    #[inline(always)]
    unsafe fn load_i16(from: *const i16) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256(from.cast()))) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as the caller vouches.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn first(self, n: usize) -> Self {
        let mask = ((1_u32 << n.min(16)) - 1) as __mmask16;
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_maskz_mov_ps(mask, self.0) })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn below(self, other: Self) -> u16 {
        // SAFETY: as the caller vouches.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, other.0) }
    }

    #[inline(always)]
    unsafe fn exchanged<const DISTANCE: usize>(self) -> Self {
        let x = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            Self(match DISTANCE {
                1 => _mm512_permute_ps::<0b10_11_00_01>(x),
                2 => _mm512_permute_ps::<0b01_00_11_10>(x),
                4 => _mm512_shuffle_f32x4::<0b10_11_00_01>(x, x),
                _ => _mm512_shuffle_f32x4::<0b01_00_11_10>(x, x),
            })
        }
    }

    #[inline(always)]
    unsafe fn list(bits: u16, first: u32, to: *mut u32) {
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
        unsafe { _mm512_storeu_ps(to, _mm512_maskz_compress_ps(bits, self.0)) }
    }

    #[inline(always)]
    unsafe fn count_within<const N: usize>(
        values: *const f32,
        groups: usize,
        limits: [f32; N],
    ) -> [u32; N] {
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn shifted(self) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let before = _mm512_castps_si512(_mm512_set1_ps(f32::NEG_INFINITY));
            let moved = _mm512_alignr_epi32::<15>(_mm512_castps_si512(self.0), before);
            Self(_mm512_castsi512_ps(moved))
        }
    }

    #[inline(always)]
    unsafe fn select(self, bits: u16, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_mask_blend_ps(bits, other.0, self.0) })
    }

    #[inline(always)]
    unsafe fn where_below(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_mask_blend_ps(self.below(other), no.0, yes.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        // SAFETY: as the caller vouches.
        Self(unsafe { _mm512_fmadd_ps(self.0, by.0, plus.0) })
    }

    #[inline(always)]
    unsafe fn not_negative(self) -> u16 {
        // SAFETY: as the caller vouches.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GE_OQ>(self.0, _mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn store_floor(self, to: *mut i32) {
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
        unsafe {
            let bytes = _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(self.0));
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    #[inline(always)]
    unsafe fn reduce(self) -> f32 {
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
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
        // SAFETY: as the caller vouches.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
}
