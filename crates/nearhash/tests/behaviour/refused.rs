//! Bad input: a clear error, nothing lost or half-changed.

use nearhash::lsh::{MAX_PROJECTIONS, MAX_TABLES, R_MAX, R_MIN};
use nearhash::{
    Control, Error, FamilyKind, LshIndex, LshOptions, MAX_DIM, Points, PredictOptions, Predictions,
    Result, RowData, RowSlice, RowsView,
};

use crate::point_index::assert_unknown_ids_are_named;
use crate::{SRP, fitted, l2, normal, options, points, view};

pub(crate) const FAMILIES: [FamilyKind; 2] = [SRP, l2(4.0)];

/// Everything that can be seen of an index.
#[derive(Debug, PartialEq)]
pub(crate) struct Sight {
    size: usize,
    predictions: Predictions,
    buckets: Vec<(String, Vec<u32>)>,
    memory: usize,
    last: Option<Vec<f32>>,
}

pub(crate) fn sight(index: &LshIndex, queries: &[f32], dim: usize) -> Sight {
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
pub(crate) fn assert_clear(error: &Error, code: &str, argument: &str) {
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
        assert_unknown_ids_are_named(&index, &row, 10);
    }
}
