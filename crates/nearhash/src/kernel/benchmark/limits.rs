//! What the machine can do, measured.

use std::hint::black_box;

use super::median_seconds;
#[cfg(target_arch = "aarch64")]
use crate::kernel::aarch64;
use crate::kernel::lanes::Lanes;
use crate::kernel::level::Level;
#[cfg(target_arch = "x86_64")]
use crate::kernel::x86_64;
use crate::kernel::{Kernels, LINE, Line, portable};
#[cfg(target_arch = "aarch64")]
use crate::kernel::{LANES, Score};

/// Limits on one level.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The instruction set.
    pub level: &'static str,
    /// Clock cycles a second, from a chain of additions that each take one.
    pub clock: f64,
    /// Bytes a second that one thread reads, one after the other, from arrays of
    /// [`ARRAYS`](Self::ARRAYS) bytes.
    pub read: [f64; 4],
    /// Fused multiply-adds of float32 a cycle, from registers.
    pub float_products: f64,
    /// Multiply-adds of bytes a cycle, from the L1 cache, into eight sums.
    pub byte_products: f64,
}

impl Limits {
    /// Bytes that are read from: within the L1, L2 and L3 caches of common CPUs, and beyond.
    pub const ARRAYS: [usize; 4] = [16 << 10, 256 << 10, 8 << 20, 256 << 20];

    pub(super) fn of(kernels: &Kernels, clock: f64) -> Self {
        Self {
            level: kernels.level.name(),
            clock,
            read: Self::ARRAYS.map(|bytes| read(kernels, bytes)),
            float_products: float_products(kernels) / clock,
            byte_products: byte_products(kernels) / clock,
        }
    }
}

/// Cycles a second.
pub(super) fn clock() -> f64 {
    const STEPS: usize = 1 << 16;
    let seconds = median_seconds(|| {
        let mut x = black_box(1_u64);
        for _ in 0..STEPS {
            x = one_cycle(x);
        }
        black_box(x);
    });
    STEPS as f64 / seconds
}

/// An addition that has to wait for the one before.
#[inline(always)]
fn one_cycle(x: u64) -> u64 {
    let mut x = x;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: adds two registers.
    unsafe {
        std::arch::asm!("add {0}, {1}", inout(reg) x, in(reg) 3_u64, options(pure, nomem, nostack));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: adds two registers.
    unsafe {
        std::arch::asm!("add {0}, {0}, {1}", inout(reg) x, in(reg) 3_u64, options(pure, nomem, nostack));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        x = black_box(x + 3);
    }
    x
}

/// Bytes a second.
fn read(kernels: &Kernels, bytes: usize) -> f64 {
    const SUMS: usize = 32;
    let values = vec![1_u64; bytes / 8];
    let seconds = median_seconds(|| {
        let sums = kernels.compiled(
            #[inline(always)]
            || {
                let mut sums = [0_u64; SUMS];
                for some in values.chunks_exact(SUMS) {
                    for (sum, x) in sums.iter_mut().zip(some) {
                        *sum = sum.wrapping_add(*x);
                    }
                }
                sums
            },
        );
        black_box(sums);
    });
    bytes as f64 / seconds
}

/// Calls of a limit's innermost step a run.
const STEPS: usize = 1 << 12;

/// Multiply-adds a second, in N chains.
#[inline(always)]
fn float_chains<V: Lanes, const N: usize>() -> [f32; 16] {
    // SAFETY: the caller compiles this for a level that the CPU has; the array has sixteen floats.
    unsafe {
        let (a, b) = (V::splat(black_box(0.5)), V::splat(black_box(0.25)));
        let mut sums = [V::splat(black_box(1.0)); N];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = sum.mul_add(a, b);
            }
        }
        let mut out = [0.0_f32; 16];
        let all = sums
            .into_iter()
            .fold(V::splat(0.0), |all, sum| all.add(sum));
        all.store(out.as_mut_ptr());
        out
    }
}

