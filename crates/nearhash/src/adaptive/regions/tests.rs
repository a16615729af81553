use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::adaptive::codes::Bits;
use crate::adaptive::layout::Shape;
use crate::adaptive::projection::squared_distance;
use crate::control::Control;
use crate::metric::Metric;
use crate::points::{RowSlice, RowsView};
use crate::random::stream;

const AXES: usize = 48;
const CENTRE_AXES: usize = 32;

/// Points in forty clusters, that differ along all axes.
fn points(count: usize) -> Vec<f32> {
    let mut random = stream(3, 0);
    let mut normal = |count: usize| -> Vec<f32> {
        let number = |_| random.sample::<f32, _>(StandardNormal);
        (0..count).map(number).collect()
    };
    let (middles, mut y) = (normal(40 * AXES), normal(count * AXES));
    for (i, y) in y.chunks_exact_mut(AXES).enumerate() {
        let middle = &middles[i * 7 % 40 * AXES..][..AXES];
        y.iter_mut()
            .zip(middle)
            .for_each(|(y, m)| *y = 0.4 * *y + m);
    }
    y
}

fn layout(region_size: usize) -> Layout {
    Layout {
        axes: AXES,
        centre_axes: CENTRE_AXES,
        bits: Bits::Four,
        bucket_size: 20,
        region_size,
        settle: 1,
    }
}

/// Mean squared distance of points from the mean of their part, along the axes of centres.
fn spread(y: &[f32], members: &[Member], sizes: &[usize]) -> f32 {
    let (mut first, mut sum) = (0, 0.0);
    for size in sizes {
        let part = &members[first..first + size];
        first += size;
        let row = |member: &Member| &y[member.row as usize * AXES..][..CENTRE_AXES];
        let mut mean = vec![0.0; CENTRE_AXES];
        for member in part {
            mean.iter_mut()
                .zip(row(member))
                .for_each(|(m, x)| *m += x / *size as f32);
        }
        let far = part.iter().map(|m| squared_distance(row(m), &mean));
        sum += far.sum::<f32>();
    }
    sum / members.len() as f32
}

#[test]
fn every_point_is_in_one_region_and_regions_are_narrower_than_those_of_hashes() {
    let y = points(5003);
    let rows: Vec<u32> = (0..5003).collect();
    let parted = in_regions(&y, &layout(200));
    assert_eq!(parted.sizes.iter().sum::<usize>(), 5003);
    assert!(parted.sizes.iter().all(|size| *size > 0));
    let mut seen: Vec<u32> = parted.members.iter().map(|m| m.row).collect();
    seen.sort_unstable();
    assert_eq!(seen, rows);
    for member in &parted.members {
        assert_eq!(member.leading, y[member.row as usize * AXES..][..16]);
    }
    let mut hashed = members(&y, AXES, &rows);
    let sizes = grow(&mut hashed, 200);
    let [by_means, by_hashes] = [(&parted.members, &parted.sizes), (&hashed, &sizes)]
        .map(|(members, sizes)| spread(&y, members, sizes));
    assert!(by_means < 0.8 * by_hashes, "{by_means} {by_hashes}");
}

#[test]
fn points_that_are_all_equal_are_one_region() {
    let y = vec![0.5; 1000 * AXES];
    let parted = in_regions(&y, &layout(100));
    assert_eq!(parted.sizes, [1000]);
}

#[test]
fn the_number_of_threads_moves_no_point() {
    let y = points(3000);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let parted = pool
            .build()
            .unwrap()
            .install(|| in_regions(&y, &layout(100)));
        let rows: Vec<u32> = parted.members.iter().map(|m| m.row).collect();
        (rows, parted.sizes)
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn means_are_those_of_the_members_and_regions_without_keep_theirs() {
    let y = points(6);
    let mut means = vec![7.0; 3 * AXES];
    take_means(&y, &[0, 2, 0, 2, 0, 0], &mut means, AXES);
    for i in 0..AXES {
        let at = |row: usize| y[row * AXES + i];
        let first = (at(0) + at(2) + at(4) + at(5)) / 4.0;
        assert!((means[i] - first).abs() < 1e-6);
        assert_eq!(means[AXES + i], 7.0);
        assert!((means[2 * AXES + i] - (at(1) + at(3)) / 2.0).abs() < 1e-6);
    }
}

/// A model in regions of points that vary along so many dimensions.
fn model(dim: usize, regions_from: usize) -> Model {
    let mut random = stream(9, 0);
    let rows: Vec<f32> = (0..30_000 * dim)
        .map(|_| random.sample(StandardNormal))
        .collect();
    let rows = RowsView::new(RowSlice::F32(&rows), dim).unwrap();
    let shape = Shape {
        regions_from,
        ..Shape::default()
    };
    Model::fit(&rows, Metric::Euclidean, shape, 1, &Control::new()).unwrap()
}

#[test]
fn the_more_axes_vary_the_fewer_regions_open_at_once() {
    let [flat, wide] = [3, 64].map(|dim| model(dim, 0));
    assert_eq!(flat.centres.towards, TOWARDS);
    assert!(wide.centres.heads().is_some());
    assert!(wide.centres.towards < TOWARDS && wide.centres.towards > 0.0);
    assert_eq!(model(3, usize::MAX).measured_towards(), TOWARDS);
}
