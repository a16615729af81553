//! Leading directions of the data: what vectors are projected on before anything else.

use std::ops::Range;

use nalgebra::DMatrix;

use crate::kernel::{Axes, Kernels, LANES, LINE, Line, Split, padded_width};
use crate::metric::Prepared;

/// Rows that the directions are computed from, at most.
const SAMPLE: usize = 4096;
/// Rounds of subspace iteration.
const ROUNDS: usize = 6;
/// Directions that are tried first where a share of the variance is wanted, which few may have.
const FEW: usize = 128;
/// Directions iterated beyond those wanted: the last ones converge slowly.
const SPARE: usize = 8;

/// y = scale × axes · (x − mean): orthonormal axes, the leading principal directions, by variance.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    dim: usize,
    axes: usize,
    /// A power of two that brings the rows' usual distance from their mean near one, so that no
    /// square leaves float32's range.
    scale: f32,
    /// `padded_width(dim)` floats.
    mean: Vec<f32>,
    /// The scaled axes, in panels of sixteen, see [`Kernels::project`].
    panels: Vec<f32>,
    offsets: Vec<f32>,
    /// For queries, where the axes are many and long.
    coarse: Option<CoarseAxes>,
}

/// Axes rounded to bytes: a quarter of the memory that every query goes through. Points are
/// projected on the rounded axes, too.
#[derive(Debug, Clone)]
struct CoarseAxes {
    /// Four dimensions of sixteen axes a line.
    codes: Vec<Line>,
    lines: usize,
    /// Of each axis.
    steps: Vec<f32>,
    /// What queries are measured from, `padded_width(dim)` floats, and what is added for that. Where
    /// rows have many zeros that is the origin: zeros need not be looked at.
    from: Vec<f32>,
    offsets: Vec<f32>,
}

/// Share of zeros in the rows from which on queries are measured from the origin, and how far the mean may
/// be from there, squared, in parts of the variance: the rounding of a query grows with it.
const MANY_ZEROS: f64 = 0.1;
const NEAR_ORIGIN: f64 = 4.0;

/// Axes of more numbers than this are rounded.
const FINE: usize = 16_384;
/// An axis's code of zero, and the largest distance from it.
const MIDDLE: f32 = 64.0;
const REACH: f32 = 63.0;

impl CoarseAxes {
    /// Round axes in panels, and the panels themselves.
    fn round(panels: &mut [f32], dim: usize, axes: usize) -> Self {
        let lines = dim.div_ceil(4);
        let mut codes = vec![Line([MIDDLE as u8; LINE]); axes / LANES * lines];
        let mut steps = vec![1.0; axes];
        for axis in 0..axes {
            let at = |i: usize| (axis / LANES * dim + i) * LANES + axis % LANES;
            let most = (0..dim).fold(0.0_f32, |most, i| most.max(panels[at(i)].abs()));
            let step = if most > 0.0 { most / REACH } else { 1.0 };
            steps[axis] = step;
            for i in 0..dim {
                let code = (panels[at(i)] / step).round().clamp(-REACH, REACH);
                panels[at(i)] = code * step;
                codes[axis / LANES * lines + i / 4].0[4 * (axis % LANES) + i % 4] =
                    (code + MIDDLE) as u8;
            }
        }
        Self {
            codes,
            lines,
            steps,
            from: Vec::new(),
            offsets: Vec::new(),
        }
    }

    /// Project a query.
    fn project(&self, kernels: &Kernels, query: &[f32], y: &mut [f32], s: &mut Split) {
        kernels.split(query, &self.from, s);
        kernels.project_codes(
            Axes {
                codes: &self.codes,
                lines: self.lines,
                vector: s,
                middle: MIDDLE,
                factors: &self.steps,
                offsets: &self.offsets,
            },
            y,
        );
    }
}

/// Variance along every direction that was computed, descending, and in all.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    directions: DMatrix<f64>,
    variances: Vec<f64>,
    total: f64,
    mean: Vec<f32>,
    /// Share of zeros in the rows.
    zeros: f64,
}

impl Spectrum {
    /// Of at most `most` leading directions of `rows`.
    pub(crate) fn of(rows: &Prepared<'_>, most: usize) -> Self {
        Self::with_share(rows, 1.0, most)
    }

