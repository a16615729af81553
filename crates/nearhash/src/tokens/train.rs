//! Training: k-means in every group, rotated and not, judged by held-out rows.

use rayon::prelude::*;

use super::cluster::{self, ClusterTokens};
use super::codebook::{Codebook, group_starts};
use super::kmeans;
use super::options::{ClusterTokensOptions, RotationChoice};
use super::random::{self, Purpose};
use super::rotation::Rotation;
use super::space::Space;
use super::validate::{self, HeldOut, NEIGHBORS, Postings, ProbeRecall, Validation};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::exact;
use crate::metric::Prepared;
use crate::points::{RowSlice, RowsView};

/// Most held-out rows; not more than one row in [`HELD_OUT_SHARE`] either.
const HELD_OUT: usize = 400;
const HELD_OUT_SHARE: usize = 10;
/// With fewer held-out rows there is no validation.
const FEWEST_HELD_OUT: usize = 10;
/// Most rows that the validation searches, and most floats.
const BASE_ROWS: usize = 1 << 17;
const BASE_FLOATS: usize = 1 << 27;

/// Probes with which rotated and unrotated are compared.
const COMPARED_PROBES: usize = 4;
/// Numbers of probes that are tried for the default, until one is good enough.
const PROBES: [usize; 10] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
/// Good enough: this much of the true neighbours within 300 candidates.
const GOOD_RECALL: f64 = 0.985;
/// A query that reads no more list entries than this costs next to nothing, so it may as well find
/// more: held-out rows resemble the others more than real queries do where there are few.
const CHEAP_POSTINGS: usize = 8192;
/// With this much of the true neighbours within 100 candidates there is nothing more to find.
const FULL_RECALL: f64 = 0.995;
/// Most words of a query by default: search engines take 1,024 clauses, and callers have some of
/// their own.
const MOST_WORDS: usize = 896;

/// Rows that were set aside.
struct Validator<'a> {
    base: Prepared<'a>,
    /// Held-out rows, by their place in `base`.
    held_out: Vec<usize>,
    /// Each one's true neighbours.
    neighbors: Vec<Vec<u32>>,
}

/// One trained way of cutting vectors.
struct Candidate {
    space: Space,
    codebook: Codebook,
    judged: Option<(Postings, Vec<HeldOut>)>,
}

impl ClusterTokens {
    /// Find the clusters for vectors like these.
    ///
    /// Some rows (400, or a tenth) are held out: k-means does not see them, and their true
    /// neighbours among all rows (a sample of 131,072 of more) tell whether to rotate, and how many
    /// clusters a group a query should ask for: the fewest that find .985 of the ten nearest within
    /// 300 candidates, as far as 896 words allow, or more in a small collection, where a query reads
    /// no more than 8,192 list entries for them. See [`Validation`] for what they found. With fewer
    /// than 100 rows there is no validation; vectors are then rotated, and queries ask for 4.
    ///
    /// # Errors
    /// An option outside of its range, no rows, a zero vector under cosine, a cancellation.
    pub fn train(
        rows: &RowsView<'_>,
        options: &ClusterTokensOptions,
        control: &Control,
    ) -> Result<Self> {
        options.check(rows.dim())?;
        if rows.rows() == 0 {
            return Err(Error::argument_error("x", "0 vectors", "at least 1 vector"));
        }
        let (dim, seed) = (rows.dim(), options.seed);
        control.begin("sample", 1);
        let prepared = Prepared::new("x", rows, options.metric)?;
        let held_out = held_out(rows.rows(), seed);
        let sample = sample(&prepared, &held_out, options);
        let mut base_rows = Vec::new();
        let validator = validator(rows, &held_out, &mut base_rows, options, control)?;

        let compares = options.rotation == RotationChoice::Auto && validator.is_some();
        let ways = 1 + usize::from(compares);
        control.begin("clusters", ways * options.groups_for(dim));
        let way = |rotated: bool| -> Result<(f64, Candidate)> {
            let rotation = rotated.then(|| Rotation::random(seed, dim));
            let space = Space::new(options.metric, rows.magnitude(), &sample, dim, rotation);
            let codebook = codebook(&space, &sample, options, control)?;
            let mut candidate = Candidate {
                space,
                codebook,
                judged: None,
            };
            if let Some(validator) = &validator {
                candidate.judged = Some(validator.judge(&candidate, control)?);
            }
            let recall = if compares {
                let probes = options.probes.unwrap_or(COMPARED_PROBES);
                let recall = candidate.recall(probes, control)?;
                recall.map_or(0.0, |recall| recall.within_100)
            } else {
                0.0
            };
            Ok((recall, candidate))
        };
        let (recall, mut candidate) = way(options.rotation != RotationChoice::None)?;
        if compares {
            let (other_recall, other) = way(false)?;
            // Rotated where both are as good.
            if other_recall > recall {
                candidate = other;
            }
        }
        candidate.finish(rows.rows(), validator.as_ref(), options, control)
    }
}

