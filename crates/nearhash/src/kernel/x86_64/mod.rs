//! Lanes of x86-64, one instruction set a file.

pub(super) mod avx2;
pub(super) mod avx512;

/// Run `work`, inlined here, with AVX2's instructions.
///
/// # Safety
/// The CPU has them.
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
pub(crate) unsafe fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Run `work`, inlined here, with AVX-512's instructions.
///
/// # Safety
/// The CPU has them.
#[target_feature(
    enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
)]
pub(crate) unsafe fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}
