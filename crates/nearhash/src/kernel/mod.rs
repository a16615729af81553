//! The only place with SIMD.
//!
//! Every kernel is written once, over sixteen abstract lanes (`lanes`, `generic`), and compiled
//! for each instruction set; `Kernels` is the table of the compiled versions. The best
//! one that the CPU has is chosen once, at run time. All give the same bits: sums have one order,
//! multiply and add are fused, and there is nothing that a wider register does otherwise.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(feature = "kernel-benchmark")]
pub mod benchmark;
mod calls;
mod codes;
mod generic;
mod lanes;
mod level;
mod order;
mod portable;
mod prefetch;
mod quantise;
mod residuals;
mod row_codes;
mod scan;
mod shortlist;
mod table;
#[cfg(test)]
mod tests;
mod tile;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub(crate) use codes::{Axes, LINE, Line, Packing, Score, Scored};
pub(crate) use lanes::LANES;
pub use level::level;
pub(crate) use prefetch::{prefetch, prefetch_lines};
pub(crate) use quantise::{ROUNDER, Rounded, Split};
pub(crate) use residuals::Residuals;
pub(crate) use row_codes::{PART, RowCodes};
pub(crate) use scan::{BucketScan, Soon};
pub(crate) use shortlist::{Candidate, Shortlist};
pub(crate) use table::Kernels;
pub(crate) use tile::{CodeTile, TILE, TileScore};

/// `dim` rounded up to whole lanes.
pub(crate) fn padded_width(dim: usize) -> usize {
    dim.next_multiple_of(LANES)
}
