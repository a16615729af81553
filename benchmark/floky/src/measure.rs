//! Rounds in which every contender has its turn, and what comes of them.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

use crate::contender::{Contender, Failure, Shape};
use crate::data::{Queries, Rows};
use crate::exact::Truth;

/// Neighbours asked for.
pub const TOP_K: usize = 10;
/// Answers among which the true first neighbour is looked for.
pub const TOP_FIRST: usize = 5;

/// Times of equal work, in the unit that the field's name says.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    pub median: f64,
    pub minimum: f64,
    pub all: Vec<f64>,
}

impl Times {
    pub fn new(all: Vec<f64>) -> Self {
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        } else {
            sorted[middle]
        };
        Self {
            median,
            minimum: sorted[0],
            all,
        }
    }
}

/// What one contender did in one configuration.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub contender: &'static str,
    pub fit_seconds: Times,
    /// One call a query; the time of a round divided by its queries.
    pub query_micros: Times,
    /// All queries in one call, divided by their number.
    pub batch_query_micros: Option<Times>,
    #[serde(flatten)]
    pub accuracy: Accuracy,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Accuracy {
    /// Share of the queries whose true first neighbour is among the first five answers.
    pub recall_1_in_5: f64,
    pub recall_10: f64,
    /// Distinct candidates a query, its own row left out.
    pub mean_candidates: f64,
}

/// Seconds that `work` takes.
pub fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = black_box(work());
    (start.elapsed().as_secs_f64(), result)
}

/// The contenders' numbers, in an order that changes from round to round.
fn turns(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| (round + turn) % contenders)
}

/// Build every index `rounds` times, one contender after the other in each round; the last ones
/// stay. Per contender the seconds.
pub fn fits(
    contenders: &mut [Box<dyn Contender>],
    rows: &Rows,
    shape: Shape,
    rounds: usize,
) -> Result<Vec<Times>, Failure> {
    let mut times = vec![Vec::new(); contenders.len()];
    for round in 0..rounds {
        for turn in turns(round, contenders.len()) {
            let contender = &mut contenders[turn];
            contender.clear();
            let (took, result) = seconds(|| contender.fit(rows, shape));
            result?;
            times[turn].push(took);
        }
    }
    Ok(times.into_iter().map(Times::new).collect())
}

/// What the fitted contender finds of the truth.
fn accuracy(
    contender: &mut dyn Contender,
    rows: &Rows,
    queries: &Queries,
    truth: &Truth,
) -> Result<Accuracy, Failure> {
    let mut answer = Vec::new();
    let (mut firsts, mut hits, mut candidates) = (0, 0, 0);
    for (number, query) in queries.iter().enumerate() {
        contender.query(rows, query, TOP_K, &mut answer)?;
        let mut distinct = answer.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() != answer.len() || answer.iter().any(|&id| Some(id) == query.own) {
            let name = contender.name();
            return Err(format!("{name}: query {number} returned an id twice or its own").into());
        }
        let first = &answer[..answer.len().min(TOP_FIRST)];
        firsts += usize::from(truth.first_found(number, first));
        hits += truth.hits(number, &answer, TOP_K);
        candidates += contender.candidates(query)?;
    }
    let count = queries.len() as f64;
    Ok(Accuracy {
        recall_1_in_5: firsts as f64 / count,
        recall_10: hits as f64 / (count * TOP_K as f64),
        mean_candidates: candidates as f64 / count,
    })
}

/// Accuracy of the fitted contenders, which also warms them up, then `rounds` timed rounds over all
/// queries.
pub fn queries(
    contenders: &mut [Box<dyn Contender>],
    fits: &[Times],
    rows: &Rows,
    queries: &Queries,
    truth: &Truth,
    rounds: usize,
) -> Result<Vec<Outcome>, Failure> {
    let accuracies = contenders
        .iter_mut()
        .map(|contender| accuracy(contender.as_mut(), rows, queries, truth))
        .collect::<Result<Vec<_>, _>>()?;

    let mut answer = Vec::new();
    let mut singles = vec![Vec::new(); contenders.len()];
    let mut batches = vec![Vec::new(); contenders.len()];
    let micros = 1e6 / queries.len() as f64;
    for round in 0..rounds {
        for turn in turns(round, contenders.len()) {
            let contender = &mut contenders[turn];
            let (took, result) = seconds(|| {
                for query in queries.iter() {
                    contender.query(rows, query, TOP_K, &mut answer)?;
                    black_box(&answer);
                }
                Ok::<_, Failure>(())
            });
            result?;
            singles[turn].push(took * micros);
            let (took, batch) = seconds(|| contender.batch(queries, TOP_K));
            if let Some(result) = batch {
                result?;
                batches[turn].push(took * micros);
            }
        }
    }

    let mut outcomes = Vec::new();
    for (index, (single, batch)) in singles.into_iter().zip(batches).enumerate() {
        outcomes.push(Outcome {
            contender: contenders[index].name(),
            fit_seconds: fits[index].clone(),
            query_micros: Times::new(single),
            batch_query_micros: (!batch.is_empty()).then(|| Times::new(batch)),
            accuracy: accuracies[index],
        });
    }
    Ok(outcomes)
}
