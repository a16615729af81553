//! Bad input, cancelled and concurrent calls: a clear error, nothing lost or half-changed.

use std::time::Duration;

use nearhash::lsh::{MAX_PROJECTIONS, MAX_TABLES, R_MAX, R_MIN};
use nearhash::{
    Control, Error, FamilyKind, LshIndex, LshOptions, MAX_DIM, Points, PredictOptions, Predictions,
    Result, RowData, RowSlice, RowsView,
};

use crate::photos::{self, DIM, SCALED};
use crate::{SRP, fitted, l2, normal, options, points, view, with_threads};

const FAMILIES: [FamilyKind; 2] = [SRP, l2(4.0)];

/// Everything that can be seen of an index.
#[derive(Debug, PartialEq)]
struct Sight {
    size: usize,
    predictions: Predictions,
    buckets: Vec<(String, Vec<u32>)>,
    memory: usize,
    last: Option<Vec<f32>>,
}

fn sight(index: &LshIndex, queries: &[f32], dim: usize) -> Sight {
    let options = PredictOptions {
        vectors: true,
        ..PredictOptions::default()
    };
    let size = index.size();
    Sight {
        size,
        predictions: index
            .predict(&view(queries, dim), &options, &Control::new())
            .unwrap(),
        buckets: index.buckets(1).unwrap(),
        memory: index.memory_bytes(),
        last: index.vector(size as u32 - 1),
    }
}

/// Text of every part, as a program or a person will want it.
#[track_caller]
fn assert_clear(error: &Error, code: &str, argument: &str) {
    assert_eq!((error.code(), error.argument()), (code, argument));
    assert!(!error.received().is_empty());
    assert!(!error.allowed().is_empty());
    let message = error.to_string();
    assert!(message.contains(argument), "{message}");
    assert!(
        message.contains("received") && message.contains("allowed"),
        "{message}"
    );
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T>, argument: &str, received: &str) {
    let error = result.unwrap_err();
    assert_clear(&error, "ERR_NEARHASH_ARGUMENT", argument);
    assert!(error.received().contains(received), "{error}");
}

#[test]
fn options_outside_their_range_are_refused_by_name() {
    let none = LshOptions::default;
    let new = LshIndex::new;
    for k in [0, 65, 1000, usize::MAX] {
        let options = LshOptions {
            n_projections: Some(k),
            ..none()
        };
        assert_refused(new(options), "n_projections", &k.to_string());
    }
    for l in [0, 10_001, usize::MAX] {
        let options = LshOptions {
            n_hash_tables: Some(l),
            ..none()
        };
        assert_refused(new(options), "n_hash_tables", &l.to_string());
    }
    for bucket_size in [0, usize::MAX] {
        let options = LshOptions {
            bucket_size: Some(bucket_size),
            ..none()
        };
        assert_refused(new(options), "bucket_size", &bucket_size.to_string());
    }
    for dim in [0, MAX_DIM + 1, usize::MAX] {
        let options = LshOptions {
            dim: Some(dim),
            ..none()
        };
        assert_refused(new(options), "dim", &dim.to_string());
    }
    for r in [
        0.0,
        -1.0,
        -0.0,
        1e-31,
        f32::MIN_POSITIVE,
        1.1e30,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ] {
        let options = LshOptions {
            family: l2(r),
            ..none()
        };
        assert_refused(new(options), "r", &r.to_string());
    }
    let both = LshOptions {
        n_projections: Some(5),
        bucket_size: Some(5),
        ..none()
    };
    assert_refused(new(both), "bucket_size", "n_projections together");
}

#[test]
fn options_at_the_ends_of_their_range_work() {
    let rows = normal(1, 20 * 3);
    let found = |options: LshOptions| {
        let index = fitted(options, &rows, 3);
        index.set_budget(2);
        let found = index.search(&view(&rows, 3), 1, &Control::new()).unwrap();
        assert!(found.ids.iter().copied().eq(0..20));
    };
    for family in FAMILIES {
        for k in [1, MAX_PROJECTIONS] {
            found(options(family, k, 3));
        }
        for seed in [0, 1, u64::MAX] {
            found(LshOptions {
                seed,
                ..options(family, 5, 3)
            });
        }
        found(LshOptions {
            bucket_size: Some(1),
            n_projections: None,
            ..options(family, 1, 2)
        });
    }
    for r in [R_MIN, R_MAX, 1e-10, 1e10] {
        found(options(l2(r), 5, 3));
    }
    found(options(SRP, 2, MAX_TABLES));
    found(options(l2(1.0), 1, MAX_TABLES));
}

