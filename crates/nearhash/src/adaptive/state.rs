//! The points of an index at one moment: those in buckets, and those that came later.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::adaptive::answers::CalibrationPoint;
use crate::adaptive::calibrate::{Calibration, RECALLS};
use crate::adaptive::layout::{FEWEST, Shape};
use crate::adaptive::model::Model;
use crate::adaptive::open::Open;
use crate::adaptive::plan::Plan;
use crate::control::Control;
use crate::error::Result;
use crate::guarded::PointState;
use crate::metric::{Metric, Prepared, points_need_wide};
use crate::points::{Points, RowData, RowsView};

/// A model with what was measured on it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) model: Model,
    pub(super) calibrations: Vec<Calibration>,
    /// Points that the model was fitted to.
    fitted: usize,
    /// The last plan that was made, with its k and recall: mostly the next search wants the same.
    plan: Mutex<Option<(usize, u64, Arc<Plan>)>>,
    /// The row of each id, or none: made when it is first asked for.
    rows: OnceLock<Vec<u32>>,
}

/// No row.
const NONE: u32 = u32::MAX;

impl Built {
    pub(super) fn fit(
        points: &RowsView<'_>,
        metric: Metric,
        shape: Shape,
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let mut model = Model::fit(points, metric, shape, seed, control)?;
        // Distances that float32 cannot hold are never searched by codes.
        let wide = points_need_wide(metric, points.magnitude());
        let mut calibrations = if wide {
            Vec::new()
        } else {
            model.calibrate(seed, control)?
        };
        while let Some(bits) = model.codes.bits.finer()
            && calibrations
                .iter()
                .any(|calibration| calibration.is_too_coarse)
        {
            model = model.with_bits(bits, control)?;
            calibrations = model.calibrate(seed, control)?;
        }
        Ok(Self {
            fitted: points.rows(),
            model,
            calibrations,
            plan: Mutex::default(),
            rows: OnceLock::new(),
        })
    }

    /// How to search for `k` neighbours and a recall below 1.
    pub(super) fn plan(&self, k: usize, recall: f64) -> Option<Arc<Plan>> {
        let mut last = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((for_k, for_recall, plan)) = &*last
            && (*for_k, *for_recall) == (k, recall.to_bits())
        {
            return Some(plan.clone());
        }
        let buckets = self.model.centres.len();
        let plan = Arc::new(Plan::new(&self.calibrations, k, recall, buckets)?);
        *last = Some((k, recall.to_bits(), plan.clone()));
        Some(plan)
    }

    /// What each recall costs, as it was measured.
    pub(super) fn curve(&self) -> Vec<CalibrationPoint> {
        let points = self.calibrations.iter().flat_map(|calibration| {
            let settings = calibration.settings.iter().zip(RECALLS);
            settings.map(|(setting, recall)| CalibrationPoint {
                k: calibration.k,
                recall,
                probes: setting.probes,
            })
        });
        points.collect()
    }

    /// The row of an id, deleted or not.
    pub(super) fn row(&self, id: u32) -> Option<u32> {
        let rows = self.rows.get_or_init(|| {
            let most = self.model.ids.iter().max().map_or(0, |id| *id as usize + 1);
            let mut rows = vec![NONE; most];
            for (row, id) in self.model.ids.iter().enumerate() {
                rows[*id as usize] = row as u32;
            }
            rows
        });
        rows.get(id as usize).copied().filter(|row| *row != NONE)
    }
}

/// A consistent state of the points.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) dim: usize,
    pub(super) metric: Metric,
    pub(super) built: Option<Arc<Built>>,
    /// Which of the built rows there are, a word a group.
    pub(super) live: Arc<Vec<u16>>,
    /// Built rows that were deleted or replaced.
    pub(super) gone: usize,
    pub(super) open: Open,
    pub(super) next_id: u32,
}

/// The open part may grow to this many points before they are put into buckets, or to this part of
/// those that are in buckets.
const OPEN_POINTS: usize = 256;
const OPEN_PART: usize = 128;
/// A model serves until there are so many times the points that it was fitted to.
const OUTGROWN: usize = 2;

