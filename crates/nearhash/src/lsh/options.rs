//! What callers choose: of an index, and of a query.

use super::{MAX_PROJECTIONS, MAX_TABLES, R_MAX, R_MIN};
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::points::{MAX_DIM, MAX_ROWS};

/// Which hash functions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FamilyKind {
    /// Sign random projections, for cosine distance.
    Srp,
    /// p-stable projections, for Euclidean distance.
    L2 {
        /// Bucket width in the data's own units, [`R_MIN`] to [`R_MAX`]. None: four times the
        /// median distance to the tenth neighbour, when points are fitted.
        r: Option<f32>,
    },
}

/// Options of an [`LshIndex`](super::LshIndex).
#[derive(Debug, Clone, PartialEq)]
pub struct LshOptions {
    /// Hash family and its own options. Default: SRP.
    pub family: FamilyKind,
    /// Hash functions a table (k), 1 to [`MAX_PROJECTIONS`]. None: chosen from the data by fit.
    pub n_projections: Option<usize>,
    /// Hash tables (L), 1 to [`MAX_TABLES`]. None: chosen from the data by fit.
    pub n_hash_tables: Option<usize>,
    /// Instead of `n_projections`: points a bucket to aim at; k = ⌊log2(rows / bucket size)⌋.
    pub bucket_size: Option<usize>,
    /// Vector length. None: taken from the fitted points.
    pub dim: Option<usize>,
    /// Same seed, same options, same data: same index and same answers, on every platform.
    pub seed: u64,
}

impl Default for LshOptions {
    fn default() -> Self {
        Self {
            family: FamilyKind::Srp,
            n_projections: None,
            n_hash_tables: None,
            bucket_size: None,
            dim: None,
            seed: 0,
        }
    }
}

impl LshOptions {
    pub(super) fn check(&self) -> Result<()> {
        let within = |argument, value: Option<usize>, allowed: std::ops::RangeInclusive<usize>| {
            match value {
                Some(value) if !allowed.contains(&value) => Err(Error::argument_error(
                    argument,
                    value,
                    format!("{} to {}", allowed.start(), allowed.end()),
                )),
                _ => Ok(()),
            }
        };
        within("n_projections", self.n_projections, 1..=MAX_PROJECTIONS)?;
        within("n_hash_tables", self.n_hash_tables, 1..=MAX_TABLES)?;
        within("bucket_size", self.bucket_size, 1..=MAX_ROWS)?;
        within("dim", self.dim, 1..=MAX_DIM)?;
        if self.bucket_size.is_some() && self.n_projections.is_some() {
            return Err(Error::argument_error(
                "bucket_size",
                "bucket_size and n_projections together",
                "one of the two",
            ));
        }
        if let FamilyKind::L2 { r: Some(r) } = self.family
            && !(R_MIN..=R_MAX).contains(&r)
        {
            return Err(Error::argument_error(
                "r",
                r,
                format!("{R_MIN:e} to {R_MAX:e}"),
            ));
        }
        Ok(())
    }
}

/// How [`LshIndex::search_with`](super::LshIndex::search_with) answers.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// Neighbours wanted per query, at least 1. Default 10.
    pub k: usize,
    /// Additional buckets a table in this call. None: those of
    /// [`set_budget`](super::LshIndex::set_budget).
    pub budget: Option<usize>,
    /// Only points that it admits are found, of those in the probed buckets. None: all.
    pub filter: Option<Filter>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            k: 10,
            budget: None,
            filter: None,
        }
    }
}

/// How [`LshIndex::predict`](super::LshIndex::predict) answers.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictOptions {
    /// Neighbours wanted per query, at least 1. Default 5.
    pub top_k: usize,
    /// Look at no more than this many candidates, those of the likeliest buckets. Default: all.
    pub bound: Option<usize>,
    /// Return the neighbours' vectors too. Default false.
    pub vectors: bool,
}

impl Default for PredictOptions {
    fn default() -> Self {
        Self {
            top_k: 5,
            bound: None,
            vectors: false,
        }
    }
}
