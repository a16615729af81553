//! What is no vector, or none for this index, is refused.

use nearhash::{
    Control, Error, LshIndex, LshOptions, MAX_DIM, Points, PredictOptions, RowData, RowSlice,
    RowsView,
};

use super::{FAMILIES, assert_clear, assert_refused, sight};
use crate::{SRP, fitted, l2, normal, options, points, view};

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
