//! Searches in one state: which way, for one query or many.

use std::sync::Arc;

use rayon::prelude::*;

use crate::adaptive::model::Model;
use crate::adaptive::options::SearchOptions;
use crate::adaptive::plan::Plan;
use crate::adaptive::search::Scratch;
use crate::adaptive::state::State;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact::Neighbors;
use crate::filter::Filter;
use crate::kernel::{Kernels, padded_width};
use crate::metric::{Metric, inverse_norm, query_needs_wide, wide_distance};
use crate::points::RowsView;

/// Queries that a thread takes at once.
const TASK: usize = 32;
/// Rows that are compared at once in a full scan.
const SCAN_ROWS: usize = 1024;
/// Where a filter admits no more rows than this, or this part of them, they are all compared.
const FEW_ROWS: usize = 512;
const FEW_PART: usize = 64;

/// The recall whose margins serve where 1 is asked of a number of probes.
const MARGIN_RECALL: f64 = 0.999;

/// Scratch memory that searches leave for later ones.
pub(super) type ScratchPool = crate::scratch::ScratchPool<Scratch>;

/// Which built rows a search may find.
enum Admitted<'a> {
    /// Those of the state.
    Live(&'a [u16]),
    /// Some of them, a word a group, and how many.
    Some(Vec<u16>, usize),
    /// So few that they are listed.
    Listed(Vec<u32>),
}

/// How the built rows are searched.
enum Way {
    /// By buckets and codes.
    Buckets(Arc<Plan>),
    /// All of them.
    Scan,
}

/// A search in one state.
pub(super) struct Searcher<'a> {
    state: &'a State,
    filter: Option<&'a Filter>,
    k: usize,
    admitted: Admitted<'a>,
    way: Way,
    wide: bool,
}

impl<'a> Searcher<'a> {
    /// With checked options.
    pub(super) fn new(state: &'a State, options: &'a SearchOptions, recall: f64) -> Self {
        let k = options.k.min(state.len().max(1));
        let filter = options.filter.as_ref();
        let admitted = Self::admit(state, filter);
        // The k nearest of those admitted are as far as so many of all.
        let among = match &admitted {
            Admitted::Some(_, count) => (k * state.built_rows()).div_ceil(*count),
            _ => k,
        };
        let plan = state.built.as_ref().and_then(|built| match options.probes {
            None if recall >= 1.0 => None,
            None => built.plan(among, recall),
            Some(probes) => {
                // Margins as for the recall that is asked otherwise.
                let plan = built.plan(among, recall.min(MARGIN_RECALL))?;
                Some(Arc::new(Plan::clone(&plan).with_probes(probes)))
            }
        });
        let plan = plan.map(|plan| {
            if among == k {
                plan
            } else {
                Arc::new(Plan::clone(&plan).with_k(k))
            }
        });
        Self {
            filter,
            k,
            admitted,
            way: plan.map_or(Way::Scan, Way::Buckets),
            wide: state.needs_wide(),
            state,
        }
    }

