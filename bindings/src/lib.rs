//! The Node-API face of nearhash. Glue only: typed arrays in, tasks and errors out, one thread
//! pool; the algorithms are in the crate `nearhash`, the classes that users see in `bindings/ts`.
//!
//! | module | subject |
//! | --- | --- |
//! | `lsh`, `tokens`, `exact`, `stats`, `runtime` | what is exported |
//! | `rows`, `arrays` | vectors on their way in, results on their way out |
//! | `task`, `turns`, `control` | work off the event loop, one change at a time, cancelling |
//! | `pool` | the threads |
//! | `failure`, `fault` | errors, and panics made on purpose to test them |
//! | `memory` | telling V8 about native bytes |
//!
//! Nothing here is public API: the package exports the TypeScript face alone.

mod arrays;
pub mod control;
pub mod exact;
mod failure;
pub mod fault;
pub mod lsh;
pub mod memory;
mod pool;
mod rows;
pub mod runtime;
pub mod stats;
mod task;
pub mod tokens;
mod turns;
