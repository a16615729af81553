//! Faults of other libraries that must not come along, each on real photo histograms.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Metric, Neighbors, PredictOptions, RowsView, exact,
};

use crate::photos::{DIM, QUERIES, SCALED, hits, queries, recall};
use crate::{SRP, fitted, l2, options, points, view};

const FAMILIES: [(FamilyKind, Metric); 2] = [(SRP, Metric::Cosine), (l2(4.0), Metric::Euclidean)];

fn photo_index(family: FamilyKind, k: usize, l: usize) -> LshIndex {
    fitted(options(family, k, l), &SCALED, DIM)
}

/// Eleven a query: itself and ten others.
fn search(index: &LshIndex) -> Neighbors {
    index
        .search(&view(queries(), DIM), 11, &Control::new())
        .unwrap()
}

fn query(i: usize) -> RowsView<'static> {
    view(&SCALED[i * DIM..][..DIM], DIM)
}

#[test]
fn recall_rises_with_the_number_of_tables() {
    for ((family, metric), floors) in FAMILIES
        .into_iter()
        .zip([[0.55, 0.8, 0.95], [0.4, 0.75, 0.95]])
    {
        let recalls: Vec<f64> = [5, 20, 100]
            .iter()
            .map(|l| recall(&search(&photo_index(family, 15, *l)), metric))
            .collect();
        assert!(recalls.is_sorted_by(|a, b| a < b), "{recalls:?}");
        for (recall, floor) in recalls.iter().zip(floors) {
            assert!(*recall >= floor, "{recalls:?}");
        }
    }
}

/// Buckets of a table by name.
fn buckets(index: &LshIndex, table: usize) -> BTreeMap<String, Vec<u32>> {
    index.buckets(table).unwrap().into_iter().collect()
}

#[test]
fn every_vector_is_filed_under_its_own_id_in_every_table() {
    // A batch is not filed under its first id, in whatever way it comes.
    let rows = &SCALED[..2000 * DIM];
    for (family, _) in FAMILIES {
        let options = LshOptions {
            dim: Some(DIM),
            ..options(family, 8, 4)
        };
        let at_once = fitted(options.clone(), rows, DIM);
        let stored = |batch: usize| {
            let index = LshIndex::new(options.clone()).unwrap();
            for part in rows.chunks(batch * DIM) {
                index.store(&view(part, DIM), &Control::new()).unwrap();
            }
            index
        };
        let in_chunks = stored(250);
        let one_by_one = stored(1);
        for table in 0..4 {
            let found = buckets(&at_once, table);
            let mut ids: Vec<u32> = found.values().flatten().copied().collect();
            ids.sort_unstable();
            assert!(ids.into_iter().eq(0..2000));
            assert_eq!(found, buckets(&in_chunks, table));
            assert_eq!(found, buckets(&one_by_one, table));
        }
        // Each vector meets itself, and is its own nearest neighbour.
        for i in (0..2000).step_by(37) {
            assert!(at_once.candidates(&query(i)).unwrap().contains(&(i as u32)));
            let found = at_once.search(&query(i), 1, &Control::new()).unwrap();
            assert_eq!(found.distances, [0.0]);
        }
    }
}

#[test]
fn sign_hash_probing_reaches_neighbouring_buckets() {
    let (k, l) = (15, 5);
    let index = photo_index(SRP, k, l);
    let total = |index: &LshIndex| -> usize {
        (0..100)
            .map(|i| index.candidates(&query(i)).unwrap().len())
            .sum()
    };
    let base = total(&index);
    index.set_budget(10);
    let probed = total(&index);
    assert!(
        probed > 2 * base,
        "{base} candidates, {probed} with probing"
    );

    // The likeliest of all is a bucket whose name differs in one bit.
    let index = photo_index(SRP, 8, 1);
    let names: Vec<_> = index.buckets(0).unwrap();
    let name_of = |id: u32| &names.iter().find(|(_, ids)| ids.contains(&id)).unwrap().0;
    let mut reached = 0;
    for i in 0..QUERIES {
        index.set_budget(0);
        let home = index.candidates(&query(i)).unwrap();
        index.set_budget(1);
        let more = index.candidates(&query(i)).unwrap();
        let new: Vec<_> = more.iter().filter(|id| !home.contains(id)).collect();
        if let Some(id) = new.first() {
            reached += 1;
            let bits = name_of(**id).chars().zip(name_of(home[0]).chars());
            assert_eq!(bits.filter(|(a, b)| a != b).count(), 1);
            assert!(new.iter().all(|other| name_of(**other) == name_of(**id)));
        }
    }
    assert!(reached > QUERIES / 2, "{reached}");
}

