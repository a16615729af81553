//! Exact search in plain float64 loops: the truth that recall is measured against, and the
//! baseline that users of scipy know.

/// Which distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Euclidean,
    Cosine,
}

/// Pairs that one inner loop works on. A float64 sum over one pair alone waits for itself, and
/// scipy's loops interleave several sums too.
const PAIRS: usize = 4;

/// All distances of `queries` to `rows`, row-major, queries x rows, as scipy's cdist returns them.
pub fn cdist(queries: &[f64], rows: &[f64], dim: usize, metric: Metric) -> Vec<f64> {
    let mut distances = Vec::with_capacity(queries.len() / dim * (rows.len() / dim));
    match metric {
        Metric::Euclidean => {
            for query in queries.chunks_exact(dim) {
                sums(
                    query,
                    rows,
                    |a, b| (a - b) * (a - b),
                    |_, sum| {
                        distances.push(sum.sqrt());
                    },
                );
            }
        }
        Metric::Cosine => {
            // Squares need no query; a row of the same length stands in for it.
            let mut norms = Vec::with_capacity(rows.len() / dim);
            sums(
                &queries[..dim],
                rows,
                |_, x| x * x,
                |_, sum| {
                    norms.push(sum.sqrt());
                },
            );
            for query in queries.chunks_exact(dim) {
                let length = query.iter().map(|x| x * x).sum::<f64>().sqrt();
                sums(
                    query,
                    rows,
                    |a, b| a * b,
                    |row, sum| {
                        distances.push(1.0 - sum / (length * norms[row]));
                    },
                );
            }
        }
    }
    distances
}

/// Hand `done` the row number and the sum of `term` over the coordinates, row after row.
#[inline(always)]
fn sums(
    query: &[f64],
    rows: &[f64],
    term: impl Fn(f64, f64) -> f64,
    mut done: impl FnMut(usize, f64),
) {
    let dim = query.len();
    let blocks = rows.chunks_exact(dim * PAIRS);
    let rest = blocks.remainder();
    let mut row = 0;
    for block in blocks {
        let (a, block) = block.split_at(dim);
        let (b, block) = block.split_at(dim);
        let (c, d) = block.split_at(dim);
        let mut sum = [0.0; PAIRS];
        for ((((&q, &a), &b), &c), &d) in query.iter().zip(a).zip(b).zip(c).zip(d) {
            sum[0] += term(q, a);
            sum[1] += term(q, b);
            sum[2] += term(q, c);
            sum[3] += term(q, d);
        }
        for sum in sum {
            done(row, sum);
            row += 1;
        }
    }
    for other in rest.chunks_exact(dim) {
        done(
            row,
            query.iter().zip(other).map(|(&q, &x)| term(q, x)).sum(),
        );
        row += 1;
    }
}

/// The true distances of the queries to all rows, and how far their nearest neighbours are.
pub struct Truth {
    distances: Vec<f64>,
    rows: usize,
    /// Per query: the distances of the k nearest rows, ascending.
    nearest: Vec<Vec<f64>>,
}

impl Truth {
    /// `distances` is queries x rows; with `own`, query i is row i and not its own neighbour.
    pub fn new(distances: Vec<f64>, rows: usize, own: bool, k: usize) -> Self {
        let nearest = distances
            .chunks_exact(rows)
            .enumerate()
            .map(|(query, distances)| {
                let mut others: Vec<f64> = distances
                    .iter()
                    .enumerate()
                    .filter(|&(row, _)| !own || row != query)
                    .map(|(_, &distance)| distance)
                    .collect();
                others.select_nth_unstable_by(k - 1, f64::total_cmp);
                others.truncate(k);
                others.sort_by(f64::total_cmp);
                others
            })
            .collect();
        Self {
            distances,
            rows,
            nearest,
        }
    }

    /// Mean over all queries and rows, each query's own row included, as floky's notebook has it.
    pub fn mean(&self) -> f64 {
        self.distances.iter().sum::<f64>() / self.distances.len() as f64
    }

    /// Share of the queries whose nearest neighbour is nearer than `radius`.
    pub fn share_within(&self, radius: f64) -> f64 {
        let near = self.nearest.iter().filter(|near| near[0] < radius).count();
        near as f64 / self.nearest.len() as f64
    }

    /// Whether the true first neighbour of `query` (or one equally near) is among `ids`.
    pub fn first_found(&self, query: usize, ids: &[u32]) -> bool {
        self.hits(query, ids, 1) > 0
    }

    /// How many of `ids` are as near to `query` as its `k`-th nearest neighbour, at most k.
    pub fn hits(&self, query: usize, ids: &[u32], k: usize) -> usize {
        let distances = &self.distances[query * self.rows..][..self.rows];
        let bound = self.nearest[query][k - 1];
        let hits = ids
            .iter()
            .filter(|&&id| distances[id as usize] <= bound)
            .count();
        hits.min(k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seven rows, so that the blocks of four leave a rest.
    fn rows() -> Vec<f64> {
        (0..21).map(|i| f64::from((i * i * 7) % 23 + 1)).collect()
    }

    #[test]
    fn cdist_agrees_with_the_definition() {
        let rows = rows();
        let queries = &rows[..6];
        for metric in [Metric::Euclidean, Metric::Cosine] {
            let found = cdist(queries, &rows, 3, metric);
            assert_eq!(found.len(), 14);
            for (at, &distance) in found.iter().enumerate() {
                let a = &queries[at / 7 * 3..][..3];
                let b = &rows[at % 7 * 3..][..3];
                let dot =
                    |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                let expected = match metric {
                    Metric::Euclidean => (dot(a, a) - 2.0 * dot(a, b) + dot(b, b)).sqrt(),
                    Metric::Cosine => 1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt(),
                };
                assert!((distance - expected).abs() < 1e-6, "{metric:?} {at}");
            }
        }
    }

    #[test]
    fn truth_leaves_the_own_row_out_and_counts_ties() {
        // Row 0 and row 1 ask four rows; rows 2 and 3 are equally near to both.
        let distances = vec![0.0, 5.0, 1.0, 1.0, 5.0, 0.0, 2.0, 2.0];
        let truth = Truth::new(distances.clone(), 4, true, 2);
        assert!(truth.first_found(0, &[3]));
        assert!(!truth.first_found(0, &[1]));
        assert_eq!(truth.hits(1, &[3, 0], 2), 1);
        assert_eq!(truth.share_within(1.5), 0.5);
        assert_eq!(truth.mean(), 2.0);

        let held_out = Truth::new(distances, 4, false, 2);
        assert!(held_out.first_found(0, &[0]));
        assert!(!held_out.first_found(0, &[3]));
    }
}
