//! The class behind `SRP` and `L2`.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize};
use napi_derive::napi;
use nearhash::lsh::SearchOptions;
use nearhash::{FamilyKind, LshOptions, Points, PredictOptions, RowData, RowsView};

use crate::arrays::{Array, check_size};
use crate::control::Control;
use crate::evaluation::RawEvaluation;
use crate::exact::RawNeighbors;
use crate::failure::Failure;
use crate::filter::IdSet;
use crate::owned::{Engine, Owned};
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

/// Ragged answers: those of query i are at `offsets[i]` to `offsets[i + 1]`.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawPredictions {
    /// Queries + 1.
    #[napi(ts_type = "Uint32Array")]
    pub offsets: Array<u32>,
    /// Ids, nearest first.
    #[napi(ts_type = "Uint32Array")]
    pub ids: Array<u32>,
    /// Their distances.
    #[napi(ts_type = "Float32Array")]
    pub distances: Array<f32>,
    /// Distinct candidates, per query.
    #[napi(ts_type = "Uint32Array")]
    pub collisions: Array<u32>,
    /// Row-major vectors of the ids.
    #[napi(ts_type = "Float32Array")]
    pub vectors: Option<Array<f32>>,
}

/// Hashes, rows x tables x projections.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawHashes {
    /// Bits, or bucket numbers.
    #[napi(ts_type = "Int32Array")]
    pub data: Array<i32>,
    /// Rows, tables, projections.
    pub shape: Vec<u32>,
}

/// Non-empty buckets of one table; the ids of bucket i are at `offsets[i]` to `offsets[i + 1]`.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawBuckets {
    /// Keys as text.
    pub keys: Vec<String>,
    /// Keys + 1.
    #[napi(ts_type = "Uint32Array")]
    pub offsets: Array<u32>,
    /// Point ids.
    #[napi(ts_type = "Uint32Array")]
    pub ids: Array<u32>,
}

/// Of one table.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawTable {
    /// Non-empty buckets.
    pub buckets: f64,
    /// Points in one, on average.
    pub mean_bucket_size: f64,
    /// Points in the largest.
    pub max_bucket_size: f64,
    /// Share of the possible keys that no point has.
    pub empty_share: f64,
}

/// What an index is made of.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawDescription {
    /// `srp` or `l2`.
    pub family: &'static str,
    /// Points.
    pub size: f64,
    /// Vector length.
    pub dim: Option<f64>,
    /// Hash functions per table.
    pub n_projections: Option<f64>,
    /// Hash tables.
    pub n_hash_tables: Option<f64>,
    /// Bucket width of L2.
    pub r: Option<f64>,
    /// As given.
    pub seed: f64,
    /// Extra probes a table; 0 is base.
    pub budget: f64,
    /// Native bytes held.
    pub memory_bytes: f64,
    /// One by one.
    pub tables: Vec<RawTable>,
}

/// A textbook LSH index of either family.
#[napi(custom_finalize)]
#[derive(Debug)]
pub struct LshIndex {
    index: Owned<nearhash::LshIndex>,
}

impl Engine for nearhash::LshIndex {
    fn memory_bytes(&self) -> usize {
        self.memory_bytes()
    }
}

impl ObjectFinalize for LshIndex {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.index.release(&env);
        Ok(())
    }
}

/// The shortest decimal that names the same float32, as JavaScript's number: 0.1 and not
/// 0.10000000149011612.
pub(crate) fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

impl LshIndex {
    pub(crate) fn index(&self, call: &'static str) -> Result<Arc<nearhash::LshIndex>, Failure> {
        self.index.get(call)
    }

    /// The probing that a call has, however long it waits for a thread.
    fn budget_now(&self, call: &'static str) -> Result<usize, Failure> {
        Ok(self.index.get(call)?.budget())
    }

    /// The options of a search, which keeps the probing that there is when the call is made.
    fn search_options(
        &self,
        call: &'static str,
        k: f64,
        filter: Option<IdSet>,
        deny: bool,
    ) -> Result<SearchOptions, Failure> {
        Ok(SearchOptions {
            k: k as usize,
            budget: Some(self.budget_now(call)?),
            filter: filter.map(|ids| ids.filter(deny)),
        })
    }

    /// For the change of one point: now and then it means sorting many.
    fn threads_for_one(&self, name: &'static str) -> Result<Threads, Failure> {
        Ok(if self.index.get(name)?.will_sort(1) {
            Threads::All
        } else {
            Threads::One
        })
    }
}

fn predict_options(top_k: f64, bound: Option<f64>, vectors: bool) -> PredictOptions {
    PredictOptions {
        top_k: top_k as usize,
        bound: bound.map(|bound| bound as usize),
        vectors,
    }
}

