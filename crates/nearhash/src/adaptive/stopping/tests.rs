use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::random::stream;

/// Nothing is a stranger.
const NONE: Unusual = Unusual {
    distance: 100.0,
    rest: 100.0,
    near: -100.0,
};

#[test]
fn logarithms_are_right_to_three_thousandths() {
    for exponent in -120..120 {
        for m in [1.0, 1.0001, 1.1, 1.25, 1.5, 1.75, 1.9, 1.9999] {
            let x = m * 2.0_f32.powi(exponent);
            assert!((f64::from(ln(x)) - f64::from(x).ln()).abs() < 3e-3, "{x:e}");
        }
    }
    // Of what has none, that of the least normal number.
    for x in [0.0, -1.0, f32::NEG_INFINITY, f32::NAN, 1e-42] {
        assert_eq!(ln(x), ln(f32::MIN_POSITIVE));
    }
}

#[test]
fn checkpoints_end_before_the_buckets_do() {
    assert!(checkpoints(0).is_empty() && checkpoints(1).is_empty());
    assert_eq!(checkpoints(2), [1]);
    for buckets in [3, 4, 5, 100, 4096, 4097, 1 << 20] {
        let found = checkpoints(buckets);
        assert!(found.iter().all(|m| (*m as usize) < buckets));
        assert!(found.is_sorted() && found[0] == 1);
        let next = CHECKPOINTS.get(found.len());
        assert!(next.is_none_or(|m| *m as usize >= buckets));
    }
}

/// A sight of `buckets` buckets, `k` neighbours and estimates, which are sorted.
fn features(
    scores: &[f32],
    estimates: &mut Vec<f32>,
    ranks: &[f32],
    k: usize,
    usual: f32,
    rest: f32,
) -> Vec<Option<Features>> {
    estimates.sort_unstable_by(f32::total_cmp);
    let mut scores = scores.to_vec();
    scores.sort_unstable_by(f32::total_cmp);
    let buckets = scores.len() as u32;
    let (first, next) = (scores[0], scores[1]);
    scores.resize(scores.len().next_multiple_of(LANES_OF_SCORES), f32::MAX);
    Kernels::available()
        .map(|kernels| {
            let sight = Sight {
                scores: &scores,
                rest,
                far: 2.0 * rest,
                first,
                next,
                scanned: 1,
                buckets,
                nearest: estimates,
                ranks,
                k,
                usual,
            };
            sight.features(kernels)
        })
        .collect()
}

const LANES_OF_SCORES: usize = 16;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn features_are_numbers_whatever_was_seen_and_the_same_on_every_cpu(
        seed: u64, k in 1..40_usize, buckets in 2..60_usize,
        spread in prop_oneof![Just(0.0_f32), Just(1e-20), Just(1e-3), Just(1.0), Just(1e6)],
        usual in prop_oneof![Just(f32::MIN_POSITIVE), Just(1e-9_f32), Just(0.5), Just(1e4)],
        rest in prop_oneof![Just(0.0_f32), Just(1e-12), Just(2.0), Just(1e6)],
    ) {
        let mut random = stream(seed, 0);
        let mut number = |most: f32| random.random::<f32>() * most;
        let scores: Vec<f32> = (0..buckets).map(|_| number(spread)).collect();
        // Estimates may fall below zero.
        let mut estimates: Vec<f32> =
            (0..k.max(WATCHED)).map(|_| number(spread) - 0.1 * spread).collect();
        let ranks = vec![0.0; estimates.len()];
        let found = features(&scores, &mut estimates, &ranks, k, usual, rest);
        for features in &found {
            let features = features.as_ref().unwrap();
            prop_assert!(features.iter().all(|x| x.is_finite()), "{features:?}");
            prop_assert!(features.iter().all(|x| x.abs() < 1e5), "{features:?}");
            let bits = |features: &Features| features.map(f32::to_bits);
            prop_assert_eq!(bits(features), bits(found[0].as_ref().unwrap()));
        }
    }
}

#[test]
fn there_are_no_features_before_there_are_estimates_enough() {
    let scores = [1.0; 20];
    for k in [1, 10, 16, 17, 50] {
        let watched = k.max(WATCHED);
        for known in [0, 1, watched - 1, watched] {
            let mut estimates = vec![0.5; known];
            estimates.resize(watched, f32::INFINITY);
            let ranks = vec![0.0; watched];
            let found = features(&scores, &mut estimates, &ranks, k, 1.0, 0.0);
            assert!(found.iter().all(|f| f.is_some() == (known == watched)));
        }
    }
}

