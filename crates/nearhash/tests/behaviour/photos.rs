//! The bundled data: 32,000 colour histograms of photos, 64 counts each. See
//! benchmark/data/README.md.

use std::sync::LazyLock;

use nearhash::{Control, Metric, Neighbors, exact};

use crate::view;

pub(crate) const DIM: usize = 64;
/// The first so many photos are asked for; each one's own row does not count.
pub(crate) const QUERIES: usize = 200;

/// A matrix of 16-bit counts from a .npy file (format version 1, C order).
fn read_npy(path: &str) -> (Vec<u16>, [usize; 2]) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let data = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..data]).unwrap();
    assert!(header.contains("'descr': '<u2'") && header.contains("'fortran_order': False"));
    let shape = header.split(['(', ')']).nth(1).unwrap();
    let mut shape = shape.split(", ").map(|n| n.parse().unwrap());
    let shape = [shape.next().unwrap(), shape.next().unwrap()];
    let values = bytes[data..].chunks_exact(2);
    let values: Vec<u16> = values.map(|x| u16::from_le_bytes([x[0], x[1]])).collect();
    assert_eq!(values.len(), shape[0] * shape[1]);
    (values, shape)
}

/// The counts as they are in the file.
pub(crate) static COUNTS: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../benchmark/data/photo-histograms-64-32000.npy"
    );
    let (counts, shape) = read_npy(path);
    assert_eq!(shape, [32_000, DIM]);
    counts
        .into_iter()
        .map(|count| i16::try_from(count).unwrap())
        .collect()
});

/// In units of the distance of interest: 2/5 of the mean distance, so that a bucket width of 4 fits.
pub(crate) static SCALED: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let counts: Vec<f32> = COUNTS.iter().map(|count| f32::from(*count)).collect();
    let some = view(&counts[..QUERIES * DIM], DIM);
    let all = view(&counts, DIM);
    let distances = exact::cdist(&some, &all, Metric::Euclidean, &Control::new()).unwrap();
    let sum: f64 = distances.iter().map(|x| f64::from(*x)).sum();
    let radius = (sum / distances.len() as f64 / 2.5) as f32;
    counts.iter().map(|count| count / radius).collect()
});

/// The queries.
pub(crate) fn queries() -> &'static [f32] {
    &SCALED[..QUERIES * DIM]
}

/// The ten nearest of each query and itself.
pub(crate) fn truth(metric: Metric) -> &'static Neighbors {
    static TRUTH: LazyLock<[Neighbors; 2]> = LazyLock::new(|| {
        [Metric::Euclidean, Metric::Cosine].map(|metric| {
            let (all, some) = (view(&SCALED, DIM), view(queries(), DIM));
            exact::knn(&all, &some, 11, metric, &Control::new()).unwrap()
        })
    });
    &TRUTH[usize::from(metric == Metric::Cosine)]
}

/// How many of each query's ten nearest others were found. `found` holds 11 a query.
pub(crate) fn hits(found: &Neighbors, metric: Metric) -> Vec<usize> {
    let truth = truth(metric);
    assert_eq!((found.k, found.counts.len()), (truth.k, truth.counts.len()));
    let others = |of: &Neighbors, query: usize| -> Vec<f32> {
        let places = query * of.k..query * of.k + of.counts[query] as usize;
        let ids = of.ids[places.clone()].iter();
        ids.zip(&of.distances[places])
            .filter(|(id, _)| **id as usize != query)
            .map(|(_, distance)| *distance)
            .take(10)
            .collect()
    };
    (0..QUERIES)
        .map(|query| {
            let farthest = others(truth, query)[9];
            let found = others(found, query);
            found
                .iter()
                .filter(|distance| **distance <= farthest)
                .count()
        })
        .collect()
}

/// Mean share of the ten nearest others that was found.
pub(crate) fn recall(found: &Neighbors, metric: Metric) -> f64 {
    hits(found, metric).iter().sum::<usize>() as f64 / (10 * QUERIES) as f64
}
