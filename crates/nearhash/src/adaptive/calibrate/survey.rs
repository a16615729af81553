//! The queries that calibration asks, and how far each is searched.

use crate::adaptive::model::Model;
use crate::adaptive::strangers::KINDS;
use crate::adaptive::traces::{Search, Trace};
use crate::control::Control;
use crate::error::Result;

use super::margins::{GENEROUS, MOST_GENEROUS, quantile};

/// One of so many is asked for as many neighbours as there are [`KS`](super::KS) for, the others for the first of
/// those: each of thirty or more neighbours tells about as much as three of ten.
const MANY_PART: usize = 2;
const FEW_KS: usize = 2;
/// Of them, searched to the very end, to see how deep the others must go.
const PILOTS: usize = 48;
/// Strangers that are asked, and how many of them before the others, some of every kind, to see
/// what to allow for.
const STRANGERS: u32 = 512;
const FIRST_STRANGERS: u32 = 2 * KINDS;
/// Standard errors that searches for strangers allow for, at least; and no more than [`MOST_GENEROUS`].
const LEAST_GENEROUS: f32 = 2.0;
/// Share of the neighbours of the first strangers that the others are given standard errors for, and
/// how many times as many.
const FIRST_SHARE: f64 = 0.998;
const FIRST_FACTOR: f32 = 1.5;
/// Share of the neighbours that may lie deeper than the sample is searched.
const TOO_DEEP: f64 = 5e-4;

/// Stored points and strangers, searched to the end.
pub(super) struct Survey<'a> {
    /// How a search to the very end goes.
    pub(super) search: Search<'a>,
    pub(super) traces: Vec<Trace>,
}

impl<'a> Survey<'a> {
    /// How many searches one of `rows` takes.
    pub(super) fn searches(rows: &[u32]) -> usize {
        pilots(rows).count() + rows.len() + STRANGERS as usize
    }

    /// Ask for these `rows`, left out of their own answers, and for strangers.
    pub(super) fn of(
        model: &Model,
        ks: &'a [usize],
        rows: &[u32],
        seed: u64,
        control: &Control,
    ) -> Result<Self> {
        let mut survey = Self {
            search: Search {
                ks,
                usual: vec![1.0; ks.len()],
                depth: model.centres.len(),
                kappa: GENEROUS,
                early: None,
            },
            traces: Vec::new(),
        };
        survey.ask_for_stored(model, rows, control)?;
        survey.search.depth = model.centres.len();
        survey.ask_for_strangers(model, seed, control)?;
        Ok(survey)
    }

    /// The first few tell what is usual, and how deep to look for the others.
    fn ask_for_stored(&mut self, model: &Model, rows: &[u32], control: &Control) -> Result<()> {
        let pilots: Vec<u32> = pilots(rows).collect();
        let pilots = model.stored_traces(&pilots, &self.search, control)?;
        let search = &mut self.search;
        search.usual = (0..search.ks.len())
            .map(|i| {
                let mut limits: Vec<f32> = pilots.iter().map(|t| t.limits[i]).collect();
                limits.sort_unstable_by(f32::total_cmp);
                limits[limits.len() / 2].max(f32::MIN_POSITIVE)
            })
            .collect();
        let neighbours = pilots.iter().flat_map(|t| t.neighbours.iter().flatten());
        let mut ranks: Vec<u32> = neighbours.map(|neighbour| neighbour.rank).collect();
        ranks.sort_unstable();
        let beyond = (ranks.len() as f64 * TOO_DEEP).ceil() as usize;
        let deepest = ranks[ranks.len() - beyond.clamp(1, ranks.len())] as usize;
        search.depth = (deepest + deepest / 4 + 8).min(search.depth);
        let part = |of_many: bool| -> Vec<u32> {
            let rows = rows.iter().enumerate();
            let part = rows.filter(|(i, _)| i.is_multiple_of(MANY_PART) == of_many);
            part.map(|(_, row)| *row).collect()
        };
        self.traces = model.stored_traces(&part(true), search, control)?;
        let few = model.stored_traces(&part(false), &search.of_few(FEW_KS), control)?;
        self.traces.extend(few);
        Ok(())
    }

    /// The first few, some of every kind, tell what to allow for in the others.
    fn ask_for_strangers(&mut self, model: &Model, seed: u64, control: &Control) -> Result<()> {
        let search = &mut self.search;
        let numbers: Vec<u32> = (0..FIRST_STRANGERS).collect();
        let mut first = model.stranger_traces(seed, &numbers, search, control)?;
        let mut needed = FIRST_FACTOR * error_within(&first, FIRST_SHARE);
        if needed > search.kappa {
            search.kappa = MOST_GENEROUS;
            first = model.stranger_traces(seed, &numbers, search, control)?;
            needed = FIRST_FACTOR * error_within(&first, FIRST_SHARE);
        }
        search.kappa = needed.clamp(LEAST_GENEROUS, MOST_GENEROUS);
        self.traces.extend(first);
        let (few, many): (Vec<u32>, Vec<u32>) = (FIRST_STRANGERS..STRANGERS)
            .partition(|number| !(number / KINDS).is_multiple_of(MANY_PART as u32));
        for (numbers, search) in [(many, &*search), (few, &search.of_few(FEW_KS))] {
            let traces = model.stranger_traces(seed, &numbers, search, control)?;
            self.traces.extend(traces);
        }
        Ok(())
    }

    /// The searches that looked for the `i`-th k.
    pub(super) fn traces(&self, i: usize) -> impl Iterator<Item = &Trace> {
        self.traces
            .iter()
            .filter(move |trace| i < trace.features.len())
    }

    /// Those of them that were for stored points.
    pub(super) fn stored(&self, i: usize) -> impl Iterator<Item = &Trace> {
        self.traces(i).filter(|trace| !trace.stranger)
    }
}

fn pilots(rows: &[u32]) -> impl Iterator<Item = u32> {
    rows.iter().copied().step_by(rows.len().div_ceil(PILOTS))
}

/// The error that this share of all neighbours' does not exceed.
fn error_within(traces: &[Trace], share: f64) -> f32 {
    let neighbours = traces.iter().flat_map(|t| t.neighbours.iter().flatten());
    let mut errors: Vec<f32> = neighbours.map(|neighbour| neighbour.error).collect();
    errors.sort_unstable_by(f32::total_cmp);
    quantile(&errors, share, MOST_GENEROUS)
}
