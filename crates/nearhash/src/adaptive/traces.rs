//! Searches for a sample of queries, watched to the end: what each look-up saw, and what came of it.

use std::ops::Range;

use rayon::prelude::*;

use crate::adaptive::model::Model;
use crate::adaptive::search::{Effort, Ordinary, Scratch};
use crate::adaptive::stopping::{Features, Sight, WATCHED};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Candidate, Kernels, padded_width};

/// A true neighbour of a query of the sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbour {
    /// Of its bucket.
    pub(crate) rank: u32,
    /// Standard errors by which its estimate was too large.
    pub(crate) error: f32,
}

/// How the queries of a sample are searched to the end.
pub(crate) struct Search<'a> {
    pub(crate) ks: &'a [usize],
    /// For each k, the squared distance of the k-th neighbour, usually (scaled).
    pub(crate) usual: Vec<f32>,
    /// Buckets.
    pub(crate) depth: usize,
    /// Standard errors that are allowed for.
    pub(crate) kappa: f32,
}

/// A query of the sample, searched to the end.
pub(crate) struct Trace {
    pub(crate) stranger: bool,
    /// For each k and checkpoint, the features, where there were any.
    pub(crate) features: Vec<Vec<Option<Features>>>,
    /// For each k, the true neighbours, by the rank of their buckets.
    pub(crate) neighbours: Vec<Vec<Neighbour>>,
    /// For each k, the squared distance (scaled) of the last neighbour.
    pub(crate) limits: Vec<f32>,
    /// The squared rest (scaled).
    pub(crate) rest: f32,
}

impl Trace {
    /// The rest in parts of the distance of the last neighbour, for the `i`-th k.
    pub(crate) fn rest_share(&self, i: usize) -> f32 {
        self.rest / self.limits[i].max(f32::MIN_POSITIVE)
    }

    /// Whether a search that ended where nearly all neighbours are known would be ordinary.
    pub(crate) fn is_ordinary(&self, i: usize, ordinary: &Ordinary) -> bool {
        let neighbours = &self.neighbours[i];
        let last = neighbours.get(neighbours.len() * 95 / 100);
        let probes = last.map_or(0, |neighbour| neighbour.rank as usize + 1);
        ordinary.holds(probes, self.limits[i], self.rest)
    }
}

impl Model {
    /// Search for rows of the index.
    pub(crate) fn stored_traces(
        &self,
        rows: &[u32],
        search: &Search<'_>,
        control: &Control,
    ) -> Result<Vec<Trace>> {
        self.traces(rows.to_vec(), search, control, |row, query| {
            self.copy_prepared(row, query);
            Some(row)
        })
    }

    /// Search for strangers, by number.
    pub(crate) fn stranger_traces(
        &self,
        seed: u64,
        numbers: Range<u32>,
        search: &Search<'_>,
        control: &Control,
    ) -> Result<Vec<Trace>> {
        self.traces(numbers.collect(), search, control, |number, query| {
            self.make_stranger(seed, number, query);
            None
        })
    }

    /// Search the sample to the end; `make` makes the query of a number, and says which row of the
    /// index it is.
    fn traces(
        &self,
        sample: Vec<u32>,
        search: &Search<'_>,
        control: &Control,
        make: impl Fn(u32, &mut Vec<f32>) -> Option<u32> + Sync,
    ) -> Result<Vec<Trace>> {
        sample
            .into_par_iter()
            .map_init(
                || (Scratch::default(), self.codes.live.clone()),
                |(scratch, live), number| {
                    control.check()?;
                    let own = make(number, &mut scratch.query);
                    let trace = self.trace(own, search, scratch, live);
                    control.advance(1);
                    Ok(trace)
                },
            )
            // A stranger that is too far out is no example: searches of such compare all points.
            .filter_map(Result::transpose)
            .collect()
    }

    /// Row `row` as a query, padded, a unit vector under cosine.
    pub(crate) fn copy_prepared(&self, row: u32, out: &mut Vec<f32>) {
        out.clear();
        out.resize(padded_width(self.points.dim()), 0.0);
        self.points.view().copy_row(row as usize, out);
        if let Some(norms) = &self.inverse_norms {
            out.iter_mut().for_each(|x| *x *= norms[row as usize]);
        }
    }

