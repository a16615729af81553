//! When to stop: how many of the k nearest are still to come, judged from what was seen.
//!
//! Buckets are scanned nearest first. At a few checkpoints a logistic model turns what the query has
//! met so far into the expected share of its neighbours that lie in buckets not yet scanned; the
//! search stops when that is small enough. The model is fitted on the index's own points, asked as
//! queries, and on strangers made of them (see `calibrate`). Learned early termination is due to Li
//! et al., "Improving Approximate Nearest Neighbor Search through Learned Adaptive Early
//! Termination", SIGMOD 2020; theirs is a tree ensemble for one set of queries, this one a
//! closed form over ratios that mean the same for queries unlike the data.

use nalgebra::{DMatrix, DVector};

use crate::kernel::Kernels;

/// Estimates that are watched at least: the growth of their distances says how dense it is there.
pub(crate) const WATCHED: usize = 16;

/// Measures of a moment in a search.
const MEASURES: usize = 12;
/// Where the logarithm of the query's rest is among the features.
const REST_FEATURE: usize = 11;
/// Pairs of measures whose products count, too.
const PRODUCTS: [(usize, usize); 6] = [(1, 3), (1, 4), (0, 4), (3, 4), (1, 8), (0, 1)];
/// One, the measures, their squares, the products.
pub(crate) const FEATURES: usize = 1 + 2 * MEASURES + PRODUCTS.len();
/// Where the logarithm of the query's distance from the mean stands, behind them: only how sure to be
/// hangs on it. In crowds of points it would tell a model too well when stored ones have been found.
const FAR_FEATURE: usize = FEATURES;
/// Room for the features, in whole lanes.
const PADDED: usize = 32;

/// Numbers that a model is applied to.
pub(crate) type Features = [f32; PADDED];

/// Buckets scanned when the search looks up, about √2 apart.
const CHECKPOINTS: [u32; 34] = [
    1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448, 2048,
    2896, 4096, 5793, 8192, 11585, 16384, 23170, 32768, 46341, 65536, 92682, 131072,
];

/// The checkpoints below `buckets`.
pub(crate) fn checkpoints(buckets: usize) -> &'static [u32] {
    &CHECKPOINTS[..CHECKPOINTS.partition_point(|m| (*m as usize) < buckets)]
}

/// What a search has seen at a checkpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a> {
    /// Squared distances of all buckets' centres.
    pub(crate) scores: &'a [f32],
    /// What is added to each of them: the query's squared rest.
    pub(crate) rest: f32,
    /// The query's squared distance from the mean of all points.
    pub(crate) far: f32,
    /// The nearest centre's, and that of the first bucket not scanned.
    pub(crate) first: f32,
    pub(crate) next: f32,
    /// Buckets scanned, and in all.
    pub(crate) scanned: u32,
    pub(crate) buckets: u32,
    /// The smallest estimates, ascending, max(k, [`WATCHED`]) or more; infinite where there are
    /// none yet. And the ranks of their buckets.
    pub(crate) nearest: &'a [f32],
    pub(crate) ranks: &'a [f32],
    pub(crate) k: usize,
    /// The usual distance of a k-th neighbour, squared.
    pub(crate) usual: f32,
}

/// Natural logarithm to three digits or so, the same on every CPU; of what is positive and normal.
#[inline(always)]
fn ln(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let exponent = (bits >> 23) as f32 - 127.0;
    let m = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    // log2 of 1 to 2 by a polynomial that is exact at both ends.
    let t = m - 1.0;
    let log2 = t * (1.441_5 + t * (-0.708_9 + t * (0.410_6 - t * 0.143_2)));
    (exponent + log2) * std::f32::consts::LN_2
}

