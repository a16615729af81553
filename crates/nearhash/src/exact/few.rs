//! The nearest rows of a few queries: rows are compared where they lie, in their own type.
//!
//! Many queries are worth a copy of each block of rows as padded floats, which all of them share. For
//! a few it would take longer than the distances; so would a pass of its own for the rows' norms.

use std::ops::Range;

use rayon::prelude::*;

use crate::control::Control;
use crate::error::{Error, Result};
use crate::kernel::{Kernels, padded_width};
use crate::metric::{Metric, inverse_norm_of};
use crate::points::{RowSlice, RowsView, SLACK};
use crate::top_k::TopK;

/// Most queries that are a few.
pub(super) const FEW: usize = 3;
/// Rows that are compared at once: they stay in a core's cache meanwhile.
const STEP: usize = 128;

/// The `k` nearest rows of `data`, none of which needs f64, for each of a few queries, padded and
/// ready for the metric. The rows go to so many `parts`.
pub(super) fn nearest(
    data: &RowsView<'_>,
    queries: &[f32],
    k: usize,
    metric: Metric,
    parts: usize,
    control: &Control,
) -> Result<Vec<TopK>> {
    let part_rows = data.rows().div_ceil(parts);
    let found: Vec<Result<Vec<TopK>>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            let rows = part * part_rows..((part + 1) * part_rows).min(data.rows());
            part_of(data, rows, queries, k, metric, control)
        })
        .collect();
    // Parts are in the order of their rows: the first row without direction is named.
    let mut lists = found.into_iter().collect::<Result<Vec<_>>>()?.into_iter();
    let mut merged = lists.next().unwrap_or_default();
    for mut list in lists {
        for (merged, list) in merged.iter_mut().zip(&mut list) {
            for (id, distance) in list.drain() {
                merged.offer(metric, distance, id);
            }
        }
    }
    Ok(merged)
}

fn part_of(
    data: &RowsView<'_>,
    rows: Range<usize>,
    queries: &[f32],
    k: usize,
    metric: Metric,
    control: &Control,
) -> Result<Vec<TopK>> {
    let kernels = Kernels::get();
    let (dim, width) = (data.dim(), padded_width(data.dim()));
    let mut lists: Vec<TopK> = Vec::new();
    lists.resize_with(queries.len() / width, TopK::default);
    lists.iter_mut().for_each(|list| list.reset(k));
    let ids: Vec<u32> = (0..STEP as u32).collect();
    let origin = vec![0.0; width];
    let (mut squared, mut norms) = (vec![0.0; STEP], Vec::new());
    let (mut copied, mut row) = (Vec::new(), vec![0.0; dim]);
    for first in rows.clone().step_by(STEP) {
        control.check()?;
        let count = STEP.min(rows.end - first);
        let (ids, squared) = (&ids[..count], &mut squared[..count]);
        let values = (first * dim)..((first + count) * dim + SLACK);
        let block = if values.end <= data.values().len() {
            data.values().range(values)
        } else {
            // Kernels read behind the last row.
            copied.clear();
            copied.resize(count * dim + SLACK, 0.0);
            for (i, out) in copied.chunks_exact_mut(dim).take(count).enumerate() {
                data.copy_row(first + i, out);
            }
            RowSlice::F32(&copied)
        };
        if metric == Metric::Cosine {
            kernels.gather(&origin, block, dim, ids, None, squared);
            norms.clear();
            for (i, squared) in squared.iter().enumerate() {
                let inverse = inverse_norm_of(*squared, || {
                    data.copy_row(first + i, &mut row);
                    row.iter().map(|x| f64::from(*x) * f64::from(*x)).sum()
                });
                norms.push(inverse.ok_or(Error::ZeroVector {
                    argument: "data",
                    row: first + i,
                })?);
            }
        }
        let scales = (metric == Metric::Cosine).then_some(&norms[..]);
        for (query, list) in queries.chunks_exact(width).zip(&mut lists) {
            kernels.gather(query, block, dim, ids, scales, squared);
            list.offer_squared(metric, squared, |i| (first + i) as u32);
        }
    }
    Ok(lists)
}
