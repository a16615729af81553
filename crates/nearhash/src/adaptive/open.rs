//! Points that came after the model was fitted: few, and compared with every query.

use crate::kernel::Kernels;
use crate::metric::{Metric, wide_distance};
use crate::points::{RowSlice, SLACK};
use crate::top_k::TopK;

/// Points in no bucket.
#[derive(Debug, Clone)]
pub(super) struct Open {
    dim: usize,
    /// Rows, then `SLACK` zeros.
    rows: Vec<f32>,
    /// For cosine: 1 / norm of each.
    inverse_norms: Vec<f32>,
    pub(super) ids: Vec<u32>,
    /// Largest absolute coordinate that was ever added.
    magnitude: f32,
}

impl Open {
    pub(super) fn new(dim: usize) -> Self {
        Self {
            dim,
            rows: vec![0.0; SLACK],
            inverse_norms: Vec::new(),
            ids: Vec::new(),
            magnitude: 0.0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn magnitude(&self) -> f32 {
        self.magnitude
    }

    pub(super) fn slot(&self, id: u32) -> Option<usize> {
        self.ids.iter().position(|other| *other == id)
    }

    pub(super) fn row(&self, slot: usize) -> &[f32] {
        &self.rows[slot * self.dim..][..self.dim]
    }

    pub(super) fn add(&mut self, id: u32, row: &[f32], inverse_norm: Option<f32>) {
        self.rows.truncate(self.ids.len() * self.dim);
        self.rows.extend_from_slice(row);
        self.rows.extend_from_slice(&[0.0; SLACK]);
        self.inverse_norms.extend(inverse_norm);
        self.ids.push(id);
        self.magnitude = row.iter().fold(self.magnitude, |m, x| m.max(x.abs()));
    }

    /// Take a point out; the last one takes its place.
    pub(super) fn remove(&mut self, slot: usize) {
        let (last, dim) = (self.ids.len() - 1, self.dim);
        self.rows
            .copy_within(last * dim..(last + 1) * dim, slot * dim);
        self.rows.truncate(last * dim);
        self.rows.extend_from_slice(&[0.0; SLACK]);
        self.ids.swap_remove(slot);
        if !self.inverse_norms.is_empty() {
            self.inverse_norms.swap_remove(slot);
        }
    }

    /// Offer the points that may be found.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn offer(
        &self,
        kernels: &Kernels,
        metric: Metric,
        query: &[f32],
        wide: bool,
        (slots, squared): (&mut Vec<u32>, &mut Vec<f32>),
        admits: impl Fn(u32) -> bool,
        top: &mut TopK,
    ) {
        slots.clear();
        slots.extend((0..self.ids.len() as u32).filter(|slot| admits(self.ids[*slot as usize])));
        if slots.is_empty() {
            return;
        }
        if wide {
            for slot in slots {
                let row = self.row(*slot as usize);
                top.offer(
                    metric,
                    wide_distance(&query[..self.dim], row),
                    self.ids[*slot as usize],
                );
            }
            return;
        }
        squared.resize(slots.len(), 0.0);
        let norms = (!self.inverse_norms.is_empty()).then_some(&self.inverse_norms[..]);
        kernels.gather(
            query,
            RowSlice::F32(&self.rows),
            self.dim,
            slots,
            norms,
            squared,
        );
        top.offer_squared(metric, squared, |i| self.ids[slots[i] as usize]);
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.rows.capacity() + self.inverse_norms.capacity() + self.ids.capacity()) * 4
    }
}

#[cfg(test)]
mod tests;