#[test]
fn a_number_that_is_none_is_named_by_row_and_column() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for (row, column) in [(0, 0), (0, 2), (3, 1), (99, 2)] {
            let mut rows = normal(2, 300);
            rows[row * 3 + column] = bad;
            // A later one does not hide the first.
            rows[299] = f32::NAN;
            let check = |error: Error, name: &str| {
                assert_clear(&error, "ERR_NEARHASH_NOT_FINITE", name);
                let Error::NotFinite {
                    row: r,
                    column: c,
                    value,
                    ..
                } = error
                else {
                    panic!("{error}");
                };
                assert_eq!((r, c), (row, column));
                assert!(value.to_bits() == bad.to_bits() || (r, c) == (99, 2));
            };
            check(Points::new(RowData::F32(rows.clone()), 3).unwrap_err(), "x");
            check(
                RowsView::named("queries", RowSlice::F32(&rows), 3).unwrap_err(),
                "queries",
            );
        }
    }
}

#[test]
fn matrices_that_are_none_are_refused() {
    let rows = normal(3, 12);
    let new = |dim| RowsView::new(RowSlice::F32(&rows), dim);
    assert_refused(new(0), "x", "0");
    assert_refused(new(5), "x", "12");
    assert_refused(new(13), "x", "12");
    assert_refused(new(MAX_DIM + 1), "x", &(MAX_DIM + 1).to_string());
    assert_refused(Points::new(RowData::U8(vec![1; 7]), 2), "x", "7");
    assert_refused(Points::new(RowData::I16(vec![1; 7]), 0), "x", "0");
    let empty = RowsView::new(RowSlice::U8(&[]), 4).unwrap();
    assert_eq!((empty.rows(), empty.dim()), (0, 4));
    let long = vec![1.0; MAX_DIM];
    assert_eq!(view(&long, MAX_DIM).rows(), 1);
}

#[test]
fn a_vector_of_another_length_is_refused_and_changes_nothing() {
    let rows = normal(4, 50 * 3);
    for family in FAMILIES {
        let index = fitted(options(family, 4, 2), &rows, 3);
        let before = sight(&index, &rows, 3);
        let control = Control::new();
        let wrong = [1.0; 4];
        for dim in [1, 2, 4] {
            let wrong = view(&wrong[..dim], dim);
            let check = |error: Error, argument: &str| {
                assert_clear(&error, "ERR_NEARHASH_DIMENSION", argument);
                assert!(
                    matches!(error, Error::Dimension { received, expected: 3, .. } if received == dim)
                );
            };
            check(index.search(&wrong, 1, &control).unwrap_err(), "x");
            let predicted = index.predict(&wrong, &PredictOptions::default(), &control);
            check(predicted.unwrap_err(), "x");
            check(index.store(&wrong, &control).unwrap_err(), "x");
            check(index.update(0, &wrong).unwrap_err(), "v");
            check(index.delete_equal(&wrong).unwrap_err(), "v");
            check(index.candidates(&wrong).unwrap_err(), "v");
            check(index.hash(&wrong).unwrap_err(), "x");
            check(index.evaluate(&wrong, 1, &control).unwrap_err(), "x");
        }
        assert_eq!(sight(&index, &rows, 3), before);
        // The option `dim` binds fit, not what was fitted before.
        let free = LshOptions {
            dim: Some(3),
            ..options(family, 4, 2)
        };
        let free = LshIndex::new(free).unwrap();
        let error = free.fit(points(&[1.0; 8], 4), &control).unwrap_err();
        assert_clear(&error, "ERR_NEARHASH_DIMENSION", "x");
        assert_eq!((free.size(), free.dim()), (0, Some(3)));
        index.fit(points(&[1.0; 8], 4), &control).unwrap();
        assert_eq!((index.size(), index.dim()), (2, Some(4)));
    }
}

