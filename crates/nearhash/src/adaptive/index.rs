//! Fit, search, update.

use std::ops::Range;
use std::sync::Arc;

use crate::adaptive::answers::{Codes, Description};
use crate::adaptive::options::{IndexOptions, SearchOptions};
use crate::adaptive::searcher::{ScratchPool, Searcher};
use crate::adaptive::state::State;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::evaluation::Evaluation;
use crate::exact::Neighbors;
use crate::guarded::{Guarded, PointState};
use crate::metric::{Metric, Prepared};
use crate::points::{Points, RowSlice, RowsView, check_dim};

/// The fast index.
///
/// All methods take `&self` and may be called from several threads. Searches never wait: they
/// answer from the state in which they began. Of changes (fit, store, update, delete, reset), one
/// runs at a time; another one meanwhile is [`Error::Busy`].
#[derive(Debug)]
pub struct AdaptiveIndex {
    options: IndexOptions,
    state: Guarded<State>,
    pool: ScratchPool,
}

impl AdaptiveIndex {
    /// An index without points.
    ///
    /// # Errors
    /// [`Error::Argument`] for an option outside of its range.
    pub fn new(options: IndexOptions) -> Result<Self> {
        options.check()?;
        Ok(Self {
            options,
            state: Guarded::default(),
            pool: ScratchPool::default(),
        })
    }

    /// The options that it was made with.
    pub fn options(&self) -> &IndexOptions {
        &self.options
    }

    /// The state without points, where the vectors' length is known, for the call `argument`.
    fn empty(&self, argument: &'static str) -> Result<State> {
        let Some(dim) = self.options.dim else {
            return Err(Error::NotFitted {
                argument,
                allowed: "a call after fit, or an index made with dim".into(),
            });
        };
        Ok(State::empty(dim, self.options.metric))
    }

    /// The state, or the empty one.
    fn state_or_empty(&self, argument: &'static str) -> Result<Arc<State>> {
        self.state.get_or_insert(|| self.empty(argument))
    }