#[test]
fn equal_points_and_buckets_have_features() {
    let (scores, ranks) = ([0.0; 40], [0.0; 16]);
    for found in features(
        &scores,
        &mut vec![0.0; 16],
        &ranks,
        10,
        f32::MIN_POSITIVE,
        0.0,
    ) {
        assert!(found.unwrap().iter().all(|x| x.is_finite()));
    }
}

/// Examples whose log-odds are linear in some of the features.
fn examples(seed: u64, count: usize, truth: &[(usize, f32)], constant: f32) -> Vec<Example> {
    let mut random = stream(seed, 0);
    (0..count)
        .map(|_| {
            let mut features = [0.0; PADDED];
            features[0] = 1.0;
            for x in &mut features[1..FEATURES] {
                *x = random.sample(StandardNormal);
            }
            let odds = truth.iter().map(|(i, by)| by * features[*i]).sum::<f32>() + constant;
            Example {
                missing: 1.0 / (1.0 + (-odds).exp()),
                features,
                weight: 1.0,
            }
        })
        .collect()
}

#[test]
fn a_fit_recovers_the_model_that_made_the_examples() {
    let truth = [(2, 0.8), (5, -0.5), (20, 0.3)];
    let found = MissModel::fit(&examples(1, 4000, &truth, -1.2), NONE, None);
    let kernels = Kernels::get();
    for example in examples(2, 200, &truth, -1.2) {
        let odds = f64::from(example.missing / (1.0 - example.missing)).ln();
        let found = f64::from(found.log_odds(kernels, &example.features));
        assert!((found - odds).abs() < 0.1, "{found} for {odds}");
    }
}

#[test]
fn weights_decide_between_examples_that_disagree() {
    let mut all = examples(3, 2000, &[], 2.0);
    let mut others = examples(3, 2000, &[], -2.0);
    let fit = |all: &[Example], others: &[Example]| {
        let both: Vec<Example> = all.iter().chain(others).cloned().collect();
        MissModel::fit(&both, NONE, None).log_odds(Kernels::get(), &all[0].features)
    };
    assert!(fit(&all, &others).abs() < 0.2);
    others.iter_mut().for_each(|example| example.weight = 0.05);
    assert!(fit(&all, &others) > 0.8);
    all.iter_mut().for_each(|example| example.weight = 0.01);
    assert!(fit(&all, &others) < 0.0);
}

#[test]
fn fits_of_nothing_of_constants_and_of_certainties_are_finite() {
    let constant = |missing: f32, count: usize| {
        let mut examples = examples(4, 1, &[], 0.0);
        examples[0].missing = missing;
        vec![examples.remove(0); count]
    };
    for examples in [
        Vec::new(),
        constant(0.5, 1),
        constant(0.0, 500),
        constant(1.0, 500),
    ] {
        let model = MissModel::fit(&examples, NONE, None);
        for example in self::examples(5, 20, &[], 0.0) {
            let odds = model.log_odds(Kernels::get(), &example.features);
            assert!(odds.is_finite() && odds.abs() < 50.0, "{odds}");
        }
    }
    let certain = |missing| {
        let model = MissModel::fit(&constant(missing, 500), NONE, None);
        model.log_odds(Kernels::get(), &constant(missing, 1)[0].features)
    };
    assert!(certain(0.0) < -4.0 && certain(1.0) > 4.0);
}

