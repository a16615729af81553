//! Bad input, cancelled and concurrent calls: a clear error, nothing lost or half-changed.

use nearhash::adaptive::{AdaptiveIndex, Description, IndexOptions, MAX_SETTLE, SearchOptions};
use nearhash::{Control, Error, MAX_DIM, Metric, Neighbors, Points, RowData, RowSlice};

use super::{asked, fitted, floats, search, with_metric};
use crate::photos::{self, SCALED};
use crate::point_index::{
    assert_busy, assert_free, assert_replaced_at_once, assert_searched_meanwhile,
    assert_unknown_ids_are_named, wait_for,
};
use crate::{normal, points, view, with_threads};

const DIM: usize = 6;

/// All that can be seen of an index.
fn sight(index: &AdaptiveIndex) -> (Description, Vec<Option<Vec<f32>>>, Neighbors) {
    let dim = index.dim().unwrap();
    let rows = normal(77, 10 * dim);
    let found = search(index, &view(&rows, dim), &SearchOptions::nearest(5));
    let description = Description {
        // Scratch memory of searches counts too.
        memory_bytes: 0,
        ..index.describe()
    };
    let vectors = (0..20).map(|id| index.vector(id)).collect();
    (description, vectors, found)
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: nearhash::Result<T>, argument: &str, received: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "ERR_NEARHASH_ARGUMENT");
    match error {
        Error::Argument {
            argument: found,
            received: value,
            ..
        } => assert_eq!((found, value.as_str()), (argument, received)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_outside_their_range_are_refused_by_name() {
    let new = |options: IndexOptions| AdaptiveIndex::new(options);
    let default = IndexOptions::default;
    for recall in [0.0, -0.5, 1.0001, f64::NAN, f64::INFINITY] {
        let text = recall.to_string();
        assert_refused(
            new(IndexOptions {
                recall,
                ..default()
            }),
            "recall",
            &text,
        );
        let index = fitted(default(), floats(&normal(1, 10 * DIM)), DIM);
        let query = view(&[0.0; DIM], DIM);
        let found = index.search(&query, &asked(1, recall), &Control::new());
        assert_refused(found, "recall", &text);
    }
    assert_refused(new(IndexOptions { k: 0, ..default() }), "k", "0");
    let settle = Some(MAX_SETTLE + 1);
    assert_refused(
        new(IndexOptions {
            settle,
            ..default()
        }),
        "settle",
        "65",
    );
    for dim in [0, MAX_DIM + 1] {
        let options = IndexOptions {
            dim: Some(dim),
            ..default()
        };
        assert_refused(new(options), "dim", &dim.to_string());
    }
    let index = fitted(default(), floats(&normal(1, 10 * DIM)), DIM);
    let query = view(&[0.0; DIM], DIM);
    let control = Control::new();
    let refused = |options: &SearchOptions| index.search(&query, options, &control);
    assert_refused(refused(&SearchOptions::nearest(0)), "k", "0");
    let probes = SearchOptions {
        probes: Some(0),
        ..SearchOptions::nearest(1)
    };
    assert_refused(refused(&probes), "probes", "0");
    assert_refused(index.evaluate(&query, &probes, &control), "probes", "0");
    let none = view(&[], DIM);
    let evaluated = index.evaluate(&none, &SearchOptions::nearest(1), &control);
    assert_refused(evaluated, "x", "0 vectors");
    let empty = Points::new(RowData::F32(Vec::new()), DIM).unwrap();
    assert_refused(index.fit(empty, &control), "x", "0 vectors");
    let two = normal(1, 2 * DIM);
    assert_refused(index.update(0, &view(&two, DIM)), "v", "2 vectors");
    assert_refused(index.delete_equal(&view(&two, DIM)), "v", "2 vectors");
}

#[test]
fn options_at_the_ends_of_their_range_work() {
    let rows = normal(2, 1100 * DIM);
    let index = fitted(
        IndexOptions {
            recall: 1e-9,
            k: usize::MAX,
            settle: Some(MAX_SETTLE),
            seed: u64::MAX,
            dim: Some(DIM),
            ..IndexOptions::default()
        },
        floats(&rows),
        DIM,
    );
    assert_eq!(index.describe().codes.unwrap().settle, MAX_SETTLE);
    let query = view(&rows[..DIM], DIM);
    let found = search(&index, &query, &SearchOptions::nearest(usize::MAX));
    assert_eq!((found.k, found.counts[0]), (1100, 1100));
    let almost = 1.0 - f64::EPSILON;
    assert_eq!(search(&index, &query, &asked(1, almost)).ids, [0]);
}

#[test]
fn a_vector_of_another_length_is_refused_and_changes_nothing() {
    let index = fitted(
        IndexOptions {
            dim: Some(DIM),
            ..IndexOptions::default()
        },
        floats(&normal(3, 1030 * DIM)),
        DIM,
    );
    let before = sight(&index);
    let rows = normal(4, 5);
    let row = view(&rows, 5);
    let control = Control::new();
    let refused = |error: Error, argument: &str| {
        let expected = Error::Dimension {
            argument: if argument == "v" { "v" } else { "x" },
            received: 5,
            expected: DIM,
        };
        assert_eq!(error, expected);
    };
    let options = SearchOptions::nearest(1);
    refused(index.fit(points(&rows, 5), &control).unwrap_err(), "x");
    refused(index.store(&row, &control).unwrap_err(), "x");
    refused(index.search(&row, &options, &control).unwrap_err(), "x");
    refused(index.evaluate(&row, &options, &control).unwrap_err(), "x");
    refused(index.update(0, &row).unwrap_err(), "v");
    refused(index.delete_equal(&row).unwrap_err(), "v");
    let one = index.search_one(RowSlice::F32(&rows), &options, &mut [0], &mut [0.0]);
    refused(one.unwrap_err(), "x");
    assert_eq!(sight(&index), before);
}

#[test]
fn a_zero_vector_is_refused_under_cosine_by_its_row_and_changes_nothing() {
    let rows = normal(5, 1100 * DIM);
    let index = fitted(with_metric(Metric::Cosine), floats(&rows), DIM);
    let before = sight(&index);
    let mut bad = normal(6, 3 * DIM);
    bad[2 * DIM..].fill(0.0);
    let zero = view(&bad[2 * DIM..], DIM);
    let some = view(&bad, DIM);
    let control = Control::new();
    let at = |argument, row| Error::ZeroVector { argument, row };
    let mut all = rows.clone();
    all[700 * DIM..701 * DIM].fill(0.0);
    assert_eq!(index.fit(points(&all, DIM), &control), Err(at("x", 700)));
    assert_eq!(index.store(&some, &control), Err(at("x", 2)));
    // So many that they would be put into buckets.
    assert_eq!(index.store(&view(&all, DIM), &control), Err(at("x", 700)));
    let options = SearchOptions::nearest(1);
    assert_eq!(index.search(&some, &options, &control), Err(at("x", 2)));
    assert_eq!(index.evaluate(&some, &options, &control), Err(at("x", 2)));
    assert_eq!(index.update(3, &zero), Err(at("v", 0)));
    assert_eq!(index.delete_equal(&zero), Err(at("v", 0)));
    let one = index.search_one(RowSlice::F32(&[0.0; DIM]), &options, &mut [0], &mut [0.0]);
    assert_eq!(one, Err(at("x", 0)));
    assert_eq!(sight(&index), before);
    // Under Euclidean distance it is a point like any other.
    let index = fitted(with_metric(Metric::Euclidean), floats(&all), DIM);
    let found = search(&index, &zero, &SearchOptions::nearest(1));
    assert_eq!((found.ids[0], found.distances[0]), (700, 0.0));
}

#[test]
fn calls_before_fit_say_what_to_do_first() {
    let index = AdaptiveIndex::new(IndexOptions::default()).unwrap();
    let row = view(&[1.0; DIM], DIM);
    let control = Control::new();
    let options = SearchOptions::nearest(1);
    let codes = [
        index.search(&row, &options, &control).unwrap_err(),
        index.evaluate(&row, &options, &control).unwrap_err(),
        index.store(&row, &control).unwrap_err(),
    ]
    .map(|error| error.code());
    assert_eq!(codes, ["ERR_NEARHASH_NOT_FITTED"; 3]);
    assert_eq!(index.update(0, &row), Err(Error::UnknownId { received: 0 }));
    assert_eq!(index.delete(0), Ok(0));
    assert_eq!(index.delete_equal(&row), Ok(0));
    assert_eq!(
        (index.size(), index.dim(), index.vector(0)),
        (0, None, None)
    );
    assert_eq!(index.describe().codes, None);
    // With the length known, searches find nothing and points can be stored.
    let index = AdaptiveIndex::new(IndexOptions {
        dim: Some(DIM),
        ..IndexOptions::default()
    })
    .unwrap();
    assert_eq!(search(&index, &row, &options).counts, [0]);
    let nothing = index.evaluate(&row, &options, &control).unwrap_err();
    assert_eq!(nothing.code(), "ERR_NEARHASH_NOT_FITTED");
    assert_eq!(index.store(&row, &control), Ok(0..1));
    assert_eq!(search(&index, &row, &options).ids, [0]);
}

#[test]
fn ids_that_nobody_has_are_named() {
    for count in [10, 1100] {
        let rows = normal(7, count * DIM);
        let index = fitted(IndexOptions::default(), floats(&rows), DIM);
        assert_unknown_ids_are_named(&index, &view(&rows[..DIM], DIM), count);
    }
}

#[test]
fn a_call_cancelled_before_it_begins_changes_nothing() {
    let rows = normal(8, 1100 * DIM);
    for count in [20, 1100] {
        let index = fitted(IndexOptions::default(), floats(&rows[..count * DIM]), DIM);
        let before = sight(&index);
        let control = Control::new();
        control.cancel();
        let all = view(&rows, DIM);
        let one = view(&rows[..DIM], DIM);
        let options = SearchOptions::nearest(1);
        let cancelled = Error::Cancelled;
        assert_eq!(
            index.fit(points(&rows, DIM), &control),
            Err(cancelled.clone())
        );
        assert_eq!(
            index.fit(points(&rows[..DIM], DIM), &control),
            Err(cancelled.clone())
        );
        assert_eq!(index.store(&all, &control), Err(cancelled.clone()));
        assert_eq!(index.store(&one, &control), Err(cancelled.clone()));
        assert_eq!(
            index.search(&all, &options, &control),
            Err(cancelled.clone())
        );
        assert_eq!(index.evaluate(&all, &options, &control), Err(cancelled));
        assert_eq!(sight(&index), before);
        assert_eq!(
            index.store(&one, &Control::new()).map(|ids| ids.start),
            Ok(count as u32)
        );
    }
}

#[test]
fn while_a_fit_runs_searches_see_the_old_points_and_other_changes_are_refused() {
    let dim = photos::DIM;
    let rows = &SCALED[..1100 * dim];
    let index = fitted(IndexOptions::default(), floats(rows), dim);
    let before = sight(&index);
    for stage in ["project", "calibrate"] {
        let control = Control::new();
        std::thread::scope(|scope| {
            // In threads of its own, so that nothing else waits for it.
            let fit = || index.fit(points(&SCALED, dim), &control);
            let fit = scope.spawn(move || with_threads(1, fit));
            wait_for(&control, stage);
            assert_busy(&index, &view(&rows[..dim], dim), points(rows, dim));
            assert!(control.cancel());
            // It was at work all the time.
            assert_eq!(fit.join().unwrap(), Err(Error::Cancelled));
        });
        assert_eq!(sight(&index), before);
    }
    assert_free(&index);
}

#[test]
fn a_fit_replaces_all_points_at_once_under_running_searches() {
    let (old, new) = (normal(9, 1100 * DIM), normal(10, 1300 * DIM));
    let queries = normal(11, 20 * DIM);
    let answers =
        |index: &AdaptiveIndex| search(index, &view(&queries, DIM), &SearchOptions::nearest(5));
    let index = fitted(IndexOptions::default(), floats(&old), DIM);
    let twin = fitted(IndexOptions::default(), floats(&new), DIM);
    assert_replaced_at_once(&index, points(&new, DIM), &twin, answers);
}

#[test]
fn searches_go_on_while_points_come_and_go() {
    let rows = normal(12, 1100 * DIM);
    let index = fitted(IndexOptions::default(), floats(&rows), DIM);
    // The first hundred stay, so each of them is found at distance 0 by every exact search.
    let stay = view(&rows[..100 * DIM], DIM);
    assert_searched_meanwhile(&index, &view(&rows, DIM), || {
        let found = search(&index, &stay, &asked(1, 1.0));
        assert_eq!(found.distances, [0.0; 100]);
        let found = search(&index, &stay, &SearchOptions::nearest(7));
        assert_eq!(found.counts, [7; 100]);
    });
}

#[test]
fn a_description_says_what_there_is() {
    let rows = normal(13, 1500 * DIM);
    let index = fitted(
        IndexOptions {
            metric: Metric::Cosine,
            seed: 3,
            recall: 0.9,
            k: 4,
            ..IndexOptions::default()
        },
        floats(&rows),
        DIM,
    );
    index
        .store(&view(&rows[..7 * DIM], DIM), &Control::new())
        .unwrap();
    index.delete(0).unwrap();
    index.delete(1500).unwrap();
    let found = index.describe();
    assert_eq!(
        (found.metric, found.size, found.dim),
        (Metric::Cosine, 1505, Some(DIM))
    );
    assert_eq!(
        (found.recall, found.k, found.seed, found.open),
        (0.9, 4, 3, 6)
    );
    assert_eq!(found.memory_bytes, index.memory_bytes());
    assert!(found.memory_bytes > 1500 * DIM * 4);
    let codes = found.codes.unwrap();
    assert_eq!((codes.axes, codes.bits, codes.settle), (16, 7, 1));
    assert!(codes.buckets > 10 && codes.buckets < 200);
    assert!((codes.mean_bucket_size * codes.buckets as f64 - 1500.0).abs() < 1e-6);
    assert!(codes.max_bucket_size >= codes.mean_bucket_size as usize);
    assert!(codes.bytes_per_vector > 16.0 && codes.bytes_per_vector < 200.0);
}
