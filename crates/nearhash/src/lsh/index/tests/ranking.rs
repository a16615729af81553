//! An index with codes gives what ranking every candidate gives.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;
use crate::exact;
use crate::filter::Filter;
use crate::lsh::options::{PredictOptions, SearchOptions};

const DIM: usize = 100;
const ROWS: usize = 2600;

/// Rows of few directions, many of them more than once, as whole numbers: distances often tie.
fn data(seed: u64) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let mut number = || generator.sample::<f32, _>(StandardNormal);
    let basis: Vec<f32> = (0..6 * DIM).map(|_| number()).collect();
    let mut rows = Vec::new();
    while rows.len() < ROWS * DIM {
        let by: [f32; 6] = std::array::from_fn(|i| 30.0 * number() / (1.0 + i as f32));
        let row: Vec<f32> = (0..DIM)
            .map(|j| {
                let sum: f32 = (0..6).map(|b| by[b] * basis[b * DIM + j]).sum();
                (100.0 + sum).clamp(0.0, 255.0).round()
            })
            .collect();
        for _ in 0..1 + rows.len() / DIM % 3 {
            rows.extend_from_slice(&row);
        }
    }
    rows.truncate(ROWS * DIM);
    rows
}

fn index(family: FamilyKind, rows: RowData) -> LshIndex {
    let index = LshIndex::new(LshOptions {
        family,
        n_projections: Some(4),
        n_hash_tables: Some(6),
        seed: 9,
        ..LshOptions::default()
    })
    .unwrap();
    index
        .fit(Points::new(rows, DIM).unwrap(), &Control::new())
        .unwrap();
    index
}

fn has_codes(index: &LshIndex) -> bool {
    index.state.get().unwrap().built.codes().is_some()
}

/// Every candidate by its exact distance, sorted.
fn slow(index: &LshIndex, query: &[f32], k: usize) -> (Vec<u32>, Vec<u32>) {
    let view = RowsView::new(RowSlice::F32(query), DIM).unwrap();
    let ids = index.candidates(&view).unwrap();
    let rows: Vec<f32> = ids
        .iter()
        .flat_map(|id| index.vector(*id).unwrap())
        .collect();
    let rows = RowsView::new(RowSlice::F32(&rows), DIM).unwrap();
    let control = Control::new();
    let distances = exact::cdist(&view, &rows, index.metric(), &control).unwrap();
    let mut all: Vec<_> = distances.into_iter().map(f32::to_bits).zip(ids).collect();
    all.sort_unstable();
    all.truncate(k);
    all.into_iter().map(|(distance, id)| (id, distance)).unzip()
}

#[track_caller]
fn check(index: &LshIndex, queries: &[f32]) {
    let view = RowsView::new(RowSlice::F32(queries), DIM).unwrap();
    let control = Control::new();
    for budget in [0, 5] {
        index.set_budget(budget);
        for k in [1, 10, 77, ROWS] {
            let found = index.search(&view, k, &control).unwrap();
            let options = PredictOptions {
                top_k: k,
                ..PredictOptions::default()
            };
            let predicted = index.predict(&view, &options, &control).unwrap();
            for (i, query) in queries.chunks(DIM).enumerate() {
                let (ids, distances) = slow(index, query, k);
                let count = found.counts[i] as usize;
                let bits = |found: &[f32]| found.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(found.ids[i * k..][..count], ids, "query {i}, k {k}");
                assert_eq!(bits(&found.distances[i * k..][..count]), distances);
                // All are counted, whether their rows were read or not.
                let one = RowsView::new(RowSlice::F32(query), DIM).unwrap();
                let candidates = index.candidates(&one).unwrap().len();
                assert_eq!(predicted.collisions[i] as usize, candidates);
                let places = predicted.offsets[i] as usize..predicted.offsets[i + 1] as usize;
                assert_eq!(predicted.ids[places], ids);
            }
        }
    }
}

/// Stored rows, rows between them, far ones, and one that asks for f64.
fn queries(rows: &[f32], wide: bool) -> Vec<f32> {
    let row = |i: usize| &rows[i * DIM..(i + 1) * DIM];
    let mut out = row(7).to_vec();
    out.extend(row(40).iter().zip(row(900)).map(|(a, b)| 0.5 * (a + b)));
    out.extend(row(3).iter().map(|x| -50.0 * x - 1.0));
    out.extend(row(1200).iter().map(|x| x * 1e9 + 1.0));
    out.extend((0..DIM).map(|i| if i == 5 { 300.0 } else { 0.0 }));
    if wide {
        out.extend(row(11).iter().map(|x| x * 1e16 + 1.0));
    }
    out
}

const FAMILIES: [FamilyKind; 2] = [FamilyKind::Srp, FamilyKind::L2 { r: Some(900.0) }];

