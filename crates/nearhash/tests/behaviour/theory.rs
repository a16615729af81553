//! Closed forms against values computed with mpmath at 60 digits (400 where much cancels); the formula stands beside each
//! table.

use nearhash::stats::{collision_prob_cosine, collision_prob_l2, det_prob_query, estimate_l};
use nearhash::{Error, Result};

/// Right to a few units in the last place of what float64 can tell.
#[track_caller]
fn assert_near(found: f64, expected: f64, what: impl std::fmt::Debug) {
    let error = (found - expected).abs();
    assert!(
        error <= 2e-15 * expected.abs(),
        "{what:?}: {found:e} instead of {expected:e}"
    );
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T>, argument: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Argument { .. }), "{error:?}");
    assert_eq!(error.argument(), argument);
    assert!(!error.received().is_empty() && !error.allowed().is_empty());
}

#[test]
fn p_stable_collision_probabilities_have_their_true_values() {
    // c = r / d; erf(c / sqrt(2)) - 2 * (1 - exp(-c**2 / 2)) / (sqrt(2 * pi) * c)
    for (r, distance, expected) in [
        (1.0, 1.0, 0.36874638037250723),
        (4.0, 1.0, 0.8005324324284999),
        (4.0, 2.5, 0.5303746094484126),
        (1.0, 4.0, 0.09921934257717968),
        (1.0, 9.9, 0.04026297213687399),
        (1.0, 10.0, 0.039861016065639715),
        (1.0, 10.1, 0.039466999833390345),
        (1.0, 100.0, 0.003989389559156742),
        (1.0, 1e6, 3.9894228040139945e-07),
        (4.0, 0.125, 0.9750661074749104),
        (1.0, 0.001, 0.9992021154391971),
        (1e-30, 1e-30, 0.36874638037250723),
        (1e30, 3e29, 0.7607018784905214),
        (1e-30, 1e30, 3.989422804014327e-61),
        (1e300, 1e-300, 1.0),
        (2.5, 7.25, 0.13621921912781215),
    ] {
        let found = collision_prob_l2(r, distance).unwrap();
        // Just above the switch to a series the closed form loses two digits.
        let error = (found - expected).abs();
        assert!(error <= 1e-13 * expected, "{r}, {distance}: {found:e}");
    }
    assert_eq!(collision_prob_l2(1e-30, 0.0), Ok(1.0));
    assert_eq!(collision_prob_l2(f64::MIN_POSITIVE, 0.0), Ok(1.0));
    assert_eq!(collision_prob_l2(f64::MIN_POSITIVE, f64::MAX), Ok(0.0));
}

#[test]
fn p_stable_collision_probabilities_fall_with_the_distance_and_rise_with_the_width() {
    let mut before = (1.0, 0.0);
    for step in 1..2000 {
        let x = 0.005 * f64::from(step);
        let now = (
            collision_prob_l2(1.0, x).unwrap(),
            collision_prob_l2(x, 1.0).unwrap(),
        );
        assert!(now.0 < before.0 && now.1 > before.1, "{x}: {now:?}");
        before = now;
    }
}

#[test]
fn p_stable_collision_probabilities_refuse_what_is_no_width_or_distance() {
    for r in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_refused(collision_prob_l2(r, 1.0), "r");
    }
    for distance in [-1e-300, -1.0, f64::NAN, f64::INFINITY] {
        assert_refused(collision_prob_l2(1.0, distance), "distance");
    }
}

#[test]
fn sign_collision_probabilities_have_their_true_values() {
    // 1 - acos(s) / pi
    for (similarity, expected) in [
        (1.0, 1.0),
        (0.999999999999, 0.999999549846821),
        (0.9999, 0.9954983809051908),
        (0.99, 0.9549465863555878),
        (0.9, 0.8564337068712937),
        (0.5, 0.6666666666666666),
        (0.25, 0.5804306232551663),
        (1e-9, 0.5000000003183099),
        (0.0, 0.5),
        (-1e-9, 0.4999999996816901),
        (-0.5, 0.3333333333333333),
        (-0.75, 0.23005345616261588),
        (-1.0, 0.0),
    ] {
        assert_near(
            collision_prob_cosine(similarity).unwrap(),
            expected,
            similarity,
        );
    }
    // Near −1 the difference from 1 has few digits left, as it stands in the paper.
    for (similarity, expected) in [
        (-0.999, 0.014236437406239661),
        (-0.999999999999, 4.501531789146618e-07),
    ] {
        let found = collision_prob_cosine(similarity).unwrap();
        assert!((found - expected).abs() < 1e-15, "{found:e}");
    }
    for similarity in [1.0 + f64::EPSILON, -1.1, 2.0, f64::NAN, f64::INFINITY] {
        assert_refused(collision_prob_cosine(similarity), "similarity");
    }
}

