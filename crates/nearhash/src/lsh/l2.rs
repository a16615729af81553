//! p-stable projections for Euclidean distance (Datar, Immorlica, Indyk & Mirrokni 2004):
//! ⌊(a·x + b) / r⌋ with a standard normal and b uniform in [0, r).

use super::family::{Family, Group, KeyScratch, Move, Planes};
use super::random;
use super::tabulated::Tabulated;
use crate::kernel::Kernels;
use crate::metric::Metric;
use crate::stats::{self, normal_tail};

/// Distance of a near neighbour that probing reckons with, in bucket widths.
///
/// r is chosen as about four times the distance of interest. Only the weight of the margins
/// against each other hangs on it.
const NEIGHBOUR_DISTANCE: f64 = 0.25;

/// p-stable projections for a number of tables.
#[derive(Debug)]
pub(crate) struct L2 {
    planes: Planes,
    /// Key = Σ factor × bucket number, wrapping. Sums of different buckets are different but for a
    /// chance of about 2⁻⁶⁴ a pair; buckets that do meet share their candidates, which are ranked
    /// by their exact distance like all others.
    factors: Vec<u64>,
    r: f32,
    /// ln(P(own bucket) / P(the one below)) by the distance to the lower boundary, in widths.
    below: Tabulated,
    /// −ln P(own bucket) likewise.
    stay: Tabulated,
}

impl L2 {
    pub(crate) fn new(seed: u64, dim: usize, projections: usize, tables: usize, r: f32) -> Self {
        // Planes are divided by r once: a plane's value is in bucket widths.
        let drawn: Vec<_> = (0..tables)
            .map(|t| {
                let (mut planes, offsets) = random::planes(seed, t, projections, dim);
                planes.mapv_inplace(|x| x / r);
                (planes, offsets)
            })
            .collect();
        let planes = Planes::new(dim, projections, tables, |t| {
            (drawn[t].0.view(), drawn[t].1.clone())
        });
        let within = |lower: f64, upper: f64| {
            normal_tail(lower / NEIGHBOUR_DISTANCE) - normal_tail(upper / NEIGHBOUR_DISTANCE)
        };
        let own = |x: f64| {
            1.0 - normal_tail(x / NEIGHBOUR_DISTANCE) - normal_tail((1.0 - x) / NEIGHBOUR_DISTANCE)
        };
        Self {
            planes,
            factors: random::key_factors(seed, projections),
            r,
            below: Tabulated::new(1.0, |x| libm::log(own(x) / within(x, x + 1.0))),
            stay: Tabulated::new(1.0, |x| -libm::log(own(x))),
        }
    }
}

impl Family for L2 {
    fn metric(&self) -> Metric {
        Metric::Euclidean
    }

    fn planes(&self) -> &Planes {
        &self.planes
    }

    fn values(&self, kernels: &Kernels, projected: &[f32], values: &mut [i32]) {
        kernels.floors(projected, values);
    }

    fn keys(
        &self,
        kernels: &Kernels,
        group: &Group,
        projected: &[f32],
        scratch: &mut KeyScratch,
        keys: &mut [u64],
    ) {
        let rows = projected.len() / group.width();
        scratch.integers.resize(projected.len(), 0);
        kernels.floors(projected, &mut scratch.integers);
        scratch.sums.resize(group.tables(), 0);
        for (row, values) in scratch.integers.chunks_exact(group.width()).enumerate() {
            kernels.sums(values, &self.factors, &mut scratch.sums);
            for (table, key) in scratch.sums.iter().enumerate() {
                keys[table * rows + row] = *key;
            }
        }
    }

    fn moves(&self, projected: &[f32], moves: &mut Vec<Move>) -> f32 {
        let mut base = 0.0;
        for (i, value) in projected.iter().enumerate() {
            let lower = value - value.floor();
            base += self.stay.at(lower);
            let factor = self.factors[i];
            for (distance, delta) in [(lower, factor.wrapping_neg()), (1.0 - lower, factor)] {
                moves.push(Move {
                    cost: self.below.at(distance).max(0.0),
                    projection: i as u8,
                    delta,
                });
            }
        }
        base
    }

    fn collision_probability(&self, distance: f64) -> f64 {
        stats::p_stable_agreement(f64::from(self.r), distance)
    }

    fn width(&self) -> Option<f32> {
        Some(self.r)
    }

    fn empty_share(&self, buckets: usize, points: usize) -> f64 {
        1.0 - buckets as f64 / points.max(1) as f64
    }

    fn bucket_name(&self, values: &[i32]) -> String {
        let numbers: Vec<_> = values.iter().map(i32::to_string).collect();
        numbers.join(",")
    }
}