fn fit(
    index: &nearhash::LshIndex,
    data: RowData,
    dim: f64,
    control: &nearhash::Control,
) -> Result<(), Failure> {
    Ok(index.fit(Points::new(data, dim as usize)?, control)?)
}

fn search(
    index: &nearhash::LshIndex,
    queries: &RowsView<'_>,
    options: &SearchOptions,
    control: &nearhash::Control,
) -> Result<nearhash::Neighbors, Failure> {
    check_size("k", queries.rows(), options.k)?;
    Ok(index.search_with(queries, options, control)?)
}

fn evaluate(
    index: &nearhash::LshIndex,
    queries: &RowsView<'_>,
    options: &SearchOptions,
    control: &nearhash::Control,
) -> Result<RawEvaluation, Failure> {
    check_size("k", queries.rows(), options.k)?;
    let found = index.evaluate_with(queries, options, control);
    Ok(found
        .map_err(|error| Failure::from(error).naming_rows("queries"))?
        .into())
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

    /// Replace the points by rows of `dim` values.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn fit(&self, x: Values, dim: f64, control: &Control) -> napi::Result<AsyncTask<Task<()>>> {
        let data = x.copy();
        let task =
            self.index
                .change_later("fit", control, Threads::All, move |index, control| {
                    fit(index, data, dim, control)
                })?;
        Ok(task.into())
    }

    /// `fit`, within the call.
    #[napi(catch_unwind)]
    pub fn fit_sync(&self, env: Env, x: Values, dim: f64) -> napi::Result<()> {
        let data = x.copy();
        self.index
            .change(&env, "fitSync", Threads::All, |index, control| {
                fit(index, data, dim, control)
            })
    }

    /// Add rows; their ids.
    #[napi(catch_unwind, ts_return_type = "Promise<Uint32Array>")]
    pub fn store(
        &self,
        x: Values,
        dim: f64,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<Array<u32>>>> {
        let data = x.copy();
        let task = self.index.change_later(
            "storeVecs",
            control,
            Threads::All,
            move |index, control| {
                let rows = RowsView::new(data.as_slice(), dim as usize)?;
                Ok(Array(index.store(&rows, control)?.collect()))
            },
        )?;
        Ok(task.into())
    }

    /// `store`, within the call.
    #[napi(catch_unwind, ts_return_type = "Uint32Array")]
    pub fn store_sync(&self, env: Env, x: Values, dim: f64) -> napi::Result<Array<u32>> {
        let rows = x.view("x", dim)?;
        self.index
            .change(&env, "storeVecsSync", Threads::All, |index, control| {
                Ok(Array(index.store(&rows, control)?.collect()))
            })
    }

    /// Add one row; its id.
    #[napi(catch_unwind)]
    pub fn store_one(&self, env: Env, v: Values) -> napi::Result<u32> {
        let row = one_row(&v)?;
        let threads = self.threads_for_one("storeVec")?;
        self.index
            .change(&env, "storeVec", threads, |index, control| {
                let ids = index.store(&row, control);
                Ok(ids
                    .map_err(|error| Failure::from(error).naming_rows("v"))?
                    .start)
            })
    }

    /// Delete a point; how many went.
    #[napi(catch_unwind)]
    pub fn delete(&self, env: Env, id: u32) -> napi::Result<f64> {
        self.index
            .change(&env, "deleteVec", Threads::One, |index, _| {
                Ok(index.delete(id)? as f64)
            })
    }

    /// Delete the points equal to this vector; how many went.
    #[napi(catch_unwind)]
    pub fn delete_equal(&self, env: Env, v: Values) -> napi::Result<f64> {
        let row = one_row(&v)?;
        self.index
            .change(&env, "deleteVec", Threads::One, |index, _| {
                Ok(index.delete_equal(&row)? as f64)
            })
    }

    /// Replace the vector of a point.
    #[napi(catch_unwind)]
    pub fn update(&self, env: Env, id: u32, v: Values) -> napi::Result<()> {
        let row = one_row(&v)?;
        let threads = self.threads_for_one("updateVec")?;
        self.index.change(&env, "updateVec", threads, |index, _| {
            Ok(index.update(id, &row)?)
        })
    }

    /// Forget the points, keep the options.
    #[napi(catch_unwind)]
    pub fn reset(&self, env: Env) -> napi::Result<()> {
        self.index
            .change(&env, "reset", Threads::One, |index, _| Ok(index.reset()?))
    }

    /// Give the memory back. Tasks under way keep their own reference.
    #[napi(catch_unwind)]
    pub fn dispose(&self, env: Env) {
        self.index.release(&env);
    }

    /// The `k` nearest candidates of each row, or of those that `filter` admits.
    #[napi(catch_unwind, ts_return_type = "Promise<RawNeighbors>")]
    pub fn search(
        &self,
        x: Values,
        dim: f64,
        k: f64,
        filter: Option<IdSet>,
        deny: bool,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<RawNeighbors>>> {
        let data = x.copy();
        let threads = threads_for(row_count(&data, dim));
        let options = self.search_options("search", k, filter, deny)?;
        let task = self
            .index
            .ask_later("search", control, threads, move |index, control| {
                let rows = RowsView::new(data.as_slice(), dim as usize)?;
                Ok(search(index, &rows, &options, control)?.into())
            })?;
        Ok(task.into())
    }

    /// `search`, within the call.
    #[napi(catch_unwind)]
    pub fn search_sync(
        &self,
        x: Values,
        dim: f64,
        k: f64,
        filter: Option<IdSet>,
        deny: bool,
    ) -> napi::Result<RawNeighbors> {
        let rows = x.view("x", dim)?;
        let threads = threads_for(rows.rows());
        let options = self.search_options("searchSync", k, filter, deny)?;
        self.index.ask("searchSync", threads, |index, control| {
            Ok(search(index, &rows, &options, control)?.into())
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
        let budget = self.budget_now("predict")?;
        let task = self
            .index
            .ask_later("predict", control, threads, move |index, control| {
                let rows = RowsView::new(data.as_slice(), dim as usize)?;
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

    /// Recall and time of `search` on these queries.
    #[napi(catch_unwind, ts_return_type = "Promise<RawEvaluation>")]
    pub fn evaluate(
        &self,
        queries: Values,
        dim: f64,
        k: f64,
        filter: Option<IdSet>,
        deny: bool,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<RawEvaluation>>> {
        let data = queries.copy();
        let options = self.search_options("evaluate", k, filter, deny)?;
        let task =
            self.index
                .ask_later("evaluate", control, Threads::All, move |index, control| {
                    let rows = RowsView::named("queries", data.as_slice(), dim as usize)?;
                    evaluate(index, &rows, &options, control)
                })?;
        Ok(task.into())
    }

    /// `evaluate`, within the call.
    #[napi(catch_unwind)]
    pub fn evaluate_sync(
        &self,
        queries: Values,
        dim: f64,
        k: f64,
        filter: Option<IdSet>,
        deny: bool,
    ) -> napi::Result<RawEvaluation> {
        let rows = queries.view("queries", dim)?;
        let options = self.search_options("evaluateSync", k, filter, deny)?;
        self.index
            .ask("evaluateSync", Threads::All, |index, control| {
                evaluate(index, &rows, &options, control)
            })
    }

    /// The vector of a point.
    #[napi(catch_unwind, ts_return_type = "Float32Array | null")]
    pub fn vector(&self, id: u32) -> napi::Result<Option<Array<f32>>> {
        self.index.ask("getVec", Threads::One, |index, _| {
            Ok(index.vector(id).map(Array))
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

    /// Points stored and not deleted.
    #[napi(getter, catch_unwind)]
    pub fn size(&self) -> napi::Result<f64> {
        Ok(self.index.get("size")?.size() as f64)
    }

    /// Vector length, when known.
    #[napi(getter, catch_unwind)]
    pub fn dim(&self) -> napi::Result<Option<f64>> {
        Ok(self.index.get("dim")?.dim().map(|dim| dim as f64))
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

    /// Whether `dispose` was called.
    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.index.is_disposed()
    }
}

impl From<nearhash::Predictions> for RawPredictions {
    fn from(found: nearhash::Predictions) -> Self {
        Self {
            offsets: Array(found.offsets),
            ids: Array(found.ids),
            distances: Array(found.distances),
            collisions: Array(found.collisions),
            vectors: found.vectors.map(Array),
        }
    }
}

impl From<nearhash::Description> for RawDescription {
    fn from(found: nearhash::Description) -> Self {
        let number = |value: usize| value as f64;
        Self {
            family: found.family,
            size: number(found.size),
            dim: found.dim.map(number),
            n_projections: found.n_projections.map(number),
            n_hash_tables: found.n_hash_tables.map(number),
            r: found.r.map(shortest),
            seed: found.seed as f64,
            budget: number(found.budget),
            memory_bytes: number(found.memory_bytes),
            tables: found
                .tables
                .into_iter()
                .map(|table| RawTable {
                    buckets: number(table.buckets),
                    mean_bucket_size: table.mean_bucket_size,
                    max_bucket_size: number(table.max_bucket_size),
                    empty_share: table.empty_share,
                })
                .collect(),
        }
    }
}
