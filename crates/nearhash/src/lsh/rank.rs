//! Candidates → the k nearest by (distance, id).

use super::codes::{CodeQuery, Codes};
use super::search::{Candidates, Searcher};
use crate::kernel::{Kernels, LANES};
use crate::metric::{Metric, points_need_wide, query_needs_wide, wide_distance};
use crate::points::RowSlice;
use crate::top_k::TopK;

/// Buffers of [`Searcher::rank`].
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

impl Searcher<'_> {
    /// The k nearest candidates, nearest first, as (id, distance).
    pub(super) fn rank<'s>(
        &self,
        query: &[f32],
        k: usize,
        candidates: &Candidates,
        scratch: &'s mut Ranking,
    ) -> impl ExactSizeIterator<Item = (u32, f32)> + use<'s> {
        let metric = self.built.family().metric();
        let (points, open) = (self.built.points(), self.open);
        scratch.top.reset(k);
        let magnitude = points.view().magnitude().max(open.magnitude());
        if points_need_wide(metric, magnitude)
            || query_needs_wide(metric, Kernels::get().magnitude(query))
        {
            self.rank_wide(&query[..points.dim()], candidates, &mut scratch.top);
            return scratch.top.drain();
        }
        let rows = candidates.rows();
        match self.built.codes() {
            Some(codes) if rows.len() >= codes_pay_from(k) => {
                self.rank_by_codes(codes, query, k, rows, scratch);
            }
            _ => self.offer_rows(query, rows, &mut scratch.distances, &mut scratch.top),
        }
        let slots = &candidates.slots;
        if !slots.is_empty() {
            scratch.distances.resize(slots.len(), 0.0);
            let norms = self.built.inverse_norms().map(|_| open.inverse_norms());
            let (rows, found) = (RowSlice::F32(open.padded()), &mut scratch.distances);
            Kernels::get().gather(query, rows, points.dim(), slots, norms, found);
            scratch
                .top
                .offer_squared(metric, found, |i| open.id(slots[i]));
        }
        scratch.top.drain()
    }

    /// In f64.
    fn rank_wide(&self, query: &[f32], candidates: &Candidates, top: &mut TopK) {
        let metric = self.built.family().metric();
        let mut values = vec![0.0; query.len()];
        for row in candidates.rows() {
            let view = self.built.points().view();
            view.copy_row(*row as usize, &mut values);
            top.offer(metric, wide_distance(query, &values), self.built.id(*row));
        }
        for slot in &candidates.slots {
            let distance = wide_distance(query, self.open.row(*slot));
            top.offer(metric, distance, self.open.id(*slot));
        }
    }

    /// Offer built rows by their exact distances.
    fn offer_rows(&self, query: &[f32], rows: &[u32], distances: &mut Vec<f32>, top: &mut TopK) {
        let (points, norms) = (self.built.points(), self.built.inverse_norms());
        distances.resize(rows.len(), 0.0);
        let (kernels, dim) = (Kernels::get(), points.dim());
        kernels.gather(query, points.padded(), dim, rows, norms, distances);
        let metric = self.built.family().metric();
        top.offer_squared(metric, distances, |i| self.built.id(rows[i]));
    }

    /// [`offer_rows`](Self::offer_rows) without those that their codes rule out. What is kept is
    /// the same: a row goes unread only where its distance would be turned down.
    fn rank_by_codes(
        &self,
        codes: &Codes,
        query: &[f32],
        k: usize,
        rows: &[u32],
        scratch: &mut Ranking,
    ) {
        /// Rows that are fetched before the limit is looked at again.
        const STEP: usize = 64;
        let kernels = Kernels::get();
        let Ranking {
            top,
            distances,
            query: code_query,
            bounds,
            likeliest,
            left,
            picked,
        } = scratch;
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
        self.offer_rows(query, picked, distances, top);
        left.clear();
        kernels.list_within(bounds, top.limit(), left);
        for some in left.chunks(STEP) {
            let limit = top.limit();
            let within = some.iter().filter(|i| bounds[**i as usize] <= limit);
            picked.clear();
            picked.extend(within.map(|i| rows[*i as usize]));
            self.offer_rows(query, picked, distances, top);
        }
    }
}
