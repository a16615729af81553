//! An index gives the buckets, candidates and answers of a naive twin: hash maps, loops over
//! numbers, every probing set listed and sorted. No kernels, no keys, no tricks.

mod changes;
mod comparison;
mod kinds;
mod naive;

use proptest::prelude::*;
use rand::Rng;

use super::generator;
use crate::testing::config;
use crate::{Control, FamilyKind, Points, RowData, RowSlice, RowsView};
use comparison::check;
use kinds::{KINDS, Kind, numbered, queries, shape_of};
use naive::{Shape, Twin};

fn view(rows: &[f32], dim: usize) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), dim).unwrap()
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
