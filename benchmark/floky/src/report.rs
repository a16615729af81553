//! Tables for the eye, JSON for the record, and whether the project's claims hold.

use serde::Serialize;

use crate::baseline::{Baseline, CDIST, PLAIN_CDIST};
use crate::contender::{CHUNK, R, SEED, Shape};
use crate::exact::Metric;
use crate::measure::Outcome;

/// Where the contenders stand in a configuration's outcomes.
pub const AS_FLOKY: usize = 0;
pub const ONE_BY_ONE: usize = 1;
pub const NEARHASH: usize = 2;

/// One line of the experiment.
#[derive(Debug, Serialize)]
pub struct Configuration {
    pub family: &'static str,
    pub n_projections: usize,
    pub n_hash_tables: usize,
    pub budget: usize,
    pub outcomes: Vec<Outcome>,
}

impl Configuration {
    pub fn new(shape: Shape, budget: usize, outcomes: Vec<Outcome>) -> Self {
        Self {
            family: family(shape.metric),
            n_projections: shape.projections,
            n_hash_tables: shape.tables,
            budget,
            outcomes,
        }
    }

    pub fn label(&self) -> String {
        let (k, l) = (self.n_projections, self.n_hash_tables);
        match self.budget {
            0 => format!("{} k={k} L={l}", self.family),
            budget => format!("{} k={k} L={l} budget {budget}", self.family),
        }
    }
}

pub fn family(metric: Metric) -> &'static str {
    match metric {
        Metric::Euclidean => "L2",
        Metric::Cosine => "SRP",
    }
}

/// All of one hash family.
#[derive(Debug, Serialize)]
pub struct Section {
    pub family: &'static str,
    pub metric: &'static str,
    /// Recall@10 of nearhash's exact search.
    pub exact_recall_10: f64,
    pub exact: Vec<Baseline>,
    pub configurations: Vec<Configuration>,
}

impl Section {
    fn exact_micros(&self, way: usize) -> f64 {
        self.exact[way].query_micros.median
    }
}

/// The data and how it was scaled.
#[derive(Debug, Serialize)]
pub struct Setting {
    pub rows: usize,
    pub dim: usize,
    pub queries: usize,
    /// Queries that are not rows of the data; else they are its first rows.
    pub held_out: bool,
    /// Mean distance / 2.5.
    pub scale: f64,
    /// Share of the queries whose nearest neighbour is nearer than `scale`.
    pub nearest_within_scale: f64,
    pub seed: u64,
    pub r: f32,
    pub floky_chunk: usize,
    pub fit_rounds: usize,
    pub query_rounds: usize,
    pub exact_rounds: usize,
    pub threads: usize,
}

impl Setting {
    pub const SEED: u64 = SEED;
    pub const R: f32 = R;
    pub const CHUNK: usize = CHUNK;
}

/// One thing that the project says of itself, with what was measured.
#[derive(Debug, Serialize)]
pub struct Claim {
    pub claim: String,
    pub measured: String,
    pub holds: bool,
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub machine: serde_json::Value,
    pub setting: Setting,
    pub sections: Vec<Section>,
    pub claims: Vec<Claim>,
}

/// A configuration with what is asked of it.
struct Asked {
    family: &'static str,
    projections: usize,
    tables: usize,
    budget: usize,
    recall_10: f64,
    times_as_fast: f64,
}

const ASKED: [Asked; 3] = [
    Asked {
        family: "L2",
        projections: 15,
        tables: 100,
        budget: 0,
        recall_10: 0.97,
        times_as_fast: 20.0,
    },
    Asked {
        family: "L2",
        projections: 15,
        tables: 5,
        budget: 100,
        recall_10: 0.96,
        times_as_fast: 20.0,
    },
    Asked {
        family: "SRP",
        projections: 15,
        tables: 20,
        budget: 0,
        recall_10: 0.94,
        times_as_fast: 10.0,
    },
];

const FIT_TIMES_AS_FAST: f64 = 10.0;

