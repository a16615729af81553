//! The queries that calibration asks, and how far each is searched.

use crate::adaptive::model::Model;
use crate::adaptive::strangers::KINDS;
use crate::adaptive::traces::{Asked, Search, Trace};
use crate::control::Control;
use crate::error::Result;

use super::margins::{GENEROUS, MOST_GENEROUS, quantile};
use super::twins;

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
/// Groups of twins that are asked for, at most.
const ALONE: usize = 256;
/// Share of the neighbours that may lie deeper than the sample is searched.
const TOO_DEEP: f64 = 5e-4;

/// Stored points and strangers, searched to the end.
pub(super) struct Survey<'a> {
    /// How a search to the very end goes.
    pub(super) search: Search<'a>,
    /// How many buckets stored points were searched in.
    depth: usize,
    pub(super) traces: Vec<Trace>,
    /// Rows that are twins of each other, where many points have some.
    groups: Vec<Vec<u32>>,
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
            depth: model.centres.len(),
            traces: Vec::new(),
            groups: Vec::new(),
        };
        survey.ask_for_stored(model, rows, control)?;
        survey.depth = std::mem::replace(&mut survey.search.depth, model.centres.len());
        survey.ask_for_strangers(model, seed, control)?;
        if !survey.groups.is_empty() {
            survey.ask_alone(model, control)?;
        }
        Ok(survey)
    }

    /// The first few tell what is usual, and how deep to look for the others.
    fn ask_for_stored(&mut self, model: &Model, rows: &[u32], control: &Control) -> Result<()> {
        let pilots: Vec<u32> = pilots(rows).collect();
        let pilots = model.stored_traces(&pilots, &self.search, control)?;
        let search = &mut self.search;
        let depth = depth_of(&pilots, search.depth);
        search.usual = (0..search.ks.len())
            .map(|i| {
                let mut limits: Vec<f32> = pilots.iter().map(|t| t.limits[i]).collect();
                limits.sort_unstable_by(f32::total_cmp);
                limits[limits.len() / 2].max(f32::MIN_POSITIVE)
            })
            .collect();
        search.depth = depth;
        let part = |of_many: bool| -> Vec<u32> {
            let rows = rows.iter().enumerate();
            let part = rows.filter(|(i, _)| i.is_multiple_of(MANY_PART) == of_many);
            part.map(|(_, row)| *row).collect()
        };
        let many = part(true);
        self.traces = model.stored_traces(&many, search, control)?;
        let few = part(false);
        let traces = model.stored_traces(&few, &search.of_few(FEW_KS), control)?;
        self.traces.extend(traces);
        let searched = || many.iter().chain(&few).copied().zip(&self.traces);
        if twins::are_many(model, searched()) {
            let of_many = searched().take(many.len());
            let groups = of_many.filter_map(|(row, trace)| twins::group(model, row, trace));
            self.groups = groups.collect();
        }
        Ok(())
    }

    /// What twins are copies of, as if none of them were there; again the first few tell how deep to look.
    fn ask_alone(&mut self, model: &Model, control: &Control) -> Result<()> {
        let step = self.groups.len().div_ceil(ALONE);
        let groups: Vec<&[u32]> = self
            .groups
            .iter()
            .step_by(step)
            .map(Vec::as_slice)
            .collect();
        let mut search = Search {
            kappa: self.search.kappa.max(GENEROUS),
            ..self.search.clone()
        };
        let pilots: Vec<&[u32]> = groups
            .iter()
            .copied()
            .step_by(groups.len().div_ceil(PILOTS))
            .collect();
        control.extend(pilots.len() + groups.len());
        let pilots = model.traces_alone(&pilots, &search, control)?;
        search.depth = depth_of(&pilots, search.depth);
        let (many, few) = groups.split_at(groups.len() / MANY_PART);
        for (groups, search) in [(many, &search), (few, &search.of_few(FEW_KS))] {
            let traces = model.traces_alone(groups, search, control)?;
            self.traces.extend(traces);
        }
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
            control.extend(numbers.len());
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

    /// How to ask for one neighbour. Among many points no stored one is worth a search of all.
    pub(super) fn search_for_one(&self, model: &Model) -> Search<'a> {
        let search = self.search.of_few(1);
        match model.centres.heads() {
            Some(_) => Search {
                depth: self.depth,
                ..search
            },
            None => search,
        }
    }

    /// Whether what twins are copies of was asked for.
    pub(super) fn points_have_twins(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The searches that looked for the `i`-th k.
    pub(super) fn traces(&self, i: usize) -> impl Iterator<Item = &Trace> {
        self.traces
            .iter()
            .filter(move |trace| i < trace.features.len())
    }

    /// Those of them that were for stored points, alone or not.
    pub(super) fn points(&self, i: usize) -> impl Iterator<Item = &Trace> {
        self.traces(i)
            .filter(|trace| trace.asked != Asked::Stranger)
    }
}

fn pilots(rows: &[u32]) -> impl Iterator<Item = u32> {
    rows.iter().copied().step_by(rows.len().div_ceil(PILOTS))
}

/// How many of `all` buckets to search for points like these.
fn depth_of(pilots: &[Trace], all: usize) -> usize {
    let neighbours = pilots.iter().flat_map(|t| t.neighbours.iter().flatten());
    let mut ranks: Vec<u32> = neighbours.map(|neighbour| neighbour.rank).collect();
    ranks.sort_unstable();
    if ranks.is_empty() {
        return all;
    }
    let beyond = (ranks.len() as f64 * TOO_DEEP).ceil() as usize;
    let deepest = ranks[ranks.len() - beyond.clamp(1, ranks.len())] as usize;
    (deepest + deepest / 4 + 8).min(all)
}

/// The error that this share of all neighbours' does not exceed.
fn error_within(traces: &[Trace], share: f64) -> f32 {
    let neighbours = traces.iter().flat_map(|t| t.neighbours.iter().flatten());
    let mut errors: Vec<f32> = neighbours.map(|neighbour| neighbour.error).collect();
    errors.sort_unstable_by(f32::total_cmp);
    quantile(&errors, share, MOST_GENEROUS)
}
