//! An index that was changed is that of what is left.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::comparison::check;
use super::kinds::{Kind, numbered, queries, shape_of};
use super::naive::{Shape, Twin};
use super::view;
use crate::lsh::tests::generator;
use crate::{Control, Points, RowData};

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
