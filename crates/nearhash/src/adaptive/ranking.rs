//! The order in which one query visits the buckets.

use crate::adaptive::quantised::{Centres, Quantised};
use crate::kernel::{Kernels, LANES, Scored};

/// Buckets in the order in which one query visits them, as far as it was asked for; kept from one
/// query to the next for its memory.
///
/// One region: in the order of their centres' distances. Several: a region opens at a distance that
/// hangs on how far its own centre is and how wide it is, and each of its buckets stands where its
/// centre's distance puts it, but not before its region opens. So the order is one and the same
/// whoever asks for how much of it, and regions that open farther out need not be looked at.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// Squared distances of the regions' centres, and where regions open, in whole groups.
    heads: Vec<f32>,
    openings: Vec<f32>,
    /// Regions in the order in which they open: the opening's bits above the region.
    queue: Vec<u64>,
    /// The opened ones: where their scores begin.
    starts: Vec<u32>,
    /// Squared distances of the centres in opened regions, in whole groups.
    scores: Vec<f32>,
    /// What buckets are ranked by, and which they are: in step with the scores. Empty when there is one
    /// region, whose scores and places are that.
    keys: Vec<f32>,
    buckets: Vec<u32>,
    /// Where the last list of buckets ended, between the least score and the mean. Saves steps,
    /// changes nothing. The same for regions.
    fraction: f32,
    region_fraction: f32,
    /// What was seen of the scores, where there is one region.
    scored: Option<Scored>,
    slots: Vec<u32>,
    /// Everything ranked by no more than this is listed, where there are several regions.
    limit: f32,
    /// Buckets in order: bits of what they are ranked by above places among the scores.
    order: Vec<u64>,
}

/// More than any bucket's distance, and less than a pad's.
const FARTHEST: f32 = 1e37;
/// Regions that are opened in any case.
const FEWEST_REGIONS: usize = 4;
/// Regions that are put in order at first.
const FIRST_REGIONS: usize = 40;
/// Buckets that one more region puts in order, about. Where that cannot be enough, it is not looked at
/// whether it is.
const NEW_BUCKETS: usize = 4;

impl Ranking {
    /// Get ready to rank `centres` for the query `y`; none is listed yet.
    pub(crate) fn start(&mut self, kernels: &Kernels, centres: &Centres, y: &Quantised) {
        self.order.clear();
        self.keys.clear();
        self.buckets.clear();
        self.starts.clear();
        self.queue.clear();
        self.limit = -1.0;
        self.scored = None;
        let Some(heads) = centres.heads() else {
            self.scored = Some(centres.ranks(kernels, y, &mut self.scores));
            return;
        };
        self.scores.clear();
        heads.distances(kernels, y, &mut self.heads);
        self.openings.clear();
        self.openings.resize(self.heads.len(), 0.0);
        let (openings, heads) = (&mut self.openings, &self.heads);
        kernels.compiled(
            #[inline(always)]
            || open_at(heads, &centres.spreads, centres.towards, openings),
        );
        self.openings[centres.regions.len()..].fill(f32::MAX);
    }

    /// List the first `want` buckets or more, at most all, of the centres and the query that it was
    /// started with. Those that were listed before keep their ranks.
    pub(crate) fn list(
        &mut self,
        kernels: &Kernels,
        centres: &Centres,
        y: &Quantised,
        want: usize,
    ) {
        if centres.heads().is_some() {
            while self.order.len() < want.min(centres.len()) {
                let missing = want - self.order.len();
                self.list_below(kernels, centres, y, missing);
            }
            return;
        }
        let within = Within {
            scores: &self.scores,
            scored: self.scored,
            count: centres.len(),
            want,
        };
        within.list(
            kernels,
            &mut self.fraction,
            &mut self.slots,
            &mut self.order,
        );
    }

    /// Open regions until about `missing` buckets more stand before where the next region opens, and
    /// list those.
    fn list_below(&mut self, kernels: &Kernels, centres: &Centres, y: &Quantised, missing: usize) {
        let all = centres.regions.len();
        let listed = self.order.len();
        let wanted = listed + missing;
        let mut look_at = self.starts.len().max(FEWEST_REGIONS);
        // Fewer than are wanted are ranked by no more than this.
        let mut few = (self.limit, listed);
        let mut limit;
        loop {
            let opened = self.starts.len();
            if opened + 1 >= self.queue.len() && self.queue.len() < all {
                self.queue_more(kernels, all);
            }
            limit = match self.queue.get(opened) {
                Some(entry) => f32::from_bits((entry >> 32) as u32).next_down(),
                None => FARTHEST,
            };
            if opened == all {
                break;
            }
            if opened >= look_at {
                let count = kernels.count_within(&self.keys, limit);
                if count >= wanted {
                    limit = self.lower(kernels, few, (limit, count), wanted);
                    break;
                }
                few = (limit, count);
                look_at = opened + 1 + (wanted - count) / NEW_BUCKETS;
            }
            self.open(kernels, centres, y, self.queue[opened]);
        }
        // Those before are what the list before ended with.
        self.slots.clear();
        kernels.list_between(&self.keys, self.limit, limit, &mut self.slots);
        let new = self.slots.iter().map(|slot| key(&self.keys, *slot));
        self.order.extend(new);
        kernels.sort_keys(&mut self.order[listed..]);
        self.limit = limit;
    }

