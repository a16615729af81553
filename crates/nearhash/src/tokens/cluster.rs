//! A trained model: vectors to words, queries to weighted words.

use std::fmt::Write;

use rayon::prelude::*;

use super::codebook::Codebook;
use super::codes::{Code, CodeMatrix, Codes};
use super::space::Space;
use super::validate::Validation;
use super::words::{QueryWords, TEXT_ROWS, push_row};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::kernel::Kernels;
use crate::metric::{Metric, Prepared};
use crate::points::{RowsView, check_dim, one_row};

/// Rows that are encoded together: a task, and what stays in a core's cache.
const ROW_BLOCK: usize = 64;

/// Vectors as words: product quantisation (Jégou, Douze & Schmid 2011) written out, as in Mu et al.
/// 2018.
///
/// The dimensions are rotated and cut into groups, and k-means finds clusters in each. A vector's
/// words name the nearest cluster of every group, `3-14` for cluster 14 of group 3; near vectors
/// share many. A query asks for the nearest few clusters of every group, each with the weight
/// max(0, mean distance to the group's centroids − distance to this one). The ranking by shared
/// weight is rough: fetch some hundred candidates and rank them by their exact distance.
///
/// The same for any number of threads and on every CPU.
#[derive(Debug, Clone)]
pub struct ClusterTokens {
    pub(super) space: Space,
    pub(super) codebook: Codebook,
    pub(super) clusters: usize,
    pub(super) probes: usize,
    pub(super) seed: u64,
    pub(super) trained_on: u64,
    pub(super) validation: Option<Validation>,
}

/// Parameters and origin of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterTokensDescription {
    /// Vector length.
    pub dim: usize,
    /// What near means.
    pub metric: Metric,
    /// Words a vector.
    pub groups: usize,
    /// Clusters a group, as asked for.
    pub clusters: usize,
    /// Nearest clusters a group that a query asks for when it does not say.
    pub probes: usize,
    /// Whether vectors are rotated.
    pub rotated: bool,
    /// Of the options.
    pub seed: u64,
    /// Rows that were given to training.
    pub trained_on: u64,
    /// What held-out rows said; none when there were too few.
    pub validation: Option<Validation>,
    /// Bytes held.
    pub memory_bytes: usize,
}

impl ClusterTokens {
    /// Vector length.
    pub fn dim(&self) -> usize {
        self.space.dim()
    }

    /// What near means.
    pub fn metric(&self) -> Metric {
        self.space.metric
    }

    /// Words a vector.
    pub fn groups(&self) -> usize {
        self.codebook.groups().len()
    }

    /// Clusters a group, as asked for; a group in which fewer rows differed has fewer.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// Clusters of one group.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn clusters_of(&self, group: usize) -> usize {
        self.codebook.groups()[group].clusters()
    }

    /// Nearest clusters a group that a query asks for when it does not say.
    pub fn probes(&self) -> usize {
        self.probes
    }

    /// Bytes held.
    pub fn memory_bytes(&self) -> usize {
        self.codebook.memory_bytes() + self.dim() * 4 * size_of::<f32>()
    }

    /// Parameters and origin.
    pub fn describe(&self) -> ClusterTokensDescription {
        ClusterTokensDescription {
            dim: self.dim(),
            metric: self.metric(),
            groups: self.groups(),
            clusters: self.clusters,
            probes: self.probes,
            rotated: self.space.rotation.is_some(),
            seed: self.seed,
            trained_on: self.trained_on,
            validation: self.validation.clone(),
            memory_bytes: self.memory_bytes(),
        }
    }

    /// How many words a query has with so many probes.
    pub fn query_word_count(&self, probes: usize) -> usize {
        let groups = self.codebook.groups().iter();
        groups.map(|group| group.clusters().min(probes)).sum()
    }

    /// The cluster of each row in every group. In parallel.
    ///
    /// # Errors
    /// Vectors of another length than the model's, a zero vector under cosine, a cancellation.
    pub fn encode(&self, rows: &RowsView<'_>, control: &Control) -> Result<CodeMatrix> {
        if rows.rows() == 0 {
            return Ok(CodeMatrix::new(Codes::U8(Vec::new()), self.groups()));
        }
        check_dim("x", rows.dim(), Some(self.dim()))?;
        let prepared = Prepared::new("x", rows, self.metric())?;
        control.begin("encode", rows.rows());
        encode(&self.space, &self.codebook, &prepared, control)
    }

    /// The words of each row: a row's words with a space between, rows with a line feed between, so
    /// many rows a text that none grows large. In parallel.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_text(&self, rows: &RowsView<'_>, control: &Control) -> Result<Vec<String>> {
        let codes = self.encode(rows, control)?;
        let groups = self.groups();
        let count = codes.rows();
        Ok((0..count.div_ceil(TEXT_ROWS))
            .into_par_iter()
            .map(|block| {
                let block = block * TEXT_ROWS..((block + 1) * TEXT_ROWS).min(count);
                let mut text = String::with_capacity(block.len() * groups * 8);
                for row in block {
                    push_row(&mut text, groups, |text, group| {
                        push_word(text, group, codes.get(row, group));
                    });
                }
                text
            })
            .collect())
    }

    /// The words that a query asks for: in each group, in the order of the groups, the `probes`
    /// nearest clusters, nearest first. Each weighs max(0, mean distance from the query to the
    /// group's centroids − distance to this one), in the data's own units (of unit vectors under
    /// cosine). `probes` of none: the model's own number.
    ///
    /// The nearest cluster of a group is the one that [`encode`](Self::encode) names.
    ///
    /// # Errors
    /// Not one row, one of another length than the model's, a zero vector under cosine, or no
    /// probes.
    pub fn encode_query(&self, query: &RowsView<'_>, probes: Option<usize>) -> Result<QueryWords> {
        let query = one_row(query)?;
        check_dim("v", query.dim(), Some(self.dim()))?;
        let probes = probes.unwrap_or(self.probes);
        if probes == 0 {
            return Err(Error::argument_error("probes", 0, "at least 1"));
        }
        let prepared = Prepared::new("v", &query, self.metric())?;
        let mut out = QueryWords::default();
        for (group, near) in near_clusters(&self.space, &self.codebook, &prepared, 0, probes)
            .into_iter()
            .enumerate()
        {
            for (cluster, weight) in near {
                let mut word = String::with_capacity(8);
                push_word(&mut word, group, cluster as usize);
                out.words.push(word);
                out.weights.push(weight);
            }
        }
        Ok(out)
    }
}

