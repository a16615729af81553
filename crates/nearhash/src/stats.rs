//! Closed forms: how likely points collide, and what follows for the number of tables.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::error::{Error, Result, check_at_least_1};

/// Probability that a standard normal variable exceeds `z`.
pub(crate) fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// Probability that one p-stable hash function of width `r` puts two points at this Euclidean
/// `distance` into one bucket: 1 − 2Φ(−c) − 2 (1 − exp(−c²/2)) / (√(2π) c), c = r / distance
/// (Datar et al. 2004, §3.2). 1 at distance 0.
///
/// # Errors
/// [`Error::Argument`] unless `r` is positive and `distance` at least 0,
/// both finite.
pub fn collision_prob_l2(r: f64, distance: f64) -> Result<f64> {
    if !(r > 0.0 && r.is_finite()) {
        return Err(Error::argument_error("r", r, "a positive finite number"));
    }
    if !(distance >= 0.0 && distance.is_finite()) {
        return Err(Error::argument_error(
            "distance",
            distance,
            "a finite number, at least 0",
        ));
    }
    Ok(p_stable_agreement(r, distance))
}

/// [`collision_prob_l2`] of arguments known to be good.
pub(crate) fn p_stable_agreement(r: f64, distance: f64) -> f64 {
    let c = r / distance;
    if !c.is_finite() {
        return 1.0;
    }
    if c < 0.1 {
        // The terms of the closed form cancel here; its series does not:
        // √(2/π) Σ (−1)ᵐ c^(2m+1) / (2ᵐ m! (2m + 1)(2m + 2)).
        let c2 = c * c;
        let series =
            1.0 / 2.0 - c2 * (1.0 / 24.0 - c2 * (1.0 / 240.0 - c2 * (1.0 / 2688.0 - c2 / 34560.0)));
        return (2.0 / PI).sqrt() * c * series;
    }
    let near = libm::expm1(-0.5 * c * c); // exp(−c²/2) − 1
    libm::erf(c * FRAC_1_SQRT_2) + 2.0 * near / ((2.0 * PI).sqrt() * c)
}

/// Probability that one sign hash agrees for two vectors of this cosine `similarity`:
/// 1 − arccos(similarity) / π (Goemans & Williamson 1995; Charikar 2002).
///
/// # Errors
/// [`Error::Argument`] unless `similarity` lies in [−1, 1].
pub fn collision_prob_cosine(similarity: f64) -> Result<f64> {
    if !(-1.0..=1.0).contains(&similarity) {
        return Err(Error::argument_error(
            "similarity",
            similarity,
            "a number from -1 to 1",
        ));
    }
    Ok(sign_agreement(similarity))
}

/// [`collision_prob_cosine`]; rounding that leads just outside [−1, 1] does no harm.
pub(crate) fn sign_agreement(similarity: f64) -> f64 {
    1.0 - libm::acos(similarity.clamp(-1.0, 1.0)) / PI
}

/// Probability of meeting in at least one of `l` tables of `k` functions that each agree with
/// probability `p1`: 1 − (1 − p1ᵏ)ˡ.
///
/// # Errors
/// [`Error::Argument`] unless `p1` lies in [0, 1] and `k` and `l` are at
/// least 1.
pub fn det_prob_query(p1: f64, k: u32, l: u32) -> Result<f64> {
    check_probability("p1", p1)?;
    check_at_least_1("k", k as usize)?;
    check_at_least_1("l", l as usize)?;
    Ok(meeting_probability(
        libm::pow(p1, f64::from(k)),
        f64::from(l),
    ))
}

/// 1 − (1 − p)ˡ, accurate for small p too.
pub(crate) fn meeting_probability(p: f64, l: f64) -> f64 {
    -libm::expm1(l * libm::log1p(-p))
}

/// Fewest tables of `k` functions for which points that agree on a function with probability `p1`
/// meet with probability 1 − `delta`: ⌈ln delta / ln(1 − p1ᵏ)⌉, at least 1.
///
/// # Errors
/// [`Error::Argument`] unless `delta` lies in (0, 1), `p1` in (0, 1], `k`
/// is at least 1, and the answer fits 32 bits.
pub fn estimate_l(delta: f64, p1: f64, k: u32) -> Result<u32> {
    if !(delta > 0.0 && delta < 1.0) {
        return Err(Error::argument_error(
            "delta",
            delta,
            "a number between 0 and 1, both excluded",
        ));
    }
    check_probability("p1", p1)?;
    check_at_least_1("k", k as usize)?;
    let tables = libm::log(delta) / libm::log1p(-libm::pow(p1, f64::from(k)));
    // p1 = 1 divides by −∞: one table will do. p1 = 0 divides by 0: none will.
    // Where the quotient is a whole number, rounding must not add a table.
    let fewest = (tables * (1.0 - 4.0 * f64::EPSILON)).ceil().max(1.0);
    if fewest <= f64::from(u32::MAX) {
        Ok(fewest as u32)
    } else {
        Err(Error::argument_error(
            "p1",
            p1,
            format!(
                "a probability for which at most {} tables are needed",
                u32::MAX
            ),
        ))
    }
}

fn check_probability(argument: &'static str, p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        Ok(())
    } else {
        Err(Error::argument_error(argument, p, "a number from 0 to 1"))
    }
}