    fn searcher<'a>(
        &'a self,
        state: &'a State,
        options: &'a SearchOptions,
    ) -> Result<Searcher<'a>> {
        options.check()?;
        let recall = options.recall.unwrap_or(self.options.recall);
        Ok(Searcher::new(state, options, recall))
    }

    /// Replace the points. Ids are the rows' numbers. Searches answer from the old points until the
    /// new ones are ready.
    ///
    /// # Errors
    /// No points, vectors of another length than the option `dim`, a zero vector under cosine,
    /// another change at work, a cancellation. The index is then as it was.
    pub fn fit(&self, points: Points, control: &Control) -> Result<()> {
        self.fit_rows(&points.view(), control)
    }

    /// [`fit`](Self::fit) of rows that are only looked at. The index keeps a copy, in the order of its
    /// buckets.
    ///
    /// # Errors
    /// As `fit`.
    pub fn fit_rows(&self, rows: &RowsView<'_>, control: &Control) -> Result<()> {
        let _change = self.state.to_fit(rows, self.options.dim)?;
        let options = &self.options;
        let (metric, seed) = (options.metric, options.seed);
        let state = State::fit(rows, metric, options.shape(), seed, control)?;
        control.commit()?;
        self.state.set(Some(state));
        Ok(())
    }

    /// Points in the index.
    pub fn size(&self) -> usize {
        self.state.get().map_or(0, |state| state.len())
    }

    /// Vector length, once it is known.
    pub fn dim(&self) -> Option<usize> {
        self.state.get().map(|state| state.dim).or(self.options.dim)
    }

    /// What near means.
    pub fn metric(&self) -> Metric {
        self.options.metric
    }

    /// Bytes held, about.
    pub fn memory_bytes(&self) -> usize {
        self.state.get().map_or(0, |state| state.memory_bytes())
            + self.pool.memory_bytes(|scratch| scratch.memory_bytes())
    }

    /// The nearest points of each query, nearest first, ties to the lower id.
    ///
    /// # Errors
    /// Before fit; queries of another length or, under cosine, without direction; options outside of
    /// their range; a cancellation.
    pub fn search(
        &self,
        queries: &RowsView<'_>,
        options: &SearchOptions,
        control: &Control,
    ) -> Result<Neighbors> {
        let state = self.state.get_for(queries, || self.empty("search"))?;
        let searcher = self.searcher(&state, options)?;
        searcher.search(queries, &self.pool, control)
    }

    /// The nearest points of one query to `ids` and `distances`, which are `options.k` long. Returns
    /// how many there are.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    ///
    /// # Panics
    /// When `ids` or `distances` is shorter than `options.k`.
    pub fn search_one(
        &self,
        query: RowSlice<'_>,
        options: &SearchOptions,
        ids: &mut [u32],
        distances: &mut [f32],
    ) -> Result<usize> {
        let state = self.state_or_empty("search")?;
        check_dim("x", query.len(), Some(state.dim))?;
        let query = RowsView::new(query, state.dim)?;
        let searcher = self.searcher(&state, options)?;
        searcher.search_one(&query, &self.pool, ids, distances)
    }

    /// Add points; their ids follow on. An index without points can take some when its options say
    /// the vectors' length.
    ///
    /// # Errors
    /// As [`fit`](Self::fit); more than `u32::MAX` ids.
    pub fn store(&self, rows: &RowsView<'_>, control: &Control) -> Result<Range<u32>> {
        let (_change, state, ids) = self.state.to_store(rows, || self.empty("store"))?;
        let norms = Prepared::new("x", rows, self.options.metric)?.into_norms();
        if !state.has_room(rows.rows()) {
            let options = &self.options;
            let (shape, seed) = (options.shape(), options.seed);
            let filed = state.filed(rows, ids.clone(), shape, seed, control)?;
            control.commit()?;
            self.state.set(Some(filed));
            return Ok(ids);
        }
        control.commit()?;
        self.state.amend(state, |state| {
            state.add_open(rows, norms.as_deref(), ids.clone());
            state.next_id = ids.end;
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

    /// Remove the points equal to a vector, the first row of `row`. Returns how many went. Looks
    /// at all points.
    ///
    /// # Errors
    /// Vectors of another length, a zero vector under cosine, another change at work.
    pub fn delete_equal(&self, row: &RowsView<'_>) -> Result<usize> {
        self.state.delete_equal(row, |state, row, values| {
            drop(Prepared::new("v", row, self.options.metric)?);
            Ok(state.equal_to(values))
        })
    }

    /// Replace the vector behind an id by the first row of `row`.
    ///
    /// # Errors
    /// [`Error::UnknownId`]; vectors of another length, a zero vector under cosine, another change
    /// at work.
    pub fn update(&self, id: u32, row: &RowsView<'_>) -> Result<()> {
        let _change = self.state.change("update")?;
        let (state, row, values) = self.state.to_update(id, row)?;
        let norm = Prepared::new("v", &row, self.options.metric)?
            .into_norms()
            .map(|norms| norms[0]);
        let state = if state.has_room(1) {
            state
        } else {
            let options = &self.options;
            let none = state.next_id..state.next_id;
            let filed = state.filed(
                &row.slice(0..0),
                none,
                options.shape(),
                options.seed,
                &Control::new(),
            )?;
            self.state.set(Some(filed));
            self.state_or_empty("update")?
        };
        self.state.amend(state, |state| {
            state.remove(id);
            state.open.add(id, &values, norm);
        });
        Ok(())
    }

    /// The vector behind an id.
    pub fn vector(&self, id: u32) -> Option<Vec<f32>> {
        self.state.vector(id)
    }

    /// What the index looks like.
    pub fn describe(&self) -> Description {
        let state = self.state.get();
        let built = state.as_ref().and_then(|state| state.built.as_ref());
        Description {
            metric: self.options.metric,
            size: self.size(),
            dim: self.dim(),
            recall: self.options.recall,
            k: self.options.k,
            seed: self.options.seed,
            memory_bytes: self.memory_bytes(),
            codes: built.map(|built| {
                let model = &built.model;
                let sizes = model.codes.buckets.iter().map(|b| b.rows as usize);
                Codes {
                    axes: model.projection.axes(),
                    bits: model.codes.bits.number(),
                    settle: model.settle,
                    buckets: model.centres.len(),
                    mean_bucket_size: model.points.rows() as f64 / model.centres.len() as f64,
                    max_bucket_size: sizes.max().unwrap_or(0),
                    bytes_per_vector: model.overhead_bytes() as f64 / model.points.rows() as f64,
                    calibration: built.curve(),
                }
            }),
            open: state.as_ref().map_or(0, |state| state.open.len()),
        }
    }

    /// Recall and time of [`search`](Self::search) on these queries, beside exact search.
    ///
    /// # Errors
    /// As `search`; no queries, or no points.
    pub fn evaluate(
        &self,
        queries: &RowsView<'_>,
        options: &SearchOptions,
        control: &Control,
    ) -> Result<Evaluation> {
        let state = self.state_or_empty("evaluate")?;
        Evaluation::check(queries, state.dim, state.len())?;
        let exact = SearchOptions {
            recall: Some(1.0),
            probes: None,
            ..options.clone()
        };
        let search = |options| {
            let searcher = self.searcher(&state, options)?;
            searcher.search(queries, &self.pool, control)
        };
        Evaluation::of(|| search(options), || search(&exact))
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
