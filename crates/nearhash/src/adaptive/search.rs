//! One query: rank the buckets, scan the codes of the nearest, rank the survivors exactly.

use crate::adaptive::ahead::Ahead;
use crate::adaptive::codes::is_beyond;
use crate::adaptive::model::Model;
use crate::adaptive::projection::squared_norm;
use crate::adaptive::quantised::Quantised;
use crate::adaptive::ranking::Ranking;
use crate::adaptive::stopping::{Sight, WATCHED, checkpoints};
use crate::kernel::{BucketScan, Kernels, LANES, Shortlist, Soon, Split, prefetch, prefetch_lines};
use crate::top_k::TopK;

/// Candidates whose rows are asked for before they are put in order.
const PREFETCHED: usize = 64;

/// How a search goes about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) k: usize,
    /// Most buckets to scan.
    pub(crate) most: usize,
    /// Buckets that are put in order at first; more are when they are needed.
    pub(crate) expected: usize,
    /// First checkpoint to look up at.
    pub(crate) first_checkpoint: usize,
    /// Standard errors of an estimate that are allowed for, where the query is ordinary, and where
    /// it is not.
    pub(crate) kappa: f32,
    pub(crate) stranger_kappa: f32,
    pub(crate) ordinary: Ordinary,
    /// Squared distance of the k-th neighbour, usually (scaled).
    pub(crate) usual: f32,
}

/// Bounds of what most stored points would need as queries; a query beyond one of them is unlike
/// them, and its estimates may be farther off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ordinary {
    /// Buckets scanned.
    pub(crate) probes: usize,
    /// Squared distance of the k-th neighbour (scaled).
    pub(crate) limit: f32,
    /// The query's squared rest in parts of that distance.
    pub(crate) rest: f32,
}

impl Ordinary {
    /// What every query is.
    pub(crate) const ANY: Self = Self {
        probes: usize::MAX,
        limit: f32::INFINITY,
        rest: f32::INFINITY,
    };

    /// Whether a query that ended with these is ordinary.
    pub(crate) fn holds(&self, probes: usize, limit: f32, rest: f32) -> bool {
        probes <= self.probes && limit <= self.limit && rest <= self.rest * limit
    }
}

/// What a bucket's scan allows for, by the standard errors that are asked for.
#[derive(Debug, Clone, Copy)]
struct Margins {
    rounding: f32,
    centre: f32,
    query: f32,
    rest: f32,
}

/// What a search works with; kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// `padded_width(dim)` floats, a unit vector where the metric is cosine.
    pub(crate) query: Vec<f32>,
    y: Vec<f32>,
    /// The part of its squared distance from the mean that the axes leave out.
    pub(crate) rest: [f32; 1],
    /// Its squared distance from the mean.
    pub(crate) far: f32,
    split: Split,
    pub(crate) plain: Quantised,
    pub(crate) weighted: Quantised,
    /// Dot products of all codes with the weighted query; empty where they are still to be computed.
    pub(crate) dots: Vec<f32>,
    /// The buckets in order.
    pub(crate) ranking: Ranking,
    ahead: Ahead,
    pub(crate) shortlist: Shortlist,
    pub(crate) rows: Vec<u32>,
    pub(crate) squared: Vec<f32>,
    pub(crate) top: TopK,
    /// Part of the candidates' margins that counts.
    margin: f32,
    /// Buckets that the last search scanned.
    pub(crate) probed: usize,
    /// Points whose distance the last search computed.
    pub(crate) ranked: usize,
}

impl Scratch {
    /// Bytes held, about.
    pub(crate) fn memory_bytes(&self) -> usize {
        (self.query.capacity() + self.y.capacity() + self.dots.capacity()) * 4
            + (self.rows.capacity() + self.squared.capacity()) * 4
            + self.ranking.memory_bytes()
            + self.ahead.memory_bytes()
            + self.shortlist.memory_bytes()
    }
}

impl Model {
    /// Get `scratch.query` ready: projected, quantised, buckets ready to be ranked. False when it
    /// is so far out that estimates say nothing of what is near it.
    pub(crate) fn prepare(&self, kernels: &Kernels, scratch: &mut Scratch) -> bool {
        scratch.y.resize(self.projection.axes(), 0.0);
        let (y, rest) = (&mut scratch.y, &mut scratch.rest);
        self.projection
            .project_query(kernels, &scratch.query, y, rest, &mut scratch.split);
        let far = squared_norm(y) + rest[0];
        // Infinite, or no number at all, where it overflows.
        if far.is_nan() || far > self.farthest || rest[0] > self.rests.farthest {
            return false;
        }
        scratch.far = far;
        let (leading, beyond) = y.split_at(self.centres.axes);
        scratch.plain.set(kernels, leading, None);
        scratch.plain.beyond = squared_norm(beyond);
        scratch.weighted.set(kernels, y, Some(&self.codes.weights));
        scratch
            .ranking
            .start(kernels, &self.centres, &scratch.plain);
        true
    }

