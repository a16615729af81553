//! Telling V8 how much native memory an object keeps alive, so that it collects in time.

use std::sync::atomic::{AtomicI64, Ordering};

use napi::Env;
use napi_derive::napi;

/// Smaller changes are not worth a call.
const STEP: i64 = 64 << 10;

/// What V8 was last told for one object. Only ever used on the object's own JavaScript thread;
/// atomic because the object is shared with tasks.
#[derive(Debug, Default)]
pub(crate) struct ReportedMemory(AtomicI64);

impl ReportedMemory {
    /// Tell V8 that the object now holds `bytes`. As each report is the difference from the last,
    /// the sum can't go below zero, whatever is reported twice.
    pub(crate) fn report(&self, env: &Env, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let change = bytes - self.0.load(Ordering::Relaxed);
        if change == 0 || (bytes != 0 && change.abs() < STEP) {
            return;
        }
        if env.adjust_external_memory(change).is_ok() {
            self.0.store(bytes, Ordering::Relaxed);
        }
    }
}

/// What V8 has been told by all objects of this environment and not been told to forget. For
/// tests: `process.memoryUsage()` doesn't show it.
#[napi(catch_unwind)]
pub fn reported_memory(env: Env) -> napi::Result<f64> {
    Ok(env.adjust_external_memory(0)? as f64)
}
