//! Exact distances: all of them ([`cdist`]), or the k nearest ([`knn`]).
//!
//! This is the oracle of every test, the baseline of every benchmark and a good plan for small
//! sets. Differences are squared and summed as they are, never by the expansion
//! |a|² − 2 a·b + |b|², which cancels when points nearly coincide.

mod few;

use std::ops::Range;

use rayon::prelude::*;

use crate::control::Control;
use crate::error::{Error, Result, check_at_least_1};
use crate::kernel::{Kernels, padded_width};
use crate::metric::{Metric, Prepared, points_need_wide, query_needs_wide, wide_distance};
use crate::points::RowsView;
use crate::top_k::TopK;

/// k nearest neighbours of a number of queries, flat: row i holds `counts[i]` neighbours, nearest
/// first and ties to the lower id, at offset `i * k`; the places behind them are 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors {
    /// Places a row.
    pub k: usize,
    /// queries × k ids.
    pub ids: Vec<u32>,
    /// queries × k distances.
    pub distances: Vec<f32>,
    /// How many of a row's places are filled.
    pub counts: Vec<u32>,
}

impl Neighbors {
    /// Room for the neighbours of `queries` queries.
    ///
    /// # Errors
    /// When k is 0 or the result would be larger than memory can address.
    pub(crate) fn empty(queries: usize, k: usize) -> Result<Self> {
        check_at_least_1("k", k)?;
        let places = result_size("k", queries, k)?;
        Ok(Self {
            k,
            ids: vec![0; places],
            distances: vec![0.0; places],
            counts: vec![0; queries],
        })
    }
}

/// Largest result, in values: typed arrays hold no more.
const MAX_RESULT: usize = u32::MAX as usize;

fn result_size(argument: &'static str, rows: usize, columns: usize) -> Result<usize> {
    rows.checked_mul(columns)
        .filter(|size| *size <= MAX_RESULT)
        .ok_or_else(|| {
            Error::argument_error(
                argument,
                format!("a result of {rows} x {columns} values"),
                format!("at most {MAX_RESULT} values"),
            )
        })
}

/// Queries that are compared with a block of rows together.
const QUERY_BLOCK: usize = 16;
/// Floats of a block of rows: it stays in a core's cache while all queries pass it.
const ROW_BLOCK_FLOATS: usize = 16 << 10;
/// Queries that a thread takes at once, where there are many.
const QUERY_TASK: usize = 64;
/// Fewest rows worth a task of their own, where queries are few.
const ROW_TASK: usize = 8192;

/// Distances from one query to a run of rows.
enum Distances<'a> {
    /// As the kernels give them.
    Squared(&'a [f32]),
    /// As they are returned.
    Plain(&'a [f32]),
}

/// A scan of all rows for some queries.
struct Scan<'a> {
    kernels: &'static Kernels,
    metric: Metric,
    queries: Prepared<'a>,
    rows: Prepared<'a>,
    /// All distances are computed in f64.
    wide: bool,
    control: &'a Control,
}

impl<'a> Scan<'a> {
    fn new(
        (queries_name, queries): (&'static str, &RowsView<'a>),
        (rows_name, rows): (&'static str, &RowsView<'a>),
        metric: Metric,
        control: &'a Control,
    ) -> Result<Self> {
        if queries.dim() != rows.dim() {
            return Err(Error::Dimension {
                argument: queries_name,
                received: queries.dim(),
                expected: rows.dim(),
            });
        }
        Ok(Self {
            kernels: Kernels::get(),
            metric,
            queries: Prepared::new(queries_name, queries, metric)?,
            rows: Prepared::new(rows_name, rows, metric)?,
            wide: points_need_wide(metric, rows.magnitude()),
            control,
        })
    }

