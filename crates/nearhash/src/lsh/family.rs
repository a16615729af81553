//! What a hash family must tell: projections, keys, where a neighbour may have fallen instead, and
//! how likely two points are to collide.

use std::fmt::Debug;

use ndarray::ArrayView2;

use crate::kernel::{Kernels, LANES};
use crate::metric::Metric;

/// Tables that are hashed together: a bound on the memory for their keys while an index is built.
const MAX_GROUP_TABLES: usize = 16;
/// Planes of such a group, about: their panels and one block of results stay in a core's cache.
const GROUP_PLANES: usize = 256;

/// A step from a query's own bucket to a neighbouring one: one projection gets another value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Move {
    /// ln(probability that a near neighbour has the query's own value / that it has this one);
    /// never negative.
    pub(crate) cost: f32,
    /// Which projection of the table. Two moves of one projection exclude each other.
    pub(crate) projection: u8,
    /// Add this to the table's key, wrapping.
    pub(crate) delta: u64,
}

/// A family of hash functions, drawn for a number of tables.
///
/// Keys are 64 bits and additive: the key of a neighbouring bucket is the key of this one plus
/// what each [`Move`] says, so probing never hashes again.
pub(crate) trait Family: Send + Sync + Debug {
    /// The distance that collisions follow.
    fn metric(&self) -> Metric;

    /// The hyperplanes. Rows to be projected are prepared for [`metric`](Self::metric) first.
    fn planes(&self) -> &Planes;

    /// Hash values of projected rows: `projected` and `values` have whole lanes.
    fn values(&self, kernels: &Kernels, projected: &[f32], values: &mut [i32]);

    /// Keys of a group's tables for projected rows: `keys[table * rows + row]`, tables counted
    /// within the group. `scratch` is reused between calls.
    fn keys(
        &self,
        kernels: &Kernels,
        group: &Group,
        projected: &[f32],
        scratch: &mut KeyScratch,
        keys: &mut [u64],
    );

    /// Append every move of one table, given the query's projections there. Returns the table's
    /// base: −ln(probability that a near neighbour is in the query's own bucket).
    fn moves(&self, projected: &[f32], moves: &mut Vec<Move>) -> f32;

    /// Probability that one function of the family agrees on two points at `distance`.
    fn collision_probability(&self, distance: f64) -> f64;

    /// Bucket width, where the family has one.
    fn width(&self) -> Option<f32> {
        None
    }

    /// Share of the possible buckets that stay empty, `buckets` being taken by `points` points; see
    /// [`TableDescription`](super::TableDescription::empty_share).
    fn empty_share(&self, buckets: usize, points: usize) -> f64;

    /// A bucket's name: the hash values of its points, as text.
    fn bucket_name(&self, values: &[i32]) -> String;
}

/// Buffers for [`Family::keys`].
#[derive(Debug, Default)]
pub(crate) struct KeyScratch {
    pub(crate) words: Vec<u16>,
    pub(crate) integers: Vec<i32>,
    pub(crate) sums: Vec<u64>,
}

/// The hyperplanes of all tables, in groups of tables that are projected together.
#[derive(Debug)]
pub(crate) struct Planes {
    dim: usize,
    projections: usize,
    tables: usize,
    groups: Vec<Group>,
}

/// Some tables' planes, laid out for [`Kernels::project`]: plane i of the group's table t is
/// plane t × projections + i; planes up to whole lanes are zero.
#[derive(Debug)]
pub(crate) struct Group {
    first_table: usize,
    tables: usize,
    panels: Vec<f32>,
    offsets: Vec<f32>,
}

impl Group {
    /// The first table of the group.
    pub(crate) fn first_table(&self) -> usize {
        self.first_table
    }

    /// How many tables it has.
    pub(crate) fn tables(&self) -> usize {
        self.tables
    }

    /// Results a projected row has: the planes, up to whole lanes.
    pub(crate) fn width(&self) -> usize {
        self.offsets.len()
    }

    /// Project rows of `dim` floats each, `stride` floats apart: [`width`](Self::width) results a
    /// row, one row after the other.
    pub(crate) fn project(
        &self,
        kernels: &Kernels,
        rows: &[f32],
        stride: usize,
        dim: usize,
        out: &mut [f32],
    ) {
        kernels.project(rows, stride, dim, &self.panels, &self.offsets, out);
    }
}

impl Planes {
    /// Lay out the planes that `draw` gives for each table: a matrix with a plane a row, and an
    /// offset for each.
    pub(crate) fn new<'a>(
        dim: usize,
        projections: usize,
        tables: usize,
        mut draw: impl FnMut(usize) -> (ArrayView2<'a, f32>, Vec<f32>),
    ) -> Self {
        let group_tables = (GROUP_PLANES / projections).clamp(1, MAX_GROUP_TABLES);
        let groups = (0..tables)
            .step_by(group_tables)
            .map(|first_table| {
                let tables = group_tables.min(tables - first_table);
                let width = (tables * projections).next_multiple_of(LANES);
                let mut panels = vec![0.0; width * dim];
                let mut offsets = vec![0.0; width];
                for table in 0..tables {
                    let (planes, table_offsets) = draw(first_table + table);
                    for (i, plane) in planes.rows().into_iter().enumerate() {
                        let at = table * projections + i;
                        let (panel, lane) = (at / LANES, at % LANES);
                        for (j, x) in plane.iter().enumerate() {
                            panels[(panel * dim + j) * LANES + lane] = *x;
                        }
                        offsets[at] = table_offsets[i];
                    }
                }
                Group {
                    first_table,
                    tables,
                    panels,
                    offsets,
                }
            })
            .collect();
        Self {
            dim,
            projections,
            tables,
            groups,
        }
    }

    /// Vector length.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Hash functions a table.
    pub(crate) fn projections(&self) -> usize {
        self.projections
    }

    /// Number of tables.
    pub(crate) fn tables(&self) -> usize {
        self.tables
    }

    /// The groups, in the order of their tables.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Results a row has over all groups.
    pub(crate) fn width(&self) -> usize {
        self.groups.iter().map(Group::width).sum()
    }

    /// Where a table's results stand among those of its row over all groups.
    pub(crate) fn table_range(&self, table: usize) -> std::ops::Range<usize> {
        let group_tables = self.groups[0].tables;
        let (group, within) = (table / group_tables, table % group_tables);
        let start = group * self.groups[0].width() + within * self.projections;
        start..start + self.projections
    }

    /// Bytes of all planes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups
            .iter()
            .map(|g| (g.panels.len() + g.offsets.len()) * size_of::<f32>())
            .sum()
    }
}
