//! Textbook LSH: several tables, query-directed multi-probe, exact ranking of every candidate.
//! Theory holds as in the papers; see [`stats`](crate::stats).

mod answers;
pub(crate) mod built;
mod candidates;
mod codes;
pub(crate) mod family;
mod index;
mod l2;
mod open;
mod options;
pub(crate) mod probe;
pub(crate) mod random;
mod rank;
mod search;
mod srp;
mod state;
mod table;
mod tabulated;
mod tuning;

pub use answers::{Description, Predictions, TableDescription};
pub(crate) use index::Drawn;
pub use index::LshIndex;
pub use options::{FamilyKind, LshOptions, PredictOptions, SearchOptions};

/// Most hash functions a table: a sign hash of 64 bits fills a key.
pub const MAX_PROJECTIONS: usize = 64;
/// Most tables.
pub const MAX_TABLES: usize = 10_000;
/// Smallest bucket width.
pub const R_MIN: f32 = 1e-30;
/// Largest bucket width.
pub const R_MAX: f32 = 1e30;

#[cfg(test)]
mod tests;