#[test]
fn codes_change_no_answer_and_no_count() {
    let rows = data(1);
    for family in FAMILIES {
        let index = index(family, RowData::F32(rows.clone()));
        assert!(has_codes(&index));
        check(&index, &queries(&rows, true));
    }
}

#[test]
fn codes_change_no_answer_after_changes_of_the_points() {
    let rows = data(2);
    for family in FAMILIES {
        let index = index(family, RowData::F32(rows.clone()));
        let control = Control::new();
        let some = RowsView::new(RowSlice::F32(&rows[..50 * DIM]), DIM).unwrap();
        index.store(&some, &control).unwrap();
        for id in (0..400).step_by(3) {
            index.delete(id).unwrap();
        }
        for id in (401..500).step_by(2) {
            let row: Vec<f32> = rows[..DIM].iter().map(|x| x + id as f32).collect();
            let row = RowsView::new(RowSlice::F32(&row), DIM).unwrap();
            index.update(id, &row).unwrap();
        }
        check(&index, &queries(&rows, false));
        // So many that all are sorted in, and coded anew.
        let many: Vec<f32> = data(3).iter().map(|x| x + 0.25).collect();
        let many = [many.clone(), many].concat();
        let many = RowsView::new(RowSlice::F32(&many), DIM).unwrap();
        index.store(&many, &control).unwrap();
        assert!(has_codes(&index));
        assert_eq!(index.state.get().unwrap().open.slots(), 0);
        check(&index, &queries(&rows, false));
    }
}

#[test]
fn a_point_beyond_float32_among_coded_ones_is_ranked_as_any_other() {
    let rows = data(4);
    let index = index(FAMILIES[1], RowData::F32(rows.clone()));
    let control = Control::new();
    let huge: Vec<f32> = rows[..DIM].iter().map(|x| x * 1e30).collect();
    let huge = RowsView::new(RowSlice::F32(&huge), DIM).unwrap();
    index.store(&huge, &control).unwrap();
    assert!(has_codes(&index));
    let view = RowsView::new(RowSlice::F32(&rows[..DIM]), DIM).unwrap();
    let found = index.search(&view, 5, &control).unwrap();
    assert_eq!(found.ids[0], 0);
    assert_eq!(found.distances[0], 0.0);
}

#[test]
fn a_filter_leaves_the_candidates_that_it_admits_and_counts_none_of_the_others() {
    let rows = data(6);
    let control = Control::new();
    for family in FAMILIES {
        let index = index(family, RowData::F32(rows.clone()));
        let queries = queries(&rows, true);
        index
            .store(
                &RowsView::new(RowSlice::F32(&queries), DIM).unwrap(),
                &control,
            )
            .unwrap();
        index.delete(40).unwrap();
        let every = |step: usize| (0..ROWS as u32).step_by(step).collect::<Vec<_>>();
        let filters = [
            Filter::allow(&[]),
            Filter::allow(&[7, 3, ROWS as u32 + 1, 40, u32::MAX]),
            Filter::allow(&every(9)),
            Filter::deny(&every(2)),
            Filter::deny(&[]),
        ];
        for (filter, k) in filters
            .iter()
            .flat_map(|filter| [(filter, 1), (filter, 20)])
        {
            let options = SearchOptions {
                k,
                budget: Some(3),
                filter: Some(filter.clone()),
            };
            let view = RowsView::new(RowSlice::F32(&queries), DIM).unwrap();
            let found = index.search_with(&view, &options, &control).unwrap();
            index.set_budget(3);
            for (i, query) in queries.chunks(DIM).enumerate() {
                let (ids, distances) = slow(&index, query, usize::MAX);
                let all = ids.into_iter().zip(distances);
                let admitted = all.filter(|(id, _)| filter.admits(*id)).take(k);
                let expected: Vec<_> = admitted.collect();
                let places = i * k..i * k + found.counts[i] as usize;
                let distances = found.distances[places.clone()].iter().map(|x| x.to_bits());
                let found: Vec<_> = found.ids[places].iter().copied().zip(distances).collect();
                assert_eq!(found, expected, "{filter:?}, query {i}, k {k}");
            }
            index.set_budget(0);
        }
    }
}

#[test]
fn codes_count_as_memory() {
    let index = index(FAMILIES[1], RowData::F32(data(5)));
    let state = index.state.get().unwrap();
    let built = &state.built;
    let codes = built.codes().unwrap().memory_bytes();
    // A line a row and more.
    assert!(codes > ROWS * 64);
    let tables: usize = built.tables().iter().map(|x| x.memory_bytes()).sum();
    let planes = built.family().planes().memory_bytes();
    let parts = built.points().memory_bytes() + tables + planes + codes;
    assert_eq!(built.memory_bytes(), parts);
    assert_eq!(
        index.describe().memory_bytes,
        parts + state.open.memory_bytes()
    );
}
