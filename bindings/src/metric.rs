//! Metrics by the names that the face has for them.

use nearhash::Metric;

/// The metric of this name.
pub(crate) fn metric(name: &str) -> Metric {
    match name {
        "cosine" => Metric::Cosine,
        _ => Metric::Euclidean,
    }
}

/// The name of this metric.
pub(crate) fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Euclidean => "euclidean",
        Metric::Cosine => "cosine",
    }
}
