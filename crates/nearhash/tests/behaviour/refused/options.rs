//! Options outside their range are refused, those at its ends are not.

use nearhash::lsh::{MAX_PROJECTIONS, MAX_TABLES, R_MAX, R_MIN};
use nearhash::{Control, LshIndex, LshOptions, MAX_DIM};

use super::{FAMILIES, assert_refused};
use crate::{SRP, fitted, l2, normal, options, view};

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
