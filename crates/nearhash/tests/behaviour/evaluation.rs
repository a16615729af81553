//! What an index tells of itself.

use nearhash::{Control, LshIndex, LshOptions, Metric, exact};

use crate::photos::{DIM, QUERIES, SCALED, queries};
use crate::{SRP, fitted, l2, options, view};

#[test]
fn evaluate_measures_the_recall_of_search() {
    for (family, metric) in [(SRP, Metric::Cosine), (l2(4.0), Metric::Euclidean)] {
        let index = fitted(options(family, 15, 5), &SCALED, DIM);
        let (all, queries) = (view(&SCALED, DIM), view(queries(), DIM));
        let control = Control::new();
        let truth = exact::knn(&all, &queries, 10, metric, &control).unwrap();
        let mut before = 0.0;
        for budget in [0, 10, 100] {
            index.set_budget(budget);
            let found = index.search(&queries, 10, &control).unwrap();
            let hits: usize = (0..QUERIES)
                .map(|i| {
                    let farthest = truth.distances[i * 10 + 9];
                    let count = found.counts[i] as usize;
                    let found = found.distances[i * 10..][..count].iter();
                    found.filter(|distance| **distance <= farthest).count()
                })
                .sum();
            let evaluation = index.evaluate(&queries, 10, &control).unwrap();
            let recall = hits as f64 / (10 * QUERIES) as f64;
            assert!((evaluation.recall - recall).abs() < 1e-12);
            assert!(evaluation.low < recall && recall < evaluation.high);
            assert!(evaluation.low >= 0.0 && evaluation.high <= 1.0);
            assert!(evaluation.high - evaluation.low < 0.15);
            assert!(recall > before);
            before = recall;
            let times = [
                evaluation.micros_per_query,
                evaluation.exact_micros_per_query,
            ];
            assert!(
                times
                    .iter()
                    .all(|micros| *micros > 0.0 && micros.is_finite())
            );
        }
    }
}

#[test]
fn evaluate_knows_of_changes() {
    let index = fitted(options(SRP, 2, 20), &SCALED[..500 * DIM], DIM);
    let control = Control::new();
    for id in 0..250 {
        index.delete(id).unwrap();
    }
    index
        .store(&view(&SCALED[500 * DIM..700 * DIM], DIM), &control)
        .unwrap();
    index.set_budget(4);
    // All buckets are probed: what exact search finds among the points left is found.
    let evaluation = index.evaluate(&view(queries(), DIM), 20, &control).unwrap();
    assert_eq!((evaluation.recall, evaluation.p5), (1.0, 1.0));
}

#[test]
fn describe_tells_the_shape_of_every_table() {
    let rows = &SCALED[..3000 * DIM];
    for (family, name) in [(SRP, "srp"), (l2(4.0), "l2")] {
        let options = LshOptions {
            seed: 9,
            ..options(family, 6, 4)
        };
        let index = fitted(options, rows, DIM);
        index.set_budget(2);
        let description = index.describe();
        assert_eq!(description.family, name);
        assert_eq!((description.size, description.dim), (3000, Some(DIM)));
        assert_eq!(description.n_projections, Some(6));
        assert_eq!(description.n_hash_tables, Some(4));
        assert_eq!((description.seed, description.budget), (9, 2));
        assert_eq!(description.r, (name == "l2").then_some(4.0));
        assert_eq!(description.memory_bytes, index.memory_bytes());
        // Points, four bytes an entry and a directory, planes.
        let least = rows.len() * 4 + 4 * 3000 * 4;
        assert!((least..2 * least).contains(&description.memory_bytes));
        assert_eq!(description.tables.len(), 4);
        for (number, table) in description.tables.iter().enumerate() {
            let buckets = index.buckets(number).unwrap();
            assert_eq!(table.buckets, buckets.len());
            assert_eq!(table.mean_bucket_size, 3000.0 / buckets.len() as f64);
            let largest = buckets.iter().map(|(_, ids)| ids.len()).max().unwrap();
            assert_eq!(table.max_bucket_size, largest);
            let possible = if name == "srp" { 64.0 } else { 3000.0 };
            let empty = 1.0 - buckets.len() as f64 / possible;
            assert!((table.empty_share - empty).abs() < 1e-12);
        }
    }
}

#[test]
fn describe_tells_the_options_before_fit() {
    let options = LshOptions {
        dim: Some(7),
        ..options(l2(2.0), 5, 6)
    };
    let index = LshIndex::new(options).unwrap();
    let description = index.describe();
    assert_eq!((description.size, description.dim), (0, Some(7)));
    assert_eq!(description.n_projections, Some(5));
    assert_eq!(description.n_hash_tables, Some(6));
    assert_eq!(description.r, Some(2.0));
    assert_eq!(description.memory_bytes, 0);
    assert_eq!(index.metric(), Metric::Euclidean);
    assert_eq!(
        LshIndex::new(LshOptions::default()).unwrap().metric(),
        Metric::Cosine
    );
}
