//! Candidates → the k nearest by (distance, id).

use super::candidates::Candidates;
use super::codes::{CodeQuery, Codes};
use super::state::State;
use crate::kernel::{Kernels, LANES};
use crate::metric::{Metric, points_need_wide, query_needs_wide, wide_distance};
use crate::points::RowSlice;
use crate::top_k::TopK;

/// Buffers of [`rank`](Self::rank).
#[derive(Debug, Default)]
pub(super) struct Ranking {
    top: TopK,
    distances: Vec<f32>,
    query: CodeQuery,
    /// Of each candidate, from its codes; NaN once it is ranked.
    bounds: Vec<f32>,
    likeliest: TopK,
    /// Places of candidates.
    left: Vec<u32>,
    /// Rows to fetch.
    picked: Vec<u32>,
}

/// Fewest candidates whose codes are looked at first.
fn codes_pay_from(k: usize) -> usize {
    k.saturating_mul(8).max(64)
}

impl Ranking {
    /// The k nearest candidates, nearest first, as (id, distance).
    pub(super) fn rank<'s>(
        &'s mut self,
        state: &State,
        query: &[f32],
        k: usize,
        candidates: &Candidates,
    ) -> impl ExactSizeIterator<Item = (u32, f32)> + use<'s> {
        let metric = state.built.family().metric();
        let (points, open) = (state.built.points(), &state.open);
        self.top.reset(k);
        let magnitude = points.view().magnitude().max(open.magnitude());
        if points_need_wide(metric, magnitude)
            || query_needs_wide(metric, Kernels::get().magnitude(query))
        {
            rank_wide(state, &query[..points.dim()], candidates, &mut self.top);
            return self.top.drain();
        }
        let rows = candidates.rows();
        match state.built.codes() {
            Some(codes) if rows.len() >= codes_pay_from(k) => {
                self.rank_by_codes(state, codes, query, k, rows);
            }
            _ => offer_rows(state, query, rows, &mut self.distances, &mut self.top),
        }
        let slots = candidates.slots();
        if !slots.is_empty() {
            self.distances.resize(slots.len(), 0.0);
            let norms = state.built.inverse_norms().map(|_| open.inverse_norms());
            let (rows, found) = (RowSlice::F32(open.padded()), &mut self.distances);
            Kernels::get().gather(query, rows, points.dim(), slots, norms, found);
            self.top.offer_squared(metric, found, |i| open.id(slots[i]));
        }
        self.top.drain()
    }

    /// [`offer_rows`] without those that their codes rule out. What is kept is the same: a row goes
    /// unread only where its distance would be turned down.
    fn rank_by_codes(
        &mut self,
        state: &State,
        codes: &Codes,
        query: &[f32],
        k: usize,
        rows: &[u32],
    ) {
        /// Rows that are fetched before the limit is looked at again.
        const STEP: usize = 64;
        let kernels = Kernels::get();
        let Self {
            top,
            distances,
            query: code_query,
            bounds,
            likeliest,
            left,
            picked,
        } = self;
        let lanes = rows.len().next_multiple_of(LANES);
        bounds.resize(lanes, 0.0);
        let (found, padding) = bounds.split_at_mut(rows.len());
        padding.fill(f32::NAN);
        codes.lower_bounds(kernels, query, rows, code_query, found);
        // The k with the lowest bounds first: their distances limit all others'.
        likeliest.reset(k);
        likeliest.offer_squared(Metric::Euclidean, found, |i| i as u32);
        picked.clear();
        for (i, _) in likeliest.drain() {
            picked.push(rows[i as usize]);
            // Below no limit, not even an infinite one.
            found[i as usize] = f32::NAN;
        }
        offer_rows(state, query, picked, distances, top);
        left.clear();
        kernels.list_within(bounds, top.limit(), left);
        for some in left.chunks(STEP) {
            let limit = top.limit();
            let within = some.iter().filter(|i| bounds[**i as usize] <= limit);
            picked.clear();
            picked.extend(within.map(|i| rows[*i as usize]));
            offer_rows(state, query, picked, distances, top);
        }
    }
}

/// In f64.
fn rank_wide(state: &State, query: &[f32], candidates: &Candidates, top: &mut TopK) {
    let metric = state.built.family().metric();
    let mut values = vec![0.0; query.len()];
    for row in candidates.rows() {
        let view = state.built.points().view();
        view.copy_row(*row as usize, &mut values);
        top.offer(metric, wide_distance(query, &values), state.built.id(*row));
    }
    for slot in candidates.slots() {
        let distance = wide_distance(query, state.open.row(*slot));
        top.offer(metric, distance, state.open.id(*slot));
    }
}

/// Offer built rows by their exact distances.
fn offer_rows(
    state: &State,
    query: &[f32],
    rows: &[u32],
    distances: &mut Vec<f32>,
    top: &mut TopK,
) {
    let (points, norms) = (state.built.points(), state.built.inverse_norms());
    distances.resize(rows.len(), 0.0);
    let (kernels, dim) = (Kernels::get(), points.dim());
    kernels.gather(query, points.padded(), dim, rows, norms, distances);
    let metric = state.built.family().metric();
    top.offer_squared(metric, distances, |i| state.built.id(rows[i]));
}
