//! What callers choose: of an index, and of a search.

use crate::adaptive::layout::{REGIONS_FROM, Shape};
use crate::error::{Error, Result, check_at_least_1};
use crate::filter::Filter;
use crate::metric::Metric;
use crate::points::MAX_DIM;

/// Most rounds of settling that may be asked for.
pub const MAX_SETTLE: usize = 64;

/// Options of an [`AdaptiveIndex`](super::AdaptiveIndex).
#[derive(Debug, Clone, PartialEq)]
pub struct IndexOptions {
    /// What near means. Default: Euclidean.
    pub metric: Metric,
    /// Vector length. None: taken from the fitted points.
    pub dim: Option<usize>,
    /// Mean recall@k that searches aim at, above 0 and at most 1; 1 is exact. Default 0.95.
    pub recall: f64,
    /// The k of searches that say none, at least 1. Default 10.
    pub k: usize,
    /// Rounds in which every point moves to its nearest bucket, 0 to [`MAX_SETTLE`]. 0: buckets are
    /// hash buckets and nothing else. None: chosen from the data.
    pub settle: Option<usize>,
    /// From so many points on, buckets are small and ranked in two levels: regions, and then the
    /// buckets of the nearest. Default 250,000, about where that begins to be faster.
    pub regions_from: usize,
    /// Same seed, same options, same data: same index and same answers, on every platform.
    pub seed: u64,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            metric: Metric::Euclidean,
            dim: None,
            recall: 0.95,
            k: 10,
            settle: None,
            regions_from: REGIONS_FROM,
            seed: 0,
        }
    }
}

/// Options of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchOptions {
    /// Neighbours wanted, at least 1.
    pub k: usize,
    /// Mean recall to aim at instead of the index's own.
    pub recall: Option<f64>,
    /// Buckets to scan, at least 1, whatever the recall.
    pub probes: Option<usize>,
    /// Which points may be found.
    pub filter: Option<Filter>,
}

impl SearchOptions {
    /// The `k` nearest, with the index's own recall.
    pub fn nearest(k: usize) -> Self {
        Self {
            k,
            recall: None,
            probes: None,
            filter: None,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_at_least_1("k", self.k)?;
        if let Some(recall) = self.recall {
            check_recall(recall)?;
        }
        if let Some(probes) = self.probes {
            check_at_least_1("probes", probes)?;
        }
        Ok(())
    }
}

impl IndexOptions {
    pub(super) fn shape(&self) -> Shape {
        Shape {
            settle: self.settle,
            regions_from: self.regions_from,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_recall(self.recall)?;
        check_at_least_1("k", self.k)?;
        if let Some(dim) = self.dim
            && !(1..=MAX_DIM).contains(&dim)
        {
            return Err(Error::argument_error("dim", dim, format!("1 to {MAX_DIM}")));
        }
        if let Some(settle) = self.settle
            && settle > MAX_SETTLE
        {
            return Err(Error::argument_error(
                "settle",
                settle,
                format!("0 to {MAX_SETTLE}"),
            ));
        }
        Ok(())
    }
}

fn check_recall(recall: f64) -> Result<()> {
    if recall > 0.0 && recall <= 1.0 {
        Ok(())
    } else {
        Err(Error::argument_error(
            "recall",
            recall,
            "a number above 0 and at most 1",
        ))
    }
}
