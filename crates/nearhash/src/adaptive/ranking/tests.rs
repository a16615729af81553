use rand::RngExt;

use super::*;
use crate::random::stream;

#[test]
fn the_nearest_buckets_are_those_that_sorting_gives() {
    let mut random = stream(5, 0);
    for count in [1, 2, 15, 16, 17, 100, 513] {
        for kind in 0..6 {
            let mut scores: Vec<f32> = (0..count)
                .map(|i| match kind {
                    0 => random.random::<f32>(),
                    // Many are equal; all are.
                    1 => (random.random_range(0..4_u32)) as f32,
                    2 => 0.25,
                    3 => 0.0,
                    // Rounding may leave some below zero.
                    4 => random.random::<f32>() - 0.2,
                    _ => libm::expf(i as f32 % 60.0),
                })
                .collect();
            let mut expected: Vec<(f32, u32)> =
                scores.iter().map(|x| x.max(0.0)).zip(0..).collect();
            expected.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            scores.resize(scores.len().next_multiple_of(LANES), f32::MAX);
            for kernels in Kernels::available() {
                // Whatever an earlier query left.
                for mut fraction in [0.0, 0.3, 1.0, 50.0, f32::NAN] {
                    let (mut places, mut out) = (vec![1], vec![2]);
                    for want in [1, 2, 7, count / 2, count] {
                        let want = want.clamp(1, count);
                        nearest_buckets(
                            kernels,
                            &scores,
                            count,
                            want,
                            &mut fraction,
                            &mut places,
                            &mut out,
                        );
                        let found: Vec<u32> = out.iter().map(|key| *key as u32).collect();
                        let expected: Vec<u32> = expected[..want].iter().map(|x| x.1).collect();
                        assert_eq!(found, expected, "{want} of {count}, {kind}");
                        let scores = out.iter().map(|key| f32::from_bits((key >> 32) as u32));
                        assert!(scores.is_sorted());
                    }
                }
            }
        }
    }
}
