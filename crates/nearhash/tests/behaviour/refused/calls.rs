//! Calls that ask for nothing, for what is not there, or too early.

use nearhash::{Control, Error, FamilyKind, LshIndex, LshOptions, PredictOptions};

use super::{FAMILIES, assert_clear, assert_refused};
use crate::point_index::assert_unknown_ids_are_named;
use crate::{SRP, fitted, l2, normal, options, view};

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
