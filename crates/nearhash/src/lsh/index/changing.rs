//! What changes the points.

use std::ops::Range;
use std::sync::Arc;

use super::LshIndex;
use crate::control::Control;
use crate::error::Result;
use crate::guarded::PointState;
use crate::lsh::built::{self, Built};
use crate::lsh::open::Open;
use crate::lsh::search::Effort;
use crate::lsh::state::State;
use crate::lsh::tuning::Parameters;
use crate::metric::Prepared;
use crate::points::{Points, RowsView};

impl LshIndex {
    /// Replace the points, and choose what the options left open. Ids are the rows' numbers.
    /// Searches answer from the old points until the new ones are ready.
    ///
    /// # Errors
    /// No points, vectors of another length than the option `dim`, a zero vector under cosine,
    /// another change at work, a cancellation. The index is then as it was.
    pub fn fit(&self, points: Points, control: &Control) -> Result<()> {
        let _change = self.state.to_fit(&points.view(), self.options.dim)?;
        let parameters = Parameters::choose(&self.options, &points, control)?;
        let family = parameters.family(self.options.seed, points.dim());
        let next_id = points.rows() as u32;
        let built = Built::build(family, points, None, control)?;
        control.commit()?;
        self.state.set(Some(State {
            open: Open::new(&built),
            built: Arc::new(built),
            next_id,
        }));
        Ok(())
    }

    /// [`fit`](Self::fit) of a copy of these rows.
    ///
    /// # Errors
    /// As `fit`.
    pub fn fit_rows(&self, rows: &RowsView<'_>, control: &Control) -> Result<()> {
        self.fit(rows.to_points(), control)
    }

    /// Add points; their ids follow on. An index without points can take some when its options
    /// say everything (`dim`, `n_projections`, `n_hash_tables`, for L2 `r`).
    ///
    /// # Errors
    /// As [`fit`](Self::fit); more than `u32::MAX` ids.
    pub fn store(&self, rows: &RowsView<'_>, control: &Control) -> Result<Range<u32>> {
        let (_change, state, ids) = self.state.to_store(rows, || self.empty("store"))?;
        drop(Prepared::new("x", rows, self.metric())?);
        if !state.has_room(rows.rows()) {
            let sorted = state.sorted(rows, ids.clone(), control)?;
            control.commit()?;
            self.state.set(Some(sorted));
            return Ok(ids);
        }
        const STEP: usize = 256;
        let mut hashed = Vec::new();
        for start in (0..rows.rows()).step_by(STEP) {
            control.check()?;
            let part = rows.slice(start..(start + STEP).min(rows.rows()));
            let prepared = Prepared::new("x", &part, self.metric())?;
            let keys = built::hash_rows(state.built.family().as_ref(), &prepared);
            let norms = prepared.into_norms();
            hashed.push((part, keys, norms));
        }
        control.commit()?;
        self.state.amend(state, |state| {
            state.next_id = ids.end;
            let mut row = vec![0.0; rows.dim()];
            let mut id = ids.start;
            for (part, keys, norms) in hashed {
                for i in 0..part.rows() {
                    part.copy_row(i, &mut row);
                    let keys = keys.iter().skip(i).step_by(part.rows()).copied();
                    let norm = norms.as_ref().map(|norms| norms[i]);
                    state.open.add(id, &row, norm, keys);
                    id += 1;
                }
            }
        });
        Ok(ids)
    }

    /// Remove a point. Returns 1, or 0 when there is none of that id.
    ///
    /// # Errors
    /// Another change at work.
    pub fn delete(&self, id: u32) -> Result<usize> {
        self.state.delete(id)
    }

    /// Remove the points equal to a vector, the first row of `row`. Returns how many went.
    ///
    /// # Errors
    /// Vectors of another length, a zero vector under cosine, another change at work.
    pub fn delete_equal(&self, row: &RowsView<'_>) -> Result<usize> {
        self.state.delete_equal(row, |state, row, values| {
            // Equal vectors have equal keys: the query's own buckets hold them all.
            let effort = Effort {
                extra_buckets: 0,
                bound: usize::MAX,
            };
            let mut ids = self.searcher(state).candidates(row, effort)?;
            let mut other = vec![0.0; values.len()];
            ids.retain(|id| state.copy_vector(*id, &mut other) && other == values);
            Ok(ids)
        })
    }

    /// Replace the vector behind an id by the first row of `row`.
    ///
    /// # Errors
    /// [`Error::UnknownId`](crate::Error::UnknownId); vectors of another length, a zero vector under
    /// cosine, another change at work.
    pub fn update(&self, id: u32, row: &RowsView<'_>) -> Result<()> {
        let _change = self.state.change("update")?;
        let (state, row, values) = self.state.to_update(id, row)?;
        let prepared = Prepared::new("v", &row, self.metric())?;
        let keys = built::hash_rows(state.built.family().as_ref(), &prepared);
        let norm = prepared.into_norms().map(|norms| norms[0]);
        // What is replaced leaves its place behind, which sorting gives back.
        let state = if state.has_room(1) {
            state
        } else {
            let none = state.next_id..state.next_id;
            let sorted = state.sorted(&row.slice(0..0), none, &Control::new())?;
            self.state.set(Some(sorted));
            self.state_or_empty("update")?
        };
        self.state.amend(state, |state| {
            state.remove(id);
            state.open.add(id, &values, norm, keys.iter().copied());
        });
        Ok(())
    }

    /// Forget the points, keep the options.
    ///
    /// # Errors
    /// Another change at work.
    pub fn reset(&self) -> Result<()> {
        self.state.reset()?;
        self.pool.clear();
        Ok(())
    }
}
