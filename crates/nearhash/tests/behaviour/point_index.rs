//! What both kinds of index can do, and claims that hold for both.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use nearhash::adaptive::{AdaptiveIndex, SearchOptions};
use nearhash::{Control, Error, LshIndex, Neighbors, Points, Result, RowSlice, RowsView};
use proptest::prelude::*;

use crate::adaptive::{self, METRICS, asked, floats, with_metric};
use crate::refused::assert_clear;
use crate::{SRP, fitted, l2, normal, options, points, view};

pub(crate) trait PointIndex: Sync {
    fn fit(&self, points: Points, control: &Control) -> Result<()>;
    fn store(&self, rows: &RowsView<'_>, control: &Control) -> Result<Range<u32>>;
    fn update(&self, id: u32, row: &RowsView<'_>) -> Result<()>;
    fn delete(&self, id: u32) -> Result<usize>;
    fn delete_equal(&self, row: &RowsView<'_>) -> Result<usize>;
    fn reset(&self) -> Result<()>;
    fn size(&self) -> usize;
    fn dim(&self) -> Option<usize>;
    fn memory_bytes(&self) -> usize;
    fn vector(&self, id: u32) -> Option<Vec<f32>>;
    /// As searches are that say no more.
    fn nearest(&self, queries: &RowsView<'_>, k: usize) -> Neighbors;
    /// What a search finds that spares nothing: all that hash tables find, or all there is.
    fn nearest_of_all(&self, queries: &RowsView<'_>, k: usize) -> Neighbors;
}

macro_rules! point_index {
    ($index:ty, $nearest:expr, $nearest_of_all:expr) => {
        impl PointIndex for $index {
            fn fit(&self, points: Points, control: &Control) -> Result<()> {
                self.fit(points, control)
            }

            fn store(&self, rows: &RowsView<'_>, control: &Control) -> Result<Range<u32>> {
                self.store(rows, control)
            }

            fn update(&self, id: u32, row: &RowsView<'_>) -> Result<()> {
                self.update(id, row)
            }

            fn delete(&self, id: u32) -> Result<usize> {
                self.delete(id)
            }

            fn delete_equal(&self, row: &RowsView<'_>) -> Result<usize> {
                self.delete_equal(row)
            }

            fn reset(&self) -> Result<()> {
                self.reset()
            }

            fn size(&self) -> usize {
                self.size()
            }

            fn dim(&self) -> Option<usize> {
                self.dim()
            }

            fn memory_bytes(&self) -> usize {
                self.memory_bytes()
            }

            fn vector(&self, id: u32) -> Option<Vec<f32>> {
                self.vector(id)
            }

            fn nearest(&self, queries: &RowsView<'_>, k: usize) -> Neighbors {
                let search: fn(&Self, &RowsView<'_>, usize) -> Result<Neighbors> = $nearest;
                search(self, queries, k).unwrap()
            }

            fn nearest_of_all(&self, queries: &RowsView<'_>, k: usize) -> Neighbors {
                let search: fn(&Self, &RowsView<'_>, usize) -> Result<Neighbors> = $nearest_of_all;
                search(self, queries, k).unwrap()
            }
        }
    };
}

point_index!(
    LshIndex,
    |index, queries, k| index.search(queries, k, &Control::new()),
    |index, queries, k| index.search(queries, k, &Control::new())
);
point_index!(
    AdaptiveIndex,
    |index, queries, k| index.search(queries, &SearchOptions::nearest(k), &Control::new()),
    |index, queries, k| index.search(queries, &asked(k, 1.0), &Control::new())
);

/// An index of every kind, fitted to `rows`.
pub(crate) fn every_kind(rows: &[f32], dim: usize) -> Vec<Box<dyn PointIndex>> {
    let mut all: Vec<Box<dyn PointIndex>> = Vec::new();
    for family in [SRP, l2(3.0)] {
        all.push(Box::new(fitted(options(family, 4, 6), rows, dim)));
    }
    for metric in METRICS {
        let index = adaptive::fitted(with_metric(metric), floats(rows), dim);
        all.push(Box::new(index));
    }
    all
}

/// A change to an index.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Store(usize),
    /// One of the points that there are, by its place among them.
    Delete(usize),
    /// All whose place leaves this remainder.
    DeleteMany(usize),
    Update(usize),
    /// Make it equal to another one.
    Copy(usize, usize),
    DeleteEqual(usize),
    Fit(usize),
    Reset,
}

/// Any change, where a store of `many` is more than the open part takes, and a fit of `fitted` is
/// one of either size.
pub(crate) fn change(many: Range<usize>, fitted: Range<usize>) -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (0..40_usize).prop_map(Change::Store),
        2 => many.prop_map(Change::Store),
        4 => any::<usize>().prop_map(Change::Delete),
        1 => (0..3_usize).prop_map(Change::DeleteMany),
        4 => any::<usize>().prop_map(Change::Update),
        2 => any::<(usize, usize)>().prop_map(|(a, b)| Change::Copy(a, b)),
        2 => any::<usize>().prop_map(Change::DeleteEqual),
        1 => prop_oneof![1..200_usize, fitted].prop_map(Change::Fit),
        1 => Just(Change::Reset),
    ]
}

/// The points that an index should hold, by id.
pub(crate) type Held = BTreeMap<u32, Vec<f32>>;

/// Make changes to an empty index of vectors of length `dim`; what it should hold then, and does
/// by all that can be asked without a search. Reports of single changes are checked on the way.
pub(crate) fn changed(
    index: &impl PointIndex,
    dim: usize,
    changes: &[Change],
    seed: u64,
) -> std::result::Result<Held, TestCaseError> {
    let control = Control::new();
    let mut held = Held::new();
    let mut next = 0;
    let fresh = |count: usize, step: usize| normal(seed * 1000 + step as u64, count * dim);
    for (step, change) in changes.iter().enumerate() {
        let pick = |place: usize| held.keys().nth(place % held.len().max(1)).copied();
        match *change {
            Change::Store(count) => {
                let rows = fresh(count, step);
                let ids = index.store(&view(&rows, dim), &control).unwrap();
                prop_assert_eq!(ids.clone(), next..next + count as u32);
                next = ids.end;
                held.extend(ids.zip(rows.chunks(dim).map(<[f32]>::to_vec)));
            }
            Change::Delete(place) => {
                if let Some(id) = pick(place) {
                    prop_assert_eq!(index.delete(id), Ok(1));
                    prop_assert_eq!(index.delete(id), Ok(0));
                    held.remove(&id);
                }
            }
            Change::DeleteMany(rest) => {
                let ids: Vec<u32> = held.keys().skip(rest).step_by(3).copied().collect();
                for id in ids {
                    prop_assert_eq!(index.delete(id), Ok(1));
                    held.remove(&id);
                }
            }
            Change::Update(place) => {
                if let Some(id) = pick(place) {
                    let row = fresh(1, step);
                    index.update(id, &view(&row, dim)).unwrap();
                    held.insert(id, row);
                }
            }
            Change::Copy(from, to) => {
                if let (Some(from), Some(to)) = (pick(from), pick(to)) {
                    let row = held[&from].clone();
                    index.update(to, &view(&row, dim)).unwrap();
                    held.insert(to, row);
                }
            }
            Change::DeleteEqual(place) => {
                if let Some(id) = pick(place) {
                    let row = held[&id].clone();
                    let count = held.values().filter(|other| **other == row).count();
                    prop_assert_eq!(index.delete_equal(&view(&row, dim)), Ok(count));
                    held.retain(|_, other| *other != row);
                }
            }
            Change::Fit(count) => {
                let rows = fresh(count, step);
                index.fit(points(&rows, dim), &control).unwrap();
                held = (0..).zip(rows.chunks(dim).map(<[f32]>::to_vec)).collect();
                next = count as u32;
            }
            Change::Reset => {
                index.reset().unwrap();
                held.clear();
                next = 0;
            }
        }
        prop_assert_eq!(index.size(), held.len());
    }
    for (id, row) in &held {
        prop_assert_eq!(index.vector(*id), Some(row.clone()));
    }
    prop_assert_eq!(index.vector(next), None);
    Ok(held)
}

/// An index with points 0 to `count` - 1 says so of an id that was deleted and of ids that nobody
/// ever had.
#[track_caller]
pub(crate) fn assert_unknown_ids_are_named(
    index: &impl PointIndex,
    row: &RowsView<'_>,
    count: usize,
) {
    assert_eq!(index.delete(4), Ok(1));
    for id in [4, count as u32, u32::MAX] {
        assert_eq!(index.delete(id), Ok(0));
        let error = index.update(id, row).unwrap_err();
        assert_eq!(error, Error::UnknownId { received: id });
        assert_clear(&error, "ERR_NEARHASH_UNKNOWN_ID", "id");
        assert_eq!(error.received(), id.to_string());
        assert_eq!(index.vector(id), None);
    }
    assert_eq!(index.size(), count - 1);
}

/// Every change of an index is refused while another one runs.
#[track_caller]
pub(crate) fn assert_busy(index: &impl PointIndex, one: &RowsView<'_>, some: Points) {
    let control = Control::new();
    let check = |error: Error, argument: &'static str| {
        assert_eq!(error, Error::Busy { argument });
        assert_clear(&error, "ERR_NEARHASH_BUSY", argument);
        assert_eq!(error.allowed().split(' ').next(), Some("one"));
    };
    check(index.fit(some, &control).unwrap_err(), "fit");
    check(index.store(one, &control).unwrap_err(), "store");
    check(index.update(0, one).unwrap_err(), "update");
    check(index.delete(0).unwrap_err(), "delete");
    check(index.delete_equal(one).unwrap_err(), "delete");
    check(index.reset().unwrap_err(), "reset");
}

/// An index that was busy takes changes again.
#[track_caller]
pub(crate) fn assert_free(index: &impl PointIndex) {
    assert_eq!(index.delete(0), Ok(1));
    assert_eq!(index.reset(), Ok(()));
    assert_eq!(index.size(), 0);
}

/// While `index` is fitted to other points, searches see the ones before or those of `fitted`,
/// never a part of either.
#[track_caller]
pub(crate) fn assert_replaced_at_once<I: PointIndex, A: PartialEq + Debug + Sync>(
    index: &I,
    points: Points,
    fitted: &I,
    answers: impl Fn(&I) -> A + Sync,
) {
    let (before, after) = (answers(index), answers(fitted));
    assert_ne!(before, after);
    std::thread::scope(|scope| {
        let searches: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let found = answers(index);
                        if found == after {
                            return;
                        }
                        assert_eq!(found, before);
                    }
                })
            })
            .collect();
        index.fit(points, &Control::new()).unwrap();
        for search in searches {
            search.join().unwrap();
        }
    });
}

