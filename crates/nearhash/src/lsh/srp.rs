//! Sign random projections (Charikar 2002): a bit for each random hyperplane, which side a vector
//! is on. Two vectors at angle θ agree with probability 1 − θ/π.

use super::family::{Family, Group, KeyScratch, Move, Planes};
use super::random;
use super::tabulated::Tabulated;
use crate::kernel::{Kernels, LANES};
use crate::metric::Metric;
use crate::stats::{self, normal_tail};

/// Angle of a near neighbour that probing reckons with, in radians.
///
/// It only weighs margins against each other: from half to twice this angle the order of the
/// buckets changes little.
const NEIGHBOUR_ANGLE: f64 = 0.35;

/// Margins beyond this many standard deviations all count as the farthest.
const FARTHEST: f32 = 8.0;

/// Sign random projections for a number of tables.
#[derive(Debug)]
pub(crate) struct Srp {
    planes: Planes,
    /// ln((1 − p) / p) by margin in units of tan(angle), p the probability of the other side.
    flip: Tabulated,
    /// −ln(1 − p) likewise.
    stay: Tabulated,
    per_margin: f32,
}

impl Srp {
    pub(crate) fn new(seed: u64, dim: usize, projections: usize, tables: usize) -> Self {
        let drawn: Vec<_> = (0..tables)
            .map(|t| random::planes(seed, t, projections, dim).0)
            .collect();
        let planes = Planes::new(dim, projections, tables, |t| {
            (drawn[t].view(), vec![0.0; projections])
        });
        let stay = |z: f64| -libm::log1p(-normal_tail(z));
        Self {
            planes,
            flip: Tabulated::new(FARTHEST, |z| -stay(z) - libm::log(normal_tail(z))),
            stay: Tabulated::new(FARTHEST, stay),
            per_margin: (1.0 / libm::tan(NEIGHBOUR_ANGLE)) as f32,
        }
    }
}

impl Family for Srp {
    fn metric(&self) -> Metric {
        Metric::Cosine
    }

    fn planes(&self) -> &Planes {
        &self.planes
    }

    fn values(&self, _: &Kernels, projected: &[f32], values: &mut [i32]) {
        for (value, x) in values.iter_mut().zip(projected) {
            *value = i32::from(*x >= 0.0);
        }
    }

    fn keys(
        &self,
        kernels: &Kernels,
        group: &Group,
        projected: &[f32],
        scratch: &mut KeyScratch,
        keys: &mut [u64],
    ) {
        let words = group.width() / LANES;
        let rows = projected.len() / group.width();
        let bits = self.planes.projections();
        // A key is read as part of the 128 bits that start at its first word.
        let slack = 8;
        scratch.words.resize(rows * words + slack, 0);
        kernels.signs(projected, &mut scratch.words[..rows * words]);
        let mask = u64::MAX >> (64 - bits);
        for row in 0..rows {
            for table in 0..group.tables() {
                let first = table * bits;
                let at = row * words + first / LANES;
                let window = scratch.words[at..at + slack]
                    .iter()
                    .rev()
                    .fold(0, |window: u128, word| window << 16 | u128::from(*word));
                keys[table * rows + row] = (window >> (first % LANES)) as u64 & mask;
            }
        }
    }

    fn moves(&self, projected: &[f32], moves: &mut Vec<Move>) -> f32 {
        let mut base = 0.0;
        for (i, margin) in projected.iter().enumerate() {
            let z = margin.abs() * self.per_margin;
            base += self.stay.at(z);
            let bit = 1_u64 << i;
            moves.push(Move {
                cost: self.flip.at(z).max(0.0),
                projection: i as u8,
                delta: if *margin >= 0.0 {
                    bit.wrapping_neg()
                } else {
                    bit
                },
            });
        }
        base
    }

    fn collision_probability(&self, distance: f64) -> f64 {
        stats::sign_agreement(1.0 - distance)
    }

    fn empty_share(&self, buckets: usize, _: usize) -> f64 {
        1.0 - buckets as f64 / libm::exp2(self.planes.projections() as f64)
    }

    fn bucket_name(&self, values: &[i32]) -> String {
        values
            .iter()
            .map(|bit| if *bit == 1 { '1' } else { '0' })
            .collect()
    }
}
