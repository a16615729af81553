//! Panics on purpose, so that tests see real calls survive them. Never armed by the package.

use std::sync::atomic::{AtomicU8, Ordering};

use napi_derive::napi;

/// Where a panic can be made to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Place {
    /// In an exported function, on the JavaScript thread.
    Call = 1,
    /// In a task, on libuv's thread.
    Task = 2,
    /// In a closure on a thread of the pool.
    Pool = 3,
}

static ARMED: AtomicU8 = AtomicU8::new(0);

/// Panics when this place was armed, once.
pub(crate) fn point(place: Place) {
    let disarm = || ARMED.compare_exchange(place as u8, 0, Ordering::Relaxed, Ordering::Relaxed);
    if ARMED.load(Ordering::Relaxed) == place as u8 && disarm().is_ok() {
        panic!("injected panic: {place:?}");
    }
}

/// Make the next call panic once, when it comes to `place`: `call`, `task` or `pool`. Refused
/// unless the environment has `NEARHASH_FAULT_INJECTION=1`.
#[napi(catch_unwind)]
pub fn inject_fault(place: String) -> napi::Result<()> {
    if std::env::var_os("NEARHASH_FAULT_INJECTION").is_none_or(|value| value != "1") {
        return Err(napi::Error::from_reason("fault injection is off"));
    }
    let place = match place.as_str() {
        "call" => Place::Call,
        "task" => Place::Task,
        "pool" => Place::Pool,
        _ => return Err(napi::Error::from_reason("no such place")),
    };
    ARMED.store(place as u8, Ordering::Relaxed);
    Ok(())
}
