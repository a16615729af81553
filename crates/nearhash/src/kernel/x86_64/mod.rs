//! Lanes of x86-64, one instruction set a file.

pub(super) mod avx2;
pub(super) mod avx512;
