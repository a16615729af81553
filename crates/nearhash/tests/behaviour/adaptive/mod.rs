//! The fast index.

mod changes;
mod exactness;
mod faults;
mod filters;
mod recall;
mod same_answers;
mod twins;

use std::sync::LazyLock;

use nearhash::adaptive::{AdaptiveIndex, IndexOptions, SearchOptions};
use nearhash::{Control, Metric, Neighbors, Points, RowData, RowsView, exact};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::view;

pub(crate) const METRICS: [Metric; 2] = [Metric::Euclidean, Metric::Cosine];
/// Fewest points that are put into buckets.
const FEWEST: usize = 1024;

pub(crate) fn with_metric(metric: Metric) -> IndexOptions {
    IndexOptions {
        metric,
        ..IndexOptions::default()
    }
}

pub(crate) fn fitted(options: IndexOptions, data: RowData, dim: usize) -> AdaptiveIndex {
    let index = AdaptiveIndex::new(options).unwrap();
    index
        .fit(Points::new(data, dim).unwrap(), &Control::new())
        .unwrap();
    index
}

pub(crate) fn floats(rows: &[f32]) -> RowData {
    RowData::F32(rows.to_vec())
}

pub(crate) fn asked(k: usize, recall: f64) -> SearchOptions {
    SearchOptions {
        recall: Some(recall),
        ..SearchOptions::nearest(k)
    }
}

fn search(index: &AdaptiveIndex, queries: &RowsView<'_>, options: &SearchOptions) -> Neighbors {
    index.search(queries, options, &Control::new()).unwrap()
}

fn knn(rows: &RowsView<'_>, queries: &RowsView<'_>, k: usize, metric: Metric) -> Neighbors {
    exact::knn(rows, queries, k, metric, &Control::new()).unwrap()
}

/// Points in crowds of unequal width, whose later dimensions vary less.
fn clustered(seed: u64, count: usize, dim: usize) -> Vec<f32> {
    const CROWDS: usize = 40;
    let mut centres = ChaCha8Rng::seed_from_u64(12);
    let mut normal = |scale: f32| scale * centres.sample::<f32, _>(StandardNormal);
    let weight = |j: usize| 1.0 / (1.0 + j as f32 / 8.0).sqrt();
    let crowds: Vec<(Vec<f32>, f32)> = (0..CROWDS)
        .map(|i| {
            let centre = (0..dim).map(|j| normal(3.0) * weight(j)).collect();
            (centre, 0.5 + (i % 4) as f32 * 0.4)
        })
        .collect();
    let mut points = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::with_capacity(count * dim);
    for _ in 0..count {
        let (centre, width) = &crowds[points.random_range(0..CROWDS as u32) as usize];
        for (j, x) in centre.iter().enumerate() {
            let noise: f32 = points.sample(StandardNormal);
            rows.push(x + width * weight(j) * noise);
        }
    }
    rows
}

/// What is true of every answer: as many neighbours as there can be, none of them twice, by
/// (distance, id), and every distance the exact one. `found` are rows of `rows` by their number.
#[track_caller]
fn assert_sound(
    found: &Neighbors,
    rows: &RowsView<'_>,
    queries: &RowsView<'_>,
    k: usize,
    metric: Metric,
) {
    let n = rows.rows();
    let all = exact::cdist(queries, rows, metric, &Control::new()).unwrap();
    assert_eq!(found.counts.len(), queries.rows());
    assert_eq!(found.k, k.min(n));
    for (i, count) in found.counts.iter().enumerate() {
        assert_eq!(*count as usize, k.min(n), "query {i}");
        let places = i * found.k..i * found.k + *count as usize;
        let (ids, distances) = (&found.ids[places.clone()], &found.distances[places]);
        for (id, distance) in ids.iter().zip(distances) {
            let expected = all[i * n + *id as usize];
            assert_eq!(distance.to_bits(), expected.to_bits(), "query {i}, id {id}");
        }
        let keys: Vec<(u32, u32)> = distances
            .iter()
            .zip(ids)
            .map(|(distance, id)| (distance.to_bits(), *id))
            .collect();
        assert!(
            keys.windows(2).all(|pair| pair[0] < pair[1]),
            "query {i}: {keys:?}"
        );
    }
}

/// Answers of exact search, whose k may be larger.
#[track_caller]
fn assert_exact(found: &Neighbors, truth: &Neighbors, what: impl std::fmt::Debug) {
    assert_eq!(found.counts, truth.counts, "{what:?}");
    for (i, count) in found.counts.iter().enumerate() {
        let of = |n: &Neighbors| {
            let places = i * n.k..i * n.k + *count as usize;
            let bits = n.distances[places.clone()].iter().map(|x| x.to_bits());
            (n.ids[places].to_vec(), bits.collect::<Vec<u32>>())
        };
        assert_eq!(of(found), of(truth), "{what:?}, query {i}");
    }
}

/// Mean share of the k nearest that was found; one as near as the k-th counts.
fn recall(found: &Neighbors, truth: &Neighbors) -> f64 {
    let mut hits = 0;
    let mut wanted = 0;
    for (i, count) in truth.counts.iter().enumerate() {
        let count = *count as usize;
        let farthest = truth.distances[i * truth.k + count - 1];
        let found = &found.distances[i * found.k..][..found.counts[i] as usize];
        hits += found.iter().filter(|x| **x <= farthest).count().min(count);
        wanted += count;
    }
    f64::from(hits as u32) / f64::from(wanted as u32)
}

/// An index with its rows and queries that are none of them.
struct Sample {
    index: AdaptiveIndex,
    dim: usize,
    metric: Metric,
    rows: Vec<f32>,
    queries: Vec<f32>,
}

impl Sample {
    fn new(options: IndexOptions, count: usize, dim: usize) -> Self {
        let rows = clustered(1, count, dim);
        Self {
            dim,
            metric: options.metric,
            index: fitted(options, floats(&rows), dim),
            queries: clustered(2, 400, dim),
            rows,
        }
    }

    fn rows(&self) -> RowsView<'_> {
        view(&self.rows, self.dim)
    }

    fn queries(&self) -> RowsView<'_> {
        view(&self.queries, self.dim)
    }
}

/// Buckets ranked in two levels, as they are where points are many.
fn in_regions(options: IndexOptions) -> IndexOptions {
    IndexOptions {
        regions_from: 0,
        ..options
    }
}

/// Short vectors, whose codes have seven bits, and long ones, whose codes have four; and buckets that are
/// ranked in two levels. Nobody changes them.
static SHORT: LazyLock<Sample> =
    LazyLock::new(|| Sample::new(with_metric(Metric::Euclidean), 6000, 24));
static LONG: LazyLock<Sample> =
    LazyLock::new(|| Sample::new(with_metric(Metric::Cosine), 5000, 100));
static MANY: LazyLock<Sample> =
    LazyLock::new(|| Sample::new(in_regions(with_metric(Metric::Euclidean)), 7000, 32));

fn samples() -> [&'static Sample; 3] {
    [&SHORT, &LONG, &MANY]
}
