//! The twin: hash maps, loops over numbers, every probing set listed and sorted.

use std::collections::{BTreeMap, HashMap, HashSet};

use ndarray::Array2;

use crate::lsh::family::Family;
use crate::lsh::l2::L2;
use crate::lsh::random;
use crate::lsh::srp::Srp;
use crate::metric::{points_need_wide, query_needs_wide};
use crate::{FamilyKind, LshIndex, LshOptions, Metric};

/// What an index is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) family: FamilyKind,
    pub(super) dim: usize,
    pub(super) k: usize,
    pub(super) l: usize,
    pub(super) seed: u64,
}

impl Shape {
    pub(super) fn metric(&self) -> Metric {
        match self.family {
            FamilyKind::Srp => Metric::Cosine,
            FamilyKind::L2 { .. } => Metric::Euclidean,
        }
    }

    pub(super) fn index(&self) -> LshIndex {
        LshIndex::new(LshOptions {
            family: self.family,
            n_projections: Some(self.k),
            n_hash_tables: Some(self.l),
            dim: Some(self.dim),
            seed: self.seed,
            ..LshOptions::default()
        })
        .unwrap()
    }
}

/// Hash values of a vector in one table: a bucket's name.
pub(super) type Values = Vec<i32>;

pub(super) struct Twin {
    pub(super) shape: Shape,
    /// Lends its moves' costs, nothing else.
    family: Box<dyn Family>,
    planes: Vec<(Array2<f32>, Vec<f32>)>,
    pub(super) points: BTreeMap<u32, Vec<f32>>,
    pub(super) tables: Vec<HashMap<Values, Vec<u32>>>,
    wide: bool,
}