/// `search` goes on in two threads while all points of an index fitted to `rows` but the first
/// hundred are deleted, updated or stored once more, a third of them each.
#[track_caller]
pub(crate) fn assert_searched_meanwhile(
    index: &impl PointIndex,
    rows: &RowsView<'_>,
    search: impl Fn() + Sync,
) {
    let mut row = vec![0.0; rows.dim()];
    std::thread::scope(|scope| {
        let searches: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..60 {
                        search();
                    }
                })
            })
            .collect();
        for id in 100..rows.rows() {
            rows.copy_row(id, &mut row);
            let one = view(&row, rows.dim());
            match id % 3 {
                0 => assert_eq!(index.delete(id as u32), Ok(1)),
                1 => index.update(id as u32, &one).unwrap(),
                _ => drop(index.store(&one, &Control::new()).unwrap()),
            }
        }
        for search in searches {
            search.join().unwrap();
        }
    });
    assert_eq!(index.size(), rows.rows());
}

/// `search_one` fills the places of each query as the batch says, and leaves the others as they are.
#[track_caller]
pub(crate) fn assert_alone_as_in_batch<'a>(
    batch: &Neighbors,
    queries: impl Iterator<Item = &'a [f32]>,
    search_one: impl Fn(RowSlice<'_>, &mut [u32], &mut [f32]) -> Result<usize>,
) {
    let k = batch.k;
    let mut asked = 0;
    for (i, query) in queries.enumerate() {
        let (mut ids, mut distances) = (vec![u32::MAX; k], vec![-1.0; k]);
        let count = search_one(RowSlice::F32(query), &mut ids, &mut distances).unwrap();
        assert_eq!(count, batch.counts[i] as usize);
        assert_eq!(ids[..count], batch.ids[i * k..][..count]);
        assert_eq!(distances[..count], batch.distances[i * k..][..count]);
        assert!(ids[count..].iter().all(|id| *id == u32::MAX));
        assert!(distances[count..].iter().all(|x| *x == -1.0));
        asked += 1;
    }
    assert_eq!(asked, batch.counts.len());
}

/// Wait until the work under `control` has come to a stage. A minute without it is a failure.
pub(crate) fn wait_for(control: &Control, stage: &str) {
    for _ in 0..60_000 {
        if control.progress().stage == stage {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never came to {stage}: {:?}", control.progress());
}
