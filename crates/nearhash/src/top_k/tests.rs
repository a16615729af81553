//! The heap keeps what sorting everything would.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::testing::config;

/// The k first by (distance, id).
fn sorted(metric: Metric, squared: &[f32], ids: &[u32], k: usize) -> Vec<(u32, f32)> {
    let mut all: Vec<(f32, u32)> = squared
        .iter()
        .map(|x| metric.distance(*x))
        .zip(ids.iter().copied())
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(k);
    all.into_iter()
        .map(|(distance, id)| (id, distance))
        .collect()
}

#[test]
fn nothing_is_kept_of_nothing_or_for_nobody() {
    let mut top = TopK::default();
    top.reset(3);
    assert_eq!(top.drain().len(), 0);
    top.reset(0);
    top.offer(Metric::Euclidean, 1.0, 1);
    top.offer_squared(Metric::Euclidean, &[0.0; 40], |i| i as u32);
    assert_eq!(top.drain().len(), 0);
}

#[test]
fn ties_go_to_the_lower_id_in_whatever_order_they_come() {
    for ids in [[5, 1, 9, 0, 3], [9, 5, 3, 1, 0], [0, 1, 3, 5, 9]] {
        let mut top = TopK::default();
        top.reset(3);
        for id in ids {
            top.offer(Metric::Euclidean, 2.0, id);
        }
        let found: Vec<_> = top.drain().collect();
        assert_eq!(found, [(0, 2.0), (1, 2.0), (3, 2.0)]);
    }
}

#[test]
fn infinite_distances_are_kept_where_there_are_no_others() {
    let mut top = TopK::default();
    top.reset(2);
    top.offer_squared(
        Metric::Euclidean,
        &[f32::INFINITY, f32::INFINITY, 4.0],
        |i| i as u32,
    );
    let found: Vec<_> = top.drain().collect();
    assert_eq!(found, [(2, 2.0), (0, f32::INFINITY)]);
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn what_is_kept_is_what_sorting_would_keep(
        seed: u64, count in 0..300_usize, k in 1..40_usize, ties: bool, cosine: bool, exponent in -46..3_i32,
    ) {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let metric = if cosine { Metric::Cosine } else { Metric::Euclidean };
        let scale = 10.0_f64.powi(exponent);
        // Small scales are those where float32 has few bits left.
        let squared: Vec<f32> = (0..count)
            .map(|_| match ties {
                true => f64::from(generator.random_range(0..6)) * scale,
                false => generator.random::<f64>() * scale,
            } as f32)
            .collect();
        let ids: Vec<u32> = (0..count).map(|_| generator.random_range(0..u32::MAX)).collect();
        let expected = sorted(metric, &squared, &ids, k);
        let mut top = TopK::default();
        // One after the other, in parts, and mixed; the same heap again and again.
        for part in [1, 5, 16, 100, 1000] {
            top.reset(k);
            for (number, some) in squared.chunks(part).enumerate() {
                top.offer_squared(metric, some, |i| ids[number * part + i]);
            }
            prop_assert_eq!(top.drain().collect::<Vec<_>>(), expected.clone());
        }
        // Taken as they are, as long as they are few, and then offered.
        for part in [3, 20, 70] {
            top.reset(k);
            for (number, some) in squared.chunks(part).enumerate() {
                top.take_squared(metric, some, |i| ids[number * part + i]);
            }
            prop_assert_eq!(top.drain().collect::<Vec<_>>(), expected.clone());
        }
        top.reset(k);
        for (x, id) in squared.iter().zip(&ids) {
            top.offer(metric, metric.distance(*x), *id);
        }
        prop_assert_eq!(top.drain().collect::<Vec<_>>(), expected);
    }
}
