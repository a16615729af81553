//! The class behind `LshTokens`.

use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use nearhash::tokens::{self, LSH_TOKENS_VERSION};

use crate::control::Control;
use crate::failure::Failure;
use crate::lsh::LshIndex;
use crate::lsh_answers::shortest;
use crate::rows::{Values, one_row};
use crate::task::{Task, Threads};
use crate::tokens::{RawQueryWords, metric_name, on_rows, on_rows_later};

/// What the words of hash tables are made of.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawLshTokensDescription {
    /// Of the words.
    pub version: u32,
    /// `srp` or `l2`.
    pub family: &'static str,
    /// Vector length.
    pub dim: f64,
    /// `euclidean` or `cosine`.
    pub metric: &'static str,
    /// Hash functions a table.
    pub n_projections: f64,
    /// Words a vector.
    pub n_hash_tables: f64,
    /// Bucket width of L2.
    pub r: Option<f64>,
    /// As given.
    pub seed: f64,
    /// Hexadecimal.
    pub model_hash: String,
}

/// The buckets of an index's tables as words.
#[napi]
#[derive(Debug)]
pub struct LshTokens {
    words: Arc<tokens::LshTokens>,
}

#[napi]
impl LshTokens {
    /// Of the tables that the index has, or would have.
    #[napi(constructor, catch_unwind)]
    pub fn new(index: &LshIndex) -> napi::Result<Self> {
        let index = index.index("LshTokens")?;
        let words = tokens::LshTokens::of(&index).map_err(Failure::from)?;
        Ok(Self {
            words: Arc::new(words),
        })
    }

    /// Words of rows, in the form of the other class.
    #[napi(catch_unwind, ts_return_type = "Promise<string[]>")]
    pub fn encode(
        &self,
        x: Values,
        dim: f64,
        control: &Control,
    ) -> napi::Result<AsyncTask<Task<Vec<String>>>> {
        let words = Arc::clone(&self.words);
        let task = on_rows_later(&x, dim, control, move |rows, control| {
            Ok(words.encode_text(rows, control)?)
        });
        Ok(task.into())
    }

    /// `encode`, within the call.
    #[napi(catch_unwind)]
    pub fn encode_sync(&self, x: Values, dim: f64) -> napi::Result<Vec<String>> {
        on_rows(&x, dim, |rows, control| {
            Ok(self.words.encode_text(rows, control)?)
        })
    }

    /// Words that a query asks for.
    #[napi(catch_unwind)]
    pub fn encode_query(&self, v: Values, probes: u32) -> napi::Result<RawQueryWords> {
        let row = one_row(&v)?;
        let probes = probes as usize;
        Ok(Threads::One.run_in_call(|| Ok(self.words.encode_query(&row, probes)?.into()))?)
    }

    /// How many these are at most.
    #[napi(catch_unwind)]
    pub fn query_word_count(&self, probes: u32) -> f64 {
        self.words.query_word_count(probes as usize) as f64
    }

    /// Parameters.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> RawLshTokensDescription {
        let found = self.words.describe();
        RawLshTokensDescription {
            version: LSH_TOKENS_VERSION,
            family: found.family,
            dim: found.dim as f64,
            metric: metric_name(self.words.metric()),
            n_projections: found.n_projections as f64,
            n_hash_tables: found.n_hash_tables as f64,
            r: found.r.map(shortest),
            seed: found.seed as f64,
            model_hash: self.words.model_hash(),
        }
    }
}
