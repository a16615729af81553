//! The class behind `ClusterTokens`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize, Uint8Array};
use napi_derive::napi;
use nearhash::RowsView;
use nearhash::tokens::{
    self, CLUSTER_TOKENS_VERSION, ClusterTokensOptions, CodeMatrix, Codes, ProbeRecall,
    RotationChoice, Validation,
};

use crate::arrays::{Array, check_size};
use crate::control::Control;
use crate::failure::Failure;
use crate::memory::ReportedMemory;
use crate::metric::{metric, metric_name};
use crate::rows::Values;
use crate::task::Task;
use crate::tokens::{RawQueryWords, encode_methods, on_rows, on_rows_later, query_words};

/// Checked options; what is left out has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct RawClusterTokensOptions {
    /// Words a vector.
    pub groups: Option<u32>,
    /// Clusters a group.
    pub clusters: Option<u32>,
    /// `euclidean` or `cosine`.
    pub metric: String,
    /// `auto`, `random` or `none`.
    pub rotation: String,
    /// Nearest clusters a group of a query.
    pub probes: Option<u32>,
    /// Most rows that k-means sees.
    pub sample: Option<f64>,
    /// Most iterations of k-means.
    pub iterations: Option<u32>,
    /// Up to 2⁵³ − 1.
    pub seed: f64,
}

impl From<RawClusterTokensOptions> for ClusterTokensOptions {
    fn from(raw: RawClusterTokensOptions) -> Self {
        let defaults = Self::default();
        let number = |given: Option<u32>| given.map(|number| number as usize);
        Self {
            groups: number(raw.groups),
            clusters: number(raw.clusters).unwrap_or(defaults.clusters),
            metric: metric(&raw.metric),
            rotation: match raw.rotation.as_str() {
                "random" => RotationChoice::Random,
                "none" => RotationChoice::None,
                _ => RotationChoice::Auto,
            },
            probes: number(raw.probes),
            sample: raw.sample.map(|rows| rows as usize),
            iterations: number(raw.iterations).unwrap_or(defaults.iterations),
            seed: raw.seed as u64,
        }
    }
}

/// Codes, rows x groups, in one of the two arrays.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawCodes {
    /// For up to 256 clusters.
    #[napi(ts_type = "Uint8Array")]
    pub bytes: Option<Array<u8>>,
    /// For more.
    #[napi(ts_type = "Uint16Array")]
    pub words: Option<Array<u16>>,
    /// Rows, groups.
    pub shape: Vec<u32>,
}

impl From<CodeMatrix> for RawCodes {
    fn from(codes: CodeMatrix) -> Self {
        let shape = vec![codes.rows() as u32, codes.groups() as u32];
        let (bytes, words) = match codes.into_codes() {
            Codes::U8(codes) => (Some(Array(codes)), None),
            Codes::U16(codes) => (None, Some(Array(codes))),
        };
        Self {
            bytes,
            words,
            shape,
        }
    }
}

/// Recall of the true neighbours within candidates.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawProbeRecall {
    /// Nearest clusters a group.
    pub probes: f64,
    /// Within the first 100.
    pub within_100: f64,
    /// Within the first 300.
    pub within_300: f64,
}

impl From<ProbeRecall> for RawProbeRecall {
    fn from(recall: ProbeRecall) -> Self {
        Self {
            probes: recall.probes as f64,
            within_100: recall.within_100,
            within_300: recall.within_300,
        }
    }
}

/// What held-out rows said.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawValidation {
    /// True neighbours a query.
    pub neighbors: f64,
    /// Held-out rows.
    pub queries: f64,
    /// Rows searched.
    pub rows: f64,
    /// By number of probes.
    pub recalls: Vec<RawProbeRecall>,
}