#[test]
fn a_zero_vector_is_refused_under_cosine_by_its_row_and_changes_nothing() {
    let rows = normal(5, 200 * 3);
    let mut with_zero = rows.clone();
    with_zero[150 * 3..][..3].copy_from_slice(&[0.0, -0.0, 0.0]);
    // Too short to have a direction in float32.
    let mut with_short = rows.clone();
    with_short[42 * 3..][..3].copy_from_slice(&[1e-45, 0.0, 1e-44]);
    let control = Control::new();
    // With all parameters given, and with some to be chosen from the data.
    for options in [
        options(SRP, 4, 2),
        LshOptions {
            n_projections: Some(4),
            ..LshOptions::default()
        },
        LshOptions::default(),
    ] {
        let index = fitted(options, &rows, 3);
        let fit = |rows: &[f32]| index.fit(points(rows, 3), &control);
        let before = sight(&index, &rows, 3);
        for (rows, row) in [(&with_zero, 150), (&with_short, 42)] {
            let check = |error: Error, argument: &'static str, row| {
                assert_clear(&error, "ERR_NEARHASH_ZERO_VECTOR", argument);
                assert_eq!(error, Error::ZeroVector { argument, row });
            };
            check(fit(rows).unwrap_err(), "x", row);
            let all = view(rows, 3);
            check(index.store(&all, &control).unwrap_err(), "x", row);
            check(index.search(&all, 1, &control).unwrap_err(), "x", row);
            let predicted = index.predict(&all, &PredictOptions::default(), &control);
            check(predicted.unwrap_err(), "x", row);
            check(index.hash(&all).unwrap_err(), "x", row);
            check(index.evaluate(&all, 1, &control).unwrap_err(), "x", row);
            let one = view(&rows[row * 3..][..3], 3);
            check(index.update(7, &one).unwrap_err(), "v", 0);
            check(index.delete_equal(&one).unwrap_err(), "v", 0);
            check(index.candidates(&one).unwrap_err(), "v", 0);
        }
        assert_eq!(sight(&index, &rows, 3), before);
    }
    // Zero vectors are points like all others for Euclidean distance.
    let index = fitted(options(l2(1.0), 4, 2), &with_zero, 3);
    let found = index.search(&view(&[0.0; 3], 3), 1, &control).unwrap();
    assert_eq!((found.ids[0], found.distances[0]), (150, 0.0));
}

#[test]
fn a_large_batch_with_a_zero_vector_is_refused_as_a_whole() {
    // Enough to be sorted in, were it not for its last row.
    let mut batch = normal(6, 5000 * 2);
    batch[9998..].fill(0.0);
    let index = fitted(options(SRP, 4, 2), &normal(7, 40), 2);
    let error = index.store(&view(&batch, 2), &Control::new()).unwrap_err();
    assert_eq!(
        error,
        Error::ZeroVector {
            argument: "x",
            row: 4999
        }
    );
    assert_eq!(index.size(), 20);
    let stored = index.store(&view(&batch[..2], 2), &Control::new()).unwrap();
    assert_eq!(stored, 20..21);
}

#[test]
fn no_points_are_refused_and_no_queries_are_answered() {
    let rows = normal(8, 30);
    for family in FAMILIES {
        let index = fitted(options(family, 3, 2), &rows, 3);
        let control = Control::new();
        assert_refused(index.fit(points(&[], 3), &control), "x", "0 vectors");
        assert_eq!(index.size(), 10);
        let none = view(&[], 3);
        let found = index.search(&none, 4, &control).unwrap();
        assert!(found.ids.is_empty() && found.counts.is_empty());
        let options = PredictOptions {
            vectors: true,
            ..PredictOptions::default()
        };
        let found = index.predict(&none, &options, &control).unwrap();
        assert_eq!(found.offsets, [0]);
        assert_eq!(found.vectors, Some(vec![]));
        assert!(index.hash(&none).unwrap().is_empty());
        assert_eq!(index.store(&none, &control), Ok(10..10));
        assert_refused(index.evaluate(&none, 1, &control), "x", "0 vectors");
        // One vector is one vector.
        let two = view(&rows[..6], 3);
        for wrong in [&none, &two] {
            let received = format!("{} vectors", wrong.rows());
            assert_refused(index.update(0, wrong), "v", &received);
            assert_refused(index.delete_equal(wrong), "v", &received);
            assert_refused(index.candidates(wrong), "v", &received);
        }
    }
}

