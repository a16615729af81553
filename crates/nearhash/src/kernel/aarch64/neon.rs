//! Four 128-bit registers. Needs NEON, which every aarch64 CPU has.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::kernel::lanes::{FLOOR_LIMIT, Lanes};

/// Lanes 0 to 3, 4 to 7, 8 to 11 and 12 to 15.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FourQ(pub(super) [float32x4_t; 4]);

impl FourQ {
    /// Four sums of integers, rounded.
    ///
    /// # Safety
    /// Needs NEON.
    #[inline(always)]
    pub(super) unsafe fn rounded([a, b, c, d]: [int32x4_t; 4]) -> Self {
        // SAFETY: NEON is the caller's promise.
        unsafe {
            Self([
                vcvtq_f32_s32(a),
                vcvtq_f32_s32(b),
                vcvtq_f32_s32(c),
                vcvtq_f32_s32(d),
            ])
        }
    }

    #[inline(always)]
    fn with(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        let ([a, b, c, d], [e, g, h, i]) = (self.0, other.0);
        Self([f(a, e), f(b, g), f(c, h), f(d, i)])
    }
}

/// One bit a lane, from lanes that are all ones or all zeros.
///
/// # Safety
/// Needs NEON.
#[inline(always)]
unsafe fn bits([a, b, c, d]: [uint32x4_t; 4]) -> u16 {
    const LOW: [u16; 8] = [1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7];
    const HIGH: [u16; 8] = [
        1 << 8,
        1 << 9,
        1 << 10,
        1 << 11,
        1 << 12,
        1 << 13,
        1 << 14,
        1 << 15,
    ];
    // SAFETY: NEON is the caller's promise; the arrays have eight numbers.
    unsafe {
        let low = vuzp1q_u16(vreinterpretq_u16_u32(a), vreinterpretq_u16_u32(b));
        let high = vuzp1q_u16(vreinterpretq_u16_u32(c), vreinterpretq_u16_u32(d));
        let low = vandq_u16(low, vld1q_u16(LOW.as_ptr()));
        let high = vandq_u16(high, vld1q_u16(HIGH.as_ptr()));
        vaddvq_u16(vorrq_u16(low, high))
    }
}

/// Lane i plus lane i + 8, then i + 4.
///
/// # Safety
/// Needs NEON.
#[inline(always)]
unsafe fn reduce_to_4(of: FourQ) -> float32x4_t {
    // SAFETY: NEON is the caller's promise.
    unsafe {
        let [a, b, c, d] = of.0;
        vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d))
    }
}

/// Halves 0 to 3 as floats. The intrinsic is not stable in Rust 1.89.
///
/// # Safety
/// Needs NEON; the halves are finite.
#[inline(always)]
unsafe fn widen_low(halves: uint16x8_t) -> float32x4_t {
    let floats;
    // SAFETY: NEON has the instruction; finite halves are widened exactly, which sets no flag.
    unsafe {
        asm!("fcvtl {0:v}.4s, {1:v}.4h", lateout(vreg) floats, in(vreg) halves,
            options(pure, nomem, nostack, preserves_flags));
    }
    floats
}

/// Halves 4 to 7 as floats.
///
/// # Safety
/// As for [`widen_low`].
#[inline(always)]
unsafe fn widen_high(halves: uint16x8_t) -> float32x4_t {
    let floats;
    // SAFETY: as in `widen_low`.
    unsafe {
        asm!("fcvtl2 {0:v}.4s, {1:v}.8h", lateout(vreg) floats, in(vreg) halves,
            options(pure, nomem, nostack, preserves_flags));
    }
    floats
}

