//! From an asked recall to when a search stops, measured on the index itself.
//!
//! A sample of the stored points is asked as queries, each left out of its own answers, and
//! strangers made of them: queries such as the data does not have. Every one is searched to the
//! end, with a look at each checkpoint, so that it is known what stopping there would have missed.
//! No query of the user's is needed or looked at.

use rand::RngExt;
use rayon::prelude::*;

use crate::adaptive::model::Model;
use crate::adaptive::search::{Effort, Scratch};
use crate::adaptive::stopping::{Example, Features, MissModel, Sight, WATCHED, checkpoints};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Kernels, padded_width};
use crate::random::stream;

/// The k that calibration is made for; others lie between.
pub(crate) const KS: [usize; 3] = [1, 10, 100];
/// Recalls of the curve.
pub(crate) const RECALLS: [f64; 13] = [
    0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998,
];

/// Stored points that are asked.
const STORED: usize = 1024;
/// Of them, searched to the very end, to see how deep the others must go.
const PILOTS: usize = 48;
/// Strangers that are asked.
const STRANGERS: usize = 360;
/// How much a stranger counts, in parts of a stored point.
const STRANGER_WEIGHT: f32 = 0.7;
/// Checkpoints of a query that the model is fitted on, on average.
const EXAMPLES_A_QUERY: f64 = 4.0;
/// Standard errors of an estimate that a search to the end allows for.
const GENEROUS: f32 = 3.0;
/// And the least that any search allows for.
const LEAST_KAPPA: f32 = 0.25;
/// Share of the neighbours that may lie deeper than the sample is searched.
const TOO_DEEP: f64 = 5e-4;
/// Share of the misses that are left to wrong estimates; the others are neighbours in buckets that
/// were not scanned.
const ESTIMATE_SHARE: f64 = 0.25;
/// Share of the stored points whose neighbours are at a usual distance.
const USUAL: f64 = 0.97;
/// And no more than this, as a share of all neighbours: below a recall of .95 wide margins cost
/// little.
const MOST_ESTIMATE_MISSES: f64 = 0.0125;
/// Stored points that would stop before a search first looks up, at most, as a share.
const EARLY: f64 = 0.2;

const SAMPLE_STREAM: u64 = u64::MAX - 2;
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
    /// One for each of [`RECALLS`].
    pub(crate) settings: Vec<Setting>,
}

impl Calibration {
    /// Whether estimates are so far off that the margins they need exceed all bounds.
    pub(crate) fn is_too_coarse(&self) -> bool {
        self.settings
            .iter()
            .zip(RECALLS)
            .any(|(setting, recall)| recall <= 0.95 && setting.kappa >= GENEROUS)
    }
}

/// A true neighbour of a query of the sample.
#[derive(Debug, Clone, Copy)]
struct Neighbour {
    /// Of its bucket.
    rank: u32,
    /// Standard errors by which its estimate was too large.
    error: f32,
}

/// A query of the sample, searched to the end.
struct Trace {
    stranger: bool,
    /// For each k and checkpoint, the features, where there were any.
    features: Vec<Vec<Option<Features>>>,
    /// For each k, the true neighbours, by the rank of their buckets.
    neighbours: Vec<Vec<Neighbour>>,
    /// For each k, the squared distance (scaled) of the last neighbour.
    limits: Vec<f32>,
}

impl Model {
    /// Calibrate for each of [`KS`] that there are points enough for.
    pub(crate) fn calibrate(&self, seed: u64, control: &Control) -> Result<Vec<Calibration>> {
        let n = self.points.rows();
        let ks: Vec<usize> = KS.iter().copied().filter(|k| *k < n).collect();
        let sampled = STORED.min(n);
        let mut random = stream(seed, SAMPLE_STREAM);
        // One from each of as many equal parts: all different, and spread over all buckets.
        let rows: Vec<u32> = (0..sampled)
            .map(|i| {
                let (low, high) = (i * n / sampled, (i + 1) * n / sampled);
                random.random_range(low as u64..high as u64) as u32
            })
            .collect();
        let pilots: Vec<u32> = rows
            .iter()
            .copied()
            .step_by(sampled.div_ceil(PILOTS))
            .collect();
        control.begin("calibrate", pilots.len() + sampled + STRANGERS);
        let usual = vec![1.0; ks.len()];
        let whole = self.centres.len();
        let pilot_traces = self.traces(&pilots, None, whole, &ks, &usual, control)?;
        let usual: Vec<f32> = (0..ks.len())
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
        let depth = (deepest + deepest / 4 + 8).min(whole);
        let mut traces = self.traces(&rows, None, depth, &ks, &usual, control)?;
        let strangers: Vec<u32> = (0..STRANGERS as u32).collect();
        traces.extend(self.traces(&strangers, Some(seed), whole, &ks, &usual, control)?);

        ks.par_iter()
            .enumerate()
            .map(|(i, k)| Ok(self.calibration(*k, i, usual[i], &traces, seed)))
            .collect()
    }

