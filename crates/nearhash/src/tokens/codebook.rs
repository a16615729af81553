//! Centroids of every group, laid out for the kernels.

use super::space::Space;
use crate::kernel::{Kernels, LANES};

/// Rows whose distances to a group's centroids are computed together: they stay in the first cache.
pub(super) const ROW_TILE: usize = 16;

/// Where the groups begin: group g has the coordinates from `starts[g]` to `starts[g + 1]`. The
/// first groups have one coordinate more when they do not come out even.
pub(crate) fn group_starts(dim: usize, groups: usize) -> Vec<usize> {
    let (least, more) = (dim / groups, dim % groups);
    (0..=groups).map(|g| g * least + g.min(more)).collect()
}

/// The centroids of one group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    dim: usize,
    clusters: usize,
    /// Sixteen centroids a panel, coordinate by coordinate, as `Kernels::squares` wants them.
    panels: Vec<f32>,
    /// 0 for a centroid, infinity for what fills up the last panel.
    offsets: Vec<f32>,
}

impl Group {
    /// From centroids of `dim` floats each, one after the other.
    pub(crate) fn new(centroids: &[f32], dim: usize) -> Self {
        let clusters = centroids.len() / dim;
        let width = clusters.next_multiple_of(LANES);
        let mut panels = vec![0.0; width * dim];
        for (c, centroid) in centroids.chunks_exact(dim).enumerate() {
            for (j, x) in centroid.iter().enumerate() {
                panels[(c / LANES * dim + j) * LANES + c % LANES] = *x;
            }
        }
        let mut offsets = vec![0.0; width];
        offsets[clusters..].fill(f32::INFINITY);
        Self {
            dim,
            clusters,
            panels,
            offsets,
        }
    }

    /// Coordinates of a centroid.
    pub(crate) fn dim(&self) -> usize {
        self.dim
    }

    /// Number of clusters.
    pub(crate) fn clusters(&self) -> usize {
        self.clusters
    }

    /// Centroids, one after the other.
    pub(crate) fn centroids(&self) -> Vec<f32> {
        let at = |c: usize, j: usize| self.panels[(c / LANES * self.dim + j) * LANES + c % LANES];
        (0..self.clusters)
            .flat_map(|c| (0..self.dim).map(move |j| (c, j)))
            .map(|(c, j)| at(c, j))
            .collect()
    }

    /// Places a row's distances take: the clusters, up to whole lanes.
    pub(crate) fn width(&self) -> usize {
        self.offsets.len()
    }

    /// Squared distances of some rows, `stride` floats apart, to all centroids: `width` a row,
    /// infinity behind the last cluster.
    pub(crate) fn squares(&self, kernels: &Kernels, rows: &[f32], stride: usize, out: &mut [f32]) {
        kernels.squares(rows, stride, self.dim, &self.panels, &self.offsets, out);
    }

    /// The nearest cluster of each row, the lowest of equally near ones:
    /// `visit(row, cluster, squared distance)`.
    pub(crate) fn assign(
        &self,
        kernels: &Kernels,
        rows: &[f32],
        stride: usize,
        squares: &mut Vec<f32>,
        mut visit: impl FnMut(usize, usize, f32),
    ) {
        let width = self.width();
        squares.resize(ROW_TILE * width, 0.0);
        for (tile, rows) in rows.chunks(ROW_TILE * stride).enumerate() {
            let count = rows.len() / stride;
            let squares = &mut squares[..count * width];
            self.squares(kernels, rows, stride, squares);
            for (i, squares) in squares.chunks_exact(width).enumerate() {
                let nearest = kernels.smallest(squares);
                visit(tile * ROW_TILE + i, nearest, squares[nearest]);
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        (self.panels.len() + self.offsets.len()) * size_of::<f32>()
    }
}

/// The centroids of all groups.
#[derive(Debug, Clone)]
pub(crate) struct Codebook {
    starts: Vec<usize>,
    groups: Vec<Group>,
}

impl Codebook {
    /// Of groups that together have all coordinates, in their order.
    pub(crate) fn new(groups: Vec<Group>) -> Self {
        let mut starts = vec![0];
        for group in &groups {
            starts.push(starts[starts.len() - 1] + group.dim);
        }
        Self { starts, groups }
    }

    /// The groups, in the order of their coordinates.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.iter().map(Group::memory_bytes).sum()
    }

    /// The code of each row in every group: `visit(row, group, cluster)`. `placed` holds rows of
    /// the space's length and as many floats more as one row has.
    pub(crate) fn encode(
        &self,
        kernels: &Kernels,
        space: &Space,
        placed: &[f32],
        squares: &mut Vec<f32>,
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let dim = space.dim();
        let values = placed.len() - dim;
        for (g, group) in self.groups.iter().enumerate() {
            let rows = &placed[self.starts[g]..][..values];
            group.assign(kernels, rows, dim, squares, |row, cluster, _| {
                visit(row, g, cluster);
            });
        }
    }

    /// Coordinates of one group in a placed row.
    pub(crate) fn part<'a>(&self, group: usize, placed: &'a [f32]) -> &'a [f32] {
        &placed[self.starts[group]..self.starts[group + 1]]
    }
}