impl Sight<'_> {
    /// The numbers that models look at; none before there are estimates enough.
    pub(crate) fn features(&self, kernels: &Kernels) -> Option<Features> {
        let watched = self.k.max(WATCHED);
        if self
            .nearest
            .get(watched - 1)
            .is_none_or(|last| !last.is_finite())
        {
            return None;
        }
        let scanned = self.scanned as f32;
        let third = (watched / 3).max(1);
        let at = |i: usize| self.nearest[i - 1];
        let least = self.usual * 1e-6 + f32::MIN_POSITIVE;
        let limit = at(if self.k >= 10 { self.k } else { third }).max(least);
        let high = at(watched).max(least);
        let width = (high - at(third)).max(1e-3 * high);
        let first = (self.first + self.rest).max(least);
        let next = (self.next + self.rest).max(least);
        // Buckets about as near as the next one, by three measures of nearness.
        let nearness = [1.2 * next, 1.6 * next, next + 2.0 * width];
        let within = kernels
            .count_within_three(self.scores, &nearness.map(|distance| distance - self.rest))
            .map(|count| count as f32 / scanned + 0.01);
        let ranks = &self.ranks[..self.k.max(10)];
        let known = ranks.len() as f32;
        kernels.compiled(
            #[inline(always)]
            || {
                // Whole numbers below 2²⁴, in any order.
                let (mut recent, mut sums) = ([0_u32; 8], [0.0_f32; 8]);
                for ranks in ranks.chunks(8) {
                    for (i, rank) in ranks.iter().enumerate() {
                        recent[i] += u32::from(2.0 * rank >= scanned);
                        sums[i] += rank;
                    }
                }
                let (recent, sum): (u32, f32) = (recent.iter().sum(), sums.iter().sum());
                let inverse = 1.0 / limit;
                // All logarithms at once.
                let mut measures: [f32; 16] = [
                    limit / self.usual,
                    next * inverse,
                    first * inverse,
                    width * inverse,
                    scanned / self.buckets as f32,
                    1.0,
                    1.0,
                    within[0],
                    within[1],
                    within[2],
                    self.rest * inverse + 1e-3,
                    at(self.k).max(0.0) * inverse + 0.01,
                    self.far * inverse + 0.01,
                    1.0,
                    1.0,
                    1.0,
                ];
                for x in &mut measures {
                    *x = ln(*x);
                }
                measures[5] = recent as f32 / known;
                measures[6] = sum / (known * scanned);
                let mut features = [0.0; PADDED];
                features[0] = 1.0;
                for i in 0..MEASURES {
                    features[1 + i] = measures[i];
                    features[1 + MEASURES + i] = measures[i] * measures[i];
                }
                for (i, (a, b)) in PRODUCTS.iter().enumerate() {
                    features[1 + 2 * MEASURES + i] = measures[*a] * measures[*b];
                }
                features[FAR_FEATURE] = measures[MEASURES];
                Some(features)
            },
        )
    }
}

/// Where strangers begin, as logarithms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Unusual {
    /// How far neighbours are, in parts of the usual distance, squared.
    pub(crate) distance: f32,
    /// The query's squared rest, in parts of the distance of its neighbours.
    pub(crate) rest: f32,
    /// The query's squared distance from the mean, in the same parts.
    pub(crate) near: f32,
}

/// From features to the logarithm of the odds that a neighbour is still to come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MissModel {
    mean: Features,
    /// 1 / standard deviation; 0 where there is none.
    inverse: Features,
    coefficients: Features,
    unusual: Unusual,
}

/// A stranger must be surer, up to a bound: by this power of how much farther than usual its neighbours
/// are, how much larger its rest, or how much nearer the mean it is, where many points are about as far.
/// The model has seen few of its kind, and it has more to lose.
const STRICTNESS: f32 = 2.0;
const MOST_STRICTNESS: f32 = 5.0;
/// Logarithm of how much farther than usual its neighbours must be for a query that the model can
/// say nothing of; it is searched to the end.
const BEYOND: f32 = 3.0;

/// Features farther than this from their mean, in standard deviations, count as this far.
const REACH: f32 = 4.0;
/// Ridge penalty, a row.
const RIDGE: f64 = 1e-3;
/// And of how far it is from a prior.
const PRIOR_RIDGE: f64 = 1e-2;
/// Rounds of reweighted least squares, at most, and the largest step that ends them.
const ROUNDS: usize = 8;
const SETTLED: f64 = 1e-5;

/// Products of features with features.
type Square = [[f64; PADDED]; PADDED];

/// A checkpoint of a search whose end is known.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) features: Features,
    /// Share of the neighbours that came later.
    pub(crate) missing: f32,
    pub(crate) weight: f32,
}

impl MissModel {
    /// Fit by logistic regression; towards `prior`, where there is one.
    pub(crate) fn fit(examples: &[Example], unusual: Unusual, prior: Option<&Self>) -> Self {
        let count = examples.len().max(1) as f64;
        let mut model = prior.map_or_else(|| Self::flat(examples), Self::clone);
        model.unusual = unusual;
        let (centre, penalty) = match prior {
            Some(prior) => (prior.coefficients, PRIOR_RIDGE),
            None => ([0.0; PADDED], RIDGE),
        };
        let kernels = Kernels::get();
        let standard: Vec<Features> = examples
            .iter()
            .map(|x| model.standardised(&x.features))
            .collect();
        for _ in 0..ROUNDS {
            let (mut square, mut right) = kernels.compiled(
                #[inline(always)]
                || model.sums(&standard, examples),
            );
            for i in 0..FEATURES {
                let ridge = count * if i == 0 { 1e-6 } else { penalty };
                square[i][i] += ridge;
                right[i] -= ridge * f64::from(model.coefficients[i] - centre[i]);
            }
            let square = DMatrix::from_fn(FEATURES, FEATURES, |i, j| square[i.max(j)][i.min(j)]);
            let Some(factor) = square.cholesky() else {
                break;
            };
            let step = factor.solve(&DVector::from_row_slice(&right[..FEATURES]));
            for (x, step) in model.coefficients.iter_mut().zip(step.iter()) {
                *x += *step as f32;
            }
            if step.amax() < SETTLED {
                break;
            }
        }
        model
    }