/// Rows that k-means does not see.
fn held_out(rows: usize, seed: u64) -> Vec<usize> {
    let count = HELD_OUT.min(rows / HELD_OUT_SHARE);
    if count < FEWEST_HELD_OUT {
        return Vec::new();
    }
    random::choose(seed, Purpose::HeldOut, rows, count)
}

/// Rows that k-means sees, prepared.
fn sample(rows: &Prepared<'_>, held_out: &[usize], options: &ClusterTokensOptions) -> Vec<f32> {
    let dim = rows.rows().dim();
    let mut others: Vec<usize> = (0..rows.rows().rows()).collect();
    others.retain(|row| held_out.binary_search(row).is_err());
    let chosen = random::choose(
        options.seed,
        Purpose::Sample,
        others.len(),
        options.sample_size(),
    );
    let mut sample = vec![0.0; chosen.len() * dim];
    let mut buffer = Vec::new();
    for (chosen, out) in chosen.iter().zip(sample.chunks_exact_mut(dim)) {
        let row = others[*chosen];
        out.copy_from_slice(rows.block(row..row + 1, dim, &mut buffer));
    }
    sample
}

/// The clusters of all groups.
fn codebook(
    space: &Space,
    sample: &[f32],
    options: &ClusterTokensOptions,
    control: &Control,
) -> Result<Codebook> {
    let dim = space.dim();
    let mut placed = vec![0.0; sample.len()];
    placed
        .par_chunks_exact_mut(dim)
        .zip(sample.par_chunks_exact(dim))
        .for_each(|(out, row)| space.place(row, out));
    let starts = group_starts(dim, options.groups_for(dim));
    let groups = starts
        .par_windows(2)
        .enumerate()
        .map(|(g, ends)| {
            control.check()?;
            let part: Vec<f32> = placed
                .chunks_exact(dim)
                .flat_map(|row| &row[ends[0]..ends[1]])
                .copied()
                .collect();
            let mut generator = random::group_stream(options.seed, g);
            let group = kmeans::cluster(
                &part,
                ends[1] - ends[0],
                options.clusters,
                options.iterations,
                &mut generator,
                control,
            )?;
            control.advance(1);
            Ok(group)
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Codebook::new(groups))
}

/// True neighbours of the held-out rows, among all rows or a sample, which `base_rows` then keeps.
fn validator<'a>(
    rows: &RowsView<'a>,
    held_out: &[usize],
    base_rows: &'a mut Vec<f32>,
    options: &ClusterTokensOptions,
    control: &Control,
) -> Result<Option<Validator<'a>>> {
    if held_out.is_empty() {
        return Ok(None);
    }
    let (count, dim) = (rows.rows(), rows.dim());
    let most = BASE_ROWS.min(BASE_FLOATS / dim).max(held_out.len());
    let gather = |chosen: &[usize], out: &mut Vec<f32>| {
        out.resize(chosen.len() * dim, 0.0);
        for (row, out) in chosen.iter().zip(out.chunks_exact_mut(dim)) {
            rows.copy_row(*row, out);
        }
    };
    let mut places = held_out.to_vec();
    let base = if count > most {
        let mut chosen = random::choose(options.seed, Purpose::Base, count, most - held_out.len());
        chosen.extend(held_out);
        chosen.sort_unstable();
        chosen.dedup();
        for place in &mut places {
            // It was just put there.
            *place = chosen.binary_search(place).unwrap_or(0);
        }
        gather(&chosen, base_rows);
        RowsView::new(RowSlice::F32(base_rows), dim)?
    } else {
        *rows
    };
    let mut queries = Vec::new();
    gather(held_out, &mut queries);
    let queries = RowsView::new(RowSlice::F32(&queries), dim)?;
    // The row itself is one of them, unless more than ten others equal it.
    let found = exact::knn(&base, &queries, NEIGHBORS + 1, options.metric, control)?;
    let neighbors = places
        .iter()
        .enumerate()
        .map(|(i, place)| {
            let at = i * found.k;
            let ids = &found.ids[at..at + found.counts[i] as usize];
            let others = ids.iter().copied().filter(|id| *id as usize != *place);
            others.take(NEIGHBORS).collect()
        })
        .collect();
    Ok(Some(Validator {
        base: Prepared::new("x", &base, options.metric)?,
        held_out: places,
        neighbors,
    }))
}