    /// Scan buckets, nearest first, until `stop` says so at a checkpoint, which it is told the number
    /// of, or `effort.most` are scanned. Only rows whose bit in `live` is set count; it has a word for
    /// each group. The candidates are in `scratch.shortlist`.
    pub(crate) fn scan(
        &self,
        kernels: &Kernels,
        effort: &Effort,
        live: &[u16],
        scratch: &mut Scratch,
        mut stop: impl FnMut(usize, &Sight<'_>) -> bool,
    ) {
        let count = self.centres.len();
        let most = effort.most.min(count);
        let checkpoints = checkpoints(count);
        let mut checkpoint = effort.first_checkpoint;
        let several = self.centres.heads().is_some();
        // More are listed cheaply where there are several regions.
        let fewer = if several { effort.expected / 3 } else { 0 };
        let mut listed = (effort.expected - fewer).clamp(1, most);
        let list = |want: usize, s: &mut Scratch| {
            s.ranking.list(kernels, &self.centres, &s.plain, want);
        };
        if let Some(nearest) = scratch.ranking.nearest(kernels) {
            prefetch_lines(self.codes.lines_of(&self.codes.buckets[nearest]));
        }
        let margins = self.margins(effort.stranger_kappa, scratch);
        let (mut rank, mut asked) = (0, 0);
        // One more than are scanned, to see how far the next one is.
        list((listed + 1).min(count), scratch);
        let mut ahead = std::mem::take(&mut scratch.ahead);
        ahead.reset();
        scratch.shortlist.reset(effort.k, WATCHED);
        while rank < most {
            if rank == listed {
                listed = (listed + if several { listed / 2 + 1 } else { listed }).min(most);
                list((listed + 1).min(count), scratch);
            }
            // Larger buckets are asked for while they are scanned.
            let soon = several.then(|| {
                let root = scratch.shortlist.root();
                let (ranking, rest) = (&scratch.ranking, scratch.rest[0]);
                ahead.ask(&self.codes, live, ranking, rank, rest, root)
            });
            self.scan_bucket(kernels, rank, &margins, live, soon, scratch);
            rank += 1;
            while checkpoint < checkpoints.len() && (checkpoints[checkpoint] as usize) < rank {
                checkpoint += 1;
            }
            if checkpoint < checkpoints.len()
                && checkpoints[checkpoint] as usize == rank
                && rank < most
            {
                let ranking = &scratch.ranking;
                let sight = Sight {
                    scores: ranking.scores_by(rank),
                    rest: scratch.rest[0],
                    far: scratch.far,
                    first: ranking.nearness(0),
                    next: ranking.nearness(rank),
                    scanned: rank as u32,
                    buckets: count as u32,
                    nearest: scratch.shortlist.nearest(),
                    ranks: scratch.shortlist.ranks(),
                    k: effort.k,
                    usual: effort.usual,
                };
                let rest_is_hopeless = is_beyond(
                    self.spread_weight.least_distance(sight.next) + scratch.rest[0],
                    self.reach,
                    scratch.shortlist.root(),
                );
                if stop(checkpoint, &sight) || rest_is_hopeless {
                    break;
                }
                // Likely to be among the nearest in the end, too.
                kernels.likely(&mut scratch.shortlist, asked, &mut scratch.rows);
                asked = scratch.shortlist.candidates.len();
                self.prefetch(&scratch.rows);
                checkpoint += 1;
            }
        }
        scratch.ahead = ahead;
        scratch.probed = rank;
        let (limit, rest) = (scratch.shortlist.limit(), scratch.rest[0]);
        scratch.margin = if effort.ordinary.holds(rank, limit, rest) {
            effort.kappa / effort.stranger_kappa
        } else {
            1.0
        };
        kernels.settle(&mut scratch.shortlist, scratch.margin);
    }

    fn margins(&self, kappa: f32, scratch: &Scratch) -> Margins {
        let codes = &self.codes;
        // A rounded coordinate is off by up to half a step, evenly: a twelfth in square.
        let rounding = kappa * 2.0 * (1.0_f32 / 12.0).sqrt();
        let code_norm = codes.bits.usual_code() * (codes.axes as f32).sqrt();
        Margins {
            rounding,
            centre: rounding * scratch.plain.step,
            query: rounding * scratch.weighted.step * code_norm,
            rest: kappa * 2.0 * self.rests.spread * scratch.rest[0].sqrt(),
        }
    }

    /// Offer the points of the bucket of this rank to the shortlist, and ask for these groups, or else for
    /// the bucket of the next rank.
    #[inline(always)]
    fn scan_bucket(
        &self,
        kernels: &Kernels,
        rank: usize,
        margins: &Margins,
        live: &[u16],
        soon: Option<&[u32]>,
        scratch: &mut Scratch,
    ) {
        let codes = &self.codes;
        let stride = codes.stride();
        let ranking = &scratch.ranking;
        let place = ranking.place(rank);
        let bucket = &codes.buckets[place];
        let score = ranking.score(rank) - self.spread_weight.added(bucket.spread);
        if bucket.is_hopeless(score + scratch.rest[0], scratch.shortlist.root()) {
            return;
        }
        let groups = bucket.first_group as usize..(bucket.first_group + bucket.groups()) as usize;
        let soon = match soon {
            Some(soon) => Soon::Groups(soon, &codes.groups),
            None => {
                let next = if rank + 1 < ranking.listed() {
                    ranking.place(rank + 1)
                } else {
                    place
                };
                let next = codes.buckets[next].first_group as usize * stride;
                Soon::Next(&codes.groups[next..])
            }
        };
        let (rest, weighted) = (scratch.rest[0], &scratch.weighted);
        kernels.scan(
            BucketScan {
                groups: codes.lines_of(bucket),
                lines: stride - 1,
                packing: codes.bits.packing(),
                live: &live[groups.clone()],
                query: &weighted.codes,
                dots: scratch.dots.get(groups.start * LANES..groups.end * LANES),
                base: score + rest,
                a_unit: bucket.a_unit,
                u_factor: -2.0 * weighted.step * bucket.u_unit,
                middle: codes.bits.middle() * weighted.sum as f32,
                e_factor: -2.0 * self.rests.shared(rest) * bucket.e_unit,
                u_margin: margins.rounding * bucket.u_unit,
                u_plus: margins.query * bucket.u_unit,
                e_margin: margins.rest * bucket.e_unit,
                margin: margins.centre * score.max(0.0).sqrt(),
                first: bucket.first_row,
                rank: rank as u32,
                soon,
            },
            &mut scratch.shortlist,
        );
    }

    /// Ask for what [`rank`](Self::rank) will read of these rows.
    fn prefetch(&self, rows: &[u32]) {
        for row in rows {
            self.points.prefetch(*row);
            prefetch(&self.ids[*row as usize]);
            if let Some(norms) = &self.inverse_norms {
                prefetch(&norms[*row as usize]);
            }
        }
    }

    /// Exact distances of the candidates that can be among the k nearest, to `scratch.top`.
    pub(crate) fn rank(&self, kernels: &Kernels, k: usize, scratch: &mut Scratch) {
        let (list, top) = (&mut scratch.shortlist, &mut scratch.top);
        top.reset(k);
        let rows = list.candidates.rows();
        self.prefetch(&rows[..rows.len().min(PREFETCHED)]);
        let unit = self.projection.scale() * self.projection.scale();
        let rank = |rows: &[u32], squared: &mut Vec<f32>, top: &mut TopK| {
            squared.resize(rows.len(), 0.0);
            kernels.gather(
                &scratch.query,
                self.points.padded(),
                self.points.dim(),
                rows,
                self.inverse_norms.as_deref(),
                squared,
            );
            top.take_squared(self.metric, squared, |i| self.ids[rows[i] as usize]);
        };
        let (rows, squared) = (&mut scratch.rows, &mut scratch.squared);
        kernels.likely(list, 0, rows);
        rank(rows, squared, top);
        scratch.ranked = rows.len();
        // So many that the k nearest are no farther than the last of them.
        if rows.len() >= k {
            let most = squared.iter().fold(0.0_f32, |a, b| a.max(*b)) * unit;
            kernels.others_within(list, most, scratch.margin, rows);
            rank(rows, squared, top);
            scratch.ranked += rows.len();
        }
    }
}

#[cfg(test)]
mod tests;
