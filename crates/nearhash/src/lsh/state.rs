//! The points of an index at one moment, in their sorted and open parts.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::built::{self, Built};
use super::open::Open;
use crate::control::Control;
use crate::error::Result;
use crate::guarded::PointState;
use crate::metric::Prepared;
use crate::points::{Points, RowData, RowSlice, RowsView};

/// A consistent state of the points.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) built: Arc<Built>,
    pub(super) open: Open,
    pub(super) next_id: u32,
}

/// The open part may grow to this many points before it is sorted in, or to a quarter of the built
/// part.
const OPEN_POINTS: usize = 4096;

impl State {
    /// Points stored and not deleted.
    pub(super) fn len(&self) -> usize {
        self.built.points().rows() - self.open.gone_count() + self.open.len()
    }

    /// Whether the open part takes so many points more before it is sorted in.
    pub(super) fn has_room(&self, more: usize) -> bool {
        let most = OPEN_POINTS.max(self.built.points().rows() / 4);
        self.open.slots() + more <= most
    }

    pub(super) fn vectors(&self, ids: &[u32], control: &Control) -> Result<Vec<f32>> {
        const STEP: usize = 1024;
        let dim = self.built.points().dim();
        let mut out = vec![0.0; ids.len() * dim];
        out.par_chunks_mut(STEP * dim)
            .zip(ids.par_chunks(STEP))
            .try_for_each(|(out, ids)| {
                control.check()?;
                for (id, out) in ids.iter().zip(out.chunks_exact_mut(dim)) {
                    self.copy_vector(*id, out);
                }
                Ok(())
            })?;
        Ok(out)
    }

    /// Ids and vectors of all points, by id.
    pub(super) fn live(&self) -> Result<(Vec<u32>, Points)> {
        self.live_with(0)
    }

    /// [`live`](Self::live), with room for more rows behind.
    pub(super) fn live_with(&self, more: usize) -> Result<(Vec<u32>, Points)> {
        let points = self.built.points();
        let rows = points.rows();
        if self.open.slots() == 0 && self.open.gone_count() == 0 && more == 0 {
            return Ok((
                (0..rows as u32).map(|row| self.built.id(row)).collect(),
                points.clone(),
            ));
        }
        let dim = points.dim();
        let mut built = (0..rows as u32)
            .filter(|row| !self.open.is_gone(*row))
            .map(|row| (self.built.id(row), Some(row)))
            .peekable();
        let mut open = self.open.by_id().into_iter().peekable();
        let count = self.len();
        let mut ids = Vec::with_capacity(count + more);
        let mut values = vec![0.0; count * dim];
        values.reserve_exact(more * dim);
        for out in values.chunks_exact_mut(dim) {
            let from_open = match (built.peek(), open.peek()) {
                (Some(a), Some(b)) => b.0 < a.0,
                (None, _) => true,
                (_, None) => false,
            };
            if from_open {
                if let Some((id, slot)) = open.next() {
                    ids.push(id);
                    out.copy_from_slice(self.open.row(slot));
                }
            } else if let Some((id, Some(row))) = built.next() {
                ids.push(id);
                points.view().copy_row(row as usize, out);
            }
        }
        Ok((ids, Points::new(RowData::F32(values), dim)?))
    }

    /// The same points and those of `rows`, all in a built part.
    pub(super) fn sorted(
        &self,
        rows: &RowsView<'_>,
        new: Range<u32>,
        control: &Control,
    ) -> Result<Self> {
        let (mut ids, points) = self.live_with(rows.rows())?;
        let dim = points.dim();
        let mut values = match points.into_data() {
            RowData::F32(values) => values,
            RowData::U8(values) => values.into_iter().map(f32::from).collect(),
            RowData::I16(values) => values.into_iter().map(f32::from).collect(),
        };
        let start = values.len();
        values.resize(start + rows.rows() * dim, 0.0);
        for (i, out) in values[start..].chunks_exact_mut(dim).enumerate() {
            rows.copy_row(i, out);
        }
        let next_id = new.end;
        ids.extend(new);
        let identity = ids.iter().zip(0..).all(|(id, row)| *id == row);
        let points = Points::new(RowData::F32(values), dim)?;
        let family = self.built.family().clone();
        let built = Built::build(family, points, (!identity).then_some(ids), control)?;
        Ok(Self {
            open: Open::new(&built),
            built: Arc::new(built),
            next_id,
        })
    }
}

impl PointState for State {
    fn dim(&self) -> usize {
        self.built.points().dim()
    }

    fn next_id(&self) -> u32 {
        self.next_id
    }

    fn has(&self, id: u32) -> bool {
        self.open.slot(id).is_some()
            || self
                .built
                .row(id)
                .is_some_and(|row| !self.open.is_gone(row))
    }

    fn copy_vector(&self, id: u32, out: &mut [f32]) -> bool {
        if let Some(slot) = self.open.slot(id) {
            out.copy_from_slice(self.open.row(slot));
            return true;
        }
        match self.built.row(id) {
            Some(row) if !self.open.is_gone(row) => {
                self.built.points().view().copy_row(row as usize, out);
                true
            }
            _ => false,
        }
    }

    fn remove(&mut self, id: u32) {
        if let Some(slot) = self.open.slot(id) {
            let row = self.open.row(slot).to_vec();
            let family = self.built.family();
            // The row was accepted before, so it is accepted now.
            let keys = RowsView::new(RowSlice::F32(&row), row.len()).and_then(|view| {
                Ok(built::hash_rows(
                    family.as_ref(),
                    &Prepared::new("v", &view, family.metric())?,
                ))
            });
            if let Ok(keys) = keys {
                self.open.remove(slot, keys.into_iter());
            }
        } else if let Some(row) = self.built.row(id) {
            self.open.set_gone(row);
        }
    }
}
