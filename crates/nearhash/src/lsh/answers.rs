//! What an index says: its answers and its own description.

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
