//! Parameters that were left out, and what `bucket_size` makes of them.

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Metric, Points, PredictOptions, RowData, exact,
};

use crate::photos::{COUNTS, DIM, SCALED};
use crate::{SRP, fitted, l2, normal, options, points, view, with_threads};

const AUTO: [(FamilyKind, Metric); 2] = [
    (SRP, Metric::Cosine),
    (FamilyKind::L2 { r: None }, Metric::Euclidean),
];

fn left_out(family: FamilyKind) -> LshOptions {
    LshOptions {
        family,
        ..LshOptions::default()
    }
}

/// k, L and r.
fn chosen(index: &LshIndex) -> (usize, usize, Option<f32>) {
    let description = index.describe();
    assert_eq!(description.r, index.r());
    (
        description.n_projections.unwrap(),
        description.n_hash_tables.unwrap(),
        description.r,
    )
}

#[test]
fn chosen_parameters_find_most_neighbours_in_base_probing() {
    // From all over the set, which is sorted by what the photos show: some parts of it are denser
    // than others.
    let queries: Vec<f32> = SCALED.chunks(DIM).step_by(160).flatten().copied().collect();
    let (all, queries) = (view(&SCALED, DIM), view(&queries, DIM));
    let control = Control::new();
    for (family, metric) in AUTO {
        let truth = exact::knn(&all, &queries, 11, metric, &control).unwrap();
        for seed in [0, 1, 2] {
            let options = LshOptions {
                seed,
                ..left_out(family)
            };
            let index = fitted(options, &SCALED, DIM);
            let options = PredictOptions {
                top_k: 11,
                ..PredictOptions::default()
            };
            let found = index.predict(&queries, &options, &control).unwrap();
            let hits: usize = (0..200)
                .map(|i| {
                    let places = found.offsets[i] as usize..found.offsets[i + 1] as usize;
                    let farthest = truth.distances[i * 11 + 10];
                    let near = found.distances[places].iter();
                    // The query itself does not count.
                    near.filter(|distance| **distance <= farthest).count() - 1
                })
                .sum();
            let recall = hits as f64 / 2000.0;
            assert!(recall >= 0.85, "{:?}: recall {recall}", chosen(&index));
            // And not by looking at everything.
            let mean = found.collisions.iter().sum::<u32>() / 200;
            assert!(mean < 32_000 / 8, "{mean} candidates a query");
        }
    }
}

#[test]
fn the_same_data_and_seed_choose_the_same_whatever_the_threads_and_types() {
    for (family, _) in AUTO {
        let counts = &COUNTS[..3000 * DIM];
        let floats: Vec<f32> = counts.iter().map(|x| f32::from(*x)).collect();
        let choose = |data: RowData| {
            let index = LshIndex::new(left_out(family)).unwrap();
            let points = Points::new(data, DIM).unwrap();
            index.fit(points, &Control::new()).unwrap();
            chosen(&index)
        };
        let one = with_threads(1, || choose(RowData::F32(floats.clone())));
        for threads in [1, 2, 5] {
            let found = with_threads(threads, || choose(RowData::F32(floats.clone())));
            assert_eq!(found, one);
            let found = with_threads(threads, || choose(RowData::I16(counts.to_vec())));
            assert_eq!(found, one);
        }
    }
}

#[test]
fn what_was_given_is_kept_and_only_the_rest_is_chosen() {
    let rows = &SCALED[..2000 * DIM];
    let none = LshOptions::default();
    for (family, k, l) in [
        (SRP, Some(9), None),
        (SRP, None, Some(7)),
        (l2(3.0), Some(9), None),
        (l2(3.0), None, Some(7)),
        (l2(3.0), None, None),
        (FamilyKind::L2 { r: None }, Some(9), Some(7)),
    ] {
        let options = LshOptions {
            family,
            n_projections: k,
            n_hash_tables: l,
            ..none.clone()
        };
        let index = LshIndex::new(options).unwrap();
        let before = index.describe();
        assert_eq!((before.n_projections, before.n_hash_tables), (k, l));
        assert!(before.tables.is_empty());
        index.fit(points(rows, DIM), &Control::new()).unwrap();
        let (found_k, found_l, r) = chosen(&index);
        assert!((1..=64).contains(&found_k) && (1..=10_000).contains(&found_l));
        assert!(k.is_none_or(|k| k == found_k));
        assert!(l.is_none_or(|l| l == found_l));
        match family {
            FamilyKind::L2 { r: Some(given) } => assert_eq!(r, Some(given)),
            FamilyKind::L2 { r: None } => assert!(r.unwrap() > 0.0),
            _ => assert_eq!(r, None),
        }
        assert_eq!(index.describe().tables.len(), found_l);
    }
}