    /// Search the sample to the end: rows of the index, or strangers, by number.
    fn traces(
        &self,
        sample: &[u32],
        strangers: Option<u64>,
        depth: usize,
        ks: &[usize],
        usual: &[f32],
        control: &Control,
    ) -> Result<Vec<Trace>> {
        let traces: Vec<Option<Trace>> = sample
            .par_iter()
            .map_init(
                || (Scratch::default(), self.codes.live.clone()),
                |(scratch, live), number| {
                    control.check()?;
                    let own = match strangers {
                        None => {
                            self.copy_prepared(*number, &mut scratch.query);
                            Some(*number)
                        }
                        Some(seed) => {
                            self.make_stranger(seed, *number, &mut scratch.query);
                            None
                        }
                    };
                    let trace = self.trace(own, depth, ks, usual, (scratch, live));
                    control.advance(1);
                    Ok(trace)
                },
            )
            // A stranger that is too far out is no example: searches of such compare all points.
            .filter_map(Result::transpose)
            .collect()
    }

    /// Row `row` as a query, padded, a unit vector under cosine.
    pub(crate) fn copy_prepared(&self, row: u32, out: &mut Vec<f32>) {
        out.clear();
        out.resize(padded_width(self.points.dim()), 0.0);
        self.points.view().copy_row(row as usize, out);
        if let Some(norms) = &self.inverse_norms {
            out.iter_mut().for_each(|x| *x *= norms[row as usize]);
        }
    }

    /// Search for `scratch.query`, which is row `own` of the index or none of it. None when it is
    /// too far out to be estimated.
    fn trace(
        &self,
        own: Option<u32>,
        depth: usize,
        ks: &[usize],
        usual: &[f32],
        (scratch, live): (&mut Scratch, &mut [u16]),
    ) -> Option<Trace> {
        let kernels = Kernels::get();
        let most = ks.last().copied().unwrap_or(1);
        if !self.prepare(kernels, scratch) {
            return None;
        }
        let mut features = vec![Vec::new(); ks.len()];
        // A point is no neighbour of its own.
        let bit = own.map(|row| self.codes.place(row));
        if let Some((word, bit)) = bit {
            live[word] &= !bit;
        }
        let effort = Effort {
            k: most,
            most: depth,
            expected: depth,
            first_checkpoint: 0,
            kappa: GENEROUS,
            stranger_kappa: GENEROUS,
            ordinary: 0,
            usual: 1.0,
        };
        self.scan(kernels, &effort, live, scratch, |_, sight| {
            for ((out, k), usual) in features.iter_mut().zip(ks).zip(usual) {
                let watched = (*k).max(WATCHED).min(sight.nearest.len());
                let sight = Sight {
                    k: *k,
                    usual: *usual,
                    nearest: &sight.nearest[..watched],
                    ranks: &sight.ranks[..watched],
                    ..*sight
                };
                out.push(sight.features(kernels));
            }
            false
        });
        if let Some((word, bit)) = bit {
            live[word] |= bit;
        }
        Some(self.judge(own.is_none(), ks, features, kernels, scratch))
    }

