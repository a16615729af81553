//! Buffers that calls leave for later ones, so that queries allocate nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Scratch memory that no worker uses at the moment.
// Boxed, so that taking one out moves a pointer.
#[derive(Debug)]
pub(crate) struct ScratchPool<S>(#[allow(clippy::vec_box)] Mutex<Vec<Box<S>>>);

impl<S> Default for ScratchPool<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Default> ScratchPool<S> {
    #[allow(clippy::vec_box)]
    fn free(&self) -> MutexGuard<'_, Vec<Box<S>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work with scratch that nobody else has meanwhile. What a panic leaves is not used again.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        let free = self.free().pop();
        let mut scratch = free.unwrap_or_default();
        let result = work(&mut scratch);
        self.free().push(scratch);
        result
    }

    /// Give the memory back.
    pub(crate) fn clear(&self) {
        self.free().clear();
    }

    /// Bytes held, by what `of` says of each.
    pub(crate) fn memory_bytes(&self, of: impl Fn(&S) -> usize) -> usize {
        self.free().iter().map(|scratch| of(scratch)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn scratch_is_used_again_by_one_at_a_time_and_never_after_a_panic() {
        let pool = ScratchPool::<Vec<u8>>::default();
        let bytes = || pool.memory_bytes(Vec::len);
        pool.with(|outer| {
            outer.push(1);
            pool.with(|inner| assert!(inner.is_empty()));
        });
        assert_eq!(bytes(), 1);
        pool.with(|again| assert_eq!(*again, [1]));
        let panics = catch_unwind(AssertUnwindSafe(|| {
            pool.with(|scratch| {
                scratch.push(2);
                panic!("on purpose");
            })
        }));
        assert!(panics.is_err());
        assert_eq!(bytes(), 0);
        pool.with(|scratch| scratch.push(3));
        pool.clear();
        assert_eq!(bytes(), 0);
    }
}
