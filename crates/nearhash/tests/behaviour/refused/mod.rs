//! Bad input: a clear error, nothing lost or half-changed.

mod calls;
mod options;
mod vectors;

use nearhash::{Control, Error, FamilyKind, LshIndex, PredictOptions, Predictions, Result};

use crate::{SRP, l2, view};

pub(crate) const FAMILIES: [FamilyKind; 2] = [SRP, l2(4.0)];

/// Everything that can be seen of an index.
#[derive(Debug, PartialEq)]
pub(crate) struct Sight {
    size: usize,
    predictions: Predictions,
    buckets: Vec<(String, Vec<u32>)>,
    memory: usize,
    last: Option<Vec<f32>>,
}

pub(crate) fn sight(index: &LshIndex, queries: &[f32], dim: usize) -> Sight {
    let options = PredictOptions {
        vectors: true,
        ..PredictOptions::default()
    };
    let size = index.size();
    Sight {
        size,
        predictions: index
            .predict(&view(queries, dim), &options, &Control::new())
            .unwrap(),
        buckets: index.buckets(1).unwrap(),
        memory: index.memory_bytes(),
        last: index.vector(size as u32 - 1),
    }
}

/// Text of every part, as a program or a person will want it.
#[track_caller]
pub(crate) fn assert_clear(error: &Error, code: &str, argument: &str) {
    assert_eq!((error.code(), error.argument()), (code, argument));
    assert!(!error.received().is_empty());
    assert!(!error.allowed().is_empty());
    let message = error.to_string();
    assert!(message.contains(argument), "{message}");
    assert!(
        message.contains("received") && message.contains("allowed"),
        "{message}"
    );
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T>, argument: &str, received: &str) {
    let error = result.unwrap_err();
    assert_clear(&error, "ERR_NEARHASH_ARGUMENT", argument);
    assert!(error.received().contains(received), "{error}");
}
