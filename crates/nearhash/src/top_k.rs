//! The k nearest so far, by (distance, id).

use std::collections::BinaryHeap;

use crate::kernel::Kernels;
use crate::metric::Metric;

/// Keeps the k smallest (distance, id) of all that are offered.
#[derive(Debug, Default)]
pub(crate) struct TopK {
    k: usize,
    /// Distance bits above id bits: floats that are not negative order like their bits.
    heap: BinaryHeap<u64>,
    limit: f32,
    /// A few more, which may be too many.
    taken: Vec<u64>,
    sorted: Vec<u64>,
}

/// Most points that are taken as they are.
const FEW: usize = 64;

fn entry(distance: f32, id: u32) -> u64 {
    u64::from(distance.to_bits()) << 32 | u64::from(id)
}

impl TopK {
    /// Start afresh, for the `k` nearest.
    pub(crate) fn reset(&mut self, k: usize) {
        self.k = k;
        self.heap.clear();
        self.taken.clear();
        self.limit = if k == 0 {
            f32::NEG_INFINITY
        } else {
            f32::INFINITY
        };
    }

    /// A squared distance above this one changes nothing any more.
    #[inline]
    pub(crate) fn limit(&self) -> f32 {
        self.limit
    }

    /// Offer points by the squared distances that the kernels give; `id` tells a place's id.
    #[inline]
    pub(crate) fn offer_squared(
        &mut self,
        metric: Metric,
        squared: &[f32],
        id: impl Fn(usize) -> u32,
    ) {
        const STEP: usize = 16;
        for (step, some) in squared.chunks(STEP).enumerate() {
            // Most steps hold nothing near enough; to see that takes a few instructions.
            let limit = self.limit;
            if !some.iter().fold(false, |any, x| any | (*x <= limit)) {
                continue;
            }
            for (i, x) in some.iter().enumerate() {
                if *x <= self.limit {
                    self.offer(metric, metric.distance(*x), id(step * STEP + i));
                }
            }
        }
    }

    /// Take points as they are, by the squared distances that the kernels give, where they are few;
    /// they are put in order at the end. The limit stays what it was.
    #[inline]
    pub(crate) fn take_squared(
        &mut self,
        metric: Metric,
        squared: &[f32],
        id: impl Fn(usize) -> u32,
    ) {
        if self.taken.len() + squared.len() > FEW {
            return self.offer_squared(metric, squared, id);
        }
        let entries = squared.iter().enumerate();
        self.taken
            .extend(entries.map(|(i, x)| entry(metric.distance(*x), id(i))));
    }

    /// Offer a point.
    #[inline]
    pub(crate) fn offer(&mut self, metric: Metric, distance: f32, id: u32) {
        let entry = entry(distance, id);
        if self.heap.len() < self.k {
            self.heap.push(entry);
            if self.heap.len() < self.k {
                return;
            }
        } else {
            match self.heap.peek_mut() {
                Some(mut worst) if entry < *worst => *worst = entry,
                _ => return,
            }
        }
        if let Some(worst) = self.heap.peek() {
            self.limit = metric.squared_limit(f32::from_bits((worst >> 32) as u32));
        }
    }

    /// What was kept, nearest first, to the fronts of `ids` and `distances`; how much. Empties it.
    pub(crate) fn write(&mut self, ids: &mut [u32], distances: &mut [f32]) -> u32 {
        let found = self.drain();
        let count = found.len();
        for ((id, distance), (to_id, to_distance)) in found.zip(ids.iter_mut().zip(distances)) {
            *to_id = id;
            *to_distance = distance;
        }
        count as u32
    }

    /// What was kept, nearest first, as (id, distance). Empties it.
    pub(crate) fn drain(&mut self) -> impl ExactSizeIterator<Item = (u32, f32)> {
        self.sorted.clear();
        self.sorted.extend(self.heap.drain());
        self.sorted.append(&mut self.taken);
        Kernels::get().sort_keys(&mut self.sorted);
        self.sorted.truncate(self.k);
        self.sorted
            .iter()
            .map(|entry| (*entry as u32, f32::from_bits((entry >> 32) as u32)))
    }
}

#[cfg(test)]
mod tests;
