//! An index beside its twin.

use std::collections::BTreeMap;

use super::naive::{Shape, Twin, Values};
use super::view;
use crate::{Control, LshIndex, PredictOptions};

/// Everything that an index tells, against its twin. `bounded` only where points are met in the
/// order of their ids.
pub(super) fn check(index: &LshIndex, twin: &Twin, queries: &[Vec<f32>], bounded: bool) {
    let Shape { dim, k, l, .. } = twin.shape;
    let size = twin.points.len();
    assert_eq!(index.size(), size);
    for (id, row) in &twin.points {
        assert_eq!(index.vector(*id).as_ref(), Some(row));
    }
    for table in 0..l {
        let found: BTreeMap<_, _> = index.buckets(table).unwrap().into_iter().collect();
        let expected: BTreeMap<_, _> = twin.tables[table]
            .iter()
            .map(|(values, ids)| (twin.name(values), ids.clone()))
            .collect();
        assert_eq!(found, expected, "table {table}");
    }
    let flat = queries.concat();
    let hashes = index.hash(&view(&flat, dim)).unwrap();
    for (query, hashes) in queries.iter().zip(hashes.chunks(l * k)) {
        let expected: Values = (0..l).flat_map(|t| twin.values(query, t)).collect();
        assert_eq!(hashes, expected);
    }

    let control = Control::new();
    let buckets: Vec<_> = queries.iter().map(|query| twin.buckets(query)).collect();
    for budget in [0, 1, 2, 5, 11, 1000] {
        index.set_budget(budget);
        let mut expected = Vec::new();
        for (query, buckets) in queries.iter().zip(&buckets) {
            let candidates = twin.candidates(buckets, budget, usize::MAX);
            let mut sorted = candidates.clone();
            sorted.sort_unstable();
            let found = index.candidates(&view(query, dim)).unwrap();
            assert_eq!(found, sorted, "candidates at budget {budget}");
            expected.push(candidates);
        }
        for wanted in [1, 3, size + 2] {
            let answers: Vec<_> = queries
                .iter()
                .zip(&expected)
                .map(|(query, candidates)| twin.nearest(query, candidates, wanted))
                .collect();
            let found = index.search(&view(&flat, dim), wanted, &control).unwrap();
            for (i, answer) in answers.iter().enumerate() {
                let count = found.counts[i] as usize;
                let places = i * wanted..i * wanted + count;
                let ids: Vec<u32> = answer.iter().map(|(_, id)| *id).collect();
                let distances: Vec<f32> = answer.iter().map(|(distance, _)| *distance).collect();
                assert_eq!(found.ids[places.clone()], ids, "budget {budget}");
                assert_eq!(bits(&found.distances[places]), bits(&distances));
                // The places behind them are empty.
                let rest = i * wanted + count..(i + 1) * wanted;
                assert!(found.ids[rest].iter().all(|id| *id == 0));
            }
        }
        let bounds = if bounded {
            &[Some(1), Some(2), Some(7), Some(size.max(1)), None][..]
        } else {
            &[None]
        };
        for bound in bounds {
            let options = PredictOptions {
                top_k: 4,
                bound: *bound,
                vectors: true,
            };
            let found = index
                .predict(&view(&flat, dim), &options, &control)
                .unwrap();
            let vectors = found.vectors.as_ref().unwrap();
            for (i, query) in queries.iter().enumerate() {
                let candidates = twin.candidates(&buckets[i], budget, bound.unwrap_or(usize::MAX));
                assert_eq!(found.collisions[i] as usize, candidates.len());
                let answer = twin.nearest(query, &candidates, 4);
                let places = found.offsets[i] as usize..found.offsets[i + 1] as usize;
                let ids: Vec<u32> = answer.iter().map(|(_, id)| *id).collect();
                assert_eq!(
                    found.ids[places.clone()],
                    ids,
                    "budget {budget}, bound {bound:?}"
                );
                for (place, (distance, id)) in places.zip(answer) {
                    assert_eq!(found.distances[place].to_bits(), distance.to_bits());
                    assert_eq!(vectors[place * dim..][..dim], twin.points[&id]);
                }
            }
        }
    }
    index.set_budget(0);
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}
