//! The state of an index: read by any number of searches, changed by one call at a time.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::points::{RowsView, check_dim, end_of_ids, one_row};

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

    /// The state, or the one of `empty` where there is none, which it is from then on.
    pub(crate) fn get_or_insert(&self, empty: impl FnOnce() -> Result<S>) -> Result<Arc<S>> {
        if let Some(state) = self.get() {
            return Ok(state);
        }
        let state = Arc::new(empty()?);
        let mut place = self.state.write().unwrap_or_else(PoisonError::into_inner);
        Ok(place.get_or_insert(state).clone())
    }

    /// Forget the points.
    ///
    /// # Errors
    /// [`Error::Busy`] while a change runs.
    pub(crate) fn reset(&self) -> Result<()> {
        let _change = self.change("reset")?;
        self.set(None);
        Ok(())
    }

    /// Begin to replace the points by others, of length `dim` where that is known.
    ///
    /// # Errors
    /// [`Error::Busy`] while another change runs; vectors of another length; no points.
    pub(crate) fn to_fit(&self, rows: &RowsView<'_>, dim: Option<usize>) -> Result<Change<'_>> {
        let change = self.change("fit")?;
        check_dim("x", rows.dim(), dim)?;
        if rows.rows() == 0 {
            return Err(Error::argument_error("x", "0 vectors", "at least 1 vector"));
        }
        Ok(change)
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

/// A state that holds points by their ids.
pub(crate) trait PointState: Clone {
    /// Vector length.
    fn dim(&self) -> usize;

    /// The id that the next point gets.
    fn next_id(&self) -> u32;

    /// Whether there is a point of this id.
    fn has(&self, id: u32) -> bool;

    /// Write the vector of a point to `out`, which has its length. False when there is no such
    /// point.
    fn copy_vector(&self, id: u32, out: &mut [f32]) -> bool;

    /// Remove a point that is there.
    fn remove(&mut self, id: u32);
}

impl<S: PointState> Guarded<S> {
    /// [`get_or_insert`](Self::get_or_insert), to ask about `rows`, the argument `x`.
    ///
    /// # Errors
    /// Those of `empty`; vectors of another length.
    pub(crate) fn get_for(
        &self,
        rows: &RowsView<'_>,
        empty: impl FnOnce() -> Result<S>,
    ) -> Result<Arc<S>> {
        let state = self.get_or_insert(empty)?;
        check_dim("x", rows.dim(), Some(state.dim()))?;
        Ok(state)
    }

    /// Begin to add `rows`: the state that they come to, and their ids.
    ///
    /// # Errors
    /// [`Error::Busy`] while another change runs; those of [`get_for`](Self::get_for); more ids than
    /// there can be.
    pub(crate) fn to_store(
        &self,
        rows: &RowsView<'_>,
        empty: impl FnOnce() -> Result<S>,
    ) -> Result<(Change<'_>, Arc<S>, Range<u32>)> {
        let change = self.change("store")?;
        let state = self.get_for(rows, empty)?;
        let first = state.next_id();
        let end = end_of_ids(first, rows.rows())?;
        Ok((change, state, first..end))
    }

    /// Remove a point. Returns 1, or 0 when there is none of that id.
    pub(crate) fn delete(&self, id: u32) -> Result<usize> {
        let _change = self.change("delete")?;
        match self.get() {
            Some(state) if state.has(id) => {
                self.amend(state, |state| state.remove(id));
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    /// Remove the points equal to a vector, the first row of `row`, which `equal` finds: given the
    /// state, that row and its values. Returns how many went.
    pub(crate) fn delete_equal(
        &self,
        row: &RowsView<'_>,
        equal: impl FnOnce(&S, &RowsView<'_>, &[f32]) -> Result<Vec<u32>>,
    ) -> Result<usize> {
        let _change = self.change("delete")?;
        let row = one_row(row)?;
        let Some(state) = self.get() else {
            return Ok(0);
        };
        check_dim("v", row.dim(), Some(state.dim()))?;
        let ids = equal(&state, &row, &row_values(&row))?;
        if !ids.is_empty() {
            self.amend(state, |state| ids.iter().for_each(|id| state.remove(*id)));
        }
        Ok(ids.len())
    }

    /// The state of an update, and its vector: the first row of `row`, which takes the place of
    /// the point `id`.
    ///
    /// # Errors
    /// [`Error::UnknownId`]; vectors of another length.
    pub(crate) fn to_update<'a>(
        &self,
        id: u32,
        row: &RowsView<'a>,
    ) -> Result<(Arc<S>, RowsView<'a>, Vec<f32>)> {
        let row = one_row(row)?;
        let state = self
            .get()
            .filter(|state| state.has(id))
            .ok_or(Error::UnknownId { received: id })?;
        check_dim("v", row.dim(), Some(state.dim()))?;
        let values = row_values(&row);
        Ok((state, row, values))
    }

    /// The vector behind an id.
    pub(crate) fn vector(&self, id: u32) -> Option<Vec<f32>> {
        let state = self.get()?;
        let mut out = vec![0.0; state.dim()];
        state.copy_vector(id, &mut out).then_some(out)
    }
}

/// The first row.
fn row_values(row: &RowsView<'_>) -> Vec<f32> {
    let mut values = vec![0.0; row.dim()];
    row.copy_row(0, &mut values);
    values
}
