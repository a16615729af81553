use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::adaptive::codes::Bits;
use crate::points::RowSlice;
use crate::random::stream;

const DIM: usize = 80;

fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut random = stream(seed, 0);
    (0..count * DIM)
        .map(|i| random.sample::<f32, _>(StandardNormal) / (1.0 + (i % DIM) as f32 / 9.0))
        .collect()
}

fn view(rows: &[f32]) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), DIM).unwrap()
}

fn fitted(rows: &[f32]) -> State {
    let points = Points::new(RowData::F32(rows.to_vec()), DIM).unwrap();
    State::fit(
        &points.view(),
        Metric::Euclidean,
        Shape::default(),
        1,
        &Control::new(),
    )
    .unwrap()
}

fn filed(state: &State, more: &[f32]) -> State {
    let new = state.next_id..state.next_id + (more.len() / DIM) as u32;
    let control = Control::new();
    state
        .filed(&view(more), new, Shape::default(), 1, &control)
        .unwrap()
}

/// Every point is in its place, and in the bucket of the nearest centre.
#[track_caller]
fn assert_consistent(state: &State, expected: &[(u32, &[f32])]) {
    assert_eq!(state.len(), expected.len());
    let mut row = vec![0.0; DIM];
    for (id, vector) in expected {
        assert!(state.has(*id) && state.copy_vector(*id, &mut row));
        assert_eq!(row, *vector, "id {id}");
    }
    let Some(built) = &state.built else { return };
    let model = &built.model;
    let codes = &model.codes;
    let sizes = codes.buckets.iter().map(|b| b.rows);
    assert_eq!(sizes.clone().sum::<u32>() as usize, model.points.rows());
    assert!(
        sizes.into_iter().all(|size| size > 0),
        "an empty bucket is kept"
    );
    assert_eq!(codes.buckets.len(), model.centres.len());
    let mut ids = model.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), model.points.rows());
}

fn numbered(rows: &[f32], first: u32) -> impl Iterator<Item = (u32, &[f32])> {
    (first..).zip(rows.chunks(DIM))
}

#[test]
fn few_points_are_open_and_many_are_in_buckets() {
    let rows = normal(1, FEWEST);
    let state = fitted(&rows[..(FEWEST - 1) * DIM]);
    assert!(state.built.is_none());
    assert!(state.has_room(0) && !state.has_room(1));
    assert_eq!(state.next_id as usize, FEWEST - 1);
    // One more, and they are put into buckets.
    let filed = filed(&state, &rows[(FEWEST - 1) * DIM..]);
    assert_eq!((filed.built_rows(), filed.open.len()), (FEWEST, 0));
    assert_eq!(filed.next_id as usize, FEWEST);
    assert!(filed.has_room(OPEN_POINTS) && !filed.has_room(OPEN_POINTS + 1));
    assert_consistent(&filed, &numbered(&rows, 0).collect::<Vec<_>>());
}

#[test]
fn filing_keeps_the_model_until_it_is_outgrown() {
    let rows = normal(2, 1200);
    let mut state = fitted(&rows);
    // Some go, some come.
    for id in (0..1200).step_by(4) {
        state.remove(id);
    }
    let (open, more) = (normal(3, 40), normal(4, 500));
    state.add_open(&view(&open), None, 1200..);
    state.next_id = 1240;
    state.remove(1203);
    let left: Vec<(u32, &[f32])> = numbered(&rows, 0)
        .filter(|(id, _)| id % 4 != 0)
        .chain(numbered(&open, 1200).filter(|(id, _)| *id != 1203))
        .collect();
    assert_consistent(&state, &left);
    assert_eq!((state.gone, state.open.len()), (300, 39));

    let mut refiled = filed(&state, &more);
    let all: Vec<(u32, &[f32])> = left.into_iter().chain(numbered(&more, 1240)).collect();
    assert_consistent(&refiled, &all);
    assert_eq!(
        (refiled.gone, refiled.open.len(), refiled.next_id),
        (0, 0, 1740)
    );
    let (old, new) = (state.built.unwrap(), refiled.built.clone().unwrap());
    assert_eq!(new.fitted, 1200);
    assert_eq!(new.model.projection.scale(), old.model.projection.scale());
    assert_eq!(new.model.rests.spread, old.model.rests.spread);
    assert_eq!(new.model.settle, old.model.settle);
    assert_eq!(new.model.codes.bits, old.model.codes.bits);

    // More than twice as many, or fewer than half: a new model.
    let many = normal(5, 1500);
    let outgrown = filed(&refiled, &many);
    assert_eq!(outgrown.built.as_ref().unwrap().fitted, 1439 + 1500);
    let all: Vec<(u32, &[f32])> = all.into_iter().chain(numbered(&many, 1740)).collect();
    assert_consistent(&outgrown, &all);

    // So few that none are in buckets any more.
    let ids: Vec<u32> = new.model.ids.clone();
    for id in ids.iter().filter(|id| **id >= 100) {
        refiled.remove(*id);
    }
    let few = filed(&refiled, &[]);
    assert!(few.built.is_none());
    assert_eq!(few.next_id, 1740);
    let left: Vec<(u32, &[f32])> = numbered(&rows, 0)
        .take(100)
        .filter(|(id, _)| id % 4 != 0)
        .collect();
    assert_consistent(&few, &left);
}

#[test]
fn finer_codes_keep_everything_else_and_are_nearer() {
    let state = fitted(&normal(6, 1100));
    let model = &state.built.as_ref().unwrap().model;
    assert_eq!(model.codes.bits, Bits::Four);
    let finer = model.with_bits(Bits::Seven, &Control::new()).unwrap();
    assert_eq!(finer.codes.bits, Bits::Seven);
    assert_eq!(finer.ids, model.ids);
    assert_eq!(finer.codes.live, model.codes.live);
    assert_eq!(finer.centres.len(), model.centres.len());
    assert_eq!(finer.farthest, model.farthest);
    for (a, b) in finer.codes.buckets.iter().zip(&model.codes.buckets) {
        assert_eq!(
            (a.first_row, a.rows, a.first_group),
            (b.first_row, b.rows, b.first_group)
        );
        // Steps are smaller by far.
        assert!(a.u_unit < 0.3 * b.u_unit);
    }
}

#[test]
fn values_that_float32_cannot_square_are_compared_one_by_one() {
    for unit in [1e20, 1e-20] {
        let rows: Vec<f32> = normal(7, 1100).iter().map(|x| x * unit).collect();
        let state = fitted(&rows);
        assert!(state.needs_wide());
        let built = state.built.as_ref().unwrap();
        assert!(built.plan(10, 0.95).is_none() && built.curve().is_empty());
        assert_consistent(&state, &numbered(&rows, 0).collect::<Vec<_>>());
    }
    let mut state = fitted(&normal(8, 1100));
    assert!(!state.needs_wide());
    state.add_open(&view(&[1e20; DIM]), None, 1100..);
    assert!(state.needs_wide());
}

#[test]
fn a_plan_is_kept_for_the_next_search_that_wants_the_same() {
    let state = fitted(&normal(9, 1100));
    let built = state.built.as_ref().unwrap();
    let first = built.plan(10, 0.95).unwrap();
    assert!(Arc::ptr_eq(&first, &built.plan(10, 0.95).unwrap()));
    let other = built.plan(10, 0.9).unwrap();
    assert!(!Arc::ptr_eq(&first, &other));
    assert_eq!(built.plan(11, 0.9).unwrap().effort.k, 11);
    assert_eq!(
        built.plan(10, 0.95).unwrap().effort.kappa,
        first.effort.kappa
    );
}
