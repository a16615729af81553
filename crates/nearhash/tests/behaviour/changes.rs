//! Points stored, updated and deleted after fit: claims that hold for every kind of index.

mod lsh;

use nearhash::Control;

use crate::point_index::every_kind;
use crate::{normal, points, view};

const DIM: usize = 5;

#[test]
fn ids_go_on_and_are_never_given_twice() {
    for index in every_kind(&normal(1, 10 * DIM), DIM) {
        let control = Control::new();
        let row = normal(2, DIM);
        let row = view(&row, DIM);
        assert_eq!(index.store(&row, &control), Ok(10..11));
        assert_eq!(index.delete(10), Ok(1));
        assert_eq!(index.store(&row, &control), Ok(11..12));
        // Not even where so many are stored that all are hashed anew.
        let many = normal(3, 5000 * DIM);
        assert_eq!(index.delete(11), Ok(1));
        assert_eq!(index.store(&view(&many, DIM), &control), Ok(12..5012));
        assert_eq!(index.delete(5011), Ok(1));
        assert_eq!(index.store(&row, &control), Ok(5012..5013));
        let more = view(&many[..500 * DIM], DIM);
        assert_eq!(index.store(&more, &control), Ok(5013..5513));
        assert_eq!(index.vector(5011), None);
        assert_eq!(index.size(), 5510);
        // Only fit starts anew.
        index.fit(points(&many, DIM), &control).unwrap();
        assert_eq!(index.store(&row, &control), Ok(5000..5001));
    }
}

#[test]
fn an_updated_point_is_found_at_its_new_place_only() {
    // Too few for buckets where there need not be any, and enough.
    for count in [100, 1200] {
        let rows = normal(4, count * DIM);
        let there = [50.0, -40.0, 30.0, -20.0, 10.0];
        let home = &rows[7 * DIM..][..DIM];
        for index in every_kind(&rows, DIM) {
            let nearest = |row: &[f32]| {
                let found = index.nearest(&view(row, DIM), 1);
                (found.ids[0], found.distances[0])
            };
            for _ in 0..2 {
                index.update(7, &view(&there, DIM)).unwrap();
                assert_eq!(nearest(&there), (7, 0.0));
                assert_eq!(index.vector(7).unwrap(), there);
                assert_ne!(nearest(home).0, 7);
                assert_eq!(index.size(), count);
                // And back again.
                index.update(7, &view(home, DIM)).unwrap();
                assert_eq!(nearest(home), (7, 0.0));
            }
        }
    }
}

#[test]
fn all_equal_vectors_go_and_no_near_ones() {
    let rows = normal(4, 1200 * DIM);
    for index in every_kind(&rows, DIM) {
        let control = Control::new();
        let row = [1.0_f32, 2.0, 3.0, 0.0, 5.0];
        let mut near = row;
        near[4] = f32::from_bits(near[4].to_bits() + 1);
        for _ in 0..3 {
            index.store(&view(&row, DIM), &control).unwrap();
        }
        index.store(&view(&near, DIM), &control).unwrap();
        index.update(20, &view(&row, DIM)).unwrap();
        // One of those that were fitted, too.
        let fitted = &rows[30 * DIM..][..DIM];
        assert_eq!(index.delete_equal(&view(fitted, DIM)), Ok(1));
        assert_eq!(index.vector(30), None);
        // Zeros of either sign are equal numbers.
        let mut same = row;
        same[3] = -0.0;
        assert_eq!(index.delete_equal(&view(&same, DIM)), Ok(4));
        assert_eq!(index.delete_equal(&view(&row, DIM)), Ok(0));
        assert_eq!(index.vector(1203).unwrap(), near);
        assert_eq!(index.size(), 1199);
    }
}

#[test]
fn an_index_can_lose_all_points_and_get_new_ones() {
    for count in [30, 1100] {
        let rows = normal(6, count * DIM);
        let all = view(&rows, DIM);
        let n = count as u32;
        for index in every_kind(&rows, DIM) {
            for id in 0..n {
                assert_eq!(index.delete(id), Ok(1));
            }
            assert_eq!(index.size(), 0);
            for found in [index.nearest(&all, 2), index.nearest_of_all(&all, 2)] {
                assert_eq!(found.counts, vec![0; count]);
            }
            assert_eq!(index.store(&all, &Control::new()), Ok(n..2 * n));
            let found = index.nearest_of_all(&all, 1);
            assert!(found.ids.into_iter().eq(n..2 * n));
        }
    }
}

#[test]
fn reset_forgets_the_points() {
    let rows = normal(7, 1100 * DIM);
    let queries = view(&rows[..50 * DIM], DIM);
    for index in every_kind(&rows, DIM) {
        let before = index.nearest(&queries, 5);
        index.reset().unwrap();
        assert_eq!((index.size(), index.dim()), (0, None));
        assert_eq!(index.vector(0), None);
        assert_eq!(index.memory_bytes(), 0);
        index.fit(points(&rows, DIM), &Control::new()).unwrap();
        assert_eq!(index.nearest(&queries, 5), before);
    }
}

#[test]
fn updates_without_end_take_no_memory_without_end() {
    const COUNT: usize = 1200;
    let rows = normal(8, COUNT * DIM);
    let all = view(&rows, DIM);
    for (index, twin) in every_kind(&rows, DIM)
        .into_iter()
        .zip(every_kind(&rows, DIM))
    {
        let update = |id: usize, from: usize| {
            let row = view(&rows[from * DIM..][..DIM], DIM);
            index.update(id as u32, &row).unwrap();
        };
        let mut most = 0;
        for i in 0..20_000 {
            update(i % COUNT, (i * 7) % COUNT);
            if i < 5000 {
                most = most.max(index.memory_bytes());
            }
        }
        assert!(index.memory_bytes() <= most);
        assert_eq!(index.size(), COUNT);
        // Back to where they were: the answers are those of a new index.
        (0..COUNT).for_each(|i| update(i, i));
        assert_eq!(index.nearest_of_all(&all, 5), twin.nearest_of_all(&all, 5));
    }
}
