//! The engine as `npm run bench -- --engine` measures it, without Node: a worker that takes
//! requests from stdin and answers on stdout, one JSON object a line, like those of other systems.
//! benchmark/rivals/channel.mjs has the requests, benchmark/rivals/engine.mjs what is built.

mod processor_time;

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::{BufRead, Write};
use std::time::Instant;

use nearhash::adaptive::{AdaptiveIndex, IndexOptions, SearchOptions};
use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Metric, Neighbors, Points, RowData, RowSlice,
    RowsView, exact, kernel,
};
use processor_time::processor_time;
use serde_json::{Map, Value, json};

type Failure = Box<dyn Error>;

/// Row-major values and their number of columns.
struct Matrix {
    data: RowData,
    dim: usize,
}

impl Matrix {
    fn bytes(&self) -> usize {
        self.data.as_slice().len() * self.data.as_slice().value_bytes()
    }

    /// Some rows, without a copy.
    fn slice(&self, from: usize, to: usize) -> RowSlice<'_> {
        let places = from * self.dim..to * self.dim;
        match &self.data {
            RowData::U8(values) => RowSlice::U8(&values[places]),
            RowData::I16(values) => RowSlice::I16(&values[places]),
            RowData::F32(values) => RowSlice::F32(&values[places]),
        }
    }

    /// The same, checked as every view is: finding out that all values are finite is part of the
    /// engine's work on a query.
    fn range(&self, from: usize, to: usize) -> Result<RowsView<'_>, Failure> {
        Ok(RowsView::new(self.slice(from, to), self.dim)?)
    }
}

/// Reads `.npy` files as the benchmark writes them: version 1.0, row-major, little endian.
fn read_matrix(path: &str) -> Result<Matrix, Failure> {
    let file = fs::read(path)?;
    let header_end = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = std::str::from_utf8(&file[10..header_end])?;
    let (_, shape) = header.split_once("'shape': (").ok_or("no shape")?;
    let dim = shape
        .split(')')
        .next()
        .and_then(|shape| shape.split(", ").nth(1));
    let dim = dim.ok_or("no columns")?.trim_end_matches(',').parse()?;
    let body = &file[header_end..];
    let pairs = || body.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    let data = if header.contains("'|u1'") {
        RowData::U8(body.to_vec())
    } else if header.contains("'<i2'") {
        RowData::I16(pairs().map(i16::from_le_bytes).collect())
    } else if header.contains("'<u2'") {
        let values: Vec<u16> = pairs().map(u16::from_le_bytes).collect();
        match values.iter().map(|&value| i16::try_from(value)).collect() {
            Ok(small) => RowData::I16(small),
            Err(_) => RowData::F32(values.into_iter().map(f32::from).collect()),
        }
    } else if header.contains("'<f4'") {
        let words = body.chunks_exact(4);
        RowData::F32(
            words
                .map(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]]))
                .collect(),
        )
    } else {
        return Err(format!("{path}: its type is not read here: {header}").into());
    };
    Ok(Matrix { data, dim })
}

/// What was built.
enum Index {
    /// Exact search in rows, by Euclidean distance.
    Exact,
    Lsh(LshIndex),
    Adaptive(AdaptiveIndex),
}

struct Worker {
    points: Matrix,
    queries: Matrix,
    /// Checked once, as an exact search in a program of one's own would have them.
    float_points: Points,
    float_queries: Matrix,
    metric: Metric,
    built: HashMap<String, Index>,
}

impl Worker {
    fn open(material: &Value) -> Result<Self, Failure> {
        let read = |name: &str| read_matrix(material[name].as_str().ok_or("no path")?);
        let floats = read("floatPoints")?;
        Ok(Self {
            points: read("points")?,
            queries: read("queries")?,
            float_points: Points::new(floats.data, floats.dim)?,
            float_queries: read("floatQueries")?,
            metric: match material["metric"].as_str() {
                Some("cosine") => Metric::Cosine,
                _ => Metric::Euclidean,
            },
            built: HashMap::new(),
        })
    }

