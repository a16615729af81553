//! How well an index answers.

use std::time::Instant;

use crate::error::{Error, Result};
use crate::exact::Neighbors;
use crate::points::{RowsView, check_dim};

/// How well an index answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean share of the k nearest that were found. A neighbour as near as the k-th counts.
    pub recall: f64,
    /// Lower end of the 95 % interval of the mean.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// 5th percentile of the queries' recalls.
    pub p5: f64,
    /// Time of the search, by all threads, per query.
    pub micros_per_query: f64,
    /// Time of the exact search, likewise.
    pub exact_micros_per_query: f64,
}

impl Evaluation {
    /// Refuse queries that an index of so many points cannot be judged by.
    pub(crate) fn check(queries: &RowsView<'_>, dim: usize, points: usize) -> Result<()> {
        if queries.rows() == 0 {
            return Err(Error::argument_error("x", "0 vectors", "at least 1 vector"));
        }
        check_dim("x", queries.dim(), Some(dim))?;
        if points == 0 {
            return Err(Error::NotFitted {
                argument: "evaluate",
                allowed: "a call while the index has points".into(),
            });
        }
        Ok(())
    }

    /// Time a search and an exact one of the same queries, one after the other.
    pub(crate) fn of(
        search: impl FnOnce() -> Result<Neighbors>,
        exact: impl FnOnce() -> Result<Neighbors>,
    ) -> Result<Self> {
        let (found, micros) = timed(search)?;
        let (truth, exact_micros) = timed(exact)?;
        Ok(Self::new(&found, &truth, micros, exact_micros))
    }

    pub(crate) fn new(
        found: &Neighbors,
        truth: &Neighbors,
        micros: f64,
        exact_micros: f64,
    ) -> Self {
        let queries = truth.counts.len();
        // Every query has as many true neighbours: k, or all points where they are fewer.
        let wanted = truth.counts.first().copied().unwrap_or(0).max(1) as usize;
        let hits: Vec<usize> = (0..queries)
            .map(|i| {
                let farthest = truth.distances[i * truth.k + wanted - 1];
                found.distances[i * found.k..][..found.counts[i] as usize]
                    .iter()
                    .filter(|distance| **distance <= farthest)
                    .count()
                    // Ties at the last place could make them more.
                    .min(wanted)
            })
            .collect();
        let n = queries as f64;
        let mean = hits.iter().sum::<usize>() as f64 / (queries * wanted) as f64;
        let mut recalls: Vec<f64> = hits.iter().map(|h| *h as f64 / wanted as f64).collect();
        let (low, high) = wilson(mean, n);
        let variance = recalls.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        let normal = Z95 * (variance / n).sqrt();
        recalls.sort_unstable_by(f64::total_cmp);
        Self {
            recall: mean,
            // Queries that all agree have no variance to judge by; the score interval still knows
            // how few they are.
            low: if variance > 0.0 {
                (mean - normal).max(0.0)
            } else {
                low
            },
            high: if variance > 0.0 {
                (mean + normal).min(1.0)
            } else {
                high
            },
            p5: recalls[((queries - 1) as f64 * 0.05).floor() as usize],
            micros_per_query: micros / n,
            exact_micros_per_query: exact_micros / n,
        }
    }
}

/// What `work` returns, and its microseconds.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let start = Instant::now();
    let found = work()?;
    Ok((found, start.elapsed().as_secs_f64() * 1e6))
}

/// 97.5th percentile of the standard normal distribution.
pub(crate) const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's score interval of a share `p` among `n`.
pub(crate) fn wilson(p: f64, n: f64) -> (f64, f64) {
    let z2 = Z95 * Z95;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}
