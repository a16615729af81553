//! Watching and stopping long work from another thread.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::error::{Error, Result};

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, for instance `"hash"`.
    pub stage: &'static str,
    /// Units of the stage that are finished.
    pub done: u64,
    /// Units of the stage in all; 0 before the work has begun.
    pub total: u64,
}

/// Not cancelled.
const WANTED: u8 = 0;
/// To be stopped.
const CANCELLED: u8 = 1;
/// The change that the work is for is being made: too late to stop.
const COMMITTED: u8 = 2;

/// Shared between the thread that works and the one that waits: the first reports progress and
/// asks whether to stop, the second reads the progress and may cancel.
#[derive(Debug, Default)]
pub struct Control {
    state: AtomicU8,
    stage: Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
}

impl Control {
    /// A control that nobody has cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask the work to stop. It does so at its next block of rows or queries and returns
    /// [`Error::Cancelled`]; what it was changing stays as it was. Returns false when it is too
    /// late for that: then the change is made, and the call returns `Ok`.
    pub fn cancel(&self) -> bool {
        let cancelled = self.exchange(WANTED, CANCELLED);
        cancelled.is_ok() || cancelled == Err(CANCELLED)
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.state.load(Ordering::Relaxed) == CANCELLED
    }

    fn exchange(&self, from: u8, to: u8) -> std::result::Result<u8, u8> {
        self.state
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
    }

    /// The latest state of the work.
    pub fn progress(&self) -> Progress {
        let stage = *self
            .stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Progress {
            stage,
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn begin(&self, stage: &'static str, total: usize) {
        // A control that has served an earlier call can stop this one.
        let _ = self.exchange(COMMITTED, WANTED);
        *self
            .stage
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = stage;
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total as u64, Ordering::Relaxed);
    }

    /// More is to be done in this stage than was thought.
    pub(crate) fn extend(&self, units: usize) {
        self.total.fetch_add(units as u64, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, units: usize) {
        self.done.fetch_add(units as u64, Ordering::Relaxed);
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    /// The last [`check`](Self::check) of a change, right before it is made visible: a cancellation
    /// comes before it and prevents the change, or after it and is told so.
    pub(crate) fn commit(&self) -> Result<()> {
        match self.exchange(WANTED, COMMITTED) {
            Err(CANCELLED) => Err(Error::Cancelled),
            _ => Ok(()),
        }
    }
}
