//! Build, query, update.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::answers::{Description, TableDescription};
use super::built::Built;
use super::family::Family;
use super::open::Open;
use super::options::{FamilyKind, LshOptions};
use super::search::{Effort, Scratch, Searcher};
use super::state::State;
use super::tuning::Parameters;
use crate::error::{Error, Result};
use crate::guarded::{Guarded, PointState};
use crate::metric::Metric;
use crate::points::RowsView;
use crate::scratch::ScratchPool;

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
    pool: ScratchPool<Scratch>,
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

    /// The state without points that the options define, for the call `argument`.
    fn empty(&self, argument: &'static str) -> Result<State> {
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
        Ok(State {
            open: Open::new(&built),
            built: Arc::new(built),
            next_id: 0,
        })
    }

    /// The state, or the empty one.
    fn state_or_empty(&self, argument: &'static str) -> Result<Arc<State>> {
        self.state.get_or_insert(|| self.empty(argument))
    }

    /// The same, for a call about vectors `x`.
    fn state_for(&self, argument: &'static str, rows: &RowsView<'_>) -> Result<Arc<State>> {
        self.state.get_for(rows, || self.empty(argument))
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
            state,
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

    /// Points in the index.
    pub fn size(&self) -> usize {
        self.state.get().map_or(0, |state| state.len())
    }

    /// Vector length, once it is known.
    pub fn dim(&self) -> Option<usize> {
        self.state
            .get()
            .map(|state| state.dim())
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

    /// The vector behind an id.
    pub fn vector(&self, id: u32) -> Option<Vec<f32>> {
        self.state.vector(id)
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
}

mod asking;
mod changing;

#[cfg(test)]
mod tests;
