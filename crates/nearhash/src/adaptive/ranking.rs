//! The order in which one query visits the buckets.

use crate::adaptive::quantised::{Centres, Quantised};
use crate::kernel::{Kernels, LANES};

/// Buckets in the order of their distance from one query, as far as it was asked for; kept from one
/// query to the next for its memory.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// Squared distances of the centres, in whole groups.
    scores: Vec<f32>,
    count: usize,
    /// Where the last list of buckets ended, between the least score and the mean. Saves steps,
    /// changes nothing.
    fraction: f32,
    places: Vec<u32>,
    /// Buckets in order: score bits above places.
    order: Vec<u64>,
}

impl Ranking {
    /// Get ready to rank `centres` for the query `y`; none is listed yet.
    pub(crate) fn start(&mut self, kernels: &Kernels, centres: &Centres, y: &Quantised) {
        centres.distances(kernels, y, &mut self.scores);
        self.count = centres.len();
        self.order.clear();
    }

    /// List the first `want` buckets, of the centres and the query that it was started with. Those
    /// that were listed before keep their ranks.
    pub(crate) fn list(
        &mut self,
        kernels: &Kernels,
        _centres: &Centres,
        _y: &Quantised,
        want: usize,
    ) {
        nearest_buckets(
            kernels,
            &self.scores,
            self.count,
            want,
            &mut self.fraction,
            &mut self.places,
            &mut self.order,
        );
    }

    /// How many are listed.
    pub(crate) fn listed(&self) -> usize {
        self.order.len()
    }

    /// The bucket of a listed rank.
    pub(crate) fn place(&self, rank: usize) -> usize {
        self.order[rank] as u32 as usize
    }

    /// The squared distance of its centre; may be below zero by rounding.
    pub(crate) fn score(&self, rank: usize) -> f32 {
        self.scores[self.place(rank)]
    }

    /// What a listed rank was ranked by: never less than that of the rank before.
    pub(crate) fn nearness(&self, rank: usize) -> f32 {
        f32::from_bits((self.order[rank] >> 32) as u32)
    }

    /// Squared distances of the buckets that are known when a listed rank is reached, in whole groups:
    /// the same ones however far the list goes.
    pub(crate) fn scores_by(&self, _rank: usize) -> &[f32] {
        &self.scores
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        (self.scores.capacity() + self.places.capacity()) * 4 + self.order.capacity() * 8
    }
}

/// The `want` buckets of the least scores, as score bits above places, ascending.
fn nearest_buckets(
    kernels: &Kernels,
    scores: &[f32],
    count: usize,
    want: usize,
    fraction: &mut f32,
    places: &mut Vec<u32>,
    out: &mut Vec<u64>,
) {
    out.clear();
    let key = |place: u32| {
        let score = scores[place as usize].max(0.0);
        u64::from(score.to_bits()) << 32 | u64::from(place)
    };
    if want >= count {
        out.extend((0..count as u32).map(key));
        out.sort_unstable();
        return;
    }
    // A threshold that lets through a few more than are wanted, by bisection.
    let (least, mean) = kernels.compiled(
        #[inline(always)]
        || {
            let (mut least, mut sums) = ([f32::INFINITY; LANES], [0.0_f32; LANES]);
            // Whole groups are enough for a first guess.
            for part in scores[..count.max(LANES)].chunks_exact(LANES) {
                for i in 0..LANES {
                    least[i] = if part[i] < least[i] {
                        part[i]
                    } else {
                        least[i]
                    };
                    sums[i] += part[i];
                }
            }
            let least = least.iter().fold(f32::INFINITY, |a, b| a.min(*b));
            let whole = (count / LANES).max(1) * LANES;
            (least, sums.iter().sum::<f32>() / whole as f32)
        },
    );
    let width = (mean - least).max(0.0);
    let most = want + want / 3 + 4;
    let (mut low, mut high) = (0.0_f32, 4.0_f32);
    let mut at = fraction.clamp(0.02, 2.0);
    const STEPS: usize = 8;
    for step in 0..STEPS {
        let limit = least + at * width;
        let within = kernels.count_within(scores, limit);
        if within < want {
            low = at;
        } else if within > most {
            high = at;
        } else if limit > 0.0 {
            *fraction = at;
            places.clear();
            kernels.list_within(scores, limit, places);
            out.extend(places.iter().map(|place| key(*place)));
            out.sort_unstable();
            out.truncate(want);
            return;
        }
        // Counts grow by about the power of 1.6; what comes out of bounds is halved.
        let ratio = (want + most) as f32 / (2 * within.max(1)) as f32;
        let root = ratio.sqrt();
        let next = at * (0.6 * root + 0.4 * root * root.sqrt());
        at = if step < STEPS / 2 && next > low && next < high {
            next
        } else {
            (low + high) * 0.5
        };
    }
    // Many equal scores.
    out.extend((0..count as u32).map(key));
    out.select_nth_unstable(want - 1);
    out.truncate(want);
    out.sort_unstable();
}

#[cfg(test)]
mod tests;