#[test]
fn recall_never_falls_for_any_query_as_the_budget_grows() {
    for (family, metric) in FAMILIES {
        let index = photo_index(family, 15, 5);
        let mut before = vec![0; QUERIES];
        let mut first = None;
        let mut last = 0.0;
        for budget in [0, 1, 2, 5, 10, 11, 12, 15, 16, 17, 20, 50, 100, 300] {
            index.set_budget(budget);
            let found = search(&index);
            let now = hits(&found, metric);
            for (query, (before, now)) in before.iter().zip(&now).enumerate() {
                assert!(now >= before, "query {query}, budget {budget}");
            }
            before = now;
            last = recall(&found, metric);
            first.get_or_insert(last);
        }
        let first = first.unwrap();
        assert!(first < 0.7 && last > 0.95, "from {first} to {last}");
    }
}

#[test]
fn a_budget_of_zero_is_base_probing() {
    for (family, _) in FAMILIES {
        let index = photo_index(family, 10, 3);
        let base = search(&index);
        index.set_budget(7);
        assert_ne!(search(&index), base);
        index.set_budget(0);
        assert_eq!(search(&index), base);
    }
}

#[test]
fn the_budget_is_spent_to_the_bucket_and_never_underflows() {
    // In one table each step of the budget adds one bucket, until all are reached.
    for (family, k) in [(SRP, 6), (l2(4.0), 3)] {
        let index = photo_index(family, k, 1);
        let names = buckets(&index, 0);
        for i in 0..10 {
            let mut before = BTreeSet::new();
            for budget in 0..=30 {
                index.set_budget(budget);
                let candidates = index.candidates(&query(i)).unwrap();
                let now: BTreeSet<u32> = candidates.iter().copied().collect();
                assert_eq!(now.len(), candidates.len(), "each once");
                let met: Vec<_> = names
                    .values()
                    .filter(|ids| ids.iter().any(|id| now.contains(id)))
                    .collect();
                assert!(met.len() <= budget + 1, "{} of {budget}", met.len());
                // Whole buckets.
                assert_eq!(met.iter().map(|ids| ids.len()).sum::<usize>(), now.len());
                assert!(before.is_subset(&now));
                let grown = now.len() - before.len();
                assert!(budget == 0 || grown == 0 || met.iter().any(|ids| ids.len() == grown));
                before = now;
            }
        }
    }
}

#[test]
fn exhausted_probe_sets_are_no_error() {
    // Sign hashes reach every bucket there is, so the answers are those of exact search.
    let index = photo_index(SRP, 7, 2);
    for budget in [127, 128, 1000, usize::MAX] {
        index.set_budget(budget);
        let found = search(&index);
        let truth = exact::knn(
            &view(&SCALED, DIM),
            &view(queries(), DIM),
            11,
            Metric::Cosine,
            &Control::new(),
        );
        assert_eq!(found, truth.unwrap(), "budget {budget}");
    }
    // p-stable hashes reach those next to the query's own: 3² − 1 a table.
    let index = photo_index(l2(4.0), 2, 2);
    index.set_budget(8);
    let all = search(&index);
    for budget in [9, 100, usize::MAX] {
        index.set_budget(budget);
        assert_eq!(search(&index), all, "budget {budget}");
    }
}

#[test]
fn no_candidate_comes_twice() {
    for (family, _) in FAMILIES {
        let index = photo_index(family, 4, 10);
        index.set_budget(100);
        for i in 0..20 {
            let ids = index.candidates(&query(i)).unwrap();
            assert!(ids.is_sorted_by(|a, b| a < b));
            let options = PredictOptions {
                top_k: 32_000,
                ..PredictOptions::default()
            };
            let found = index.predict(&query(i), &options, &Control::new()).unwrap();
            assert_eq!(found.collisions[0] as usize, ids.len());
            assert_eq!(found.ids.iter().collect::<HashSet<_>>().len(), ids.len());
        }
    }
}

#[test]
fn a_budget_set_before_fit_is_kept() {
    for (family, _) in FAMILIES {
        let before = LshIndex::new(options(family, 15, 5)).unwrap();
        before.set_budget(20);
        before.fit(points(&SCALED, DIM), &Control::new()).unwrap();
        assert_eq!(before.budget(), 20);
        assert_eq!(before.describe().budget, 20);
        let after = photo_index(family, 15, 5);
        after.set_budget(20);
        assert_eq!(search(&before), search(&after));
        before.reset().unwrap();
        assert_eq!(before.budget(), 20);
    }
}

