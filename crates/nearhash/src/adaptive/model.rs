//! What `fit` makes of the points.

use rayon::prelude::*;

use crate::adaptive::codes::{Bits, Codes, Projected};
use crate::adaptive::filing::Filed;
use crate::adaptive::layout::{LITTLE_BEYOND, Layout, MOST_AXES, Shape};
use crate::adaptive::projection::{Projection, squared_norm};
use crate::adaptive::quantised::Centres;
use crate::adaptive::sample::held_out;
use crate::adaptive::search::{Effort, Ordinary, Scratch};
use crate::adaptive::spectrum::Spectrum;
use crate::control::Control;
use crate::error::Result;
use crate::kernel::{Kernels, padded_width};
use crate::large;
use crate::metric::{Metric, Prepared};
use crate::points::{Points, RowData, SLACK};

/// A query so many times farther from the mean than any point, in square, is compared with all.
const FAR: f32 = 10.0;
/// And one whose squared rest is so many times larger than any point's, and than this part of the squared
/// distance of the farthest point from the mean.
const FAR_REST: f32 = 2.0;
const FAR_PART: f32 = 0.25;
/// Squared rests that are no larger than this part of the farthest point's squared distance from the mean
/// are too small to mislead estimates.
const LEAST_REST: f32 = 1e-3;
/// Points that the correlation of rests is measured on, and neighbours of each.
const REST_SAMPLE: usize = 128;
const NEIGHBOURS: usize = 10;
/// Points with twins have rests that go together far better than those of queries will.
const MOST_CORRELATION: f64 = 0.5;

/// Rows in the order of their buckets, and what finds them.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) metric: Metric,
    pub(crate) projection: Projection,
    pub(crate) centres: Centres,
    pub(crate) codes: Codes,
    /// In the order of their buckets.
    pub(crate) points: Points,
    /// 1 / norm of each, for cosine.
    pub(crate) inverse_norms: Option<Vec<f32>>,
    /// The id of each.
    pub(crate) ids: Vec<u32>,
    pub(crate) rests: Rests,
    /// Rounds of settling.
    pub(crate) settle: usize,
    /// Squared distance from the mean, scaled, beyond which queries are not searched by codes.
    pub(crate) farthest: f32,
    /// Distance, scaled, from its bucket's centre that no point exceeds.
    pub(crate) reach: f32,
    /// Rows that draw no centre towards them, to be asked in calibration.
    pub(crate) held_out: Vec<u32>,
}

/// How the rests of near points go together: the mean of their product in parts of the product of
/// their lengths, and how far single ones are from that (standard deviation).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rests {
    pub(crate) correlation: f32,
    pub(crate) spread: f32,
    /// Beyond which squared rest of a query estimates say nothing.
    pub(crate) farthest: f32,
}

impl Rests {
    /// Not measured yet, but with the bounds of these, squared, of points the farthest of which is so far,
    /// squared, from the mean.
    fn bounded(rests: &[f32], farthest: f32) -> Self {
        let least = LEAST_REST * farthest.max(f32::MIN_POSITIVE);
        let most = rests.iter().fold(0.0_f32, |a, b| a.max(*b));
        Self {
            farthest: if most > least {
                FAR_REST * most.max(FAR_PART * farthest)
            } else {
                f32::INFINITY
            },
            ..Self::default()
        }
    }
}

impl Default for Rests {
    fn default() -> Self {
        Self {
            correlation: 0.3,
            spread: 0.3,
            farthest: f32::INFINITY,
        }
    }
}

impl Model {
    /// Fit to points, whose ids are their rows' numbers.
    pub(crate) fn fit(
        points: &Points,
        metric: Metric,
        shape: Shape,
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let view = points.view();
        let n = points.rows();
        let held = held_out(seed, n);
        control.begin("project", n);
        let prepared = Prepared::new("x", &view, metric)?;
        let spectrum = Spectrum::with_share(&prepared, Layout::share(points.dim()), MOST_AXES);
        control.check()?;
        let layout = Layout::new(&spectrum, n, points.dim(), shape);
        let mut axes = layout.axes;
        let mut projection = Projection::new(&spectrum, points.dim(), axes);
        let (y, rests) = projection.project_all(&prepared);
        control.advance(n);
        control.check()?;

        control.begin("hash", n);
        let mut filed = Filed::by_hashes(y, rests, axes, &layout);
        let fewer = layout.fewer_axes(&spectrum, n);
        if let Some(fewer) = fewer.filter(|n| filed.share_beyond(*n, axes) <= LITTLE_BEYOND) {
            filed.narrow(fewer, axes);
            projection = Projection::new(&spectrum, points.dim(), fewer);
            axes = fewer;
        }
        filed.take_means(&held, axes);
        control.advance(n);
        control.begin("settle", layout.settle * n);
        filed.settle(&layout, &held, axes, control)?;
        control.check()?;
        let mut model = Self::assemble(
            points,
            prepared,
            None,
            metric,
            projection,
            layout.bits,
            filed,
            control,
        )?;
        model.rests = model.rest_correlation();
        model.settle = layout.settle;
        let rows = (0..n as u32).filter(|row| held[model.ids[*row as usize] as usize]);
        model.held_out = rows.collect();
        Ok(model)
    }

