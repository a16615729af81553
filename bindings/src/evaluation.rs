//! How well an index answers.

use napi_derive::napi;

use crate::failure::Failure;

/// Recall and time against exact search.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawEvaluation {
    /// Mean recall.
    pub recall: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// 5th percentile of the recall of single queries.
    pub p5: f64,
    /// Time of a query.
    pub micros_per_query: f64,
    /// Time of a query by exact search.
    pub exact_micros_per_query: f64,
}

impl From<nearhash::Evaluation> for RawEvaluation {
    fn from(found: nearhash::Evaluation) -> Self {
        Self {
            recall: found.recall,
            low: found.low,
            high: found.high,
            p5: found.p5,
            micros_per_query: found.micros_per_query,
            exact_micros_per_query: found.exact_micros_per_query,
        }
    }
}

/// What the engine says of the rows that its caller knows as `queries`.
pub(crate) fn evaluation(
    found: nearhash::Result<nearhash::Evaluation>,
) -> Result<RawEvaluation, Failure> {
    found
        .map(Into::into)
        .map_err(|error| Failure::from(error).naming_rows("queries"))
}
