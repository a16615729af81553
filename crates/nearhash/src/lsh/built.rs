//! The sorted part of an index: its points, and a finished table for each hash.

use std::sync::Arc;

use rayon::prelude::*;

use super::codes::Codes;
use super::family::{Family, Group, KeyScratch};
use super::table::{BuildScratch, Table};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::Kernels;
use crate::metric::{Prepared, points_need_wide};
use crate::points::{Points, RowData, RowsView};

/// Rows that are projected together: they and their results stay in a core's cache.
const ROW_BLOCK: usize = 128;

/// Points and their finished tables.
#[derive(Debug)]
pub(crate) struct Built {
    family: Arc<dyn Family>,
    points: Points,
    inverse_norms: Option<Vec<f32>>,
    /// The id of every row, ascending; none when they are the rows' own numbers.
    ids: Option<Vec<u32>>,
    tables: Vec<Table>,
    /// Of all rows, where they make ranking faster.
    codes: Option<Codes>,
}

impl Built {
    /// Hash all points and build the tables.
    ///
    /// # Errors
    /// A zero vector under cosine, or a cancellation.
    pub(crate) fn build(
        family: Arc<dyn Family>,
        points: Points,
        ids: Option<Vec<u32>>,
        control: &Control,
    ) -> Result<Self> {
        let view = points.view();
        let prepared = Prepared::new("x", &view, family.metric())?;
        let table_count = family.planes().tables();
        control.begin("hash", table_count);
        let mut tables = Vec::with_capacity(table_count);
        let mut keys = Vec::new();
        for group in family.planes().groups() {
            hash_group(family.as_ref(), group, &prepared, &mut keys, control)?;
            let built: Vec<_> = (0..group.tables())
                .into_par_iter()
                .map_init(BuildScratch::default, |scratch, table| {
                    control.check()?;
                    // Each block holds the keys of its rows, table after table.
                    let blocks = keys.chunks(ROW_BLOCK * group.tables()).map(|block| {
                        let rows = block.len() / group.tables();
                        &block[table * rows..(table + 1) * rows]
                    });
                    let built = Table::build(blocks, scratch);
                    control.advance(1);
                    Ok(built)
                })
                .collect::<Result<_>>()?;
            tables.extend(built);
        }
        let wide = points_need_wide(family.metric(), points.view().magnitude());
        let codes = if wide {
            None
        } else {
            let row_bytes = points.dim() * view.values().value_bytes();
            Codes::choose(&prepared, row_bytes, control)?
        };
        let inverse_norms = prepared.into_norms();
        Ok(Self {
            family,
            points,
            inverse_norms,
            ids,
            tables,
            codes,
        })
    }

    /// No points yet.
    ///
    /// # Errors
    /// None that could come from the arguments.
    pub(crate) fn empty(family: Arc<dyn Family>) -> Result<Self> {
        let points = Points::new(RowData::F32(Vec::new()), family.planes().dim())?;
        Self::build(family, points, None, &Control::new())
    }

    pub(crate) fn family(&self) -> &Arc<dyn Family> {
        &self.family
    }

    pub(crate) fn points(&self) -> &Points {
        &self.points
    }

    pub(crate) fn inverse_norms(&self) -> Option<&[f32]> {
        self.inverse_norms.as_deref()
    }

    /// Codes of all rows, if there are any.
    pub(crate) fn codes(&self) -> Option<&Codes> {
        self.codes.as_ref()
    }

    pub(crate) fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The id of a row.
    #[inline]
    pub(crate) fn id(&self, row: u32) -> u32 {
        self.ids.as_ref().map_or(row, |ids| ids[row as usize])
    }

