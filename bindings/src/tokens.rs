//! What both kinds of tokens share, and `weightedOverlap`.

use napi_derive::napi;
use nearhash::{Metric, RowsView, tokens};

use crate::arrays::Array;
use crate::control::Control;
use crate::failure::Failure;
use crate::rows::Values;
use crate::task::{Task, Threads};

/// Words and their weights.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawQueryWords {
    /// Each once.
    pub words: Vec<String>,
    /// As many.
    #[napi(ts_type = "Float32Array")]
    pub weights: Array<f32>,
}

impl From<tokens::QueryWords> for RawQueryWords {
    fn from(query: tokens::QueryWords) -> Self {
        Self {
            words: query.words,
            weights: Array(query.weights),
        }
    }
}

/// As the face writes it.
pub(crate) fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Euclidean => "euclidean",
        Metric::Cosine => "cosine",
    }
}

/// Work on rows that is done by a task.
pub(crate) fn on_rows_later<T: Send + 'static>(
    x: &Values,
    dim: f64,
    control: &Control,
    work: impl FnOnce(&RowsView<'_>, &nearhash::Control) -> Result<T, Failure> + Send + 'static,
) -> Task<T> {
    let data = x.copy();
    Task::new(control.call(), Threads::All, move |control| {
        work(&data.view("x", dim as usize)?, control)
    })
}

/// Work on rows that is done within the call.
pub(crate) fn on_rows<T: Send>(
    x: &Values,
    dim: f64,
    work: impl FnOnce(&RowsView<'_>, &nearhash::Control) -> Result<T, Failure> + Send,
) -> napi::Result<T> {
    let rows = x.view("x", dim)?;
    Ok(Threads::All.run_in_call(|| work(&rows, &nearhash::Control::new()))?)
}

/// Sum of the weights of the words that the document has. As many weights as words.
#[napi(catch_unwind)]
pub fn weighted_overlap(
    words: Vec<String>,
    weights: Values,
    document: Vec<String>,
) -> napi::Result<f64> {
    let nearhash::RowSlice::F32(weights) = weights.borrow() else {
        return Err(Failure::Internal("weights of another type".to_owned()).into());
    };
    let query = words
        .iter()
        .map(String::as_str)
        .zip(weights.iter().copied());
    Ok(tokens::weighted_overlap(
        query,
        document.iter().map(String::as_str),
    ))
}
