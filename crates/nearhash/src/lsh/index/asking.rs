//! What changes nothing.

use super::LshIndex;
use crate::control::Control;
use crate::error::{Error, Result, check_at_least_1};
use crate::evaluation::Evaluation;
use crate::exact::{self, Neighbors};
use crate::guarded::PointState;
use crate::lsh::answers::Predictions;
use crate::lsh::built;
use crate::lsh::options::{PredictOptions, SearchOptions};
use crate::points::{RowSlice, RowsView, check_dim, one_row};

impl LshIndex {
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
        let state = self.state_for("search", queries)?;
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
        check_dim("x", query.dim(), Some(state.dim()))?;
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
        check_at_least_1("top_k", options.top_k)?;
        if let Some(bound) = options.bound {
            check_at_least_1("bound", bound)?;
        }
        let state = self.state_for("predict", queries)?;
        let k = options.top_k.min(state.len().max(1));
        let effort = Self::effort(&state, budget, options.bound);
        let (found, collisions) = self.searcher(&state).search(queries, k, effort, control)?;
        let mut predictions = Predictions::compact(found, collisions);
        if options.vectors {
            predictions.vectors = Some(state.vectors(&predictions.ids, control)?);
        }
        Ok(predictions)
    }

    /// Ids that share a probed bucket with the first row of `row`, ascending, without ranking.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn candidates(&self, row: &RowsView<'_>) -> Result<Vec<u32>> {
        let state = self.state_or_empty("query")?;
        let row = one_row(row)?;
        check_dim("v", row.dim(), Some(state.dim()))?;
        let effort = Self::effort(&state, self.budget(), None);
        self.searcher(&state).candidates(&row, effort)
    }

    /// Hash values of vectors: rows × tables × projections, bits for SRP and bucket numbers for L2
    /// (which end at ±2³⁰).
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn hash(&self, rows: &RowsView<'_>) -> Result<Vec<i32>> {
        let state = self.state_for("hash", rows)?;
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
        Evaluation::check(queries, state.dim(), state.len())?;
        let (ids, points) = state.live()?;
        let points = match &options.filter {
            Some(filter) => points.picked(|row| filter.admits(ids[row]))?,
            None => points,
        };
        let searcher = self.searcher(&state).among(options.filter.as_ref());
        let effort = Self::effort(&state, options.budget.unwrap_or(self.budget()), None);
        Evaluation::of(
            || Ok(searcher.search(queries, options.k, effort, control)?.0),
            || exact::knn(&points.view(), queries, options.k, self.metric(), control),
        )
    }
}