#[test]
fn counts_of_zero_and_tables_that_are_not_there_are_refused() {
    let rows = normal(9, 30);
    for family in FAMILIES {
        let index = fitted(options(family, 3, 2), &rows, 3);
        let control = Control::new();
        let all = view(&rows, 3);
        assert_refused(index.search(&all, 0, &control), "k", "0");
        assert_refused(index.evaluate(&all, 0, &control), "k", "0");
        assert_refused(index.search(&all, usize::MAX, &control), "k", "");
        let predict = |top_k, bound| {
            let options = PredictOptions {
                top_k,
                bound,
                vectors: false,
            };
            index.predict(&all, &options, &control)
        };
        assert_refused(predict(0, None), "top_k", "0");
        assert_refused(predict(1, Some(0)), "bound", "0");
        assert!(predict(usize::MAX, Some(usize::MAX)).is_ok());
        for table in [2, 3, usize::MAX] {
            assert_refused(index.buckets(table), "table", &table.to_string());
        }
    }
}

#[test]
fn more_neighbours_than_points_are_as_many_as_there_are() {
    let rows = normal(10, 4 * 3);
    for family in [SRP, l2(100.0)] {
        let index = fitted(options(family, 1, 30), &rows, 3);
        index.set_budget(2);
        let found = index.search(&view(&rows, 3), 9, &Control::new()).unwrap();
        assert_eq!(found.counts, [4; 4]);
        assert_eq!(found.k, 9);
        let options = PredictOptions {
            top_k: 1_000_000_000,
            ..PredictOptions::default()
        };
        let found = index
            .predict(&view(&rows, 3), &options, &Control::new())
            .unwrap();
        assert_eq!(found.offsets, [0, 4, 8, 12, 16]);
    }
}

#[test]
fn calls_before_fit_say_what_to_do_first() {
    let control = Control::new();
    let row = [1.0, 2.0];
    let row = view(&row, 2);
    // Something is missing in each: k and L, the vector length, or r.
    for options in [
        LshOptions::default(),
        options(SRP, 4, 2),
        LshOptions {
            dim: Some(2),
            ..options(FamilyKind::L2 { r: None }, 4, 2)
        },
        LshOptions {
            dim: Some(2),
            n_hash_tables: Some(3),
            bucket_size: Some(10),
            ..LshOptions::default()
        },
    ] {
        let index = LshIndex::new(options).unwrap();
        let check = |error: Error, argument: &str| {
            assert_clear(&error, "ERR_NEARHASH_NOT_FITTED", argument);
        };
        check(index.search(&row, 1, &control).unwrap_err(), "search");
        let predicted = index.predict(&row, &PredictOptions::default(), &control);
        check(predicted.unwrap_err(), "predict");
        check(index.store(&row, &control).unwrap_err(), "store");
        check(index.hash(&row).unwrap_err(), "hash");
        check(index.buckets(0).unwrap_err(), "buckets");
        check(index.candidates(&row).unwrap_err(), "query");
        check(index.evaluate(&row, 1, &control).unwrap_err(), "evaluate");
        assert_eq!(index.delete(0), Ok(0));
        assert_eq!(index.delete_equal(&row), Ok(0));
        assert_eq!(index.update(0, &row), Err(Error::UnknownId { received: 0 }));
        assert_eq!(index.vector(0), None);
        assert_eq!(index.size(), 0);
        assert_eq!(index.describe().tables, []);
    }
}

#[test]
fn an_index_whose_options_say_everything_works_without_points() {
    for family in FAMILIES {
        let options = LshOptions {
            dim: Some(2),
            ..options(family, 4, 2)
        };
        let index = LshIndex::new(options).unwrap();
        let control = Control::new();
        let row = [1.0, 2.0];
        let row = view(&row, 2);
        assert_eq!(index.search(&row, 3, &control).unwrap().counts, [0]);
        assert_eq!(index.hash(&row).unwrap().len(), 8);
        assert_eq!(index.buckets(1), Ok(vec![]));
        assert_eq!(index.candidates(&row), Ok(vec![]));
        let error = index.evaluate(&row, 1, &control).unwrap_err();
        assert_clear(&error, "ERR_NEARHASH_NOT_FITTED", "evaluate");
        assert_eq!(index.store(&row, &control), Ok(0..1));
        assert_eq!(index.search(&row, 3, &control).unwrap().counts, [1]);
    }
}

#[test]
fn ids_that_nobody_has_are_named() {
    let rows = normal(11, 30);
    for family in FAMILIES {
        let index = fitted(options(family, 3, 2), &rows, 3);
        let row = view(&rows[..3], 3);
        assert_eq!(index.delete(4), Ok(1));
        for id in [4, 10, u32::MAX] {
            assert_eq!(index.delete(id), Ok(0));
            let error = index.update(id, &row).unwrap_err();
            assert_clear(&error, "ERR_NEARHASH_UNKNOWN_ID", "id");
            assert_eq!(error.received(), id.to_string());
            assert_eq!(index.vector(id), None);
        }
        assert_eq!(index.size(), 9);
    }
}

