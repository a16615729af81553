//! Lanes without intrinsics. On aarch64 the compiler turns them into NEON, which every such CPU
//! has, fused multiply-add included.

use super::lanes::{FLOOR_LIMIT, LANES, Lanes};

/// Sixteen lanes in an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Array([f32; LANES]);

impl Array {
    #[inline(always)]
    fn each(self, f: impl Fn(usize, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(i, self.0[i])))
    }
}

// The methods are unsafe for the sake of the trait; only those with pointers ask anything here.
impl Lanes for Array {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has sixteen floats readable there.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_u8(from: *const u8) -> Self {
        // SAFETY: the caller has sixteen bytes readable there.
        Self(unsafe { from.cast::<[u8; LANES]>().read_unaligned() }.map(f32::from))
    }

    #[inline(always)]
    unsafe fn load_i16(from: *const i16) -> Self {
        // SAFETY: the caller has sixteen integers readable there.
        Self(unsafe { from.cast::<[i16; LANES]>().read_unaligned() }.map(f32::from))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has sixteen floats writable there.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn first(self, n: usize) -> Self {
        self.each(|i, x| if i < n { x } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.each(|i, x| x - other.0[i])
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.each(|i, x| x * other.0[i])
    }

    #[inline(always)]
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
        self.each(|i, x| x.mul_add(by.0[i], plus.0[i]))
    }

    #[inline(always)]
    unsafe fn not_negative(self) -> u16 {
        let mut bits = 0;
        for (i, x) in self.0.iter().enumerate() {
            bits |= u16::from(*x >= 0.0) << i;
        }
        bits
    }

    #[inline(always)]
    unsafe fn store_floor(self, to: *mut i32) {
        let floors = self.0.map(|x| {
            // `max` turns NaN into its other operand, which `clamp` would not.
            let low = x.max(-FLOOR_LIMIT);
            low.min(FLOOR_LIMIT).floor() as i32
        });
        // SAFETY: the caller has sixteen integers writable there.
        unsafe { to.cast::<[i32; LANES]>().write_unaligned(floors) }
    }

    #[inline(always)]
    unsafe fn reduce(self) -> f32 {
        let mut x = self.0;
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half {
                x[i] += x[i + half];
            }
            half /= 2;
        }
        x[0]
    }

    #[inline(always)]
    unsafe fn reduce4(of: [Self; 4]) -> [f32; 4] {
        // SAFETY: asks nothing.
        of.map(|x| unsafe { x.reduce() })
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
}
