//! What an index says of itself.

use crate::metric::Metric;

/// What an index looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// What near means.
    pub metric: Metric,
    /// Points.
    pub size: usize,
    /// Vector length, when known.
    pub dim: Option<usize>,
    /// Mean recall that searches aim at.
    pub recall: f64,
    /// The k of searches that say none.
    pub k: usize,
    /// The seed.
    pub seed: u64,
    /// Bytes held.
    pub memory_bytes: usize,
    /// Of the points in buckets; none when there are so few that all are compared.
    pub codes: Option<Codes>,
    /// Points in no bucket, compared with every query.
    pub open: usize,
}

/// Projection, buckets, codes and calibration.
#[derive(Debug, Clone, PartialEq)]
pub struct Codes {
    /// Leading directions of the data that vectors are projected on.
    pub axes: usize,
    /// Bits of a code, an axis.
    pub bits: u32,
    /// Rounds in which every point moved to its nearest bucket.
    pub settle: usize,
    /// Buckets that hold a point.
    pub buckets: usize,
    /// Points in such a bucket, on average.
    pub mean_bucket_size: f64,
    /// Points in the fullest bucket.
    pub max_bucket_size: usize,
    /// Bytes a vector takes beside its own numbers.
    pub bytes_per_vector: f64,
    /// What was measured on the index's own points.
    pub calibration: Vec<CalibrationPoint>,
}

/// What a recall costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationPoint {
    /// Neighbours wanted.
    pub k: usize,
    /// Mean recall@k.
    pub recall: f64,
    /// Buckets that a search scans for it, in the mean.
    pub probes: f64,
}