    /// The same buckets, with other points in them: each in the bucket of the nearest centre.
    pub(crate) fn refiled(&self, points: &Points, ids: &[u32], control: &Control) -> Result<Self> {
        let view = points.view();
        control.begin("project", points.rows());
        let prepared = Prepared::new("x", &view, self.metric)?;
        let (y, rests) = self.projection.project_all(&prepared);
        control.check()?;
        let axes = self.projection.axes();
        let decoded = |centres: &Centres| {
            let mut means = vec![0.0; centres.len() * axes];
            for (i, mean) in means.chunks_exact_mut(axes).enumerate() {
                centres.decode(i, mean);
            }
            means
        };
        let mut filed = Filed {
            bucket_of: vec![0; points.rows()],
            y,
            rests,
            rows: None,
            means: decoded(&self.centres),
            regions: self.centres.regions.iter().map(|r| r.count).collect(),
            heads: self.centres.heads().map_or_else(Vec::new, decoded),
        };
        filed.move_to_nearest(&self.centres);
        let mut model = Self::assemble(
            points,
            prepared,
            Some(ids),
            self.metric,
            self.projection.clone(),
            self.codes.bits,
            filed,
            control,
        )?;
        model.rests = Rests {
            farthest: self.rests.farthest.max(model.rests.farthest),
            ..self.rests
        };
        model.settle = self.settle;
        Ok(model)
    }

    /// The same with codes of seven bits.
    pub(crate) fn finer(&self, control: &Control) -> Result<Self> {
        let axes = self.projection.axes();
        let view = self.points.view();
        control.begin("project", self.points.rows());
        let prepared = Prepared::new("x", &view, self.metric)?;
        let (y, rests) = self.projection.project_all(&prepared);
        control.check()?;
        let sizes: Vec<u32> = self.codes.buckets.iter().map(|b| b.rows).collect();
        let projected = Projected {
            y: &y,
            rests: &rests,
            order: None,
            axes,
        };
        let codes = Codes::new(Bits::Seven, &self.centres, &sizes, &projected);
        Ok(Self {
            metric: self.metric,
            projection: self.projection.clone(),
            centres: self.centres.clone(),
            codes,
            points: self.points.clone(),
            inverse_norms: self.inverse_norms.clone(),
            ids: self.ids.clone(),
            rests: self.rests,
            settle: self.settle,
            farthest: self.farthest,
            reach: self.reach,
            held_out: self.held_out.clone(),
        })
    }

    /// Put points in the order of their buckets and encode them.
    #[allow(clippy::too_many_arguments)]
    fn assemble(
        points: &Points,
        prepared: Prepared<'_>,
        given: Option<&[u32]>,
        metric: Metric,
        projection: Projection,
        bits: Bits,
        mut filed: Filed,
        control: &Control,
    ) -> Result<Self> {
        let axes = projection.axes();
        let n = points.rows();
        control.begin("encode", n);
        let sizes = filed.drop_empty(axes);
        let centres = filed.centres(axes);
        let order = filed.in_order();
        let Filed { y, rests, rows, .. } = filed;
        let projected = Projected {
            y: &y,
            rests: &rests,
            order: Some(&order),
            axes,
        };
        let codes = Codes::new(bits, &centres, &sizes, &projected);
        let farthest = y
            .par_chunks_exact(axes)
            .zip(&rests)
            .map(|(y, rest)| squared_norm(y) + rest)
            .reduce(|| 0.0, f32::max);
        let reaches = codes.buckets.iter().map(|bucket| bucket.reach);
        let reach = reaches.fold(0.0, f32::max);
        let bounds = Rests::bounded(&rests, farthest);
        drop(y);
        control.check()?;
        let order: Vec<u32> = match rows {
            Some(rows) => order.iter().map(|i| rows[*i as usize]).collect(),
            None => order,
        };
        let inverse_norms = prepared
            .into_norms()
            .map(|norms| order.iter().map(|row| norms[*row as usize]).collect());
        let points = reordered(points, &order)?;
        let ids = match given {
            Some(ids) => order.iter().map(|row| ids[*row as usize]).collect(),
            None => order,
        };
        control.advance(n);
        Ok(Self {
            metric,
            projection,
            centres,
            codes,
            points,
            inverse_norms,
            ids,
            rests: bounds,
            settle: 0,
            farthest: (FAR * farthest).max(f32::MIN_POSITIVE),
            reach,
            held_out: Vec::new(),
        })
    }

