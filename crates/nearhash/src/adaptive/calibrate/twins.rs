//! Points that are there several times, or nearly: their twins.
//!
//! The neighbours of a point that has twins are its twins. Those of a query that has none are farther, and in
//! more buckets, so that what suffices for the points does not for the query. Where many points have twins, what
//! they are copies of is asked for, too, as if none of them were there.

use crate::adaptive::model::Model;
use crate::adaptive::traces::Trace;
use crate::kernel::{Kernels, padded_width};
use crate::metric::inverse_norm;

/// Some points stand apart where the next one is so many times as far, squared, as they are from each other in
/// the mean. Neighbours that happen to be near lie on all sides of a point, farther from each other than from it.
const APART: f32 = 1.4;
/// How many nearest points may stand apart with a point to tell that it has twins.
const FEW: std::ops::RangeInclusive<usize> = 2..=3;
/// The share of points that stand apart with a few from which on points have twins: of real data sets without
/// copies .12 to .34, where every point, or every second one, is there again with noise .48 to .90.
const MANY: f64 = 0.42;
/// Most twins of a point.
const MOST_TWINS: usize = 33;

/// A point's nearest, one after the other.
struct Nearest {
    /// Their number.
    count: usize,
    /// The squared distance of the last.
    last: f32,
    /// Of the point and them, the mean squared distance of two.
    mean: f32,
    /// The squared distance of the one behind them.
    next: f32,
}

/// Of the row that was searched for, with no fewer than two neighbours.
fn nearest(model: &Model, row: u32, trace: &Trace) -> impl Iterator<Item = Nearest> {
    let (kernels, unit) = (Kernels::get(), model.projection.scale().powi(2));
    let (mut own, mut other) = (Vec::new(), Vec::new());
    model.copy_prepared(row, &mut own);
    // The sums of the ways to them and of their squares tell how far all of them are from each other.
    let (mut ways, mut squares) = (vec![0.0_f32; own.len()], 0.0_f32);
    let pairs = trace.nearest.windows(2).enumerate();
    pairs.map(move |(i, pair)| {
        let ((row, last), (_, next)) = (pair[0], pair[1]);
        model.copy_prepared(row, &mut other);
        let steps = other.iter().zip(&own).map(|(other, own)| other - own);
        ways.iter_mut()
            .zip(steps)
            .for_each(|(way, step)| *way += step);
        squares += last;
        let count = (i + 1) as f32;
        let between = squares - unit * kernels.squared_norm(&ways) / (count + 1.0);
        Nearest {
            count: i + 1,
            last,
            mean: (between * 2.0 / count).max(0.0),
            next,
        }
    })
}

/// Whether of these rows, which were searched for, so many stand apart with a few that points have twins.
pub(super) fn are_many<'a>(
    model: &Model,
    searched: impl Iterator<Item = (u32, &'a Trace)>,
) -> bool {
    let (mut all, mut apart) = (0, 0);
    for (row, trace) in searched {
        let mut few = nearest(model, row, trace).take(*FEW.end());
        let stands = few.any(|x| FEW.contains(&x.count) && x.next >= APART * x.mean);
        (all, apart) = (all + 1, apart + usize::from(stands));
    }
    apart as f64 > MANY * f64::from(all)
}

/// The row that was searched for and, behind it, those of its twins; none where it has no twins.
pub(super) fn group(model: &Model, row: u32, trace: &Trace) -> Option<Vec<u32>> {
    let (mut twins, mut widest) = (0, 0.0);
    for x in nearest(model, row, trace).take(MOST_TWINS) {
        // Gaps that chance leaves are the narrower the more points are near: their logarithms have a mean that falls as
        // the number of points, whatever the dimension.
        let gap = x.count as f32 * libm::logf(x.next / x.last.max(f32::MIN_POSITIVE));
        if x.next > x.mean && gap > widest {
            (twins, widest) = (x.count, gap);
        }
    }
    let twins = trace.nearest[..twins].iter().map(|(row, _)| *row);
    let group: Vec<u32> = std::iter::once(row).chain(twins).collect();
    (group.len() > 1).then_some(group)
}

