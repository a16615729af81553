//! nearhash beside lsh-rs 0.4.0, the engine of the Python package floky, on one thread and in one
//! process: the experiment of floky's notebook on 32,000 photo histograms.
//!
//! lsh-rs appears twice: as floky calls it, in chunks of 250 rows (where its batch insert files
//! most rows under a wrong id), and with rows stored one by one (where its tables are right).
//! Started by `run.mjs`, which builds it and names the machine.

mod baseline;
mod contender;
mod data;
mod exact;
mod measure;
mod report;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use baseline::Baselines;
use contender::{Contender, Failure, Filling, LshRs, Nearhash, Shape};
use data::{Queries, Rows};
use exact::{Metric, Truth};
use measure::TOP_K;
use report::{Configuration, Report, Section, Setting};

const QUERIES: usize = 100;

struct Arguments {
    data: PathBuf,
    /// Vectors to ask with instead of the first rows of the data.
    queries: Option<PathBuf>,
    out: PathBuf,
    machine: serde_json::Value,
    quick: bool,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let (mut data, mut queries, mut out, mut quick) = (None, None, None, false);
        let mut machine = serde_json::Value::Null;
        while let Some(flag) = given.next() {
            let mut value = || given.next().ok_or(format!("{flag}: a value is missing"));
            match flag.as_str() {
                "--data" => data = Some(value()?.into()),
                "--queries" => queries = Some(value()?.into()),
                "--out" => out = Some(value()?.into()),
                "--machine" => machine = serde_json::from_str(&value()?)?,
                "--quick" => quick = true,
                _ => return Err(format!("unknown argument {flag}").into()),
            }
        }
        Ok(Self {
            data: data.ok_or("--data: the .npy file is missing")?,
            queries,
            out: out.ok_or("--out: the JSON file to write is missing")?,
            machine,
            quick,
        })
    }
}

/// How often everything is measured, and what.
struct Plan {
    fit_rounds: usize,
    query_rounds: usize,
    /// Before the configurations of a family, and again after them.
    exact_rounds: usize,
    /// k, L and the budgets tried on that index.
    l2: Vec<(usize, usize, Vec<usize>)>,
    srp: Vec<(usize, usize, Vec<usize>)>,
}

impl Plan {
    fn full() -> Self {
        let base = |k: usize, tables: &[usize]| -> Vec<_> {
            tables.iter().map(|&tables| (k, tables, vec![0])).collect()
        };
        let mut l2 = vec![(15, 5, vec![0, 10, 20, 50, 100])];
        l2.extend(base(15, &[10, 20, 50, 100]));
        l2.extend(base(30, &[5, 20, 100]));
        Self {
            fit_rounds: 3,
            query_rounds: 9,
            exact_rounds: 3,
            l2,
            srp: base(15, &[10, 20, 50]),
        }
    }

    fn quick() -> Self {
        Self {
            fit_rounds: 1,
            query_rounds: 5,
            exact_rounds: 2,
            l2: vec![(15, 5, vec![0, 100]), (15, 100, vec![0])],
            srp: vec![(15, 20, vec![0])],
        }
    }
}

/// One line on stderr that overwrites itself; silent when nobody watches.
fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{what}");
        // Progress that can't be shown is no reason to stop.
        let _ = std::io::stderr().flush();
    }
}

