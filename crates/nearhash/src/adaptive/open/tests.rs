use super::*;
use crate::kernel::padded_width;

const DIM: usize = 5;

fn row(i: u32) -> [f32; DIM] {
    std::array::from_fn(|j| ((i * 37 + j as u32 * 11) % 23) as f32 - 11.0)
}

/// Offer to the three nearest, with whatever is left in the scratch lists.
fn nearest(
    open: &Open,
    query: &[f32; DIM],
    wide: bool,
    admits: impl Fn(u32) -> bool,
) -> Vec<(u32, f32)> {
    let mut padded = vec![0.0; padded_width(DIM)];
    padded[..DIM].copy_from_slice(query);
    let (mut slots, mut squared) = (vec![9; 40], vec![-1.0; 7]);
    let mut top = TopK::default();
    top.reset(3);
    let lists = (&mut slots, &mut squared);
    let metric = Metric::Euclidean;
    open.offer(
        Kernels::get(),
        metric,
        &padded,
        wide,
        lists,
        admits,
        &mut top,
    );
    top.drain().collect()
}

#[test]
fn points_come_and_go_and_the_others_stay() {
    let mut open = Open::new(DIM);
    let mut model: Vec<u32> = Vec::new();
    for step in 0..300_u32 {
        if step % 3 == 2 {
            let id = model.swap_remove((step * 7) as usize % model.len());
            open.remove(open.slot(id).unwrap());
        } else {
            open.add(step, &row(step), None);
            model.push(step);
        }
        assert_eq!(open.len(), model.len());
        for id in &model {
            assert_eq!(open.row(open.slot(*id).unwrap()), row(*id));
        }
        assert_eq!(open.slot(step + 1), None);
        // The kernels may read sixteen values from any of a row's.
        assert_eq!(open.rows.len(), open.len() * DIM + SLACK);
    }
    while let Some(id) = model.pop() {
        open.remove(open.slot(id).unwrap());
    }
    assert_eq!(open.len(), 0);
    assert!(nearest(&open, &row(1), false, |_| true).is_empty());
}

#[test]
fn the_nearest_of_those_admitted_are_offered_ties_to_the_lower_id() {
    let mut open = Open::new(DIM);
    for id in (0..200).rev() {
        open.add(id, &row(id), None);
    }
    for i in 0..50 {
        let query = row(i * 3 + 1000).map(|x| x + 0.25);
        for part in [1, 2, 70, 500] {
            let mut all: Vec<(f32, u32)> = (0..200)
                .filter(|id| id % part == 0)
                .map(|id| (wide_distance(&query, &row(id)), id))
                .collect();
            all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let expected: Vec<u32> = all.iter().take(3).map(|x| x.1).collect();
            for wide in [false, true] {
                let found = nearest(&open, &query, wide, |id| id % part == 0);
                let ids: Vec<u32> = found.iter().map(|x| x.0).collect();
                assert_eq!(ids, expected);
            }
        }
    }
}

#[test]
fn norms_go_with_their_points() {
    let mut open = Open::new(2);
    for (id, x) in [(3, 1.0_f32), (4, 2.0), (5, 4.0)] {
        open.add(id, &[x, 0.0], Some(1.0 / x));
    }
    open.remove(open.slot(3).unwrap());
    let mut top = TopK::default();
    top.reset(5);
    let mut query = vec![0.0; padded_width(2)];
    query[0] = 1.0;
    let lists = (&mut Vec::new(), &mut Vec::new());
    let metric = Metric::Cosine;
    open.offer(
        Kernels::get(),
        metric,
        &query,
        false,
        lists,
        |_| true,
        &mut top,
    );
    assert!(top.drain().eq([(4, 0.0), (5, 0.0)]));
}

#[test]
fn the_largest_number_that_ever_was_is_remembered() {
    let mut open = Open::new(1);
    assert_eq!(open.magnitude(), 0.0);
    for (id, x) in [(0, 1.0), (1, -7.0), (2, 3.0)] {
        open.add(id, &[x], None);
    }
    assert_eq!(open.magnitude(), 7.0);
    assert!(open.memory_bytes() >= 3 * 8);
}
