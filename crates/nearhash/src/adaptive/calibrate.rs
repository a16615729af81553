//! From an asked recall to when a search stops, measured on the index itself.
//!
//! A sample of the stored points is asked as queries, each left out of its own answers, and
//! strangers made of them: queries such as the data does not have. Every one is searched to the
//! end, with a look at each checkpoint, so that it is known what stopping there would have missed.
//! Where points have twins, what those are copies of is asked for, too, as if they were not there.
//! No query of the user's is needed or looked at.

mod learned;
mod margins;
mod settings;
mod survey;
mod twins;

use rayon::prelude::*;

use crate::adaptive::curve::Curve;
use crate::adaptive::model::Model;
use crate::adaptive::sample::split;
use crate::adaptive::stopping::{MissModel, StopRule, checkpoints};
use crate::adaptive::traces::{Asked, Early, Search};
use crate::control::Control;
use crate::error::Result;

pub(crate) use self::settings::Setting;

use self::learned::Learned;
use self::margins::{GENEROUS, MOST_GENEROUS, Margins};
use self::settings::{Curves, aim, put_in_order, settings, stop_by};
use self::survey::Survey;

/// The k that calibration is made for; others lie between.
pub(crate) const KS: [usize; 4] = [1, 10, 30, 100];
/// Recalls of the curve.
pub(crate) const RECALLS: [f64; 13] = [
    0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998,
];

/// A query that needs so many times the usual number of buckets is treated as a stranger.
const ORDINARY: f64 = 4.0;
/// The recall that coarse codes must serve; if they don't, they are made finer.
const FINE_RECALL: f64 = 0.95;
/// Where in [`RECALLS`] the recall is that those points are searched with which are asked for one neighbour only,
/// and how many recalls they tell of.
const SINGLES_RECALL: usize = 9;
const MOST_SINGLES: usize = 8;

/// Calibration at one k.
#[derive(Debug, Clone)]
pub(crate) struct Calibration {
    pub(crate) k: usize,
    pub(crate) model: MissModel,
    /// Squared distance of the k-th neighbour, usually (scaled).
    pub(crate) usual: f32,
    /// Buckets in which a stored point has .95 of its neighbours.
    pub(crate) usual_probes: f64,
    /// How many times the usual distance, squared, the k-th neighbour of an ordinary point can have.
    pub(crate) farther: f32,
    /// And how large its squared rest can be, in parts of that distance.
    pub(crate) rest: f32,
    /// Whether estimates are so far off that the margins that stored points need exceed all bounds.
    pub(crate) is_too_coarse: bool,
    /// One for each of [`RECALLS`].
    pub(crate) settings: Vec<Setting>,
}

/// Buckets that are scanned for an ordinary query, at most.
pub(crate) fn ordinary_probes(usual_probes: f64, buckets: usize) -> usize {
    // Where that is more than there are, half of the way to all.
    (ORDINARY * usual_probes).min((usual_probes + buckets as f64) / 2.0) as usize
}

/// Calibration at one k, and what it stands on.
struct Standing<'a> {
    learned: Learned,
    curves: Curves<'a>,
    calibration: Calibration,
}

impl Model {
    /// Calibrate for each of [`KS`] that there are points enough for.
    pub(crate) fn calibrate(&self, seed: u64, control: &Control) -> Result<Vec<Calibration>> {
        let n = self.points.rows();
        let ks: Vec<usize> = KS.iter().copied().filter(|k| *k < n).collect();
        let [rows, singles] = split(&self.held_out, n);
        control.begin("calibrate", Survey::searches(&rows) + singles.len());
        let survey = Survey::of(self, &ks, &rows, seed, control)?;
        let standing = |i: usize, prior: Option<&MissModel>| self.standing(&survey, i, seed, prior);
        // One neighbour tells little: its model begins with that of more. The others are made meanwhile.
        let first = || -> Result<Vec<Standing<'_>>> {
            let more = (ks.len() > 1).then(|| standing(1, None));
            let mut first = standing(0, more.as_ref().map(|more| &more.learned.model));
            if !singles.is_empty() {
                self.ask_for_one(&mut first, &survey.search_for_one(self), &singles, control)?;
            }
            Ok([Some(first), more].into_iter().flatten().collect())
        };
        let others = || -> Vec<Standing<'_>> {
            let others = (2..ks.len()).into_par_iter();
            others.map(|i| standing(i, None)).collect()
        };
        let (first, others) = rayon::join(first, others);
        let all = first?.into_iter().chain(others);
        let calibrations = all.map(|standing| {
            let mut calibration = standing.calibration;
            put_in_order(&mut calibration.settings);
            calibration
        });
        Ok(calibrations.collect())
    }

    /// What a survey tells of the `i`-th k.
    fn standing(
        &self,
        survey: &Survey<'_>,
        i: usize,
        seed: u64,
        prior: Option<&MissModel>,
    ) -> Standing<'static> {
        let k = survey.search.ks[i];
        let buckets = self.centres.len();
        let learned = Learned::new(survey, i, buckets, seed, prior);
        let curve = |asked: Asked| {
            let traces = survey.traces(i).filter(|trace| trace.asked == asked);
            let watched = traces.map(|trace| learned.watched(trace)).collect();
            Curve::new(checkpoints(buckets), watched, learned.usual_probes)
        };
        let curves = Curves {
            stored: curve(Asked::Stored),
            alone: survey.points_have_twins().then(|| curve(Asked::Alone)),
        };
        // Among many points, some distances more cost less than the memory of finer codes.
        let most_kappa = match self.centres.heads() {
            Some(_) => MOST_GENEROUS,
            None => GENEROUS,
        };
        let margins = Margins::new(survey, i, &learned.ordinary, most_kappa);
        let calibration = Calibration {
            k,
            model: learned.model.clone(),
            usual: survey.search.usual[i],
            usual_probes: learned.usual_probes,
            farther: learned.farther,
            rest: learned.ordinary.rest,
            is_too_coarse: margins.fall_short(aim(k, FINE_RECALL)),
            settings: settings(k, &curves, &margins),
        };
        Standing {
            learned,
            curves,
            calibration,
        }
    }

    /// Ask for more points, one neighbour each, by what is known of it already.
    fn ask_for_one(
        &self,
        standing: &mut Standing<'_>,
        search: &Search<'_>,
        rows: &[u32],
        control: &Control,
    ) -> Result<()> {
        let Standing {
            learned,
            curves,
            calibration,
        } = standing;
        let last = &calibration.settings[SINGLES_RECALL];
        let search = Search {
            kappa: last.stranger_kappa,
            early: Some(Early {
                model: &learned.model,
                rule: StopRule::new(last.share, last.start, self.centres.len()),
                expected: (1.5 * last.probes) as usize + 2,
            }),
            ..search.clone()
        };
        let traces = self.stored_traces(rows, &search, control)?;
        let unknown = curves.stored.missed(&last.stopping(), [search.kappa; 2]);
        let watched = traces.iter().map(|trace| learned.watched(trace));
        curves.stored.add(
            watched
                .map(|watched| watched.with_unknown(unknown))
                .collect(),
        );
        stop_by(
            curves,
            calibration.k,
            &mut calibration.settings,
            MOST_SINGLES,
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests;
