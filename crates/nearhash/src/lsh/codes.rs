//! Compact codes of stored rows, and lower bounds of exact distances from them: what cannot be
//! among the k nearest is known without its row.
//!
//! φ(x) = (A (x − c), √(|x − c|² − |A (x − c)|²)) with |A| ≤ 1 never lengthens a distance: the
//! second part is a seminorm of x − c, so |φ(x) − φ(q)| ≤ |x − q|. A holds leading directions of
//! the data, or is the identity. What is kept of φ(x) is rounded to a byte a coordinate, x̂, with
//! the last part beside it, and E ≥ |φ(x) − x̂|. By the triangle inequality
//! |x − q| ≥ |x̂ − φ(q)| − E. All that float32 may round is added to what is subtracted.

use rayon::prelude::*;

use self::bound::{MIDDLE, NORMS, Norms, REACH, Terms, encode};
use self::map::{Map, Mapped};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Kernels, LINE, Line, RowCodes};
use crate::large;
use crate::metric::Prepared;

/// Rows that are coded together.
const ROW_BLOCK: usize = 128;

/// Codes of all rows.
#[derive(Debug)]
pub(crate) struct Codes {
    map: Map,
    /// What a byte's unit is worth, for each place.
    steps: Vec<f32>,
    /// `lines` lines a row: bytes, and [`Norms`] at the end.
    codes: Vec<Line>,
    lines: usize,
}

/// A query against codes, and buffers of its search.
#[derive(Debug, Default)]
pub(crate) struct CodeQuery {
    centred: Vec<f32>,
    y: Vec<f32>,
    mapped: Vec<Mapped>,
    weighted: Vec<f32>,
    high: Vec<i8>,
    low: Vec<i8>,
}

impl Codes {
    /// Codes of prepared rows, where they pay; see [`plan`].
    ///
    /// # Errors
    /// A cancellation.
    pub(crate) fn choose(
        rows: &Prepared<'_>,
        row_bytes: usize,
        control: &Control,
    ) -> Result<Option<Self>> {
        match plan::choose(rows, row_bytes) {
            Some(map) => Self::of(map, rows, control).map(Some),
            None => Ok(None),
        }
    }

    fn of(map: Map, rows: &Prepared<'_>, control: &Control) -> Result<Self> {
        let kernels = Kernels::get();
        let (count, width, places) = (rows.rows().rows(), map.centre.len(), map.places);
        let lines = lines_for(places);
        let mut y = vec![0.0; count * places];
        let mut mapped = Vec::with_capacity(count);
        let found: Vec<Vec<Mapped>> = y
            .par_chunks_mut(ROW_BLOCK * places)
            .enumerate()
            .map_init(
                <(Vec<f32>, Vec<f32>)>::default,
                |(buffer, centred), (block, y)| {
                    control.check()?;
                    let first = block * ROW_BLOCK;
                    let vectors = rows.block(first..first + y.len() / places, width, buffer);
                    let mut mapped = Vec::new();
                    map.map(kernels, vectors, centred, y, &mut mapped);
                    Ok(mapped)
                },
            )
            .collect::<Result<_>>()?;
        mapped.extend(found.into_iter().flatten());
        let most = y
            .par_chunks(ROW_BLOCK * places)
            .map(|y| {
                let mut most = vec![0.0_f32; places];
                for y in y.chunks_exact(places) {
                    for (most, y) in most.iter_mut().zip(y) {
                        *most = most.max(y.abs());
                    }
                }
                most
            })
            .reduce(
                || vec![0.0; places],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a = a.max(b));
                    a
                },
            );
        let steps: Vec<f32> = most.iter().map(|most| most / REACH).collect();
        let mut codes = large::filled(Line([MIDDLE as u8; LINE]), count * lines);
        codes
            .par_chunks_mut(ROW_BLOCK * lines)
            .zip(y.par_chunks(ROW_BLOCK * places))
            .zip(mapped.par_chunks(ROW_BLOCK))
            .for_each(|((codes, y), mapped)| {
                let rows = codes.chunks_exact_mut(lines).zip(y.chunks_exact(places));
                kernels.compiled(
                    #[inline(always)]
                    || {
                        for ((codes, y), mapped) in rows.zip(mapped) {
                            encode(y, &steps, mapped, codes);
                        }
                    },
                );
            });
        Ok(Self {
            map,
            steps,
            codes,
            lines,
        })
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.codes.len() * LINE + self.steps.len() * size_of::<f32>() + self.map.memory_bytes()
    }

    /// For each of `rows`, what its squared distance to the prepared `query`, as
    /// [`Kernels::gather`] gives it, is never below. Never negative.
    pub(crate) fn lower_bounds(
        &self,
        kernels: &Kernels,
        query: &[f32],
        rows: &[u32],
        scratch: &mut CodeQuery,
        out: &mut [f32],
    ) {
        /// Rows whose lines are still near when their norms are read.
        const STEP: usize = 128;
        let CodeQuery {
            centred,
            y,
            mapped,
            weighted,
            high,
            low,
        } = scratch;
        y.resize(self.map.places, 0.0);
        self.map.map(kernels, query, centred, y, mapped);
        let width = self.lines * LINE;
        for parts in [&mut *high, &mut *low] {
            parts.clear();
            parts.resize(width, 0);
        }
        weighted.resize(self.map.places, 0.0);
        let places = self.map.places;
        let terms = kernels.compiled(
            #[inline(always)]
            || {
                let parts = (&mut high[..places], &mut low[..places]);
                Terms::of(&self.map, &self.steps, y, mapped[0], weighted, parts)
            },
        );
        let last = self.lines - 1;
        for (rows, out) in rows.chunks(STEP).zip(out.chunks_mut(STEP)) {
            kernels.row_dots(
                RowCodes {
                    codes: &self.codes,
                    lines: self.lines,
                    high,
                    low,
                    ids: rows,
                },
                out,
            );
            kernels.compiled(
                #[inline(always)]
                || {
                    for (row, out) in rows.iter().zip(out.iter_mut()) {
                        let line = &self.codes[*row as usize * self.lines + last];
                        *out = terms.lower_bound(*out, Norms::of(line));
                    }
                },
            );
        }
    }
}

/// Lines of a row with so many coordinates.
fn lines_for(places: usize) -> usize {
    (places + NORMS).div_ceil(LINE)
}

mod bound;
mod map;
mod plan;

#[cfg(test)]
mod tests;
