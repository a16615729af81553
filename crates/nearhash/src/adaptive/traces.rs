//! Searches for a sample of queries, watched to the end: what each look-up saw, and what came of it.

use rayon::prelude::*;

use crate::adaptive::model::Model;
use crate::adaptive::search::{Effort, Ordinary, Scratch};
use crate::adaptive::stopping::{Features, MissModel, Sight, StopRule, WATCHED};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Candidate, CodeTile, Kernels, LANES, TILE, padded_width};

/// Lines of a group from which on dot products are computed for several queries at once.
const LONG: usize = 24;

/// And axes, where there are many points.
const LONG_AXES: usize = 192;

/// A true neighbour of a query of the sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbour {
    /// Of its bucket.
    pub(crate) rank: u32,
    /// Standard errors by which its estimate was too large.
    pub(crate) error: f32,
}

/// How the queries of a sample are searched to the end.
#[derive(Debug, Clone)]
pub(crate) struct Search<'a> {
    pub(crate) ks: &'a [usize],
    /// For each k, the squared distance of the k-th neighbour, usually (scaled).
    pub(crate) usual: Vec<f32>,
    /// Buckets.
    pub(crate) depth: usize,
    /// Standard errors that are allowed for.
    pub(crate) kappa: f32,
    /// When it may end before; always at the depth where there is none.
    pub(crate) early: Option<Early<'a>>,
}

/// What ends a search for the first of the k.
#[derive(Debug, Clone)]
pub(crate) struct Early<'a> {
    pub(crate) model: &'a MissModel,
    pub(crate) rule: StopRule,
    /// Buckets that are scanned, usually.
    pub(crate) expected: usize,
}

impl<'a> Search<'a> {
    /// The same for the first `count` of the k.
    pub(crate) fn of_few(&self, count: usize) -> Search<'a> {
        Search {
            ks: &self.ks[..count.min(self.ks.len())],
            ..self.clone()
        }
    }
}

/// What a query of the sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A stored point, which is no neighbour of its own.
    Stored,
    /// What a stored point and its twins are copies of, as if none of them were there.
    Alone,
    /// None of the index.
    Stranger,
}

