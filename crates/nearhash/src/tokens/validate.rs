//! How many true neighbours of held-out rows are among the first candidates.
//!
//! The candidates are those a search engine would return: rows by the sum of the weights of the
//! words that they share with the query, ties to the lower row.

use rayon::prelude::*;

use super::codes::CodeMatrix;
use crate::control::Control;
use crate::error::Result;

/// Neighbours that are looked for.
pub(super) const NEIGHBORS: usize = 10;
/// Fewest and most candidates that count.
pub(super) const CANDIDATES: [usize; 2] = [100, 300];

/// Recall of the true ten nearest within candidates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeRecall {
    /// Nearest clusters a group that the queries asked for.
    pub probes: usize,
    /// Share of the true neighbours within the first 100 candidates.
    pub within_100: f64,
    /// Share of the true neighbours within the first 300 candidates.
    pub within_300: f64,
}

/// What held-out rows say about a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// True neighbours of a query, the query's own row not among them.
    pub neighbors: usize,
    /// Rows that k-means did not see, asked as queries.
    pub queries: usize,
    /// Rows that were searched.
    pub rows: usize,
    /// One entry for each number of probes that was tried, ascending.
    pub recalls: Vec<ProbeRecall>,
}

/// Rows by their words.
pub(super) struct Postings {
    rows: usize,
    groups: Vec<Lists>,
}

/// Rows of one group by cluster: those of cluster c from `starts[c]` to `starts[c + 1]`.
struct Lists {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Postings {
    pub(super) fn new(codes: &CodeMatrix, clusters: impl Fn(usize) -> usize + Sync) -> Self {
        let groups = (0..codes.groups())
            .into_par_iter()
            .map(|group| {
                let mut starts = vec![0_u32; clusters(group) + 1];
                for row in 0..codes.rows() {
                    starts[codes.get(row, group) + 1] += 1;
                }
                for c in 1..starts.len() {
                    starts[c] += starts[c - 1];
                }
                let mut next = starts.clone();
                let mut rows = vec![0; codes.rows()];
                for row in 0..codes.rows() {
                    let place = &mut next[codes.get(row, group)];
                    rows[*place as usize] = row as u32;
                    *place += 1;
                }
                Lists { starts, rows }
            })
            .collect();
        Self {
            rows: codes.rows(),
            groups,
        }
    }

    /// List entries that a query reads with so many probes, mean.
    pub(super) fn read(&self, queries: &[HeldOut], probes: usize) -> usize {
        let entries: usize = queries
            .iter()
            .flat_map(|query| self.lists(query, probes))
            .map(|(list, _)| list.len())
            .sum();
        entries / queries.len().max(1)
    }

    /// The lists of a query's words, and the words' weights.
    fn lists<'a>(
        &'a self,
        query: &'a HeldOut,
        probes: usize,
    ) -> impl Iterator<Item = (&'a [u32], f32)> {
        query
            .clusters
            .iter()
            .enumerate()
            .flat_map(move |(group, near)| {
                near.iter()
                    .take(probes)
                    .map(move |(cluster, weight)| (self.list(group, *cluster as usize), *weight))
            })
    }

    fn list(&self, group: usize, cluster: usize) -> &[u32] {
        let Lists { starts, rows } = &self.groups[group];
        &rows[starts[cluster] as usize..starts[cluster + 1] as usize]
    }
}

/// One held-out row as a query.
pub(super) struct HeldOut {
    /// Its row among those searched.
    pub(super) row: u32,
    /// Its true neighbours there.
    pub(super) neighbors: Vec<u32>,
    /// In each group the nearest clusters and their weights, nearest first.
    pub(super) clusters: Vec<Vec<(u32, f32)>>,
}

/// Recall of all queries with so many probes.
pub(super) fn recall(
    postings: &Postings,
    queries: &[HeldOut],
    probes: usize,
    control: &Control,
) -> Result<ProbeRecall> {
    let found = queries
        .par_iter()
        .map_init(
            || (vec![0.0_f32; postings.rows], Vec::new()),
            |(scores, touched), query| {
                control.check()?;
                Ok(within(postings, query, probes, scores, touched))
            },
        )
        .collect::<Result<Vec<_>>>()?;
    let wanted: usize = queries.iter().map(|query| query.neighbors.len()).sum();
    let share = |i: usize| {
        let found: usize = found.iter().map(|found| found[i]).sum();
        found as f64 / wanted.max(1) as f64
    };
    Ok(ProbeRecall {
        probes,
        within_100: share(0),
        within_300: share(1),
    })
}

/// How many of a query's neighbours are within each of [`CANDIDATES`]. `scores` are all zero before
/// and after.
fn within(
    postings: &Postings,
    query: &HeldOut,
    probes: usize,
    scores: &mut [f32],
    touched: &mut Vec<(f32, u32)>,
) -> [usize; 2] {
    for (list, weight) in postings.lists(query, probes) {
        for row in list {
            scores[*row as usize] += weight;
        }
    }
    touched.clear();
    for (list, _) in postings.lists(query, probes) {
        for row in list {
            let score = std::mem::take(&mut scores[*row as usize]);
            if score > 0.0 && *row != query.row {
                touched.push((score, *row));
            }
        }
    }
    let better = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    CANDIDATES.map(|most| {
        if touched.len() > most {
            touched.select_nth_unstable_by(most, better);
        }
        let first = &touched[..most.min(touched.len())];
        first
            .iter()
            .filter(|(_, row)| query.neighbors.contains(row))
            .count()
    })
}
