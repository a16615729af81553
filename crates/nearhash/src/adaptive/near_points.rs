//! Near points of a model, on which it measures how their rests go together and what buckets are ranked by.

use rayon::prelude::*;

use crate::adaptive::model::Model;
use crate::adaptive::rests::Pair;
use crate::adaptive::search::{Effort, Ordinary, Scratch};
use crate::adaptive::spread_weight::{self, SpreadWeight, WEIGHTS, buckets_before};
use crate::kernel::{Kernels, LANES};

/// Points that are asked, and neighbours of each.
const SAMPLE: usize = 256;
const NEIGHBOURS: usize = 10;
/// The neighbours are looked for in this part of the buckets, and in no fewer than this.
const BUCKETS_PART: usize = 4;
const FEWEST_BUCKETS: usize = 8;
/// Standard errors that are allowed for in that.
const KAPPA: f32 = 1.5;

/// A row and those that are nearest to it by their codes.
struct Near {
    row: u32,
    others: Vec<u32>,
}

impl Model {
    /// Measure what near points tell.
    pub(super) fn measure(&mut self) {
        let near = near_points(self);
        // Where nothing is left out of the axes, no rests.
        let pairs = if self.projection.axes() < self.points.dim() {
            pairs(self, &near)
        } else {
            Vec::new()
        };
        self.rests = self.rests.measured(&pairs);
        if self.centres.heads().is_none() {
            self.rank_buckets(SpreadWeight::new(weight(self, &near), self.spreads()));
        }
    }

    /// Rank buckets with a weight for their spreads.
    pub(super) fn rank_buckets(&mut self, weight: SpreadWeight) {
        self.spread_weight = weight;
        let buckets = self.codes.buckets.iter();
        let added = buckets.map(|bucket| weight.added(bucket.spread));
        self.centres.rank_by(added);
    }

    pub(super) fn spreads(&self) -> impl Iterator<Item = f32> {
        self.codes.buckets.iter().map(|bucket| bucket.spread)
    }
}

/// Some points, evenly spread, with those that are nearest to each by their codes; of those that draw no
/// centre towards them, where there are enough: queries draw none either.
fn near_points(model: &Model) -> Vec<Near> {
    let kernels = Kernels::get();
    let buckets = (model.centres.len() / BUCKETS_PART).max(FEWEST_BUCKETS);
    let effort = Effort {
        k: NEIGHBOURS + 1,
        most: buckets,
        expected: buckets,
        first_checkpoint: usize::MAX,
        kappa: KAPPA,
        stranger_kappa: KAPPA,
        ordinary: Ordinary::ANY,
        usual: 1.0,
    };
    let every = |count: usize| (0..count).step_by(count.div_ceil(SAMPLE).max(1));
    let sample: Vec<u32> = if model.held_out.len() < SAMPLE {
        every(model.points.rows()).map(|row| row as u32).collect()
    } else {
        every(model.held_out.len())
            .map(|i| model.held_out[i])
            .collect()
    };
    sample
        .par_iter()
        .map_init(Scratch::default, |scratch, row| {
            model.copy_prepared(*row, &mut scratch.query);
            if !model.prepare(kernels, scratch) {
                return None;
            }
            model.scan(kernels, &effort, &model.codes.live, scratch, |_, _| false);
            let candidates = scratch.shortlist.candidates.iter();
            let mut near: Vec<(f32, u32)> = candidates.map(|c| (c.estimate, c.row)).collect();
            near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(NEIGHBOURS + 1);
            let others = near.into_iter().map(|(_, other)| other);
            Some(Near {
                row: *row,
                others: others.filter(|other| other != row).collect(),
            })
        })
        .flatten_iter()
        .collect()
}