    /// The row of an id.
    pub(crate) fn row(&self, id: u32) -> Option<u32> {
        match &self.ids {
            Some(ids) => ids.binary_search(&id).ok().map(|row| row as u32),
            None => ((id as usize) < self.points.rows()).then_some(id),
        }
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let words =
            self.inverse_norms.as_ref().map_or(0, Vec::len) + self.ids.as_ref().map_or(0, Vec::len);
        self.points.memory_bytes()
            + words * size_of::<f32>()
            + self.family.planes().memory_bytes()
            + self.tables.iter().map(Table::memory_bytes).sum::<usize>()
            + self.codes.as_ref().map_or(0, Codes::memory_bytes)
    }
}

/// Keys of all rows in one group's tables, in blocks of [`ROW_BLOCK`] rows.
fn hash_group(
    family: &dyn Family,
    group: &Group,
    prepared: &Prepared<'_>,
    keys: &mut Vec<u64>,
    control: &Control,
) -> Result<()> {
    let kernels = Kernels::get();
    let (rows, dim) = (prepared.rows().rows(), prepared.rows().dim());
    keys.resize(rows * group.tables(), 0);
    keys.par_chunks_mut(ROW_BLOCK * group.tables())
        .enumerate()
        .try_for_each_init(
            <(Vec<f32>, Vec<f32>, KeyScratch)>::default,
            |(buffer, projected, scratch), (block, keys)| {
                control.check()?;
                let first = block * ROW_BLOCK;
                let count = keys.len() / group.tables();
                let block = prepared.block(first..first + count, dim, buffer);
                projected.resize(count * group.width(), 0.0);
                group.project(kernels, block, dim, dim, projected);
                family.keys(kernels, group, projected, scratch, keys);
                Ok(())
            },
        )
}

/// Keys of some rows in all tables: `keys[table * rows + row]`; a few rows at a time.
pub(crate) fn hash_rows(family: &dyn Family, prepared: &Prepared<'_>) -> Vec<u64> {
    let kernels = Kernels::get();
    let (rows, dim) = (prepared.rows().rows(), prepared.rows().dim());
    let mut keys = vec![0; rows * family.planes().tables()];
    let (mut buffer, mut projected, mut scratch) = (Vec::new(), Vec::new(), KeyScratch::default());
    let block = prepared.block(0..rows, dim, &mut buffer);
    for group in family.planes().groups() {
        projected.resize(rows * group.width(), 0.0);
        group.project(kernels, block, dim, dim, &mut projected);
        let first = group.first_table() * rows;
        let keys = &mut keys[first..first + group.tables() * rows];
        family.keys(kernels, group, &projected, &mut scratch, keys);
    }
    keys
}

/// Hash values of some rows: rows × tables × projections.
pub(crate) fn hash_values(
    family: &dyn Family,
    rows: &RowsView<'_>,
    control: &Control,
) -> Result<Vec<i32>> {
    let kernels = Kernels::get();
    let prepared = Prepared::new("x", rows, family.metric())?;
    let planes = family.planes();
    let (dim, row_values) = (planes.dim(), planes.tables() * planes.projections());
    let mut out = vec![0; rows.rows() * row_values];
    out.par_chunks_mut(ROW_BLOCK * row_values)
        .enumerate()
        .try_for_each_init(
            <(Vec<f32>, Vec<f32>, Vec<i32>)>::default,
            |(buffer, projected, values), (block, out)| {
                control.check()?;
                let (first, count) = (block * ROW_BLOCK, out.len() / row_values);
                let block = prepared.block(first..first + count, dim, buffer);
                for group in planes.groups() {
                    let width = group.width();
                    projected.resize(count * width, 0.0);
                    values.resize(count * width, 0);
                    group.project(kernels, block, dim, dim, projected);
                    family.values(kernels, projected, values);
                    let used = group.tables() * planes.projections();
                    let start = group.first_table() * planes.projections();
                    for (values, out) in values.chunks(width).zip(out.chunks_mut(row_values)) {
                        out[start..start + used].copy_from_slice(&values[..used]);
                    }
                }
                Ok(())
            },
        )?;
    Ok(out)
}
