//! The handle by which JavaScript watches and stops a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi_derive::napi;

/// The engine's control, and whether the call has ended.
#[derive(Debug, Default)]
pub(crate) struct Call {
    pub(crate) engine: nearhash::Control,
    ended: AtomicBool,
}

impl Call {
    /// The work is over: from here on it can't be cancelled.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

/// Watches and stops one call.
#[napi]
#[derive(Debug, Default)]
pub struct Control {
    call: Arc<Call>,
}

/// How far a call has come.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// Units finished.
    pub done: f64,
    /// Units in all; 0 before the work has begun.
    pub total: f64,
}

#[napi]
impl Control {
    /// A control for one call.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask the work to stop. False when it is too late: the call will end well.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> bool {
        !self.call.ended.load(Ordering::Acquire) && self.call.engine.cancel()
    }

    /// The latest state of the work.
    #[napi(catch_unwind)]
    pub fn progress(&self) -> Progress {
        let progress = self.call.engine.progress();
        Progress {
            stage: progress.stage,
            done: progress.done as f64,
            total: progress.total as f64,
        }
    }
}

impl Control {
    pub(crate) fn call(&self) -> Arc<Call> {
        Arc::clone(&self.call)
    }
}
