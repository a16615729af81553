//! What `SRP` and `L2` say, as JavaScript gets it.

use napi_derive::napi;

use crate::arrays::Array;

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

/// The shortest decimal that names the same float32, as JavaScript's number: 0.1 and not
/// 0.10000000149011612.
pub(crate) fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
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