/// How the rests of near points go together.
fn pairs(model: &Model, near: &[Near]) -> Vec<Pair> {
    let kernels = Kernels::get();
    let scale = f64::from(model.projection.scale());
    near.par_iter()
        .map_init(
            || [const { Vec::new() }; 4],
            |[x, y, x2, y2], near| {
                let rest = project(model, kernels, near.row, x, y);
                let pair = |other: &u32| {
                    let rest2 = project(model, kernels, *other, x2, y2);
                    let whole = squared_distance(x, x2) * scale * scale;
                    Pair {
                        // What the whole distance leaves beside that along the axes.
                        product: (squared_distance(y, y2) + rest + rest2 - whole) / 2.0,
                        lengths: rest.sqrt() * rest2.sqrt(),
                    }
                };
                near.others.iter().map(pair).collect::<Vec<_>>()
            },
        )
        .flatten_iter()
        .collect()
}

/// How much the spread of a bucket counts. Centres are not ranked by it yet.
fn weight(model: &Model, near: &[Near]) -> f32 {
    let kernels = Kernels::get();
    let mut spreads: Vec<f32> = model.spreads().collect();
    let count = |scores: &[f32], limit: f32| kernels.count_within(scores, limit);
    spreads.resize(spreads.len().next_multiple_of(LANES), 0.0);
    let before = near
        .par_iter()
        .map_init(Scratch::default, |scratch, near| {
            model.copy_prepared(near.row, &mut scratch.query);
            if !model.prepare(kernels, scratch) {
                return [0; WEIGHTS.len()];
            }
            let buckets = near.others.iter().map(|row| model.codes.bucket_of(*row));
            let buckets: Vec<usize> = buckets.collect();
            buckets_before(scratch.ranking.scores(), &spreads, &buckets, count)
        })
        .reduce(
            || [0; WEIGHTS.len()],
            |a, b| std::array::from_fn(|i| a[i] + b[i]),
        );
    spread_weight::best(&before)
}

/// A stored vector, padded, to `x`, and its place along the axes to `y`; returns its squared rest.
fn project(model: &Model, kernels: &Kernels, row: u32, x: &mut Vec<f32>, y: &mut Vec<f32>) -> f64 {
    model.copy_prepared(row, x);
    y.resize(model.projection.axes(), 0.0);
    let mut rest = [0.0];
    model.projection.project(kernels, x, y, &mut rest);
    f64::from(rest[0])
}

/// In f64: what is sought is a small difference of large ones.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::normal;

    /// 4,000 points around 40 centres, around some more widely than around others.
    fn of_crowds(dim: usize) -> Model {
        let (centres, noise) = (normal(1, 40 * dim), normal(2, 4000 * dim));
        let widths = [0.6, 0.9, 1.2];
        let values = noise.iter().enumerate().map(|(i, noise)| {
            let (row, j) = (i / dim, i % dim);
            centres[row % 40 * dim + j] + widths[row % 40 % 3] * noise
        });
        Model::of(values.collect(), dim)
    }

    #[test]
    fn spread_counts_against_buckets_where_dimensions_are_many() {
        let model = of_crowds(100);
        assert!(model.spread_weight.added(1e3) > model.spread_weight.added(0.0));
    }

    #[test]
    fn where_the_spread_counts_is_where_near_points_are() {
        for dim in [3, 100] {
            let mut model = of_crowds(dim);
            let chosen = model.spread_weight;
            model.rank_buckets(SpreadWeight::default());
            let near = near_points(&model);
            let before = |model: &Model| -> usize {
                let found = near.iter().map(|near| {
                    let mut scratch = Scratch::default();
                    model.copy_prepared(near.row, &mut scratch.query);
                    assert!(model.prepare(Kernels::get(), &mut scratch));
                    let scores = scratch.ranking.scores();
                    let bucket = |row: &u32| model.codes.bucket_of(*row);
                    let places = near.others.iter().map(bucket);
                    places
                        .map(|b| scores.iter().filter(|x| **x <= scores[b]).count())
                        .sum::<usize>()
                });
                found.sum()
            };
            let plain = before(&model);
            model.rank_buckets(chosen);
            assert!(before(&model) <= plain + plain / 50, "{dim}");
        }
    }
}
