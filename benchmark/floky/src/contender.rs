//! Who is compared: lsh-rs filled in two ways, and nearhash. Each answers one query at a time with
//! the ids of the nearest candidates; a query that is a row of the data leaves that row out.

use std::error::Error;

use lsh_rs::prelude::{L2, LshMem, SignRandomProjections};
use lsh_rs_ndarray::ArrayView2;
use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Points, PredictOptions, RowData, RowSlice, RowsView,
};

use crate::data::{Queries, Query, Rows};
use crate::exact::Metric;

/// floky's own default width of an L2 bucket.
pub const R: f32 = 4.0;
/// lsh-rs takes 0 to mean a random seed.
pub const SEED: u64 = 42;
/// Rows that floky's `fit` passes on at a time.
pub const CHUNK: usize = 250;

pub type Failure = Box<dyn Error>;

/// k and L, and the metric that decides the hash family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    pub metric: Metric,
    pub projections: usize,
    pub tables: usize,
}

pub trait Contender {
    fn name(&self) -> &'static str;

    /// Build the index from nothing.
    fn fit(&mut self, rows: &Rows, shape: Shape) -> Result<(), Failure>;

    /// Give the index back.
    fn clear(&mut self);

    /// Extra buckets a table; 0 is base LSH.
    fn set_budget(&mut self, budget: usize);

    /// Leave the `k` nearest candidates in `answer`, nearest first.
    fn query(
        &mut self,
        rows: &Rows,
        query: Query<'_>,
        k: usize,
        answer: &mut Vec<u32>,
    ) -> Result<(), Failure>;

    /// Distinct candidates, the query's own row left out.
    fn candidates(&self, query: Query<'_>) -> Result<usize, Failure>;

    /// All queries in one call, for who has such a call. Returns how many answers came.
    fn batch(&self, _queries: &Queries, _k: usize) -> Option<Result<usize, Failure>> {
        None
    }
}

/// How vectors get into lsh-rs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    /// `store_array` on 250 rows at a time, as floky's `fit` does. In every table but the last all
    /// rows of a chunk are then filed under the id of its first row.
    Chunks,
    /// `store_vec` row by row, which files every row under its own id.
    OneByOne,
}

enum Tables {
    L2(LshMem<L2<f32, i32>, f32, i32>),
    Srp(LshMem<SignRandomProjections<f32>, f32, i8>),
}

pub struct LshRs {
    filling: Filling,
    index: Option<(Tables, Metric)>,
    ranked: Vec<u64>,
}

/// Call a method of whichever index is there.
macro_rules! on_tables {
    ($tables:expr, $index:ident => $call:expr) => {
        match $tables {
            Tables::L2($index) => $call,
            Tables::Srp($index) => $call,
        }
    };
}

impl LshRs {
    pub fn new(filling: Filling) -> Self {
        Self {
            filling,
            index: None,
            ranked: Vec::new(),
        }
    }

    fn ids(&self, query: &[f32]) -> Result<Vec<u32>, Failure> {
        let (tables, _) = self.index.as_ref().ok_or("lsh-rs: query before fit")?;
        on_tables!(tables, index => Ok(index.query_bucket_ids(query)?))
    }
}

