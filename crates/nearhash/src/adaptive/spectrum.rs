//! Leading directions of the data, and how much it varies along them.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use crate::kernel::{Kernels, LANES, padded_width};
use crate::large;
use crate::metric::Prepared;

/// Rows that the directions are computed from, at most.
const SAMPLE: usize = 4096;
/// Rounds of subspace iteration.
const ROUNDS: usize = 6;
/// Directions that are tried first where a share of the variance is wanted, which few may have.
const FEW: usize = 128;
/// Directions iterated beyond those wanted: the last ones converge slowly.
const SPARE: usize = 8;

/// Variance along every direction that was computed, descending, and in all.
#[derive(Debug, Clone)]
pub(crate) struct Spectrum {
    pub(super) directions: DMatrix<f64>,
    pub(super) variances: Vec<f64>,
    pub(super) total: f64,
    pub(super) mean: Vec<f32>,
    /// Share of zeros in the rows.
    pub(super) zeros: f64,
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
        let mut picked = large::with_capacity(sample * width);
        let mut buffer = Vec::new();
        for row in (0..count).step_by(step) {
            picked.extend_from_slice(rows.block(row..row + 1, width, &mut buffer));
        }
        let kernels = Kernels::get();
        let zeros = kernels.compiled(
            #[inline(always)]
            || picked.iter().filter(|x| **x == 0.0).count(),
        );
        let zeros = zeros - sample * (width - dim);
        let mut mean = vec![0.0_f64; width];
        kernels.compiled(
            #[inline(always)]
            || {
                for row in picked.chunks_exact(width) {
                    for (mean, x) in mean.iter_mut().zip(row) {
                        *mean += f64::from(*x);
                    }
                }
            },
        );
        let mean: Vec<f32> = mean.iter().map(|x| (x / sample as f64) as f32).collect();
        for row in picked.chunks_exact_mut(width) {
            for (x, mean) in row.iter_mut().zip(&mean) {
                // Halves: the whole difference can leave float32's range.
                *x = 0.5 * *x - 0.5 * mean;
            }
        }
        // Squares stay in range whatever the units are.
        let unit = power_of_two_near(kernels.magnitude(&picked));
        let by = 1.0 / unit;
        picked.iter_mut().for_each(|x| *x *= by);
        let covariance = gram(&picked, dim, width);
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
pub(super) fn power_of_two_near(x: f32) -> f32 {
    if x > 0.0 && x.is_finite() {
        let exponent = f64::from(x).log2().floor().clamp(-126.0, 127.0);
        exponent.exp2() as f32
    } else {
        1.0
    }
}

/// Rows whose products are added up before they are added to those of others.
const BLOCK: usize = 128;
/// Columns that are multiplied together.
const COLUMNS: usize = 3 * LANES;

/// XᵀX of rows, `width` floats each, of which the first `dim` count, as a matrix of `dim` × `width`.
fn gram(rows: &[f32], dim: usize, width: usize) -> Vec<f32> {
    let kernels = Kernels::get();
    // Columns in panels, block by block: a panel of a block stays in the nearest cache, a block in
    // the next one.
    let panels = width / LANES;
    let mut blocks = large::zeros(rows.len());
    blocks
        .par_chunks_mut(BLOCK * width)
        .zip(rows.par_chunks(BLOCK * width))
        .for_each(|(block, rows)| {
            let count = rows.len() / width;
            for (j, row) in rows.chunks_exact(width).enumerate() {
                for (panel, part) in row.as_chunks::<LANES>().0.iter().enumerate() {
                    let at = (panel * count + j) * LANES;
                    block[at..at + LANES].copy_from_slice(part);
                }
            }
        });
    let offsets = vec![0.0; width];
    let mut product = vec![0.0; dim * width];
    product
        .par_chunks_mut(COLUMNS * width)
        .enumerate()
        .for_each_init(
            || (Vec::new(), Vec::new()),
            |(columns, part), (tile, out)| {
                // Those to the left of the diagonal are the same as those above it.
                let first = tile * COLUMNS / LANES;
                let (taken, kept) = (out.len() / width, (panels - first) * LANES);
                part.resize(taken * kept, 0.0);
                for block in blocks.chunks(BLOCK * width) {
                    let count = block.len() / width;
                    columns.resize(taken * count, 0.0);
                    let panel = |i: usize| &block[i * count * LANES..(i + 1) * count * LANES];
                    for (i, columns) in columns.chunks_mut(LANES * count).enumerate() {
                        transpose(panel(first + i), columns, count);
                    }
                    let block = &block[first * count * LANES..];
                    kernels.project(columns, count, count, block, &offsets[..kept], part);
                    for (out, part) in out.chunks_exact_mut(width).zip(part.chunks_exact(kept)) {
                        let out = &mut out[first * LANES..];
                        out.iter_mut().zip(part).for_each(|(out, x)| *out += x);
                    }
                }
            },
        );
    for i in 0..dim {
        for j in 0..i / COLUMNS * COLUMNS {
            product[i * width + j] = product[j * width + i];
        }
    }
    product
}

/// The first columns of a panel of `count` rows as rows, as many as fit `columns`.
fn transpose(panel: &[f32], columns: &mut [f32], count: usize) {
    for (i, column) in columns.chunks_exact_mut(count).enumerate() {
        for (x, row) in column.iter_mut().zip(panel.as_chunks::<LANES>().0) {
            *x = row[i];
        }
    }
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
        orthonormalise(&mut basis, block, block_width);
    }
    // Once more for accuracy: the products of columns that are nearly dependent lose much of it.
    orthonormalise(&mut basis, block, block_width);
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

/// Make the columns orthonormal, by the Cholesky factor of their products.
fn orthonormalise(basis: &mut Vec<f32>, block: usize, block_width: usize) {
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
    let products = gram(basis, block, block_width);
    let mut factor = vec![0.0_f64; block * block];
    for j in 0..block {
        for i in j..block {
            let (a, b) = (&factor[i * block..][..j], &factor[j * block..][..j]);
            let sum = f64::from(products[i * block_width + j]) - dot(a, b);
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
            let one = if i == j { 1.0 } else { 0.0 };
            let sum = one - dot(&factor[i * block + j..][..i - j], &column[j..i]);
            let by = factor[i * block + i];
            column[i] = if by.is_finite() { sum / by } else { 0.0 };
        }
        for i in 0..block {
            inverse[j * block_width + i] = column[i] as f32;
        }
    }
    *basis = times(basis, block_width, block_width, &inverse, block_width);
}

/// Eight sums, which wait for each other less than one does.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_parts, a_left) = a.as_chunks::<8>();
    let (b_parts, b_left) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a_parts.iter().zip(b_parts) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let left = a_left.iter().zip(b_left).map(|(a, b)| a * b);
    sums.iter().sum::<f64>() + left.sum::<f64>()
}

/// From so many rows on, eigenvectors are computed in single precision, as the matrices are: it takes
/// half of the time.
const SINGLE: usize = 128;

/// All eigenvalues of a symmetric matrix, descending, the first `most` of them with their vectors.
fn eigen(matrix: DMatrix<f64>, most: usize) -> (DMatrix<f64>, Vec<f64>) {
    let (vectors, values): (DMatrix<f64>, DVector<f64>) = if matrix.nrows() < SINGLE {
        let found = matrix.symmetric_eigen();
        (found.eigenvectors, found.eigenvalues)
    } else {
        let found = matrix.cast::<f32>().symmetric_eigen();
        (found.eigenvectors.cast(), found.eigenvalues.cast())
    };
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order.truncate(most);
    let of = order.iter().map(|i| values[*i]).collect();
    (vectors.select_columns(&order), of)
}

#[cfg(test)]
pub(super) mod tests;
