//! The class behind `SRP` and `L2`.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize};
use napi_derive::napi;
use nearhash::lsh::SearchOptions;
use nearhash::{FamilyKind, LshOptions, PredictOptions};

use crate::arrays::{Array, check_size};
use crate::control::Control;
use crate::evaluation::{RawEvaluation, evaluation};
use crate::exact::RawNeighbors;
use crate::failure::Failure;
use crate::filter::IdSet;
use crate::lsh_answers::{RawBuckets, RawDescription, RawHashes, RawPredictions, shortest};
use crate::owned::{Engine, Owned};
use crate::point_index::point_index_methods;
use crate::rows::{Values, one_row};
use crate::single_query::{ScratchBuffer, SingleSearch};
use crate::task::{Task, Threads, row_count, threads_for};

/// Checked options; what is left out is chosen by `fit`.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct RawLshOptions {
    /// `srp` or `l2`.
    pub family: String,
    /// Hash functions per table.
    pub n_projections: Option<u32>,
    /// Hash tables.
    pub n_hash_tables: Option<u32>,
    /// Points wanted per bucket.
    pub bucket_size: Option<f64>,
    /// Vector length.
    pub dim: Option<u32>,
    /// Up to 2⁵³ − 1.
    pub seed: f64,
    /// Bucket width of L2.
    pub r: Option<f64>,
}

/// A textbook LSH index of either family.
#[napi(custom_finalize)]
#[derive(Debug)]
pub struct LshIndex {
    index: Owned<nearhash::LshIndex>,
}

impl Engine for nearhash::LshIndex {
    type SearchOptions = SearchOptions;

    fn memory_bytes(&self) -> usize {
        self.memory_bytes()
    }

    fn threads_for_one(&self) -> Threads {
        if self.will_sort(1) {
            Threads::All
        } else {
            Threads::One
        }
    }

    fn as_of_now(&self, options: SearchOptions) -> SearchOptions {
        SearchOptions {
            budget: Some(self.budget()),
            ..options
        }
    }
}

impl LshIndex {
    pub(crate) fn index(&self, call: &'static str) -> Result<Arc<nearhash::LshIndex>, Failure> {
        self.index.get(call)
    }
}

fn search_options(k: f64, filter: Option<IdSet>, deny: bool) -> SearchOptions {
    SearchOptions {
        k: k as usize,
        budget: None,
        filter: filter.map(|ids| ids.filter(deny)),
    }
}

fn predict_options(top_k: f64, bound: Option<f64>, vectors: bool) -> PredictOptions {
    PredictOptions {
        top_k: top_k as usize,
        bound: bound.map(|bound| bound as usize),
        vectors,
    }
}

point_index_methods! {
    class: LshIndex,
    options: search_options(k: f64, filter: Option<IdSet>, deny: bool),
    search: search_with,
    evaluate: evaluate_with,
}

