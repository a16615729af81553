//! From an asked recall to when a search stops, measured on the index itself.
//!
//! A sample of the stored points is asked as queries, each left out of its own answers, and
//! strangers made of them: queries such as the data does not have. Every one is searched to the
//! end, with a look at each checkpoint, so that it is known what stopping there would have missed.
//! No query of the user's is needed or looked at.

use rand::RngExt;
use rayon::prelude::*;

use crate::adaptive::curve::{Curve, Stopping, Watched};
use crate::adaptive::model::Model;
use crate::adaptive::sample::split;
use crate::adaptive::search::Ordinary;
use crate::adaptive::stopping::{Example, Features, MissModel, StopRule, Unusual, checkpoints};
use crate::adaptive::strangers::KINDS;
use crate::adaptive::traces::{Early, Search, Trace};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::Kernels;
use crate::random::stream;

/// The k that calibration is made for; others lie between.
pub(crate) const KS: [usize; 4] = [1, 10, 30, 100];
/// Recalls of the curve.
pub(crate) const RECALLS: [f64; 13] = [
    0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998,
];

/// One of so many is asked for as many neighbours as there are [`KS`] for, the others for the first of
/// those: each of thirty or more neighbours tells about as much as three of ten.
const MANY_PART: usize = 2;
const FEW_KS: usize = 2;
/// Of them, searched to the very end, to see how deep the others must go.
const PILOTS: usize = 48;
/// Strangers that are asked, and how many of them before the others, some of every kind, to see
/// what to allow for.
const STRANGERS: u32 = 512;
const FIRST_STRANGERS: u32 = 2 * KINDS;
/// How much a stranger counts, in parts of a stored point.
const STRANGER_WEIGHT: f32 = 1.0;
/// Checkpoints of a query that the model is fitted on, on average.
const EXAMPLES_A_QUERY: f64 = 3.0;
/// Standard errors of an estimate that a search to the end allows for, of stored points and of the
/// first strangers; and of the others no fewer and no more than these, as they turn out to need.
const GENEROUS: f32 = 3.0;
const LEAST_GENEROUS: f32 = 2.0;
const MOST_GENEROUS: f32 = 8.0;
/// And the least that any search allows for.
const LEAST_KAPPA: f32 = 0.25;
/// Share of the neighbours of the first strangers that the others are given standard errors for, and
/// how many times as many.
const FIRST_SHARE: f64 = 0.998;
const FIRST_FACTOR: f32 = 1.5;
/// Share of the neighbours that may lie deeper than the sample is searched.
const TOO_DEEP: f64 = 5e-4;
/// Share of the misses that are left to wrong estimates; the others are neighbours in buckets that
/// were not scanned.
const ESTIMATE_SHARE: f64 = 0.25;
/// And no more than this, as a share of all neighbours: below a recall of .95 wide margins cost
/// little.
const MOST_ESTIMATE_MISSES: f64 = 0.006;
/// And how much of that where the query is a stranger: some kinds have it harder than others.
const UNUSUAL_PART: f64 = 0.5;
/// Share of the stored points whose neighbours are at a usual distance.
const USUAL: f64 = 0.97;
/// A query that needs so many times the usual number of buckets is treated as a stranger.
const ORDINARY: f64 = 4.0;
/// How much of what may be missed is not spent, and that at most.
const SAFETY: f64 = 0.05;
const MOST_SAFETY: f64 = 0.0025;
/// How many times as much for one neighbour, which is found or not, so that the sample says less; and
/// the recall down from which there is none.
const SINGLE_SAFETY: f64 = 3.0;
const LEAST_SINGLE_RECALL: f64 = 0.75;
/// Where in [`RECALLS`] the recall is that those points are searched with which are asked for one neighbour only,
/// and how many recalls they tell of.
const SINGLES_RECALL: usize = 9;
const MOST_SINGLES: usize = 8;

const EXAMPLE_STREAM: u64 = u64::MAX - 4;

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
    /// The largest margin for ordinary queries: coarse codes that need more are made finer.
    pub(crate) most_kappa: f32,
    /// One for each of [`RECALLS`].
    pub(crate) settings: Vec<Setting>,
}