    /// Search for `scratch.query`, which is row `own` of the index or none of it. None when it is
    /// too far out to be estimated.
    pub(crate) fn trace(
        &self,
        own: Option<u32>,
        search: &Search<'_>,
        scratch: &mut Scratch,
        live: &mut [u16],
    ) -> Option<Trace> {
        let kernels = Kernels::get();
        let (ks, kappa) = (search.ks, search.kappa);
        let most = ks.last().copied().unwrap_or(1);
        if !self.prepare(kernels, scratch) {
            return None;
        }
        let mut features = vec![Vec::new(); ks.len()];
        // A point is no neighbour of its own.
        let bit = own.map(|row| self.codes.place(row));
        if let Some((word, bit)) = bit {
            live[word] &= !bit;
        }
        let effort = Effort {
            k: most,
            most: search.depth,
            expected: search.depth,
            first_checkpoint: 0,
            kappa,
            stranger_kappa: kappa,
            ordinary: Ordinary::ANY,
            usual: 1.0,
        };
        self.scan(kernels, &effort, live, scratch, |_, sight| {
            for ((out, k), usual) in features.iter_mut().zip(ks).zip(&search.usual) {
                let watched = (*k).max(WATCHED).min(sight.nearest.len());
                let sight = Sight {
                    k: *k,
                    usual: *usual,
                    nearest: &sight.nearest[..watched],
                    ranks: &sight.ranks[..watched],
                    ..*sight
                };
                out.push(sight.features(kernels));
            }
            false
        });
        if let Some((word, bit)) = bit {
            live[word] |= bit;
        }
        Some(self.judge(own.is_none(), kappa, ks, features, scratch))
    }

    /// What a search to the end found, with the truth.
    fn judge(
        &self,
        stranger: bool,
        kappa: f32,
        ks: &[usize],
        features: Vec<Vec<Option<Features>>>,
        scratch: &mut Scratch,
    ) -> Trace {
        let kernels = Kernels::get();
        let most = ks.last().copied().unwrap_or(1);
        let candidates = &mut scratch.shortlist.candidates;
        let by_estimate = |a: &Candidate, b: &Candidate| {
            a.estimate.total_cmp(&b.estimate).then(a.row.cmp(&b.row))
        };
        let unit = self.projection.scale() * self.projection.scale();
        // The likeliest first, more and more at a time: most of the others cannot be nearer than
        // all of the k nearest so far.
        let (mut rows, mut squared): (Vec<u32>, Vec<f32>) = (Vec::new(), Vec::new());
        let mut nearest_so_far = Vec::new();
        let mut step = most;
        while rows.len() < candidates.len() {
            let done = rows.len();
            if done > 0 {
                nearest_so_far.clone_from(&squared);
                let (_, last, _) = nearest_so_far.select_nth_unstable_by(most - 1, f32::total_cmp);
                let farthest = *last * unit;
                let root = farthest.sqrt();
                let mut at = 0;
                candidates.retain(|c| {
                    at += 1;
                    at <= done || c.estimate - c.fixed - c.slope * root <= farthest
                });
            }
            let left = &mut candidates[done..];
            let count = step.min(left.len());
            if count < left.len() {
                left.select_nth_unstable_by(count - 1, by_estimate);
            }
            if done == 0 {
                left[..count].sort_unstable_by(by_estimate);
            }
            rows.extend(left[..count].iter().map(|c| c.row));
            squared.resize(rows.len(), 0.0);
            kernels.gather(
                &scratch.query,
                self.points.padded(),
                self.points.dim(),
                &rows[done..],
                self.inverse_norms.as_deref(),
                &mut squared[done..],
            );
            step = rows.len();
        }
        let candidates = &scratch.shortlist.candidates;
        let nearest = scratch.shortlist.nearest();
        let mut found: Vec<usize> = (0..rows.len()).collect();
        let order = |a: &usize, b: &usize| {
            squared[*a]
                .total_cmp(&squared[*b])
                .then(self.ids[rows[*a] as usize].cmp(&self.ids[rows[*b] as usize]))
        };
        if found.len() > most {
            found.select_nth_unstable_by(most - 1, order);
            found.truncate(most);
        }
        found.sort_unstable_by(order);
        let mut rank_of = vec![u32::MAX; self.centres.len()];
        for rank in 0..scratch.ranking.listed() {
            rank_of[scratch.ranking.place(rank)] = rank as u32;
        }
        let mut trace = Trace {
            stranger,
            features,
            neighbours: Vec::new(),
            limits: Vec::new(),
            rest: scratch.rest[0],
        };
        for k in ks {
            let found = &found[..(*k).min(found.len())];
            // What a candidate must not exceed: the k-th estimate, and then the largest distance of
            // the k likeliest.
            let likely = &squared[..(*k).min(squared.len())];
            let farthest = likely.iter().map(|squared| squared * unit);
            let limit = nearest
                .get(k - 1)
                .copied()
                .unwrap_or(f32::INFINITY)
                .min(farthest.fold(0.0, f32::max));
            let root = limit.max(0.0).sqrt();
            let mut neighbours: Vec<Neighbour> = found
                .iter()
                .map(|i| {
                    let c = &candidates[*i];
                    let unit = (c.fixed + c.slope * root) / kappa;
                    Neighbour {
                        rank: rank_of[self.codes.bucket_of(c.row)],
                        error: if limit.is_finite() && unit > 0.0 {
                            ((c.estimate - limit) / unit).max(0.0)
                        } else {
                            0.0
                        },
                    }
                })
                .collect();
            neighbours.sort_unstable_by_key(|neighbour| neighbour.rank);
            trace.neighbours.push(neighbours);
            let last = found.last().map_or(0.0, |i| squared[*i] * unit);
            trace.limits.push(last);
        }

        trace
    }
}
