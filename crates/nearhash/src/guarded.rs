//! The state of an index: read by any number of searches, changed by one call at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};

/// A state that readers keep while it is replaced. There is none before the first points.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    state: RwLock<Option<Arc<S>>>,
    changing: AtomicBool,
}

impl<S> Default for Guarded<S> {
    fn default() -> Self {
        Self {
            state: RwLock::default(),
            changing: AtomicBool::new(false),
        }
    }
}

/// While this lives, no other change may begin.
pub(crate) struct Change<'a>(&'a AtomicBool);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<S> Guarded<S> {
    /// Begin a change, called `argument`.
    ///
    /// # Errors
    /// [`Error::Busy`] while another one runs.
    pub(crate) fn change(&self, argument: &'static str) -> Result<Change<'_>> {
        if self.changing.swap(true, Ordering::Acquire) {
            Err(Error::Busy { argument })
        } else {
            Ok(Change(&self.changing))
        }
    }

    /// The state as it is now.
    pub(crate) fn get(&self) -> Option<Arc<S>> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replace it.
    pub(crate) fn set(&self, state: Option<S>) {
        let old = std::mem::replace(
            &mut *self.state.write().unwrap_or_else(PoisonError::into_inner),
            state.map(Arc::new),
        );
        // Freed after the lock.
        drop(old);
    }

    /// The state, or this one where there is none, which it is from then on.
    pub(crate) fn get_or_insert(&self, state: S) -> Arc<S> {
        let state = Arc::new(state);
        let mut place = self.state.write().unwrap_or_else(PoisonError::into_inner);
        place.get_or_insert(state).clone()
    }
}

impl<S: Clone> Guarded<S> {
    /// Change the state in place, or a copy of it when a search still reads it.
    pub(crate) fn amend<R>(&self, state: Arc<S>, work: impl FnOnce(&mut S) -> R) -> R {
        let mut place = self.state.write().unwrap_or_else(PoisonError::into_inner);
        drop(state);
        match place.as_mut() {
            Some(current) => work(Arc::make_mut(current)),
            None => unreachable!("a change holds the only right to remove the state"),
        }
    }
}