impl Model {
    /// The mean of rows, as [`copy_prepared`](Self::copy_prepared); the first of them where that has no direction.
    pub(in crate::adaptive) fn copy_mean(&self, rows: &[u32], out: &mut Vec<f32>) {
        let mut sum = vec![0.0_f32; padded_width(self.points.dim())];
        for row in rows {
            self.copy_prepared(*row, out);
            sum.iter_mut().zip(&*out).for_each(|(sum, x)| *sum += x);
        }
        let mut scale = Some(1.0 / rows.len() as f32);
        if self.inverse_norms.is_some() {
            let squared: f32 = sum.iter().map(|x| x * x).sum();
            scale = inverse_norm(&sum, squared);
        }
        match scale {
            Some(scale) => out
                .iter_mut()
                .zip(&sum)
                .for_each(|(x, sum)| *x = sum * scale),
            None => self.copy_prepared(rows[0], out),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::adaptive::calibrate::margins::GENEROUS;
    use crate::adaptive::traces::Search;
    use crate::control::Control;
    use crate::random::stream;

    const DIM: usize = 24;

    /// So many points, each of them so many times with a little noise, as a model; and searches for some of them.
    fn searched(count: usize, copies: usize, noise: f32) -> (Model, Vec<u32>, Vec<Trace>) {
        let mut random = stream(5, 0);
        let mut normal = || random.sample::<f32, _>(StandardNormal);
        let points: Vec<f32> = (0..count * DIM).map(|_| normal()).collect();
        let mut rows = Vec::new();
        for _ in 0..copies {
            rows.extend(points.iter().map(|x| x + noise * normal()));
        }
        let model = Model::of(rows, DIM);
        let search = Search {
            ks: &[1, 60],
            usual: vec![1.0; 2],
            depth: model.centres.len(),
            kappa: GENEROUS,
            early: None,
        };
        let rows = model.held_out[..100].to_vec();
        let traces = model
            .stored_traces(&rows, &search, &Control::new())
            .unwrap();
        (model, rows, traces)
    }

    /// Ids of copies of a point differ by multiples of `count`.
    fn assert_groups_are_copies(count: usize, copies: usize, noise: f32) {
        let (model, rows, traces) = searched(count, copies, noise);
        for (row, trace) in rows.iter().zip(&traces) {
            let group = group(&model, *row, trace).unwrap();
            assert_eq!(group[0], *row);
            let mut ids: Vec<u32> = group.iter().map(|row| model.ids[*row as usize]).collect();
            ids.sort_unstable();
            let first = ids[0] % count as u32;
            let expected: Vec<u32> = (0..copies).map(|i| first + (i * count) as u32).collect();
            assert_eq!(ids, expected);
        }
    }

    #[test]
    fn copies_of_a_point_are_its_twins() {
        assert_groups_are_copies(1000, 2, 0.05);
        assert_groups_are_copies(200, 10, 0.05);
        assert_groups_are_copies(200, 10, 0.0);
    }

    #[test]
    fn points_that_are_there_twice_or_more_have_twins_and_others_have_none() {
        let many = |(model, rows, traces): (Model, Vec<u32>, Vec<Trace>)| {
            are_many(&model, rows.into_iter().zip(&traces))
        };
        assert!(!many(searched(2000, 1, 0.0)));
        assert!(many(searched(1000, 2, 0.0)));
        assert!(many(searched(1000, 2, 0.1)));
        assert!(many(searched(200, 10, 0.0)));
    }

    #[test]
    fn distances_between_all_pairs_follow_from_the_ways_to_them() {
        let (model, rows, traces) = searched(2000, 1, 0.0);
        let unit = model.projection.scale().powi(2);
        let vector = |row: u32| {
            let mut vector = Vec::new();
            model.copy_prepared(row, &mut vector);
            vector
        };
        let members = std::iter::once(rows[7]).chain(traces[7].nearest.iter().map(|x| x.0));
        let members: Vec<Vec<f32>> = members.map(vector).collect();
        for x in nearest(&model, rows[7], &traces[7]).take(20) {
            let group = &members[..=x.count];
            let (mut sum, mut pairs) = (0.0, 0.0);
            for (i, a) in group.iter().enumerate() {
                for b in &group[..i] {
                    sum += a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
                    pairs += 1.0;
                }
            }
            let mean = unit * sum / pairs;
            assert!((x.mean / mean - 1.0).abs() < 1e-3, "{} {mean}", x.mean);
        }
    }
}
