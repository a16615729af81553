//! A query's way: projected with its block → buckets, likeliest first → candidates, each once →
//! exact distances → the k nearest by (distance, id).

use std::ops::Range;

use rayon::prelude::*;

use super::candidates::Candidates;
use super::family::KeyScratch;
use super::probe::Prober;
use super::rank::Ranking;
use super::state::State;
use super::table::Place;
use crate::control::Control;
use crate::error::Result;
use crate::exact::Neighbors;
use crate::filter::Filter;
use crate::kernel::{Kernels, padded_width};
use crate::metric::Prepared;
use crate::points::RowsView;
use crate::scratch::ScratchPool;

/// Queries that are projected together. Fewer than this are answered by the calling thread.
const QUERY_BLOCK: usize = 16;
/// Buckets that are located before they are read.
const PLACES: usize = 4096;

/// What a query looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Buckets besides the query's own, over all tables.
    pub(crate) extra_buckets: usize,
    /// Most candidates.
    pub(crate) bound: usize,
}

/// Buffers of one worker, kept from call to call so that queries allocate nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    projected: Vec<f32>,
    group_projected: Vec<f32>,
    key_scratch: KeyScratch,
    keys: Vec<u64>,
    homes: Vec<u64>,
    prober: Prober,
    order: Vec<u32>,
    places: Vec<(u32, u64, Place)>,
    found: Vec<Range<u32>>,
    candidates: Candidates,
    row: Vec<f32>,
    ranking: Ranking,
}

/// An index at one moment, to search in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Searcher<'a> {
    pub(crate) state: &'a State,
    pub(crate) pool: &'a ScratchPool<Scratch>,
    /// Candidates that it does not admit are none.
    pub(crate) filter: Option<&'a Filter>,
}

impl<'a> Searcher<'a> {
    /// The same among those points that a filter admits.
    pub(crate) fn among(self, filter: Option<&'a Filter>) -> Self {
        Self { filter, ..self }
    }
}

