//! What lies beyond the axes: how far that of near points goes together, and from where on it misleads.

/// Estimates say nothing of a query whose squared rest is so many times larger than any point's, and than
/// this part of the squared distance of the farthest point from the mean.
const FAR_REST: f32 = 2.0;
const FAR_PART: f32 = 0.25;
/// Squared rests that are no larger than this part of the farthest point's squared distance from the mean
/// are too small to mislead estimates.
const LEAST_REST: f32 = 1e-3;
/// So many of the points, of this many in all, have rests that are common.
const COMMON: f64 = 0.99;
const COMMON_SAMPLE: usize = 4096;
/// Points with twins have rests that go together far better than those of queries will.
const MOST_CORRELATION: f64 = 0.5;

/// How the rests of near points go together: the mean of their product in parts of the product of
/// their lengths, and how far single ones are from that (standard deviation).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rests {
    pub(crate) correlation: f32,
    pub(crate) spread: f32,
    /// Nearly all points have squared rests no larger than this.
    pub(crate) common: f32,
    /// Beyond which squared rest of a query estimates say nothing.
    pub(crate) farthest: f32,
}

impl Default for Rests {
    fn default() -> Self {
        Self {
            correlation: 0.3,
            spread: 0.3,
            common: f32::INFINITY,
            farthest: f32::INFINITY,
        }
    }
}

impl Rests {
    /// Not measured yet, but with the bounds of these, squared, of points the farthest of which is so far,
    /// squared, from the mean.
    pub(super) fn bounded(rests: &[f32], farthest: f32) -> Self {
        let least = LEAST_REST * farthest.max(f32::MIN_POSITIVE);
        let most = rests.iter().fold(0.0_f32, |a, b| a.max(*b));
        let step = rests.len().div_ceil(COMMON_SAMPLE).max(1);
        let mut sample: Vec<f32> = rests.iter().copied().step_by(step).collect();
        sample.sort_unstable_by(f32::total_cmp);
        let common = sample.get((COMMON * sample.len() as f64) as usize);
        Self {
            common: common.copied().unwrap_or(0.0),
            farthest: if most > least {
                FAR_REST * most.max(FAR_PART * farthest)
            } else {
                f32::INFINITY
            },
            ..Self::default()
        }
    }

    /// How much of the length of a squared rest goes together with those of near points. What is longer than
    /// theirs is of another kind, and goes together with nothing.
    #[inline(always)]
    pub(crate) fn shared(&self, rest: f32) -> f32 {
        self.correlation * rest.min(self.common).sqrt()
    }

    /// Measured on pairs of near points; both are 0 where there are none.
    pub(super) fn measured(self, pairs: &[Pair]) -> Self {
        let (correlation, spread) = correlation(pairs);
        Self {
            correlation: correlation as f32,
            spread: spread as f32,
            ..self
        }
    }
}

/// The rests of two near points: their dot product, and the product of their lengths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) product: f64,
    pub(super) lengths: f64,
}

/// How far products go together with lengths, by least squares, so that pairs without rests count for
/// nothing; and the standard deviation from that, in parts of the lengths.
fn correlation(pairs: &[Pair]) -> (f64, f64) {
    let weight: f64 = pairs.iter().map(|p| p.lengths * p.lengths).sum();
    if weight == 0.0 {
        return (0.0, 0.0);
    }
    let correlation = pairs.iter().map(|p| p.product * p.lengths).sum::<f64>() / weight;
    let correlation = correlation.clamp(0.0, MOST_CORRELATION);
    let squares = pairs
        .iter()
        .map(|p| (p.product - correlation * p.lengths).powi(2));
    (correlation, (squares.sum::<f64>() / weight).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<const N: usize>(pairs: [(f64, f64); N]) -> [Pair; N] {
        pairs.map(|(product, lengths)| Pair { product, lengths })
    }

    #[test]
    fn rests_far_beyond_those_of_all_points_make_a_query_a_stranger() {
        let rests: Vec<f32> = (0..1000).map(|i| i as f32).collect();
        assert_eq!(Rests::bounded(&rests, 1e3).farthest, FAR_REST * 999.0);
        let farther = Rests::bounded(&rests, 1e5);
        assert_eq!(farther.farthest, FAR_REST * FAR_PART * 1e5);
    }

    #[test]
    fn what_is_longer_than_common_rests_goes_together_with_nothing() {
        let rests = Rests {
            correlation: 0.5,
            ..Rests::bounded(&(1..=1000).map(|i| i as f32).collect::<Vec<_>>(), 1e3)
        };
        assert_eq!(rests.common, 991.0);
        assert_eq!(rests.shared(4.0), 1.0);
        assert_eq!(rests.shared(991.0), 0.5 * 991.0_f32.sqrt());
        assert_eq!(rests.shared(1e9), rests.shared(991.0));
        assert_eq!(Rests::bounded(&[], 1.0).common, 0.0);
    }

    #[test]
    fn rests_of_nearly_nothing_make_no_query_a_stranger() {
        for rests in [vec![], vec![0.0; 50], vec![1e-6; 50]] {
            assert_eq!(Rests::bounded(&rests, 1.0).farthest, f32::INFINITY);
        }
    }

    #[test]
    fn rests_that_go_together_alike_have_no_spread() {
        let alike = pairs([(0.25, 1.0), (0.5, 2.0), (2.0, 8.0)]);
        assert_eq!(correlation(&alike), (0.25, 0.0));
    }

    #[test]
    fn spread_is_how_far_single_pairs_are_from_the_mean() {
        let apart = pairs([(0.125, 1.0), (0.375, 1.0)]);
        assert_eq!(correlation(&apart), (0.25, 0.125));
    }

    #[test]
    fn pairs_without_rests_count_for_nothing() {
        assert_eq!(correlation(&[]), (0.0, 0.0));
        assert_eq!(correlation(&pairs([(0.0, 0.0)])), (0.0, 0.0));
        let some = pairs([(0.0, 0.0), (0.5, 2.0), (0.0, 0.0)]);
        assert_eq!(correlation(&some), (0.25, 0.0));
    }

    #[test]
    fn twins_and_opposites_are_held_within_bounds() {
        let twins = pairs([(1.0, 1.0), (4.0, 4.0)]);
        assert_eq!(correlation(&twins), (MOST_CORRELATION, 0.5));
        let opposites = pairs([(-1.0, 1.0)]);
        assert_eq!(correlation(&opposites), (0.0, 1.0));
    }
}