fn float_products(kernels: &Kernels) -> f64 {
    // As many chains as fit the registers: sixteen lanes are one, two or four of them.
    let (seconds, chains) = match kernels.level {
        Level::Portable => {
            let work = || {
                black_box(float_chains::<portable::Array, 3>());
            };
            (median_seconds(work), 3)
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => {
            let work = || {
                kernels.compiled(
                    #[inline(always)]
                    || black_box(float_chains::<x86_64::avx2::TwoYmm, 6>()),
                );
            };
            (median_seconds(work), 6)
        }
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vnni => {
            let work = || {
                kernels.compiled(
                    #[inline(always)]
                    || black_box(float_chains::<x86_64::avx512::Zmm, 12>()),
                );
            };
            (median_seconds(work), 12)
        }
        #[cfg(target_arch = "aarch64")]
        Level::Neon | Level::NeonDot => {
            let work = || {
                black_box(float_chains::<aarch64::neon::FourQ, 6>());
            };
            (median_seconds(work), 6)
        }
    };
    (STEPS * 16 * chains) as f64 / seconds
}

/// Lines that stay in the L1 cache, in eights.
const NEAR: usize = 64;

fn byte_products(kernels: &Kernels) -> f64 {
    let lines = vec![Line([3; LINE]); NEAR];
    let query = Line([5; LINE]);
    let seconds = median_seconds(|| match kernels.level {
        Level::Portable => {
            let mut sums = [0_i32; LINE];
            for line in black_box(&lines) {
                for (sum, (a, b)) in sums.iter_mut().zip(line.0.iter().zip(query.0)) {
                    *sum += i32::from(*a) * i32::from(b as i8);
                }
            }
            black_box(sums);
        }
        // SAFETY: this table exists only for a CPU that has the instruction set.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { on_x86_64::avx2(black_box(&lines), black_box(&query)) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { on_x86_64::avx512(black_box(&lines), black_box(&query)) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { on_x86_64::vnni(black_box(&lines), black_box(&query)) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon | Level::NeonDot => {
            dots_on_aarch64(kernels, black_box(&lines), black_box(&query));
        }
    });
    (NEAR * LINE) as f64 / seconds
}

/// Dot products of lines with the first four bytes of one line, by the kernel for them: sixteen
/// sums, which are in as many registers as the level needs for them.
#[cfg(target_arch = "aarch64")]
fn dots_on_aarch64(kernels: &Kernels, lines: &[Line], query: &Line) {
    let query: [i8; 4 * NEAR] = std::array::from_fn(|i| query.0[i % LINE] as i8);
    let mut out = [0.0; LANES];
    kernels.score(
        Score {
            codes: lines,
            lines: NEAR,
            query: &query,
            norms: &[0.0; LANES],
            plus: 0.0,
            times: 1.0,
        },
        &mut out,
    );
    black_box(out);
}

/// Dot products of lines with one line, in eight sums.
#[cfg(target_arch = "x86_64")]
mod on_x86_64 {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    use super::Line;

    /// # Safety
    /// The CPU has AVX2.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2(lines: &[Line], query: &Line) {
        // SAFETY: lines are aligned; the caller has AVX2.
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let query = _mm256_load_si256(query.0.as_ptr().cast());
            let mut sums = [_mm256_setzero_si256(); 8];
            for lines in lines.chunks_exact(4) {
                let halves = lines.as_ptr().cast::<__m256i>();
                for (i, sum) in sums.iter_mut().enumerate() {
                    let pairs = _mm256_maddubs_epi16(_mm256_load_si256(halves.add(i)), query);
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                }
            }
            black_box(sums);
        }
    }

    /// # Safety
    /// The CPU has AVX-512 (F and BW).
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) unsafe fn avx512(lines: &[Line], query: &Line) {
        // SAFETY: lines are aligned; the caller has AVX-512.
        unsafe {
            let ones = _mm512_set1_epi16(1);
            let query = _mm512_load_si512(query.0.as_ptr().cast());
            let mut sums = [_mm512_setzero_si512(); 8];
            for lines in lines.chunks_exact(8) {
                for (line, sum) in lines.iter().zip(&mut sums) {
                    let line = _mm512_load_si512(line.0.as_ptr().cast());
                    let pairs = _mm512_maddubs_epi16(line, query);
                    *sum = _mm512_add_epi32(*sum, _mm512_madd_epi16(pairs, ones));
                }
            }
            black_box(sums);
        }
    }

    /// # Safety
    /// The CPU has AVX-512 (F, BW and VNNI).
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) unsafe fn vnni(lines: &[Line], query: &Line) {
        // SAFETY: lines are aligned; the caller has AVX-512 VNNI.
        unsafe {
            let query = _mm512_load_si512(query.0.as_ptr().cast());
            let mut sums = [_mm512_setzero_si512(); 8];
            for lines in lines.chunks_exact(8) {
                for (line, sum) in lines.iter().zip(&mut sums) {
                    let line = _mm512_load_si512(line.0.as_ptr().cast());
                    *sum = _mm512_dpbusd_epi32(*sum, line, query);
                }
            }
            black_box(sums);
        }
    }
}