/// A query of the sample, searched to the end.
pub(crate) struct Trace {
    pub(crate) asked: Asked,
    /// Rows of the nearest, by distance, and their squared distances (scaled).
    pub(crate) nearest: Vec<(u32, f32)>,
    /// For each k and checkpoint, the features, where there were any.
    pub(crate) features: Vec<Vec<Option<Features>>>,
    /// For each k, the true neighbours, by the rank of their buckets.
    pub(crate) neighbours: Vec<Vec<Neighbour>>,
    /// For each k, the squared distance (scaled) of the last neighbour.
    pub(crate) limits: Vec<f32>,
    /// The squared rest (scaled), and the squared distance from the mean.
    pub(crate) rest: f32,
    pub(crate) far: f32,
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
        self.traces(
            Asked::Stored,
            rows,
            search,
            control,
            |row, query, absent| {
                self.copy_prepared(*row, query);
                absent.push(*row);
            },
        )
    }

    /// Search for the mean of each of these groups of rows, as if none of its rows were there.
    pub(crate) fn traces_alone(
        &self,
        groups: &[&[u32]],
        search: &Search<'_>,
        control: &Control,
    ) -> Result<Vec<Trace>> {
        self.traces(
            Asked::Alone,
            groups,
            search,
            control,
            |rows, query, absent| {
                self.copy_mean(rows, query);
                absent.extend_from_slice(rows);
            },
        )
    }

    /// Search for strangers, by number.
    pub(crate) fn stranger_traces(
        &self,
        seed: u64,
        numbers: &[u32],
        search: &Search<'_>,
        control: &Control,
    ) -> Result<Vec<Trace>> {
        self.traces(
            Asked::Stranger,
            numbers,
            search,
            control,
            |number, query, _| {
                self.make_stranger(seed, *number, query);
            },
        )
    }

    /// Search the sample to the end; `make` makes a query of each, and says which rows of the index it is
    /// asked without.
    fn traces<T: Sync>(
        &self,
        asked: Asked,
        sample: &[T],
        search: &Search<'_>,
        control: &Control,
        make: impl Fn(&T, &mut Vec<f32>, &mut Vec<u32>) + Sync,
    ) -> Result<Vec<Trace>> {
        let kernels = Kernels::get();
        let traces: Vec<Vec<Trace>> = sample
            .par_chunks(TILE)
            .map_init(
                || (<[Scratch; TILE]>::default(), self.codes.live.clone()),
                |(tile, live), numbers| {
                    control.check()?;
                    let mut absent: [Vec<u32>; TILE] = Default::default();
                    for ((scratch, absent), number) in tile.iter_mut().zip(&mut absent).zip(numbers)
                    {
                        make(number, &mut scratch.query, absent);
                    }
                    // A stranger that is too far out is no example: searches of such compare all
                    // points.
                    let near: [bool; TILE] = std::array::from_fn(|i| {
                        i < numbers.len() && self.prepare(kernels, &mut tile[i])
                    });
                    self.take_dots(
                        kernels,
                        tile,
                        near.map(|near| near && search.early.is_none()),
                        2 * search.depth >= self.centres.len(),
                    );
                    let mut traces = Vec::new();
                    for i in (0..TILE).filter(|i| near[*i]) {
                        traces.push(self.trace(asked, &absent[i], search, &mut tile[i], live));
                    }
                    control.advance(numbers.len());
                    Ok(traces)
                },
            )
            .collect::<Result<_>>()?;
        Ok(traces.into_iter().flatten().collect())
    }

    /// Dot products of all codes with those queries that are `prepared`, at once: a search to the end
    /// needs nearly all. Among many points, where codes are not in any cache and are read once for all
    /// queries, it pays where searches are `deep`: half of the buckets and more.
    fn take_dots(
        &self,
        kernels: &Kernels,
        tile: &mut [Scratch; TILE],
        prepared: [bool; TILE],
        deep: bool,
    ) {
        let Some(any) = prepared.iter().position(|prepared| *prepared) else {
            return;
        };
        for scratch in tile.iter_mut() {
            scratch.dots.clear();
        }
        let many = self.centres.heads().is_some();
        let wanted = if many {
            deep && self.codes.axes >= LONG_AXES
        } else {
            self.codes.stride() >= LONG
        };
        if !wanted {
            return;
        }
        let mut dots = tile
            .each_mut()
            .map(|scratch| std::mem::take(&mut scratch.dots));
        for dots in &mut dots {
            dots.resize(self.codes.live.len() * LANES, 0.0);
        }
        let stride = self.codes.stride();
        let query = |i: usize| &tile[if prepared[i] { i } else { any }].weighted.codes[..];
        let codes = CodeTile {
            groups: &self.codes.groups,
            stride,
            lines: stride - 1,
            packing: self.codes.bits.packing(),
            queries: std::array::from_fn(query),
        };
        kernels.dots(codes, dots.each_mut().map(|dots| &mut dots[..]));
        for (scratch, dots) in tile.iter_mut().zip(dots) {
            scratch.dots = dots;
        }
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

    /// Search for `scratch.query`, prepared, as if these rows were `absent`.
    pub(crate) fn trace(
        &self,
        asked: Asked,
        absent: &[u32],
        search: &Search<'_>,
        scratch: &mut Scratch,
        live: &mut [u16],
    ) -> Trace {
        let kernels = Kernels::get();
        let (ks, kappa) = (search.ks, search.kappa);
        let most = ks.last().copied().unwrap_or(1);
        let mut features = vec![Vec::new(); ks.len()];
        let places = || absent.iter().map(|row| self.codes.place(*row));
        places().for_each(|(word, bit)| live[word] &= !bit);
        let effort = Effort {
            k: most,
            most: search.depth,
            expected: search
                .early
                .as_ref()
                .map_or(search.depth, |early| early.expected),
            first_checkpoint: 0,
            kappa,
            stranger_kappa: kappa,
            ordinary: Ordinary::ANY,
            usual: 1.0,
        };
        self.scan(kernels, &effort, live, scratch, |checkpoint, sight| {
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
            let seen = features[0].last().and_then(|seen| *seen);
            let early = search.early.as_ref().zip(seen);
            early.is_some_and(|(early, seen)| {
                early.model.log_odds(kernels, &seen) <= early.rule.limits[checkpoint]
            })
        });
        places().for_each(|(word, bit)| live[word] |= bit);
        self.judge(asked, kappa, ks, features, scratch)
    }

    /// What a search to the end found, with the truth.
    fn judge(
        &self,
        asked: Asked,
        kappa: f32,
        ks: &[usize],
        features: Vec<Vec<Option<Features>>>,
        scratch: &mut Scratch,
    ) -> Trace {
        let kernels = Kernels::get();
        let most = ks.last().copied().unwrap_or(1);
        let candidates: Vec<Candidate> = scratch.shortlist.candidates.iter().collect();
        let unit = self.projection.scale() * self.projection.scale();
        // The likeliest in front, in order; the others as they came, so that rows that stand
        // together are read together.
        let limit = kth_least(candidates.iter().map(|c| c.estimate), most);
        let likely = candidates.iter().filter(|c| c.estimate <= limit);
        let mut ordered: Vec<Candidate> = likely.copied().collect();
        ordered.sort_unstable_by(|a, b| a.estimate.total_cmp(&b.estimate).then(a.row.cmp(&b.row)));
        ordered.extend(candidates.iter().filter(|c| c.estimate > limit));
        let candidates = ordered;
        let rows: Vec<u32> = candidates.iter().map(|c| c.row).collect();
        let mut squared = vec![0.0; rows.len()];
        kernels.gather(
            &scratch.query,
            self.points.padded(),
            self.points.dim(),
            &rows,
            self.inverse_norms.as_deref(),
            &mut squared,
        );
        let nearest = scratch.shortlist.nearest();
        let limit = kth_least(squared.iter().copied(), most);
        let mut found: Vec<usize> = (0..rows.len()).filter(|i| squared[*i] <= limit).collect();
        let id = |i: usize| self.ids[rows[i] as usize];
        found.sort_unstable_by(|a, b| {
            squared[*a]
                .total_cmp(&squared[*b])
                .then(id(*a).cmp(&id(*b)))
        });
        found.truncate(most);
        let mut rank_of = vec![u32::MAX; self.centres.len()];
        for rank in 0..scratch.ranking.listed() {
            rank_of[scratch.ranking.place(rank)] = rank as u32;
        }
        let mut trace = Trace {
            asked,
            nearest: found
                .iter()
                .map(|i| (rows[*i], squared[*i] * unit))
                .collect(),
            features,
            neighbours: Vec::new(),
            limits: Vec::new(),
            rest: scratch.rest[0],
            far: scratch.far,
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

/// The `k`-th least of some numbers; infinite where there are fewer.
fn kth_least(numbers: impl Iterator<Item = f32>, k: usize) -> f32 {
    let mut numbers: Vec<f32> = numbers.collect();
    if numbers.len() < k {
        return f32::INFINITY;
    }
    *numbers.select_nth_unstable_by(k - 1, f32::total_cmp).1
}
