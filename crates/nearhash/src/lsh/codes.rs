//! Compact codes of stored rows, and lower bounds of exact distances from them: what cannot be
//! among the k nearest is known without its row.
//!
//! φ(x) = (A (x − c), √(|x − c|² − |A (x − c)|²)) with |A| ≤ 1 never lengthens a distance: the
//! second part is a seminorm of x − c, so |φ(x) − φ(q)| ≤ |x − q|. A holds leading directions of
//! the data, or is the identity. What is kept of φ(x) is rounded to a byte a coordinate, x̂, with
//! the last part beside it, and E ≥ |φ(x) − x̂|. By the triangle inequality
//! |x − q| ≥ |x̂ − φ(q)| − E. All that float32 may round is added to what is subtracted.

use rayon::prelude::*;

use crate::adaptive::projection::Spectrum;
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Kernels, LANES, LINE, Line, PART, RowCodes, padded_width};
use crate::large;
use crate::metric::Prepared;

/// Half the distance between 1 and the next float32: what one operation may be wrong by.
const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;
/// A byte's zero.
const MIDDLE: f32 = 128.0;
/// Largest distance of a byte from it.
const REACH: f32 = 127.0;
/// Largest number that two parts of a query hold.
const PARTS: f32 = 128.0 * PART;
/// Bytes of a row's codes that hold its [`Norms`] instead.
const NORMS: usize = 16;
/// 1.5 × 2²³: floats of this size have no fraction.
const ROUNDER: f32 = 12_582_912.0;
/// Rows that are coded together.
const ROW_BLOCK: usize = 128;

/// What is kept of a row beside its bytes, at the end of its last line.
#[derive(Debug, Clone, Copy)]
struct Norms {
    /// |x̂|² of the bytes.
    squared: f32,
    /// Σ |byte − middle|.
    sum: f32,
    /// The last part of φ.
    rest: f32,
    /// E, rounded up.
    error: f32,
}

impl Norms {
    fn bytes(self) -> [u8; NORMS] {
        let mut out = [0; NORMS];
        let values = [self.squared, self.sum, self.rest, self.error];
        for (out, value) in out.chunks_exact_mut(4).zip(values) {
            out.copy_from_slice(&value.to_le_bytes());
        }
        out
    }

    #[inline(always)]
    fn of(line: &Line) -> Self {
        const START: usize = LINE - NORMS;
        let value = |i: usize| {
            let at = START + 4 * i;
            f32::from_le_bytes([line.0[at], line.0[at + 1], line.0[at + 2], line.0[at + 3]])
        };
        Self {
            squared: value(0),
            sum: value(1),
            rest: value(2),
            error: value(3),
        }
    }
}

/// What A is.
#[derive(Debug)]
enum Axes {
    /// The identity.
    All,
    /// Some directions, in panels of sixteen, see [`Kernels::project`]; |A| ≤ 1.
    Leading {
        panels: Vec<f32>,
        zeros: Vec<f32>,
        /// Frobenius norm.
        size: f64,
    },
}

/// How vectors are mapped to φ.
#[derive(Debug)]
struct Map {
    dim: usize,
    /// c, `padded_width(dim)` floats.
    centre: Vec<f32>,
    axes: Axes,
    /// Coordinates of A (x − c), in whole lanes.
    places: usize,
}

/// The rest and the error of a vector's φ.
#[derive(Debug, Clone, Copy)]
struct Mapped {
    rest: f64,
    /// No less than the distance between φ and what was computed of it.
    error: f64,
}

impl Map {
    /// On the leading `places` directions, a multiple of sixteen.
    fn leading(spectrum: &Spectrum, dim: usize, places: usize) -> Self {
        let mut columns: Vec<Vec<f64>> = (0..places).map(|i| spectrum.direction(i)).collect();
        // |A|² is at most the largest sum of a row of |A Aᵀ|.
        let largest = (0..places)
            .map(|i| {
                let products = columns.iter().map(|other| dot(&columns[i], other).abs());
                products.sum::<f64>()
            })
            .fold(0.0, f64::max);
        // A little less, for the rounding to float32.
        let by = (1.0 - 1e-5) / largest.max(f64::MIN_POSITIVE).sqrt();
        let mut panels = vec![0.0; places * dim];
        for (j, column) in columns.iter_mut().enumerate() {
            for (i, x) in column.iter_mut().enumerate() {
                let rounded = (*x * by) as f32;
                panels[(j / LANES * dim + i) * LANES + j % LANES] = rounded;
                *x = f64::from(rounded);
            }
        }
        let size = columns.iter().map(|x| dot(x, x)).sum::<f64>().sqrt();
        Self {
            dim,
            centre: spectrum.mean().to_vec(),
            axes: Axes::Leading {
                panels,
                zeros: vec![0.0; places],
                size,
            },
            places,
        }
    }