impl Validator<'_> {
    /// What a candidate makes of the rows and of the queries.
    fn judge(&self, candidate: &Candidate, control: &Control) -> Result<(Postings, Vec<HeldOut>)> {
        let Candidate {
            space, codebook, ..
        } = candidate;
        let silent = Control::new();
        control.check()?;
        let codes = cluster::encode(space, codebook, &self.base, &silent)?;
        control.check()?;
        let groups = codebook.groups();
        let postings = Postings::new(&codes, |group| groups[group].clusters());
        let most = PROBES[PROBES.len() - 1];
        let queries = self
            .held_out
            .par_iter()
            .zip(&self.neighbors)
            .map(|(row, neighbors)| HeldOut {
                row: *row as u32,
                neighbors: neighbors.clone(),
                clusters: cluster::near_clusters(space, codebook, &self.base, *row, most),
            })
            .collect();
        Ok((postings, queries))
    }
}

impl Candidate {
    fn recall(&self, probes: usize, control: &Control) -> Result<Option<ProbeRecall>> {
        let judged = self.judged.as_ref();
        judged
            .map(|(postings, queries)| validate::recall(postings, queries, probes, control))
            .transpose()
    }

    /// List entries that a query reads with so many probes, mean of the held-out rows; 0 without.
    fn postings_read(&self, probes: usize) -> usize {
        let judged = self.judged.as_ref();
        judged.map_or(0, |(postings, queries)| postings.read(queries, probes))
    }

    /// The model, with a default number of probes and what it finds.
    fn finish(
        self,
        trained_on: usize,
        validator: Option<&Validator<'_>>,
        options: &ClusterTokensOptions,
        control: &Control,
    ) -> Result<ClusterTokens> {
        let groups = self.codebook.groups().len();
        let affordable = (MOST_WORDS / groups).clamp(1, options.clusters);
        let mut recalls: Vec<ProbeRecall> = Vec::new();
        // How many are tried shows on the way: the rest is passed over at the end.
        control.begin("validate", PROBES.len());
        for probes in PROBES {
            if options.probes.is_none() && probes > affordable {
                break;
            }
            let probes = options.probes.unwrap_or(probes);
            if let Some(last) = recalls.last() {
                let dear = self.postings_read(probes) > CHEAP_POSTINGS;
                if last.within_300 >= GOOD_RECALL && (dear || last.within_100 >= FULL_RECALL) {
                    break;
                }
            }
            let Some(recall) = self.recall(probes, control)? else {
                break;
            };
            recalls.push(recall);
            control.advance(1);
            if options.probes.is_some() {
                break;
            }
        }
        control.advance(PROBES.len() - recalls.len());
        let fallback = COMPARED_PROBES.min(affordable);
        let probes = options
            .probes
            .or(recalls.last().map(|last| last.probes))
            .unwrap_or(fallback);
        Ok(ClusterTokens {
            space: self.space,
            codebook: self.codebook,
            clusters: options.clusters,
            probes,
            seed: options.seed,
            trained_on: trained_on as u64,
            validation: validator.map(|validator| Validation {
                neighbors: NEIGHBORS,
                queries: validator.held_out.len(),
                rows: validator.base.rows().rows(),
                recalls,
            }),
        })
    }
}
