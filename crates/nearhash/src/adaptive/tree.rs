//! Buckets: leaves of a balanced binary tree of sign hashes, each along its node's own direction.

use rayon::prelude::*;

use crate::kernel::{Kernels, LANES};
use crate::large;

/// Coordinates that the hashes look at: the first ones, which have most of the variance.
pub(crate) const LEADING: usize = LANES;
/// Members that a node's direction is computed from, at most.
const DIRECTION_SAMPLE: usize = 256;
/// Members that a node's threshold is the median of, at most.
const MEDIAN_SAMPLE: usize = 1023;
/// Rounds of power iteration.
const ROUNDS: usize = 6;
/// Fewest members worth a task of their own.
const TASK: usize = 8192;

/// A point on its way to its leaf: its leading coordinates and its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) leading: [f32; LEADING],
    pub(crate) row: u32,
}

/// These rows of projected points, `axes` floats each.
pub(crate) fn members(y: &[f32], axes: usize, rows: &[u32]) -> Vec<Member> {
    let mut members = large::with_capacity(rows.len());
    rows.par_iter()
        .map(|row| {
            let y = &y[*row as usize * axes..][..LEADING];
            Member {
                leading: std::array::from_fn(|i| y[i]),
                row: *row,
            }
        })
        .collect_into_vec(&mut members);
    members
}

/// Split `members` again and again until no part is larger than `size`: each by the sign of
/// `direction · y − threshold`, with the part's own principal direction and its median. Returns the
/// lengths of the parts, which are contiguous afterwards. Members that no hash can tell apart stay
/// together.
pub(crate) fn grow(members: &mut [Member], size: usize) -> Vec<usize> {
    if members.len() <= size.max(1) {
        return vec![members.len()];
    }
    let direction = principal_direction(members);
    let at = split(members, &direction);
    if at == 0 || at == members.len() {
        return vec![members.len()];
    }
    let (low, high) = members.split_at_mut(at);
    let (mut low, high) = if low.len() + high.len() >= TASK {
        rayon::join(|| grow(low, size), || grow(high, size))
    } else {
        (grow(low, size), grow(high, size))
    };
    low.extend(high);
    low
}

/// Evenly spaced members, `most` at most.
#[inline(always)]
fn sample(members: &[Member], most: usize) -> impl Iterator<Item = &Member> + Clone {
    members.iter().step_by(members.len().div_ceil(most).max(1))
}

/// The direction in which a node's members differ most, by power iteration.
fn principal_direction(members: &[Member]) -> [f32; LEADING] {
    let mut centred: Vec<[f32; LEADING]> = sample(members, DIRECTION_SAMPLE)
        .map(|member| member.leading)
        .collect();
    let mut mean = [0.0; LEADING];
    for x in &centred {
        for (mean, x) in mean.iter_mut().zip(x) {
            *mean += x;
        }
    }
    let count = centred.len() as f32;
    mean.iter_mut().for_each(|x| *x /= count);
    for x in &mut centred {
        for (x, mean) in x.iter_mut().zip(mean) {
            *x -= mean;
        }
    }
    let covariance = Kernels::get().products(&centred);
    // Start from the row of the largest variance, which the principal direction is never
    // orthogonal to.
    let start = (0..LEADING)
        .max_by(|a, b| covariance[*a][*a].total_cmp(&covariance[*b][*b]))
        .unwrap_or(0);
    let mut direction = covariance[start];
    for _ in 0..ROUNDS {
        let largest = direction.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        if largest == 0.0 || !largest.is_finite() {
            break;
        }
        direction.iter_mut().for_each(|x| *x /= largest);
        direction = std::array::from_fn(|i| dot(&covariance[i], &direction));
    }
    let norm = dot(&direction, &direction).sqrt();
    if norm > 0.0 && norm.is_finite() {
        direction.map(|x| x / norm)
    } else {
        let mut axis = [0.0; LEADING];
        axis[start] = 1.0;
        axis
    }
}

#[inline(always)]
fn dot(a: &[f32; LEADING], b: &[f32; LEADING]) -> f32 {
    // Four sums, which wait for each other less than one does.
    let mut sums = [0.0; 4];
    for i in 0..LEADING {
        sums[i % 4] += a[i] * b[i];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Move the members with sign 0 to the front and return how many they are.
fn split(members: &mut [Member], direction: &[f32; LEADING]) -> usize {
    let mut values: Vec<f32> = sample(members, MEDIAN_SAMPLE)
        .map(|member| dot(&member.leading, direction))
        .collect();
    let middle = values.len() / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    let threshold = *median;
    let value = |member: &Member| dot(&member.leading, direction);
    let below: Vec<bool> = members.iter().map(|m| value(m) < threshold).collect();
    let kernels = Kernels::get();
    let at = kernels.compiled(
        #[inline(always)]
        || partition(members, &below),
    );
    if at > 0 {
        return at;
    }
    // The median is the least value of all: many are equal. They are told from the others.
    let within: Vec<bool> = members.iter().map(|m| value(m) <= threshold).collect();
    partition(members, &within)
}

/// By which side each member is on, as many as there are: those in front to the front. The others are
/// put from the end on, each in the place of the one that is looked at next.
#[inline(always)]
fn partition(members: &mut [Member], in_front: &[bool]) -> usize {
    let Some(last) = members.len().checked_sub(1) else {
        return 0;
    };
    // One member is held, and the place `low` is free. Nothing here is a branch that depends on a
    // side, which nothing could foresee.
    let (mut low, mut high, mut at) = (0, members.len(), 0);
    let mut held = members[0];
    for _ in 0..last {
        let front = usize::from(in_front[at]);
        let of = |if_front: usize, otherwise: usize| {
            otherwise ^ ((if_front ^ otherwise) & front.wrapping_neg())
        };
        let place = of(low, high - 1);
        low += front;
        high -= 1 - front;
        at = of(low, high);
        let next = members[at];
        members[place] = held;
        held = next;
    }
    members[low] = held;
    low + usize::from(in_front[at])
}

#[cfg(test)]
mod tests;
