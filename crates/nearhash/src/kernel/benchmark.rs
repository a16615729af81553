//! Every kernel on every level, beside what the machine can do: for `npm run bench:kernels`.
//!
//! Not part of the library: compiled with the feature `kernel-benchmark` only.

mod cases;
mod limits;

use std::hint::black_box;

use super::Kernels;
use cases::{Place, Products};
pub use limits::Limits;

/// Runs of which the median is taken.
const RUNS: usize = 9;
/// Seconds that a run takes at least.
const RUN_SECONDS: f64 = 2e-3;

/// One kernel on one level.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Its name.
    pub kernel: &'static str,
    /// What it worked on.
    pub shape: String,
    /// Where its data lay: `"L2"` or `"memory"`.
    pub place: &'static str,
    /// The instruction set.
    pub level: &'static str,
    /// Seconds a call, median of several runs.
    pub seconds: f64,
    /// Bytes that a call reads, results and a query aside.
    pub bytes: usize,
    /// Multiply-adds of a call; 0 where it is not made of them.
    pub products: usize,
    /// Most multiply-adds a cycle on this level, of the kind that it does.
    pub peak_products: f64,
}

/// Time everything on every level of this CPU; `report` is told what is being done.
pub fn measure(mut report: impl FnMut(&str)) -> (Vec<Limits>, Vec<Measured>) {
    let clock = limits::clock();
    let mut limits = Vec::new();
    for kernels in Kernels::available() {
        report(&format!("limits, {}", kernels.level.name()));
        limits.push(Limits::of(kernels, clock));
    }
    let mut measured = Vec::new();
    for make in cases::ALL {
        for mut case in make() {
            report(&format!("{}, {}", case.kernel, case.shape));
            for (kernels, limits) in Kernels::available().zip(&limits) {
                let seconds = median_seconds(|| (case.work)(kernels));
                let (products, peak_products) = match case.products {
                    Products::None => (0, 0.0),
                    Products::Floats(count) => (count, limits.float_products),
                    Products::Bytes(count) => (count, limits.byte_products),
                };
                measured.push(Measured {
                    kernel: case.kernel,
                    shape: case.shape.clone(),
                    place: match case.place {
                        Place::Near => "L2",
                        Place::Memory => "memory",
                    },
                    level: kernels.level.name(),
                    seconds,
                    bytes: case.bytes,
                    products,
                    peak_products,
                });
            }
        }
    }
    (limits, measured)
}

/// Seconds that this thread has worked, on Linux: whatever else runs there does not count. Elsewhere
/// the time since the first call.
fn now() -> f64 {
    #[cfg(target_os = "linux")]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: writes the time to where it is told.
        let known = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
        assert_eq!(known, 0, "a thread has a clock");
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(target_os = "linux"))]
    {
        use std::sync::OnceLock;
        use std::time::Instant;
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_secs_f64()
    }
}

/// Seconds a call: the median of several runs, each of as many calls as take long enough.
fn median_seconds(mut work: impl FnMut()) -> f64 {
    let mut time = |calls: usize| {
        let start = now();
        for _ in 0..calls {
            work();
            black_box(());
        }
        (now() - start) / calls as f64
    };
    // Warms up, too.
    let once = time(1).max(1e-9);
    let calls = ((RUN_SECONDS / once) as usize).clamp(1, 1 << 20);
    let once = time(calls).max(1e-9);
    let calls = ((RUN_SECONDS / once) as usize).clamp(1, 1 << 24);
    let mut times: Vec<f64> = (0..RUNS).map(|_| time(calls)).collect();
    times.sort_unstable_by(f64::total_cmp);
    times[RUNS / 2]
}
