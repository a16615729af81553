//! Exact search in the same run: what a hash index has to beat to be worth building.

use std::hint::black_box;

use nearhash::{Control, RowSlice, RowsView};
use serde::Serialize;

use crate::contender::Failure;
use crate::data::{Queries, Rows};
use crate::exact::{self, Metric, Truth};
use crate::measure::{TOP_K, Times, seconds};

/// One way to search exactly, in microseconds a query.
#[derive(Debug, Serialize)]
pub struct Baseline {
    pub name: &'static str,
    pub query_micros: Times,
}

/// The exact ways for one metric.
pub struct Baselines<'a> {
    metric: Metric,
    rows: &'a Rows,
    queries: &'a Queries,
    /// Rows and queries as float64, unscaled.
    plain: (&'a [f64], &'a [f64]),
    times: [Vec<f64>; NAMES.len()],
}

/// Where the two ways stand that every index is compared with.
pub const PLAIN_CDIST: usize = 0;
pub const CDIST: usize = 1;

const NAMES: [&str; 4] = [
    "cdist in float64 loops, as scipy",
    "nearhash exact cdist",
    "nearhash exact k-NN, one call",
    "nearhash exact k-NN, query by query",
];

impl<'a> Baselines<'a> {
    pub fn new(
        metric: Metric,
        rows: &'a Rows,
        queries: &'a Queries,
        plain: (&'a [f64], &'a [f64]),
    ) -> Self {
        Self {
            metric,
            rows,
            queries,
            plain,
            times: Default::default(),
        }
    }

    fn nearhash_metric(&self) -> nearhash::Metric {
        match self.metric {
            Metric::Euclidean => nearhash::Metric::Euclidean,
            Metric::Cosine => nearhash::Metric::Cosine,
        }
    }

    fn view(rows: &'a Rows) -> Result<RowsView<'a>, Failure> {
        Ok(RowsView::new(RowSlice::F32(&rows.values), rows.dim)?)
    }

    /// Recall@10 of nearhash's exact search, which has to be 1.
    pub fn recall(&self, truth: &Truth) -> Result<f64, Failure> {
        let found = nearhash::exact::knn(
            &Self::view(self.rows)?,
            &Self::view(&self.queries.rows)?,
            self.queries.places(TOP_K),
            self.nearhash_metric(),
            &Control::new(),
        )?;
        let mut hits = 0;
        for (number, ids) in found.ids.chunks_exact(found.k).enumerate() {
            let own = self.queries.get(number).own;
            let others: Vec<u32> = ids
                .iter()
                .copied()
                .filter(|&id| Some(id) != own)
                .take(TOP_K)
                .collect();
            hits += truth.hits(number, &others, TOP_K);
        }
        Ok(hits as f64 / (self.queries.len() * TOP_K) as f64)
    }

    /// Every way once a round, one after the other.
    pub fn run(&mut self, rounds: usize) -> Result<(), Failure> {
        let dim = self.rows.dim;
        let metric = self.nearhash_metric();
        let data = Self::view(self.rows)?;
        let queries = Self::view(&self.queries.rows)?;
        let places = self.queries.places(TOP_K);
        let control = Control::new();
        for _ in 0..rounds {
            let plain = seconds(|| exact::cdist(self.plain.1, self.plain.0, dim, self.metric));
            let cdist = seconds(|| nearhash::exact::cdist(&queries, &data, metric, &control));
            cdist.1?;
            let knn = seconds(|| nearhash::exact::knn(&data, &queries, places, metric, &control));
            knn.1?;
            let single = seconds(|| {
                for query in self.queries.iter() {
                    let row = RowsView::new(RowSlice::F32(query.values), dim)?;
                    black_box(nearhash::exact::knn(&data, &row, places, metric, &control)?);
                }
                Ok::<_, Failure>(())
            });
            single.1?;
            let all = [plain.0, cdist.0, knn.0, single.0];
            for (times, took) in self.times.iter_mut().zip(all) {
                times.push(took * 1e6 / self.queries.len() as f64);
            }
        }
        Ok(())
    }

    /// What was measured, in the order of the constants above.
    pub fn finish(self) -> Vec<Baseline> {
        NAMES
            .into_iter()
            .zip(self.times)
            .map(|(name, times)| Baseline {
                name,
                query_micros: Times::new(times),
            })
            .collect()
    }
}
