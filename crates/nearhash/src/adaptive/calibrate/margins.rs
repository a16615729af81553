//! How many standard errors of an estimate to allow for.

use crate::adaptive::search::Ordinary;
use crate::adaptive::traces::Asked;

use super::survey::Survey;

/// Standard errors of an estimate that a search to the end allows for, and the most that any does.
pub(super) const GENEROUS: f32 = 3.0;
pub(super) const MOST_GENEROUS: f32 = 8.0;
/// And the least.
pub(super) const LEAST_KAPPA: f32 = 0.25;
/// Share of the misses that are left to wrong estimates; the others are neighbours in buckets that
/// were not scanned.
const ESTIMATE_SHARE: f64 = 0.25;
/// And no more than this, as a share of all neighbours: below a recall of .95 wide margins cost
/// little.
const MOST_ESTIMATE_MISSES: f64 = 0.006;
/// And how much of that where the query is a stranger: some kinds have it harder than others.
const UNUSUAL_PART: f64 = 0.5;

/// By how much the estimates of true neighbours were too large, in standard errors, ascending: in ordinary searches for
/// stored points and for what twins are copies of, and in unusual ones.
#[derive(Debug)]
pub(super) struct Margins {
    stored: Vec<f32>,
    alone: Vec<f32>,
    unusual: Vec<f32>,
    /// The most that is allowed for in ordinary searches.
    most: f32,
}

impl Margins {
    /// For the `i`-th k.
    pub(super) fn new(survey: &Survey<'_>, i: usize, ordinary: &Ordinary, most: f32) -> Self {
        let errors = |asked: Option<Asked>| {
            let traces = survey.traces(i).filter(|trace| {
                let ordinary = trace.is_ordinary(i, ordinary);
                match asked {
                    Some(asked) => asked == trace.asked && ordinary,
                    None => !ordinary,
                }
            });
            let neighbours = traces.flat_map(|trace| &trace.neighbours[i]);
            let mut errors: Vec<f32> = neighbours.map(|neighbour| neighbour.error).collect();
            errors.sort_unstable_by(f32::total_cmp);
            errors
        };
        Self {
            stored: errors(Some(Asked::Stored)),
            alone: errors(Some(Asked::Alone)),
            unusual: errors(None),
            most,
        }
    }

    /// Whether stored points need more than is allowed for to reach this recall.
    pub(super) fn fall_short(&self, recall: f64) -> bool {
        quantile(&self.stored, within(recall), self.most) >= self.most
    }

    /// What to allow for where this recall is to be reached, in ordinary searches and in others.
    pub(super) fn kappas(&self, recall: f64) -> [f32; 2] {
        let within = within(recall);
        let mut kappa = quantile(&self.stored, within, self.most);
        if !self.alone.is_empty() {
            kappa = kappa.max(quantile(&self.alone, within, self.most));
        }
        let unusual = 1.0 - UNUSUAL_PART * (1.0 - within);
        let stranger_kappa = quantile(&self.unusual, unusual, MOST_GENEROUS);
        [kappa, stranger_kappa.max(kappa)]
    }
}

/// The share of neighbours that estimates are to keep where this recall is to be reached.
fn within(recall: f64) -> f64 {
    1.0 - ((1.0 - recall) * ESTIMATE_SHARE).min(MOST_ESTIMATE_MISSES)
}

/// The error that this share of `errors`, ascending, does not exceed, in bounds.
pub(super) fn quantile(errors: &[f32], share: f64, most: f32) -> f32 {
    let at = (errors.len() as f64 * share) as usize;
    let kappa = errors.get(at.min(errors.len().saturating_sub(1)));
    kappa.copied().unwrap_or(most).clamp(LEAST_KAPPA, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_stay_in_bounds() {
        assert_eq!(quantile(&[], 0.5, GENEROUS), GENEROUS);
        assert_eq!(quantile(&[0.0, 0.0, 0.0], 0.9, GENEROUS), LEAST_KAPPA);
        assert_eq!(quantile(&[0.5, 1.0, 1.5, 2.0], 0.5, GENEROUS), 1.5);
        assert_eq!(quantile(&[0.5, 1.0], 1.0, GENEROUS), 1.0);
        assert_eq!(quantile(&[9.0], 0.1, GENEROUS), GENEROUS);
    }
}
