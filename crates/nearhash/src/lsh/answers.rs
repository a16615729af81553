//! What an index says: its answers, its own description, how well it answers.

use crate::exact::Neighbors;

/// Answers of different length: query i has the places `offsets[i]..offsets[i + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// One more than there are queries.
    pub offsets: Vec<u32>,
    /// Neighbours, nearest first, ties to the lower id.
    pub ids: Vec<u32>,
    /// Their distances.
    pub distances: Vec<f32>,
    /// Distinct points met in the probed buckets, for each query.
    pub collisions: Vec<u32>,
    /// The neighbours' vectors, one after the other, when asked for.
    pub vectors: Option<Vec<f32>>,
}

/// What one table looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableDescription {
    /// Buckets that hold a point.
    pub buckets: usize,
    /// Points in such a bucket, on average.
    pub mean_bucket_size: f64,
    /// Points in the fullest bucket.
    pub max_bucket_size: usize,
    /// Share of the possible buckets that hold no point: of the 2ᵏ of SRP; L2 has no bound on its
    /// buckets, so there it is 1 − (buckets / points) instead, the share of points that another
    /// one precedes in its bucket.
    pub empty_share: f64,
}

/// What an index looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// `"srp"` or `"l2"`.
    pub family: &'static str,
    /// Points.
    pub size: usize,
    /// Vector length, when known.
    pub dim: Option<usize>,
    /// Hash functions a table, when known.
    pub n_projections: Option<usize>,
    /// Hash tables, when known.
    pub n_hash_tables: Option<usize>,
    /// Bucket width of L2, when known.
    pub r: Option<f32>,
    /// The seed.
    pub seed: u64,
    /// Additional buckets a table; 0 for base probing.
    pub budget: usize,
    /// Bytes held.
    pub memory_bytes: usize,
    /// The tables, of the points that they were built with.
    pub tables: Vec<TableDescription>,
}

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

impl Predictions {
    /// Close the gaps of answers with fewer than k neighbours.
    pub(super) fn compact(found: Neighbors, collisions: Vec<u32>) -> Self {
        let Neighbors {
            k,
            mut ids,
            mut distances,
            counts,
        } = found;
        let mut offsets = Vec::with_capacity(counts.len() + 1);
        offsets.push(0);
        let mut end = 0;
        for (i, count) in counts.iter().enumerate() {
            let (start, count) = (i * k, *count as usize);
            ids.copy_within(start..start + count, end);
            distances.copy_within(start..start + count, end);
            end += count;
            offsets.push(end as u32);
        }
        ids.truncate(end);
        distances.truncate(end);
        Self {
            offsets,
            ids,
            distances,
            collisions,
            vectors: None,
        }
    }
}

impl Evaluation {
    pub(super) fn new(
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

/// 97.5th percentile of the standard normal distribution.
pub(super) const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's score interval of a share `p` among `n`.
pub(super) fn wilson(p: f64, n: f64) -> (f64, f64) {
    let z2 = Z95 * Z95;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}