    fn admit(state: &'a State, filter: Option<&Filter>) -> Admitted<'a> {
        let (Some(filter), Some(built)) = (filter, &state.built) else {
            return Admitted::Live(&state.live);
        };
        let mut live = state.live.to_vec();
        let mut admitted = 0;
        for bucket in &built.model.codes.buckets {
            let ids = &built.model.ids[bucket.first_row as usize..][..bucket.rows as usize];
            let words = &mut live[bucket.first_group as usize..][..bucket.groups() as usize];
            for (ids, word) in ids.chunks(16).zip(words) {
                for (lane, id) in ids.iter().enumerate() {
                    if !filter.admits(*id) {
                        *word &= !(1 << lane);
                    }
                }
                admitted += word.count_ones() as usize;
            }
        }
        if admitted > FEW_ROWS.max(built.model.points.rows() / FEW_PART) {
            return Admitted::Some(live, admitted);
        }
        Admitted::Listed(rows_of(&built.model, &live).collect())
    }

    /// The nearest of one query, to `ids` and `distances`; how many.
    pub(super) fn search_one(
        &self,
        query: &RowsView<'_>,
        pool: &ScratchPool,
        ids: &mut [u32],
        distances: &mut [f32],
    ) -> Result<usize> {
        pool.with(|scratch| {
            self.answer(Kernels::get(), query, 0, scratch)?;
            Ok(scratch.top.write(ids, distances) as usize)
        })
    }

    /// The nearest of each query.
    pub(super) fn search(
        &self,
        queries: &RowsView<'_>,
        pool: &ScratchPool,
        control: &Control,
    ) -> Result<Neighbors> {
        let k = self.k;
        let mut out = Neighbors::empty(queries.rows(), k)?;
        control.begin("search", queries.rows());
        let kernels = Kernels::get();
        out.ids
            .par_chunks_mut(TASK * k)
            .zip(out.distances.par_chunks_mut(TASK * k))
            .zip(out.counts.par_chunks_mut(TASK))
            .enumerate()
            .try_for_each(|(task, ((ids, distances), counts))| {
                control.check()?;
                let places = ids.chunks_mut(k).zip(distances.chunks_mut(k));
                let mut answers = counts.iter_mut().zip(places).enumerate();
                let done = pool.with(|scratch| {
                    answers.try_for_each(|(i, (count, (ids, distances)))| {
                        self.answer(kernels, queries, task * TASK + i, scratch)?;
                        *count = scratch.top.write(ids, distances);
                        Ok(())
                    })
                });
                control.advance(counts.len());
                done
            })?;
        Ok(out)
    }

    /// The nearest of query `row`, to `scratch.top`.
    fn answer(
        &self,
        kernels: &Kernels,
        queries: &RowsView<'_>,
        row: usize,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let state = self.state;
        scratch.query.resize(padded_width(state.dim), 0.0);
        scratch.query[state.dim..].fill(0.0);
        queries.copy_row(row, &mut scratch.query);
        if state.metric == Metric::Cosine {
            let squared = kernels.squared_norm(&scratch.query);
            let scale = inverse_norm(&scratch.query, squared)
                .ok_or(Error::ZeroVector { argument: "x", row })?;
            scratch.query.iter_mut().for_each(|x| *x *= scale);
        }
        let wide = self.wide
            || query_needs_wide(state.metric, queries.magnitude())
                && query_needs_wide(state.metric, kernels.magnitude(&scratch.query));
        scratch.top.reset(self.k);
        if let Some(built) = &state.built {
            let model = &built.model;
            match (&self.way, &self.admitted) {
                (_, Admitted::Listed(rows)) => {
                    scan_all(kernels, model, wide, rows.iter().copied(), scratch)
                }
                (Way::Buckets(plan), Admitted::Live(_) | Admitted::Some(..))
                    if !wide && model.prepare(kernels, scratch) =>
                {
                    let live = self.live();
                    model.scan(kernels, &plan.effort, live, scratch, |checkpoint, sight| {
                        let features = sight.features(kernels);
                        features.is_some_and(|features| plan.stops(kernels, checkpoint, &features))
                    });
                    model.rank(kernels, self.k, scratch);
                }
                _ => scan_all(kernels, model, wide, rows_of(model, self.live()), scratch),
            }
        }
        if state.open.len() > 0 {
            state.open.offer(
                kernels,
                state.metric,
                &scratch.query,
                wide,
                (&mut scratch.rows, &mut scratch.squared),
                |id| self.filter.is_none_or(|filter| filter.admits(id)),
                &mut scratch.top,
            );
        }
        Ok(())
    }

    fn live(&self) -> &[u16] {
        match &self.admitted {
            Admitted::Live(live) => live,
            Admitted::Some(live, _) => live,
            Admitted::Listed(_) => &[],
        }
    }
}

/// The rows whose bits are set.
fn rows_of<'a>(model: &'a Model, live: &'a [u16]) -> impl Iterator<Item = u32> + 'a {
    model.codes.buckets.iter().flat_map(move |bucket| {
        let words = &live[bucket.first_group as usize..][..bucket.groups() as usize];
        (0..bucket.rows)
            .filter(move |i| words[*i as usize / 16] >> (i % 16) & 1 == 1)
            .map(move |i| bucket.first_row + i)
    })
}

/// Offer rows by their exact distances.
fn scan_all(
    kernels: &Kernels,
    model: &Model,
    wide: bool,
    mut rows: impl Iterator<Item = u32>,
    scratch: &mut Scratch,
) {
    let dim = model.points.dim();
    let mut row_values = Vec::new();
    loop {
        scratch.rows.clear();
        scratch.rows.extend(rows.by_ref().take(SCAN_ROWS));
        if scratch.rows.is_empty() {
            return;
        }
        if wide {
            row_values.resize(dim, 0.0);
            for row in &scratch.rows {
                model.points.view().copy_row(*row as usize, &mut row_values);
                let distance = wide_distance(&scratch.query[..dim], &row_values);
                scratch
                    .top
                    .offer(model.metric, distance, model.ids[*row as usize]);
            }
            continue;
        }
        scratch.squared.resize(scratch.rows.len(), 0.0);
        kernels.gather(
            &scratch.query,
            model.points.padded(),
            dim,
            &scratch.rows,
            model.inverse_norms.as_deref(),
            &mut scratch.squared,
        );
        let rows = &scratch.rows;
        scratch
            .top
            .offer_squared(model.metric, &scratch.squared, |i| {
                model.ids[rows[i] as usize]
            });
    }
}
