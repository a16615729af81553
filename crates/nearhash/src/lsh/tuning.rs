//! Options that were left out, chosen from the data by the closed forms of the papers.
//!
//! A sample of the points tells how far the tenth neighbour is and how far any two points are. For
//! each k and L the collision probabilities then give the chance to meet a neighbour and the number
//! of other points met, hence the time of a query, up to a constant. The cheapest pair that meets
//! neighbours often enough is taken (in the manner of Slaney, Lifshits & He 2012).

use super::family::Family;
use super::l2::L2;
use super::random;
use super::srp::Srp;
use super::{FamilyKind, LshOptions, MAX_PROJECTIONS};
use crate::control::Control;
use crate::error::Result;
use crate::exact;
use crate::metric::{Metric, Prepared};
use crate::points::{Points, RowData, RowsView};
use crate::stats::meeting_probability;

/// Points that stand for all others.
const SAMPLE: usize = 64;
/// Points that they are compared with.
const COMPARED: usize = 1 << 16;
/// The neighbour that should be met.
const NEIGHBOUR: usize = 10;
/// How often it should be, in base probing.
const SUCCESS: f64 = 0.9;
/// Most tables that are chosen by themselves.
const MAX_TABLES: usize = 64;
/// r in units of the neighbours' distance.
const WIDTHS: f32 = 4.0;

/// Everything that a family needs to be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parameters {
    pub(crate) projections: usize,
    pub(crate) tables: usize,
    /// Of L2 only.
    pub(crate) r: Option<f32>,
}

impl Parameters {
    /// What the options say by themselves, if they say everything.
    pub(crate) fn given(options: &LshOptions) -> Option<Self> {
        let r = match options.family {
            FamilyKind::Srp => None,
            FamilyKind::L2 { r } => Some(r?),
        };
        Some(Self {
            projections: options.n_projections?,
            tables: options.n_hash_tables?,
            r,
        })
    }

    /// What the options say, and for the rest what suits the points.
    pub(crate) fn choose(options: &LshOptions, points: &Points, control: &Control) -> Result<Self> {
        let mut options = options.clone();
        if let Some(bucket_size) = options.bucket_size {
            // As in hand-written LSH: 2^k buckets of about that size.
            let buckets = (points.rows() / bucket_size).max(1);
            let projections = (buckets.ilog2() as usize).clamp(1, MAX_PROJECTIONS);
            options.n_projections = Some(projections);
        }
        if let Some(given) = Self::given(&options) {
            return Ok(given);
        }
        control.begin("sample", 1);
        let sample = Sample::draw(&options, points, control)?;
        let r = match options.family {
            FamilyKind::Srp => None,
            FamilyKind::L2 { r } => Some(r.unwrap_or_else(|| sample.width())),
        };
        let (projections, tables) = sample.cheapest(&options, points, r);
        Ok(Self {
            projections,
            tables,
            r,
        })
    }

    /// Draw the family.
    pub(crate) fn family(&self, seed: u64, dim: usize) -> std::sync::Arc<dyn Family> {
        match self.r {
            None => std::sync::Arc::new(Srp::new(seed, dim, self.projections, self.tables)),
            Some(r) => std::sync::Arc::new(L2::new(seed, dim, self.projections, self.tables, r)),
        }
    }
}

/// Distances within a sample.
struct Sample {
    /// To the tenth neighbour (or the last, among fewer points).
    near: Vec<f32>,
    /// Between any two points, evenly spaced quantiles.
    any: Vec<f32>,
}