    /// Measure [`Rests`] on pairs of near points.
    fn rest_correlation(&self) -> Rests {
        let kernels = Kernels::get();
        let (n, dim, axes) = (
            self.points.rows(),
            self.points.dim(),
            self.projection.axes(),
        );
        let none = Rests {
            correlation: 0.0,
            spread: 0.0,
            ..self.rests
        };
        if axes >= dim {
            return none;
        }
        let effort = Effort {
            k: NEIGHBOURS + 1,
            most: (self.centres.len() / 16).max(8),
            expected: (self.centres.len() / 16).max(8),
            first_checkpoint: usize::MAX,
            kappa: 1.5,
            stranger_kappa: 1.5,
            ordinary: Ordinary::ANY,
            usual: 1.0,
        };
        let width = padded_width(dim);
        let project = |row: usize, x: &mut Vec<f32>, y: &mut Vec<f32>| {
            x.clear();
            x.resize(width, 0.0);
            self.points.view().copy_row(row, x);
            if let Some(norms) = &self.inverse_norms {
                x.iter_mut().for_each(|x| *x *= norms[row]);
            }
            y.resize(axes, 0.0);
            let mut rest = [0.0];
            self.projection.project(kernels, x, y, &mut rest);
            f64::from(rest[0])
        };
        let scale = f64::from(self.projection.scale());
        let squared = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let sample: Vec<usize> = (0..n).step_by(n.div_ceil(REST_SAMPLE)).collect();
        let pairs: Vec<(f64, f64)> = sample
            .par_iter()
            .map_init(Scratch::default, |scratch, row| {
                let (mut y, mut x2, mut y2) = (Vec::new(), Vec::new(), Vec::new());
                let rest = project(*row, &mut scratch.query, &mut y);
                if !self.prepare(kernels, scratch) {
                    return Vec::new();
                }
                self.scan(kernels, &effort, &self.codes.live, scratch, |_, _| false);
                let mut near: Vec<(f32, u32)> = scratch
                    .shortlist
                    .candidates
                    .iter()
                    .map(|c| (c.estimate, c.row))
                    .collect();
                near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                near.truncate(NEIGHBOURS + 1);
                let mut pairs = Vec::new();
                for (_, other) in near {
                    if other as usize == *row {
                        continue;
                    }
                    let rest2 = project(other as usize, &mut x2, &mut y2);
                    let whole = squared(&scratch.query, &x2) * scale * scale;
                    let product = (squared(&y, &y2) + rest + rest2 - whole) / 2.0;
                    pairs.push((product, rest.sqrt() * rest2.sqrt()));
                }
                pairs
            })
            .flatten_iter()
            .collect();
        // By least squares, so that pairs without rests count for nothing.
        let weight: f64 = pairs.iter().map(|(_, e)| e * e).sum();
        if weight == 0.0 {
            return none;
        }
        let correlation = pairs.iter().map(|(p, e)| p * e).sum::<f64>() / weight;
        let correlation = correlation.clamp(0.0, MOST_CORRELATION);
        let spread = pairs
            .iter()
            .map(|(p, e)| (p - correlation * e).powi(2))
            .sum::<f64>()
            / weight;
        Rests {
            correlation: correlation as f32,
            spread: spread.sqrt() as f32,
            ..self.rests
        }
    }

    /// Bytes in memory beside the rows themselves.
    pub(crate) fn overhead_bytes(&self) -> usize {
        self.centres.memory_bytes()
            + self.codes.memory_bytes()
            + self.ids.len() * 4
            + self
                .inverse_norms
                .as_ref()
                .map_or(0, |norms| norms.len() * 4)
    }
}

/// Rows in another order, in their own type.
fn reordered(points: &Points, order: &[u32]) -> Result<Points> {
    fn pick<T: Copy + Send + Sync + Default>(values: &[T], dim: usize, order: &[u32]) -> Vec<T> {
        // Room for the values that kernels read behind the last row, so that nothing is copied again.
        let mut out = large::filled(T::default(), order.len() * dim + SLACK);
        out.truncate(order.len() * dim);
        out.par_chunks_mut(dim).zip(order).for_each(|(out, row)| {
            out.copy_from_slice(&values[*row as usize * dim..][..dim]);
        });
        out
    }
    use crate::points::RowSlice;
    let dim = points.dim();
    let data = match points.view().values() {
        RowSlice::U8(v) => RowData::U8(pick(v, dim, order)),
        RowSlice::I16(v) => RowData::I16(pick(v, dim, order)),
        RowSlice::F32(v) => RowData::F32(pick(v, dim, order)),
    };
    Points::new(data, dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_far_beyond_those_of_all_points_make_a_query_a_stranger() {
        let rests: Vec<f32> = (0..1000).map(|i| i as f32).collect();
        assert_eq!(Rests::bounded(&rests, 1e3).farthest, FAR_REST * 999.0);
        let farther = Rests::bounded(&rests, 1e5);
        assert_eq!(farther.farthest, FAR_REST * FAR_PART * 1e5);
    }

    #[test]
    fn rests_of_nearly_nothing_make_no_query_a_stranger() {
        for rests in [vec![], vec![0.0; 50], vec![1e-6; 50]] {
            assert_eq!(Rests::bounded(&rests, 1.0).farthest, f32::INFINITY);
        }
    }
}