/// Medians against medians.
pub fn claims(sections: &[Section]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (rival, name) in [(ONE_BY_ONE, "one by one"), (AS_FLOKY, "as floky calls it")] {
        let slowest = sections
            .iter()
            .flat_map(|section| &section.configurations)
            .map(|configuration| {
                let fit = |who: usize| configuration.outcomes[who].fit_seconds.median;
                (fit(rival) / fit(NEARHASH), configuration)
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((ratio, configuration)) = slowest {
            claims.push(Claim {
                claim: format!(
                    "every fit at least {FIT_TIMES_AS_FAST:.0}x as fast as lsh-rs {name}"
                ),
                measured: format!("least {ratio:.1}x, at {}", configuration.label()),
                holds: ratio >= FIT_TIMES_AS_FAST,
            });
        }
    }
    for asked in &ASKED {
        let found = sections.iter().find_map(|section| {
            let configuration = section.configurations.iter().find(|c| {
                c.family == asked.family
                    && c.n_projections == asked.projections
                    && c.n_hash_tables == asked.tables
                    && c.budget == asked.budget
            });
            Some((section, configuration?))
        });
        let Some((section, configuration)) = found else {
            continue;
        };
        let label = configuration.label();
        let ours = &configuration.outcomes[NEARHASH];
        let theirs = &configuration.outcomes[ONE_BY_ONE];
        claims.push(Claim {
            claim: format!("{label}: recall@10 at least {}", share(asked.recall_10)),
            measured: format!(
                "{} (lsh-rs one by one {}, as floky {})",
                share(ours.accuracy.recall_10),
                share(theirs.accuracy.recall_10),
                share(configuration.outcomes[AS_FLOKY].accuracy.recall_10)
            ),
            holds: ours.accuracy.recall_10 >= asked.recall_10,
        });
        let (our_micros, their_micros) = (ours.query_micros.median, theirs.query_micros.median);
        let ratio = their_micros / our_micros;
        claims.push(Claim {
            claim: format!(
                "{label}: queries at least {:.0}x as fast as lsh-rs one by one",
                asked.times_as_fast
            ),
            measured: format!("{ratio:.1}x: {our_micros:.0} against {their_micros:.0} us"),
            holds: ratio >= asked.times_as_fast,
        });
        // cdist gets all queries in one call, an advantage over who answers them one by one.
        let batch_micros = ours.batch_query_micros.as_ref().map(|batch| batch.median);
        for (way, name, micros, manner) in [
            (
                PLAIN_CDIST,
                "exact cdist as scipy does it",
                Some(our_micros),
                "one by one",
            ),
            (
                CDIST,
                "nearhash's own exact cdist",
                Some(our_micros),
                "one by one",
            ),
            (
                CDIST,
                "nearhash's own exact cdist",
                batch_micros,
                "in one call",
            ),
        ] {
            let Some(micros) = micros else { continue };
            let exact = section.exact_micros(way);
            claims.push(Claim {
                claim: format!("{label}: queries {manner} faster than {name}"),
                measured: format!(
                    "{:.1}x: {micros:.0} against {exact:.0} us (lsh-rs one by one {:.2}x)",
                    exact / micros,
                    exact / their_micros
                ),
                holds: micros < exact,
            });
        }
    }
    claims
}

fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// Columns as wide as their widest cell; all but the first `left` aligned to the right.
fn table(lines: &[Vec<String>], left: usize) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if column < left {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn line<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

impl Report {
    /// What a person reads.
    pub fn text(&self) -> String {
        let setting = &self.setting;
        let mut text = format!(
            "\nnearhash beside lsh-rs 0.4.0 (the engine of floky), one thread\n\
             {} rows x {}; queries: {}; recall against exact search\n\
             L2: data scaled by 1/R, R = mean distance / 2.5 = {:.1}, {:.0} % of the nearest neighbours within R; r = {}. SRP: raw data\n\
             seed {}; medians of {} fits and {} rounds of queries, top {}, contenders taking turns\n",
            setting.rows,
            setting.dim,
            if setting.held_out {
                format!("the first {} of a held-out file", setting.queries)
            } else {
                format!(
                    "the first {} rows, each one's own row left out",
                    setting.queries
                )
            },
            setting.scale,
            setting.nearest_within_scale * 100.0,
            setting.r,
            setting.seed,
            setting.fit_rounds,
            setting.query_rounds,
            crate::measure::TOP_K,
        );
        for section in &self.sections {
            text.push_str(&format!("\n{} ({})\n", section.family, section.metric));
            let mut lines = vec![line(["exact search", "us a query"])];
            for exact in &section.exact {
                lines.push(vec![
                    exact.name.into(),
                    format!("{:.0}", exact.query_micros.median),
                ]);
            }
            text.push_str(&table(&lines, 1));
            text.push_str(&format!(
                "(all queries in one call where not said otherwise; recall@10 of nearhash's exact search {})\n\n",
                share(section.exact_recall_10)
            ));
            text.push_str(&self.configurations(section));
        }
        text.push_str("\nClaims\n");
        let mut lines = Vec::new();
        for claim in &self.claims {
            let verdict = if claim.holds {
                "holds"
            } else {
                "DOES NOT HOLD"
            };
            lines.push(vec![
                verdict.into(),
                claim.claim.clone(),
                claim.measured.clone(),
            ]);
        }
        text.push_str(&table(&lines, 3));
        text
    }

    fn configurations(&self, section: &Section) -> String {
        let mut lines = vec![line([
            "configuration",
            "contender",
            "R@1 in 5",
            "R@10",
            "candidates",
            "fit s",
            "fit x",
            "query us",
            "query x",
            "in batch us",
            "vs cdist",
            "vs scipy's",
        ])];
        for configuration in &section.configurations {
            let one_by_one = &configuration.outcomes[ONE_BY_ONE];
            for (who, outcome) in configuration.outcomes.iter().enumerate() {
                let query = outcome.query_micros.median;
                let fit = outcome.fit_seconds.median;
                let times = |value: f64| format!("{value:.2}x");
                lines.push(vec![
                    if who == 0 {
                        configuration.label()
                    } else {
                        String::new()
                    },
                    outcome.contender.into(),
                    format!("{:.2}", outcome.accuracy.recall_1_in_5),
                    share(outcome.accuracy.recall_10),
                    format!("{:.0}", outcome.accuracy.mean_candidates),
                    format!("{fit:.3}"),
                    times(one_by_one.fit_seconds.median / fit),
                    format!("{query:.1}"),
                    times(one_by_one.query_micros.median / query),
                    outcome
                        .batch_query_micros
                        .as_ref()
                        .map_or("-".into(), |batch| format!("{:.1}", batch.median)),
                    times(section.exact_micros(CDIST) / query),
                    times(section.exact_micros(PLAIN_CDIST) / query),
                ]);
            }
        }
        let mut text = table(&lines, 2);
        text.push_str(
            "fit x, query x: times as fast as lsh-rs one by one; vs cdist: as nearhash's exact cdist; vs scipy's: as cdist in float64 loops\n\
             query us: one call a query; in batch us: all queries in one call, as both cdist have them\n",
        );
        text
    }
}
