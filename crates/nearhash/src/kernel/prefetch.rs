//! Memory that will be read soon.

use super::codes::Line;

/// Ask for the cache line of `at`, to be read soon.
#[inline(always)]
pub(crate) fn prefetch<T>(at: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE, which every x86-64 CPU has; a prefetch reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(at).cast());
    }
    #[cfg(target_arch = "aarch64")]
    super::aarch64::prefetch_near(std::ptr::from_ref(at).cast());
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = at;
}

/// Ask for cache lines that will be read a little later: not before others that are read sooner.
#[inline(always)]
pub(crate) fn prefetch_lines(lines: &[Line]) {
    #[cfg(target_arch = "x86_64")]
    for line in lines {
        // SAFETY: SSE, which every x86-64 CPU has; a prefetch reads nothing.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(line).cast());
        }
    }
    #[cfg(target_arch = "aarch64")]
    for line in lines {
        super::aarch64::prefetch_far(std::ptr::from_ref(line).cast());
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = lines;
}
