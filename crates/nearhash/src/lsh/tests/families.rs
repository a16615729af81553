//! Hash functions collide as theory says, keys are made of hash values, and moves lead to
//! neighbouring buckets with the probabilities they claim.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::generator;
use crate::kernel::Kernels;
use crate::lsh::built;
use crate::lsh::family::{Family, KeyScratch};
use crate::lsh::l2::L2;
use crate::lsh::random;
use crate::lsh::srp::Srp;
use crate::metric::Prepared;
use crate::points::{RowSlice, RowsView};
use crate::{Control, FamilyKind, LshIndex, LshOptions, stats};

fn normal(generator: &mut impl Rng, count: usize) -> Vec<f64> {
    (0..count)
        .map(|_| generator.sample(StandardNormal))
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A random unit vector, and another one that stands at right angles to it.
fn frame(generator: &mut impl Rng, dim: usize) -> (Vec<f64>, Vec<f64>) {
    let unit = |x: Vec<f64>| {
        let norm = dot(&x, &x).sqrt();
        x.into_iter().map(|x| x / norm).collect::<Vec<_>>()
    };
    let x = unit(normal(generator, dim));
    let y = normal(generator, dim);
    let along = dot(&x, &y);
    (
        x.clone(),
        unit(y.iter().zip(&x).map(|(y, x)| y - along * x).collect()),
    )
}

fn combine(a: f64, x: &[f64], b: f64, y: &[f64]) -> Vec<f32> {
    x.iter()
        .zip(y)
        .map(|(x, y)| (a * x + b * y) as f32)
        .collect()
}

/// Hash values of two vectors in an index without points: for each, tables × projections.
fn hash_pair(index: &LshIndex, a: &[f32], b: &[f32]) -> (Vec<i32>, Vec<i32>) {
    let both = [a, b].concat();
    let view = RowsView::new(RowSlice::F32(&both), a.len()).unwrap();
    let mut first = index.hash(&view).unwrap();
    let second = first.split_off(first.len() / 2);
    (first, second)
}

fn empty(family: FamilyKind, seed: u64, dim: usize, k: usize, l: usize) -> LshIndex {
    LshIndex::new(LshOptions {
        family,
        n_projections: Some(k),
        n_hash_tables: Some(l),
        dim: Some(dim),
        seed,
        ..LshOptions::default()
    })
    .unwrap()
}

/// `hits` of `trials` with probability `p` each: within four standard errors.
#[track_caller]
fn assert_rate(hits: usize, trials: usize, p: f64, what: &str) {
    let rate = hits as f64 / trials as f64;
    let error = (p * (1.0 - p) / trials as f64).sqrt();
    assert!(
        (rate - p).abs() <= 4.0 * error,
        "{what}: {rate:.5} instead of {p:.5} ± {error:.5}"
    );
}

fn agreements(a: &[i32], b: &[i32]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}

#[test]
fn sign_hashes_agree_as_often_as_one_minus_the_angle_over_pi() {
    for (dim, seed) in [(2, 1), (16, 2), (100, 3)] {
        let index = empty(FamilyKind::Srp, seed, dim, 64, 400);
        let (x, y) = frame(&mut generator(seed + 10), dim);
        for similarity in [
            0.9999_f64, 0.99, 0.9, 0.7, 0.5, 0.1, 0.0, -0.3, -0.8, -0.999,
        ] {
            let other = combine(similarity, &x, (1.0 - similarity * similarity).sqrt(), &y);
            // Neither length matters.
            let (a, b) = hash_pair(
                &index,
                &combine(3.0, &x, 0.0, &y),
                &other.iter().map(|x| x * 1e-3).collect::<Vec<_>>(),
            );
            let p = stats::collision_prob_cosine(similarity).unwrap();
            let what = format!("dim {dim}, similarity {similarity}");
            assert_rate(agreements(&a, &b), a.len(), p, &what);
        }
    }
}

#[test]
fn p_stable_hashes_agree_as_often_as_the_closed_form_says() {
    for (dim, r, seed) in [(1, 1.0, 1), (16, 4.0, 2), (100, 0.01, 3), (16, 1e20, 4)] {
        let index = empty(FamilyKind::L2 { r: Some(r) }, seed, dim, 64, 400);
        let mut generator = generator(seed + 20);
        let start = normal(&mut generator, dim);
        let direction = if dim == 1 {
            vec![1.0]
        } else {
            frame(&mut generator, dim).0
        };
        let r = f64::from(r);
        for widths in [0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 20.0] {
            let a = combine(3.0 * r, &start, 0.0, &direction);
            let b = combine(3.0 * r, &start, widths * r, &direction);
            let (a, b) = hash_pair(&index, &a, &b);
            let p = stats::collision_prob_l2(r, widths * r).unwrap();
            let what = format!("dim {dim}, distance {widths} r");
            assert_rate(agreements(&a, &b), a.len(), p, &what);
        }
    }
}

#[test]
fn points_meet_in_as_many_tables_as_the_power_of_one_hash_says() {
    const TABLES: usize = 10_000;
    let (dim, k) = (8, 5);
    let (x, y) = frame(&mut generator(5), dim);
    let meetings = |a: &[i32], b: &[i32]| {
        let tables = a.chunks(k).zip(b.chunks(k));
        tables.filter(|(a, b)| a == b).count()
    };
    let index = empty(FamilyKind::Srp, 1, dim, k, TABLES);
    for angle in [0.1_f64, 0.5, 1.0] {
        let other = combine(angle.cos(), &x, angle.sin(), &y);
        let (a, b) = hash_pair(&index, &combine(1.0, &x, 0.0, &y), &other);
        let p = stats::collision_prob_cosine(angle.cos()).unwrap();
        assert_rate(
            meetings(&a, &b),
            TABLES,
            p.powi(k as i32),
            &format!("angle {angle}"),
        );
    }
    let index = empty(FamilyKind::L2 { r: Some(4.0) }, 1, dim, k, TABLES);
    for distance in [0.3, 1.0, 3.0] {
        let other = combine(1.0, &x, distance, &y);
        let (a, b) = hash_pair(&index, &combine(1.0, &x, 0.0, &y), &other);
        let p = stats::collision_prob_l2(4.0, distance).unwrap();
        assert_rate(
            meetings(&a, &b),
            TABLES,
            p.powi(k as i32),
            &format!("distance {distance}"),
        );
    }
}

#[test]
fn planes_are_standard_normal_and_offsets_uniform() {
    let (planes, offsets): (Vec<_>, Vec<_>) =
        (0..200).map(|t| random::planes(7, t, 50, 20)).unzip();
    let x: Vec<f64> = planes.iter().flatten().map(|x| f64::from(*x)).collect();
    let n = x.len() as f64;
    let moment = |power| x.iter().map(|x| x.powi(power)).sum::<f64>() / n;
    // Moments of a normal variable: 0, 1, 0, 3, with variances 1, 2, 15, 96 a draw.
    for (power, expected, variance) in
        [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
    {
        let error = f64::sqrt(variance / n);
        assert!(
            (moment(power) - expected).abs() < 4.0 * error,
            "moment {power}"
        );
    }
    let offsets: Vec<f32> = offsets.concat();
    assert!(offsets.iter().all(|x| (0.0..1.0).contains(x)));
    for tenth in 1..10 {
        let below = offsets.iter().filter(|x| **x < tenth as f32 / 10.0).count();
        assert_rate(
            below,
            offsets.len(),
            f64::from(tenth) / 10.0,
            "offsets below",
        );
    }
}

fn families(seed: u64, dim: usize, k: usize, l: usize) -> [Box<dyn Family>; 2] {
    [
        Box::new(Srp::new(seed, dim, k, l)),
        Box::new(L2::new(seed, dim, k, l, 0.7)),
    ]
}

/// The key of hash values by its definition.
fn key_of(family: &dyn Family, seed: u64, values: &[i32]) -> u64 {
    if family.width().is_none() {
        values
            .iter()
            .enumerate()
            .fold(0, |key, (i, bit)| key | (*bit as u64) << i)
    } else {
        values
            .iter()
            .zip(random::key_factors(seed, values.len()))
            .fold(0, |key: u64, (value, factor)| {
                key.wrapping_add((i64::from(*value) as u64).wrapping_mul(factor))
            })
    }
}

#[test]
fn keys_are_made_of_hash_values_for_every_number_of_projections() {
    let (dim, l, rows, seed) = (5, 37, 21, 11);
    let data: Vec<f32> = normal(&mut generator(1), rows * dim)
        .iter()
        .map(|x| *x as f32)
        .collect();
    let view = RowsView::new(RowSlice::F32(&data), dim).unwrap();
    for k in [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64] {
        for family in families(seed, dim, k, l) {
            let family = family.as_ref();
            let prepared = Prepared::new("x", &view, family.metric()).unwrap();
            let keys = built::hash_rows(family, &prepared);
            let values = built::hash_values(family, &view, &Control::new()).unwrap();
            for row in 0..rows {
                for table in 0..l {
                    let values = &values[(row * l + table) * k..][..k];
                    assert_eq!(
                        keys[table * rows + row],
                        key_of(family, seed, values),
                        "{family:?}, k {k}, row {row}, table {table}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_scratch_that_was_larger_before_changes_no_key() {
    let (dim, k, l) = (3, 17, 16);
    let data: Vec<f32> = normal(&mut generator(2), 50 * dim)
        .iter()
        .map(|x| *x as f32)
        .collect();
    for family in families(3, dim, k, l) {
        let mut scratch = KeyScratch::default();
        let group = &family.planes().groups()[0];
        let kernels = Kernels::get();
        let keys_of = |rows: usize, scratch: &mut KeyScratch| {
            let mut projected = vec![0.0; rows * group.width()];
            group.project(kernels, &data[..rows * dim], dim, dim, &mut projected);
            let mut keys = vec![0; rows * group.tables()];
            family.keys(kernels, group, &projected, scratch, &mut keys);
            keys
        };
        keys_of(50, &mut scratch);
        for rows in [3, 1, 2] {
            assert_eq!(
                keys_of(rows, &mut scratch),
                keys_of(rows, &mut KeyScratch::default())
            );
        }
    }
}

#[test]
fn tables_of_a_smaller_index_are_the_first_ones_of_a_larger() {
    let dim = 9;
    let x: Vec<f32> = normal(&mut generator(3), 30 * dim)
        .iter()
        .map(|x| *x as f32)
        .collect();
    let view = RowsView::new(RowSlice::F32(&x), dim).unwrap();
    for kind in [FamilyKind::Srp, FamilyKind::L2 { r: Some(1.0) }] {
        for k in [3, 16, 20, 64] {
            let large = empty(kind, 5, dim, k, 50).hash(&view).unwrap();
            for l in [1, 2, 15, 16, 17, 33] {
                let small = empty(kind, 5, dim, k, l).hash(&view).unwrap();
                for (small, large) in small.chunks(l * k).zip(large.chunks(50 * k)) {
                    assert_eq!(small, &large[..l * k], "{kind:?}, k {k}, L {l}");
                }
            }
        }
    }
}

#[test]
fn seeds_differ_and_the_same_seed_does_not() {
    for kind in [FamilyKind::Srp, FamilyKind::L2 { r: Some(1.0) }] {
        let x = [0.3, -0.7, 1.9];
        let view = RowsView::new(RowSlice::F32(&x), 3).unwrap();
        let hash = |seed| empty(kind, seed, 3, 20, 5).hash(&view).unwrap();
        let seeds = [
            0,
            1,
            2,
            u64::from(u32::MAX),
            1 << 32,
            (1 << 53) - 1,
            u64::MAX,
        ];
        for (i, a) in seeds.iter().enumerate() {
            assert_eq!(hash(*a), hash(*a));
            for b in &seeds[..i] {
                assert_ne!(hash(*a), hash(*b), "seeds {a} and {b}");
            }
        }
    }
}

#[test]
fn a_move_leads_to_the_key_of_the_neighbouring_bucket() {
    let (dim, seed) = (6, 8);
    let kernels = Kernels::get();
    for k in [1, 15, 16, 17, 63, 64] {
        for family in families(seed, dim, k, 1) {
            let x: Vec<f32> = normal(&mut generator(4), dim)
                .iter()
                .map(|x| *x as f32)
                .collect();
            let group = &family.planes().groups()[0];
            let mut projected = vec![0.0; group.width()];
            group.project(kernels, &x, dim, dim, &mut projected);
            let mut values = vec![0; group.width()];
            family.values(kernels, &projected, &mut values);
            let home = key_of(family.as_ref(), seed, &values[..k]);
            let mut moves = Vec::new();
            let base = family.moves(&projected[..k], &mut moves);
            assert!(base >= 0.0 && base.is_finite());
            assert!(
                moves
                    .iter()
                    .all(|one| one.cost >= 0.0 && one.cost.is_finite())
            );

            let mut neighbours = Vec::new();
            for i in 0..k {
                let others: Vec<i32> = match family.width() {
                    None => vec![1 - values[i]],
                    Some(_) => vec![values[i] - 1, values[i] + 1],
                };
                for other in others {
                    let mut values = values[..k].to_vec();
                    values[i] = other;
                    neighbours.push((i as u8, key_of(family.as_ref(), seed, &values)));
                }
            }
            let mut reached: Vec<_> = moves
                .iter()
                .map(|one| (one.projection, home.wrapping_add(one.delta)))
                .collect();
            reached.sort_unstable();
            neighbours.sort_unstable();
            assert_eq!(reached, neighbours, "{family:?}");
        }
    }
}

/// Of many tables, count those where a neighbour at the distance that probing reckons with has the
/// query's own value, or that of each move, and compare with the probabilities claimed.
fn check_probabilities(family: &dyn Family, x: &[f32], neighbour: &[f32]) {
    let kernels = Kernels::get();
    let dim = x.len();
    let k = family.planes().projections();
    let (mut own, mut moved) = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0));
    let count = |sums: &mut (f64, f64, f64), p: f64, hit: bool| {
        sums.0 += p;
        sums.1 += p * (1.0 - p);
        sums.2 += f64::from(u8::from(hit));
    };
    for group in family.planes().groups() {
        let hash = |x: &[f32]| {
            let view = RowsView::new(RowSlice::F32(x), dim).unwrap();
            let prepared = Prepared::new("x", &view, family.metric()).unwrap();
            let mut buffer = Vec::new();
            let mut projected = vec![0.0; group.width()];
            let block = prepared.block(0..1, dim, &mut buffer);
            group.project(kernels, block, dim, dim, &mut projected);
            let mut keys = vec![0; group.tables()];
            family.keys(
                kernels,
                group,
                &projected,
                &mut KeyScratch::default(),
                &mut keys,
            );
            (projected, keys)
        };
        let ((projected, homes), (_, met)) = (hash(x), hash(neighbour));
        for table in 0..group.tables() {
            let mut moves = Vec::new();
            let base = f64::from(family.moves(&projected[table * k..][..k], &mut moves));
            count(&mut own, (-base).exp(), met[table] == homes[table]);
            for one in moves {
                let p = (-base - f64::from(one.cost)).exp();
                let key = homes[table].wrapping_add(one.delta);
                count(&mut moved, p, met[table] == key);
            }
        }
    }
    for (expected, variance, hits) in [own, moved] {
        assert!(expected > 100.0);
        assert!(
            (hits - expected).abs() < 4.0 * f64::sqrt(variance),
            "{hits} hits, {expected:.1} expected"
        );
    }
}

#[test]
fn probing_reckons_with_the_probabilities_of_a_near_neighbour() {
    let dim = 12;
    // The displacement stands at right angles to the point, so that it falls independently of
    // where the point has fallen, as the formulas have it.
    let (x, y) = frame(&mut generator(6), dim);
    let srp = Srp::new(1, dim, 4, 5000);
    check_probabilities(
        &srp,
        &combine(1.0, &x, 0.0, &y),
        &combine(0.35_f64.cos(), &x, 0.35_f64.sin(), &y),
    );
    let r = 3.0;
    let l2 = L2::new(1, dim, 4, 5000, r as f32);
    check_probabilities(
        &l2,
        &combine(20.0, &x, 0.0, &y),
        &combine(20.0, &x, 0.25 * r, &y),
    );
}

#[test]
fn projections_beyond_all_bounds_still_have_moves_of_finite_cost() {
    let srp = Srp::new(1, 2, 5, 1);
    let l2 = L2::new(1, 2, 5, 1, 1.0);
    let projected = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, -1e30];
    for family in [&srp as &dyn Family, &l2] {
        let mut moves = Vec::new();
        let base = family.moves(&projected, &mut moves);
        assert!(base >= 0.0 && base.is_finite(), "{base}");
        for one in moves {
            assert!(one.cost >= 0.0 && one.cost.is_finite(), "{one:?}");
        }
    }
}
