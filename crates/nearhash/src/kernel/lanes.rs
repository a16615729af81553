//! Sixteen float32 lanes, whatever the registers are: the operations that the algorithms in
//! [`generic`](super::generic) are written in.

use std::fmt::Debug;

/// Lanes of every [`Lanes`] type.
pub(crate) const LANES: usize = 16;

/// Sixteen float32 lanes.
///
/// Every implementation gives the same bits for every operation: products and sums are fused
/// ([`mul_add`](Self::mul_add)) everywhere, and [`reduce`](Self::reduce) adds lanes in one order.
///
/// # Safety
/// All methods may use vendor intrinsics. Callers must run on a CPU with the instruction set of
/// the implementing type, inside a function that enables it (otherwise nothing is inlined).
/// Methods that take pointers say what must be readable or writable behind them; no alignment is
/// needed.
pub(crate) trait Lanes: Copy + Debug {
    /// `x` in every lane.
    unsafe fn splat(x: f32) -> Self;
    /// Sixteen floats from `from`, which must have that many readable.
    unsafe fn load(from: *const f32) -> Self;
    /// Sixteen bytes from `from`, widened.
    unsafe fn load_u8(from: *const u8) -> Self;
    /// Sixteen 16-bit integers from `from`, widened.
    unsafe fn load_i16(from: *const i16) -> Self;
    /// All lanes to `to`, which must have sixteen floats writable.
    unsafe fn store(self, to: *mut f32);
    /// The first `n` lanes, the others zero.
    unsafe fn first(self, n: usize) -> Self;
    /// Sixteen halves from `from`, widened; they are finite.
    unsafe fn load_half(from: *const u16) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// Bit `i` is set when lane `i` is below that of `other`, or equal to it.
    unsafe fn below(self, other: Self) -> u16;
    /// The smaller of each pair of lanes; that of `other` where that of `self` is NaN.
    unsafe fn min(self, other: Self) -> Self;
    /// The larger of each pair of lanes; neither is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// Lane i - 1 in lane i, and negative infinity in lane 0.
    unsafe fn shifted(self) -> Self;
    /// Lane i of `self` where bit i is set, otherwise that of `other`.
    unsafe fn select(self, bits: u16, other: Self) -> Self;
    /// Lane i of `yes` where that of `self` is below that of `other` or equal to it, otherwise that
    /// of `no`.
    unsafe fn where_below(self, other: Self, yes: Self, no: Self) -> Self;
    /// `self - other`.
    unsafe fn sub(self, other: Self) -> Self;
    /// `self * other`.
    unsafe fn mul(self, other: Self) -> Self;
    /// `self * by + plus`, rounded once.
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;
    /// Bit `i` is set when lane `i` is not negative (zero of either sign is not).
    unsafe fn not_negative(self) -> u16;
    /// Largest integer not above each lane, within ±2³⁰ (NaN gives −2³⁰), to sixteen writable
    /// integers.
    unsafe fn store_floor(self, to: *mut i32);
    /// Lanes, which are whole numbers from −128 to 127, as bytes to `to`, which must have sixteen
    /// writable.
    unsafe fn store_i8(self, to: *mut i8);
    /// Sum of the lanes: lane i plus lane i + 8, then i + 4, then i + 2, then i + 1.
    unsafe fn reduce(self) -> f32;
    /// [`reduce`](Self::reduce) of four at once.
    unsafe fn reduce4(of: [Self; 4]) -> [f32; 4];
    /// Lane i ^ DISTANCE in lane i, for a distance of 1, 2, 4 or 8.
    #[inline(always)]
    unsafe fn exchanged<const DISTANCE: usize>(self) -> Self {
        let (mut lanes, mut out) = ([0.0; LANES], [0.0; LANES]);
        // SAFETY: both have sixteen lanes.
        unsafe {
            self.store(lanes.as_mut_ptr());
            for (i, out) in out.iter_mut().enumerate() {
                *out = lanes[i ^ DISTANCE];
            }
            Self::load(out.as_ptr())
        }
    }
    /// `first` + i for every bit i that is set, ascending, to `to`, which must have sixteen integers
    /// writable; those behind the last are anything.
    #[inline(always)]
    unsafe fn list(bits: u16, first: u32, to: *mut u32) {
        let (mut bits, mut at) = (bits, 0);
        while bits != 0 {
            // SAFETY: there are no more than sixteen bits.
            unsafe { to.add(at).write(first + bits.trailing_zeros()) };
            bits &= bits - 1;
            at += 1;
        }
    }
    /// Lanes of `self` whose bit is set, in order, to `to`, which must have sixteen floats writable;
    /// those behind the last are anything.
    #[inline(always)]
    unsafe fn pack(self, bits: u16, to: *mut f32) {
        let (mut lanes, mut bits, mut at) = ([0.0; LANES], bits, 0);
        // SAFETY: there are no more than sixteen bits.
        unsafe {
            self.store(lanes.as_mut_ptr());
            while bits != 0 {
                to.add(at).write(lanes[bits.trailing_zeros() as usize]);
                bits &= bits - 1;
                at += 1;
            }
        }
    }
    /// How many of the floats in `groups` × 16 from `values` are at most each of `limits`; that many
    /// must be readable.
    #[inline(always)]
    unsafe fn count_within<const N: usize>(
        values: *const f32,
        groups: usize,
        limits: [f32; N],
    ) -> [u32; N] {
        let mut counts = [0; N];
        // SAFETY: as the caller vouches.
        unsafe {
            let limits: [Self; N] = std::array::from_fn(|i| Self::splat(limits[i]));
            for group in 0..groups {
                let values = Self::load(values.add(group * LANES));
                for (count, limit) in counts.iter_mut().zip(limits) {
                    *count += values.below(limit).count_ones();
                }
            }
        }
        counts
    }
    /// How many of the `count` keys from `keys` are below each of the [`KEYS`] keys from `some`, to `to`;
    /// so many must be readable and writable.
    #[inline(always)]
    unsafe fn count_below(keys: *const u64, count: usize, some: *const u64, to: *mut u64) {
        // SAFETY: as the caller vouches.
        unsafe {
            let some = some.cast::<[u64; KEYS]>().read();
            let mut below = [0; KEYS];
            for i in 0..count {
                let key = keys.add(i).read();
                for (below, some) in below.iter_mut().zip(&some) {
                    *below += u64::from(key < *some);
                }
            }
            to.cast::<[u64; KEYS]>().write(below);
        }
    }
    /// Ask for the cache line at `at`; any address is allowed.
    unsafe fn prefetch(at: *const u8);
}

