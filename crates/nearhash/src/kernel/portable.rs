//! Lanes without intrinsics, for CPUs without a level of their own and to compare with.

use super::codes::{Dots, LINE, Line};
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
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: the caller has sixteen halves readable there.
        Self(unsafe { from.cast::<[u16; LANES]>().read_unaligned() }.map(half_to_float))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.each(|i, x| x + other.0[i])
    }

    #[inline(always)]
    unsafe fn below(self, other: Self) -> u16 {
        let mut bits = 0;
        for i in 0..LANES {
            bits |= u16::from(self.0[i] <= other.0[i]) << i;
        }
        bits
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.each(|i, x| if x < other.0[i] { x } else { other.0[i] })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.each(|i, x| if x > other.0[i] { x } else { other.0[i] })
    }

    #[inline(always)]
    unsafe fn shifted(self) -> Self {
        self.each(|i, _| {
            if i == 0 {
                f32::NEG_INFINITY
            } else {
                self.0[i - 1]
            }
        })
    }

    #[inline(always)]
    unsafe fn select(self, bits: u16, other: Self) -> Self {
        self.each(|i, x| if bits >> i & 1 == 1 { x } else { other.0[i] })
    }

    #[inline(always)]
    unsafe fn where_below(self, other: Self, yes: Self, no: Self) -> Self {
        self.each(|i, x| if x <= other.0[i] { yes.0[i] } else { no.0[i] })
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
            // NaN by itself: of a signalling one, `min` and `max` make different things on
            // different CPUs.
            let floor = x.clamp(-FLOOR_LIMIT, FLOOR_LIMIT).floor() as i32;
            if x.is_nan() {
                -FLOOR_LIMIT as i32
            } else {
                floor
            }
        });
        // SAFETY: the caller has sixteen integers writable there.
        unsafe { to.cast::<[i32; LANES]>().write_unaligned(floors) }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: the caller has sixteen bytes writable there.
        unsafe {
            to.cast::<[i8; LANES]>()
                .write_unaligned(self.0.map(|x| x as i8))
        }
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

/// The value of a finite half: its bits moved to where a float has them, and the exponent put
/// right by a product, which is exact for denormal halves too.
#[inline(always)]
fn half_to_float(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
    f32::from_bits(magnitude.to_bits() | u32::from(half & 0x8000) << 16)
}

/// Products of integers in loops.
#[derive(Debug)]
pub(crate) struct Loops;

impl Dots for Loops {
    type V = Array;

    #[inline(always)]
    unsafe fn bytes(codes: *const Line, query: *const i8, lines: usize) -> Array {
        let mut sums = [0_i32; LANES];
        for line in 0..lines {
            // SAFETY: the caller has so many lines and numbers.
            let (codes, query) = unsafe {
                (
                    &(*codes.add(line)).0,
                    query.add(4 * line).cast::<[i8; 4]>().read_unaligned(),
                )
            };
            for (sum, codes) in sums.iter_mut().zip(codes.chunks_exact(4)) {
                for (code, q) in codes.iter().zip(query) {
                    *sum += i32::from(*code) * i32::from(q);
                }
            }
        }
        Array(sums.map(|x| x as f32))
    }

    #[inline(always)]
    unsafe fn bytes_of_two(
        codes: *const Line,
        queries: [*const i8; 2],
        places: &[u32],
    ) -> [Array; 2] {
        let mut sums = [[0_i32; LANES]; 2];
        for place in places {
            let place = *place as usize;
            for (query, sums) in queries.iter().zip(&mut sums) {
                // SAFETY: the caller has so many lines and numbers.
                let (codes, query) = unsafe {
                    (
                        &(*codes.add(place)).0,
                        query.add(4 * place).cast::<[i8; 4]>().read_unaligned(),
                    )
                };
                for (sum, codes) in sums.iter_mut().zip(codes.chunks_exact(4)) {
                    for (code, q) in codes.iter().zip(query) {
                        *sum += i32::from(*code) * i32::from(q);
                    }
                }
            }
        }
        sums.map(|sums| Array(sums.map(|x| x as f32)))
    }

    #[inline(always)]
    unsafe fn nibbles(codes: *const Line, query: *const i8, lines: usize) -> Array {
        let mut sums = [0_i32; LANES];
        for line in 0..lines {
            // SAFETY: the caller has so many lines and numbers.
            let (codes, query) = unsafe {
                (
                    &(*codes.add(line)).0,
                    query.add(8 * line).cast::<[i8; 8]>().read_unaligned(),
                )
            };
            for (sum, codes) in sums.iter_mut().zip(codes.chunks_exact(4)) {
                for (j, code) in codes.iter().enumerate() {
                    *sum += i32::from(code & 15) * i32::from(query[j]);
                    *sum += i32::from(code >> 4) * i32::from(query[4 + j]);
                }
            }
        }
        Array(sums.map(|x| x as f32))
    }

    #[inline(always)]
    unsafe fn row(codes: *const Line, high: *const i8, low: *const i8, lines: usize) -> Array {
        let mut sums = [0_i32; LANES];
        for line in 0..lines {
            // SAFETY: the caller has so many lines and numbers.
            let (codes, high, low) = unsafe {
                (
                    &(*codes.add(line)).0,
                    high.add(LINE * line).cast::<[i8; LINE]>().read_unaligned(),
                    low.add(LINE * line).cast::<[i8; LINE]>().read_unaligned(),
                )
            };
            for (i, sum) in sums.iter_mut().enumerate() {
                for j in 4 * i..4 * i + 4 {
                    *sum += i32::from(codes[j]) * (128 * i32::from(high[j]) + i32::from(low[j]));
                }
            }
        }
        Array(sums.map(|x| x as f32))
    }
}

impl crate::kernel::tile::Tiles for Loops {}