impl Sample {
    fn draw(options: &LshOptions, points: &Points, control: &Control) -> Result<Self> {
        let metric = match options.family {
            FamilyKind::Srp => Metric::Cosine,
            FamilyKind::L2 { .. } => Metric::Euclidean,
        };
        let view = points.view();
        // A vector without a direction is named by its own row, not by that of the sample.
        Prepared::new("x", &view, metric)?;
        let pick = |count| {
            let rows = random::sample_rows(options.seed, points.rows(), count);
            let mut data = vec![0.0; rows.len() * points.dim()];
            for (row, out) in rows.iter().zip(data.chunks_exact_mut(points.dim())) {
                view.copy_row(*row, out);
            }
            Points::new(RowData::F32(data), points.dim())
        };
        let sample = pick(SAMPLE)?;
        let picked;
        let compared: RowsView<'_> = if points.rows() > COMPARED {
            picked = pick(COMPARED)?;
            picked.view()
        } else {
            view
        };
        // In a part of the points the tenth neighbour of the whole has a lower rank. The first
        // place is the point's own.
        let rank = (NEIGHBOUR * compared.rows()).div_ceil(points.rows());
        let wanted = (rank + 1).min(compared.rows());
        let found = exact::knn(&compared, &sample.view(), wanted, metric, control)?;
        let near = found
            .distances
            .chunks_exact(wanted)
            .map(|row| row[wanted - 1]);
        let pairs = exact::cdist(&sample.view(), &sample.view(), metric, control)?;
        let mut any: Vec<f32> = pairs;
        any.sort_unstable_by(f32::total_cmp);
        let quantiles = 256.min(any.len());
        Ok(Self {
            near: near.collect(),
            any: (0..quantiles)
                .map(|i| any[(2 * i + 1) * any.len() / (2 * quantiles)])
                .collect(),
        })
    }

    /// A bucket width for p-stable hashing.
    fn width(&self) -> f32 {
        let median = |distances: &[f32]| {
            let mut sorted: Vec<_> = distances.iter().copied().filter(|d| *d > 0.0).collect();
            sorted.sort_unstable_by(f32::total_cmp);
            sorted.get(sorted.len() / 2).copied()
        };
        // All neighbours coincide: some fraction of any distance; all points do: any width.
        let near = median(&self.near).or_else(|| median(&self.any).map(|d| d * 0.4));
        near.map_or(1.0, |d| WIDTHS * d)
            .clamp(super::R_MIN, super::R_MAX)
    }

    fn cheapest(&self, options: &LshOptions, points: &Points, r: Option<f32>) -> (usize, usize) {
        let probe = Parameters {
            projections: 1,
            tables: 1,
            r,
        };
        let family = probe.family(options.seed, 1);
        let agree = |distances: &[f32]| -> Vec<f64> {
            distances
                .iter()
                .map(|d| family.collision_probability(f64::from(*d)))
                .collect()
        };
        let (near, any) = (agree(&self.near), agree(&self.any));
        let meet = |agreement: &[f64], k: usize, l: usize| {
            let sum: f64 = agreement
                .iter()
                .map(|p| meeting_probability(libm::pow(*p, k as f64), l as f64))
                .sum();
            sum / agreement.len() as f64
        };
        let (n, dim) = (points.rows() as f64, points.dim() as f64);
        // In units of a nanosecond or so on one core: a projection and a distance go through all
        // dimensions, a candidate comes from memory, a bucket from two places of it.
        let cost = |k: usize, l: usize| {
            let entries = meet(&any, k, 1) * n * l as f64;
            let candidates = meet(&any, k, l) * n;
            (k * l) as f64 * dim / 32.0
                + l as f64 * 20.0
                + entries
                + candidates * (4.0 + dim / 16.0)
        };
        let most = MAX_PROJECTIONS.min((2 * points.rows().ilog2() as usize).max(4));
        let all_k = options.n_projections.map_or(1..=most, |k| k..=k);
        let best = all_k
            .map(|k| {
                let l = options.n_hash_tables.unwrap_or_else(|| {
                    (1..=MAX_TABLES)
                        .find(|l| meet(&near, k, *l) >= SUCCESS)
                        .unwrap_or(MAX_TABLES)
                });
                // What falls short of the wanted success counts before any cost.
                let short = (SUCCESS - meet(&near, k, l)).max(0.0);
                (short, cost(k, l), k, l)
            })
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        best.map_or((1, 1), |(_, _, k, l)| (k, l))
    }
}