    /// Of leading directions of `rows`: of enough for `share` of the variance, but at most `most`.
    pub(crate) fn with_share(rows: &Prepared<'_>, share: f64, most: usize) -> Self {
        let dim = rows.rows().dim();
        let width = padded_width(dim);
        let count = rows.rows().rows();
        let step = count.div_ceil(SAMPLE).max(1);
        let sample = count.div_ceil(step);
        let mut picked = Vec::with_capacity(sample * width);
        let mut buffer = Vec::new();
        for row in (0..count).step_by(step) {
            picked.extend_from_slice(rows.block(row..row + 1, width, &mut buffer));
        }
        let zeros = picked.iter().filter(|x| **x == 0.0).count() - sample * (width - dim);
        let mut mean = vec![0.0_f64; width];
        for row in picked.chunks_exact(width) {
            for (mean, x) in mean.iter_mut().zip(row) {
                *mean += f64::from(*x);
            }
        }
        let mean: Vec<f32> = mean.iter().map(|x| (x / sample as f64) as f32).collect();
        let mut largest = 0.0_f32;
        for row in picked.chunks_exact_mut(width) {
            for (x, mean) in row.iter_mut().zip(&mean) {
                // Halves: the whole difference can leave float32's range.
                *x = 0.5 * *x - 0.5 * mean;
                largest = largest.max(x.abs());
            }
        }
        // Squares stay in range whatever the units are.
        let unit = power_of_two_near(largest);
        picked.iter_mut().for_each(|x| *x /= unit);
        let covariance = gram(&picked, sample, dim, width);
        let unit = (2.0 * f64::from(unit)).powi(2) / sample as f64;
        let total = (0..dim).map(|i| covariance[i * width + i]).map(f64::from);
        let total = total.sum::<f64>() * unit;
        let most = most.min(dim);
        let found = |count: usize| leading(&covariance, dim, width, count);
        let few = (share < 1.0 && FEW < most && is_large(dim, most)).then(|| found(FEW));
        let enough =
            |(_, variances): &(_, Vec<f64>)| variances.iter().sum::<f64>() * unit >= share * total;
        let (directions, variances) = few.filter(enough).unwrap_or_else(|| found(most));
        Self {
            directions,
            variances: variances.iter().map(|x| x.max(0.0) * unit).collect(),
            total,
            mean,
            zeros: zeros as f64 / (sample * dim) as f64,
        }
    }

    /// One of the directions, a unit vector; zeros behind those that there are.
    pub(crate) fn direction(&self, i: usize) -> Vec<f64> {
        if i < self.variances.len() {
            self.directions.column(i).iter().copied().collect()
        } else {
            vec![0.0; self.directions.nrows()]
        }
    }

    /// The rows' mean, padded.
    pub(crate) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Fewest directions that have `share` of the variance; all that there are when those have less.
    pub(crate) fn directions_for(&self, share: f64) -> usize {
        let mut sum = 0.0;
        let wanted = share * self.total;
        for (i, variance) in self.variances.iter().enumerate() {
            sum += variance;
            if sum >= wanted {
                return i + 1;
            }
        }
        self.variances.len()
    }
}

/// The power of two at or below `x`; 1 for zero.
fn power_of_two_near(x: f32) -> f32 {
    if x > 0.0 && x.is_finite() {
        let exponent = f64::from(x).log2().floor().clamp(-126.0, 127.0);
        exponent.exp2() as f32
    } else {
        1.0
    }
}