#[test]
fn a_call_cancelled_before_it_begins_changes_nothing() {
    let rows = &SCALED[..2000 * DIM];
    for family in FAMILIES {
        for options in [
            options(family, 8, 4),
            LshOptions {
                family,
                ..LshOptions::default()
            },
        ] {
            let index = fitted(options, rows, DIM);
            let before = sight(&index, photos::queries(), DIM);
            let control = Control::new();
            control.cancel();
            assert!(control.is_cancelled());
            let more = view(&SCALED[..9000 * DIM], DIM);
            let some = view(photos::queries(), DIM);
            let one = view(&rows[..DIM], DIM);
            let cancelled = Error::Cancelled;
            assert_eq!(
                index.fit(points(&SCALED, DIM), &control),
                Err(cancelled.clone())
            );
            // Few go to the open part, many are sorted in.
            assert_eq!(index.store(&one, &control), Err(cancelled.clone()));
            assert_eq!(index.store(&more, &control), Err(cancelled.clone()));
            for queries in [&one, &some] {
                assert_eq!(index.search(queries, 1, &control), Err(cancelled.clone()));
                let predicted = index.predict(queries, &PredictOptions::default(), &control);
                assert_eq!(predicted, Err(cancelled.clone()));
                let evaluated = index.evaluate(queries, 1, &control);
                assert_eq!(evaluated, Err(cancelled.clone()));
            }
            assert_eq!(sight(&index, photos::queries(), DIM), before);
            assert_eq!(index.store(&one, &Control::new()), Ok(2000..2001));
            assert_eq!(cancelled.code(), "ERR_NEARHASH_CANCELLED");
        }
    }
}

/// Wait until the work under `control` has come to a stage. A minute without it is a failure.
fn wait_for(control: &Control, stage: &str) {
    for _ in 0..60_000 {
        if control.progress().stage == stage {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never came to {stage}: {:?}", control.progress());
}

#[test]
fn while_a_fit_runs_searches_see_the_old_points_and_other_changes_are_refused() {
    let rows = &SCALED[..500 * DIM];
    let queries = photos::queries();
    for family in FAMILIES {
        // Several seconds of work for all points, were it not stopped.
        let index = fitted(options(family, 64, 1500), rows, DIM);
        let before = sight(&index, queries, DIM);
        let control = Control::new();
        std::thread::scope(|scope| {
            // In threads of its own, so that nothing else waits for it.
            let fit = || index.fit(points(&SCALED, DIM), &control);
            let fit = scope.spawn(move || with_threads(1, fit));
            wait_for(&control, "hash");
            let other = Control::new();
            let one = view(&rows[..DIM], DIM);
            let check = |error: Error, argument: &str| {
                assert_clear(&error, "ERR_NEARHASH_BUSY", argument);
                assert_eq!(error.allowed().split(' ').next(), Some("one"));
            };
            check(index.fit(points(rows, DIM), &other).unwrap_err(), "fit");
            check(index.store(&one, &other).unwrap_err(), "store");
            check(index.update(0, &one).unwrap_err(), "update");
            check(index.delete(0).unwrap_err(), "delete");
            check(index.delete_equal(&one).unwrap_err(), "delete");
            check(index.reset().unwrap_err(), "reset");
            assert_eq!(sight(&index, queries, DIM), before);
            assert_eq!(index.describe().size, 500);
            let progress = control.progress();
            assert_eq!((progress.stage, progress.total), ("hash", 1500));
            assert!(progress.done < progress.total);
            control.cancel();
            // It was at work all the time.
            assert_eq!(fit.join().unwrap(), Err(Error::Cancelled));
        });
        assert_eq!(sight(&index, queries, DIM), before);
        // The index is free again.
        assert_eq!(index.delete(0), Ok(1));
        assert_eq!(index.reset(), Ok(()));
        assert_eq!(index.size(), 0);
    }
}

#[test]
fn a_fit_replaces_all_points_at_once_under_running_searches() {
    // Searches see either the old points or the new ones, never a part of either.
    let (old, new) = (&SCALED[..3000 * DIM], &SCALED[3000 * DIM..9000 * DIM]);
    let queries = view(&SCALED[..20 * DIM], DIM);
    for family in FAMILIES {
        let index = fitted(options(family, 10, 8), old, DIM);
        let answers = |index: &LshIndex| {
            let found = index.search(&queries, 5, &Control::new()).unwrap();
            (
                found.ids,
                found
                    .distances
                    .iter()
                    .map(|x| x.to_bits())
                    .collect::<Vec<_>>(),
            )
        };
        let before = answers(&index);
        let after = answers(&fitted(options(family, 10, 8), new, DIM));
        assert_ne!(before, after);
        std::thread::scope(|scope| {
            let searches: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        loop {
                            let found = answers(&index);
                            if found == after {
                                return;
                            }
                            assert_eq!(found, before);
                        }
                    })
                })
                .collect();
            index.fit(points(new, DIM), &Control::new()).unwrap();
            for search in searches {
                search.join().unwrap();
            }
        });
    }
}

