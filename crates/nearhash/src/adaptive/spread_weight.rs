//! How much it counts, where buckets are ranked, how widely their points are spread.
//!
//! In a bucket whose centre is at the squared distance D and whose points are at R² from the centre in the mean,
//! a point is at D + R² − 2 D^½ R cos. Where vectors have many dimensions, all cosines are about nothing, and a
//! wide bucket's points are farther than its centre says: its spread counts against it. Where they have few,
//! a wide bucket reaches nearer than a narrow one with the same centre, and its spread counts for it. So the
//! weight is measured.

/// What is tried.
pub(super) const WEIGHTS: [f32; 7] = [0.0, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0];

/// A bucket's score is the squared distance of its centre, and this much of its spread beyond that
/// of the bucket for which it is the least.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct SpreadWeight {
    weight: f32,
    least: f32,
    most: f32,
}

impl SpreadWeight {
    /// For buckets with these spreads.
    pub(super) fn new(weight: f32, spreads: impl Iterator<Item = f32>) -> Self {
        let (least, most) = spreads
            .map(|spread| weight * spread)
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), x| {
                (least.min(x), most.max(x))
            });
        if weight == 0.0 || least > most {
            return Self::default();
        }
        let most = most - least;
        Self {
            weight,
            least,
            most,
        }
    }

    /// The same weight, for buckets with these spreads.
    pub(super) fn with(self, spreads: impl Iterator<Item = f32>) -> Self {
        Self::new(self.weight, spreads)
    }

    /// What a bucket with this spread has beside its squared distance; never below zero.
    #[inline(always)]
    pub(crate) fn added(&self, spread: f32) -> f32 {
        self.weight * spread - self.least
    }

    /// The squared distance that no bucket with this score or more falls below.
    #[inline(always)]
    pub(crate) fn least_distance(&self, score: f32) -> f32 {
        score - self.most
    }
}

/// How many buckets come before those of near points, with each weight: `scores` are the squared distances of
/// their centres, in whole groups, `spreads` as many. `count` says how many scores are within a limit.
pub(super) fn buckets_before(
    scores: &[f32],
    spreads: &[f32],
    near: &[usize],
    count: impl Fn(&[f32], f32) -> usize,
) -> [usize; WEIGHTS.len()] {
    let mut weighted = vec![0.0; scores.len()];
    WEIGHTS.map(|weight| {
        for ((out, score), spread) in weighted.iter_mut().zip(scores).zip(spreads) {
            *out = score + weight * spread;
        }
        near.iter()
            .map(|near| count(&weighted, weighted[*near]))
            .sum()
    })
}

/// The weight with which the fewest buckets come before those of near points; the first of several.
pub(super) fn best(before: &[usize; WEIGHTS.len()]) -> f32 {
    let fewest = before.iter().min();
    let place = before.iter().position(|count| Some(count) == fewest);
    WEIGHTS[place.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::random::stream;

    #[test]
    fn what_is_added_is_never_below_zero_and_bounds_the_distance() {
        let spreads = [3.0_f32, 0.5, 8.0, 2.25];
        for weight in WEIGHTS {
            let weight = SpreadWeight::new(weight, spreads.into_iter());
            let added = spreads.map(|spread| weight.added(spread));
            assert!(added.iter().all(|added| *added >= 0.0), "{weight:?}");
            assert_eq!(added.iter().fold(f32::INFINITY, |a, b| a.min(*b)), 0.0);
            let farthest = added.iter().fold(0.0_f32, |a, b| a.max(*b));
            // A bucket with this score is as near as that where the most was added.
            assert_eq!(weight.least_distance(farthest), 0.0, "{weight:?}");
        }
        assert!(SpreadWeight::new(0.5, [2.0; 3].into_iter()).added(2.0) == 0.0);
        assert_eq!(
            SpreadWeight::new(0.5, [].into_iter()),
            SpreadWeight::default()
        );
    }

    #[test]
    fn buckets_before_are_counted_with_every_weight() {
        let mut random = stream(1, 0);
        let scores: Vec<f32> = (0..48).map(|_| random.random()).collect();
        let spreads: Vec<f32> = (0..48).map(|_| random.random()).collect();
        let near = [3, 17, 17, 40];
        let count = |scores: &[f32], limit: f32| scores.iter().filter(|x| **x <= limit).count();
        let found = buckets_before(&scores, &spreads, &near, count);
        for (found, weight) in found.iter().zip(WEIGHTS) {
            let key = |i: usize| scores[i] + weight * spreads[i];
            let pairs = near.iter().flat_map(|a| (0..48).map(move |b| (*a, b)));
            assert_eq!(*found, pairs.filter(|(a, b)| key(*b) <= key(*a)).count());
        }
    }

    #[test]
    fn without_a_reason_the_spread_counts_nothing() {
        assert_eq!(best(&[7; WEIGHTS.len()]), 0.0);
        let mut before = [7; WEIGHTS.len()];
        before[4] = 6;
        assert_eq!(best(&before), WEIGHTS[4]);
    }
}
