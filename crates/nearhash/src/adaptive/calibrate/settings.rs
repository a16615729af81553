//! What reaches each recall at one k.

use rayon::prelude::*;

use crate::adaptive::curve::{Curve, Stopping};

use super::RECALLS;
use super::margins::Margins;

/// How much of what may be missed is not spent, and that at most.
const SAFETY: f64 = 0.05;
const MOST_SAFETY: f64 = 0.0025;
/// How many times as much for one neighbour, which is found or not, so that the sample says less; and
/// the recall down from which there is none.
const SINGLE_SAFETY: f64 = 3.0;
const LEAST_SINGLE_RECALL: f64 = 0.75;

/// How to reach a recall at one k.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// Expected share of neighbours missing at which to stop.
    pub(crate) share: f64,
    /// First checkpoint to look up at.
    pub(crate) start: usize,
    /// Standard errors to allow for.
    pub(crate) kappa: f32,
    /// And where the query is a stranger.
    pub(crate) stranger_kappa: f32,
    /// Buckets that are scanned for a stored point, in the mean.
    pub(crate) probes: f64,
}

impl Setting {
    /// Where it stops.
    pub(super) fn stopping(&self) -> Stopping {
        Stopping {
            share: self.share,
            start: self.start,
            probes: self.probes,
        }
    }

    fn kappas(&self) -> [f32; 2] {
        [self.kappa, self.stranger_kappa]
    }
}

/// One for each of [`RECALLS`].
pub(super) fn settings(k: usize, curve: &Curve<'_>, margins: &Margins) -> Vec<Setting> {
    // Margins leave a part of the misses to wrong estimates, and stopping no more than the rest
    // to buckets that are not scanned.
    let setting = |asked: &f64| {
        let recall = aim(k, *asked);
        let [kappa, stranger_kappa] = margins.kappas(recall);
        let stopping = curve.stopping(recall, [kappa, stranger_kappa]);
        Setting {
            share: stopping.share,
            start: stopping.start,
            kappa,
            stranger_kappa,
            probes: stopping.probes,
        }
    };
    RECALLS.par_iter().map(setting).collect()
}

/// Stop the searches of the first `count` recalls where this `curve` says, with the same margins and no other start.
pub(super) fn stop_by(curve: &Curve<'_>, k: usize, settings: &mut [Setting], count: usize) {
    let settings = settings[..count].par_iter_mut().zip(RECALLS);
    settings.for_each(|(setting, asked)| {
        let stopping = curve.share(aim(k, asked), setting.kappas(), setting.start);
        (setting.share, setting.probes) = (stopping.share, stopping.probes);
    });
}

/// Who looks up later may stop at a larger share; between two recalls the larger of both with the earlier start
/// would find less than either.
pub(super) fn put_in_order(settings: &mut [Setting]) {
    for i in 1..settings.len() {
        settings[i].share = settings[i].share.min(settings[i - 1].share);
        settings[i].start = settings[i].start.max(settings[i - 1].start);
        settings[i].probes = settings[i].probes.max(settings[i - 1].probes);
    }
}

/// What to reach where `asked` is, a little more: what is measured on a sample is off by as much.
fn aim(k: usize, asked: f64) -> f64 {
    let safety = SAFETY * (1.0 - asked);
    if k == 1 {
        let most = (asked - LEAST_SINGLE_RECALL).max(0.0) * SAFETY;
        asked + (SINGLE_SAFETY * safety).min(most)
    } else {
        asked + safety.min(MOST_SAFETY)
    }
}