#[test]
fn searches_go_on_while_points_come_and_go() {
    let rows = &SCALED[..1000 * DIM];
    for family in FAMILIES {
        let index = fitted(options(family, 8, 4), rows, DIM);
        // The first hundred stay, so each of them is found at distance 0 by every search.
        let stay = view(&rows[..100 * DIM], DIM);
        std::thread::scope(|scope| {
            let searches: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..60 {
                            let found = index.search(&stay, 1, &Control::new()).unwrap();
                            assert_eq!(found.distances, [0.0; 100]);
                        }
                    })
                })
                .collect();
            for id in 100..1000 {
                let row = view(&rows[id * DIM..][..DIM], DIM);
                match id % 3 {
                    0 => assert_eq!(index.delete(id as u32), Ok(1)),
                    1 => index.update(id as u32, &row).unwrap(),
                    _ => drop(index.store(&row, &Control::new()).unwrap()),
                }
            }
            for search in searches {
                search.join().unwrap();
            }
        });
        assert_eq!(index.size(), 1000);
    }
}

#[test]
fn progress_ends_with_all_tables_done() {
    for family in FAMILIES {
        let index = LshIndex::new(options(family, 4, 37)).unwrap();
        let control = Control::new();
        index
            .fit(points(&SCALED[..100 * DIM], DIM), &control)
            .unwrap();
        let progress = control.progress();
        assert_eq!(
            (progress.stage, progress.done, progress.total),
            ("hash", 37, 37)
        );
        let queries = view(photos::queries(), DIM);
        index.search(&queries, 1, &control).unwrap();
        let progress = control.progress();
        assert_eq!(
            (progress.stage, progress.done, progress.total),
            ("queries", 200, 200)
        );
    }
}

#[test]
fn running_work_of_every_kind_can_be_stopped() {
    // Seconds of work each, in one thread.
    let rows = &SCALED[..];
    let all = view(rows, DIM);
    let index = fitted(options(l2(4.0), 15, 20), rows, DIM);
    index.set_budget(100);
    let stop = |stage: &str, work: &(dyn Fn(&Control) -> Result<()> + Sync)| {
        let control = Control::new();
        std::thread::scope(|scope| {
            let work = scope.spawn(|| with_threads(1, || work(&control)));
            wait_for(&control, stage);
            control.cancel();
            assert_eq!(work.join().unwrap(), Err(Error::Cancelled), "{stage}");
        });
    };
    let predict = PredictOptions::default();
    stop("queries", &|control| {
        index.search(&all, 10, control).map(drop)
    });
    stop("queries", &|control| {
        index.predict(&all, &predict, control).map(drop)
    });
    stop("queries", &|control| {
        index.evaluate(&all, 10, control).map(drop)
    });
    let cosine = nearhash::Metric::Cosine;
    stop("distances", &|control| {
        nearhash::exact::knn(&all, &all, 10, cosine, control).map(drop)
    });
    // In f64, which takes its time.
    let far: Vec<f32> = rows[..6000 * DIM].iter().map(|x| x * 1e20).collect();
    let far = view(&far, DIM);
    let euclidean = nearhash::Metric::Euclidean;
    stop("distances", &|control| {
        nearhash::exact::cdist(&far, &far, euclidean, control).map(drop)
    });
    // Sorting in, with many tables.
    let index = fitted(options(SRP, 64, 1000), &rows[..100 * DIM], DIM);
    stop("hash", &|control| index.store(&all, control).map(drop));
    assert_eq!(index.size(), 100);
    assert_eq!(
        index.store(&view(&rows[..DIM], DIM), &Control::new()),
        Ok(100..101)
    );
}
