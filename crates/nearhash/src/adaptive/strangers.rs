//! Queries such as the data does not have, made of its points.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::adaptive::model::Model;
use crate::random::stream;

const STRANGER_STREAM: u64 = u64::MAX - 1000;

/// Kinds of strangers.
pub(crate) const KINDS: u32 = 16;

impl Model {
    /// Stranger `number` of a seed, as a query: padded, a unit vector under cosine.
    pub(crate) fn make_stranger(&self, seed: u64, number: u32, out: &mut Vec<f32>) {
        let random = &mut stream(seed, STRANGER_STREAM - u64::from(number));
        let dim = self.points.dim();
        let n = self.points.rows() as u32;
        let any = |random: &mut ChaCha8Rng| {
            let mut row = Vec::new();
            self.copy_prepared(random.random_range(0..n), &mut row);
            row
        };
        let mean = self.projection.mean();
        let x = any(random);
        let mut made = x.clone();
        let spread = {
            let sum: f32 = x.iter().zip(mean).map(|(x, m)| (x - m) * (x - m)).sum();
            (sum / dim as f32).sqrt()
        };
        let normal = |random: &mut ChaCha8Rng| -> f32 { random.sample(StandardNormal) };
        // A factor between 1 / by and by, on a logarithmic scale.
        let factor =
            |random: &mut ChaCha8Rng, by: f32| libm::powf(by, 2.0 * random.random::<f32>() - 1.0);
        match number % KINDS {
            // The mean of two, three or many points.
            kind @ 0..=2 => {
                let many = 14.0 * factor(random, 3.0);
                let count = [2, 3, many as u32][kind as usize];
                for _ in 1..count {
                    let other = any(random);
                    made.iter_mut().zip(&other).for_each(|(x, y)| *x += y);
                }
                made.iter_mut().for_each(|x| *x /= count as f32);
            }
            // Coordinates in another order.
            3 => {
                for i in (1..dim).rev() {
                    made.swap(i, random.random_range(0..=i as u32) as usize);
                }
            }
            // Coordinates moved on by some places.
            4 => made[..dim].rotate_left(random.random_range(0..dim as u32) as usize),
            // Each coordinate from another point.
            5 => {
                let others: Vec<_> = (0..dim.min(64)).map(|_| any(random)).collect();
                for (j, x) in made[..dim].iter_mut().enumerate() {
                    *x = others[random.random_range(0..others.len() as u32) as usize][j];
                }
            }
            // Reflected, about the mean or about half of the largest coordinate.
            6 => made
                .iter_mut()
                .zip(mean)
                .for_each(|(x, m)| *x = 2.0 * m - *x),
            7 => {
                let most = x.iter().fold(0.0_f32, |a, b| a.max(*b));
                made[..dim].iter_mut().for_each(|x| *x = most - *x);
            }
            // Nearer to the mean or farther from it; larger or smaller.
            8 => {
                let by = factor(random, 5.0);
                made.iter_mut()
                    .zip(mean)
                    .for_each(|(x, m)| *x = m + by * (*x - m));
            }
            9 => {
                let by = factor(random, 5.0);
                made.iter_mut().for_each(|x| *x *= by);
            }
            // Noise added.
            10 => {
                let by = spread * factor(random, 3.0);
                made[..dim]
                    .iter_mut()
                    .for_each(|x| *x += by * normal(random));
            }
            // Nothing but noise about the mean.
            11 => {
                for (x, m) in made[..dim].iter_mut().zip(mean) {
                    *x = m + spread * normal(random);
                }
            }
            // Most coordinates zero.
            12 => {
                let keep = 0.05 + 0.45 * random.random::<f32>();
                made[..dim].iter_mut().for_each(|x| {
                    if random.random::<f32>() > keep {
                        *x = 0.0;
                    }
                });
            }
            // As much as all of it in one to five coordinates, with nothing else or beside the rest.
            13 => {
                let count = random.random_range(1..=5_u32);
                let norm = x.iter().map(|x| x * x).sum::<f32>().sqrt();
                if random.random::<bool>() {
                    made.fill(0.0);
                }
                for _ in 0..count {
                    let j = random.random_range(0..dim as u32) as usize;
                    made[j] += norm * factor(random, 2.0) / count as f32;
                }
            }
            // Nearly all coordinates alike.
            14 => {
                let level = x[..dim].iter().sum::<f32>() / dim as f32;
                let by = 0.3 * random.random::<f32>() * level.abs().max(spread);
                made[..dim]
                    .iter_mut()
                    .for_each(|x| *x = level + by * normal(random));
            }
            // Blurred: each coordinate the mean of its surroundings.
            _ => {
                let reach = random.random_range(1..=4_u32) as usize;
                for (j, out) in made[..dim].iter_mut().enumerate() {
                    let around = &x[j.saturating_sub(reach)..(j + reach + 1).min(dim)];
                    *out = around.iter().sum::<f32>() / around.len() as f32;
                }
            }
        }
        if self.inverse_norms.is_some() {
            let squared: f32 = made.iter().map(|x| x * x).sum();
            match crate::metric::inverse_norm(&made, squared) {
                Some(by) => made.iter_mut().for_each(|x| *x *= by),
                None => made.clone_from(&x),
            }
        }
        out.clone_from(&made);
    }
}