    fn build(&mut self, request: &Value) -> Result<Value, Failure> {
        let options = &request["options"];
        let whole = |name: &str| options[name].as_u64().map(|value| value as usize);
        // The index owns its rows, and a copy for it is not its work.
        let rows = Points::new(self.points.data.clone(), self.points.dim)?;
        let clock = Clock::start();
        let (index, elapsed, bytes, row_bytes) = match options["kind"].as_str() {
            Some("exact") => {
                let bytes = self.float_points.memory_bytes();
                (Index::Exact, clock.stop(), bytes, bytes)
            }
            Some("lsh") => {
                let family = match self.metric {
                    Metric::Cosine => FamilyKind::Srp,
                    Metric::Euclidean => FamilyKind::L2 { r: None },
                };
                let index = LshIndex::new(LshOptions {
                    family,
                    n_projections: whole("nProjections"),
                    n_hash_tables: whole("nHashTables"),
                    seed: 1,
                    ..LshOptions::default()
                })?;
                index.fit(rows, &Control::new())?;
                let elapsed = clock.stop();
                let bytes = index.memory_bytes();
                (Index::Lsh(index), elapsed, bytes, self.points.bytes())
            }
            Some("index") => {
                let index = AdaptiveIndex::new(IndexOptions {
                    metric: self.metric,
                    settle: whole("settle"),
                    seed: 1,
                    ..IndexOptions::default()
                })?;
                index.fit(rows, &Control::new())?;
                let elapsed = clock.stop();
                let bytes = index.memory_bytes();
                (Index::Adaptive(index), elapsed, bytes, self.points.bytes())
            }
            kind => return Err(format!("unknown kind {kind:?}").into()),
        };
        self.built.insert(name_of(request)?, index);
        let mut reply = elapsed;
        reply["bytes"] = bytes.into();
        reply["rowBytes"] = row_bytes.into();
        reply["residentBytes"] = 0.into();
        reply["basis"] = "what the engine says".into();
        Ok(reply)
    }

    /// The index that a request is about, made ready to be asked as it says.
    fn search(&self, request: &Value) -> Result<Search<'_>, Failure> {
        let index = self.built.get(&name_of(request)?);
        let index = index.ok_or("nothing was built by that name")?;
        let setting = &request["setting"];
        if let (Index::Lsh(index), Some(probes)) = (index, setting["probes"].as_u64()) {
            index.set_budget(usize::try_from(probes)?);
        }
        let k = number(request, "k")?;
        Ok(Search {
            worker: self,
            index,
            options: SearchOptions {
                recall: setting["recall"].as_f64(),
                ..SearchOptions::nearest(k)
            },
            ids: vec![0; k],
            distances: vec![0.0; k],
        })
    }

    fn answer(&self, request: &Value) -> Result<Value, Failure> {
        let mut search = self.search(request)?;
        let mut bytes = Vec::new();
        for query in 0..number(request, "count")? {
            let count = search.one(query)?;
            for (place, &id) in search.ids.iter().enumerate() {
                let id = if place < count {
                    i32::try_from(id)?
                } else {
                    -1
                };
                bytes.extend(id.to_le_bytes());
            }
        }
        fs::write(request["out"].as_str().ok_or("no path")?, bytes)?;
        Ok(json!({}))
    }

    fn time(&self, request: &Value) -> Result<Value, Failure> {
        let mut search = self.search(request)?;
        let (count, warm_up) = (number(request, "count")?, number(request, "warmUp")?);
        if request["calls"] == "all" {
            search.all(warm_up)?;
            let clock = Clock::start();
            search.all(count)?;
            return Ok(clock.stop());
        }
        let mut round = (0..number(request, "queries")?).cycle();
        for query in round.by_ref().take(warm_up) {
            search.one(query)?;
        }
        let clock = Clock::start();
        for query in round.take(count) {
            std::hint::black_box(search.one(query)?);
        }
        Ok(clock.stop())
    }
}

