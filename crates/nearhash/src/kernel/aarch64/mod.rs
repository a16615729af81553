//! Lanes of aarch64, and dot products of bytes on them.

pub(super) mod dot_product;
pub(super) mod long_products;
pub(super) mod neon;

use std::arch::asm;

/// Ask for the cache line at `at`, into the L1 cache; any address is allowed.
#[inline(always)]
pub(super) fn prefetch_near(at: *const u8) {
    // SAFETY: every aarch64 CPU has the instruction, which reads nothing and never fails.
    unsafe {
        asm!("prfm pldl1keep, [{0}]", in(reg) at.addr(), options(nomem, nostack, preserves_flags));
    }
}

/// [`prefetch_near`], into the L2 cache.
#[inline(always)]
pub(super) fn prefetch_far(at: *const u8) {
    // SAFETY: as above.
    unsafe {
        asm!("prfm pldl2keep, [{0}]", in(reg) at.addr(), options(nomem, nostack, preserves_flags));
    }
}

/// Run `work`, inlined here, with the dot products of bytes.
///
/// # Safety
/// The CPU has them.
#[target_feature(enable = "neon,dotprod")]
pub(crate) unsafe fn with_dot_product<R>(work: impl FnOnce() -> R) -> R {
    work()
}