impl Searcher<'_> {
    /// The k nearest candidates of each query, and how many candidates it had.
    pub(crate) fn search(
        &self,
        queries: &RowsView<'_>,
        k: usize,
        effort: Effort,
        control: &Control,
    ) -> Result<(Neighbors, Vec<u32>)> {
        let mut out = Neighbors::empty(queries.rows(), k)?;
        let mut collisions = vec![0; queries.rows()];
        let prepared = Prepared::new("x", queries, self.state.built.family().metric())?;
        control.begin("queries", queries.rows());
        let answer = |first: usize,
                      ids: &mut [u32],
                      distances: &mut [f32],
                      counts: &mut [u32],
                      collisions: &mut [u32]| {
            control.check()?;
            let range = first..first + counts.len();
            self.pool.with(|scratch| {
                self.each_candidates(&prepared, range, effort, scratch, |i, query, scratch| {
                    collisions[i] = scratch.candidates.len() as u32;
                    let found = scratch
                        .ranking
                        .rank(self.state, query, k, &scratch.candidates);
                    counts[i] = found.len() as u32;
                    for (place, (id, distance)) in found.enumerate() {
                        ids[i * k + place] = id;
                        distances[i * k + place] = distance;
                    }
                });
            });
            control.advance(counts.len());
            Ok(())
        };
        let Neighbors {
            ids,
            distances,
            counts,
            ..
        } = &mut out;
        if queries.rows() <= QUERY_BLOCK {
            if queries.rows() > 0 {
                answer(0, ids, distances, counts, &mut collisions)?;
            }
        } else {
            ids.par_chunks_mut(QUERY_BLOCK * k)
                .zip(distances.par_chunks_mut(QUERY_BLOCK * k))
                .zip(counts.par_chunks_mut(QUERY_BLOCK))
                .zip(collisions.par_chunks_mut(QUERY_BLOCK))
                .enumerate()
                .try_for_each(|(block, (((ids, distances), counts), collisions))| {
                    answer(block * QUERY_BLOCK, ids, distances, counts, collisions)
                })?;
        }
        Ok((out, collisions))
    }

    /// The nearest candidates of one query, as many as `ids` has places; how many there are.
    pub(crate) fn search_one(
        &self,
        query: &RowsView<'_>,
        effort: Effort,
        ids: &mut [u32],
        distances: &mut [f32],
    ) -> Result<usize> {
        let prepared = Prepared::new("x", query, self.state.built.family().metric())?;
        let mut count = 0;
        self.pool.with(|scratch| {
            self.each_candidates(&prepared, 0..1, effort, scratch, |_, query, scratch| {
                let Scratch {
                    candidates,
                    ranking,
                    ..
                } = scratch;
                let found = ranking.rank(self.state, query, ids.len(), candidates);
                count = found.len();
                let places = ids.iter_mut().zip(distances.iter_mut());
                for ((id, distance), found) in places.zip(found) {
                    (*id, *distance) = found;
                }
            });
        });
        Ok(count)
    }

    /// Ids of one query's candidates, ascending.
    pub(crate) fn candidates(&self, query: &RowsView<'_>, effort: Effort) -> Result<Vec<u32>> {
        let State { built, open, .. } = self.state;
        let prepared = Prepared::new("v", query, built.family().metric())?;
        let mut ids = Vec::new();
        self.pool.with(|scratch| {
            self.each_candidates(&prepared, 0..1, effort, scratch, |_, _, scratch| {
                let candidates = &scratch.candidates;
                ids.extend(candidates.rows().iter().map(|row| built.id(*row)));
                ids.extend(candidates.slots().iter().map(|slot| open.id(*slot)));
            });
        });
        ids.sort_unstable();
        Ok(ids)
    }

    /// Find the candidates of each query in `range`, at most [`QUERY_BLOCK`] of them, and visit
    /// them: `visit(query within the range, prepared query, scratch with its candidates)`.
    fn each_candidates(
        &self,
        queries: &Prepared<'_>,
        range: Range<usize>,
        effort: Effort,
        scratch: &mut Scratch,
        mut visit: impl FnMut(usize, &[f32], &mut Scratch),
    ) {
        let kernels = Kernels::get();
        let State { built, open, .. } = self.state;
        let family = built.family().as_ref();
        let planes = family.planes();
        let (count, width) = (range.len(), padded_width(planes.dim()));
        // Taken out while the rest of the scratch is lent on.
        let mut row = std::mem::take(&mut scratch.row);
        let block = queries.block(range, width, &mut row);
        // Margins are wanted to order buckets, not just to find the query's own.
        let ordered = effort.extra_buckets > 0 || effort.bound < usize::MAX;
        scratch.keys.resize(count * planes.tables(), 0);
        if ordered {
            scratch.projected.resize(count * planes.width(), 0.0);
        }
        let mut start = 0;
        for group in planes.groups() {
            scratch.group_projected.resize(count * group.width(), 0.0);
            let projected = &mut scratch.group_projected;
            group.project(kernels, block, width, planes.dim(), projected);
            let first = group.first_table() * count;
            let keys = &mut scratch.keys[first..first + group.tables() * count];
            family.keys(kernels, group, projected, &mut scratch.key_scratch, keys);
            if ordered {
                for (i, projected) in projected.chunks_exact(group.width()).enumerate() {
                    let at = i * planes.width() + start;
                    scratch.projected[at..at + group.width()].copy_from_slice(projected);
                }
            }
            start += group.width();
        }
        for (i, query) in block.chunks_exact(width).enumerate() {
            scratch.homes.clear();
            let homes = (0..planes.tables()).map(|table| scratch.keys[table * count + i]);
            scratch.homes.extend(homes);
            if ordered {
                let projected = &scratch.projected[i * planes.width()..][..planes.width()];
                scratch.prober.begin(family, projected, &scratch.homes);
            }
            self.collect(effort, scratch);
            if let Some(filter) = self.filter {
                scratch.candidates.retain(
                    |row| filter.admits(built.id(row)),
                    |slot| filter.admits(open.id(slot)),
                );
            }
            visit(i, query, scratch);
        }
        scratch.row = row;
    }

    /// Fill `scratch.candidates` for the query whose homes and margins are in `scratch`.
    fn collect(&self, effort: Effort, scratch: &mut Scratch) {
        let State { built, open, .. } = self.state;
        let tables = built.tables();
        let Scratch {
            homes,
            prober,
            order,
            places,
            found,
            candidates,
            ..
        } = scratch;
        candidates.begin(built.points().rows(), open.slots());
        places.clear();
        if effort.bound < usize::MAX {
            prober.tables_by_likelihood(order);
            places.extend(order.iter().map(|table| {
                let key = homes[*table as usize];
                (*table, key, tables[*table as usize].locate(key))
            }));
        } else {
            places.extend(
                (0..)
                    .zip(homes.iter())
                    .map(|(table, key)| (table, *key, tables[table as usize].locate(*key))),
            );
        }
        let enough = effort.bound.min(self.state.len());
        let ordered = effort.bound < usize::MAX;
        prober.probe(effort.extra_buckets, ordered, |table, key| {
            places.push((table as u32, key, tables[table].locate(key)));
            if places.len() >= PLACES {
                self.read(places, found, candidates, effort.bound);
                places.clear();
            }
            candidates.len() < enough
        });
        self.read(places, found, candidates, effort.bound);
    }

    /// Add the points of located buckets to the candidates, until there are `bound`.
    fn read(
        &self,
        places: &[(u32, u64, Place)],
        found: &mut Vec<Range<u32>>,
        candidates: &mut Candidates,
        bound: usize,
    ) {
        let State { built, open, .. } = self.state;
        let tables = built.tables();
        // Each bucket is found before the first is read, so that the memory of many is on its way
        // at once.
        found.clear();
        found.extend(
            places
                .iter()
                .map(|(table, _, place)| tables[*table as usize].find(*place)),
        );
        for ((table, key, _), range) in places.iter().zip(found) {
            if candidates.len() >= bound {
                break;
            }
            let table = *table as usize;
            let slots = candidates.slots().len();
            candidates.add_rows(tables[table].entries(range.clone()), open);
            if open.slots() > 0 {
                candidates.add_slots(open.bucket(table, *key), built.points().rows());
            }
            candidates.cut(bound, slots);
        }
    }
}