/// An index with a setting, and room for an answer.
struct Search<'a> {
    worker: &'a Worker,
    index: &'a Index,
    options: SearchOptions,
    ids: Vec<u32>,
    distances: Vec<f32>,
}

impl Search<'_> {
    /// Answers one query and says how many neighbours there are.
    fn one(&mut self, query: usize) -> Result<usize, Failure> {
        if let Index::Adaptive(index) = self.index {
            // Which checks it itself.
            let query = self.worker.queries.slice(query, query + 1);
            return Ok(index.search_one(
                query,
                &self.options,
                &mut self.ids,
                &mut self.distances,
            )?);
        }
        let found = self.range(query, query + 1)?;
        self.ids.copy_from_slice(&found.ids);
        Ok(found.counts[0] as usize)
    }

    /// Answers the first queries in one call.
    fn all(&self, count: usize) -> Result<(), Failure> {
        std::hint::black_box(self.range(0, count)?);
        Ok(())
    }

    fn range(&self, from: usize, to: usize) -> Result<Neighbors, Failure> {
        let Worker {
            queries,
            float_queries,
            float_points,
            ..
        } = self.worker;
        let (k, control) = (self.options.k, Control::new());
        Ok(match self.index {
            Index::Exact => {
                let (points, queries) = (float_points.view(), float_queries.range(from, to)?);
                exact::knn(&points, &queries, k, Metric::Euclidean, &control)?
            }
            Index::Lsh(index) => index.search(&queries.range(from, to)?, k, &control)?,
            Index::Adaptive(index) => {
                index.search(&queries.range(from, to)?, &self.options, &control)?
            }
        })
    }
}

/// Time on the clock, and of the CPU in all threads of this process where the system tells.
struct Clock {
    start: Instant,
    cpu: Option<u64>,
}

impl Clock {
    fn start() -> Self {
        Self {
            cpu: processor_time(),
            start: Instant::now(),
        }
    }

    fn stop(&self) -> Value {
        let seconds = self.start.elapsed().as_secs_f64();
        let cpu = self
            .cpu
            .zip(processor_time())
            .map(|(from, to)| (to - from) as f64 / 1e9);
        json!({ "seconds": seconds, "cpuSeconds": cpu.unwrap_or(seconds) })
    }
}

fn name_of(request: &Value) -> Result<String, Failure> {
    Ok(request["plan"].as_str().ok_or("no plan")?.to_owned())
}

fn number(request: &Value, name: &str) -> Result<usize, Failure> {
    let number = request[name].as_u64().ok_or_else(|| format!("no {name}"))?;
    Ok(usize::try_from(number)?)
}

fn reply(worker: &mut Option<Worker>, request: &Value) -> Result<Value, Failure> {
    if request["do"] == "open" {
        *worker = Some(Worker::open(&request["material"])?);
        let build = format!(
            "Rust release build, {} kernels chosen at run time",
            kernel::level()
        );
        return Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "build": build }));
    }
    let worker = worker.as_mut().ok_or("open comes first")?;
    match request["do"].as_str() {
        Some("build") => worker.build(request),
        Some("answer") => worker.answer(request),
        Some("time") => worker.time(request),
        Some("drop") => {
            worker.built.remove(&name_of(request)?);
            Ok(json!({}))
        }
        what => Err(format!("unknown request {what:?}").into()),
    }
}

fn main() -> Result<(), Failure> {
    let mut worker = None;
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        // The reader knows a reply by its beginning, so the number comes first.
        let mut fields = Map::new();
        match reply(&mut worker, &request) {
            Ok(Value::Object(found)) => fields.extend(found),
            Ok(_) => {}
            Err(error) => {
                fields.insert("error".into(), error.to_string().into());
            }
        }
        let fields = serde_json::to_string(&fields)?;
        let rest = fields.trim_start_matches('{');
        let comma = if rest == "}" { "" } else { "," };
        writeln!(stdout, "{{\"id\":{}{comma}{rest}", request["id"])?;
        stdout.flush()?;
    }
    Ok(())
}
