//! What is drawn at random: planes, key factors, samples. Every table has a stream of its own: table
//! t is the same however many tables there are, and tables can be drawn in any order.

use ndarray::Array2;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use crate::random::stream;

const KEY_STREAM: u64 = u64::MAX;
const SAMPLE_STREAM: u64 = u64::MAX - 1;

/// The hyperplanes of one table, a plane a row: independent standard normal coordinates. Then one
/// number in [0, 1) a plane.
pub(crate) fn planes(
    seed: u64,
    table: usize,
    projections: usize,
    dim: usize,
) -> (Array2<f32>, Vec<f32>) {
    let mut generator = stream(seed, table as u64);
    let planes = Array2::from_shape_simple_fn((projections, dim), || {
        generator.sample::<f32, _>(StandardNormal)
    });
    let offsets = (0..projections).map(|_| generator.random()).collect();
    (planes, offsets)
}

/// Odd factors that make a key out of integers.
pub(crate) fn key_factors(seed: u64, projections: usize) -> Vec<u64> {
    let mut generator = stream(seed, KEY_STREAM);
    (0..projections).map(|_| generator.next_u64() | 1).collect()
}

/// `count` different rows of `rows`, ascending; all of them when there are no more.
pub(crate) fn sample_rows(seed: u64, rows: usize, count: usize) -> Vec<usize> {
    if count >= rows {
        return (0..rows).collect();
    }
    let mut generator = stream(seed, SAMPLE_STREAM);
    let mut sample = std::collections::BTreeSet::new();
    while sample.len() < count {
        sample.insert(generator.random_range(0..rows as u64) as usize);
    }
    sample.into_iter().collect()
}