impl State {
    pub(super) fn empty(dim: usize, metric: Metric) -> Self {
        Self {
            dim,
            metric,
            built: None,
            live: Arc::default(),
            gone: 0,
            open: Open::new(dim),
            next_id: 0,
        }
    }

    /// Of these points, whose ids are their rows' numbers.
    pub(super) fn fit(
        points: &RowsView<'_>,
        metric: Metric,
        shape: Shape,
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let mut state = Self::empty(points.dim(), metric);
        if points.rows() < FEWEST {
            let norms = Prepared::new("x", points, metric)?.into_norms();
            state.add_open(points, norms.as_deref(), 0..points.rows() as u32);
        } else {
            state.set_built(Built::fit(points, metric, shape, seed, control)?);
        }
        state.next_id = points.rows() as u32;
        Ok(state)
    }

    fn set_built(&mut self, built: Built) {
        self.live = Arc::new(built.model.codes.live.clone());
        self.gone = 0;
        self.built = Some(Arc::new(built));
    }

    /// Add rows to the open part, with their inverse norms under cosine, under these ids.
    pub(super) fn add_open(
        &mut self,
        rows: &RowsView<'_>,
        norms: Option<&[f32]>,
        ids: impl IntoIterator<Item = u32>,
    ) {
        let mut row = vec![0.0; rows.dim()];
        for (i, id) in (0..rows.rows()).zip(ids) {
            rows.copy_row(i, &mut row);
            self.open.add(id, &row, norms.map(|norms| norms[i]));
        }
    }

    /// Points.
    pub(super) fn len(&self) -> usize {
        self.built_rows() - self.gone + self.open.len()
    }

    pub(super) fn built_rows(&self) -> usize {
        self.built.as_ref().map_or(0, |b| b.model.points.rows())
    }

    /// Whether the open part takes so many points more before they are put into buckets.
    pub(super) fn has_room(&self, more: usize) -> bool {
        let most = match self.built {
            Some(_) => OPEN_POINTS.max(self.built_rows() / OPEN_PART),
            None => FEWEST - 1,
        };
        self.open.len() + more <= most
    }

    /// The built row of a point.
    pub(super) fn built_row(&self, id: u32) -> Option<u32> {
        let built = self.built.as_ref()?;
        built.row(id).filter(|row| {
            let (word, bit) = built.model.codes.place(*row);
            self.live[word] & bit != 0
        })
    }

    /// Ids of the points equal to `wanted`.
    pub(super) fn equal_to(&self, wanted: &[f32]) -> Vec<u32> {
        let mut ids: Vec<u32> = (0..self.open.len())
            .filter(|slot| self.open.row(*slot) == wanted)
            .map(|slot| self.open.ids[slot])
            .collect();
        if let Some(built) = &self.built {
            let model = &built.model;
            let mut row = vec![0.0; self.dim];
            for (i, id) in model.ids.iter().enumerate() {
                model.points.view().copy_row(i, &mut row);
                if row == wanted && self.built_row(*id).is_some() {
                    ids.push(*id);
                }
            }
        }
        ids
    }

    /// Whether distances must be computed in f64.
    pub(super) fn needs_wide(&self) -> bool {
        let built = self
            .built
            .as_ref()
            .map_or(0.0, |b| b.model.points.view().magnitude());
        points_need_wide(self.metric, built.max(self.open.magnitude()))
    }