    fn all(spectrum: &Spectrum, dim: usize) -> Self {
        Self {
            dim,
            centre: spectrum.mean().to_vec(),
            axes: Axes::All,
            places: padded_width(dim),
        }
    }

    /// φ of vectors, `padded_width(dim)` floats each: the coordinates to `y`, `places` a vector,
    /// and what else there is to each.
    fn map(
        &self,
        kernels: &Kernels,
        vectors: &[f32],
        centred: &mut Vec<f32>,
        y: &mut [f32],
        mapped: &mut Vec<Mapped>,
    ) {
        let width = self.centre.len();
        centred.resize(vectors.len(), 0.0);
        for (out, x) in centred
            .chunks_exact_mut(width)
            .zip(vectors.chunks_exact(width))
        {
            for ((out, x), c) in out.iter_mut().zip(x).zip(&self.centre) {
                *out = x - c;
            }
        }
        let size = match &self.axes {
            Axes::All => {
                y.copy_from_slice(centred);
                None
            }
            Axes::Leading {
                panels,
                zeros,
                size,
            } => {
                kernels.project(centred, width, self.dim, panels, zeros, y);
                Some(*size)
            }
        };
        mapped.clear();
        mapped.extend(
            centred
                .chunks_exact(width)
                .zip(y.chunks_exact(self.places))
                .map(|(centred, y)| {
                    let squared = kernels.compiled(
                        #[inline(always)]
                        || wide_norm(centred),
                    );
                    let norm = squared.sqrt();
                    // x − c was rounded once.
                    let shift = 1.01 * ROUNDING * norm;
                    let Some(size) = size else {
                        return Mapped {
                            rest: 0.0,
                            error: shift,
                        };
                    };
                    // A sum of dim fused products, each as wrong as one operation may be.
                    let along = 1.01 * (self.dim + 4) as f64 * ROUNDING * size * norm;
                    let projected = kernels.compiled(
                        #[inline(always)]
                        || wide_norm(y),
                    );
                    let rest = (squared - projected).max(0.0).sqrt();
                    // |a² − b²| ≤ δ means |a − b| ≤ √δ and ≤ δ / a.
                    let delta = along * (2.0 * projected.sqrt() + along) + 1e-12 * squared;
                    let off = delta.sqrt().min(delta / rest.max(f64::MIN_POSITIVE));
                    Mapped {
                        rest,
                        error: shift + along + off,
                    }
                }),
        );
    }

