//! The class behind `Index`.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize};
use napi_derive::napi;
use nearhash::adaptive::{self, IndexOptions, SearchOptions};
use nearhash::{Metric, Points, RowData, RowsView};

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
pub struct RawIndexOptions {
    /// `euclidean` or `cosine`.
    pub metric: String,
    /// Vector length.
    pub dim: Option<u32>,
    /// Mean recall that search aims at.
    pub recall: f64,
    /// The k of searches that say none.
    pub k: f64,
    /// Rounds that move each point to its nearest bucket.
    pub settle: Option<u32>,
    /// Up to 2⁵³ − 1.
    pub seed: f64,
}

/// What the index is made of.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawIndexDescription {
    /// Points.
    pub size: f64,
    /// Vector length.
    pub dim: Option<f64>,
    /// Mean recall that search aims at.
    pub recall: f64,
    /// The k of searches that say none.
    pub k: f64,
    /// As given.
    pub seed: f64,
    /// Native bytes held.
    pub memory_bytes: f64,
    /// Points in no bucket.
    pub open: f64,
    /// Absent when all points are compared with every query.
    pub codes: Option<RawCodes>,
}

/// What `fit` chose.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawCodes {
    /// Leading directions that are kept.
    pub axes: f64,
    /// Bits of a coordinate's code.
    pub bits: f64,
    /// Rounds that moved points to their nearest bucket.
    pub settle: f64,
    /// Buckets that hold a point.
    pub buckets: f64,
    /// Points in one, on average.
    pub mean_bucket_size: f64,
    /// Points in the fullest.
    pub max_bucket_size: f64,
    /// Bytes a point beside its own numbers.
    pub bytes_per_vector: f64,
    /// What an asked recall costs.
    pub calibration: Vec<RawCalibration>,
}

/// One point of a calibration curve.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawCalibration {
    /// Neighbours.
    pub k: f64,
    /// Mean recall.
    pub recall: f64,
    /// Buckets scanned for it, in the mean.
    pub probes: f64,
}

/// The fast index.
#[napi(custom_finalize)]
#[derive(Debug)]
pub struct AdaptiveIndex {
    index: Owned<adaptive::AdaptiveIndex>,
}

impl Engine for adaptive::AdaptiveIndex {
    fn memory_bytes(&self) -> usize {
        self.memory_bytes()
    }
}

impl ObjectFinalize for AdaptiveIndex {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.index.release(&env);
        Ok(())
    }
}

fn search_options(
    k: f64,
    recall: Option<f64>,
    probes: Option<f64>,
    filter: Option<IdSet>,
    deny: bool,
) -> SearchOptions {
    SearchOptions {
        k: k as usize,
        recall,
        probes: probes.map(|probes| probes as usize),
        filter: filter.map(|ids| ids.filter(deny)),
    }
}

/// Settings of a single query, where NaN stands for what was left out.
fn said(setting: f64) -> Option<f64> {
    (!setting.is_nan()).then_some(setting)
}

fn fit(
    index: &adaptive::AdaptiveIndex,
    data: RowData,
    dim: f64,
    control: &nearhash::Control,
) -> Result<(), Failure> {
    Ok(index.fit(Points::new(data, dim as usize)?, control)?)
}

fn search(
    index: &adaptive::AdaptiveIndex,
    queries: &RowsView<'_>,
    options: &SearchOptions,
    control: &nearhash::Control,
) -> Result<nearhash::Neighbors, Failure> {
    check_size("k", queries.rows(), options.k)?;
    Ok(index.search(queries, options, control)?)
}

fn evaluate(
    index: &adaptive::AdaptiveIndex,
    queries: &RowsView<'_>,
    options: &SearchOptions,
    control: &nearhash::Control,
) -> Result<RawEvaluation, Failure> {
    check_size("k", queries.rows(), options.k)?;
    let found = index.evaluate(queries, options, control);
    Ok(found
        .map_err(|error| Failure::from(error).naming_rows("queries"))?
        .into())
}