#[napi]
impl LshIndex {
    /// An empty index.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: RawLshOptions) -> napi::Result<Self> {
        let family = match options.family.as_str() {
            "srp" => FamilyKind::Srp,
            _ => FamilyKind::L2 {
                r: options.r.map(|r| r as f32),
            },
        };
        let index = nearhash::LshIndex::new(LshOptions {
            family,
            n_projections: options.n_projections.map(|k| k as usize),
            n_hash_tables: options.n_hash_tables.map(|l| l as usize),
            bucket_size: options.bucket_size.map(|points| points as usize),
            dim: options.dim.map(|dim| dim as usize),
            seed: options.seed as u64,
        })
        .map_err(Failure::from)?;
        Ok(Self {
            index: Owned::new(index),
        })
    }

    /// A function that answers the query in the scratch buffer: the `k` nearest candidates.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn single_search(
        &self,
        #[napi(ts_arg_type = "ArrayBuffer")] scratch: ScratchBuffer,
    ) -> SingleSearch {
        self.index.single_search(scratch, |index, query| {
            Ok(index.search_one(query.values, query.ids, query.distances)?)
        })
    }

    /// Ranked candidates of each row, and how many there were.
    #[napi(catch_unwind, ts_return_type = "Promise<RawPredictions>")]
    pub fn predict(
        &self,
        x: Values,
        dim: f64,
        top_k: f64,
        bound: Option<f64>,
        vectors: bool,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<RawPredictions>>> {
        let data = x.copy();
        let options = predict_options(top_k, bound, vectors);
        let threads = threads_for(row_count(&data, dim));
        // The probing that the call has, however long it waits for a thread.
        let budget = self.index.get("predict")?.budget();
        let task = self
            .index
            .ask_later("predict", control, threads, move |index, control| {
                let rows = data.view("x", dim as usize)?;
                Ok(index.predict_at(budget, &rows, &options, control)?.into())
            })?;
        Ok(task.into())
    }

    /// `predict`, within the call.
    #[napi(catch_unwind)]
    pub fn predict_sync(
        &self,
        x: Values,
        dim: f64,
        top_k: f64,
        bound: Option<f64>,
        vectors: bool,
    ) -> napi::Result<RawPredictions> {
        let rows = x.view("x", dim)?;
        let options = predict_options(top_k, bound, vectors);
        let threads = threads_for(rows.rows());
        self.index.ask("predictSync", threads, |index, control| {
            Ok(index.predict(&rows, &options, control)?.into())
        })
    }

    /// Ids that share a probed bucket with the vector.
    #[napi(catch_unwind, ts_return_type = "Uint32Array")]
    pub fn candidates(&self, v: Values) -> napi::Result<Array<u32>> {
        let row = one_row(&v)?;
        self.index.ask("queryBucketIdx", Threads::One, |index, _| {
            Ok(Array(index.candidates(&row)?))
        })
    }

    /// The vectors of these candidates, row-major, in the order of their ids.
    #[napi(catch_unwind, ts_return_type = "Float32Array")]
    pub fn candidate_vectors(&self, v: Values) -> napi::Result<Array<f32>> {
        let row = one_row(&v)?;
        // By way of predict, because it takes ids and vectors from one state of the index: a fit
        // may end between two calls.
        let options = predict_options(f64::MAX, None, true);
        let found = self
            .index
            .ask("queryBucket", Threads::One, |index, control| {
                let found = index.predict(&row, &options, control);
                found.map_err(|error| Failure::from(error).naming_rows("v"))
            })?;
        let dim = row.dim();
        let mut places: Vec<usize> = (0..found.ids.len()).collect();
        places.sort_unstable_by_key(|place| found.ids[*place]);
        let vectors = found.vectors.unwrap_or_default();
        let ordered = places
            .iter()
            .flat_map(|place| &vectors[place * dim..(place + 1) * dim]);
        Ok(Array(ordered.copied().collect()))
    }

    /// The hash of each row in each table.
    #[napi(catch_unwind)]
    pub fn hash(&self, x: Values, dim: f64) -> napi::Result<RawHashes> {
        let rows = x.view("x", dim)?;
        let threads = threads_for(rows.rows());
        self.index.ask("hash", threads, |index, _| {
            let data = index.hash(&rows)?;
            Ok(RawHashes {
                data: Array(data),
                shape: vec![
                    rows.rows() as u32,
                    index.n_hash_tables().unwrap_or(0) as u32,
                    index.n_projections().unwrap_or(0) as u32,
                ],
            })
        })
    }

    /// The non-empty buckets of a table.
    #[napi(catch_unwind)]
    pub fn buckets(&self, table: f64) -> napi::Result<RawBuckets> {
        self.index.ask("buckets", Threads::All, |index, _| {
            let buckets = index.buckets(table as usize)?;
            let mut keys = Vec::with_capacity(buckets.len());
            let mut offsets = Vec::with_capacity(buckets.len() + 1);
            let mut all = Vec::new();
            offsets.push(0);
            for (key, ids) in buckets {
                keys.push(key);
                all.extend(ids);
                offsets.push(all.len() as u32);
            }
            Ok(RawBuckets {
                keys,
                offsets: Array(offsets),
                ids: Array(all),
            })
        })
    }

    /// Probe so many more buckets a table. 0: only the home bucket.
    #[napi(catch_unwind)]
    pub fn set_budget(&self, name: String, budget: u32) -> napi::Result<()> {
        let name = if name == "base" { "base" } else { "multiProbe" };
        self.index.get(name)?.set_budget(budget as usize);
        Ok(())
    }

    /// Parameters, memory and buckets.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> napi::Result<RawDescription> {
        self.index.ask("describe", Threads::One, |index, _| {
            Ok(index.describe().into())
        })
    }

    /// Hash functions per table, when known.
    #[napi(getter, catch_unwind)]
    pub fn n_projections(&self) -> napi::Result<Option<f64>> {
        let known = self.index.get("nProjections")?.n_projections();
        Ok(known.map(|k| k as f64))
    }

    /// Hash tables, when known.
    #[napi(getter, catch_unwind)]
    pub fn n_hash_tables(&self) -> napi::Result<Option<f64>> {
        let known = self.index.get("nHashTables")?.n_hash_tables();
        Ok(known.map(|l| l as f64))
    }

    /// Bucket width of L2, when known.
    #[napi(getter, catch_unwind)]
    pub fn r(&self) -> napi::Result<Option<f64>> {
        Ok(self.index.get("r")?.r().map(shortest))
    }

    /// Extra probes a table; 0 is base.
    #[napi(getter, catch_unwind)]
    pub fn budget(&self) -> napi::Result<f64> {
        Ok(self.index.get("budget")?.budget() as f64)
    }
}