    /// What a search to the end found, with the truth.
    fn judge(
        &self,
        stranger: bool,
        ks: &[usize],
        features: Vec<Vec<Option<Features>>>,
        kernels: &Kernels,
        scratch: &mut Scratch,
    ) -> Trace {
        let most = ks.last().copied().unwrap_or(1);
        let candidates = &mut scratch.shortlist.candidates;
        candidates
            .sort_unstable_by(|a, b| a.estimate.total_cmp(&b.estimate).then(a.row.cmp(&b.row)));
        let unit = self.projection.scale() * self.projection.scale();
        let exact = |rows: &[u32], out: &mut [f32]| {
            let norms = self.inverse_norms.as_deref();
            let (rows_of, dim) = (self.points.padded(), self.points.dim());
            kernels.gather(&scratch.query, rows_of, dim, rows, norms, out);
        };
        // The likeliest first: most of the others cannot be nearer than all of those.
        let likely = most.min(candidates.len());
        let mut rows: Vec<u32> = candidates[..likely].iter().map(|c| c.row).collect();
        let mut squared = vec![0.0; likely];
        exact(&rows, &mut squared);
        let farthest = squared.iter().fold(0.0_f32, |a, b| a.max(*b)) * unit;
        let root = farthest.sqrt();
        let mut kept = 0;
        candidates.retain(|c| {
            kept += 1;
            kept <= likely || c.estimate - c.fixed - c.slope * root <= farthest
        });
        rows.extend(candidates[likely..].iter().map(|c| c.row));
        squared.resize(rows.len(), 0.0);
        exact(&rows[likely..], &mut squared[likely..]);
        let candidates = &scratch.shortlist.candidates;
        let nearest = scratch.shortlist.nearest();
        let mut found: Vec<usize> = (0..rows.len()).collect();
        let order = |a: &usize, b: &usize| {
            squared[*a]
                .total_cmp(&squared[*b])
                .then(self.ids[rows[*a] as usize].cmp(&self.ids[rows[*b] as usize]))
        };
        if found.len() > most {
            found.select_nth_unstable_by(most - 1, order);
            found.truncate(most);
        }
        found.sort_unstable_by(order);
        let mut rank_of = vec![u32::MAX; self.centres.len()];
        for (rank, entry) in scratch.order.iter().enumerate() {
            rank_of[*entry as u32 as usize] = rank as u32;
        }
        let mut trace = Trace {
            stranger,
            features,
            neighbours: Vec::new(),
            limits: Vec::new(),
        };
        for k in ks {
            let found = &found[..(*k).min(found.len())];
            // What a candidate must not exceed: the k-th estimate, and then the largest distance of
            // the k likeliest.
            let likely = &squared[..(*k).min(squared.len())];
            let farthest = likely.iter().map(|squared| squared * unit);
            let limit = nearest
                .get(k - 1)
                .copied()
                .unwrap_or(f32::INFINITY)
                .min(farthest.fold(0.0, f32::max));
            let root = limit.max(0.0).sqrt();
            let mut neighbours: Vec<Neighbour> = found
                .iter()
                .map(|i| {
                    let c = &candidates[*i];
                    let unit = (c.fixed + c.slope * root) / GENEROUS;
                    Neighbour {
                        rank: rank_of[self.codes.bucket_of(c.row)],
                        error: if limit.is_finite() && unit > 0.0 {
                            ((c.estimate - limit) / unit).max(0.0)
                        } else {
                            0.0
                        },
                    }
                })
                .collect();
            neighbours.sort_unstable_by_key(|neighbour| neighbour.rank);
            trace.neighbours.push(neighbours);
            let last = found.last().map_or(0.0, |i| squared[*i] * unit);
            trace.limits.push(last);
        }
        trace
    }

