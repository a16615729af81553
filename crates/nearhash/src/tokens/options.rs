//! What callers choose of cluster tokens.

use super::{MAX_CLUSTERS, MAX_GROUPS};
use crate::error::{Error, Result};
use crate::metric::Metric;

/// Whether vectors are rotated before they are cut into groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RotationChoice {
    /// Both ways are trained, and the one that finds more of the held-out rows' neighbours is kept;
    /// rotated when there are too few rows to tell.
    #[default]
    Auto,
    /// Rotated at random.
    Random,
    /// As they are: groups are runs of neighbouring dimensions.
    None,
}

/// Options of [`ClusterTokens::train`](super::ClusterTokens::train).
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterTokensOptions {
    /// Groups that the dimensions are cut into, 1 to the vector length and at most [`MAX_GROUPS`]:
    /// words a vector. None: see [`default_groups`].
    pub groups: Option<usize>,
    /// Clusters a group, 1 to [`MAX_CLUSTERS`]; default 256. A group in which fewer rows differ has
    /// fewer.
    pub clusters: usize,
    /// What near means. Vectors are brought to length 1 first where it is cosine.
    pub metric: Metric,
    /// Default: chosen on held-out rows.
    pub rotation: RotationChoice,
    /// Nearest clusters a group that a query asks for, when it does not say. None: chosen on
    /// held-out rows.
    pub probes: Option<usize>,
    /// Most rows that k-means sees; the others only take part in the validation. Default 20,000, or
    /// 64 a cluster when that is more.
    pub sample: Option<usize>,
    /// Most iterations of k-means; default 10.
    pub iterations: usize,
    /// Same seed, same options, same rows: same model, on every platform.
    pub seed: u64,
}

impl Default for ClusterTokensOptions {
    fn default() -> Self {
        Self {
            groups: None,
            clusters: 256,
            metric: Metric::Euclidean,
            rotation: RotationChoice::Auto,
            probes: None,
            sample: None,
            iterations: 10,
            seed: 0,
        }
    }
}

/// Groups when none are asked for: one for every ten dimensions, but 16 at least and 256 at most, as
/// far as there are dimensions.
pub fn default_groups(dim: usize) -> usize {
    (dim / 10).clamp(16, 256).min(dim)
}

impl ClusterTokensOptions {
    /// Groups for vectors of this length.
    pub(super) fn groups_for(&self, dim: usize) -> usize {
        self.groups.unwrap_or_else(|| default_groups(dim))
    }

    pub(super) fn sample_size(&self) -> usize {
        self.sample.unwrap_or(20_000.max(64 * self.clusters))
    }

    pub(super) fn check(&self, dim: usize) -> Result<()> {
        let within = |argument, value: usize, allowed: std::ops::RangeInclusive<usize>| {
            if allowed.contains(&value) {
                return Ok(());
            }
            Err(Error::argument_error(
                argument,
                value,
                format!("{} to {}", allowed.start(), allowed.end()),
            ))
        };
        if let Some(groups) = self.groups {
            within("groups", groups, 1..=dim.min(MAX_GROUPS))?;
        }
        within("clusters", self.clusters, 1..=MAX_CLUSTERS)?;
        within("iterations", self.iterations, 1..=1000)?;
        if let Some(probes) = self.probes {
            within("probes", probes, 1..=self.clusters)?;
        }
        if let Some(sample) = self.sample {
            within("sample", sample, 1..=crate::points::MAX_ROWS)?;
        }
        Ok(())
    }
}
