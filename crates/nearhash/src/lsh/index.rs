//! Build, query, update.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::answers::{Description, Predictions, TableDescription};
use super::built::{self, Built};
use super::family::Family;
use super::open::Open;
use super::options::{FamilyKind, LshOptions, PredictOptions, SearchOptions};
use super::search::{Effort, ScratchPool, Searcher};
use super::state::State;
use super::tuning::Parameters;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::evaluation::Evaluation;
use crate::exact::{self, Neighbors};
use crate::guarded::Guarded;
use crate::metric::{Metric, Prepared};
use crate::points::{Points, RowSlice, RowsView, check_dim, end_of_ids, one_row};

/// An index of several hash tables.
///
/// All methods take `&self` and may be called from several threads. Searches never wait: they
/// answer from the state in which they began. Of changes (fit, store, update, delete, reset), one
/// runs at a time; another one meanwhile is [`Error::Busy`].
#[derive(Debug)]
pub struct LshIndex {
    options: LshOptions,
    state: Guarded<State>,
    budget: AtomicUsize,
    pool: ScratchPool,
}

/// Hash functions, and what they were drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) family: Arc<dyn Family>,
    pub(crate) kind: FamilyKind,
    pub(crate) seed: u64,
}

impl LshIndex {
    /// An index without points.
    ///
    /// # Errors
    /// [`Error::Argument`] for an option outside of its range, or for both `n_projections` and
    /// `bucket_size`.
    pub fn new(options: LshOptions) -> Result<Self> {
        options.check()?;
        Ok(Self {
            options,
            state: Guarded::default(),
            budget: AtomicUsize::new(0),
            pool: ScratchPool::default(),
        })
    }

    /// The state, or the empty one that the options define.
    fn state_or_empty(&self, argument: &'static str) -> Result<Arc<State>> {
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let (Some(parameters), Some(dim)) = (Parameters::given(&self.options), self.options.dim)
        else {
            return Err(Error::NotFitted {
                argument,
                allowed: "a call after fit, or an index made with dim, n_projections, \
                          n_hash_tables and (for L2) r"
                    .into(),
            });
        };
        let built = Built::empty(parameters.family(self.options.seed, dim))?;
        let state = State {
            open: Open::new(&built),
            built: Arc::new(built),
            next_id: 0,
        };
        Ok(self.state.get_or_insert(state))
    }

    /// The hash functions of this index.
    ///
    /// # Errors
    /// [`Error::NotFitted`] when there are none yet.
    pub(crate) fn drawn(&self) -> Result<Drawn> {
        Ok(Drawn {
            family: self.state_or_empty("index")?.built.family().clone(),
            kind: self.options.family,
            seed: self.options.seed,
        })
    }

    fn searcher<'a>(&'a self, state: &'a State) -> Searcher<'a> {
        Searcher {
            built: &state.built,
            open: &state.open,
            pool: &self.pool,
            filter: None,
        }
    }

    fn effort(state: &State, budget: usize, bound: Option<usize>) -> Effort {
        Effort {
            extra_buckets: budget.saturating_mul(state.built.tables().len()),
            bound: bound.unwrap_or(usize::MAX),
        }
    }

