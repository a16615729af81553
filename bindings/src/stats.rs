//! The closed forms.

use napi_derive::napi;
use nearhash::stats;

use crate::failure::Failure;

/// Probability that one p-stable hash puts two points at this distance together.
#[napi(catch_unwind)]
pub fn collision_prob_l2(r: f64, distance: f64) -> napi::Result<f64> {
    Ok(stats::collision_prob_l2(r, distance).map_err(Failure::from)?)
}

/// Probability that one sign hash agrees at this similarity.
#[napi(catch_unwind)]
pub fn collision_prob_cosine(similarity: f64) -> napi::Result<f64> {
    Ok(stats::collision_prob_cosine(similarity).map_err(Failure::from)?)
}

/// Probability of meeting in at least one of `l` tables.
#[napi(catch_unwind)]
pub fn det_prob_query(p1: f64, k: u32, l: u32) -> napi::Result<f64> {
    Ok(stats::det_prob_query(p1, k, l).map_err(Failure::from)?)
}

/// Fewest tables for a success probability of 1 − `delta`.
#[napi(catch_unwind)]
pub fn estimate_l(delta: f64, p1: f64, k: u32) -> napi::Result<u32> {
    Ok(stats::estimate_l(delta, p1, k).map_err(Failure::from)?)
}
