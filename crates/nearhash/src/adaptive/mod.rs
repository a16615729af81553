//! The fast index: one table of hashes fitted to the data, compact codes in its buckets, exact
//! distances at the end.
//!
//! In: vectors are centred and projected on the leading directions of the data (`projection`), sent
//! down a tree of sign hashes, each along its node's own direction (`tree`), perhaps moved to the
//! bucket with the nearest centre, a few times (`filing`), and encoded as what is left beside that
//! centre (`codes`). How what is beyond the axes goes together (`rests`) and how much it counts that some buckets
//! are wider than others (`spread_weight`) is measured on near points (`near_points`). All that is the `model`. Then the index is searched for some of its own points, and for strangers made of
//! them, to learn when a search may stop (`traces`, `calibrate`, `stopping`).
//!
//! A query is projected and quantised once; all buckets are ranked by one dot product each; the codes
//! of the nearest are scanned until few neighbours can be missing; survivors are ranked by exact
//! distance (`search`).

mod ahead;
mod answers;
mod calibrate;
mod codes;
mod curve;
mod filing;
mod index;
mod layout;
mod model;
mod near_points;
mod open;
mod options;
mod plan;
pub(crate) mod projection;
mod quantised;
mod ranking;
mod regions;
mod rests;
mod sample;
mod search;
mod searcher;
pub(crate) mod spectrum;
mod spread_weight;
mod state;
mod stopping;
mod strangers;
mod traces;
mod tree;

pub use answers::{CalibrationPoint, Codes, Description};
pub use index::AdaptiveIndex;
pub use options::{IndexOptions, MAX_SETTLE, SearchOptions};
