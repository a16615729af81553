//! The data set in the three forms that the contenders need.

use std::error::Error;
use std::path::Path;

use ndarray::Array2;

/// Row-major vectors.
pub struct Rows {
    pub values: Vec<f32>,
    pub dim: usize,
    /// Length of each row; what ranking by cosine divides by.
    pub norms: Vec<f32>,
}

impl Rows {
    fn new(values: Vec<f32>, dim: usize) -> Self {
        let norms = values
            .chunks_exact(dim)
            .map(|row| row.iter().map(|x| x * x).sum::<f32>().sqrt())
            .collect();
        Self { values, dim, norms }
    }

    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.dim..(row + 1) * self.dim]
    }

    /// The first rows, as queries.
    fn head(&self, rows: usize) -> Self {
        Self::new(self.values[..rows * self.dim].to_vec(), self.dim)
    }
}

/// What is asked.
pub struct Queries {
    pub rows: Rows,
    /// Query i is row i of the data, and must not be its own answer.
    own: bool,
}

/// One of them.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    pub values: &'a [f32],
    pub norm: f32,
    /// The row that is no answer, being the query itself.
    pub own: Option<u32>,
}

impl Queries {
    /// The first `count` rows of the data.
    pub fn first_rows(rows: &Rows, count: usize) -> Self {
        Self {
            rows: rows.head(count),
            own: true,
        }
    }

    /// The first `count` of vectors that are not in the data.
    pub fn held_out(rows: &Rows, count: usize) -> Self {
        Self {
            rows: rows.head(count),
            own: false,
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn get(&self, query: usize) -> Query<'_> {
        Query {
            values: self.rows.row(query),
            norm: self.rows.norms[query],
            own: self.own.then_some(query as u32),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Query<'_>> {
        (0..self.len()).map(|query| self.get(query))
    }

    /// Answers to ask for when `k` are wanted: the query's own row takes one place.
    pub fn places(&self, k: usize) -> usize {
        k + usize::from(self.own)
    }
}

impl Query<'_> {
    /// As [`Queries::places`].
    pub fn places(&self, k: usize) -> usize {
        k + usize::from(self.own.is_some())
    }
}

/// Read a .npy file of u16 values, shape rows x dim, in C order.
pub fn read(path: &Path) -> Result<Array2<u16>, Box<dyn Error>> {
    let values: Array2<u16> =
        ndarray_npy::read_npy(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if !values.is_standard_layout() {
        return Err(format!("{}: the values are not in C order", path.display()).into());
    }
    Ok(values)
}

/// Float64, as scipy computes.
pub fn as_f64(values: &Array2<u16>) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// Every value divided by `divisor`.
pub fn scaled(values: &Array2<u16>, divisor: f64) -> Rows {
    let scaled = values
        .iter()
        .map(|&x| (f64::from(x) / divisor) as f32)
        .collect();
    Rows::new(scaled, values.ncols())
}
