//! `cdist` and `knn`.

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use nearhash::{Metric, RowsView};

use crate::arrays::{Array, check_size};
use crate::control::Control;
use crate::failure::Failure;
use crate::metric::metric;
use crate::rows::Values;
use crate::task::{Task, Threads};

/// Row i has `counts[i]` neighbours at i · `k`.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawNeighbors {
    /// Places per query.
    pub k: f64,
    /// Queries x k.
    #[napi(ts_type = "Uint32Array")]
    pub ids: Array<u32>,
    /// Queries x k.
    #[napi(ts_type = "Float32Array")]
    pub distances: Array<f32>,
    /// Per query.
    #[napi(ts_type = "Uint32Array")]
    pub counts: Array<u32>,
}

/// A matrix of distances.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct RawDistances {
    /// Row-major.
    #[napi(ts_type = "Float32Array")]
    pub data: Array<f32>,
    /// Rows of both sets.
    pub shape: Vec<u32>,
}

impl From<nearhash::Neighbors> for RawNeighbors {
    fn from(found: nearhash::Neighbors) -> Self {
        Self {
            k: found.k as f64,
            ids: Array(found.ids),
            distances: Array(found.distances),
            counts: Array(found.counts),
        }
    }
}

fn distances(
    a: &RowsView<'_>,
    b: &RowsView<'_>,
    metric: Metric,
    control: &nearhash::Control,
) -> Result<RawDistances, Failure> {
    check_size("a", a.rows(), b.rows())?;
    Ok(RawDistances {
        data: Array(nearhash::exact::cdist(a, b, metric, control)?),
        shape: vec![a.rows() as u32, b.rows() as u32],
    })
}

fn nearest(
    data: &RowsView<'_>,
    queries: &RowsView<'_>,
    k: f64,
    metric: Metric,
    control: &nearhash::Control,
) -> Result<RawNeighbors, Failure> {
    check_size("k", queries.rows(), k as usize)?;
    Ok(nearhash::exact::knn(data, queries, k as usize, metric, control)?.into())
}

/// All distances, rows of `a` x rows of `b`.
#[napi(catch_unwind, ts_return_type = "Promise<RawDistances>")]
pub fn cdist(
    a: Values,
    a_dim: f64,
    b: Values,
    b_dim: f64,
    metric_name: String,
    control: &Control,
) -> napi::Result<AsyncTask<Task<RawDistances>>> {
    let (a, b, metric) = (a.copy(), b.copy(), metric(&metric_name));
    let task = Task::new(control.call(), Threads::All, move |control| {
        let a = a.view("a", a_dim as usize)?;
        let b = b.view("b", b_dim as usize)?;
        distances(&a, &b, metric, control)
    });
    Ok(task.into())
}

/// `cdist`, within the call.
#[napi(catch_unwind)]
pub fn cdist_sync(
    a: Values,
    a_dim: f64,
    b: Values,
    b_dim: f64,
    metric_name: String,
) -> napi::Result<RawDistances> {
    let (a, b) = (a.view("a", a_dim)?, b.view("b", b_dim)?);
    Ok(Threads::All
        .run_in_call(|| distances(&a, &b, metric(&metric_name), &nearhash::Control::new()))?)
}

/// Exact `k` nearest rows of `data` for each query.
#[napi(catch_unwind, ts_return_type = "Promise<RawNeighbors>")]
pub fn knn(
    data: Values,
    data_dim: f64,
    queries: Values,
    queries_dim: f64,
    k: f64,
    metric_name: String,
    control: &Control,
) -> napi::Result<AsyncTask<Task<RawNeighbors>>> {
    let (data, queries, metric) = (data.copy(), queries.copy(), metric(&metric_name));
    let task = Task::new(control.call(), Threads::All, move |control| {
        let data = data.view("data", data_dim as usize)?;
        let queries = queries.view("queries", queries_dim as usize)?;
        nearest(&data, &queries, k, metric, control)
    });
    Ok(task.into())
}

/// `knn`, within the call.
#[napi(catch_unwind)]
pub fn knn_sync(
    data: Values,
    data_dim: f64,
    queries: Values,
    queries_dim: f64,
    k: f64,
    metric_name: String,
) -> napi::Result<RawNeighbors> {
    let data = data.view("data", data_dim)?;
    let queries = queries.view("queries", queries_dim)?;
    Ok(Threads::All.run_in_call(|| {
        nearest(
            &data,
            &queries,
            k,
            metric(&metric_name),
            &nearhash::Control::new(),
        )
    })?)
}