#[test]
fn strangers_must_be_surer_and_the_farthest_are_never_sure() {
    let unusual = Unusual {
        distance: 0.5,
        rest: 0.5,
        near: -0.5,
    };
    let model = MissModel::fit(&examples(6, 1000, &[(2, 1.0)], 0.0), unusual, None);
    let kernels = Kernels::get();
    let odds = |distance: f32| {
        let mut features = [0.0; PADDED];
        features[1] = distance;
        let far = model.log_odds(kernels, &features);
        // What the distance adds to the model itself.
        far - model.dot(&model.standardised(&features))
    };
    assert_eq!(odds(-3.0), 0.0);
    assert_eq!(odds(0.5), 0.0);
    let mut before = 0.0;
    for step in 1..30 {
        let strictness = odds(0.5 + step as f32 * 0.1);
        assert!(strictness >= before - 1e-5 && strictness <= MOST_STRICTNESS + 1e-5);
        before = strictness;
    }
    assert!(before > MOST_STRICTNESS - 1e-5);
    assert_eq!(odds(0.5 + BEYOND + 0.01), f32::INFINITY);
    // A large rest makes a stranger, too, but one that can be searched for.
    let mut features = [0.0; PADDED];
    for (rest, strictness) in [(0.4, 0.0), (1.0, 1.0), (9.0, MOST_STRICTNESS)] {
        features[REST_FEATURE] = rest;
        let plain = model.dot(&model.standardised(&features));
        let odds = model.log_odds(kernels, &features);
        assert!((odds - plain - strictness).abs() < 1e-4, "{rest}: {odds}");
    }
    // And so does what is nearer to the mean than to its neighbours.
    let mut features = [0.0; PADDED];
    for (far, strictness) in [
        (2.0, 0.0),
        (-0.5, 0.0),
        (-1.0, 1.0),
        (-9.0, MOST_STRICTNESS),
    ] {
        features[FAR_FEATURE] = far;
        let plain = model.dot(&model.standardised(&features));
        let odds = model.log_odds(kernels, &features);
        assert!((odds - plain - strictness).abs() < 1e-4, "{far}: {odds}");
    }
}

#[test]
fn the_rest_and_the_distance_from_the_mean_are_where_they_are_said_to_be() {
    let nearest: Vec<f32> = (1..=16).map(|i| i as f32).collect();
    let features = |rest: f32, far: f32| {
        let sight = Sight {
            scores: &[1.0; 32],
            rest,
            far,
            first: 1.0,
            next: 2.0,
            scanned: 4,
            buckets: 32,
            nearest: &nearest,
            ranks: &[0.0; 16],
            k: 10,
            usual: 8.0,
        };
        sight.features(Kernels::get()).unwrap()
    };
    for number in [0.0, 0.5, 30.0] {
        // In parts of the tenth distance.
        let rest = features(number, 7.0)[REST_FEATURE];
        assert!((rest - (number / 10.0 + 1e-3).ln()).abs() < 3e-3);
        let far = features(0.3, number)[FAR_FEATURE];
        assert!((far - (number / 10.0 + 1e-2).ln()).abs() < 3e-3);
    }
}

#[test]
fn with_few_examples_a_model_stays_near_its_prior() {
    let truth = [(1, 1.5), (4, -0.8)];
    let prior = MissModel::fit(&examples(1, 4000, &truth, -1.2), NONE, None);
    let probe = examples(2, 200, &truth, -1.2);
    let kernels = Kernels::get();
    let apart = |model: &MissModel| {
        let odds = |m: &MissModel, x: &Example| f64::from(m.log_odds(kernels, &x.features));
        probe
            .iter()
            .map(|x| (odds(model, x) - odds(&prior, x)).abs())
            .sum::<f64>()
            / 200.0
    };
    let few = examples(3, 60, &truth, -1.2);
    let alone = apart(&MissModel::fit(&few, NONE, None));
    let with = apart(&MissModel::fit(&few, NONE, Some(&prior)));
    assert!(with < 0.5 * alone, "{with} {alone}");
    // Nothing to learn from leaves it as it is.
    assert_eq!(MissModel::fit(&[], NONE, Some(&prior)), prior);
}

#[test]
fn a_rule_stops_nowhere_before_its_start_and_sooner_for_a_larger_share() {
    let rule = StopRule::new(0.2, 3, 100);
    assert_eq!(rule.limits.len(), checkpoints(100).len());
    assert!(rule.limits[..3].iter().all(|x| *x == f32::NEG_INFINITY));
    assert!(
        rule.limits[3..]
            .iter()
            .all(|x| (x - (0.25_f32).ln()).abs() < 1e-6)
    );
    let at = |share| StopRule::new(share, 0, 100).limits[5];
    for pair in [0.0, 1e-12, 1e-6, 0.1, 0.5, 0.9, 1.0, 2.0].windows(2) {
        assert!(at(pair[0]) <= at(pair[1]) && at(pair[0]).is_finite());
    }
    // A start beyond all checkpoints: searched to the end.
    let never = StopRule::new(0.5, 99, 100);
    assert!(never.limits.iter().all(|x| *x == f32::NEG_INFINITY));
}
