//! Points of every kind, and queries for them.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::naive::Shape;
use crate::{FamilyKind, Metric};

/// What the points are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Standard normal coordinates.
    Normal,
    /// Small whole numbers: many equal distances, and zero vectors where they are allowed.
    Ties,
    /// Three different points.
    Duplicates,
    /// All the same point.
    Constant,
    /// Normal coordinates, most of them so small that float32 holds few bits of them.
    Denormals,
    /// Nothing but such numbers (Euclidean only).
    AllDenormal,
    /// Squares leave float32 at the top, or vanish at the bottom.
    Huge,
    /// As above.
    Tiny,
    /// Hash values leave the integers that they are kept in, projections even float32.
    Overflowing,
}

pub(super) const KINDS: [Kind; 9] = [
    Kind::Normal,
    Kind::Ties,
    Kind::Duplicates,
    Kind::Constant,
    Kind::Denormals,
    Kind::AllDenormal,
    Kind::Huge,
    Kind::Tiny,
    Kind::Overflowing,
];

impl Kind {
    /// About how large coordinates are, and a bucket width that suits them.
    fn scale_and_width(self) -> (f32, f32) {
        match self {
            Self::Huge => (1e30, 1e30),
            Self::Tiny => (1e-30, 1e-30),
            Self::AllDenormal => (1e-40, 1e-30),
            Self::Overflowing => (1e30, 1e-20),
            _ => (1.0, 1.3),
        }
    }

    pub(super) fn rows(
        self,
        generator: &mut ChaCha8Rng,
        count: usize,
        dim: usize,
        metric: Metric,
    ) -> Vec<Vec<f32>> {
        let (scale, _) = self.scale_and_width();
        let row = |generator: &mut ChaCha8Rng| -> Vec<f32> {
            loop {
                let row: Vec<f32> = (0..dim)
                    .map(|_| match self {
                        Self::Ties => generator.random_range(-2..=2) as f32,
                        Self::Denormals if generator.random::<f32>() < 0.7 => {
                            generator.sample::<f32, _>(StandardNormal) * 1e-41
                        }
                        _ => generator.sample::<f32, _>(StandardNormal) * scale,
                    })
                    .collect();
                // Cosine needs a direction.
                let largest = row.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
                if metric == Metric::Euclidean || largest > f32::MIN_POSITIVE {
                    return row;
                }
            }
        };
        let different: Vec<Vec<f32>> = match self {
            Self::Duplicates => (0..3).map(|_| row(generator)).collect(),
            Self::Constant => vec![row(generator)],
            _ => return (0..count).map(|_| row(generator)).collect(),
        };
        (0..count)
            .map(|_| different.choose(generator).unwrap().clone())
            .collect()
    }
}

pub(super) fn numbered(rows: &[Vec<f32>]) -> BTreeMap<u32, Vec<f32>> {
    (0..).zip(rows.iter().cloned()).collect()
}

/// Some of the points, some new ones, and for Euclidean the origin.
pub(super) fn queries(
    generator: &mut ChaCha8Rng,
    kind: Kind,
    shape: Shape,
    rows: &[Vec<f32>],
) -> Vec<Vec<f32>> {
    let mut queries = kind.rows(generator, 6, shape.dim, shape.metric());
    queries.extend(rows.iter().take(5).cloned());
    if shape.metric() == Metric::Euclidean {
        queries.push(vec![0.0; shape.dim]);
        queries.push(vec![f32::MAX; shape.dim]);
    }
    // More than one block of queries.
    queries.extend(queries.clone());
    queries
}

pub(super) fn shape_of(kind: Kind, srp: bool, dim: usize, k: usize, l: usize, seed: u64) -> Shape {
    Shape {
        family: if srp {
            FamilyKind::Srp
        } else {
            FamilyKind::L2 {
                r: Some(kind.scale_and_width().1),
            }
        },
        dim,
        k,
        l,
        seed,
    }
}