    /// Ids and vectors of all points, by id, and `more` after them; in the type of the built ones
    /// when all values are of it.
    fn all_with(&self, more: &RowsView<'_>, new: Range<u32>) -> Result<(Vec<u32>, Points)> {
        let mut ids: Vec<(u32, Option<u32>)> = Vec::with_capacity(self.len() + more.rows());
        if let Some(built) = &self.built {
            for (row, id) in built.model.ids.iter().enumerate() {
                let (word, bit) = built.model.codes.place(row as u32);
                if self.live[word] & bit != 0 {
                    ids.push((*id, Some(row as u32)));
                }
            }
        }
        ids.extend(self.open.ids.iter().map(|id| (*id, None)));
        ids.sort_unstable();
        let dim = self.dim;
        let mut values = vec![0.0_f32; (ids.len() + more.rows()) * dim];
        let (old, added) = values.split_at_mut(ids.len() * dim);
        for ((id, row), out) in ids.iter().zip(old.chunks_exact_mut(dim)) {
            match (row, &self.built) {
                (Some(row), Some(built)) => {
                    built.model.points.view().copy_row(*row as usize, out);
                }
                _ => {
                    if let Some(slot) = self.open.slot(*id) {
                        out.copy_from_slice(self.open.row(slot));
                    }
                }
            }
        }
        for (i, out) in added.chunks_exact_mut(dim).enumerate() {
            more.copy_row(i, out);
        }
        let mut ids: Vec<u32> = ids.into_iter().map(|(id, _)| id).collect();
        ids.extend(new);
        let kind = self.built.as_ref().map(|b| b.model.points.view().values());
        let data = match kind {
            Some(kind) => kind.narrowed(values),
            None => RowData::F32(values),
        };
        Ok((ids, Points::new(data, dim)?))
    }

    /// The same points and those of `more`, all in buckets if they are enough for that.
    pub(super) fn filed(
        &self,
        more: &RowsView<'_>,
        new: Range<u32>,
        shape: Shape,
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let next_id = new.end;
        let (ids, points) = self.all_with(more, new)?;
        let mut state = Self::empty(self.dim, self.metric);
        state.next_id = next_id;
        if points.rows() < FEWEST {
            let norms = Prepared::new("x", &points.view(), self.metric)?.into_norms();
            state.add_open(&points.view(), norms.as_deref(), ids);
            return Ok(state);
        }
        let built = match &self.built {
            Some(old)
                if points.rows() <= OUTGROWN * old.fitted
                    && OUTGROWN * points.rows() >= old.fitted =>
            {
                Built {
                    model: old.model.refiled(&points.view(), &ids, control)?,
                    calibrations: old.calibrations.clone(),
                    fitted: old.fitted,
                    plan: Mutex::default(),
                    rows: OnceLock::new(),
                }
            }
            _ => {
                let mut built = Built::fit(&points.view(), self.metric, shape, seed, control)?;
                for id in &mut built.model.ids {
                    *id = ids[*id as usize];
                }
                built
            }
        };
        state.set_built(built);
        Ok(state)
    }

    /// Bytes held, the points included.
    pub(super) fn memory_bytes(&self) -> usize {
        let built = self.built.as_ref().map_or(0, |built| {
            built.model.points.memory_bytes()
                + built.model.overhead_bytes()
                + built.rows.get().map_or(0, |rows| rows.len() * 4)
        });
        built + self.live.len() * 2 + self.open.memory_bytes()
    }
}

impl PointState for State {
    fn dim(&self) -> usize {
        self.dim
    }

    fn next_id(&self) -> u32 {
        self.next_id
    }

    fn has(&self, id: u32) -> bool {
        self.open.slot(id).is_some() || self.built_row(id).is_some()
    }

    fn copy_vector(&self, id: u32, out: &mut [f32]) -> bool {
        if let Some(slot) = self.open.slot(id) {
            out.copy_from_slice(self.open.row(slot));
            return true;
        }
        match (self.built_row(id), &self.built) {
            (Some(row), Some(built)) => {
                built.model.points.view().copy_row(row as usize, out);
                true
            }
            _ => false,
        }
    }

    fn remove(&mut self, id: u32) {
        if let Some(slot) = self.open.slot(id) {
            self.open.remove(slot);
        } else if let (Some(row), Some(built)) = (self.built_row(id), &self.built) {
            let (word, bit) = built.model.codes.place(row);
            Arc::make_mut(&mut self.live)[word] &= !bit;
            self.gone += 1;
        }
    }
}

#[cfg(test)]
mod tests;
