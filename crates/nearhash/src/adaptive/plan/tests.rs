use super::*;
use crate::adaptive::calibrate::KS;
use crate::adaptive::stopping::Unusual;

/// A calibration such as one comes out: more recall costs more, more neighbours too.
fn calibration(k: usize) -> Calibration {
    let settings = RECALLS.iter().enumerate().map(|(i, recall)| Setting {
        share: 2.0 * (1.0 - recall),
        start: i / 4,
        kappa: 0.5 + 0.15 * i as f32,
        stranger_kappa: 0.8 + 0.15 * i as f32,
        probes: (k as f64).sqrt() * (2.0 + 0.7 * i as f64),
    });
    Calibration {
        is_too_coarse: false,
        k,
        model: MissModel::fit(
            &[],
            Unusual {
                distance: k as f32,
                rest: 0.0,
                near: 0.0,
            },
            None,
        ),
        usual: 0.1 * (k as f32).powf(0.3),
        usual_probes: 5.0 * (k as f64).sqrt(),
        farther: 2.0,
        rest: 0.5,
        settings: settings.collect(),
    }
}

fn calibrations() -> Vec<Calibration> {
    KS.iter().map(|k| calibration(*k)).collect()
}

fn plan(k: usize, recall: f64) -> Plan {
    Plan::new(&calibrations(), k, recall, 200).unwrap()
}

/// The log-odds at which the last checkpoint lets a search stop.
fn limit(plan: &Plan) -> f32 {
    *plan.rule.limits.last().unwrap()
}

#[test]
fn without_a_calibration_there_is_no_plan() {
    assert!(Plan::new(&[], 10, 0.9, 200).is_none());
}

#[test]
fn more_recall_never_takes_less_effort() {
    for k in [1, 2, 5, 10, 31, 100, 400] {
        let mut before = plan(k, 0.01);
        for step in 0..2000 {
            // Finer and finer towards one.
            let recall = 1.0 - 0.99 * (0.991_f64).powi(step);
            let now = plan(k, recall);
            let what = (k, recall);
            assert!(limit(&now) <= limit(&before), "{what:?}");
            assert!(now.effort.kappa >= before.effort.kappa, "{what:?}");
            assert!(
                now.effort.stranger_kappa >= before.effort.stranger_kappa,
                "{what:?}"
            );
            assert!(now.effort.expected >= before.effort.expected, "{what:?}");
            assert!(now.effort.stranger_kappa >= now.effort.kappa);
            before = now;
        }
        assert!(before.effort.kappa >= 3.0 && limit(&before) < -6.0);
    }
}

#[test]
fn calibrated_points_are_met_exactly() {
    for calibration in calibrations() {
        for (setting, recall) in calibration.settings.iter().zip(RECALLS) {
            let plan = plan(calibration.k, recall);
            let odds = (setting.share.min(1.0 - 1e-9) / (1.0 - setting.share).max(1e-9)).ln();
            assert!((f64::from(limit(&plan)) - odds).abs() < 1e-3, "{recall}");
            assert!((plan.effort.kappa - setting.kappa).abs() < 1e-5);
            assert!((plan.effort.usual / calibration.usual - 1.0).abs() < 1e-5);
            assert_eq!(plan.effort.k, calibration.k);
            // Rounded down, from a little less or more.
            let half_way = (calibration.usual_probes + 200.0) / 2.0;
            let probes = (4.0 * calibration.usual_probes).min(half_way) as usize;
            let ordinary = plan.effort.ordinary;
            assert!(ordinary.probes.abs_diff(probes) <= 1);
            assert!((ordinary.limit / calibration.usual / 2.0 - 1.0).abs() < 1e-5);
            assert!((ordinary.rest - 0.5).abs() < 1e-6);
        }
    }
    // Below the curve it is its first point.
    assert_eq!(limit(&plan(10, 0.01)), limit(&plan(10, RECALLS[0])));
}

#[test]
fn between_and_beyond_the_calibrated_k_distances_and_probes_go_on() {
    let mut before = plan(1, 0.95);
    for k in 2..1000 {
        let now = plan(k, 0.95);
        assert!(now.effort.usual > before.effort.usual, "{k}");
        assert!(now.effort.expected >= before.effort.expected, "{k}");
        assert!(
            now.effort.ordinary.probes >= before.effort.ordinary.probes,
            "{k}"
        );
        assert_eq!(now.between, k < 100 && !KS.contains(&k), "{k}");
        before = now;
    }
    // Powers stay powers.
    assert!((plan(1000, 0.95).effort.usual / (0.1 * 1000_f32.powf(0.3)) - 1.0).abs() < 1e-4);
    assert!((plan(31, 0.95).effort.usual / (0.1 * 31_f32.powf(0.3)) - 1.0).abs() < 1e-4);
    // Where only one k could be calibrated, it serves all.
    let one = [calibration(10)];
    for k in [1, 10, 77] {
        let plan = Plan::new(&one, k, 0.9, 50).unwrap();
        assert_eq!(plan.effort.usual, one[0].usual);
        assert_eq!(plan.effort.k, k);
    }
}

#[test]
fn beyond_the_calibrated_k_no_more_neighbours_are_missed() {
    let limit = |plan: &Plan| *plan.rule.limits.last().unwrap();
    let (twice, same) = (plan(200, 0.9), plan(100, 0.95));
    assert!((limit(&twice) - limit(&same)).abs() < 1e-5);
    assert_eq!(twice.effort.kappa, same.effort.kappa);
    assert!(limit(&plan(1000, 0.9)) < limit(&twice));
}

#[test]
fn a_number_of_probes_is_kept_whatever_is_seen() {
    let plan = plan(10, 0.95).with_probes(7);
    assert_eq!((plan.effort.most, plan.effort.expected), (7, 7));
    assert_eq!(plan.effort.first_checkpoint, usize::MAX);
}

#[test]
fn a_search_stops_when_the_models_of_both_k_together_say_so() {
    // The models know nothing but a constant: odds of 1 to e.
    let features: Features = std::array::from_fn(|i| f32::from(u8::from(i == 0)));
    let kernels = Kernels::get();
    for k in [1, 4, 10, 50, 300] {
        let odds = plan(k, 0.9).models[0].log_odds(kernels, &features);
        assert!(odds.is_finite());
        for recall in [0.5, 0.9, 0.998] {
            let plan = plan(k, recall);
            for checkpoint in 0..plan.rule.limits.len() {
                let expected = odds <= plan.rule.limits[checkpoint];
                assert_eq!(plan.stops(kernels, checkpoint, &features), expected);
            }
        }
    }
}