#[test]
fn the_chosen_width_is_four_times_the_distance_of_the_tenth_neighbour() {
    let rows = &SCALED[..4000 * DIM];
    let all = view(rows, DIM);
    let found = exact::knn(&all, &all, 11, Metric::Euclidean, &Control::new()).unwrap();
    let mut tenth: Vec<f32> = found.distances.chunks(11).map(|row| row[10]).collect();
    tenth.sort_unstable_by(f32::total_cmp);
    let r = chosen(&fitted(left_out(FamilyKind::L2 { r: None }), rows, DIM)).2;
    // A sample knows the median about.
    let (low, high) = (4.0 * tenth[1200], 4.0 * tenth[2800]);
    assert!((low..high).contains(&r.unwrap()), "{r:?}");
}

#[test]
fn the_scale_of_the_data_changes_the_width_alone() {
    let rows = normal(1, 1000 * 8);
    let at = |scale: f32| {
        let rows: Vec<f32> = rows.iter().map(|x| x * scale).collect();
        chosen(&fitted(left_out(FamilyKind::L2 { r: None }), &rows, 8))
    };
    let (k, l, r) = at(1.0);
    for scale in [2.0_f32.powi(-40), 2.0_f32.powi(40)] {
        assert_eq!(at(scale), (k, l, r.map(|r| r * scale)));
    }
}

#[test]
fn a_bucket_size_gives_the_logarithm_of_rows_over_it() {
    for (rows, bucket_size, k) in [
        (1000, 100, 3),
        (1024, 1, 10),
        (1023, 1, 9),
        (1000, 250, 2),
        (1000, 251, 1),
        // Never fewer than one function.
        (1000, 500, 1),
        (1000, 1000, 1),
        (1000, 1_000_000, 1),
        (1, 1, 1),
        (32_000, 16, 10),
    ] {
        for (family, _) in AUTO {
            let options = LshOptions {
                bucket_size: Some(bucket_size),
                n_hash_tables: Some(2),
                ..left_out(family)
            };
            let index = fitted(options, &normal(2, rows * 2), 2);
            assert_eq!(chosen(&index).0, k, "{rows} rows, {bucket_size} a bucket");
        }
    }
}

#[test]
fn duplicates_and_constant_data_can_be_fitted_and_searched() {
    let some = normal(3, 6);
    // Three points a hundred times each; the same one everywhere; with r given, too.
    let duplicates: Vec<f32> = (0..300)
        .flat_map(|i| &some[i % 3 * 2..][..2])
        .copied()
        .collect();
    let constant = [2.5, -1.0].repeat(300);
    for rows in [&duplicates, &constant] {
        for family in [SRP, FamilyKind::L2 { r: None }, l2(1.0)] {
            let index = fitted(left_out(family), rows, 2);
            let found = index
                .search(&view(&rows[..2], 2), 5, &Control::new())
                .unwrap();
            assert_eq!(found.counts, [5], "{family:?}");
            assert_eq!(found.distances, [0.0; 5]);
            assert!(found.ids.is_sorted_by(|a, b| a < b));
            assert_eq!(found.ids[0], 0);
        }
    }
}

#[test]
fn few_points_can_be_fitted_and_searched() {
    for count in [1, 2, 3, 11] {
        for dim in [1, 5] {
            let rows = normal(4, count * dim);
            for (family, _) in AUTO {
                let index = fitted(left_out(family), &rows, dim);
                for (i, row) in (0..).zip(rows.chunks(dim)) {
                    let found = index.search(&view(row, dim), 3, &Control::new()).unwrap();
                    // In one dimension all points of a sign have the same direction.
                    assert_eq!(found.distances[0], 0.0);
                    assert!(found.ids[0] == i || dim == 1);
                }
            }
        }
    }
}

#[test]
fn a_set_larger_than_the_sample_is_compared_with_a_part_of_it() {
    // 65,536 points stand for all others.
    let rows = normal(5, 70_000 * 2);
    for (family, _) in AUTO {
        let index = fitted(left_out(family), &rows, 2);
        let found = index
            .search(&view(&rows[..40], 2), 1, &Control::new())
            .unwrap();
        assert_eq!(found.distances, [0.0; 20]);
    }
    let index = fitted(options(SRP, 3, 2), &rows, 2);
    assert_eq!(chosen(&index), (3, 2, None));
}
