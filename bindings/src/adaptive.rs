//! The class behind `Index`.

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize};
use napi_derive::napi;
use nearhash::adaptive::{self, IndexOptions, SearchOptions};

use crate::arrays::{Array, check_size};
use crate::control::Control;
use crate::evaluation::{RawEvaluation, evaluation};
use crate::exact::RawNeighbors;
use crate::failure::Failure;
use crate::filter::IdSet;
use crate::metric::metric;
use crate::owned::{Engine, Owned};
use crate::point_index::point_index_methods;
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
    type SearchOptions = SearchOptions;

    fn memory_bytes(&self) -> usize {
        self.memory_bytes()
    }

    fn threads_for_one(&self) -> Threads {
        // Now and then it means sorting many.
        Threads::All
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

point_index_methods! {
    class: AdaptiveIndex,
    options: search_options(
        k: f64,
        recall: Option<f64>,
        probes: Option<f64>,
        filter: Option<IdSet>,
        deny: bool
    ),
    search: search,
    evaluate: evaluate,
}

#[napi]
impl AdaptiveIndex {
    /// An empty index.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: RawIndexOptions) -> napi::Result<Self> {
        let index = adaptive::AdaptiveIndex::new(IndexOptions {
            metric: metric(&options.metric),
            dim: options.dim.map(|dim| dim as usize),
            recall: options.recall,
            k: options.k as usize,
            settle: options.settle.map(|rounds| rounds as usize),
            seed: options.seed as u64,
            ..IndexOptions::default()
        })
        .map_err(Failure::from)?;
        Ok(Self {
            index: Owned::new(index),
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

    /// Options, and what `fit` made of them.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> napi::Result<RawIndexDescription> {
        self.index.ask("describe", Threads::One, |index, _| {
            Ok(index.describe().into())
        })
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
