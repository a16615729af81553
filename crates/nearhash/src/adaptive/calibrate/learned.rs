//! What the searches of calibration teach about one k: what is usual, and when to stop.

use rand::RngExt;

use crate::adaptive::curve::Watched;
use crate::adaptive::search::Ordinary;
use crate::adaptive::stopping::{Example, Features, MissModel, Unusual, checkpoints};
use crate::adaptive::traces::{Asked, Trace};
use crate::kernel::Kernels;
use crate::random::stream;

use super::ordinary_probes;
use super::survey::Survey;

/// How much a stranger counts, in parts of a stored point.
const STRANGER_WEIGHT: f32 = 1.0;
/// Checkpoints of a query that the model is fitted on, on average.
const EXAMPLES_A_QUERY: f64 = 3.0;
/// Share of the stored points whose neighbours are at a usual distance.
const USUAL: f64 = 0.97;

const EXAMPLE_STREAM: u64 = u64::MAX - 4;

/// What is known of the `i`-th k.
#[derive(Debug)]
pub(super) struct Learned {
    i: usize,
    buckets: usize,
    /// How many times the usual distance, squared, the k-th neighbour of an ordinary point can have.
    pub(super) farther: f32,
    /// Buckets in which a stored point has .95 of its neighbours.
    pub(super) usual_probes: f64,
    /// What an ordinary search keeps to.
    pub(super) ordinary: Ordinary,
    pub(super) model: MissModel,
}

impl Learned {
    /// From a survey of an index of so many `buckets`; the model begins with `prior`, where there is one.
    pub(super) fn new(
        survey: &Survey<'_>,
        i: usize,
        buckets: usize,
        seed: u64,
        prior: Option<&MissModel>,
    ) -> Self {
        let usual = survey.search.usual[i];
        let of_stored = |value: &dyn Fn(&Trace) -> f32| {
            let mut values: Vec<f32> = survey.points(i).map(value).collect();
            values.sort_unstable_by(f32::total_cmp);
            values
        };
        let limits = of_stored(&|trace| trace.limits[i]);
        let rests = of_stored(&|trace| trace.rest_share(i));
        let near = of_stored(&|trace| trace.far / trace.limits[i].max(f32::MIN_POSITIVE));
        let at = ((limits.len() as f64 * USUAL) as usize).min(limits.len() - 1);
        let (farther, rest) = (limits[at] / usual, rests[at]);
        let nearest = near[((1.0 - USUAL) * near.len() as f64) as usize];
        let unusual = Unusual {
            near: libm::logf(nearest + 0.01),
            distance: libm::logf(farther),
            rest: libm::logf(rest + 1e-3),
        };
        let model = MissModel::fit(&examples(survey, i, buckets, seed), unusual, prior);
        let neighbours = survey.points(i).flat_map(|trace| &trace.neighbours[i]);
        let mut ranks: Vec<u32> = neighbours.map(|neighbour| neighbour.rank).collect();
        ranks.sort_unstable();
        let usual_probes = f64::from(ranks[(ranks.len() * 95 / 100).min(ranks.len() - 1)] + 1);
        Self {
            i,
            buckets,
            farther,
            usual_probes,
            ordinary: Ordinary {
                probes: ordinary_probes(usual_probes, buckets),
                limit: usual * farther,
                rest,
            },
            model,
        }
    }

    /// What the model would have said of a search while it went on.
    pub(super) fn watched(&self, trace: &Trace) -> Watched {
        let share = |features: &Option<Features>| {
            let Some(features) = features else {
                return f64::INFINITY;
            };
            let odds = self.model.log_odds(Kernels::get(), features);
            1.0 / (1.0 + libm::exp(-f64::from(odds)))
        };
        let shares = trace.features[self.i].iter().map(share).collect();
        let neighbours = &trace.neighbours[self.i];
        let ordinary = trace.is_ordinary(self.i, &self.ordinary);
        Watched::new(checkpoints(self.buckets), neighbours, ordinary, shares)
    }
}

/// Some moments of the searches for the `i`-th k, with what was still to come.
fn examples(survey: &Survey<'_>, i: usize, buckets: usize, seed: u64) -> Vec<Example> {
    let checkpoints = checkpoints(buckets);
    let mut random = stream(seed, EXAMPLE_STREAM);
    let mut examples = Vec::new();
    let missing = |trace: &Trace, m: u32| {
        let neighbours = &trace.neighbours[i];
        let found = neighbours.partition_point(|neighbour| neighbour.rank < m);
        (neighbours.len() - found) as f64 / neighbours.len().max(1) as f64
    };
    let chance = (EXAMPLES_A_QUERY / checkpoints.len().max(1) as f64).min(1.0);
    for trace in survey.traces(i) {
        for (features, m) in trace.features[i].iter().zip(checkpoints) {
            // Drawn for all, so that one that is left out moves no other.
            let drawn = random.random::<f64>() < chance;
            if let (true, Some(features)) = (drawn, features) {
                examples.push(Example {
                    features: *features,
                    missing: missing(trace, *m) as f32,
                    weight: if trace.asked == Asked::Stranger {
                        STRANGER_WEIGHT
                    } else {
                        1.0
                    },
                });
            }
        }
    }
    examples
}