    fn memory_bytes(&self) -> usize {
        let axes = match &self.axes {
            Axes::All => 0,
            Axes::Leading { panels, zeros, .. } => panels.len() + zeros.len(),
        };
        (self.centre.len() + axes) * size_of::<f32>()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// |y|² in f64, sixteen partial sums.
#[inline(always)]
fn wide_norm(y: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    for part in y.chunks_exact(LANES) {
        for (sum, x) in sums.iter_mut().zip(part) {
            let x = f64::from(*x);
            *sum += x * x;
        }
    }
    sums.iter().sum()
}

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

/// Code one row, in whatever way: the norms tell what became of it.
#[inline(always)]
fn encode(y: &[f32], steps: &[f32], mapped: &Mapped, codes: &mut [Line]) {
    let (mut squares, mut offs) = ([0.0_f64; LANES], [0.0_f64; LANES]);
    let mut sums = [0.0_f32; LANES];
    let bytes = codes
        .iter_mut()
        .flat_map(|line| line.0.chunks_exact_mut(LANES));
    let parts = y.chunks_exact(LANES).zip(steps.chunks_exact(LANES));
    for (bytes, (y, steps)) in bytes.zip(parts) {
        for i in 0..LANES {
            let step = if steps[i] > 0.0 { steps[i] } else { 1.0 };
            let code = (y[i] / step + ROUNDER - ROUNDER).clamp(-REACH, REACH);
            bytes[i] = (code + MIDDLE) as u8;
            let decoded = f64::from(code) * f64::from(steps[i]);
            squares[i] += decoded * decoded;
            sums[i] += code.abs();
            let by = f64::from(y[i]) - decoded;
            offs[i] += by * by;
        }
    }
    let squared = squares.iter().sum::<f64>();
    let off = offs.iter().sum::<f64>();
    let sum = sums.iter().sum::<f32>();
    let rest = mapped.rest as f32;
    let rounded = (f64::from(rest) - mapped.rest).abs();
    let error = (off.sqrt() + mapped.error + rounded) * (1.0 + 1e-6);
    let norms = Norms {
        squared: squared as f32,
        sum,
        rest,
        error: (error as f32).next_up(),
    };
    if let Some(last) = codes.last_mut() {
        last.0[LINE - NORMS..].copy_from_slice(&norms.bytes());
    }
}

/// What a query adds to a row's lower bound.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// |φ(q)|² without the rest.
    squared: f32,
    rest: f32,
    /// Twice the unit of the query's parts.
    unit: f32,
    /// Dot product of the parts with bytes of [`MIDDLE`].
    middle: f32,
    /// What rounding may have added, apart from what grows with the row's own norms.
    slack: f32,
    error: f32,
    /// The kernel's own distance may be so much less than the real one.
    shrink: f32,
}

impl Terms {
    #[inline(always)]
    fn of(
        map: &Map,
        steps: &[f32],
        y: &[f32],
        mapped: Mapped,
        weighted: &mut [f32],
        (high, low): (&mut [i8], &mut [i8]),
    ) -> Self {
        let mut most = [0.0_f32; LANES];
        let parts = y.chunks_exact(LANES).zip(steps.chunks_exact(LANES));
        for (out, (y, steps)) in weighted.chunks_exact_mut(LANES).zip(parts) {
            for i in 0..LANES {
                out[i] = y[i] * steps[i];
                let size = out[i].abs();
                most[i] = if size > most[i] { size } else { most[i] };
            }
        }
        let most = most.iter().fold(0.0_f32, |a, b| a.max(*b));
        // Where units would leave float32's range, nothing is known of any number.
        let known = most > 1e-30;
        let unit = if known { most / PARTS } else { 2.0 * most };
        let inverse = if known { 1.0 / unit } else { 0.0 };
        let (mut sums, mut sizes) = ([0_i32; LANES], [0_i32; LANES]);
        let outs = high
            .chunks_exact_mut(LANES)
            .zip(low.chunks_exact_mut(LANES));
        for (weighted, (high, low)) in weighted.chunks_exact(LANES).zip(outs) {
            for i in 0..LANES {
                let rounded = weighted[i] * inverse + ROUNDER - ROUNDER;
                let whole = (rounded as i32).clamp(-(PARTS as i32), PARTS as i32);
                let upper = (whole + 64) >> 7;
                high[i] = upper as i8;
                low[i] = (whole - (upper << 7)) as i8;
                sums[i] += whole;
                sizes[i] += whole.abs();
            }
        }
        let sum = sums.iter().sum::<i32>() as f32;
        let sizes = sizes.iter().sum::<i32>() as f32;
        let squared = wide_norm(y) as f32;
        let rest = mapped.rest as f32;
        let rounded = (f64::from(rest) - mapped.rest).abs();
        // Sixteen operations at the most, on numbers up to these.
        let slack = 8.0 * f32::EPSILON * (squared + 2.0 * unit * 256.0 * sizes)
            // Products too small for float32.
            + 64.0 * map.places as f32 * f32::MIN_POSITIVE;
        Self {
            squared,
            rest,
            unit: 2.0 * unit,
            middle: MIDDLE * sum,
            slack,
            error: ((mapped.error + rounded) * (1.0 + 1e-6)) as f32 * (1.0 + 2.0 * f32::EPSILON),
            shrink: 1.0 - (map.dim / LANES + 32) as f32 * f32::EPSILON,
        }
    }

    #[inline(always)]
    fn lower_bound(&self, dot: f32, row: Norms) -> f32 {
        // Each of the query's numbers is wrong by half a unit, and a little for its own rounding.
        let off = self.slack + 8.0 * f32::EPSILON * row.squared + 0.51 * self.unit * row.sum;
        let along = self.squared + row.squared - self.unit * (dot - self.middle) - off;
        let across = self.rest - row.rest;
        let across = across * across * (1.0 - 4.0 * f32::EPSILON);
        let root = (along.max(0.0) + across).sqrt() * (1.0 - 8.0 * f32::EPSILON);
        let least = (root - row.error - self.error).max(0.0);
        (least * least * self.shrink - 4096.0 * f32::MIN_POSITIVE).max(0.0)
    }
}

mod plan;

#[cfg(test)]
mod tests;
