//! The kernels as safe functions, which check lengths.
//!
//! A [`Kernels`](super::Kernels) exists only for an instruction set that this CPU has, so what remains
//! to be checked before a kernel runs are its arguments: whole lanes, and lengths that fit together.

mod buckets;
mod codes;
mod generic;
