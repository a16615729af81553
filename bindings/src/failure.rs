//! Errors on their way to JavaScript.
//!
//! A Node-API error carries one text, and a task's error not even a code of its own. So the text
//! is JSON with each part apart; `bindings/ts/errors.ts` makes the `NearhashError` of it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What an exported call can end with.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine refused or was cancelled.
    Engine(nearhash::Error),
    /// A call after `dispose`.
    Disposed {
        /// Name of the call.
        argument: &'static str,
    },
    /// The thread pool cannot be had.
    Threads {
        /// Where the number came from.
        argument: &'static str,
        /// The number, or what went wrong with it.
        received: String,
        /// What is possible.
        allowed: String,
    },
    /// A panic, or a Node-API call that failed: a defect of nearhash.
    Internal(String),
}

impl From<nearhash::Error> for Failure {
    fn from(error: nearhash::Error) -> Self {
        Self::Engine(error)
    }
}

impl Failure {
    /// The same, where the rows that the engine calls `x` have another name for the caller.
    pub(crate) fn naming_rows(self, name: &'static str) -> Self {
        use nearhash::Error;
        let Self::Engine(error) = self else {
            return self;
        };
        Self::Engine(match error {
            Error::Argument {
                argument: "x",
                received,
                allowed,
            } => Error::Argument {
                argument: name,
                received,
                allowed,
            },
            Error::NotFinite {
                argument: "x",
                row,
                column,
                value,
            } => Error::NotFinite {
                argument: name,
                row,
                column,
                value,
            },
            Error::Dimension {
                argument: "x",
                received,
                expected,
            } => Error::Dimension {
                argument: name,
                received,
                expected,
            },
            Error::ZeroVector { argument: "x", row } => Error::ZeroVector {
                argument: name,
                row,
            },
            error => error,
        })
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        let (code, argument, received, allowed, message) = match failure {
            Failure::Engine(error) => (
                error.code(),
                error.argument(),
                error.received(),
                error.allowed(),
                error.to_string(),
            ),
            Failure::Disposed { argument } => (
                "ERR_NEARHASH_DISPOSED",
                argument,
                "a call after dispose".to_owned(),
                "an index that was not disposed".to_owned(),
                format!(
                    "{argument}: received a call after dispose, allowed: an index that was not disposed"
                ),
            ),
            Failure::Threads {
                argument,
                received,
                allowed,
            } => {
                let message = format!("{argument}: received {received}, allowed: {allowed}");
                (
                    "ERR_NEARHASH_ARGUMENT",
                    argument,
                    received,
                    allowed,
                    message,
                )
            }
            Failure::Internal(message) => (
                "ERR_NEARHASH_INTERNAL",
                "",
                String::new(),
                String::new(),
                message,
            ),
        };
        napi::Error::from_reason(
            serde_json::json!({
                "code": code,
                "argument": argument,
                "received": received,
                "allowed": allowed,
                "message": message,
            })
            .to_string(),
        )
    }
}

/// Run `work`; a panic in it becomes [`Failure::Internal`].
///
/// Exported functions have `catch_unwind` from napi-derive. Tasks have not: libuv calls them
/// through `extern "C"`, where a panic would abort the process.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = panic_text(&*payload);
        // Dropping a payload may itself panic.
        std::mem::forget(payload);
        Err(Failure::Internal(text))
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message")
        .to_owned()
}