#[napi]
impl AdaptiveIndex {
    /// An empty index.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: RawIndexOptions) -> napi::Result<Self> {
        let index = adaptive::AdaptiveIndex::new(IndexOptions {
            metric: match options.metric.as_str() {
                "cosine" => Metric::Cosine,
                _ => Metric::Euclidean,
            },
            dim: options.dim.map(|dim| dim as usize),
            recall: options.recall,
            k: options.k as usize,
            settle: options.settle.map(|rounds| rounds as usize),
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
        // Now and then it means sorting many.
        self.index
            .change(&env, "storeVec", Threads::All, |index, control| {
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
        self.index
            .change(&env, "updateVec", Threads::All, |index, _| {
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

    /// The `k` nearest of each row, or of those that `filter` admits.
    #[allow(clippy::too_many_arguments)]
    #[napi(catch_unwind, ts_return_type = "Promise<RawNeighbors>")]
    pub fn search(
        &self,
        x: Values,
        dim: f64,
        k: f64,
        recall: Option<f64>,
        probes: Option<f64>,
        filter: Option<IdSet>,
        deny: bool,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<RawNeighbors>>> {
        let data = x.copy();
        let options = search_options(k, recall, probes, filter, deny);
        let threads = threads_for(row_count(&data, dim));
        let task = self
            .index
            .ask_later("search", control, threads, move |index, control| {
                let rows = RowsView::new(data.as_slice(), dim as usize)?;
                Ok(search(index, &rows, &options, control)?.into())
            })?;
        Ok(task.into())
    }

    /// `search`, within the call.
    #[allow(clippy::too_many_arguments)]
    #[napi(catch_unwind)]
    pub fn search_sync(
        &self,
        x: Values,
        dim: f64,
        k: f64,
        recall: Option<f64>,
        probes: Option<f64>,
        filter: Option<IdSet>,
        deny: bool,
    ) -> napi::Result<RawNeighbors> {
        let rows = x.view("x", dim)?;
        let options = search_options(k, recall, probes, filter, deny);
        let threads = threads_for(rows.rows());
        self.index.ask("searchSync", threads, |index, control| {
            Ok(search(index, &rows, &options, control)?.into())
        })
    }

    /// A function that answers the query in the scratch buffer: the `k` nearest. Its settings are
    /// recall and probes.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn single_search(
        &self,
        #[napi(ts_arg_type = "ArrayBuffer")] scratch: ScratchBuffer,
    ) -> SingleSearch {
        self.index.single_search(scratch, |index, query| {
            let [recall, probes] = query.settings.map(said);
            let options = SearchOptions {
                k: query.ids.len(),
                recall,
                probes: probes.map(|probes| probes as usize),
                filter: None,
            };
            Ok(index.search_one(query.values, &options, query.ids, query.distances)?)
        })
    }

    /// Recall and time of `search` on these queries.
    #[allow(clippy::too_many_arguments)]
    #[napi(catch_unwind, ts_return_type = "Promise<RawEvaluation>")]
    pub fn evaluate(
        &self,
        queries: Values,
        dim: f64,
        k: f64,
        recall: Option<f64>,
        probes: Option<f64>,
        filter: Option<IdSet>,
        deny: bool,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<RawEvaluation>>> {
        let data = queries.copy();
        let options = search_options(k, recall, probes, filter, deny);
        let task =
            self.index
                .ask_later("evaluate", control, Threads::All, move |index, control| {
                    let rows = RowsView::named("queries", data.as_slice(), dim as usize)?;
                    evaluate(index, &rows, &options, control)
                })?;
        Ok(task.into())
    }

    /// `evaluate`, within the call.
    #[allow(clippy::too_many_arguments)]
    #[napi(catch_unwind)]
    pub fn evaluate_sync(
        &self,
        queries: Values,
        dim: f64,
        k: f64,
        recall: Option<f64>,
        probes: Option<f64>,
        filter: Option<IdSet>,
        deny: bool,
    ) -> napi::Result<RawEvaluation> {
        let rows = queries.view("queries", dim)?;
        let options = search_options(k, recall, probes, filter, deny);
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

    /// Options, and what `fit` made of them.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> napi::Result<RawIndexDescription> {
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

    /// Whether `dispose` was called.
    #[napi(getter, catch_unwind)]
    pub fn disposed(&self) -> bool {
        self.index.is_disposed()
    }
}

impl From<adaptive::Description> for RawIndexDescription {
    fn from(found: adaptive::Description) -> Self {
        let number = |value: usize| value as f64;
        Self {
            size: number(found.size),
            dim: found.dim.map(number),
            recall: found.recall,
            k: number(found.k),
            seed: found.seed as f64,
            memory_bytes: number(found.memory_bytes),
            open: number(found.open),
            codes: found.codes.map(|codes| RawCodes {
                axes: number(codes.axes),
                bits: f64::from(codes.bits),
                settle: number(codes.settle),
                buckets: number(codes.buckets),
                mean_bucket_size: codes.mean_bucket_size,
                max_bucket_size: number(codes.max_bucket_size),
                bytes_per_vector: codes.bytes_per_vector,
                calibration: codes
                    .calibration
                    .into_iter()
                    .map(|point| RawCalibration {
                        k: number(point.k),
                        recall: point.recall,
                        probes: point.probes,
                    })
                    .collect(),
            }),
        }
    }
}
