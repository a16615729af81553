//! What tests of several parts begin with.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use rand::RngExt;
use rand_distr::StandardNormal;

use crate::random::stream;

/// So many cases, the same in every run.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Standard normal numbers.
pub(crate) fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut random = stream(seed, 0);
    (0..count)
        .map(|_| random.sample::<f32, _>(StandardNormal))
        .collect()
}
