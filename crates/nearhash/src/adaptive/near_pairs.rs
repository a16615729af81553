//! Near points of a model, on which it measures how their rests go together.

use rayon::prelude::*;

use crate::adaptive::model::Model;
use crate::adaptive::rests::{Pair, Rests};
use crate::adaptive::search::{Effort, Ordinary, Scratch};
use crate::kernel::Kernels;

/// Points that rests are measured on, and neighbours of each.
const SAMPLE: usize = 128;
const NEIGHBOURS: usize = 10;
/// The neighbours are looked for in this part of the buckets, and in no fewer than this.
const BUCKETS_PART: usize = 16;
const FEWEST_BUCKETS: usize = 8;
/// Standard errors that are allowed for in that.
const KAPPA: f32 = 1.5;

impl Model {
    /// The rests as they are, with what near points tell; 0 where there are none.
    pub(super) fn measured_rests(&self) -> Rests {
        let pairs = if self.projection.axes() < self.points.dim() {
            near_pairs(self)
        } else {
            Vec::new()
        };
        self.rests.measured(&pairs)
    }
}

/// Some points, evenly spread, with those that are nearest to each by their codes.
fn near_pairs(model: &Model) -> Vec<Pair> {
    let kernels = Kernels::get();
    let n = model.points.rows();
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
    let scale = f64::from(model.projection.scale());
    let sample: Vec<usize> = (0..n).step_by(n.div_ceil(SAMPLE)).collect();
    sample
        .par_iter()
        .map_init(Scratch::default, |scratch, row| {
            let (mut y, mut x2, mut y2) = (Vec::new(), Vec::new(), Vec::new());
            let rest = project(model, kernels, *row, &mut scratch.query, &mut y);
            if !model.prepare(kernels, scratch) {
                return Vec::new();
            }
            model.scan(kernels, &effort, &model.codes.live, scratch, |_, _| false);
            let candidates = scratch.shortlist.candidates.iter();
            let mut near: Vec<(f32, u32)> = candidates.map(|c| (c.estimate, c.row)).collect();
            near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(NEIGHBOURS + 1);
            let mut pairs = Vec::new();
            for (_, other) in near {
                if other as usize == *row {
                    continue;
                }
                let rest2 = project(model, kernels, other as usize, &mut x2, &mut y2);
                let whole = squared_distance(&scratch.query, &x2) * scale * scale;
                // What the whole distance leaves beside that along the axes.
                let product = (squared_distance(&y, &y2) + rest + rest2 - whole) / 2.0;
                pairs.push(Pair {
                    product,
                    lengths: rest.sqrt() * rest2.sqrt(),
                });
            }
            pairs
        })
        .flatten_iter()
        .collect()
}

/// A stored vector, padded, to `x`, and its place along the axes to `y`; returns its squared rest.
fn project(
    model: &Model,
    kernels: &Kernels,
    row: usize,
    x: &mut Vec<f32>,
    y: &mut Vec<f32>,
) -> f64 {
    model.copy_prepared(row as u32, x);
    y.resize(model.projection.axes(), 0.0);
    let mut rest = [0.0];
    model.projection.project(kernels, x, y, &mut rest);
    f64::from(rest[0])
}

/// In f64: what is sought is a small difference of large ones.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}
