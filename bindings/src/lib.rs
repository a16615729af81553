//! The Node-API face of nearhash. Glue only: typed arrays in, tasks and errors out, one thread
//! pool; the algorithms are in the crate `nearhash`, the classes that users see in `bindings/ts`.
//!
//! | module | subject |
//! | --- | --- |
//! | `adaptive`, `lsh`, `lsh_answers`, `tokens`, `cluster_tokens`, `lsh_tokens`, `exact`, `stats`, `runtime`, `evaluation` | what is exported |
//! | `rows`, `filter`, `metric`, `arrays` | vectors, ids and names on their way in, results on their way out |
//! | `single_query` | one query and its answer through memory that both sides know |
//! | `owned`, `point_index` | an index behind an object of JavaScript's, and what all of them can do |
//! | `task`, `turns`, `control` | work off the event loop, one change at a time, cancelling |
//! | `pool` | the threads |
//! | `failure`, `fault` | errors, and panics made on purpose to test them |
//! | `memory` | telling V8 about native bytes |
//!
//! Nothing here is public API: the package exports the TypeScript face alone.

pub mod adaptive;
mod arrays;
pub mod cluster_tokens;
pub mod control;
pub mod evaluation;
pub mod exact;
mod failure;
pub mod fault;
pub mod filter;
pub mod lsh;
pub mod lsh_answers;
pub mod lsh_tokens;
pub mod memory;
mod metric;
mod owned;
mod point_index;
mod pool;
mod rows;
pub mod runtime;
pub mod single_query;
pub mod stats;
mod task;
pub mod tokens;
mod turns;
