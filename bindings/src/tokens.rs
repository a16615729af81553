//! What both kinds of tokens share, and `weightedOverlap`.

use napi_derive::napi;
use nearhash::{RowsView, tokens};

use crate::arrays::Array;
use crate::control::Control;
use crate::failure::Failure;
use crate::rows::{Values, one_row};
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

/// Writing rows as words: the methods of one class, whose field `model` holds the engine's. Spelt
/// out for each, as [`point_index_methods`](crate::point_index::point_index_methods) are.
macro_rules! encode_methods {
    ($class:ident) => {
        #[napi]
        impl $class {
            /// Words of rows: a space between words, a line feed between rows, many rows a text.
            #[napi(catch_unwind, ts_return_type = "Promise<string[]>")]
            pub fn encode(
                &self,
                x: Values,
                dim: f64,
                control: &Control,
            ) -> napi::Result<AsyncTask<Task<Vec<String>>>> {
                let model = Arc::clone(&self.model);
                let task = on_rows_later(&x, dim, control, move |rows, control| {
                    Ok(model.encode_text(rows, control)?)
                });
                Ok(task.into())
            }

            /// `encode`, within the call.
            #[napi(catch_unwind)]
            pub fn encode_sync(&self, x: Values, dim: f64) -> napi::Result<Vec<String>> {
                on_rows(&x, dim, |rows, control| {
                    Ok(self.model.encode_text(rows, control)?)
                })
            }
        }
    };
}

pub(crate) use encode_methods;

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

/// The words that a query asks for, within the call.
pub(crate) fn query_words(
    v: &Values,
    encode: impl FnOnce(&RowsView<'_>) -> nearhash::Result<tokens::QueryWords> + Send,
) -> napi::Result<RawQueryWords> {
    let row = one_row(v)?;
    Ok(Threads::One.run_in_call(|| Ok(encode(&row)?.into()))?)
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
