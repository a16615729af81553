use proptest::prelude::*;

use super::super::{ClusterTokens, ClusterTokensOptions, RotationChoice};
use super::*;
use crate::control::Control;
use crate::points::{RowSlice, RowsView};
use crate::testing::config;

const DIM: usize = 7;

fn rows() -> Vec<f32> {
    (0..300 * DIM)
        .map(|i| ((i * 7919) % 1009) as f32 / 50.0 + 1.0)
        .collect()
}

fn model(metric: Metric, rotation: RotationChoice) -> ClusterTokens {
    let options = ClusterTokensOptions {
        groups: Some(3),
        clusters: 9,
        metric,
        rotation,
        seed: 11,
        ..ClusterTokensOptions::default()
    };
    let rows = rows();
    let rows = RowsView::new(RowSlice::F32(&rows), DIM).unwrap();
    ClusterTokens::train(&rows, &options, &Control::new()).unwrap()
}

fn sample() -> ClusterTokens {
    model(Metric::Euclidean, RotationChoice::Random)
}

/// Bytes with a length and a checksum that fit.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = (bytes.len() - HEADER) as u64;
    bytes[HEADER - 8..HEADER].copy_from_slice(&length.to_le_bytes());
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

fn unsealed(model: &ClusterTokens) -> Vec<u8> {
    let mut bytes = model.to_bytes();
    bytes.truncate(bytes.len() - CHECKSUM);
    bytes
}

fn refusal(bytes: &[u8]) -> String {
    match ClusterTokens::from_bytes(bytes) {
        Err(Error::Format { received, .. }) => received,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_comes_back_whole() {
    for metric in [Metric::Euclidean, Metric::Cosine] {
        for rotation in [RotationChoice::Random, RotationChoice::None] {
            let model = model(metric, rotation);
            let bytes = model.to_bytes();
            let read = ClusterTokens::from_bytes(&bytes).unwrap();
            assert_eq!(read.to_bytes(), bytes);
            assert_eq!(read.describe(), model.describe());
            assert_eq!(read.model_hash(), model.model_hash());
            let rows = rows();
            let rows = RowsView::new(RowSlice::F32(&rows), DIM).unwrap();
            let control = Control::new();
            assert_eq!(read.encode(&rows, &control), model.encode(&rows, &control));
            let query = rows.slice(5..6);
            assert_eq!(
                read.encode_query(&query, None),
                model.encode_query(&query, None)
            );
        }
    }
}

#[test]
fn the_hash_is_about_the_words_alone() {
    let model = sample();
    let mut other = model.clone();
    other.probes += 1;
    other.validation = None;
    other.trained_on += 1;
    assert_eq!(other.model_hash(), model.model_hash());
    assert_ne!(other.to_bytes(), model.to_bytes());
    let mut other = model.clone();
    other.space.mean[0] += 1.0;
    assert_ne!(other.model_hash(), model.model_hash());
    assert_ne!(
        self::model(Metric::Cosine, RotationChoice::Random).model_hash(),
        model.model_hash()
    );
}

#[test]
fn bytes_cut_short_anywhere_are_refused() {
    let bytes = sample().to_bytes();
    for length in 0..bytes.len() {
        refusal(&bytes[..length]);
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(
        refusal(&longer),
        format!("{} bytes of a model of {}", bytes.len() + 1, bytes.len())
    );
}

#[test]
fn a_changed_bit_anywhere_is_found() {
    let bytes = sample().to_bytes();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        refusal(&changed);
    }
}

#[test]
fn foreign_bytes_and_later_versions_say_what_they_are() {
    assert_eq!(refusal(&[]), "0 bytes that are no model of cluster tokens");
    assert_eq!(
        refusal(&[7; 100]),
        "100 bytes that are no model of cluster tokens"
    );
    let mut later = unsealed(&sample());
    later[MAGIC.len()] = 2;
    assert_eq!(refusal(&sealed(later)), "a model of format version 2");
    let mut damaged = sample().to_bytes();
    damaged[HEADER + 40] ^= 1;
    assert_eq!(refusal(&damaged), "a model whose checksum does not match");
}

#[test]
fn sizes_that_promise_more_than_there_is_cost_nothing() {
    let bytes = unsealed(&sample());
    // metric, rotation, seed; then the vector length and the number of groups.
    let dim_at = HEADER + 2 + 8;
    for (place, number) in [
        (dim_at, u32::MAX),
        (dim_at, 1 << 20),
        (dim_at, 0),
        (dim_at + 4, u32::MAX),
        (dim_at + 4, 0),
        (dim_at + 4, 8),
    ] {
        let mut changed = bytes.clone();
        changed[place..place + 4].copy_from_slice(&number.to_le_bytes());
        assert_eq!(
            refusal(&sealed(changed)),
            "a model whose parts contradict each other"
        );
    }
    // The number of clusters of the first group stands behind the scale and the mean.
    let clusters_at = dim_at + 8 + 4 + 4 * DIM;
    for clusters in [0, 8, 10, 1 << 16, u32::MAX] {
        let mut changed = bytes.clone();
        assert_eq!(changed[clusters_at], 9);
        changed[clusters_at..clusters_at + 4].copy_from_slice(&clusters.to_le_bytes());
        refusal(&sealed(changed));
    }
}

#[test]
fn numbers_that_no_training_makes_are_refused() {
    let bytes = unsealed(&sample());
    let scale_at = HEADER + 2 + 8 + 8;
    for (place, bad) in [
        (scale_at, f32::NAN),
        (scale_at, 0.0),
        (scale_at, -1.0),
        (scale_at + 4, f32::INFINITY),
        (scale_at + 4 + 4 * DIM + 3 * 4, f32::NAN),
    ] {
        let mut changed = bytes.clone();
        changed[place..place + 4].copy_from_slice(&bad.to_le_bytes());
        refusal(&sealed(changed));
    }
}

proptest! {
    #![proptest_config(config(2000))]

    /// Whoever can compute the checksum can write anything: it is refused, or it is a model that
    /// works.
    #[test]
    fn a_forged_model_is_refused_or_works(
        changes in prop::collection::vec((0_usize..2000, any::<u8>()), 1..6),
        cut in 0_usize..40,
    ) {
        static BYTES: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| unsealed(&sample()));
        let mut bytes = BYTES.clone();
        let body = bytes.len() - HEADER;
        for (place, value) in changes {
            bytes[HEADER + place % body] = value;
        }
        bytes.truncate(bytes.len() - cut);
        match ClusterTokens::from_bytes(&sealed(bytes)) {
            Err(Error::Format { .. }) => {}
            Err(other) => panic!("{other:?}"),
            Ok(model) => {
                let rows: Vec<f32> = rows().into_iter().take(20 * model.dim()).collect();
                let view = RowsView::new(RowSlice::F32(&rows), model.dim()).unwrap();
                let codes = model.encode(&view, &Control::new()).unwrap();
                for group in 0..model.groups() {
                    prop_assert!(codes.get(3, group) < model.clusters_of(group));
                }
                let query = model.encode_query(&view.slice(0..1), None).unwrap();
                prop_assert!(query.weights.iter().all(|w| w.is_finite() && *w >= 0.0));
            }
        }
    }
}
