//! Loading and unloading, what the machine offers, the number of threads.

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::pool;

/// What the add-on runs with.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawRuntime {
    /// Of the package.
    pub version: &'static str,
    /// Instruction set of the kernels.
    pub cpu: &'static str,
    /// Of the pool.
    pub threads: f64,
}

/// What the add-on runs with.
#[napi(catch_unwind)]
pub fn runtime() -> napi::Result<RawRuntime> {
    Ok(RawRuntime {
        version: env!("CARGO_PKG_VERSION"),
        cpu: nearhash::kernel::level(),
        threads: pool::size()? as f64,
    })
}

/// Use so many threads from now on.
#[napi(catch_unwind)]
pub fn configure(threads: u32) {
    pool::configure(threads as usize);
}

/// Pass on what `NEARHASH_THREADS` says. Read on the JavaScript side, because reading the
/// environment here could race with a write to `process.env`.
#[napi(catch_unwind)]
pub fn set_threads_variable(text: String) {
    pool::set_variable(text);
}

/// Most threads that may be asked for.
#[napi(catch_unwind)]
pub fn max_threads() -> u32 {
    pool::MAX_THREADS as u32
}

/// Runs once in every environment that loads the add-on.
#[napi(module_exports)]
pub fn load(_exports: Object<'_>, env: Env) -> napi::Result<()> {
    env.add_env_cleanup_hook((), |()| pool::leave_environment())?;
    pool::enter_environment();
    Ok(())
}