/// XᵀX of `count` rows, `width` floats each, as a `width` × `width` matrix.
fn gram(rows: &[f32], count: usize, dim: usize, width: usize) -> Vec<f32> {
    use rayon::prelude::*;
    let kernels = Kernels::get();
    // Row i of the product is column i of the rows times all columns.
    let mut columns = vec![0.0; dim * count];
    columns
        .par_chunks_mut(LANES * count)
        .enumerate()
        .for_each(|(i, columns)| {
            for (j, row) in rows.chunks_exact(width).enumerate() {
                for (column, x) in columns.chunks_exact_mut(count).zip(&row[LANES * i..]) {
                    column[j] = *x;
                }
            }
        });
    let panels: Vec<f32> = (0..width / LANES)
        .into_par_iter()
        .flat_map_iter(|panel| {
            rows.chunks_exact(width)
                .flat_map(move |row| row[panel * LANES..(panel + 1) * LANES].iter().copied())
        })
        .collect();
    let offsets = vec![0.0; LANES];
    let mut product = vec![0.0; dim * width];
    const TILE: usize = 3 * LANES;
    product
        .par_chunks_mut(TILE * width)
        .zip(columns.par_chunks(TILE * count))
        .enumerate()
        .for_each(|(tile, (out, columns))| {
            let rows = columns.len() / count;
            let mut part = vec![0.0; rows * LANES];
            let panels = panels.chunks_exact(count * LANES).enumerate();
            // Panel by panel: one stays in the cache while the tile's columns pass it. Those to the
            // left of the diagonal are the same as those above it.
            for (i, panel) in panels.skip(tile * TILE / LANES) {
                kernels.project(columns, count, count, panel, &offsets, &mut part);
                for (out, part) in out.chunks_exact_mut(width).zip(part.chunks_exact(LANES)) {
                    out[i * LANES..(i + 1) * LANES].copy_from_slice(part);
                }
            }
        });
    for i in 0..dim {
        for j in 0..i / TILE * TILE {
            product[i * width + j] = product[j * width + i];
        }
    }
    product
}

/// Whether so few leading directions are sooner found by iteration than with all others.
fn is_large(dim: usize, most: usize) -> bool {
    dim > 2 * (most + SPARE)
}

/// The leading eigenvectors of a symmetric matrix, as columns, with their eigenvalues, descending.
fn leading(matrix: &[f32], dim: usize, width: usize, most: usize) -> (DMatrix<f64>, Vec<f64>) {
    let block = most + SPARE;
    if !is_large(dim, most) {
        let full = DMatrix::from_fn(dim, dim, |i, j| f64::from(matrix[i * width + j]));
        return eigen(full, most);
    }
    // Subspace iteration from the columns of the largest diagonal: no randomness is needed.
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| {
        let (a, b) = (*a, *b);
        matrix[b * width + b]
            .total_cmp(&matrix[a * width + a])
            .then(a.cmp(&b))
    });
    let block_width = padded_width(block);
    let mut basis = vec![0.0_f32; dim * block_width];
    for (j, i) in order[..block].iter().enumerate() {
        basis[i * block_width + j] = 1.0;
        // A little of everything, so that no leading direction is missed.
        for k in 0..dim {
            basis[k * block_width + j] += (((k * 31 + j * 17) % 101) as f32 - 50.0) * 1e-3;
        }
    }
    for _ in 0..ROUNDS {
        basis = times(matrix, width, dim, &basis, block_width);
        orthonormalise(&mut basis, dim, block, block_width);
    }
    // Rayleigh-Ritz: the best directions within the basis.
    let image = times(matrix, width, dim, &basis, block_width);
    let mut turned = vec![0.0; block * dim];
    for (k, row) in basis.chunks_exact(block_width).enumerate() {
        for (i, x) in row[..block].iter().enumerate() {
            turned[i * dim + k] = *x;
        }
    }
    let small = times(&turned, dim, dim, &image, block_width);
    let small = DMatrix::from_fn(block, block, |i, j| {
        let (a, b) = (small[i * block_width + j], small[j * block_width + i]);
        (f64::from(a) + f64::from(b)) * 0.5
    });
    let (within, values) = eigen(small, most);
    let mut turn = vec![0.0; block_width * block_width];
    for j in 0..most {
        for k in 0..block {
            turn[k * block_width + j] = within[(k, j)] as f32;
        }
    }
    let turned = times(&basis, block_width, block_width, &turn, block_width);
    let directions = DMatrix::from_fn(dim, most, |i, j| f64::from(turned[i * block_width + j]));
    (directions, values)
}