    /// Hand over the distances between all `queries` and `rows` in blocks:
    /// `visit(query, first row, distances)`.
    fn each(
        &self,
        queries: Range<usize>,
        rows: Range<usize>,
        mut visit: impl FnMut(usize, usize, Distances<'_>),
    ) -> Result<()> {
        let width = padded_width(self.rows.rows().dim());
        let row_block = (ROW_BLOCK_FLOATS / width).clamp(4, 256);
        let (mut query_buffer, mut row_buffer) = (Vec::new(), Vec::new());
        let mut distances = vec![0.0; QUERY_BLOCK * row_block];
        let prepared = self
            .queries
            .block(queries.clone(), width, &mut query_buffer);
        for first in rows.clone().step_by(row_block) {
            self.control.check()?;
            let block = first..(first + row_block).min(rows.end);
            let count = block.len();
            let block = self.rows.block(block, width, &mut row_buffer);
            for (i, some) in prepared.chunks(QUERY_BLOCK * width).enumerate() {
                let some_count = some.len() / width;
                let distances = &mut distances[..some_count * count];
                if !self.wide {
                    self.kernels.pairs(some, block, width, distances, count);
                }
                for (j, (query, distances)) in some
                    .chunks_exact(width)
                    .zip(distances.chunks_exact_mut(count))
                    .enumerate()
                {
                    let wide =
                        self.wide || query_needs_wide(self.metric, Kernels::get().magnitude(query));
                    if wide {
                        for (row, distance) in block.chunks_exact(width).zip(&mut *distances) {
                            *distance = wide_distance(query, row);
                        }
                    }
                    let found = if wide {
                        Distances::Plain(distances)
                    } else {
                        Distances::Squared(distances)
                    };
                    visit(queries.start + i * QUERY_BLOCK + j, first, found);
                }
            }
        }
        Ok(())
    }
}

/// All distances between two sets, rows(a) × rows(b), row after row: what scipy's `cdist` returns.
///
/// Distances between equal vectors are exactly 0, and those between near ones as accurate as all
/// others. Computed in float32, or in f64 where squares would leave its range.
///
/// # Errors
/// Vectors of different length, a zero vector where the metric is cosine, or a result of more than
/// 2³² − 1 values; [`Error::Cancelled`].
pub fn cdist(
    a: &RowsView<'_>,
    b: &RowsView<'_>,
    metric: Metric,
    control: &Control,
) -> Result<Vec<f32>> {
    let size = result_size("a", a.rows(), b.rows())?;
    let scan = Scan::new(("a", a), ("b", b), metric, control)?;
    let mut out = vec![0.0; size];
    if size == 0 {
        return Ok(out);
    }
    control.begin("distances", a.rows());
    // Few rows in `a` and many threads: smaller tasks.
    let task = a
        .rows()
        .div_ceil(4 * rayon::current_num_threads())
        .clamp(QUERY_BLOCK, QUERY_TASK);
    out.par_chunks_mut(task * b.rows())
        .enumerate()
        .try_for_each(|(i, out)| {
            let queries = i * task..(i * task + out.len() / b.rows());
            let start = queries.start;
            let count = queries.len();
            scan.each(queries, 0..b.rows(), |query, first, distances| {
                let out = &mut out[(query - start) * b.rows() + first..];
                match distances {
                    Distances::Squared(squared) => {
                        for (out, squared) in out.iter_mut().zip(squared) {
                            *out = metric.distance(*squared);
                        }
                    }
                    Distances::Plain(distances) => {
                        out[..distances.len()].copy_from_slice(distances);
                    }
                }
            })?;
            control.advance(count);
            Ok(())
        })?;
    Ok(out)
}

/// The k nearest rows of `data` for each query, ties to the lower row. Rows with fewer than k
/// neighbours (when `data` has fewer rows) are filled as far as `counts` says.
///
/// # Errors
/// Vectors of different length, k of 0, a zero vector where the metric is cosine, or a result of
/// more than 2³² − 1 values; [`Error::Cancelled`].
pub fn knn(
    data: &RowsView<'_>,
    queries: &RowsView<'_>,
    k: usize,
    metric: Metric,
    control: &Control,
) -> Result<Neighbors> {
    let mut out = Neighbors::empty(queries.rows(), k)?;
    if (1..=few::FEW).contains(&queries.rows()) && data.rows() > 0 {
        let done = knn_of_few(data, queries, k, metric, control, &mut out)?;
        if done {
            return Ok(out);
        }
    }
    let scan = Scan::new(("queries", queries), ("data", data), metric, control)?;
    if data.rows() == 0 || queries.rows() == 0 {
        return Ok(out);
    }
    let kept = k.min(data.rows());
    control.begin("distances", queries.rows());

    // Tasks are blocks of queries; where those are too few for the threads, each block's rows are
    // shared out too, and the parts' lists merged. (distance, id) is a total order, so the result
    // does not depend on the parts.
    let threads = rayon::current_num_threads();
    let task = queries.rows().div_ceil(4 * threads).clamp(1, QUERY_TASK);
    let blocks = queries.rows().div_ceil(task);
    let parts = (2 * threads)
        .div_ceil(blocks)
        .min(data.rows().div_ceil(ROW_TASK))
        .max(1);
    let parts = if threads == 1 { 1 } else { parts };
    let part_rows = data.rows().div_ceil(parts);

    out.ids
        .par_chunks_mut(task * k)
        .zip(out.distances.par_chunks_mut(task * k))
        .zip(out.counts.par_chunks_mut(task))
        .enumerate()
        .try_for_each(|(i, ((ids, distances), counts))| {
            let block = i * task..i * task + counts.len();
            let lists = (0..parts)
                .into_par_iter()
                .map(|part| {
                    let rows = part * part_rows..((part + 1) * part_rows).min(data.rows());
                    let mut lists: Vec<TopK> = (0..block.len()).map(|_| TopK::default()).collect();
                    lists.iter_mut().for_each(|list| list.reset(kept));
                    scan.each(block.clone(), rows, |query, first, distances| {
                        let list = &mut lists[query - block.start];
                        match distances {
                            Distances::Squared(squared) => {
                                list.offer_squared(metric, squared, |i| (first + i) as u32);
                            }
                            Distances::Plain(distances) => {
                                for (id, distance) in (first as u32..).zip(distances) {
                                    list.offer(metric, *distance, id);
                                }
                            }
                        }
                    })?;
                    Ok(lists)
                })
                .collect::<Result<Vec<_>>>()?;
            let mut lists = lists.into_iter();
            let mut merged = lists.next().unwrap_or_default();
            for mut list in lists {
                for (merged, list) in merged.iter_mut().zip(&mut list) {
                    for (id, distance) in list.drain() {
                        merged.offer(metric, distance, id);
                    }
                }
            }
            for (j, list) in merged.iter_mut().enumerate() {
                let places = j * k..(j + 1) * k;
                counts[j] = list.write(&mut ids[places.clone()], &mut distances[places]);
            }
            control.advance(block.len());
            Ok(())
        })?;
    Ok(out)
}

/// [`knn`] of a few queries; false, and nothing done, where some distance asks for f64.
fn knn_of_few(
    data: &RowsView<'_>,
    queries: &RowsView<'_>,
    k: usize,
    metric: Metric,
    control: &Control,
    out: &mut Neighbors,
) -> Result<bool> {
    if queries.dim() != data.dim() {
        return Ok(false);
    }
    let prepared = Prepared::new("queries", queries, metric)?;
    let width = padded_width(data.dim());
    let mut buffer = Vec::new();
    let asked = prepared.block(0..queries.rows(), width, &mut buffer);
    let mut each = asked.chunks_exact(width);
    if points_need_wide(metric, data.magnitude())
        || each.any(|query| query_needs_wide(metric, Kernels::get().magnitude(query)))
    {
        return Ok(false);
    }
    control.begin("distances", queries.rows());
    let parts = match rayon::current_num_threads() {
        1 => 1,
        threads => (2 * threads).min(data.rows().div_ceil(ROW_TASK)),
    };
    let kept = k.min(data.rows());
    let mut lists = few::nearest(data, asked, kept, metric, parts, control)?;
    for (j, list) in lists.iter_mut().enumerate() {
        let places = j * k..(j + 1) * k;
        let (ids, distances) = (&mut out.ids[places.clone()], &mut out.distances[places]);
        out.counts[j] = list.write(ids, distances);
    }
    control.advance(queries.rows());
    Ok(true)
}
