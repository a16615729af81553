//! The class behind `LshTokens`.

use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use nearhash::tokens::{self, LSH_TOKENS_VERSION};

use crate::control::Control;
use crate::failure::Failure;
use crate::lsh::LshIndex;
use crate::lsh_answers::shortest;
use crate::metric::metric_name;
use crate::rows::Values;
use crate::task::Task;
use crate::tokens::{RawQueryWords, encode_methods, on_rows, on_rows_later, query_words};

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
    model: Arc<tokens::LshTokens>,
}

encode_methods!(LshTokens);

#[napi]
impl LshTokens {
    /// Of the tables that the index has, or would have.
    #[napi(constructor, catch_unwind)]
    pub fn new(index: &LshIndex) -> napi::Result<Self> {
        let index = index.index("LshTokens")?;
        let model = tokens::LshTokens::of(&index).map_err(Failure::from)?;
        Ok(Self {
            model: Arc::new(model),
        })
    }

    /// Words that a query asks for.
    #[napi(catch_unwind)]
    pub fn encode_query(&self, v: Values, probes: u32) -> napi::Result<RawQueryWords> {
        query_words(&v, |row| self.model.encode_query(row, probes as usize))
    }

    /// How many these are at most.
    #[napi(catch_unwind)]
    pub fn query_word_count(&self, probes: u32) -> f64 {
        self.model.query_word_count(probes as usize) as f64
    }

    /// Parameters.
    #[napi(catch_unwind)]
    pub fn describe(&self) -> RawLshTokensDescription {
        let found = self.model.describe();
        RawLshTokensDescription {
            version: LSH_TOKENS_VERSION,
            family: found.family,
            dim: found.dim as f64,
            metric: metric_name(self.model.metric()),
            n_projections: found.n_projections as f64,
            n_hash_tables: found.n_hash_tables as f64,
            r: found.r.map(shortest),
            seed: found.seed as f64,
            model_hash: self.model.model_hash(),
        }
    }
}