/// Keys that [`Lanes::count_below`] looks at together.
pub(crate) const KEYS: usize = 8;

/// The largest lane; none is NaN.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn largest_lane<V: Lanes>(lanes: V) -> f32 {
    // SAFETY: as the caller vouches.
    unsafe { one_lane(lanes, |a, b| if a > b { a } else { b }) }
}

/// The smallest lane; none is NaN.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn smallest_lane<V: Lanes>(lanes: V) -> f32 {
    // SAFETY: as the caller vouches.
    unsafe { one_lane(lanes, |a, b| if a < b { a } else { b }) }
}

/// The lane that is left when two at a time become the one that `of` says.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn one_lane<V: Lanes>(lanes: V, of: impl Fn(f32, f32) -> f32) -> f32 {
    let mut all = [0.0; LANES];
    // SAFETY: sixteen lanes.
    unsafe { lanes.store(all.as_mut_ptr()) };
    // Halves against halves: one after the other, each would wait for the one before.
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            all[i] = of(all[i], all[i + half]);
        }
        half /= 2;
    }
    all[0]
}

/// Bound of the integers that [`Lanes::store_floor`] writes.
pub(crate) const FLOOR_LIMIT: f32 = (1 << 30) as f32;

/// A type that rows may have in memory.
pub(crate) trait Element: Copy {
    /// Sixteen values from `from`, widened to float32.
    ///
    /// # Safety
    /// As for [`Lanes`]; sixteen values must be readable at `from`.
    unsafe fn load<V: Lanes>(from: *const Self) -> V;
}

impl Element for f32 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const Self) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load(from) }
    }
}

impl Element for i16 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const Self) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load_i16(from) }
    }
}

impl Element for u8 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const Self) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load_u8(from) }
    }
}