#[test]
fn a_bound_keeps_the_candidates_of_the_likeliest_buckets() {
    for (family, metric) in FAMILIES {
        let index = photo_index(family, 12, 10);
        index.set_budget(20);
        let all: Vec<Vec<u32>> = (0..QUERIES)
            .map(|i| index.candidates(&query(i)).unwrap())
            .collect();
        let bounded = |bound, top_k| {
            let options = PredictOptions {
                top_k,
                bound: Some(bound),
                ..PredictOptions::default()
            };
            let found = index.predict(&view(queries(), DIM), &options, &Control::new());
            found.unwrap()
        };
        let mut before = vec![HashSet::new(); QUERIES];
        for bound in [1, 2, 10, 100, 1000, 32_000] {
            let found = bounded(bound, 32_000);
            for (i, all) in all.iter().enumerate() {
                assert_eq!(found.collisions[i] as usize, all.len().min(bound));
                let places = found.offsets[i] as usize..found.offsets[i + 1] as usize;
                let ids: HashSet<u32> = found.ids[places].iter().copied().collect();
                assert_eq!(ids.len(), all.len().min(bound));
                assert!(ids.iter().all(|id| all.binary_search(id).is_ok()));
                assert!(ids.is_superset(&before[i]), "a larger bound keeps them");
                before[i] = ids;
            }
        }
        // A tenth of the candidates has far more than a tenth of the neighbours.
        let mean = all.iter().map(Vec::len).sum::<usize>() / QUERIES;
        let found = bounded(mean / 10, 11);
        let truth = crate::photos::truth(metric);
        let (mut met, mut there) = (0, 0);
        for (i, all) in all.iter().enumerate() {
            let places = found.offsets[i] as usize..found.offsets[i + 1] as usize;
            for id in &truth.ids[i * 11..(i + 1) * 11] {
                there += usize::from(all.contains(id));
                met += usize::from(found.ids[places.clone()].contains(id));
            }
        }
        assert!(met * 3 > there, "{met} of {there} neighbours");
    }
}

#[test]
fn seed_zero_is_a_seed_like_any_other() {
    for (family, _) in FAMILIES {
        let answers = |seed| {
            let options = LshOptions {
                seed,
                ..options(family, 15, 5)
            };
            search(&fitted(options, &SCALED, DIM))
        };
        assert_eq!(answers(0), answers(0));
        assert_eq!(answers(1), answers(1));
        assert_ne!(answers(0), answers(1));
        assert_eq!(LshOptions::default().seed, 0);
    }
}

#[test]
fn a_batch_answers_as_its_rows_one_by_one() {
    for (family, _) in FAMILIES {
        let index = photo_index(family, 15, 20);
        for budget in [0, 11] {
            index.set_budget(budget);
            let batch = search(&index);
            for size in [1, 15, 16, 17, 100] {
                for (i, rows) in queries().chunks(size * DIM).enumerate() {
                    let part = index.search(&view(rows, DIM), 11, &Control::new()).unwrap();
                    let queries = i * size..(i * size + part.counts.len());
                    let places = queries.start * 11..queries.end * 11;
                    assert_eq!(part.ids, batch.ids[places.clone()]);
                    assert_eq!(part.distances, batch.distances[places]);
                    assert_eq!(part.counts, batch.counts[queries]);
                }
            }
        }
    }
}

#[test]
fn a_deleted_photo_is_found_no_more_and_all_others_still_are() {
    for (family, metric) in FAMILIES {
        let index = photo_index(family, 12, 20);
        let before = recall(&search(&index), metric);
        // Every neighbour of rank 2 and beyond of an even id.
        let gone: HashSet<u32> = crate::photos::truth(metric)
            .ids
            .iter()
            .copied()
            .filter(|id| *id as usize >= QUERIES && id % 2 == 0)
            .collect();
        for id in &gone {
            assert_eq!(index.delete(*id), Ok(1));
        }
        assert_eq!(index.size(), 32_000 - gone.len());
        let found = search(&index);
        assert!(found.ids.iter().all(|id| !gone.contains(id)));
        let left: Vec<u32> = (0..32_000).filter(|id| !gone.contains(id)).collect();
        let rows: Vec<f32> = left
            .iter()
            .flat_map(|id| &SCALED[*id as usize * DIM..][..DIM])
            .copied()
            .collect();
        // As if they had never been there.
        let without = fitted(options(family, 12, 20), &rows, DIM);
        let expected = search(&without);
        assert_eq!(found.distances, expected.distances);
        let ids: Vec<u32> = expected.ids.iter().map(|id| left[*id as usize]).collect();
        assert_eq!(found.ids, ids);
        assert!(before > 0.9);
    }
}
