//! From a k and a recall to how a search goes about it, between the points of the calibration.

use crate::adaptive::calibrate::{Calibration, RECALLS, Setting, ordinary_probes};
use crate::adaptive::search::{Effort, Ordinary};
use crate::adaptive::stopping::{Features, MissModel, StopRule};
use crate::kernel::Kernels;

/// Recalls up to this far below one are told apart.
const LEAST_MISSING: f64 = 1e-6;

/// How to search.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) effort: Effort,
    rule: StopRule,
    /// Models of the calibrated k below and above.
    models: [MissModel; 2],
    /// Whether k is between them.
    between: bool,
}

impl Plan {
    /// For `k` neighbours and a recall below 1, among `buckets` buckets.
    pub(crate) fn new(
        calibrations: &[Calibration],
        k: usize,
        recall: f64,
        buckets: usize,
    ) -> Option<Self> {
        let above = calibrations
            .iter()
            .position(|c| c.k >= k)
            .unwrap_or(calibrations.len().checked_sub(1)?);
        let below = if calibrations[above].k > k {
            above.saturating_sub(1)
        } else {
            above
        };
        let (low, high) = (&calibrations[below], &calibrations[above]);
        let part = if low.k == high.k {
            0.0
        } else {
            libm::log(k as f64 / low.k as f64) / libm::log(high.k as f64 / low.k as f64)
        };
        // Beyond the last calibrated k nothing is known of buckets so far off: no more neighbours may be missed than
        // among so many.
        let missed = (1.0 - recall) * (high.k as f64 / k as f64).min(1.0);
        let recall = 1.0 - missed;
        let (a, b) = (setting(low, recall), setting(high, recall));
        let between = |a: f64, b: f64| a + (b - a) * part;
        let geometric = |a: f64, b: f64| libm::exp(between(libm::log(a), libm::log(b)));
        let mut usual = geometric(f64::from(low.usual), f64::from(high.usual));
        let mut probes = geometric(a.probes, b.probes);
        let mut usual_probes = geometric(low.usual_probes, high.usual_probes);
        let farther = geometric(f64::from(low.farther), f64::from(high.farther));
        let rest = geometric(f64::from(low.rest), f64::from(high.rest));
        if k > high.k {
            // Beyond the last calibrated k, distances and probes grow on as they did before it.
            let ratio = libm::log(k as f64 / high.k as f64);
            if let Some(before) = above.checked_sub(1).map(|i| &calibrations[i]) {
                let slope =
                    |x: f64, y: f64| libm::log(x / y) / libm::log(high.k as f64 / before.k as f64);
                let last = f64::from(high.usual);
                usual = last * libm::exp(slope(last, f64::from(before.usual)) * ratio);
                let growth = slope(high.usual_probes, before.usual_probes) * ratio;
                usual_probes *= libm::exp(growth);
                probes *= libm::exp(growth);
            }
        }
        let share = geometric(a.share, b.share);
        let start = a.start.max(b.start);
        let kappa = between(f64::from(a.kappa), f64::from(b.kappa)) as f32;
        let stranger_kappa =
            between(f64::from(a.stranger_kappa), f64::from(b.stranger_kappa)) as f32;
        Some(Self {
            effort: Effort {
                k,
                most: usize::MAX,
                expected: (1.5 * probes) as usize + 2,
                first_checkpoint: start,
                kappa,
                stranger_kappa: stranger_kappa.max(kappa),
                ordinary: Ordinary {
                    probes: ordinary_probes(usual_probes, buckets),
                    limit: (usual * farther) as f32,
                    rest: rest as f32,
                },
                usual: usual as f32,
            },
            rule: StopRule::new(share, start, buckets),
            models: [low.model.clone(), high.model.clone()],
            between: part > 0.0,
        })
    }

    /// Scan so many buckets instead, whatever they hold.
    pub(crate) fn with_probes(mut self, probes: usize) -> Self {
        self.effort.most = probes;
        self.effort.expected = probes;
        self.effort.first_checkpoint = usize::MAX;
        self.effort.ordinary.probes = usize::MAX;
        self
    }

    /// List so many neighbours, of points that are as far apart as the plan was made for.
    pub(crate) fn with_k(mut self, k: usize) -> Self {
        self.effort.k = k;
        self
    }

    /// Whether a search may stop at a checkpoint.
    pub(crate) fn stops(&self, kernels: &Kernels, checkpoint: usize, features: &Features) -> bool {
        let mut odds = self.models[0].log_odds(kernels, features);
        if self.between {
            // The one above may know of an end, such as that of a crowd of points, which the one below has never
            // seen, or the one below of what is near.
            odds = odds.max(self.models[1].log_odds(kernels, features));
        }
        odds <= self.rule.limits[checkpoint]
    }
}

/// The setting for a recall, between those of the curve, in the logarithm of what is missed.
fn setting(calibration: &Calibration, recall: f64) -> Setting {
    let settings = &calibration.settings;
    let missed = |recall: f64| libm::log((1.0 - recall).max(LEAST_MISSING));
    let above = RECALLS.iter().position(|r| *r >= recall);
    let last = RECALLS.len() - 1;
    match above {
        Some(0) => settings[0].clone(),
        Some(above) => {
            let (low, high) = (&settings[above - 1], &settings[above]);
            let (from, to) = (missed(RECALLS[above - 1]), missed(RECALLS[above]));
            let part = (missed(recall) - from) / (to - from);
            let between = |a: f64, b: f64| a + (b - a) * part;
            let geometric = |a: f64, b: f64| libm::exp(between(libm::log(a), libm::log(b)));
            let margin = |a: f32, b: f32| between(f64::from(a), f64::from(b)) as f32;
            Setting {
                share: geometric(low.share, high.share),
                // The larger share goes with the later start.
                start: high.start,
                kappa: margin(low.kappa, high.kappa),
                stranger_kappa: margin(low.stranger_kappa, high.stranger_kappa),
                probes: geometric(low.probes, high.probes),
            }
        }
        None => {
            // Beyond the curve: as much less may be missing as is asked, with generous margins.
            let setting = &settings[last];
            let part = libm::exp(missed(recall) - missed(RECALLS[last]));
            Setting {
                share: setting.share * part,
                kappa: setting.kappa.max(3.0),
                stranger_kappa: setting.stranger_kappa.max(4.0),
                probes: setting.probes / part.max(0.1),
                ..setting.clone()
            }
        }
    }
}

#[cfg(test)]
mod tests;