impl From<Validation> for RawValidation {
    fn from(validation: Validation) -> Self {
        Self {
            neighbors: validation.neighbors as f64,
            queries: validation.queries as f64,
            rows: validation.rows as f64,
            recalls: validation.recalls.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a model is made of.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawClusterTokensDescription {
    /// Of the words.
    pub version: u32,
    /// Vector length.
    pub dim: f64,
    /// `euclidean` or `cosine`.
    pub metric: &'static str,
    /// Words a vector.
    pub groups: f64,
    /// Clusters a group.
    pub clusters: f64,
    /// Nearest clusters a group of a query.
    pub probes: f64,
    /// `random` or `none`.
    pub rotation: &'static str,
    /// As given.
    pub seed: f64,
    /// Rows given.
    pub trained_on: f64,
    /// None with too few rows.
    pub validation: Option<RawValidation>,
    /// Hexadecimal.
    pub model_hash: String,
    /// Native bytes held.
    pub memory_bytes: f64,
}

/// What V8 knows of a model that may still be in the making.
#[derive(Debug, Default)]
struct Held {
    bytes: AtomicUsize,
    memory: ReportedMemory,
}

impl Held {
    fn report(&self, env: &Env) {
        self.memory.report(env, self.bytes.load(Ordering::Relaxed));
    }
}

/// A trained model.
#[napi(custom_finalize)]
#[derive(Debug)]
pub struct ClusterTokens {
    model: Arc<tokens::ClusterTokens>,
    held: Arc<Held>,
}

impl ObjectFinalize for ClusterTokens {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.held.memory.report(&env, 0);
        Ok(())
    }
}

impl ClusterTokens {
    fn of(model: tokens::ClusterTokens, held: Arc<Held>) -> Self {
        held.bytes.store(model.memory_bytes(), Ordering::Relaxed);
        Self {
            model: Arc::new(model),
            held,
        }
    }
}

/// The engine checks the rows, but not how large a result may be.
fn codes(
    model: &tokens::ClusterTokens,
    rows: &RowsView<'_>,
    control: &nearhash::Control,
) -> Result<RawCodes, Failure> {
    check_size("x", rows.rows(), model.groups())?;
    Ok(model.encode(rows, control)?.into())
}

encode_methods!(ClusterTokens);

#[napi]
impl ClusterTokens {
    /// A model for vectors like these.
    #[napi(catch_unwind, ts_return_type = "Promise<ClusterTokens>")]
    pub fn train(
        x: Values,
        dim: f64,
        options: RawClusterTokensOptions,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<ClusterTokens>>> {
        let options = options.into();
        let held = Arc::new(Held::default());
        let after = Arc::clone(&held);
        let task = on_rows_later(&x, dim, control, move |rows, control| {
            let model = tokens::ClusterTokens::train(rows, &options, control)?;
            Ok(Self::of(model, held))
        });
        Ok(task.after(move |env| after.report(env)).into())
    }

    /// `train`, within the call.
    #[napi(catch_unwind)]
    pub fn train_sync(
        env: Env,
        x: Values,
        dim: f64,
        options: RawClusterTokensOptions,
    ) -> napi::Result<ClusterTokens> {
        let options = options.into();
        let model = on_rows(&x, dim, |rows, control| {
            Ok(tokens::ClusterTokens::train(rows, &options, control)?)
        })?;
        let made = Self::of(model, Arc::default());
        made.held.report(&env);
        Ok(made)
    }

    /// What `to_bytes` wrote.
    #[napi(catch_unwind)]
    pub fn from_bytes(env: Env, bytes: Values) -> napi::Result<ClusterTokens> {
        let nearhash::RowSlice::U8(bytes) = bytes.borrow() else {
            return Err(Failure::Internal("bytes of another type".to_owned()).into());
        };
        let model = tokens::ClusterTokens::from_bytes(bytes).map_err(Failure::from)?;
        let made = Self::of(model, Arc::default());
        made.held.report(&env);
        Ok(made)
    }

    /// The model as bytes.
    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> Uint8Array {
        self.model.to_bytes().into()
    }

    /// Codes of rows.
    #[napi(catch_unwind, ts_return_type = "Promise<RawCodes>")]
    pub fn encode_codes(
        &self,
        x: Values,
        dim: f64,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<RawCodes>>> {
        let model = Arc::clone(&self.model);
        let task = on_rows_later(&x, dim, control, move |rows, control| {
            codes(&model, rows, control)
        });
        Ok(task.into())
    }

    /// `encode_codes`, within the call.
    #[napi(catch_unwind)]
    pub fn encode_codes_sync(&self, x: Values, dim: f64) -> napi::Result<RawCodes> {
        on_rows(&x, dim, |rows, control| codes(&self.model, rows, control))
    }

    /// Words that a query asks for.
    #[napi(catch_unwind)]
    pub fn encode_query(&self, v: Values, probes: Option<u32>) -> napi::Result<RawQueryWords> {
        let probes = probes.map(|probes| probes as usize);
        query_words(&v, |row| self.model.encode_query(row, probes))
    }

    /// How many these are.
    #[napi(catch_unwind)]
    pub fn query_word_count(&self, probes: Option<u32>) -> f64 {
        let probes = probes.map_or(self.model.probes(), |probes| probes as usize);
        self.model.query_word_count(probes) as f64
    }

    /// Parameters and origin.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> RawClusterTokensDescription {
        let found = self.model.describe();
        RawClusterTokensDescription {
            version: CLUSTER_TOKENS_VERSION,
            dim: found.dim as f64,
            metric: metric_name(found.metric),
            groups: found.groups as f64,
            clusters: found.clusters as f64,
            probes: found.probes as f64,
            rotation: if found.rotated { "random" } else { "none" },
            seed: found.seed as f64,
            trained_on: found.trained_on as f64,
            validation: found.validation.map(Into::into),
            model_hash: self.model.model_hash(),
            memory_bytes: found.memory_bytes as f64,
        }
    }
}