fn section(
    metric: Metric,
    rows: &Rows,
    queries: &Queries,
    plain: (&[f64], &[f64]),
    truth: &Truth,
    shapes: &[(usize, usize, Vec<usize>)],
    plan: &Plan,
) -> Result<Section, Failure> {
    let mut baselines = Baselines::new(metric, rows, queries, plain);
    progress("exact search");
    let exact_recall_10 = baselines.recall(truth)?;
    baselines.run(plan.exact_rounds)?;

    let mut configurations = Vec::new();
    for &(projections, tables, ref budgets) in shapes {
        let shape = Shape {
            metric,
            projections,
            tables,
        };
        let label = format!("{} k={projections} L={tables}", report::family(metric));
        // In the order that the report expects.
        let mut contenders: Vec<Box<dyn Contender>> = vec![
            Box::new(LshRs::new(Filling::Chunks)),
            Box::new(LshRs::new(Filling::OneByOne)),
            Box::new(Nearhash::default()),
        ];
        progress(&format!("{label}: fit"));
        let fits = measure::fits(&mut contenders, rows, shape, plan.fit_rounds)?;
        for &budget in budgets {
            progress(&format!("{label}: queries, budget {budget}"));
            for contender in &mut contenders {
                contender.set_budget(budget);
            }
            let outcomes = measure::queries(
                &mut contenders,
                &fits,
                rows,
                queries,
                truth,
                plan.query_rounds,
            )?;
            configurations.push(Configuration::new(shape, budget, outcomes));
        }
    }

    progress("exact search again");
    baselines.run(plan.exact_rounds)?;
    progress("");
    Ok(Section {
        family: report::family(metric),
        metric: match metric {
            Metric::Euclidean => "Euclidean",
            Metric::Cosine => "cosine",
        },
        exact_recall_10,
        exact: baselines.finish(),
        configurations,
    })
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let plan = if arguments.quick {
        Plan::quick()
    } else {
        Plan::full()
    };
    let values = data::read(&arguments.data)?;
    let held_out = arguments.queries.as_deref().map(data::read).transpose()?;
    let (count, dim) = values.dim();
    let asking = held_out.as_ref().unwrap_or(&values);
    if count <= QUERIES || asking.nrows() < QUERIES || dim == 0 || asking.ncols() != dim {
        return Err(format!(
            "data {count} x {dim}, queries {} x {}: more than {QUERIES} rows and {QUERIES} queries of one length are needed",
            asking.nrows(),
            asking.ncols()
        )
        .into());
    }
    let plain = data::as_f64(&values);
    let mut plain_queries = data::as_f64(asking);
    plain_queries.truncate(QUERIES * dim);
    let plain = (plain.as_slice(), plain_queries.as_slice());
    let truth = |metric| {
        let distances = exact::cdist(plain.1, plain.0, dim, metric);
        Truth::new(distances, count, held_out.is_none(), TOP_K)
    };
    let queries = |rows: &Rows, divisor| match &held_out {
        Some(held_out) => Queries::held_out(&data::scaled(held_out, divisor), QUERIES),
        None => Queries::first_rows(rows, QUERIES),
    };

    let euclidean = truth(Metric::Euclidean);
    let scale = euclidean.mean() / 2.5;
    let scaled = data::scaled(&values, scale);
    let asked = queries(&scaled, scale);
    let l2 = section(
        Metric::Euclidean,
        &scaled,
        &asked,
        plain,
        &euclidean,
        &plan.l2,
        &plan,
    )?;

    let raw = data::scaled(&values, 1.0);
    let asked = queries(&raw, 1.0);
    let cosine = truth(Metric::Cosine);
    let srp = section(
        Metric::Cosine,
        &raw,
        &asked,
        plain,
        &cosine,
        &plan.srp,
        &plan,
    )?;

    let sections = vec![l2, srp];
    let report = Report {
        machine: arguments.machine,
        setting: Setting {
            rows: count,
            dim,
            queries: QUERIES,
            held_out: held_out.is_some(),
            scale,
            nearest_within_scale: euclidean.share_within(scale),
            seed: Setting::SEED,
            r: Setting::R,
            floky_chunk: Setting::CHUNK,
            fit_rounds: plan.fit_rounds,
            query_rounds: plan.query_rounds,
            exact_rounds: plan.exact_rounds * 2,
            threads: rayon::current_num_threads(),
        },
        claims: report::claims(&sections),
        sections,
    };
    println!("{}", report.text());
    if let Some(folder) = arguments.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let json = serde_json::to_string_pretty(&report)? + "\n";
    std::fs::write(&arguments.out, json)
        .map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    Ok(())
}

fn main() -> ExitCode {
    let result = Arguments::parse(std::env::args().skip(1)).and_then(|arguments| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        // An error that is no `Send` leaves the pool as text.
        pool.install(|| run(arguments).map_err(|error| error.to_string()))
            .map_err(Failure::from)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress("");
            eprintln!("bench:floky: {error}");
            ExitCode::FAILURE
        }
    }
}
