//! Time `fit`, `predict` and single searches in Rust alone, for comparison with the same calls
//! through Node:
//! `cargo run --release --example predict -- <points.npy> <queries> <threads> <rounds> <part>`.
//!
//! The file holds uint16 in C order, version 1.0. Queries are its first rows, repeated as often as
//! it takes. The part is `predict` (batches) or `single` (one query at a time), both of L2. Prints
//! one JSON object.

mod processor_time;

use std::error::Error;
use std::time::Instant;

use nearhash::{
    Control, FamilyKind, LshIndex, LshOptions, Points, PredictOptions, RowData, RowSlice, RowsView,
};

use processor_time::processor_time;

const TOP_K: usize = 10;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, queries, threads, rounds, part] = arguments.as_slice() else {
        return Err("usage: predict <points.npy> <queries> <threads> <rounds> <part>".into());
    };
    let (queries, rounds): (usize, usize) = (queries.parse()?, rounds.parse()?);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build()?;
    let json = pool.install(|| -> Outcome<String> {
        let (points, dim) = read(path)?;
        let asked: Vec<f32> = points.iter().copied().cycle().take(queries * dim).collect();
        match part.as_str() {
            "predict" => predict(points, &RowsView::new(RowSlice::F32(&asked), dim)?, rounds),
            "single" => single(&asked, dim, rounds),
            _ => Err("the part is predict or single".into()),
        }
    })?;
    println!("{{{json}}}");
    Ok(())
}

/// Milliseconds of a batch of `predict`, round by round; bytes; as JSON.
fn predict(points: Vec<f32>, asked: &RowsView<'_>, rounds: usize) -> Outcome<String> {
    let dim = asked.dim();
    let index = LshIndex::new(LshOptions {
        family: FamilyKind::L2 { r: Some(3360.0) },
        n_projections: Some(15),
        n_hash_tables: Some(20),
        ..LshOptions::default()
    })?;
    let control = Control::new();
    let before = peak_memory();
    let (floats, start) = (points.len(), Instant::now());
    index.fit(Points::new(RowData::F32(points), dim)?, &control)?;
    let fit = start.elapsed().as_secs_f64() * 1e3;
    let grown = peak_memory()
        .zip(before)
        .map(|(after, before)| after - before);

    let options = PredictOptions {
        top_k: TOP_K,
        vectors: true,
        ..PredictOptions::default()
    };
    let mut times = Vec::new();
    let mut sum = 0_u64;
    for _ in 0..rounds {
        let start = Instant::now();
        let found = index.predict(asked, &options, &control)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        sum = found.ids.iter().map(|id| u64::from(*id)).sum();
    }
    Ok(format!(
        "\"fitMs\":{fit},\"predictMs\":{times:?},\"idSum\":{sum},\"pointBytes\":{},\"indexBytes\":{},\"fitPeakGrowthBytes\":{}",
        floats * size_of::<f32>(),
        index.memory_bytes(),
        grown.map_or("null".into(), |bytes| bytes.to_string()),
    ))
}

/// Nanoseconds of a single search, round by round, in an index that answers fast, as JSON.
fn single(values: &[f32], dim: usize, rounds: usize) -> Outcome<String> {
    let index = LshIndex::new(LshOptions {
        family: FamilyKind::L2 { r: Some(3360.0) },
        n_projections: Some(40),
        n_hash_tables: Some(2),
        ..LshOptions::default()
    })?;
    index.fit(
        Points::new(RowData::F32(values.to_vec()), dim)?,
        &Control::new(),
    )?;
    let (times, sum) = one_by_one(values, dim, rounds, |query, ids, distances| {
        index.search_one(query, ids, distances)
    })?;
    Ok(format!("\"singleNs\":{times:?},\"idSum\":{sum}"))
}

/// Nanoseconds of one search of each row of `values`, round by round, of processor time where
/// the system tells it; the sum of ids.
fn one_by_one(
    values: &[f32],
    dim: usize,
    rounds: usize,
    search: impl Fn(RowSlice<'_>, &mut [u32], &mut [f32]) -> nearhash::Result<usize>,
) -> Outcome<(Vec<f64>, u64)> {
    let (mut ids, mut distances) = ([0; TOP_K], [0.0; TOP_K]);
    let (mut times, mut sum) = (Vec::new(), 0);
    for _ in 0..rounds {
        sum = 0;
        let (start, worked) = (Instant::now(), processor_time());
        for query in values.chunks_exact(dim) {
            let count = search(RowSlice::F32(query), &mut ids, &mut distances)?;
            sum += ids[..count].iter().map(|id| u64::from(*id)).sum::<u64>();
        }
        let elapsed = match (worked, processor_time()) {
            (Some(before), Some(after)) => (after - before) as f64,
            _ => start.elapsed().as_secs_f64() * 1e9,
        };
        times.push(elapsed / (values.len() / dim) as f64);
    }
    Ok((times, sum))
}

/// Most memory that this process has had, where Linux tells it.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn read(path: &str) -> Outcome<(Vec<f32>, usize)> {
    let bytes = std::fs::read(path)?;
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..header])?;
    if !bytes.starts_with(b"\x93NUMPY\x01") || !text.contains("'<u2'") {
        return Err(format!("{path}: uint16 in .npy version 1.0 is needed").into());
    }
    let shape = text
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let dim = shape.and_then(|(shape, _)| shape.split(',').nth(1)?.trim().parse().ok());
    let values = bytes[header..].chunks_exact(2);
    let values = values.map(|pair| f32::from(u16::from_le_bytes([pair[0], pair[1]])));
    Ok((values.collect(), dim.ok_or("no second dimension")?))
}