impl Calibration {
    /// Whether estimates are so far off that the margins they need exceed all bounds.
    pub(crate) fn is_too_coarse(&self) -> bool {
        self.settings
            .iter()
            .zip(RECALLS)
            .any(|(setting, recall)| recall <= 0.95 && setting.kappa >= self.most_kappa)
    }
}

/// Buckets that are scanned for an ordinary query, at most.
pub(crate) fn ordinary_probes(usual_probes: f64, buckets: usize) -> usize {
    // Where that is more than there are, half of the way to all.
    (ORDINARY * usual_probes).min((usual_probes + buckets as f64) / 2.0) as usize
}

impl Model {
    /// Calibrate for each of [`KS`] that there are points enough for.
    pub(crate) fn calibrate(&self, seed: u64, control: &Control) -> Result<Vec<Calibration>> {
        let n = self.points.rows();
        let ks: Vec<usize> = KS.iter().copied().filter(|k| *k < n).collect();
        let [rows, singles] = split(&self.held_out, n);
        let sampled = rows.len();
        let pilots: Vec<u32> = rows
            .iter()
            .copied()
            .step_by(sampled.div_ceil(PILOTS))
            .collect();
        let asked = pilots.len() + sampled + STRANGERS as usize + singles.len();
        control.begin("calibrate", asked);
        let whole = self.centres.len();
        let mut search = Search {
            ks: &ks,
            usual: vec![1.0; ks.len()],
            depth: whole,
            kappa: GENEROUS,
            early: None,
        };
        let pilot_traces = self.stored_traces(&pilots, &search, control)?;
        search.usual = (0..ks.len())
            .map(|i| {
                let mut limits: Vec<f32> = pilot_traces.iter().map(|t| t.limits[i]).collect();
                limits.sort_unstable_by(f32::total_cmp);
                limits[limits.len() / 2].max(f32::MIN_POSITIVE)
            })
            .collect();
        let mut ranks: Vec<u32> = pilot_traces
            .iter()
            .flat_map(|t| {
                t.neighbours
                    .iter()
                    .flatten()
                    .map(|neighbour| neighbour.rank)
            })
            .collect();
        ranks.sort_unstable();
        let beyond = (ranks.len() as f64 * TOO_DEEP).ceil() as usize;
        let deepest = ranks[ranks.len() - beyond.clamp(1, ranks.len())] as usize;
        search.depth = (deepest + deepest / 4 + 8).min(whole);
        let part = |of_many: bool| -> Vec<u32> {
            let rows = rows.iter().enumerate();
            let part = rows.filter(|(i, _)| i.is_multiple_of(MANY_PART) == of_many);
            part.map(|(_, row)| *row).collect()
        };
        let (many, few) = (part(true), part(false));
        let mut traces = self.stored_traces(&many, &search, control)?;
        traces.extend(self.stored_traces(&few, &search.of_few(FEW_KS), control)?);

        let depth = std::mem::replace(&mut search.depth, whole);
        let numbers: Vec<u32> = (0..FIRST_STRANGERS).collect();
        let mut first = self.stranger_traces(seed, &numbers, &search, control)?;
        let mut needed = FIRST_FACTOR * error_within(&first, FIRST_SHARE);
        if needed > search.kappa {
            search.kappa = MOST_GENEROUS;
            first = self.stranger_traces(seed, &numbers, &search, control)?;
            needed = FIRST_FACTOR * error_within(&first, FIRST_SHARE);
        }
        search.kappa = needed.clamp(LEAST_GENEROUS, MOST_GENEROUS);
        traces.extend(first);
        let (few, many): (Vec<u32>, Vec<u32>) = (FIRST_STRANGERS..STRANGERS)
            .partition(|number| !(number / KINDS).is_multiple_of(MANY_PART as u32));
        traces.extend(self.stranger_traces(seed, &many, &search, control)?);
        traces.extend(self.stranger_traces(seed, &few, &search.of_few(FEW_KS), control)?);

        // Among many points no stored one is worth a search of all.
        if self.centres.heads().is_some() {
            search.depth = depth;
        }
        let calibration = |i: usize, prior: Option<&MissModel>| {
            let singles = if ks[i] == 1 { &singles[..] } else { &[] };
            self.calibration(i, &search, &traces, singles, seed, prior, control)
        };
        // One neighbour tells little: its model begins with that of more. The others are made meanwhile.
        let first = || -> Result<Vec<Calibration>> {
            if ks.len() < 2 {
                return Ok(vec![calibration(0, None)?]);
            }
            let more = calibration(1, None)?;
            Ok(vec![calibration(0, Some(&more.model))?, more])
        };
        let others = || -> Result<Vec<Calibration>> {
            let others = (2..ks.len()).into_par_iter();
            others.map(|i| calibration(i, None)).collect()
        };
        let (first, others) = rayon::join(first, others);
        let mut calibrations = first?;
        calibrations.extend(others?);
        Ok(calibrations)
    }