#[test]
fn the_probability_of_meeting_has_its_true_values() {
    // 1 - (1 - p**k)**l
    for (p1, k, l, expected) in [
        (0.5, 1, 1, 0.5),
        (0.9, 15, 5, 0.6842086503874232),
        (0.9, 15, 100, 0.9999999999027243),
        (0.8, 20, 50, 0.43999501124296647),
        (0.99, 64, 3, 0.8932313656948438),
        (0.3, 10, 7, 4.1333567782481925e-05),
        (0.01, 8, 1, 1.0000000000000002e-16),
        (0.01, 8, 1_000_000, 9.999999999500002e-11),
        (1e-5, 4, 1, 1.0000000000000004e-20),
        (1.0, 64, 1, 1.0),
        (0.0, 3, 9, 0.0),
        (0.7, 1, 1000, 1.0),
        (0.3, u32::MAX, u32::MAX, 0.0),
        (1.0, u32::MAX, u32::MAX, 1.0),
    ] {
        assert_near(det_prob_query(p1, k, l).unwrap(), expected, (p1, k, l));
    }
    for p1 in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_refused(det_prob_query(p1, 1, 1), "p1");
    }
    assert_refused(det_prob_query(0.5, 0, 1), "k");
    assert_refused(det_prob_query(0.5, 1, 0), "l");
}

#[test]
fn the_number_of_tables_is_the_ceiling_of_its_closed_form() {
    // max(1, ceil(log(delta) / log1p(-p**k)))
    for (delta, p1, k, expected) in [
        (0.1, 0.9, 15, 10),
        (0.1, 0.5, 1, 4),
        (0.01, 0.8, 10, 41),
        (0.05, 0.7, 15, 630),
        (1e-9, 0.95, 30, 86),
        (0.5, 0.999, 1, 1),
        (0.9, 0.9, 2, 1),
        (0.1, 0.9, 1, 1),
        (0.001, 0.1, 3, 6905),
        (0.1, 0.2, 8, 899_447),
        (1e-300, 0.5, 4, 10_704),
        (0.1, 1.0, 64, 1),
        // Whole quotients: 2, 3, 2, 6, and 6 but for the rounding of its arguments.
        (0.25, 0.5, 1, 2),
        (0.125, 0.5, 1, 3),
        (0.0625, 0.75, 1, 2),
        (0.015625, 0.5, 1, 6),
        (1e-6, 0.9, 1, 6),
    ] {
        assert_eq!(estimate_l(delta, p1, k), Ok(expected), "{delta}, {p1}, {k}");
    }
}

#[test]
fn so_many_tables_suffice_and_one_fewer_does_not() {
    for delta in [0.5, 0.1, 0.05, 0.01, 1e-6] {
        for p1 in [0.2, 0.5, 0.7, 0.9, 0.95, 0.99] {
            for k in [1, 2, 5, 8] {
                let l = estimate_l(delta, p1, k).unwrap();
                let reached = det_prob_query(p1, k, l).unwrap();
                // But for rounding, where so many tables reach it to the dot.
                assert!(reached >= (1.0 - delta) * (1.0 - 1e-14));
                if l > 1 {
                    let fewer = det_prob_query(p1, k, l - 1).unwrap();
                    assert!(fewer < 1.0 - delta, "{delta}, {p1}, {k}: {l}");
                }
            }
        }
    }
}

#[test]
fn a_number_of_tables_that_does_not_exist_is_refused() {
    for delta in [0.0, 1.0, -0.1, 1.5, f64::NAN, f64::INFINITY] {
        assert_refused(estimate_l(delta, 0.5, 1), "delta");
    }
    for p1 in [0.0, -0.5, 1.5, f64::NAN] {
        assert_refused(estimate_l(0.1, p1, 1), "p1");
    }
    assert_refused(estimate_l(0.1, 0.5, 0), "k");
    // More than four thousand million tables.
    assert_refused(estimate_l(0.1, 0.5, 33), "p1");
    assert_refused(estimate_l(0.1, 1e-300, 64), "p1");
    assert!(estimate_l(0.1, 0.5, 30).is_ok());
}
