//! What only the inside of an index can show: panics in its midst, and the interval of a recall.

mod ranking;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

use super::*;
use crate::control::Control;
use crate::evaluation::*;
use crate::exact::Neighbors;
use crate::kernel::Kernels;
use crate::lsh::family::{Family, Group, KeyScratch, Move, Planes};
use crate::lsh::srp::Srp;
use crate::points::{Points, RowData, RowSlice, RowsView};

/// Sign hashes that panic while they are told to.
#[derive(Debug)]
struct Fragile {
    inner: Srp,
    broken: Arc<AtomicBool>,
}

impl Family for Fragile {
    fn metric(&self) -> Metric {
        self.inner.metric()
    }

    fn planes(&self) -> &Planes {
        self.inner.planes()
    }

    fn values(&self, kernels: &Kernels, projected: &[f32], values: &mut [i32]) {
        self.inner.values(kernels, projected, values);
    }

    fn keys(
        &self,
        kernels: &Kernels,
        group: &Group,
        projected: &[f32],
        scratch: &mut KeyScratch,
        keys: &mut [u64],
    ) {
        assert!(!self.broken.load(Ordering::Relaxed), "broken on purpose");
        self.inner.keys(kernels, group, projected, scratch, keys);
    }

    fn moves(&self, projected: &[f32], moves: &mut Vec<Move>) -> f32 {
        self.inner.moves(projected, moves)
    }

    fn collision_probability(&self, distance: f64) -> f64 {
        self.inner.collision_probability(distance)
    }

    fn empty_share(&self, buckets: usize, points: usize) -> f64 {
        self.inner.empty_share(buckets, points)
    }

    fn bucket_name(&self, values: &[i32]) -> String {
        self.inner.bucket_name(values)
    }
}

/// Points around the circle.
fn circle(count: usize) -> Vec<f32> {
    (0..count)
        .flat_map(|i| {
            let angle = i as f32 * 2.4;
            [angle.cos(), angle.sin()]
        })
        .collect()
}

#[test]
fn a_panic_poisons_nothing() {
    let broken = Arc::new(AtomicBool::new(false));
    let family = Fragile {
        inner: Srp::new(1, 2, 4, 3),
        broken: broken.clone(),
    };
    let index = LshIndex::new(LshOptions::default()).unwrap();
    let rows = circle(500);
    let points = Points::new(RowData::F32(rows.clone()), 2).unwrap();
    let control = Control::new();
    let built = Built::build(Arc::new(family), points, None, &control).unwrap();
    index.state.set(Some(State {
        open: Open::new(&built),
        built: Arc::new(built),
        next_id: 500,
    }));
    let all = RowsView::new(RowSlice::F32(&rows), 2).unwrap();
    let many = circle(5000);
    let many = RowsView::new(RowSlice::F32(&many), 2).unwrap();
    let one = all.slice(7..8);
    let sight = || {
        let found = index.search(&all, 3, &control).unwrap();
        (found, index.size(), index.candidates(&one).unwrap())
    };
    let before = sight();

    type Call<'a> = (&'static str, Box<dyn Fn() + 'a>);
    let calls: [Call<'_>; 8] = [
        (
            "search, here",
            Box::new(|| drop(index.search(&one, 3, &control))),
        ),
        (
            "search, in threads",
            Box::new(|| drop(index.search(&all, 3, &control))),
        ),
        ("candidates", Box::new(|| drop(index.candidates(&one)))),
        (
            "store, open",
            Box::new(|| drop(index.store(&one, &control))),
        ),
        (
            "store, sorted",
            Box::new(|| drop(index.store(&many, &control))),
        ),
        ("update", Box::new(|| drop(index.update(7, &one)))),
        (
            "delete by value",
            Box::new(|| drop(index.delete_equal(&one))),
        ),
        (
            "evaluate",
            Box::new(|| drop(index.evaluate(&all, 3, &control))),
        ),
    ];
    for (what, call) in &calls {
        broken.store(true, Ordering::Relaxed);
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "{what}");
        broken.store(false, Ordering::Relaxed);
        assert_eq!(sight(), before, "{what}");
    }
    // No change is left open, and no lock poisoned.
    assert_eq!(index.store(&one, &control), Ok(500..501));
    assert_eq!(index.delete_equal(&one), Ok(2));
    assert_eq!(index.size(), 499);
    index.reset().unwrap();
}

