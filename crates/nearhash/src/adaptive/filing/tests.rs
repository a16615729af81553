use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::adaptive::codes::Bits;
use crate::random::stream;

const AXES: usize = 16;

/// Points in a hundred clusters.
fn points(count: usize) -> Vec<f32> {
    let mut random = stream(1, 0);
    let mut normal = |count: usize| -> Vec<f32> {
        let number = |_| random.sample::<f32, _>(StandardNormal);
        (0..count).map(number).collect()
    };
    let (middles, mut y) = (normal(100 * AXES), normal(count * AXES));
    for (i, y) in y.chunks_exact_mut(AXES).enumerate() {
        let middle = &middles[i * 37 % 100 * AXES..][..AXES];
        y.iter_mut()
            .zip(middle)
            .for_each(|(y, m)| *y = 0.5 * *y + m);
    }
    y
}

fn settled(y: &[f32], bucket_size: usize, settle: usize) -> Filed {
    let rows = y.len() / AXES;
    let layout = Layout {
        axes: AXES,
        centre_axes: AXES,
        bits: Bits::Four,
        bucket_size,
        region_size: rows,
        settle,
    };
    let held_out: Vec<bool> = (0..rows).map(|row| row % 50 == 3).collect();
    let mut filed = Filed::by_hashes(y.to_vec(), vec![0.0; rows], &layout);
    filed.take_means(&held_out);
    let done = filed.settle(&layout, &held_out, &Control::new());
    done.unwrap();
    filed
}

/// Mean squared distance of the points from the means of their buckets.
fn spread(filed: &Filed) -> f32 {
    let rows = filed.y.chunks_exact(AXES).zip(&filed.bucket_of);
    let sum: f32 = rows
        .map(|(y, b)| squared_distance(y, &filed.means[*b as usize * AXES..][..AXES]))
        .sum();
    sum / filed.bucket_of.len() as f32
}

#[test]
fn rounds_of_half_of_the_points_bring_them_nearer_to_their_centres() {
    let y = points(10_001);
    for bucket_size in [40, 100] {
        let spreads: Vec<f32> = [0, 1, 2, 4, 6]
            .iter()
            .map(|settle| spread(&settled(&y, bucket_size, *settle)))
            .collect();
        assert!(
            spreads.windows(2).all(|pair| pair[1] < pair[0]),
            "{spreads:?}"
        );
    }
}

#[test]
fn the_number_of_threads_moves_no_point() {
    let y = points(5000);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let filed = pool.build().unwrap().install(|| settled(&y, 100, 4));
        (filed.bucket_of, filed.means)
    };
    assert_eq!(with(1), with(3));
}