// Callers run on a CPU with this instruction set, as the trait asks; where a pointer goes in, they
// vouch for it.
impl Lanes for FourQ {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as the caller vouches.
        Self([unsafe { vdupq_n_f32(x) }; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            Self([
                vld1q_f32(from),
                vld1q_f32(from.add(4)),
                vld1q_f32(from.add(8)),
                vld1q_f32(from.add(12)),
            ])
        }
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let bytes = vld1q_u8(from);
            let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_high_u8(bytes));
            Self([
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))),
                vcvtq_f32_u32(vmovl_high_u16(low)),
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                vcvtq_f32_u32(vmovl_high_u16(high)),
            ])
        }
    }

    #[inline(always)]
    unsafe fn load_i16(from: *const i16) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let (low, high) = (vld1q_s16(from), vld1q_s16(from.add(8)));
            Self([
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                vcvtq_f32_s32(vmovl_high_s16(low)),
                vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                vcvtq_f32_s32(vmovl_high_s16(high)),
            ])
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            vst1q_f32(to, a);
            vst1q_f32(to.add(4), b);
            vst1q_f32(to.add(8), c);
            vst1q_f32(to.add(12), d);
        }
    }

    #[inline(always)]
    unsafe fn first(self, n: usize) -> Self {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            let n = vdupq_n_u32(n as u32);
            let lanes = vld1q_u32([0, 1, 2, 3].as_ptr());
            let keep = |x: float32x4_t, before: u32| {
                let kept = vcgtq_u32(n, vaddq_u32(lanes, vdupq_n_u32(before)));
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), kept))
            };
            Self([keep(a, 0), keep(b, 4), keep(c, 8), keep(d, 12)])
        }
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: as the caller vouches.
        unsafe {
            let (low, high) = (vld1q_u16(from), vld1q_u16(from.add(8)));
            Self([
                widen_low(low),
                widen_high(low),
                widen_low(high),
                widen_high(high),
            ])
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        self.with(other, |x, y| unsafe { vaddq_f32(x, y) })
    }

    #[inline(always)]
    unsafe fn below(self, other: Self) -> u16 {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        // SAFETY: as the caller vouches.
        unsafe {
            bits([
                vcleq_f32(a, e),
                vcleq_f32(b, f),
                vcleq_f32(c, g),
                vcleq_f32(d, h),
            ])
        }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // `vminq` would order zeros by their signs, which other CPUs don't.
        // SAFETY: as the caller vouches.
        self.with(other, |x, y| unsafe { vbslq_f32(vcltq_f32(x, y), x, y) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        self.with(other, |x, y| unsafe { vbslq_f32(vcgtq_f32(x, y), x, y) })
    }

    #[inline(always)]
    unsafe fn shifted(self) -> Self {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            let before = vdupq_n_f32(f32::NEG_INFINITY);
            Self([
                vextq_f32::<3>(before, a),
                vextq_f32::<3>(a, b),
                vextq_f32::<3>(b, c),
                vextq_f32::<3>(c, d),
            ])
        }
    }

    #[inline(always)]
    unsafe fn exchanged<const DISTANCE: usize>(self) -> Self {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            Self(match DISTANCE {
                1 => [
                    vrev64q_f32(a),
                    vrev64q_f32(b),
                    vrev64q_f32(c),
                    vrev64q_f32(d),
                ],
                2 => [
                    vextq_f32::<2>(a, a),
                    vextq_f32::<2>(b, b),
                    vextq_f32::<2>(c, c),
                    vextq_f32::<2>(d, d),
                ],
                4 => [b, a, d, c],
                _ => [c, d, a, b],
            })
        }
    }

    #[inline(always)]
    unsafe fn select(self, bits: u16, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        // SAFETY: as the caller vouches.
        unsafe {
            let bits = vdupq_n_u32(u32::from(bits));
            let first = vld1q_u32([1, 2, 4, 8].as_ptr());
            Self([
                vbslq_f32(vtstq_u32(bits, first), a, e),
                vbslq_f32(vtstq_u32(bits, vshlq_n_u32::<4>(first)), b, f),
                vbslq_f32(vtstq_u32(bits, vshlq_n_u32::<8>(first)), c, g),
                vbslq_f32(vtstq_u32(bits, vshlq_n_u32::<12>(first)), d, h),
            ])
        }
    }

    #[inline(always)]
    unsafe fn where_below(self, other: Self, yes: Self, no: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        let ([i, j, k, l], [m, n, o, p]) = (yes.0, no.0);
        // SAFETY: as the caller vouches.
        unsafe {
            Self([
                vbslq_f32(vcleq_f32(a, e), i, m),
                vbslq_f32(vcleq_f32(b, f), j, n),
                vbslq_f32(vcleq_f32(c, g), k, o),
                vbslq_f32(vcleq_f32(d, h), l, p),
            ])
        }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        self.with(other, |x, y| unsafe { vsubq_f32(x, y) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller vouches.
        self.with(other, |x, y| unsafe { vmulq_f32(x, y) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, by.0);
        let [i, j, k, l] = plus.0;
        // SAFETY: as the caller vouches.
        unsafe {
            Self([
                vfmaq_f32(i, a, e),
                vfmaq_f32(j, b, f),
                vfmaq_f32(k, c, g),
                vfmaq_f32(l, d, h),
            ])
        }
    }

    #[inline(always)]
    unsafe fn not_negative(self) -> u16 {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe { bits([vcgezq_f32(a), vcgezq_f32(b), vcgezq_f32(c), vcgezq_f32(d)]) }
    }

    #[inline(always)]
    unsafe fn store_floor(self, to: *mut i32) {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            let (least, most) = (vdupq_n_f32(-FLOOR_LIMIT), vdupq_n_f32(FLOOR_LIMIT));
            let of_nan = vdupq_n_s32(-FLOOR_LIMIT as i32);
            let floor = |x: float32x4_t| {
                let within = vminq_f32(vmaxq_f32(x, least), most);
                vbslq_s32(vceqq_f32(x, x), vcvtmq_s32_f32(within), of_nan)
            };
            vst1q_s32(to, floor(a));
            vst1q_s32(to.add(4), floor(b));
            vst1q_s32(to.add(8), floor(c));
            vst1q_s32(to.add(12), floor(d));
        }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        let [a, b, c, d] = self.0;
        // SAFETY: as the caller vouches.
        unsafe {
            let low = vuzp1q_s16(
                vreinterpretq_s16_s32(vcvtq_s32_f32(a)),
                vreinterpretq_s16_s32(vcvtq_s32_f32(b)),
            );
            let high = vuzp1q_s16(
                vreinterpretq_s16_s32(vcvtq_s32_f32(c)),
                vreinterpretq_s16_s32(vcvtq_s32_f32(d)),
            );
            vst1q_s8(
                to,
                vuzp1q_s8(vreinterpretq_s8_s16(low), vreinterpretq_s8_s16(high)),
            );
        }
    }

    #[inline(always)]
    unsafe fn reduce(self) -> f32 {
        // SAFETY: as the caller vouches.
        unsafe {
            let four = reduce_to_4(self);
            vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)))
        }
    }

    #[inline(always)]
    unsafe fn reduce4(of: [Self; 4]) -> [f32; 4] {
        let [a, b, c, d] = of;
        // SAFETY: as the caller vouches.
        unsafe {
            let (a, b) = (reduce_to_4(a), reduce_to_4(b));
            let (c, d) = (reduce_to_4(c), reduce_to_4(d));
            // Lane i plus lane i + 2, of two at once.
            let two = |x: float32x4_t, y: float32x4_t| {
                let (x, y) = (vreinterpretq_f64_f32(x), vreinterpretq_f64_f32(y));
                let (low, high) = (vzip1q_f64(x, y), vzip2q_f64(x, y));
                vaddq_f32(vreinterpretq_f32_f64(low), vreinterpretq_f32_f64(high))
            };
            let mut out = [0.0; 4];
            vst1q_f32(out.as_mut_ptr(), vpaddq_f32(two(a, b), two(c, d)));
            out
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
            // Lanes that are all ones are −1 each: cheaper to subtract than to make bits of.
            let limits: [float32x4_t; N] = std::array::from_fn(|i| vdupq_n_f32(limits[i]));
            let mut counts = [[vdupq_n_u32(0); 2]; N];
            for eight in 0..2 * groups {
                let low = vld1q_f32(values.add(8 * eight));
                let high = vld1q_f32(values.add(8 * eight + 4));
                for (counts, limit) in counts.iter_mut().zip(limits) {
                    counts[0] = vsubq_u32(counts[0], vcleq_f32(low, limit));
                    counts[1] = vsubq_u32(counts[1], vcleq_f32(high, limit));
                }
            }
            counts.map(|[low, high]| vaddvq_u32(vaddq_u32(low, high)))
        }
    }

    #[inline(always)]
    unsafe fn prefetch(at: *const u8) {
        super::prefetch_near(at);
    }
}
