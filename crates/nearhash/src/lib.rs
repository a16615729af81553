//! Locality-sensitive hashing for nearest neighbours.
//!
//! An [`LshIndex`] holds vectors in several hash tables and answers with the nearest of those that
//! share a bucket with the query, ranked by their exact distances: sign random projections for
//! cosine distance, p-stable projections for Euclidean. Multi-probe looks into further buckets,
//! likeliest first over all tables. [`exact`] has the scan that all this is judged by. [`tokens`]
//! writes vectors as words, for the inverted index of a search engine.
//!
//! ```
//! use nearhash::{Control, FamilyKind, LshIndex, LshOptions, Points, RowData, RowSlice, RowsView};
//!
//! # fn main() -> nearhash::Result<()> {
//! // Four points in the plane, one a row.
//! let points = Points::new(RowData::F32(vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 9.0, 9.0]), 2)?;
//! let index = LshIndex::new(LshOptions {
//!     family: FamilyKind::L2 { r: Some(4.0) },
//!     n_projections: Some(4),
//!     n_hash_tables: Some(8),
//!     ..LshOptions::default()
//! })?;
//! index.fit(points, &Control::new())?;
//!
//! let query = [0.9, 0.1];
//! let query = RowsView::new(RowSlice::F32(&query), 2)?;
//! let found = index.search(&query, 2, &Control::new())?;
//! assert_eq!(found.ids, [1, 0]);
//! # Ok(())
//! # }
//! ```
//!
//! Heavy calls use the current rayon thread pool; answers are the same whatever its size, and on
//! every CPU. Long calls report to a [`Control`] and can be stopped through it.

pub mod adaptive;
mod control;
mod error;
mod evaluation;
pub mod exact;
mod filter;
mod guarded;
pub mod kernel;
mod large;
pub mod lsh;
mod metric;
mod points;
mod random;
mod scratch;
pub mod stats;
#[cfg(test)]
mod testing;
pub mod tokens;
mod top_k;

pub use control::{Control, Progress};
pub use error::{Error, Result};
pub use evaluation::Evaluation;
pub use exact::Neighbors;
pub use filter::Filter;
pub use lsh::{
    Description, FamilyKind, LshIndex, LshOptions, PredictOptions, Predictions, TableDescription,
};
pub use metric::Metric;
pub use points::{CopiedRows, MAX_DIM, MAX_ROWS, Points, RowData, RowSlice, RowsView};

/// The README's example is compiled and run too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