/// Sixteen partial sums, then lane i plus lane i + 8, i + 4, i + 2, i + 1.
fn squared_distance(query: &[f32], row: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    for (i, (q, x)) in query.iter().zip(row).enumerate() {
        sums[i % 16] = (x - q).mul_add(x - q, sums[i % 16]);
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}

impl Twin {
    pub(super) fn new(shape: Shape, points: &BTreeMap<u32, Vec<f32>>) -> Self {
        let Shape {
            family,
            dim,
            k,
            l,
            seed,
        } = shape;
        let mut twin = Self {
            shape,
            family: match family {
                FamilyKind::Srp => Box::new(Srp::new(seed, dim, k, l)),
                FamilyKind::L2 { r } => Box::new(L2::new(seed, dim, k, l, r.unwrap())),
            },
            planes: (0..l).map(|t| random::planes(seed, t, k, dim)).collect(),
            points: points.clone(),
            tables: vec![HashMap::new(); l],
            wide: points_need_wide(
                shape.metric(),
                points.values().flatten().fold(0.0, |m, x| x.abs().max(m)),
            ),
        };
        for (id, row) in points {
            for table in 0..l {
                let values = twin.values(row, table);
                twin.tables[table].entry(values).or_default().push(*id);
            }
        }
        twin
    }

    /// The vector itself, or its unit vector for cosine.
    fn prepared(&self, row: &[f32]) -> Vec<f32> {
        if self.shape.metric() == Metric::Euclidean {
            return row.to_vec();
        }
        // Squares that float32 cannot hold are summed in f64.
        let mut squared = f64::from(squared_distance(&vec![0.0; row.len()], row));
        if !(1e-20..=1e30).contains(&squared) {
            squared = row.iter().map(|x| f64::from(*x).powi(2)).sum();
        }
        let scale = (1.0 / squared.sqrt()) as f32;
        row.iter().map(|x| x * scale).collect()
    }

    fn projections(&self, row: &[f32], table: usize) -> Vec<f32> {
        let row = self.prepared(row);
        let (planes, offsets) = &self.planes[table];
        planes
            .rows()
            .into_iter()
            .zip(offsets)
            .map(|(plane, offset)| {
                let terms = row.iter().zip(plane);
                match self.shape.family {
                    FamilyKind::Srp => terms.fold(0.0, |sum, (x, a)| x.mul_add(*a, sum)),
                    FamilyKind::L2 { r } => {
                        terms.fold(*offset, |sum, (x, a)| x.mul_add(*a / r.unwrap(), sum))
                    }
                }
            })
            .collect()
    }

    pub(super) fn values(&self, row: &[f32], table: usize) -> Values {
        let value = |x: f32| match self.shape.family {
            FamilyKind::Srp => i32::from(x >= 0.0),
            FamilyKind::L2 { .. } if x.is_nan() => -(1 << 30),
            FamilyKind::L2 { .. } => x.floor().clamp(-1_073_741_824.0, 1_073_741_824.0) as i32,
        };
        self.projections(row, table)
            .into_iter()
            .map(value)
            .collect()
    }

    pub(super) fn name(&self, values: &Values) -> String {
        match self.shape.family {
            FamilyKind::Srp => values.iter().map(i32::to_string).collect(),
            FamilyKind::L2 { .. } => {
                let numbers: Vec<_> = values.iter().map(i32::to_string).collect();
                numbers.join(",")
            }
        }
    }

    fn distance(&self, query: &[f32], row: &[f32]) -> f32 {
        let (query, row) = (self.prepared(query), self.prepared(row));
        let metric = self.shape.metric();
        if self.wide || query_needs_wide(metric, query.iter().fold(0.0, |a, b| a.max(b.abs()))) {
            let squared: f64 = query
                .iter()
                .zip(&row)
                .map(|(q, x)| (f64::from(*q) - f64::from(*x)).powi(2))
                .sum();
            return squared.sqrt() as f32;
        }
        let squared = squared_distance(&query, &row);
        match metric {
            Metric::Euclidean => squared.sqrt(),
            Metric::Cosine => (squared / 2.0).min(2.0),
        }
    }

    /// All buckets in the order of probing: the query's own ones by likelihood (which matters only
    /// where there is a bound), then those that moves lead to.
    pub(super) fn buckets(&self, query: &[f32]) -> Vec<(usize, Values)> {
        let mut own = Vec::new();
        let mut others = Vec::new();
        for table in 0..self.shape.l {
            let home = self.values(query, table);
            let mut moves = Vec::new();
            let base = self
                .family
                .moves(&self.projections(query, table), &mut moves);
            let mut steps: Vec<(f32, usize, i32)> = match self.shape.family {
                FamilyKind::Srp => (0..self.shape.k)
                    .map(|i| (moves[i].cost, i, 1 - 2 * home[i]))
                    .collect(),
                FamilyKind::L2 { .. } => (0..self.shape.k)
                    .flat_map(|i| [(2 * i, i, -1), (2 * i + 1, i, 1)])
                    .map(|(at, i, step)| (moves[at].cost, i, step))
                    .collect(),
            };
            steps.sort_by(|a, b| a.0.total_cmp(&b.0));
            for subset in 1..1_u32 << steps.len() {
                let ranks: Vec<usize> = (0..steps.len()).filter(|i| subset >> i & 1 == 1).collect();
                let moved: HashSet<_> = ranks.iter().map(|rank| steps[*rank].1).collect();
                if moved.len() == ranks.len() {
                    let cost = ranks.iter().fold(base, |cost, rank| cost + steps[*rank].0);
                    let mut values = home.clone();
                    for rank in &ranks {
                        values[steps[*rank].1] += steps[*rank].2;
                    }
                    others.push((cost.to_bits(), table, ranks, values));
                }
            }
            own.push((base.to_bits(), table, home));
        }
        own.sort();
        others.sort();
        own.into_iter()
            .map(|(_, table, values)| (table, values))
            .chain(
                others
                    .into_iter()
                    .map(|(_, table, _, values)| (table, values)),
            )
            .collect()
    }

    /// Candidates in the order in which they are met, at most `bound`, when `budget` more buckets a
    /// table are probed than the query's own.
    pub(super) fn candidates(
        &self,
        buckets: &[(usize, Values)],
        budget: usize,
        bound: usize,
    ) -> Vec<u32> {
        let mut seen = HashSet::new();
        let mut candidates = Vec::new();
        for (table, values) in buckets.iter().take((1 + budget) * self.shape.l) {
            let bucket = self.tables[*table]
                .get(values)
                .map_or(&[][..], Vec::as_slice);
            candidates.extend(bucket.iter().filter(|id| seen.insert(**id)));
        }
        candidates.truncate(bound);
        candidates
    }

    /// The k nearest of these, by (distance, id).
    pub(super) fn nearest(&self, query: &[f32], candidates: &[u32], k: usize) -> Vec<(f32, u32)> {
        let mut all: Vec<(f32, u32)> = candidates
            .iter()
            .map(|id| (self.distance(query, &self.points[id]), *id))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.truncate(k);
        all
    }
}
