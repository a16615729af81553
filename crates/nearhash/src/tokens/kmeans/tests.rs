use proptest::prelude::*;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::super::random::group_stream;
use super::*;
use crate::testing::config;

fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut generator = group_stream(seed, 9);
    (0..count)
        .map(|_| generator.sample::<f32, _>(StandardNormal))
        .collect()
}

fn found(rows: &[f32], dim: usize, clusters: usize, iterations: usize) -> Group {
    let mut generator = group_stream(5, 0);
    cluster(
        rows,
        dim,
        clusters,
        iterations,
        &mut generator,
        &Control::new(),
    )
    .unwrap()
}

fn square(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| {
        let difference = a - b;
        difference.mul_add(difference, sum)
    })
}

/// The nearest centroid by a plain loop, the lowest of equally near ones.
fn nearest(centroids: &[f32], row: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::INFINITY);
    for (c, centroid) in centroids.chunks(row.len()).enumerate() {
        let square = square(row, centroid);
        if square < best.1 {
            best = (c, square);
        }
    }
    best
}

fn inertia(group: &Group, rows: &[f32]) -> f64 {
    let centroids = group.centroids();
    rows.chunks(group.dim())
        .map(|row| f64::from(nearest(&centroids, row).1))
        .sum()
}

fn check_assignment(rows: &[f32], centroids: &[f32], dim: usize) {
    let group = Group::new(centroids, dim);
    assert_eq!(group.centroids(), centroids);
    for kernels in Kernels::available() {
        let mut seen = 0;
        group.assign(
            kernels,
            rows,
            dim,
            &mut Vec::new(),
            |row, cluster, distance| {
                assert_eq!(row, seen);
                let expected = nearest(centroids, &rows[row * dim..][..dim]);
                assert_eq!((cluster, distance), expected, "row {row}");
                seen += 1;
            },
        );
        assert_eq!(seen, rows.len() / dim);
    }
}

#[test]
fn rows_go_to_their_nearest_centroid_for_every_number_of_clusters() {
    for clusters in (1..=40).chain([255, 256, 257]) {
        for dim in [1, 3, 16] {
            let centroids = normal(clusters as u64, clusters * dim);
            check_assignment(&normal(2, 37 * dim), &centroids, dim);
        }
    }
}

proptest! {
    #![proptest_config(config(64))]

    /// Few different numbers make many ties.
    #[test]
    fn of_equally_near_centroids_the_first_is_taken(
        rows in prop::collection::vec(-2_i8..=2, 1..60),
        centroids in prop::collection::vec(-2_i8..=2, 1..60),
        dim in 1_usize..4,
    ) {
        let cut = |values: &[i8]| -> Vec<f32> {
            let whole = values.len().max(dim) / dim * dim;
            values.iter().cycle().take(whole).map(|x| f32::from(*x)).collect()
        };
        check_assignment(&cut(&rows), &cut(&centroids), dim);
    }

    #[test]
    fn no_cluster_is_left_without_rows_while_rows_differ(
        rows in prop::collection::vec(-3_i8..=3, 1..80),
        clusters in 1_usize..20,
    ) {
        let rows: Vec<f32> = rows.iter().map(|x| f32::from(*x)).collect();
        let mut different: Vec<i32> = rows.iter().map(|x| *x as i32).collect();
        different.sort_unstable();
        different.dedup();
        let group = found(&rows, 1, clusters, 10);
        prop_assert_eq!(group.clusters(), clusters.min(different.len()));
        if clusters >= different.len() {
            prop_assert_eq!(inertia(&group, &rows), 0.0);
        }
    }
}

#[test]
fn well_separated_clumps_are_found_exactly() {
    let centres = [
        [0.0, 0.0],
        [100.0, 0.0],
        [0.0, 100.0],
        [-100.0, 50.0],
        [70.0, 70.0],
    ];
    let noise = normal(3, 2 * 500);
    let rows: Vec<f32> = noise
        .chunks(2)
        .enumerate()
        .flat_map(|(i, noise)| {
            let centre = centres[i % centres.len()];
            [centre[0] + noise[0], centre[1] + noise[1]]
        })
        .collect();
    let centroids = found(&rows, 2, centres.len(), 10).centroids();
    for centre in centres {
        let (_, square) = nearest(&centroids, &centre);
        assert!(square < 0.1, "{centre:?} is {square} away");
    }
}

#[test]
fn iterations_bring_centroids_closer() {
    let rows = normal(4, 4000 * 5);
    let sums: Vec<f64> = [1, 2, 4, 16]
        .map(|iterations| inertia(&found(&rows, 5, 32, iterations), &rows))
        .to_vec();
    assert!(sums.windows(2).all(|pair| pair[1] < pair[0]), "{sums:?}");
    // Rows that were drawn as they come, for comparison.
    assert!(sums[3] < 0.9 * inertia(&Group::new(&rows[..32 * 5], 5), &rows));
}

#[test]
fn a_centroid_is_the_mean_of_its_rows() {
    let rows = normal(6, 3000 * 3);
    let group = found(&rows, 3, 8, 1000);
    let centroids = group.centroids();
    let mut sums = vec![[0.0_f64; 4]; 8];
    for row in rows.chunks(3) {
        let sum = &mut sums[nearest(&centroids, row).0];
        (0..3).for_each(|j| sum[j] += f64::from(row[j]));
        sum[3] += 1.0;
    }
    for (centroid, sum) in centroids.chunks(3).zip(sums) {
        for j in 0..3 {
            assert!((f64::from(centroid[j]) - sum[j] / sum[3]).abs() < 0.02);
        }
    }
}

#[test]
fn equal_rows_make_one_cluster_and_zeros_of_both_signs_are_equal() {
    let one = found(&[2.5; 40], 2, 8, 10);
    assert_eq!(one.centroids(), [2.5, 2.5]);
    let zeros: Vec<f32> = [0.0, -0.0].repeat(20);
    assert_eq!(found(&zeros, 1, 8, 10).clusters(), 1);
}

#[test]
fn rows_that_are_rare_get_a_cluster_too() {
    // Seeds are drawn from every n-th row, which all are equal here.
    let mut rows = vec![1.0; 1000];
    rows[3] = 5.0;
    rows[501] = -4.0;
    let mut centroids = found(&rows, 1, 3, 10).centroids();
    centroids.sort_unstable_by(f32::total_cmp);
    assert_eq!(centroids, [-4.0, 1.0, 5.0]);
}

#[test]
fn an_empty_cluster_takes_the_farthest_row_of_one_that_can_spare_it() {
    // Cluster 1 has a single row, however far; cluster 0 spares its farthest one.
    let mut assigned = vec![(0, 1.0), (0, 4.0), (0, 2.0), (1, 9.0)];
    repair(&mut assigned, 4);
    assert_eq!(assigned, [(0, 1.0), (2, 0.0), (3, 0.0), (1, 9.0)]);
    // Nothing to spare: rows equal to their centroids stay.
    let mut assigned = vec![(0, 0.0), (0, 0.0)];
    repair(&mut assigned, 2);
    assert_eq!(assigned, [(0, 0.0), (0, 0.0)]);
}

#[test]
fn clusters_do_not_depend_on_the_number_of_threads() {
    let rows = normal(7, 5000 * 4);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| found(&rows, 4, 50, 10))
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn clustering_stops_when_it_is_cancelled() {
    let control = Control::new();
    control.cancel();
    let mut generator = group_stream(1, 0);
    let result = cluster(&[1.0, 2.0], 1, 2, 10, &mut generator, &control);
    assert_eq!(result, Err(crate::Error::Cancelled));
}
