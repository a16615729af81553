//! k-means of one group: seeds by k-means++ (Arthur & Vassilvitskii 2007), then Lloyd's iterations.
//!
//! Sums have one order, so the clusters do not depend on the number of threads.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::codebook::Group;
use crate::control::Control;
use crate::error::Result;
use crate::kernel::Kernels;

/// Rows for each cluster that seeds are drawn from.
const SEED_ROWS: usize = 16;
/// Rows that are assigned by one task.
const TASK: usize = 1024;
/// Lloyd's iterations end when one lowers the mean squared distance by less than this share.
const ENOUGH: f64 = 1e-4;

/// The clusters of rows with `dim` floats each, one after the other. There are fewer than
/// `clusters` when fewer rows are different from each other.
///
/// # Errors
/// A cancellation.
pub(crate) fn cluster(
    rows: &[f32],
    dim: usize,
    clusters: usize,
    iterations: usize,
    generator: &mut ChaCha8Rng,
    control: &Control,
) -> Result<Group> {
    let kernels = Kernels::get();
    let count = rows.len() / dim;
    let mut centroids = seeds(rows, dim, clusters, generator, control)?;
    let mut assigned = vec![(0_u32, 0.0_f32); count];
    let mut before: Option<f64> = None;
    for _ in 0..iterations {
        let group = Group::new(&centroids, dim);
        assign(kernels, &group, rows, dim, &mut assigned, control)?;
        let sum: f64 = assigned.iter().map(|(_, d)| f64::from(*d)).sum();
        repair(&mut assigned, group.clusters());
        centroids = means(rows, dim, &assigned, group.clusters());
        if before.is_some_and(|before| before - sum <= before * ENOUGH) {
            break;
        }
        before = Some(sum);
    }
    Ok(Group::new(&centroids, dim))
}

fn assign(
    kernels: &Kernels,
    group: &Group,
    rows: &[f32],
    dim: usize,
    assigned: &mut [(u32, f32)],
    control: &Control,
) -> Result<()> {
    assigned
        .par_chunks_mut(TASK)
        .zip(rows.par_chunks(TASK * dim))
        .try_for_each_init(Vec::new, |squares, (assigned, rows)| {
            control.check()?;
            group.assign(kernels, rows, dim, squares, |row, cluster, square| {
                assigned[row] = (cluster as u32, square);
            });
            Ok(())
        })
}

/// k-means++: each further seed is a row drawn with a probability that grows with its squared
/// distance to the seeds so far. Rows equal to a seed are never drawn.
fn seeds(
    rows: &[f32],
    dim: usize,
    clusters: usize,
    generator: &mut ChaCha8Rng,
    control: &Control,
) -> Result<Vec<f32>> {
    // Every n-th row: the caller's order may mean something.
    let count = rows.len() / dim;
    let step = (count / clusters.saturating_mul(SEED_ROWS)).max(1);
    let picked: Vec<usize> = (0..count).step_by(step).collect();
    // Coordinate by coordinate, so that the distances of many rows to one seed are computed at once.
    let columns: Vec<f32> = (0..dim)
        .flat_map(|j| picked.iter().map(move |row| rows[row * dim + j]))
        .collect();
    let mut nearest = vec![f32::INFINITY; picked.len()];
    let mut distances = vec![0.0_f32; picked.len()];
    let mut seeds = Vec::with_capacity(clusters.min(picked.len()) * dim);
    let mut row = generator.random_range(0..picked.len() as u64) as usize;
    loop {
        control.check()?;
        let at = picked[row] * dim;
        seeds.extend_from_slice(&rows[at..at + dim]);
        if seeds.len() == clusters * dim {
            return Ok(seeds);
        }
        distances.fill(0.0);
        for (column, x) in columns.chunks_exact(picked.len()).zip(&rows[at..at + dim]) {
            for (distance, y) in distances.iter_mut().zip(column) {
                let difference = y - x;
                *distance += difference * difference;
            }
        }
        let mut total = 0.0_f64;
        for (nearest, distance) in nearest.iter_mut().zip(&distances) {
            *nearest = nearest.min(*distance);
            total += f64::from(*nearest);
        }
        if total == 0.0 {
            return Ok(more_seeds(rows, dim, clusters, seeds));
        }
        let mut wanted = generator.random::<f64>() * total;
        let mut last = row;
        for (i, distance) in nearest.iter().enumerate() {
            if *distance > 0.0 {
                last = i;
                wanted -= f64::from(*distance);
                if wanted < 0.0 {
                    break;
                }
            }
        }
        row = last;
    }
}

/// All rows that seeds are drawn from are seeds or equal to one. Those left out may still differ:
/// take them in their order.
fn more_seeds(rows: &[f32], dim: usize, clusters: usize, mut seeds: Vec<f32>) -> Vec<f32> {
    // Zeros of both signs are equal.
    let key = |row: &[f32]| -> Vec<u32> { row.iter().map(|x| (x + 0.0).to_bits()).collect() };
    let mut known: std::collections::HashSet<Vec<u32>> = seeds.chunks_exact(dim).map(key).collect();
    for row in rows.chunks_exact(dim) {
        if seeds.len() == clusters * dim {
            break;
        }
        if known.insert(key(row)) {
            seeds.extend_from_slice(row);
        }
    }
    seeds
}

/// Give each cluster without rows the row that is farthest from its centroid, out of a cluster that
/// keeps another one.
fn repair(assigned: &mut [(u32, f32)], clusters: usize) {
    let mut sizes = vec![0_u32; clusters];
    for (cluster, _) in &*assigned {
        sizes[*cluster as usize] += 1;
    }
    let empty: Vec<usize> = (0..clusters).filter(|c| sizes[*c] == 0).collect();
    if empty.is_empty() {
        return;
    }
    // Farthest first, ties to the lower row.
    let mut order: Vec<u32> = (0..assigned.len() as u32).collect();
    order.sort_by(|a, b| {
        let distance = |row: &u32| assigned[*row as usize].1;
        distance(b).total_cmp(&distance(a)).then(a.cmp(b))
    });
    let mut order = order.into_iter();
    for cluster in empty {
        let Some(row) = order.by_ref().find(|row| {
            let (from, distance) = assigned[*row as usize];
            distance > 0.0 && sizes[from as usize] > 1
        }) else {
            return;
        };
        let (from, _) = assigned[row as usize];
        sizes[from as usize] -= 1;
        sizes[cluster] = 1;
        assigned[row as usize] = (cluster as u32, 0.0);
    }
}

/// Mean of each cluster's rows; clusters that are still empty go.
fn means(rows: &[f32], dim: usize, assigned: &[(u32, f32)], clusters: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; clusters * dim];
    let mut counts = vec![0_u32; clusters];
    for (row, (cluster, _)) in rows.chunks_exact(dim).zip(assigned) {
        let cluster = *cluster as usize;
        counts[cluster] += 1;
        for (sum, x) in sums[cluster * dim..].iter_mut().zip(row) {
            *sum += f64::from(*x);
        }
    }
    sums.chunks_exact(dim)
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .flat_map(|(sums, count)| sums.iter().map(move |sum| (sum / f64::from(count)) as f32))
        .collect()
}

#[cfg(test)]
mod tests;