/// matrix · basis, `width` floats a row of the matrix, of which the first `inner` count, and
/// `block_width` floats a row of the basis.
fn times(
    matrix: &[f32],
    width: usize,
    inner: usize,
    basis: &[f32],
    block_width: usize,
) -> Vec<f32> {
    use rayon::prelude::*;
    let kernels = Kernels::get();
    let rows = matrix.len() / width;
    let mut panels = Vec::with_capacity(inner * block_width);
    for panel in 0..block_width / LANES {
        for row in basis[..inner * block_width].chunks_exact(block_width) {
            panels.extend_from_slice(&row[panel * LANES..(panel + 1) * LANES]);
        }
    }
    let offsets = vec![0.0; block_width];
    let mut out = vec![0.0; rows * block_width];
    const TILE: usize = 48;
    out.par_chunks_mut(TILE * block_width)
        .zip(matrix.par_chunks(TILE * width))
        .for_each(|(out, rows)| kernels.project(rows, width, inner, &panels, &offsets, out));
    out
}

/// Make the columns orthonormal, by the Cholesky factor of their products, twice for accuracy.
fn orthonormalise(basis: &mut Vec<f32>, dim: usize, block: usize, block_width: usize) {
    for _ in 0..2 {
        // Columns of equal length first: their products span many orders of magnitude.
        let mut squares = vec![0.0_f64; block_width];
        for row in basis.chunks_exact(block_width) {
            for (sum, x) in squares.iter_mut().zip(row) {
                *sum += f64::from(*x) * f64::from(*x);
            }
        }
        let inverse: Vec<f64> = squares
            .iter()
            .map(|x| if *x > 0.0 { 1.0 / x.sqrt() } else { 0.0 })
            .collect();
        for row in basis.chunks_exact_mut(block_width) {
            for (x, by) in row.iter_mut().zip(&inverse) {
                *x = (f64::from(*x) * by) as f32;
            }
        }
        let products = gram(basis, dim, block, block_width);
        let mut factor = vec![0.0_f64; block * block];
        for j in 0..block {
            for i in j..block {
                let mut sum = f64::from(products[i * block_width + j]);
                for k in 0..j {
                    sum -= factor[i * block + k] * factor[j * block + k];
                }
                factor[i * block + j] = if i == j {
                    // A column that depends on those before it is left out.
                    if sum > 1e-7 {
                        sum.sqrt()
                    } else {
                        f64::INFINITY
                    }
                } else {
                    sum / factor[j * block + j]
                };
            }
        }
        // basis · (factor⁻¹)ᵀ, by the inverse as a small matrix.
        let mut inverse = vec![0.0_f32; block_width * block_width];
        for j in 0..block {
            let mut column = vec![0.0_f64; block];
            for i in j..block {
                let mut sum = if i == j { 1.0 } else { 0.0 };
                for k in j..i {
                    sum -= factor[i * block + k] * column[k];
                }
                let by = factor[i * block + i];
                column[i] = if by.is_finite() { sum / by } else { 0.0 };
            }
            for i in 0..block {
                inverse[j * block_width + i] = column[i] as f32;
            }
        }
        *basis = times(basis, block_width, block_width, &inverse, block_width);
    }
}

/// All eigenvalues of a symmetric matrix, descending, the first `most` of them with their vectors.
fn eigen(matrix: DMatrix<f64>, most: usize) -> (DMatrix<f64>, Vec<f64>) {
    let found = matrix.symmetric_eigen();
    let mut order: Vec<usize> = (0..found.eigenvalues.len()).collect();
    order.sort_by(|a, b| {
        found.eigenvalues[*b]
            .total_cmp(&found.eigenvalues[*a])
            .then(a.cmp(b))
    });
    order.truncate(most);
    let values = order.iter().map(|i| found.eigenvalues[*i]).collect();
    (found.eigenvectors.select_columns(&order), values)
}

