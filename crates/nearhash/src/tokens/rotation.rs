//! A random rotation that costs d log d instead of d²: rounds of random signs and Walsh–Hadamard
//! transforms (Ailon & Chazelle 2006; three rounds as in Andoni, Indyk, Laarhoven, Razenshteyn &
//! Schmidt 2015).
//!
//! The transform needs a power of two. For other lengths each round transforms the first 2^k
//! coordinates and then the last 2^k, 2^k being the largest power that fits: the two overlap, so
//! all coordinates mix, and the whole is exactly orthogonal.

use super::random;

const ROUNDS: usize = 3;

/// An orthogonal map of vectors of one length.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    dim: usize,
    block: usize,
    /// ±1 for each round and coordinate.
    signs: Vec<f32>,
}

impl Rotation {
    pub(crate) fn random(seed: u64, dim: usize) -> Self {
        Self {
            dim,
            block: 1 << dim.ilog2(),
            signs: random::signs(seed, ROUNDS * dim),
        }
    }

    /// Rotate a row in place.
    pub(crate) fn apply(&self, row: &mut [f32]) {
        for signs in self.signs.chunks_exact(self.dim) {
            for (x, sign) in row.iter_mut().zip(signs) {
                *x *= sign;
            }
            hadamard(&mut row[..self.block]);
            if self.block < self.dim {
                hadamard(&mut row[self.dim - self.block..]);
            }
        }
    }
}

/// The Walsh–Hadamard transform divided by √length, which makes it orthogonal. Sums have one order,
/// and there are no products that could be fused: the same bits everywhere.
fn hadamard(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for pair in x.chunks_exact_mut(2 * half) {
            let (a, b) = pair.split_at_mut(half);
            for (a, b) in a.iter_mut().zip(b) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (x.len() as f32).sqrt();
    for x in x {
        *x *= scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(dim: usize) -> Vec<Vec<f32>> {
        (0..dim)
            .map(|i| (0..dim).map(|j| f32::from(u8::from(i == j))).collect())
            .collect()
    }

    #[test]
    fn a_rotation_keeps_lengths_and_right_angles_for_every_vector_length() {
        for dim in (1..=70).chain([100, 128, 300]) {
            let rotation = Rotation::random(7, dim);
            let mut axes = rows(dim);
            axes.iter_mut().for_each(|row| rotation.apply(row));
            for (i, a) in axes.iter().enumerate() {
                for (j, b) in axes.iter().enumerate() {
                    let dot: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                    let expected = f32::from(u8::from(i == j));
                    assert!(
                        (dot - expected).abs() < 1e-5,
                        "dim {dim}: {dot} at {i}, {j}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_rotation_spreads_one_coordinate_over_all() {
        for dim in [64, 100, 300, 784] {
            let rotation = Rotation::random(3, dim);
            for axis in [0, dim / 2, dim - 1] {
                let mut row = vec![0.0; dim];
                row[axis] = 1.0;
                rotation.apply(&mut row);
                let largest = row.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
                assert!(largest < 0.5, "dim {dim}, axis {axis}: {largest}");
                let used = row.iter().filter(|x| x.abs() > 1e-4).count();
                assert!(used > dim * 3 / 4, "dim {dim}, axis {axis}: {used} in use");
            }
        }
    }

    #[test]
    fn the_transform_is_the_matrix_of_signs() {
        let x = [1.0_f32, -2.0, 3.5, 0.25, 4.0, -1.0, 0.5, 2.0];
        let mut fast = x;
        hadamard(&mut fast);
        for (i, fast) in fast.iter().enumerate() {
            let slow: f64 = x
                .iter()
                .enumerate()
                .map(|(j, x)| {
                    f64::from(if (i & j).count_ones() % 2 == 0 {
                        *x
                    } else {
                        -*x
                    })
                })
                .sum::<f64>()
                / 8.0_f64.sqrt();
            assert!((f64::from(*fast) - slow).abs() < 1e-6);
        }
    }

    #[test]
    fn a_seed_is_one_rotation() {
        let rotated = |seed| {
            let mut row = vec![1.0, 2.0, 3.0, 4.0, 5.0];
            Rotation::random(seed, 5).apply(&mut row);
            row
        };
        assert_eq!(rotated(1), rotated(1));
        assert_ne!(rotated(1), rotated(2));
    }
}