    /// What a round of reweighted least squares solves: the lower half of its matrix, in whole
    /// blocks, and its right side.
    #[inline(always)]
    fn sums(&self, standard: &[Features], examples: &[Example]) -> (Square, [f64; PADDED]) {
        /// Columns that are summed together.
        const BLOCK: usize = 8;
        let mut square: Square = [[0.0; PADDED]; PADDED];
        let mut right = [0.0; PADDED];
        for (x, example) in standard.iter().zip(examples) {
            let odds = self.dot(x).clamp(-12.0, 12.0);
            let p = 1.0 / (1.0 + libm::exp(-f64::from(odds)));
            let weight = f64::from(example.weight);
            let bend = weight * (p * (1.0 - p)).max(1e-3);
            let pull = weight * (f64::from(example.missing) - p);
            let x = x.map(f64::from);
            for (right, x) in right.iter_mut().zip(x) {
                *right += pull * x;
            }
            for (i, row) in square.iter_mut().enumerate() {
                let by = bend * x[i];
                let blocks = row.as_chunks_mut::<BLOCK>().0.iter_mut();
                let blocks = blocks.zip(x.as_chunks::<BLOCK>().0);
                for (sums, x) in blocks.take(i / BLOCK + 1) {
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum += by * x;
                    }
                }
            }
        }
        (square, right)
    }

    /// A model that says the same of everything, scaled for the features of `examples`.
    fn flat(examples: &[Example]) -> Self {
        let count = examples.len().max(1) as f64;
        let (mut mean, mut inverse) = ([0.0; PADDED], [0.0; PADDED]);
        for i in 1..FEATURES {
            let sum: f64 = examples.iter().map(|x| f64::from(x.features[i])).sum();
            let average = sum / count;
            let spread: f64 = examples
                .iter()
                .map(|x| (f64::from(x.features[i]) - average).powi(2))
                .sum();
            let deviation = (spread / count).sqrt();
            mean[i] = average as f32;
            inverse[i] = if deviation > 1e-4 {
                (1.0 / deviation) as f32
            } else {
                0.0
            };
        }
        inverse[0] = 1.0;
        let mut coefficients = [0.0; PADDED];
        coefficients[0] = -1.0;
        Self {
            mean,
            inverse,
            coefficients,
            unusual: Unusual::default(),
        }
    }

    #[inline(always)]
    fn standardised(&self, features: &Features) -> Features {
        let mut out = [0.0; PADDED];
        for i in 0..PADDED {
            let x = (features[i] - self.mean[i]) * self.inverse[i];
            let x = if x < REACH { x } else { REACH };
            out[i] = if x > -REACH { x } else { -REACH };
        }
        out
    }

    #[inline(always)]
    fn dot(&self, standardised: &Features) -> f32 {
        // Sixteen sums, added by halves, so that the compiler can use vectors.
        let mut sums = [0.0_f32; 16];
        for i in 0..16 {
            sums[i] = standardised[i] * self.coefficients[i]
                + standardised[16 + i] * self.coefficients[16 + i];
        }
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                sums[i] += sums[half + i];
            }
        }
        sums[0]
    }

    /// Logarithm of the odds that a neighbour is still to come.
    pub(crate) fn log_odds(&self, kernels: &Kernels, features: &Features) -> f32 {
        kernels.compiled(
            #[inline(always)]
            || self.log_odds_inline(features),
        )
    }

    #[inline(always)]
    fn log_odds_inline(&self, features: &Features) -> f32 {
        let far = features[1] - self.unusual.distance;
        if far > BEYOND {
            return f32::INFINITY;
        }
        let apart = features[REST_FEATURE] - self.unusual.rest;
        let near = self.unusual.near - features[FAR_FEATURE];
        let strictness = STRICTNESS * far.max(apart).max(near);
        let strictness = strictness.clamp(0.0, MOST_STRICTNESS);
        self.dot(&self.standardised(features)) + strictness
    }
}

/// How far a search goes for one k and recall.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct StopRule {
    /// For each checkpoint, the largest log-odds at which the search may stop there.
    pub(crate) limits: Vec<f32>,
}

impl StopRule {
    /// Stop when the expected share of missing neighbours is at most `share`; no sooner than at
    /// checkpoint `start`.
    pub(crate) fn new(share: f64, start: usize, buckets: usize) -> Self {
        let limits = (0..checkpoints(buckets).len())
            .map(|i| {
                if i < start {
                    return f32::NEG_INFINITY;
                }
                let share = share.clamp(1e-9, 1.0 - 1e-9);
                libm::log(share / (1.0 - share)) as f32
            })
            .collect();
        Self { limits }
    }
}

#[cfg(test)]
mod tests;
