//! What `fit` makes of the points.

use rayon::prelude::*;

use crate::adaptive::codes::{Bits, Codes, Projected};
use crate::adaptive::filing::Filed;
use crate::adaptive::layout::{LITTLE_BEYOND, Layout, Shape};
use crate::adaptive::projection::{Projection, squared_norm};
use crate::adaptive::quantised::Centres;
use crate::adaptive::rests::Rests;
use crate::adaptive::sample::held_out;
use crate::adaptive::spectrum::Spectrum;
use crate::adaptive::spread_weight::SpreadWeight;
use crate::control::Control;
use crate::error::Result;
use crate::metric::{Metric, Prepared};
use crate::points::{Points, RowsView};

/// A query so many times farther from the mean than any point, in square, is compared with all.
const FAR: f32 = 10.0;

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
    /// What the spread of a bucket counts where buckets are ranked.
    pub(crate) spread_weight: SpreadWeight,
    /// Rounds of settling.
    pub(crate) settle: usize,
    /// Squared distance from the mean, scaled, beyond which queries are not searched by codes.
    pub(crate) farthest: f32,
    /// Distance, scaled, from its bucket's centre that no point exceeds.
    pub(crate) reach: f32,
    /// Rows that draw no centre towards them, to be asked in calibration.
    pub(crate) held_out: Vec<u32>,
}

impl Model {
    /// Fit to points, whose ids are their rows' numbers.
    pub(crate) fn fit(
        points: &RowsView<'_>,
        metric: Metric,
        shape: Shape,
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let n = points.rows();
        let held = held_out(seed, n);
        control.begin("project", n);
        let prepared = Prepared::new("x", points, metric)?;
        let most = Layout::most_axes(n, points.dim(), shape);
        let spectrum = Spectrum::with_share(&prepared, Layout::share(points.dim()), most);
        control.check()?;
        let layout = Layout::new(&spectrum, n, points.dim(), shape);
        let mut projection = Projection::new(&spectrum, points.dim(), layout.axes);
        let (y, rests) = projection.project_all(&prepared);
        control.advance(n);
        control.check()?;

        control.begin("hash", n);
        let mut filed = Filed::by_hashes(y, rests, &layout);
        let fewer = layout.fewer_axes(&spectrum, n);
        if let Some(fewer) = fewer.filter(|n| filed.share_beyond(*n) <= LITTLE_BEYOND) {
            filed.narrow(fewer);
            projection = Projection::new(&spectrum, points.dim(), fewer);
        }
        filed.take_means(&held);
        control.advance(n);
        control.begin("settle", layout.settle * n);
        filed.settle(&layout, &held, control)?;
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
        model.centres.towards = model.measured_towards();
        model.settle = layout.settle;
        let rows = (0..n as u32).filter(|row| held[model.ids[*row as usize] as usize]);
        model.held_out = rows.collect();
        model.measure();
        Ok(model)
    }

    /// The same buckets, with other points in them: each in the bucket of the nearest centre.
    pub(crate) fn refiled(
        &self,
        points: &RowsView<'_>,
        ids: &[u32],
        control: &Control,
    ) -> Result<Self> {
        control.begin("project", points.rows());
        let prepared = Prepared::new("x", points, self.metric)?;
        let (y, rests) = self.projection.project_all(&prepared);
        control.check()?;
        let axes = self.centres.axes;
        let decoded = |centres: &Centres| {
            let mut means = vec![0.0; centres.len() * axes];
            for (i, mean) in means.chunks_exact_mut(axes).enumerate() {
                centres.decode(i, mean);
            }
            means
        };
        let mut filed = Filed {
            bucket_of: vec![0; points.rows()],
            axes: self.projection.axes(),
            centre_axes: axes,
            y,
            rests,
            rows: None,
            quantised: None,
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
        model.centres.towards = self.centres.towards;
        model.rank_buckets(self.spread_weight.with(model.spreads()));
        model.settle = self.settle;
        Ok(model)
    }

    /// The same with codes of so many bits.
    pub(crate) fn with_bits(&self, bits: Bits, control: &Control) -> Result<Self> {
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
        let codes = Codes::new(bits, &self.centres, &sizes, &projected);
        Ok(Self {
            metric: self.metric,
            projection: self.projection.clone(),
            centres: self.centres.clone(),
            codes,
            points: self.points.clone(),
            inverse_norms: self.inverse_norms.clone(),
            ids: self.ids.clone(),
            rests: self.rests,
            spread_weight: self.spread_weight,
            settle: self.settle,
            farthest: self.farthest,
            reach: self.reach,
            held_out: self.held_out.clone(),
        })
    }

    /// Put points in the order of their buckets and encode them.
    #[allow(clippy::too_many_arguments)]
    fn assemble(
        points: &RowsView<'_>,
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
        let sizes = filed.drop_empty();
        let centres = filed.centres();
        let order = filed.rows_in_order();
        let Filed { y, rests, .. } = filed;
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
        let inverse_norms = prepared
            .into_norms()
            .map(|norms| order.iter().map(|row| norms[*row as usize]).collect());
        let points = points.reordered(&order)?;
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
            spread_weight: SpreadWeight::default(),
            settle: 0,
            farthest: (FAR * farthest).max(f32::MIN_POSITIVE),
            reach,
            held_out: Vec::new(),
        })
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

#[cfg(test)]
impl Model {
    /// Fitted to rows as an index fits it unless told otherwise.
    pub(crate) fn of(rows: Vec<f32>, dim: usize) -> Self {
        let points = Points::new(crate::points::RowData::F32(rows), dim).unwrap();
        let (metric, shape, control) = (Metric::Euclidean, Shape::default(), Control::new());
        Self::fit(&points.view(), metric, shape, 1, &control).unwrap()
    }
}