    /// A limit for `wanted` buckets, between one for fewer and one for no fewer: sorting more than are
    /// wanted would take longer than to look.
    fn lower(
        &self,
        kernels: &Kernels,
        (few, fewer): (f32, usize),
        (limit, count): (f32, usize),
        wanted: usize,
    ) -> f32 {
        if count < wanted + wanted / 4 + 4 {
            return limit;
        }
        let part = (wanted + 2 - fewer) as f32 / (count - fewer) as f32;
        let lower = few.max(0.0) + (limit - few.max(0.0)) * part;
        if lower < limit && kernels.count_within(&self.keys, lower) >= wanted {
            lower
        } else {
            limit
        }
    }

    /// Put more regions in the order in which they open.
    fn queue_more(&mut self, kernels: &Kernels, all: usize) {
        let within = Within {
            scores: &self.openings,
            scored: None,
            count: all,
            want: (2 * self.queue.len()).clamp(FIRST_REGIONS.min(all), all),
        };
        within.list(
            kernels,
            &mut self.region_fraction,
            &mut self.slots,
            &mut self.queue,
        );
    }

    /// Score the buckets of a region of the queue.
    fn open(&mut self, kernels: &Kernels, centres: &Centres, y: &Quantised, entry: u64) {
        let (opening, r) = (f32::from_bits((entry >> 32) as u32), entry as u32 as usize);
        let region = &centres.regions[r];
        let start = self.scores.len();
        let end = start + region.groups() * LANES;
        self.starts.push(start as u32);
        self.scores.resize(end, 0.0);
        let scores = &mut self.scores[start..];
        centres.distances_in(kernels, r, y, self.heads[r], scores);
        let (keys, buckets) = (&mut self.keys, &mut self.buckets);
        kernels.compiled(
            #[inline(always)]
            || {
                let key = |score: &f32| if *score > opening { *score } else { opening };
                keys.extend(scores.iter().map(key));
                buckets.extend((region.first..).take(scores.len()));
            },
        );
    }

    /// The nearest bucket, before any is listed, where there is one region.
    pub(crate) fn nearest(&self, kernels: &Kernels) -> Option<usize> {
        self.scored
            .map(|scored| kernels.first_within(&self.scores, scored.least))
    }

    /// All scores, one a bucket, and what fills up the last group; where there is one region.
    pub(crate) fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// How many regions are open when a listed rank is reached.
    pub(crate) fn opened_by(&self, rank: usize) -> usize {
        let nearness = self.nearness(rank);
        self.queue[..self.starts.len()]
            .partition_point(|entry| f32::from_bits((entry >> 32) as u32) <= nearness)
    }

    /// How many are listed.
    pub(crate) fn listed(&self) -> usize {
        self.order.len()
    }

    /// The bucket of a listed rank.
    pub(crate) fn place(&self, rank: usize) -> usize {
        let slot = self.order[rank] as u32;
        self.buckets
            .get(slot as usize)
            .map_or(slot, |bucket| *bucket) as usize
    }

    /// Its score: the squared distance of its centre, and where there is one region, what is added to rank it by;
    /// may be below zero by rounding.
    pub(crate) fn score(&self, rank: usize) -> f32 {
        self.scores[self.order[rank] as u32 as usize]
    }

    /// What a listed rank was ranked by: never less than that of the rank before.
    pub(crate) fn nearness(&self, rank: usize) -> f32 {
        f32::from_bits((self.order[rank] >> 32) as u32)
    }

    /// Squared distances of the buckets in regions that are open when a listed rank is reached, in whole
    /// groups: the same ones however far the list goes.
    pub(crate) fn scores_by(&self, rank: usize) -> &[f32] {
        let end = self
            .starts
            .get(self.opened_by(rank))
            .map_or(self.scores.len(), |start| *start as usize);
        &self.scores[..end]
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let floats = [&self.heads, &self.openings, &self.scores, &self.keys];
        let words = [&self.starts, &self.buckets, &self.slots];
        let entries = [&self.queue, &self.order];
        floats.iter().map(|v| v.capacity() * 4).sum::<usize>()
            + words.iter().map(|v| v.capacity() * 4).sum::<usize>()
            + entries.iter().map(|v| v.capacity() * 8).sum::<usize>()
    }
}

