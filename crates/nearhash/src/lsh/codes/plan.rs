//! Whether codes pay, and which.

use super::lines_for;
use super::map::Map;
use crate::adaptive::spectrum::Spectrum;
use crate::kernel::{Kernels, LANES, LINE, padded_width};
use crate::metric::Prepared;

/// Fewer rows than this are ranked in no time.
const FEWEST: usize = 2048;
/// Shorter vectors are compared as fast as their codes would be.
const SHORTEST: usize = 64;
/// Longer ones would take a long time to find directions for.
const LONGEST: usize = 4096;
/// Choices of leading directions: so many fill one line, and two, with their norms. More take
/// longer to find than they save.
const LEADING: [usize; 2] = [48, 112];
/// Rows that stand in for queries, and for stored rows.
const QUERIES: usize = 32;
const SAMPLE: usize = 1024;
/// Candidates are among the nearest: this part of the sample, one in four.
const NEAREST: usize = 4;
/// The neighbour in the sample beyond which candidates are skipped: about what the tenth of all
/// is in reach of.
const LIMIT: usize = 2;
/// A choice must take no more than this part of the time without codes.
const WORTH: f64 = 0.7;

/// Nanoseconds for a candidate's exact distance, about: reading and computing.
fn row_cost(dim: usize, row_bytes: usize) -> f64 {
    5.0 + 0.05 * dim as f64 + 0.8 * (row_bytes as f64 / LINE as f64)
}

/// Nanoseconds for its bound.
fn code_cost(places: usize) -> f64 {
    5.0 + 2.5 * lines_for(places) as f64
}

/// The map that makes ranking cheapest on a sample of the rows; none where exact distances alone
/// take about as long.
pub(super) fn choose(rows: &Prepared<'_>, row_bytes: usize) -> Option<Map> {
    let (count, dim) = (rows.rows().rows(), rows.rows().dim());
    if count < FEWEST || !(SHORTEST..=LONGEST).contains(&dim) {
        return None;
    }
    let exact = row_cost(dim, row_bytes);
    let most = LEADING.iter().rfind(|places| **places < dim)?;
    let spectrum = Spectrum::of(rows, *most);
    let sample = Sample::of(rows, &spectrum, *most);
    let leading = LEADING.iter().filter(|places| *places <= most);
    let leading = leading.map(|places| (Some(*places), sample.survivors(Some(*places))));
    // Bytes of bytes would be as long as the rows.
    let all = (padded_width(dim) < row_bytes / 2).then(|| (None, sample.survivors(None)));
    let cost = |places: Option<usize>, survivors: f64| {
        code_cost(places.unwrap_or(padded_width(dim))) + survivors * exact
    };
    let (places, survivors) = leading
        .chain(all)
        .min_by(|a, b| cost(a.0, a.1).total_cmp(&cost(b.0, b.1)))?;
    if cost(places, survivors) > WORTH * exact {
        return None;
    }
    Some(match places {
        Some(places) => Map::leading(&spectrum, dim, places),
        None => Map::all(&spectrum, dim),
    })
}

/// Distances within the data: real ones, and those that leading directions show.
struct Sample {
    /// Along one direction after the other, and the squared norm: `most` and one numbers a row.
    projected: Vec<f32>,
    norms: Vec<f32>,
    most: usize,
    asked: Vec<Asked>,
}

/// A row that serves as a query.
struct Asked {
    query: usize,
    /// Other rows and their squared distances.
    candidates: Vec<(usize, f32)>,
    /// Beyond this squared distance they are skipped.
    limit: f32,
}

impl Sample {
    fn of(rows: &Prepared<'_>, spectrum: &Spectrum, most: usize) -> Self {
        let kernels = Kernels::get();
        let (count, dim) = (rows.rows().rows(), rows.rows().dim());
        let width = padded_width(dim);
        let picked = SAMPLE.min(count);
        let mut vectors = Vec::with_capacity(picked * width);
        let mut buffer = Vec::new();
        for i in 0..picked {
            let row = i * count / picked;
            vectors.extend_from_slice(rows.block(row..row + 1, width, &mut buffer));
        }
        let map = Map::leading(spectrum, dim, most);
        let mut projected = vec![0.0; picked * most];
        let (mut centred, mut mapped) = (Vec::new(), Vec::new());
        map.map(kernels, &vectors, &mut centred, &mut projected, &mut mapped);
        let norms = projected.chunks_exact(most).zip(&mapped);
        let norms = norms.map(|(y, mapped)| {
            y.iter().map(|y| y * y).sum::<f32>() + (mapped.rest * mapped.rest) as f32
        });
        let norms = norms.collect();
        let mut distances = vec![0.0; picked];
        let asked = (0..QUERIES.min(picked))
            .map(|i| {
                let query = i * picked / QUERIES.min(picked);
                let vector = &vectors[query * width..(query + 1) * width];
                kernels.pairs(vector, &vectors, width, &mut distances, picked);
                let others = distances.iter().copied().enumerate();
                let mut others: Vec<_> = others.filter(|(other, _)| *other != query).collect();
                others.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
                others.truncate(picked / NEAREST);
                let limit = others.get(LIMIT - 1).map_or(0.0, |other| other.1);
                Asked {
                    query,
                    candidates: others,
                    limit,
                }
            })
            .collect();
        Self {
            projected,
            norms,
            most,
            asked,
        }
    }

    /// Share of the candidates that the first `places` directions leave, or codes of everything.
    fn survivors(&self, places: Option<usize>) -> f64 {
        let (mut left, mut all) = (0, 0);
        for asked in &self.asked {
            let (query, limit) = (asked.query, asked.limit);
            all += asked.candidates.len();
            left += asked
                .candidates
                .iter()
                .filter(|(other, distance)| match places {
                    // Rounded to bytes, a distance tells the real one within a few hundredths.
                    None => *distance <= limit * 1.1,
                    Some(places) => self.shown(query, *other, places) <= limit,
                })
                .count();
        }
        left as f64 / all.max(1) as f64
    }

    fn shown(&self, a: usize, b: usize, places: usize) -> f32 {
        let part = |i: usize| &self.projected[i * self.most..][..places];
        let mut sums = [0.0_f32; LANES];
        let parts = part(a).chunks_exact(LANES).zip(part(b).chunks_exact(LANES));
        for (a, b) in parts {
            for i in 0..LANES {
                sums[i] += (a[i] - b[i]) * (a[i] - b[i]);
            }
        }
        let rest = |i: usize| {
            let along: f32 = part(i).iter().map(|y| y * y).sum();
            (self.norms[i] - along).max(0.0).sqrt()
        };
        let across = rest(a) - rest(b);
        sums.iter().sum::<f32>() + across * across
    }
}