impl Projection {
    /// On the first `axes` directions of a spectrum (a multiple of sixteen; those beyond the
    /// dimensions are zero).
    pub(crate) fn new(spectrum: &Spectrum, dim: usize, axes: usize) -> Self {
        let scale = power_of_two_near((1.0 / spectrum.total.sqrt()) as f32);
        let scale = if scale.is_finite() { scale } else { 1.0 };
        let have = axes.min(spectrum.variances.len());
        let mut panels = vec![0.0; axes * dim];
        let mut offsets = vec![0.0; axes];
        for j in 0..have {
            for i in 0..dim {
                let x = (spectrum.directions[(i, j)] * f64::from(scale)) as f32;
                panels[((j / LANES) * dim + i) * LANES + j % LANES] = x;
            }
        }
        let mut coarse = (dim * axes > FINE).then(|| CoarseAxes::round(&mut panels, dim, axes));
        for (j, offset) in offsets.iter_mut().enumerate() {
            let along = (0..dim).map(|i| {
                let x = panels[((j / LANES) * dim + i) * LANES + j % LANES];
                f64::from(x) * f64::from(spectrum.mean[i])
            });
            *offset = -along.sum::<f64>() as f32;
        }
        if let Some(coarse) = &mut coarse {
            let squares = spectrum.mean.iter().map(|x| f64::from(*x).powi(2));
            let near = squares.sum::<f64>() <= NEAR_ORIGIN * spectrum.total;
            (coarse.from, coarse.offsets) = if near && spectrum.zeros >= MANY_ZEROS {
                (vec![0.0; spectrum.mean.len()], offsets.clone())
            } else {
                (spectrum.mean.clone(), vec![0.0; axes])
            };
        }
        Self {
            dim,
            axes,
            scale,
            mean: spectrum.mean.clone(),
            panels,
            offsets,
            coarse,
        }
    }

    /// Length of a projected vector.
    pub(crate) fn axes(&self) -> usize {
        self.axes
    }

    /// The rows' mean, padded.
    pub(crate) fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// The power of two by which projected vectors are multiplied.
    pub(crate) fn scale(&self) -> f32 {
        self.scale
    }

    /// Project rows, `padded_width(dim)` floats each: `axes` floats a row to `y`, and what is left
    /// of the row's squared distance from the mean to `rest`.
    pub(crate) fn project(&self, kernels: &Kernels, rows: &[f32], y: &mut [f32], rest: &mut [f32]) {
        let width = self.mean.len();
        kernels.project(rows, width, self.dim, &self.panels, &self.offsets, y);
        self.rest(kernels, rows, y, rest);
    }

    /// [`project`](Self::project) of one query, faster and nearly the same.
    pub(crate) fn project_query(
        &self,
        kernels: &Kernels,
        query: &[f32],
        y: &mut [f32],
        rest: &mut [f32; 1],
        split: &mut Split,
    ) {
        match &self.coarse {
            Some(coarse) => coarse.project(kernels, query, y, split),
            None => {
                let width = self.mean.len();
                kernels.project(query, width, self.dim, &self.panels, &self.offsets, y);
            }
        }
        self.rest(kernels, query, y, rest);
    }

    fn rest(&self, kernels: &Kernels, rows: &[f32], y: &[f32], rest: &mut [f32]) {
        let count = rest.len();
        kernels.pairs(&self.mean, rows, self.mean.len(), rest, count);
        for (rest, y) in rest.iter_mut().zip(y.chunks_exact(self.axes)) {
            *rest = if self.axes >= self.dim {
                0.0
            } else {
                (*rest * self.scale * self.scale - squared_norm(y)).max(0.0)
            };
        }
    }

    /// [`project`](Self::project) of all rows: projected vectors and squared rests.
    pub(crate) fn project_all(&self, rows: &Prepared<'_>) -> (Vec<f32>, Vec<f32>) {
        use rayon::prelude::*;
        const STEP: usize = 256;
        let kernels = Kernels::get();
        let n = rows.rows().rows();
        let (mut y, mut rests) = (vec![0.0; n * self.axes], vec![0.0; n]);
        y.par_chunks_mut(STEP * self.axes)
            .zip(rests.par_chunks_mut(STEP))
            .enumerate()
            .for_each_init(Vec::new, |buffer, (step, (y, rests))| {
                let range: Range<usize> = step * STEP..step * STEP + rests.len();
                let block = rows.block(range, self.mean.len(), buffer);
                self.project(kernels, block, y, rests);
            });
        (y, rests)
    }
}

/// |y|², sixteen partial sums, so that the compiler can use vectors.
pub(crate) fn squared_norm(y: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for part in y.chunks_exact(LANES) {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x * x;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests;