#[test]
fn a_point_whose_hashing_panics_while_it_is_removed_stays() {
    let broken = Arc::new(AtomicBool::new(false));
    let family = Fragile {
        inner: Srp::new(1, 2, 4, 3),
        broken: broken.clone(),
    };
    let index = LshIndex::new(LshOptions::default()).unwrap();
    let built = Built::empty(Arc::new(family)).unwrap();
    index.state.set(Some(State {
        open: Open::new(&built),
        built: Arc::new(built),
        next_id: 0,
    }));
    let rows = circle(20);
    let all = RowsView::new(RowSlice::F32(&rows), 2).unwrap();
    let control = Control::new();
    index.store(&all, &control).unwrap();
    let before = index.search(&all, 3, &control).unwrap();
    // Its keys are computed anew while the state is locked.
    broken.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| index.delete(5))).is_err());
    broken.store(false, Ordering::Relaxed);
    assert_eq!(index.search(&all, 3, &control).unwrap(), before);
    assert_eq!(index.delete(5), Ok(1));
    assert_eq!(index.size(), 19);
}

fn answers(distances: &[&[f32]], k: usize) -> Neighbors {
    let mut all = Neighbors::empty(distances.len(), k).unwrap();
    for (i, row) in distances.iter().enumerate() {
        all.distances[i * k..][..row.len()].copy_from_slice(row);
        all.counts[i] = row.len() as u32;
    }
    all
}

#[test]
fn recall_counts_what_is_as_near_as_the_last_true_neighbour() {
    let truth = answers(&[&[1.0, 2.0], &[1.0, 2.0], &[0.0, 0.0], &[3.0, 4.0]], 2);
    // Both; a tie of the second; a miss; nothing.
    let found = answers(&[&[1.0, 2.0], &[2.0, 2.0], &[0.0, 1.0], &[]], 2);
    let evaluation = Evaluation::new(&found, &truth, 80.0, 400.0);
    assert_eq!(evaluation.recall, 0.625);
    assert_eq!(evaluation.p5, 0.0);
    assert_eq!(evaluation.micros_per_query, 20.0);
    assert_eq!(evaluation.exact_micros_per_query, 100.0);
    // Mean ± 1.96 standard errors of 1, 1, 1/2, 0, within 0 and 1.
    let error = 1.959_963_984_540_054 * (0.229_166_666_666_666_66_f64 / 4.0).sqrt();
    assert!((evaluation.low - (0.625 - error)).abs() < 1e-12);
    assert_eq!(evaluation.high, 1.0);
}

#[test]
fn queries_that_all_agree_have_an_interval_that_knows_how_few_they_are() {
    let near: &[f32] = &[1.0];
    for n in [1, 10, 1000] {
        let truth = answers(&vec![near; n], 1);
        let all = Evaluation::new(&truth, &truth, 0.0, 0.0);
        // Wilson's interval of n hits among n: 1 / (1 + z²/n) to 1.
        let low = 1.0 / (1.0 + 3.841_458_820_694_124 / n as f64);
        assert_eq!((all.recall, all.p5), (1.0, 1.0));
        assert!((all.low - low).abs() < 1e-12 && (all.high - 1.0).abs() < 1e-12);
        let none = answers(&vec![&[][..]; n], 1);
        let none = Evaluation::new(&none, &truth, 0.0, 0.0);
        assert_eq!((none.recall, none.p5), (0.0, 0.0));
        assert!(none.low.abs() < 1e-12 && (none.high - (1.0 - low)).abs() < 1e-12);
    }
}

#[test]
fn the_fifth_percentile_is_that_of_the_queries() {
    // One of twenty misses, then two of forty: the lowest twentieth is theirs.
    for (n, misses, p5) in [(20, 1, 0.0), (40, 2, 0.0), (40, 1, 1.0), (21, 1, 1.0)] {
        let truth = answers(&vec![&[1.0][..]; n], 1);
        let mut rows = vec![&[1.0][..]; n];
        rows[..misses].fill(&[]);
        let evaluation = Evaluation::new(&answers(&rows, 1), &truth, 0.0, 0.0);
        assert_eq!(evaluation.p5, p5, "{misses} of {n}");
    }
}