/// Where regions open whose centres are at these squared distances and which are so wide, to `openings`:
/// where they would have a bucket whose centre is at the usual distance from the region's and lies, seen
/// from there, at an angle of the cosine `towards` to the query.
#[inline(always)]
fn open_at(heads: &[f32], spreads: &[f32], towards: f32, openings: &mut [f32]) {
    for ((opening, head), spread) in openings.iter_mut().zip(heads).zip(spreads) {
        let head = if *head > 0.0 { *head } else { 0.0 };
        let at = head + spread - 2.0 * towards * (head * spread).sqrt();
        *opening = if at > 0.0 { at } else { 0.0 };
    }
}

/// What is to be seen of scores, in whole groups, at least one.
#[inline(always)]
fn look(scores: &[f32]) -> Scored {
    let (groups, _) = scores.as_chunks::<LANES>();
    let (mut least, mut sums) = ([f32::INFINITY; LANES], [0.0; LANES]);
    for group in &groups[..groups.len() - 1] {
        for (least, score) in least.iter_mut().zip(group) {
            *least = if *score < *least { *score } else { *least };
        }
        for (sum, score) in sums.iter_mut().zip(group) {
            *sum += score;
        }
    }
    let last = &groups[groups.len() - 1];
    let least = least.iter().zip(last).map(|(a, b)| a.min(*b));
    Scored {
        least: least.fold(f32::INFINITY, f32::min),
        mean: if groups.len() > 1 {
            sums.iter().sum::<f32>() / (scores.len() - LANES) as f32
        } else {
            f32::INFINITY
        },
    }
}

/// Bits of a score above its place.
fn key(scores: &[f32], place: u32) -> u64 {
    u64::from(scores[place as usize].max(0.0).to_bits()) << 32 | u64::from(place)
}

/// The least of many scores.
struct Within<'a> {
    /// In whole groups.
    scores: &'a [f32],
    scored: Option<Scored>,
    /// How many of them count.
    count: usize,
    want: usize,
}

impl Within<'_> {
    /// List them, as score bits above places, ascending.
    fn list(
        &self,
        kernels: &Kernels,
        fraction: &mut f32,
        places: &mut Vec<u32>,
        out: &mut Vec<u64>,
    ) {
        out.clear();
        let all = (0..self.count as u32).map(|place| key(self.scores, place));
        if self.want >= self.count {
            out.extend(all);
            out.sort_unstable();
            return;
        }
        // A threshold that lets through a few more than are wanted, three tried at a time.
        let Scored { least, mean } = self.scored.unwrap_or_else(|| {
            kernels.compiled(
                #[inline(always)]
                || look(self.scores),
            )
        });
        let width = (mean - least).max(0.0);
        let most = self.want + self.want / 3 + 4;
        let (mut low, mut high) = (0.0_f32, 4.0_f32);
        let mut at = fraction.clamp(0.02, 2.0);
        const STEPS: usize = 6;
        for step in 0..STEPS {
            let tried = [at * 0.77, at, at * 1.3];
            let counts =
                kernels.count_within_three(self.scores, &tried.map(|at| least + at * width));
            for (at, count) in tried.into_iter().zip(counts) {
                let (limit, count) = (least + at * width, count as usize);
                if count < self.want {
                    low = low.max(at);
                } else if count > most {
                    high = high.min(at);
                } else if limit > 0.0 {
                    *fraction = at;
                    places.clear();
                    kernels.list_within(self.scores, limit, places);
                    out.extend(places.iter().map(|place| key(self.scores, *place)));
                    kernels.sort_keys(out);
                    out.truncate(self.want);
                    return;
                }
            }
            // Counts grow by about the power of 1.6; what comes out of bounds is halved.
            let ratio = (self.want + most) as f32 / (2 * counts[1].max(1)) as f32;
            let root = ratio.sqrt();
            let next = at * (0.6 * root + 0.4 * root * root.sqrt());
            at = if step < STEPS / 2 && next > low && next < high {
                next
            } else {
                (low + high) * 0.5
            };
        }
        // Many equal scores.
        out.extend(all);
        out.select_nth_unstable(self.want - 1);
        out.truncate(self.want);
        out.sort_unstable();
    }
}

#[cfg(test)]
mod tests;
