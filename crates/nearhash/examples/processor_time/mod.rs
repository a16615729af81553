//! What the threads of this process have worked.

/// Nanoseconds, where Linux tells it. What others do meanwhile doesn't count.
#[cfg(target_os = "linux")]
pub(crate) fn processor_time() -> Option<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) } != 0;
    (!failed).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn processor_time() -> Option<u64> {
    None
}