    /// Replace the points, and choose what the options left open. Ids are the rows' numbers.
    /// Searches answer from the old points until the new ones are ready.
    ///
    /// # Errors
    /// No points, vectors of another length than the option `dim`, a zero vector under cosine,
    /// another change at work, a cancellation. The index is then as it was.
    pub fn fit(&self, points: Points, control: &Control) -> Result<()> {
        let _change = self.state.change("fit")?;
        check_dim("x", points.dim(), self.options.dim)?;
        if points.rows() == 0 {
            return Err(Error::argument_error("x", "0 vectors", "at least 1 vector"));
        }
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

    /// Points in the index.
    pub fn size(&self) -> usize {
        self.state
            .get()
            .map_or(0, |state| self.searcher(&state).len())
    }

    /// Vector length, once it is known.
    pub fn dim(&self) -> Option<usize> {
        self.state
            .get()
            .map(|state| state.built.points().dim())
            .or(self.options.dim)
    }

    /// What its distances are.
    pub fn metric(&self) -> Metric {
        match self.options.family {
            FamilyKind::Srp => Metric::Cosine,
            FamilyKind::L2 { .. } => Metric::Euclidean,
        }
    }

    /// Bucket width of L2, given or chosen by fit.
    pub fn r(&self) -> Option<f32> {
        match self.options.family {
            FamilyKind::Srp => None,
            FamilyKind::L2 { r } => self
                .state
                .get()
                .and_then(|state| state.built.family().width())
                .or(r),
        }
    }

    /// Hash functions a table, given or chosen by fit.
    pub fn n_projections(&self) -> Option<usize> {
        self.state
            .get()
            .map(|state| state.built.family().planes().projections())
            .or(Parameters::given(&self.options).map(|given| given.projections))
            .or(self.options.n_projections)
    }

    /// Hash tables, given or chosen by fit.
    pub fn n_hash_tables(&self) -> Option<usize> {
        self.state
            .get()
            .map(|state| state.built.family().planes().tables())
            .or(self.options.n_hash_tables)
    }

    /// Whether storing or updating so many points means sorting all open ones in, which uses
    /// threads.
    pub fn will_sort(&self, rows: usize) -> bool {
        self.state.get().is_some_and(|state| !state.has_room(rows))
    }

    /// Bytes that points, tables, hyperplanes and codes take.
    pub fn memory_bytes(&self) -> usize {
        self.state.get().map_or(0, |state| {
            state.built.memory_bytes() + state.open.memory_bytes()
        })
    }

    /// Probe this many more buckets a table than the query's own, the likeliest of all tables.
    /// 0: base probing.
    pub fn set_budget(&self, budget: usize) {
        self.budget.store(budget, Ordering::Relaxed);
    }

    /// Additional buckets a table.
    pub fn budget(&self) -> usize {
        self.budget.load(Ordering::Relaxed)
    }

    /// The k nearest candidates of each query, ties to the lower id.
    ///
    /// # Errors
    /// No points yet and not all options given, k of 0, vectors of another length, a zero vector
    /// under cosine, a cancellation.
    pub fn search(&self, queries: &RowsView<'_>, k: usize, control: &Control) -> Result<Neighbors> {
        let options = SearchOptions {
            k,
            ..SearchOptions::default()
        };
        self.search_with(queries, &options, control)
    }

    /// [`search`](Self::search) among some of the points, or with a budget of its own.
    ///
    /// # Errors
    /// As `search`.
    pub fn search_with(
        &self,
        queries: &RowsView<'_>,
        options: &SearchOptions,
        control: &Control,
    ) -> Result<Neighbors> {
        let state = self.state_or_empty("search")?;
        check_dim("x", queries.dim(), Some(state.built.points().dim()))?;
        let effort = Self::effort(&state, options.budget.unwrap_or(self.budget()), None);
        let searcher = self.searcher(&state).among(options.filter.as_ref());
        let found = searcher.search(queries, options.k, effort, control)?;
        Ok(found.0)
    }

    /// The nearest candidates of one query, as many as the slices have places, ties to the lower
    /// id. Returns how many places are filled; the others are left as they are.
    ///
    /// # Errors
    /// As [`search`](Self::search); also slices of different lengths.
    pub fn search_one(
        &self,
        query: RowSlice<'_>,
        ids: &mut [u32],
        distances: &mut [f32],
    ) -> Result<usize> {
        if ids.is_empty() || ids.len() != distances.len() {
            return Err(Error::argument_error(
                "ids",
                format!("{} places beside {} distances", ids.len(), distances.len()),
                "as many places as distances, at least 1",
            ));
        }
        let state = self.state_or_empty("search")?;
        let query = RowsView::new(query, query.len())?;
        check_dim("x", query.dim(), Some(state.built.points().dim()))?;
        let effort = Self::effort(&state, self.budget(), None);
        self.searcher(&state)
            .search_one(&query, effort, ids, distances)
    }

    /// What floky returns: the nearest candidates, how many candidates there were and, if wanted,
    /// the neighbours' vectors.
    ///
    /// # Errors
    /// As [`search`](Self::search); also a bound of 0.
    pub fn predict(
        &self,
        queries: &RowsView<'_>,
        options: &PredictOptions,
        control: &Control,
    ) -> Result<Predictions> {
        self.predict_at(self.budget(), queries, options, control)
    }

    /// [`predict`](Self::predict) with a budget of its own, for calls that wait before they begin.
    ///
    /// # Errors
    /// As `predict`.
    pub fn predict_at(
        &self,
        budget: usize,
        queries: &RowsView<'_>,
        options: &PredictOptions,
        control: &Control,
    ) -> Result<Predictions> {
        let at_least_1 = |argument, value| {
            if value == 0 {
                return Err(Error::argument_error(
                    argument,
                    value,
                    "a whole number, at least 1",
                ));
            }
            Ok(value)
        };
        at_least_1("top_k", options.top_k)?;
        options
            .bound
            .map(|bound| at_least_1("bound", bound))
            .transpose()?;
        let state = self.state_or_empty("predict")?;
        check_dim("x", queries.dim(), Some(state.built.points().dim()))?;
        let searcher = self.searcher(&state);
        let k = options.top_k.min(searcher.len().max(1));
        let effort = Self::effort(&state, budget, options.bound);
        let (found, collisions) = searcher.search(queries, k, effort, control)?;
        let mut predictions = Predictions::compact(found, collisions);
        if options.vectors {
            predictions.vectors = Some(state.vectors(&predictions.ids, control)?);
        }
        Ok(predictions)
    }

    /// Add points; their ids follow on. An index without points can take some when its options
    /// say everything (`dim`, `n_projections`, `n_hash_tables`, for L2 `r`).
    ///
    /// # Errors
    /// As [`fit`](Self::fit); more than `u32::MAX` ids.
    pub fn store(&self, rows: &RowsView<'_>, control: &Control) -> Result<Range<u32>> {
        let _change = self.state.change("store")?;
        let state = self.state_or_empty("store")?;
        let built = &state.built;
        check_dim("x", rows.dim(), Some(built.points().dim()))?;
        let prepared = Prepared::new("x", rows, self.metric())?;
        let first = state.next_id;
        let end = end_of_ids(first, rows.rows())?;
        drop(prepared);
        if !state.has_room(rows.rows()) {
            let sorted = state.sorted(rows, first..end, control)?;
            control.commit()?;
            self.state.set(Some(sorted));
            return Ok(first..end);
        }
        const STEP: usize = 256;
        let mut hashed = Vec::new();
        for start in (0..rows.rows()).step_by(STEP) {
            control.check()?;
            let part = rows.slice(start..(start + STEP).min(rows.rows()));
            let prepared = Prepared::new("x", &part, self.metric())?;
            let keys = built::hash_rows(built.family().as_ref(), &prepared);
            let norms = prepared.into_norms();
            hashed.push((part, keys, norms));
        }
        control.commit()?;
        self.state.amend(state, |state| {
            state.next_id = end;
            let mut row = vec![0.0; rows.dim()];
            let mut id = first;
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
        Ok(first..end)
    }

    /// Remove a point. Returns 1, or 0 when there is none of that id.
    ///
    /// # Errors
    /// Another change at work.
    pub fn delete(&self, id: u32) -> Result<usize> {
        let _change = self.state.change("delete")?;
        match self.state.get() {
            Some(state) if state.has(id) => {
                self.state.amend(state, |state| state.remove(id));
                Ok(1)
            }
            _ => Ok(0),
        }
    }

    /// Remove the points equal to a vector, the first row of `row`. Returns how many went.
    ///
    /// # Errors
    /// Vectors of another length, a zero vector under cosine, another change at work.
    pub fn delete_equal(&self, row: &RowsView<'_>) -> Result<usize> {
        let _change = self.state.change("delete")?;
        let row = one_row(row)?;
        let Some(state) = self.state.get() else {
            return Ok(0);
        };
        check_dim("v", row.dim(), Some(state.built.points().dim()))?;
        let mut values = vec![0.0; row.dim()];
        row.copy_row(0, &mut values);
        // Equal vectors have equal keys: the query's own buckets hold them all.
        let effort = Effort {
            extra_buckets: 0,
            bound: usize::MAX,
        };
        let mut ids = self.searcher(&state).candidates(&row, effort)?;
        let mut other = vec![0.0; row.dim()];
        ids.retain(|id| state.copy_vector(*id, &mut other) && other == values);
        if !ids.is_empty() {
            self.state
                .amend(state, |state| ids.iter().for_each(|id| state.remove(*id)));
        }
        Ok(ids.len())
    }

    /// Replace the vector behind an id by the first row of `row`.
    ///
    /// # Errors
    /// [`Error::UnknownId`]; vectors of another length, a zero vector under cosine, another change
    /// at work.
    pub fn update(&self, id: u32, row: &RowsView<'_>) -> Result<()> {
        let _change = self.state.change("update")?;
        let row = one_row(row)?;
        let state = self
            .state
            .get()
            .filter(|state| state.has(id))
            .ok_or(Error::UnknownId { received: id })?;
        check_dim("v", row.dim(), Some(state.built.points().dim()))?;
        let prepared = Prepared::new("v", &row, self.metric())?;
        let keys = built::hash_rows(state.built.family().as_ref(), &prepared);
        let norm = prepared.into_norms().map(|norms| norms[0]);
        let mut values = vec![0.0; row.dim()];
        row.copy_row(0, &mut values);
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

    /// The vector behind an id.
    pub fn vector(&self, id: u32) -> Option<Vec<f32>> {
        let state = self.state.get()?;
        let mut out = vec![0.0; state.built.points().dim()];
        state.copy_vector(id, &mut out).then_some(out)
    }

    /// Ids that share a probed bucket with the first row of `row`, ascending, without ranking.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn candidates(&self, row: &RowsView<'_>) -> Result<Vec<u32>> {
        let state = self.state_or_empty("query")?;
        let row = one_row(row)?;
        check_dim("v", row.dim(), Some(state.built.points().dim()))?;
        let effort = Self::effort(&state, self.budget(), None);
        self.searcher(&state).candidates(&row, effort)
    }

    /// Hash values of vectors: rows × tables × projections, bits for SRP and bucket numbers for L2
    /// (which end at ±2³⁰).
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn hash(&self, rows: &RowsView<'_>) -> Result<Vec<i32>> {
        let state = self.state_or_empty("hash")?;
        check_dim("x", rows.dim(), Some(state.built.points().dim()))?;
        built::hash_values(state.built.family().as_ref(), rows, &Control::new())
    }

    /// The non-empty buckets of one table, by name (`0110`, or `3,-1,0,2`): the ids in each,
    /// ascending. Buckets stand in the order of their lowest ids.
    ///
    /// # Errors
    /// No such table; no points yet and not all options given.
    pub fn buckets(&self, table: usize) -> Result<Vec<(String, Vec<u32>)>> {
        let state = self.state_or_empty("buckets")?;
        let family = state.built.family().as_ref();
        let planes = family.planes();
        if table >= planes.tables() {
            return Err(Error::argument_error(
                "table",
                table,
                format!("0 to {}", planes.tables() - 1),
            ));
        }
        // Hashed anew: names come from hash values, which tables do not keep.
        let (ids, points) = state.live()?;
        let row_values = planes.tables() * planes.projections();
        let start = table * planes.projections();
        let mut names = std::collections::HashMap::new();
        let mut buckets: Vec<(String, Vec<u32>)> = Vec::new();
        const STEP: usize = 4096;
        for first in (0..points.rows()).step_by(STEP) {
            let part = points
                .view()
                .slice(first..(first + STEP).min(points.rows()));
            let values = built::hash_values(family, &part, &Control::new())?;
            for (id, values) in ids[first..].iter().zip(values.chunks_exact(row_values)) {
                let name = family.bucket_name(&values[start..start + planes.projections()]);
                let at = *names.entry(name).or_insert_with_key(|name| {
                    buckets.push((name.clone(), Vec::new()));
                    buckets.len() - 1
                });
                buckets[at].1.push(*id);
            }
        }
        Ok(buckets)
    }

    /// Parameters, probing, memory and the shape of every table.
    pub fn describe(&self) -> Description {
        let state = self.state.get();
        Description {
            family: match self.options.family {
                FamilyKind::Srp => "srp",
                FamilyKind::L2 { .. } => "l2",
            },
            size: self.size(),
            dim: self.dim(),
            n_projections: self.n_projections(),
            n_hash_tables: self.n_hash_tables(),
            r: self.r(),
            seed: self.options.seed,
            budget: self.budget(),
            memory_bytes: self.memory_bytes(),
            tables: state.as_ref().map_or_else(Vec::new, |state| {
                let points = state.built.points().rows();
                let family = state.built.family();
                state
                    .built
                    .tables()
                    .iter()
                    .map(|table| TableDescription {
                        buckets: table.buckets(),
                        mean_bucket_size: points as f64 / table.buckets().max(1) as f64,
                        max_bucket_size: table.largest(),
                        empty_share: family.empty_share(table.buckets(), points),
                    })
                    .collect()
            }),
        }
    }

    /// Recall and time of [`search`](Self::search) on these queries, beside exact search.
    ///
    /// # Errors
    /// As `search`; no queries, or no points.
    pub fn evaluate(
        &self,
        queries: &RowsView<'_>,
        k: usize,
        control: &Control,
    ) -> Result<Evaluation> {
        let options = SearchOptions {
            k,
            ..SearchOptions::default()
        };
        self.evaluate_with(queries, &options, control)
    }

    /// [`evaluate`](Self::evaluate) of [`search_with`](Self::search_with). With a filter, exact
    /// search is among the same points.
    ///
    /// # Errors
    /// As `evaluate`.
    pub fn evaluate_with(
        &self,
        queries: &RowsView<'_>,
        options: &SearchOptions,
        control: &Control,
    ) -> Result<Evaluation> {
        let state = self.state_or_empty("evaluate")?;
        if queries.rows() == 0 {
            return Err(Error::argument_error("x", "0 vectors", "at least 1 vector"));
        }
        check_dim("x", queries.dim(), Some(state.built.points().dim()))?;
        let (ids, points) = state.live()?;
        if points.rows() == 0 {
            return Err(Error::NotFitted {
                argument: "evaluate",
                allowed: "a call while the index has points".into(),
            });
        }
        let points = match &options.filter {
            Some(filter) => points.picked(|row| filter.admits(ids[row]))?,
            None => points,
        };
        let searcher = self.searcher(&state).among(options.filter.as_ref());
        let effort = Self::effort(&state, options.budget.unwrap_or(self.budget()), None);
        let start = Instant::now();
        let (found, _) = searcher.search(queries, options.k, effort, control)?;
        let micros = start.elapsed().as_secs_f64() * 1e6;
        let start = Instant::now();
        let truth = exact::knn(&points.view(), queries, options.k, self.metric(), control)?;
        let exact_micros = start.elapsed().as_secs_f64() * 1e6;
        Ok(Evaluation::new(&found, &truth, micros, exact_micros))
    }

    /// Forget the points, keep the options.
    ///
    /// # Errors
    /// Another change at work.
    pub fn reset(&self) -> Result<()> {
        let _change = self.state.change("reset")?;
        self.state.set(None);
        self.pool.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
