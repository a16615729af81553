//! An index gives the buckets, candidates and answers of a naive twin: hash maps, loops over
//! numbers, every probing set listed and sorted. No kernels, no keys, no tricks.

use std::collections::{BTreeMap, HashMap, HashSet};

use ndarray::Array2;
use proptest::prelude::*;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{config, generator};
use crate::lsh::family::Family;
use crate::lsh::l2::L2;
use crate::lsh::random;
use crate::lsh::srp::Srp;
use crate::metric::{points_need_wide, query_needs_wide};
use crate::{
    Control, FamilyKind, LshIndex, LshOptions, Metric, Points, PredictOptions, RowData, RowSlice,
    RowsView,
};

/// What an index is made of.
#[derive(Debug, Clone, Copy)]
struct Shape {
    family: FamilyKind,
    dim: usize,
    k: usize,
    l: usize,
    seed: u64,
}

impl Shape {
    fn metric(&self) -> Metric {
        match self.family {
            FamilyKind::Srp => Metric::Cosine,
            FamilyKind::L2 { .. } => Metric::Euclidean,
        }
    }

    fn index(&self) -> LshIndex {
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
type Values = Vec<i32>;

struct Twin {
    shape: Shape,
    /// Lends its moves' costs, nothing else.
    family: Box<dyn Family>,
    planes: Vec<(Array2<f32>, Vec<f32>)>,
    points: BTreeMap<u32, Vec<f32>>,
    tables: Vec<HashMap<Values, Vec<u32>>>,
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
    fn new(shape: Shape, points: &BTreeMap<u32, Vec<f32>>) -> Self {
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

    fn values(&self, row: &[f32], table: usize) -> Values {
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

    fn name(&self, values: &Values) -> String {
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
    fn buckets(&self, query: &[f32]) -> Vec<(usize, Values)> {
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
    fn candidates(&self, buckets: &[(usize, Values)], budget: usize, bound: usize) -> Vec<u32> {
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
    fn nearest(&self, query: &[f32], candidates: &[u32], k: usize) -> Vec<(f32, u32)> {
        let mut all: Vec<(f32, u32)> = candidates
            .iter()
            .map(|id| (self.distance(query, &self.points[id]), *id))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.truncate(k);
        all
    }
}

fn view(rows: &[f32], dim: usize) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), dim).unwrap()
}

/// Everything that an index tells, against its twin. `bounded` only where points are met in the
/// order of their ids.
fn check(index: &LshIndex, twin: &Twin, queries: &[Vec<f32>], bounded: bool) {
    let Shape { dim, k, l, .. } = twin.shape;
    let size = twin.points.len();
    assert_eq!(index.size(), size);
    for (id, row) in &twin.points {
        assert_eq!(index.vector(*id).as_ref(), Some(row));
    }
    for table in 0..l {
        let found: BTreeMap<_, _> = index.buckets(table).unwrap().into_iter().collect();
        let expected: BTreeMap<_, _> = twin.tables[table]
            .iter()
            .map(|(values, ids)| (twin.name(values), ids.clone()))
            .collect();
        assert_eq!(found, expected, "table {table}");
    }
    let flat = queries.concat();
    let hashes = index.hash(&view(&flat, dim)).unwrap();
    for (query, hashes) in queries.iter().zip(hashes.chunks(l * k)) {
        let expected: Values = (0..l).flat_map(|t| twin.values(query, t)).collect();
        assert_eq!(hashes, expected);
    }

    let control = Control::new();
    let buckets: Vec<_> = queries.iter().map(|query| twin.buckets(query)).collect();
    for budget in [0, 1, 2, 5, 11, 1000] {
        index.set_budget(budget);
        let mut expected = Vec::new();
        for (query, buckets) in queries.iter().zip(&buckets) {
            let candidates = twin.candidates(buckets, budget, usize::MAX);
            let mut sorted = candidates.clone();
            sorted.sort_unstable();
            let found = index.candidates(&view(query, dim)).unwrap();
            assert_eq!(found, sorted, "candidates at budget {budget}");
            expected.push(candidates);
        }
        for wanted in [1, 3, size + 2] {
            let answers: Vec<_> = queries
                .iter()
                .zip(&expected)
                .map(|(query, candidates)| twin.nearest(query, candidates, wanted))
                .collect();
            let found = index.search(&view(&flat, dim), wanted, &control).unwrap();
            for (i, answer) in answers.iter().enumerate() {
                let count = found.counts[i] as usize;
                let places = i * wanted..i * wanted + count;
                let ids: Vec<u32> = answer.iter().map(|(_, id)| *id).collect();
                let distances: Vec<f32> = answer.iter().map(|(distance, _)| *distance).collect();
                assert_eq!(found.ids[places.clone()], ids, "budget {budget}");
                assert_eq!(bits(&found.distances[places]), bits(&distances));
                // The places behind them are empty.
                let rest = i * wanted + count..(i + 1) * wanted;
                assert!(found.ids[rest].iter().all(|id| *id == 0));
            }
        }
        let bounds = if bounded {
            &[Some(1), Some(2), Some(7), Some(size.max(1)), None][..]
        } else {
            &[None]
        };
        for bound in bounds {
            let options = PredictOptions {
                top_k: 4,
                bound: *bound,
                vectors: true,
            };
            let found = index
                .predict(&view(&flat, dim), &options, &control)
                .unwrap();
            let vectors = found.vectors.as_ref().unwrap();
            for (i, query) in queries.iter().enumerate() {
                let candidates = twin.candidates(&buckets[i], budget, bound.unwrap_or(usize::MAX));
                assert_eq!(found.collisions[i] as usize, candidates.len());
                let answer = twin.nearest(query, &candidates, 4);
                let places = found.offsets[i] as usize..found.offsets[i + 1] as usize;
                let ids: Vec<u32> = answer.iter().map(|(_, id)| *id).collect();
                assert_eq!(
                    found.ids[places.clone()],
                    ids,
                    "budget {budget}, bound {bound:?}"
                );
                for (place, (distance, id)) in places.zip(answer) {
                    assert_eq!(found.distances[place].to_bits(), distance.to_bits());
                    assert_eq!(vectors[place * dim..][..dim], twin.points[&id]);
                }
            }
        }
    }
    index.set_budget(0);
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// What the points are like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
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

const KINDS: [Kind; 9] = [
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

    fn rows(
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

fn numbered(rows: &[Vec<f32>]) -> BTreeMap<u32, Vec<f32>> {
    (0..).zip(rows.iter().cloned()).collect()
}

/// Some of the points, some new ones, and for Euclidean the origin.
fn queries(
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

fn shape_of(kind: Kind, srp: bool, dim: usize, k: usize, l: usize, seed: u64) -> Shape {
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

/// Fit rows of a kind but for a number of them, store those in parts, and compare.
fn check_kind(kind: Kind, shape: Shape, count: usize, seed: u64, (stored, parts): (usize, usize)) {
    let mut generator = generator(seed);
    let rows = kind.rows(&mut generator, count, shape.dim, shape.metric());
    let queries = queries(&mut generator, kind, shape, &rows);
    let twin = Twin::new(shape, &numbered(&rows));
    let index = shape.index();
    let control = Control::new();
    let (fitted, stored) = rows.split_at(count - stored);
    if !fitted.is_empty() {
        let points = Points::new(RowData::F32(fitted.concat()), shape.dim).unwrap();
        index.fit(points, &control).unwrap();
    }
    for part in stored.chunks(stored.len().div_ceil(parts).max(1)) {
        let part = part.concat();
        index.store(&view(&part, shape.dim), &control).unwrap();
    }
    check(&index, &twin, &queries, true);
}

#[test]
fn points_of_every_kind_are_found_as_by_the_naive_twin() {
    for (i, kind) in KINDS.into_iter().enumerate() {
        for srp in [true, false] {
            if srp && kind == Kind::AllDenormal {
                continue;
            }
            for (dim, k, l) in [(1, 1, 1), (1, 3, 2), (2, 4, 3), (7, 5, 2), (20, 3, 5)] {
                let shape = shape_of(kind, srp, dim, k, l, i as u64);
                for count in [1, 2, 60] {
                    check_kind(kind, shape, count, 100 + i as u64, (0, 1));
                }
            }
        }
    }
}

#[test]
fn stored_points_are_found_as_by_the_naive_twin() {
    for (i, kind) in KINDS.into_iter().enumerate() {
        for srp in [true, false] {
            if srp && kind == Kind::AllDenormal {
                continue;
            }
            let shape = shape_of(kind, srp, 5, 4, 3, i as u64);
            check_kind(kind, shape, 40, 7, (40, 40));
            check_kind(kind, shape, 40, 7, (40, 3));
            check_kind(kind, shape, 40, 7, (15, 15));
            check_kind(kind, shape, 40, 7, (39, 2));
        }
    }
}

#[test]
fn many_points_and_long_keys_are_found_as_by_the_naive_twin() {
    for srp in [true, false] {
        for (k, l) in [(9, 3), (6, 17)] {
            let k = if srp { k } else { k.min(6) };
            let shape = Shape {
                family: if srp {
                    FamilyKind::Srp
                } else {
                    FamilyKind::L2 { r: Some(6.0) }
                },
                dim: 33,
                k,
                l,
                seed: 3,
            };
            check_kind(Kind::Normal, shape, 3000, 5, (0, 1));
        }
    }
}

proptest! {
    #![proptest_config(config(120))]

    #[test]
    fn any_index_equals_its_naive_twin(
        seed: u64, kind in 0..KINDS.len(), srp: bool, dim in 1..40_usize, k in 1..6_usize,
        l in 1..5_usize, (count, stored) in (1..80_usize).prop_flat_map(|n| (Just(n), 0..=n)),
        parts in 1..4_usize,
    ) {
        let kind = KINDS[kind];
        let shape = shape_of(kind, srp && kind != Kind::AllDenormal, dim, k, l, seed);
        check_kind(kind, shape, count, seed, (stored, parts));
    }
}

/// Random changes to an index and to a map of its points; then a look at everything.
fn check_changes(kind: Kind, shape: Shape, seed: u64, first: usize, stored: usize, steps: usize) {
    let mut generator = generator(seed);
    let control = Control::new();
    let metric = shape.metric();
    let rows = kind.rows(&mut generator, first, shape.dim, metric);
    let index = shape.index();
    let mut points = numbered(&rows);
    let mut next = first as u32;
    if first > 0 {
        let data = Points::new(RowData::F32(rows.concat()), shape.dim).unwrap();
        index.fit(data, &control).unwrap();
    }
    for step in 0..steps {
        let pick = |generator: &mut ChaCha8Rng, points: &BTreeMap<u32, Vec<f32>>| {
            let ids: Vec<u32> = points.keys().copied().collect();
            ids.choose(generator).copied()
        };
        match generator.random_range(0..10) {
            0..3 => {
                let count = generator.random_range(0..=stored);
                let rows = kind.rows(&mut generator, count, shape.dim, metric);
                let flat = rows.concat();
                let ids = index.store(&view(&flat, shape.dim), &control).unwrap();
                assert_eq!(ids, next..next + count as u32);
                points.extend(ids.zip(rows));
                next += count as u32;
            }
            3..6 => {
                if let Some(id) = pick(&mut generator, &points) {
                    assert_eq!(index.delete(id), Ok(1));
                    points.remove(&id);
                    assert_eq!(index.delete(id), Ok(0), "deleted before");
                }
                assert_eq!(index.delete(next), Ok(0), "never stored");
            }
            6..9 => {
                let row = kind.rows(&mut generator, 1, shape.dim, metric).remove(0);
                if let Some(id) = pick(&mut generator, &points) {
                    index.update(id, &view(&row, shape.dim)).unwrap();
                    points.insert(id, row);
                }
            }
            _ => {
                if let Some(id) = pick(&mut generator, &points) {
                    let row = points[&id].clone();
                    let equal = points.values().filter(|other| **other == row).count();
                    assert_eq!(index.delete_equal(&view(&row, shape.dim)), Ok(equal));
                    points.retain(|_, other| *other != row);
                }
            }
        }
        if step % 10 == 9 || step + 1 == steps {
            let queries = queries(&mut generator, kind, shape, &[]);
            check(&index, &Twin::new(shape, &points), &queries, false);
        }
    }
}

#[test]
fn an_index_that_was_changed_equals_a_twin_of_what_is_left() {
    for (i, kind) in [
        Kind::Normal,
        Kind::Ties,
        Kind::Duplicates,
        Kind::Huge,
        Kind::Denormals,
    ]
    .into_iter()
    .enumerate()
    {
        for srp in [true, false] {
            let shape = shape_of(kind, srp, 4, 3, 3, 5);
            check_changes(kind, shape, i as u64, 50, 4, 60);
            check_changes(kind, shape, 100 + i as u64, 0, 6, 40);
        }
    }
}

#[test]
fn changes_go_on_where_stored_points_are_sorted_in() {
    for srp in [true, false] {
        // 4,096 stored points are sorted in; this happens several times here.
        let shape = shape_of(Kind::Normal, srp, 3, 5, 2, 6);
        check_changes(Kind::Normal, shape, 9, 300, 2500, 20);
        check_changes(Kind::Normal, shape, 10, 0, 5000, 20);
    }
}

#[test]
fn integers_are_found_as_by_the_naive_twin() {
    let mut generator = generator(12);
    let (dim, count) = (19, 200);
    for srp in [true, false] {
        let family = if srp {
            FamilyKind::Srp
        } else {
            FamilyKind::L2 { r: Some(300.0) }
        };
        let shape = Shape {
            family,
            dim,
            k: 4,
            l: 3,
            seed: 1,
        };
        let bytes: Vec<u8> = (0..count * dim)
            .map(|_| generator.next_u32() as u8)
            .collect();
        let words: Vec<i16> = bytes
            .iter()
            .map(|x| (i32::from(*x) * 257 - 32_768) as i16)
            .collect();
        for data in [RowData::U8(bytes), RowData::I16(words)] {
            let points = Points::new(data, dim).unwrap();
            let rows: Vec<Vec<f32>> = (0..count)
                .map(|row| {
                    let mut out = vec![0.0; dim];
                    points.view().copy_row(row, &mut out);
                    out
                })
                .collect();
            let index = shape.index();
            index.fit(points, &Control::new()).unwrap();
            let twin = Twin::new(shape, &numbered(&rows));
            check(&index, &twin, &rows[..20], true);
        }
    }
}
