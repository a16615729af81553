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

/// The same of searches without twins: centres were drawn to those all the same, so that they find a little more than
/// queries do.
const ALONE_SAFETY: f64 = 0.15;

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
    /// Buckets that are scanned in the mean, for stored points or, where those are harder, for what twins are copies of.
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

/// What came of the searches for stored points and, where points have twins, for what those are copies of.
pub(super) struct Curves<'a> {
    pub(super) stored: Curve<'a>,
    pub(super) alone: Option<Curve<'a>>,
}

impl Curves<'_> {
    /// Where to stop to reach what is asked among both.
    fn stopping(&self, k: usize, asked: f64, kappas: [f32; 2]) -> Stopping {
        let stopping = self.stored.stopping(aim(k, asked), kappas);
        let Some(alone) = &self.alone else {
            return stopping;
        };
        let harder = alone.stopping(aim_alone(k, asked), kappas);
        self.stopping_from(k, asked, kappas, stopping.start.max(harder.start))
    }

    /// The same, looking up no sooner than at checkpoint `start`.
    fn stopping_from(&self, k: usize, asked: f64, kappas: [f32; 2], start: usize) -> Stopping {
        let stopping = self.stored.share(aim(k, asked), kappas, start);
        let Some(alone) = &self.alone else {
            return stopping;
        };
        let harder = alone.share(aim_alone(k, asked), kappas, start);
        if harder.share < stopping.share {
            harder
        } else {
            stopping
        }
    }
}

/// One for each of [`RECALLS`].
pub(super) fn settings(k: usize, curves: &Curves<'_>, margins: &Margins) -> Vec<Setting> {
    // Margins leave a part of the misses to wrong estimates, and stopping no more than the rest
    // to buckets that are not scanned.
    let setting = |asked: &f64| {
        let [kappa, stranger_kappa] = margins.kappas(aim(k, *asked));
        let stopping = curves.stopping(k, *asked, [kappa, stranger_kappa]);
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

/// Stop the searches of the first `count` recalls where these `curves` say, with the same margins and no other start.
pub(super) fn stop_by(curves: &Curves<'_>, k: usize, settings: &mut [Setting], count: usize) {
    let settings = settings[..count].par_iter_mut().zip(RECALLS);
    settings.for_each(|(setting, asked)| {
        let stopping = curves.stopping_from(k, asked, setting.kappas(), setting.start);
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
pub(super) fn aim(k: usize, asked: f64) -> f64 {
    let safety = SAFETY * (1.0 - asked);
    if k == 1 {
        let most = (asked - LEAST_SINGLE_RECALL).max(0.0) * SAFETY;
        asked + (SINGLE_SAFETY * safety).min(most)
    } else {
        asked + safety.min(MOST_SAFETY)
    }
}

/// And what of what twins are copies of.
fn aim_alone(k: usize, asked: f64) -> f64 {
    aim(k, asked).max(asked + ALONE_SAFETY * (1.0 - asked))
}
