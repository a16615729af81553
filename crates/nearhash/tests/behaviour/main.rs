//! What the engine promises, through its public face alone: on the bundled photo histograms, on
//! random data and on everything that goes wrong.

mod adaptive;
mod changes;
mod choosing;
mod defects;
mod digest;
mod evaluation;
mod exactness;
mod interrupted;
mod photos;
mod point_index;
mod refused;
mod same_answers;
mod theory;

use nearhash::{Control, FamilyKind, LshIndex, LshOptions, Points, RowData, RowSlice, RowsView};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Names of the kernels' levels on this architecture, worst first.
const LEVELS: &[&str] = if cfg!(target_arch = "x86_64") {
    &["portable", "avx2", "avx512", "avx512vnni"]
} else if cfg!(target_arch = "aarch64") {
    &["portable", "neon", "neondot"]
} else {
    &["portable"]
};

const SRP: FamilyKind = FamilyKind::Srp;

const fn l2(r: f32) -> FamilyKind {
    FamilyKind::L2 { r: Some(r) }
}

fn options(family: FamilyKind, k: usize, l: usize) -> LshOptions {
    LshOptions {
        family,
        n_projections: Some(k),
        n_hash_tables: Some(l),
        ..LshOptions::default()
    }
}

fn view(rows: &[f32], dim: usize) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), dim).unwrap()
}

fn points(rows: &[f32], dim: usize) -> Points {
    Points::new(RowData::F32(rows.to_vec()), dim).unwrap()
}

fn fitted(options: LshOptions, rows: &[f32], dim: usize) -> LshIndex {
    let index = LshIndex::new(options).unwrap();
    index.fit(points(rows, dim), &Control::new()).unwrap();
    index
}

/// Standard normal numbers.
fn normal(seed: u64, count: usize) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| generator.sample::<f32, _>(StandardNormal))
        .collect()
}

/// So many cases, the same in every run.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Work in a thread pool of its own.
fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}