    /// The model, the curve and the margins of one k, the `i`-th.
    #[allow(clippy::too_many_arguments)]
    fn calibration(
        &self,
        i: usize,
        search: &Search<'_>,
        traces: &[Trace],
        singles: &[u32],
        seed: u64,
        prior: Option<&MissModel>,
        control: &Control,
    ) -> Result<Calibration> {
        let (k, usual) = (search.ks[i], search.usual[i]);
        let buckets = self.centres.len();
        let checkpoints = checkpoints(buckets);
        let mut random = stream(seed, EXAMPLE_STREAM);
        let mut examples = Vec::new();
        let missing = |trace: &Trace, m: u32| {
            let neighbours = &trace.neighbours[i];
            let found = neighbours.partition_point(|neighbour| neighbour.rank < m);
            (neighbours.len() - found) as f64 / neighbours.len().max(1) as f64
        };
        let traces = || traces.iter().filter(|trace| i < trace.features.len());
        let chance = (EXAMPLES_A_QUERY / checkpoints.len().max(1) as f64).min(1.0);
        for trace in traces() {
            for (features, m) in trace.features[i].iter().zip(checkpoints) {
                // Drawn for all, so that one that is left out moves no other.
                let drawn = random.random::<f64>() < chance;
                if let (true, Some(features)) = (drawn, features) {
                    examples.push(Example {
                        features: *features,
                        missing: missing(trace, *m) as f32,
                        weight: if trace.stranger { STRANGER_WEIGHT } else { 1.0 },
                    });
                }
            }
        }
        let stored: Vec<&Trace> = traces().filter(|trace| !trace.stranger).collect();
        let mut limits: Vec<f32> = stored.iter().map(|trace| trace.limits[i]).collect();
        limits.sort_unstable_by(f32::total_cmp);
        let at = (limits.len() as f64 * USUAL) as usize;
        let farther = limits[at.min(limits.len() - 1)] / usual;
        let mut rests: Vec<f32> = stored.iter().map(|trace| trace.rest_share(i)).collect();
        rests.sort_unstable_by(f32::total_cmp);
        let rest = rests[at.min(rests.len() - 1)];
        let mut near: Vec<f32> = stored
            .iter()
            .map(|trace| trace.far / trace.limits[i].max(f32::MIN_POSITIVE))
            .collect();
        near.sort_unstable_by(f32::total_cmp);
        let nearest = near[((1.0 - USUAL) * near.len() as f64) as usize];
        let unusual = Unusual {
            near: libm::logf(nearest + 0.01),
            distance: libm::logf(farther),
            rest: libm::logf(rest + 1e-3),
        };
        let model = MissModel::fit(&examples, unusual, prior);

        let mut ranks: Vec<u32> = stored
            .iter()
            .flat_map(|trace| trace.neighbours[i].iter().map(|neighbour| neighbour.rank))
            .collect();
        ranks.sort_unstable();
        let usual_probes = f64::from(ranks[(ranks.len() * 95 / 100).min(ranks.len() - 1)] + 1);
        let ordinary = Ordinary {
            probes: ordinary_probes(usual_probes, buckets),
            limit: usual * farther,
            rest,
        };
        let errors = |unusual: bool| {
            let mut errors: Vec<f32> = traces()
                .filter(|trace| {
                    if unusual {
                        !trace.is_ordinary(i, &ordinary)
                    } else {
                        !trace.stranger && trace.is_ordinary(i, &ordinary)
                    }
                })
                .flat_map(|trace| trace.neighbours[i].iter().map(|neighbour| neighbour.error))
                .collect();
            errors.sort_unstable_by(f32::total_cmp);
            errors
        };
        let (ordinary_errors, unusual_errors) = (errors(false), errors(true));

        let share = |features: &Option<Features>| {
            let Some(features) = features else {
                return f64::INFINITY;
            };
            let odds = model.log_odds(Kernels::get(), features);
            1.0 / (1.0 + libm::exp(-f64::from(odds)))
        };
        let watched = |trace: &Trace| {
            let shares = trace.features[i].iter().map(share).collect();
            let neighbours = &trace.neighbours[i];
            let ordinary = trace.is_ordinary(i, &ordinary);
            Watched::new(checkpoints, neighbours, ordinary, shares)
        };
        let all = stored.iter().map(|trace| watched(trace)).collect();
        let curve = Curve::new(checkpoints, all, usual_probes);
        // Among many points, some distances more cost less than the memory of finer codes.
        let most_kappa = match self.centres.heads() {
            Some(_) => MOST_GENEROUS,
            None => GENEROUS,
        };
        // Margins leave a part of the misses to wrong estimates, and stopping no more than the rest
        // to buckets that are not scanned.
        let setting = |asked: f64| {
            let recall = aim(k, asked);
            let within = 1.0 - ((1.0 - recall) * ESTIMATE_SHARE).min(MOST_ESTIMATE_MISSES);
            let kappa = quantile(&ordinary_errors, within, most_kappa);
            let unusual = 1.0 - UNUSUAL_PART * (1.0 - within);
            let stranger_kappa = quantile(&unusual_errors, unusual, MOST_GENEROUS).max(kappa);
            let stopping = curve.stopping(recall, [kappa, stranger_kappa]);
            Setting {
                share: stopping.share,
                start: stopping.start,
                kappa,
                stranger_kappa,
                probes: stopping.probes,
            }
        };
        let mut settings: Vec<Setting> =
            RECALLS.par_iter().map(|recall| setting(*recall)).collect();
        if !singles.is_empty() {
            let last = &settings[SINGLES_RECALL];
            let search = Search {
                kappa: last.stranger_kappa,
                early: Some(Early {
                    model: &model,
                    rule: StopRule::new(last.share, last.start, buckets),
                    expected: (1.5 * last.probes) as usize + 2,
                }),
                ..search.of_few(1)
            };
            let traces = self.stored_traces(singles, &search, control)?;
            let stopping = Stopping {
                share: last.share,
                start: last.start,
                probes: last.probes,
            };
            let unknown = curve.missed(&stopping, [search.kappa; 2]);
            let mut curve = curve;
            curve.add(
                traces
                    .iter()
                    .map(|trace| watched(trace).with_unknown(unknown))
                    .collect(),
            );
            let few = settings[..MOST_SINGLES].par_iter_mut().zip(RECALLS);
            few.for_each(|(setting, asked)| {
                let kappas = [setting.kappa, setting.stranger_kappa];
                let stopping = curve.share(aim(k, asked), kappas, setting.start);
                (setting.share, setting.probes) = (stopping.share, stopping.probes);
            });
        }
        // Who looks up later may stop at a larger share; between two recalls the larger of both
        // with the earlier start would find less than either.
        for i in 1..settings.len() {
            settings[i].share = settings[i].share.min(settings[i - 1].share);
            settings[i].start = settings[i].start.max(settings[i - 1].start);
            settings[i].probes = settings[i].probes.max(settings[i - 1].probes);
        }
        Ok(Calibration {
            k,
            model,
            usual,
            usual_probes,
            farther,
            rest,
            most_kappa,
            settings,
        })
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

/// The error that this share of all neighbours' does not exceed.
fn error_within(traces: &[Trace], share: f64) -> f32 {
    let neighbours = traces.iter().flat_map(|t| t.neighbours.iter().flatten());
    let mut errors: Vec<f32> = neighbours.map(|neighbour| neighbour.error).collect();
    errors.sort_unstable_by(f32::total_cmp);
    quantile(&errors, share, MOST_GENEROUS)
}

/// The error that this share of `errors`, ascending, does not exceed, in bounds.
fn quantile(errors: &[f32], share: f64, most: f32) -> f32 {
    let at = (errors.len() as f64 * share) as usize;
    let kappa = errors.get(at.min(errors.len().saturating_sub(1)));
    kappa.copied().unwrap_or(most).clamp(LEAST_KAPPA, most)
}

#[cfg(test)]
mod tests;