impl Contender for LshRs {
    fn name(&self) -> &'static str {
        match self.filling {
            Filling::Chunks => "lsh-rs as floky calls it",
            Filling::OneByOne => "lsh-rs one by one",
        }
    }

    fn fit(&mut self, rows: &Rows, shape: Shape) -> Result<(), Failure> {
        // The key types, `only_index` and `increase_storage` are floky's.
        let mut tables = match shape.metric {
            Metric::Euclidean => Tables::L2(
                LshMem::new(shape.projections, shape.tables, rows.dim)
                    .seed(SEED)
                    .only_index()
                    .l2(R)?,
            ),
            Metric::Cosine => Tables::Srp(
                LshMem::new(shape.projections, shape.tables, rows.dim)
                    .seed(SEED)
                    .only_index()
                    .srp()?,
            ),
        };
        on_tables!(&mut tables, index => {
            index.increase_storage(rows.len())?;
            match self.filling {
                Filling::Chunks => {
                    for chunk in rows.values.chunks(CHUNK * rows.dim) {
                        let shape = (chunk.len() / rows.dim, rows.dim);
                        index.store_array(ArrayView2::from_shape(shape, chunk)?)?;
                    }
                }
                Filling::OneByOne => {
                    for row in rows.values.chunks_exact(rows.dim) {
                        index.store_vec(row)?;
                    }
                }
            }
        });
        self.index = Some((tables, shape.metric));
        Ok(())
    }

    fn clear(&mut self) {
        self.index = None;
    }

    fn set_budget(&mut self, budget: usize) {
        if let Some((tables, _)) = &mut self.index {
            on_tables!(tables, index => {
                if budget == 0 {
                    index.base();
                } else {
                    index.multi_probe(budget);
                }
            });
        }
    }

    fn query(
        &mut self,
        rows: &Rows,
        query: Query<'_>,
        k: usize,
        answer: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let ids = self.ids(query.values)?;
        // floky ranks the ids by distances of its own, computed and sorted in Rust. The same is
        // done here in its favour: vectorised sums, norms computed beforehand, and only the k
        // nearest sorted. lsh-rs's own `query_bucket` hands out vectors without their ids.
        let metric = self.index.as_ref().map(|(_, metric)| *metric);
        self.ranked.clear();
        self.ranked
            .extend(ids.iter().filter(|&&id| Some(id) != query.own).map(|&id| {
                let row = rows.row(id as usize);
                let distance = if metric == Some(Metric::Cosine) {
                    let lengths = query.norm * rows.norms[id as usize];
                    (1.0 - sum(query.values, row, |a, b| a * b) / lengths).max(0.0)
                } else {
                    sum(query.values, row, |a, b| (a - b) * (a - b))
                };
                // The bits of a float that is not negative order as it does.
                u64::from(distance.to_bits()) << 32 | u64::from(id)
            }));
        let ranked = &mut self.ranked;
        if ranked.len() > k {
            ranked.select_nth_unstable(k - 1);
            ranked.truncate(k);
        }
        ranked.sort_unstable();
        answer.clear();
        answer.extend(ranked.iter().map(|&key| key as u32));
        Ok(())
    }

    fn candidates(&self, query: Query<'_>) -> Result<usize, Failure> {
        let ids = self.ids(query.values)?;
        Ok(ids.iter().filter(|&&id| Some(id) != query.own).count())
    }
}

/// Sixteen partial sums, so that the compiler can use whole vector registers.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum();
    sums.iter().sum::<f32>() + rest
}

/// This project's engine.
#[derive(Default)]
pub struct Nearhash {
    index: Option<LshIndex>,
}

impl Nearhash {
    fn index(&self) -> Result<&LshIndex, Failure> {
        Ok(self.index.as_ref().ok_or("nearhash: query before fit")?)
    }
}

impl Contender for Nearhash {
    fn name(&self) -> &'static str {
        "nearhash"
    }

    fn fit(&mut self, rows: &Rows, shape: Shape) -> Result<(), Failure> {
        let index = LshIndex::new(LshOptions {
            family: match shape.metric {
                Metric::Euclidean => FamilyKind::L2 { r: Some(R) },
                Metric::Cosine => FamilyKind::Srp,
            },
            n_projections: Some(shape.projections),
            n_hash_tables: Some(shape.tables),
            seed: SEED,
            ..LshOptions::default()
        })?;
        // The index keeps the vectors, so their copy belongs to the fit.
        let points = Points::new(RowData::F32(rows.values.clone()), rows.dim)?;
        index.fit(points, &Control::new())?;
        self.index = Some(index);
        Ok(())
    }

    fn clear(&mut self) {
        self.index = None;
    }

    fn set_budget(&mut self, budget: usize) {
        if let Some(index) = &self.index {
            index.set_budget(budget);
        }
    }

    fn query(
        &mut self,
        _rows: &Rows,
        query: Query<'_>,
        k: usize,
        answer: &mut Vec<u32>,
    ) -> Result<(), Failure> {
        let row = RowsView::new(RowSlice::F32(query.values), query.values.len())?;
        let options = PredictOptions {
            top_k: query.places(k),
            bound: None,
            vectors: false,
        };
        let found = self.index()?.predict(&row, &options, &Control::new())?;
        answer.clear();
        answer.extend(
            found
                .ids
                .iter()
                .filter(|&&id| Some(id) != query.own)
                .take(k),
        );
        Ok(())
    }

    fn candidates(&self, query: Query<'_>) -> Result<usize, Failure> {
        let row = RowsView::new(RowSlice::F32(query.values), query.values.len())?;
        let ids = self.index()?.candidates(&row)?;
        Ok(ids.iter().filter(|&&id| Some(id) != query.own).count())
    }

    fn batch(&self, queries: &Queries, k: usize) -> Option<Result<usize, Failure>> {
        let answer = || {
            let rows = RowsView::new(RowSlice::F32(&queries.rows.values), queries.rows.dim)?;
            let options = PredictOptions {
                top_k: queries.places(k),
                bound: None,
                vectors: false,
            };
            let found = self.index()?.predict(&rows, &options, &Control::new())?;
            Ok(found.ids.len())
        };
        Some(answer())
    }
}
