//! One error type for the whole engine. Every message says which argument was wrong, what was
//! received and what is allowed.

/// Everything that can go wrong in the engine.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option or argument lies outside what is allowed.
    #[error("{argument}: received {received}, allowed: {allowed}")]
    Argument {
        /// Name of the argument.
        argument: &'static str,
        /// The value that came in.
        received: String,
        /// What would have been accepted.
        allowed: String,
    },
    /// A coordinate is NaN or infinite (as float32).
    #[error("{argument}: received {value} at row {row}, column {column}, allowed: finite numbers")]
    NotFinite {
        /// Name of the argument.
        argument: &'static str,
        /// Row of the first such coordinate.
        row: usize,
        /// Its column.
        column: usize,
        /// The coordinate itself.
        value: f32,
    },
    /// Vectors of another length than the index holds.
    #[error("{argument}: received vectors of length {received}, allowed: length {expected}")]
    Dimension {
        /// Name of the argument.
        argument: &'static str,
        /// Length received.
        received: usize,
        /// Length of the vectors in the index.
        expected: usize,
    },
    /// A vector without a direction where the metric is cosine.
    #[error(
        "{argument}: received a zero vector at row {row}, allowed: vectors with a norm in float32's normal range (cosine distance needs a direction)"
    )]
    ZeroVector {
        /// Name of the argument.
        argument: &'static str,
        /// The row.
        row: usize,
    },
    /// A call that needs points (or at least fixed parameters) came before `fit`.
    #[error("{argument}: received a call before fit, allowed: {allowed}")]
    NotFitted {
        /// Name of the call.
        argument: &'static str,
        /// What to do first.
        allowed: String,
    },
    /// An id that no point has.
    #[error("id: received {received}, allowed: the id of a stored point that was not deleted")]
    UnknownId {
        /// The id.
        received: u32,
    },
    /// A change came while another one was running.
    #[error(
        "{argument}: received a call while another change of this index runs, allowed: one change (fit, store, update, delete, reset) at a time"
    )]
    Busy {
        /// Name of the call that was refused.
        argument: &'static str,
    },
    /// Bytes that should hold a saved object and do not: something else, cut short, changed, or
    /// written by a later version.
    #[error("{argument}: received {received}, allowed: {allowed}")]
    Format {
        /// Name of the argument.
        argument: &'static str,
        /// What came in.
        received: String,
        /// What would have been accepted.
        allowed: String,
    },
    /// The work was stopped through its [`Control`](crate::Control). The index is as it was before.
    #[error("the call was cancelled")]
    Cancelled,
}

/// Result of an engine call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A stable name for programs: `ERR_NEARHASH_...`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Argument { .. } => "ERR_NEARHASH_ARGUMENT",
            Self::NotFinite { .. } => "ERR_NEARHASH_NOT_FINITE",
            Self::Dimension { .. } => "ERR_NEARHASH_DIMENSION",
            Self::ZeroVector { .. } => "ERR_NEARHASH_ZERO_VECTOR",
            Self::NotFitted { .. } => "ERR_NEARHASH_NOT_FITTED",
            Self::UnknownId { .. } => "ERR_NEARHASH_UNKNOWN_ID",
            Self::Busy { .. } => "ERR_NEARHASH_BUSY",
            Self::Format { .. } => "ERR_NEARHASH_FORMAT",
            Self::Cancelled => "ERR_NEARHASH_CANCELLED",
        }
    }

    /// The argument or call that the error is about; empty for a cancelled call.
    pub fn argument(&self) -> &'static str {
        match self {
            Self::Argument { argument, .. }
            | Self::NotFinite { argument, .. }
            | Self::Dimension { argument, .. }
            | Self::ZeroVector { argument, .. }
            | Self::NotFitted { argument, .. }
            | Self::Format { argument, .. }
            | Self::Busy { argument } => argument,
            Self::UnknownId { .. } => "id",
            Self::Cancelled => "",
        }
    }

    /// What came in, as text.
    pub fn received(&self) -> String {
        match self {
            Self::Argument { received, .. } | Self::Format { received, .. } => received.clone(),
            Self::NotFinite {
                row, column, value, ..
            } => format!("{value} at row {row}, column {column}"),
            Self::Dimension { received, .. } => format!("vectors of length {received}"),
            Self::ZeroVector { row, .. } => format!("a zero vector at row {row}"),
            Self::NotFitted { .. } => "a call before fit".into(),
            Self::UnknownId { received } => received.to_string(),
            Self::Busy { .. } => "a call while another change of this index runs".into(),
            Self::Cancelled => "a cancellation".into(),
        }
    }

    /// What would have been accepted, as text.
    pub fn allowed(&self) -> String {
        match self {
            Self::Argument { allowed, .. }
            | Self::NotFitted { allowed, .. }
            | Self::Format { allowed, .. } => allowed.clone(),
            Self::NotFinite { .. } => "finite numbers".into(),
            Self::Dimension { expected, .. } => format!("length {expected}"),
            Self::ZeroVector { .. } => "vectors with a norm in float32's normal range".into(),
            Self::UnknownId { .. } => "the id of a stored point that was not deleted".into(),
            Self::Busy { .. } => "one change (fit, store, update, delete, reset) at a time".into(),
            Self::Cancelled => String::new(),
        }
    }

    pub(crate) fn argument_error(
        argument: &'static str,
        received: impl ToString,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Argument {
            argument,
            received: received.to_string(),
            allowed: allowed.into(),
        }
    }
}

/// Refuse 0.
pub(crate) fn check_at_least_1(argument: &'static str, value: usize) -> Result<()> {
    if value == 0 {
        return Err(Error::argument_error(
            argument,
            value,
            "a whole number, at least 1",
        ));
    }
    Ok(())
}