    /// The model, the curve and the margins of one k, the `i`-th.
    fn calibration(
        &self,
        k: usize,
        i: usize,
        usual: f32,
        traces: &[Trace],
        seed: u64,
    ) -> Calibration {
        let buckets = self.centres.len();
        let checkpoints = checkpoints(buckets);
        let mut random = stream(seed, EXAMPLE_STREAM);
        let mut examples = Vec::new();
        let missing = |trace: &Trace, m: u32| {
            let neighbours = &trace.neighbours[i];
            let found = neighbours.partition_point(|neighbour| neighbour.rank < m);
            (neighbours.len() - found) as f64 / neighbours.len().max(1) as f64
        };
        let chance = (EXAMPLES_A_QUERY / checkpoints.len().max(1) as f64).min(1.0);
        for trace in traces {
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
        let stored: Vec<&Trace> = traces.iter().filter(|trace| !trace.stranger).collect();
        let mut limits: Vec<f32> = stored.iter().map(|trace| trace.limits[i]).collect();
        limits.sort_unstable_by(f32::total_cmp);
        let at = (limits.len() as f64 * USUAL) as usize;
        let unusual = libm::logf(limits[at.min(limits.len() - 1)] / usual);
        let model = MissModel::fit(&examples, unusual);

        let mut ranks: Vec<u32> = stored
            .iter()
            .flat_map(|trace| trace.neighbours[i].iter().map(|neighbour| neighbour.rank))
            .collect();
        ranks.sort_unstable();
        let usual_probes = f64::from(ranks[(ranks.len() * 95 / 100).min(ranks.len() - 1)] + 1);
        let errors = |stranger: bool| {
            let mut errors: Vec<f32> = traces
                .iter()
                .filter(|trace| trace.stranger == stranger)
                .flat_map(|trace| trace.neighbours[i].iter().map(|neighbour| neighbour.error))
                .collect();
            errors.sort_unstable_by(f32::total_cmp);
            errors
        };
        let (stored_errors, stranger_errors) = (errors(false), errors(true));

        // Where each stored point would stop, for every share: at the first checkpoint that asks for
        // no less. As the share falls, each of these is left for the next one.
        struct Stop {
            share: f64,
            checkpoint: usize,
        }
        let stops: Vec<Vec<Stop>> = stored
            .iter()
            .map(|trace| {
                let mut stops: Vec<Stop> = Vec::new();
                for (checkpoint, features) in trace.features[i].iter().enumerate() {
                    let Some(features) = features else { continue };
                    let odds = libm::exp(f64::from(model.log_odds(Kernels::get(), features)));
                    let share = 1.0 / (1.0 + 1.0 / odds);
                    if stops.last().is_none_or(|last| share < last.share) {
                        stops.push(Stop { share, checkpoint });
                    }
                }
                stops
            })
            .collect();
        let count = stops.len().max(1) as f64;
        // How a recall is reached: margins that leave a part of the misses to wrong estimates, and
        // the largest share that leaves no more than the rest to buckets that are not scanned.
        let setting = |recall: f64| {
            let within = 1.0 - ((1.0 - recall) * ESTIMATE_SHARE).min(MOST_ESTIMATE_MISSES);
            let kappa = quantile(&stored_errors, within);
            let missed = |trace: &Trace, m: u32| {
                let neighbours = &trace.neighbours[i];
                let found = neighbours.partition_point(|neighbour| neighbour.rank < m);
                let found = neighbours[..found].iter();
                let found = found.filter(|neighbour| neighbour.error <= kappa).count();
                (neighbours.len() - found) as f64 / neighbours.len().max(1) as f64
            };
            let mut changes: Vec<(f64, f64, f64)> = Vec::new();
            let (mut missing, mut probed) = (0.0, 0.0);
            for (trace, stops) in stored.iter().zip(&stops) {
                let end = (missed(trace, u32::MAX), usual_probes * 8.0);
                let at = |j: usize| {
                    stops.get(j).map_or(end, |stop| {
                        let m = checkpoints[stop.checkpoint];
                        (missed(trace, m), f64::from(m))
                    })
                };
                let mut before = at(0);
                missing += before.0;
                probed += before.1;
                for (j, stop) in stops.iter().enumerate() {
                    let after = at(j + 1);
                    changes.push((stop.share, after.0 - before.0, after.1 - before.1));
                    before = after;
                }
            }
            changes.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            let mut share = 1.0;
            for (below, missing_change, probed_change) in changes {
                if missing <= (1.0 - recall) * count {
                    break;
                }
                share = below * (1.0 - 1e-9);
                missing += missing_change;
                probed += probed_change;
            }
            let mut starts: Vec<usize> = stops
                .iter()
                .map(|stops| {
                    let stop = stops.iter().find(|stop| stop.share <= share);
                    stop.map_or(checkpoints.len(), |stop| stop.checkpoint)
                })
                .collect();
            starts.sort_unstable();
            let start = starts.get((starts.len() as f64 * EARLY) as usize);
            Setting {
                share,
                start: start.copied().unwrap_or(0),
                kappa,
                stranger_kappa: quantile(&stranger_errors, within).max(kappa),
                probes: probed / count,
            }
        };
        let settings = RECALLS.par_iter().map(|recall| setting(*recall)).collect();
        Calibration {
            k,
            model,
            usual,
            usual_probes,
            settings,
        }
    }
}

/// The error that this share of `errors`, ascending, does not exceed, in bounds.
fn quantile(errors: &[f32], share: f64) -> f32 {
    let at = (errors.len() as f64 * share) as usize;
    let kappa = errors.get(at.min(errors.len().saturating_sub(1)));
    kappa
        .copied()
        .unwrap_or(GENEROUS)
        .clamp(LEAST_KAPPA, GENEROUS)
}

#[cfg(test)]
mod tests;