fn push_word(text: &mut String, group: usize, cluster: usize) {
    // Writing to a string can't fail.
    let _ = write!(text, "{group}-{cluster}");
}

/// The codes of all rows.
pub(super) fn encode(
    space: &Space,
    codebook: &Codebook,
    rows: &Prepared<'_>,
    control: &Control,
) -> Result<CodeMatrix> {
    let groups = codebook.groups();
    let codes = if groups.iter().all(|group| group.clusters() <= 256) {
        Codes::U8(encode_as(space, codebook, rows, control)?)
    } else {
        Codes::U16(encode_as(space, codebook, rows, control)?)
    };
    Ok(CodeMatrix::new(codes, groups.len()))
}

fn encode_as<T: Code>(
    space: &Space,
    codebook: &Codebook,
    rows: &Prepared<'_>,
    control: &Control,
) -> Result<Vec<T>> {
    let kernels = Kernels::get();
    let (dim, groups) = (space.dim(), codebook.groups().len());
    let mut codes = vec![T::default(); rows.rows().rows() * groups];
    codes
        .par_chunks_mut(ROW_BLOCK * groups)
        .enumerate()
        .try_for_each_init(
            <(Vec<f32>, Vec<f32>, Vec<f32>)>::default,
            |(buffer, placed, squares), (block, codes)| {
                control.check()?;
                let (first, count) = (block * ROW_BLOCK, codes.len() / groups);
                // A row more, so that rows of a group, which begin later, may end later too.
                placed.resize((count + 1) * dim, 0.0);
                space.place_all(rows, first..first + count, buffer, placed);
                codebook.encode(kernels, space, placed, squares, |row, group, cluster| {
                    codes[row * groups + group] = T::of(cluster);
                });
                control.advance(count);
                Ok(())
            },
        )?;
    Ok(codes)
}

/// In each group the `probes` clusters nearest to a row and their weights, nearest first.
pub(super) fn near_clusters(
    space: &Space,
    codebook: &Codebook,
    rows: &Prepared<'_>,
    row: usize,
    probes: usize,
) -> Vec<Vec<(u32, f32)>> {
    let kernels = Kernels::get();
    let (mut buffer, mut placed) = (Vec::new(), vec![0.0; space.dim()]);
    space.place_all(rows, row..row + 1, &mut buffer, &mut placed);
    let (mut squares, mut order) = (Vec::new(), Vec::new());
    codebook
        .groups()
        .iter()
        .enumerate()
        .map(|(g, group)| {
            squares.resize(group.width(), 0.0);
            group.squares(
                kernels,
                codebook.part(g, &placed),
                group.dim(),
                &mut squares,
            );
            let squares = &squares[..group.clusters()];
            let sum: f64 = squares.iter().map(|square| f64::from(square.sqrt())).sum();
            let mean = sum / squares.len() as f64;
            // Squares are not negative and order like their bits.
            order.clear();
            order.extend(
                (0_u64..)
                    .zip(squares)
                    .map(|(c, square)| u64::from(square.to_bits()) << 32 | c),
            );
            let count = probes.min(order.len());
            if count < order.len() {
                order.select_nth_unstable(count);
                order.truncate(count);
            }
            order.sort_unstable();
            order
                .iter()
                .map(|entry| {
                    let distance = f64::from(squares[*entry as u32 as usize].sqrt());
                    let weight = (mean - distance).max(0.0) / f64::from(space.scale);
                    (*entry as u32, weight.min(f64::from(f32::MAX)) as f32)
                })
                .collect()
        })
        .collect()
}
