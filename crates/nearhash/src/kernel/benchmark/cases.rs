//! What each kernel works on: shapes of the data sets that the other benchmarks use, once within
//! the L2 cache and, where searches jump about, in memory.

use std::hint::black_box;

use crate::kernel::{
    Axes, BucketScan, Kernels, LANES, LINE, Line, Packing, RowCodes, Score, Shortlist, Soon, Split,
    padded_width,
};
use crate::large;
use crate::points::{RowSlice, SLACK};

/// Where the data lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// In the L2 cache of common CPUs.
    Near,
    /// Beyond all caches, read in random order where the kernel takes ids.
    Memory,
}

impl Place {
    fn bytes(self) -> usize {
        match self {
            Self::Near => 256 << 10,
            Self::Memory => 256 << 20,
        }
    }
}

/// Multiply-adds of a call, by what is multiplied.
#[derive(Debug, Clone, Copy)]
pub(super) enum Products {
    None,
    Floats(usize),
    Bytes(usize),
}

pub(super) struct Case {
    pub(super) kernel: &'static str,
    pub(super) shape: String,
    pub(super) place: Place,
    pub(super) bytes: usize,
    pub(super) products: Products,
    pub(super) work: Box<dyn FnMut(&Kernels)>,
}

/// One after the other, so that the arrays of one alone are there at a time.
pub(super) const ALL: &[fn() -> Vec<Case>] = &[
    || {
        vec![gather::<f32>(
            64,
            Place::Near,
            |x| RowSlice::F32(x),
            "float32",
        )]
    },
    || {
        vec![gather::<i16>(
            64,
            Place::Near,
            |x| RowSlice::I16(x),
            "int16",
        )]
    },
    || vec![gather::<u8>(64, Place::Near, |x| RowSlice::U8(x), "uint8")],
    || {
        vec![gather::<f32>(
            300,
            Place::Near,
            |x| RowSlice::F32(x),
            "float32",
        )]
    },
    || vec![gather::<u8>(784, Place::Near, |x| RowSlice::U8(x), "uint8")],
    || {
        vec![gather::<i16>(
            64,
            Place::Memory,
            |x| RowSlice::I16(x),
            "int16",
        )]
    },
    || {
        vec![gather::<f32>(
            300,
            Place::Memory,
            |x| RowSlice::F32(x),
            "float32",
        )]
    },
    || {
        vec![gather::<u8>(
            784,
            Place::Memory,
            |x| RowSlice::U8(x),
            "uint8",
        )]
    },
    || vec![pairs(64), pairs(784)],
    || {
        vec![
            project(128, 784, 256),
            project(1, 784, 112),
            project(1, 64, 256),
        ]
    },
    || vec![squares(128, 64, 256)],
    || vec![score(512, 64), score(512, 256)],
    || vec![project_codes(112, 784)],
    || {
        vec![
            scan(64, Packing::Bytes, Place::Near),
            scan(128, Packing::Nibbles, Place::Near),
            scan(304, Packing::Quarters, Place::Near),
        ]
    },
    || vec![scan(64, Packing::Bytes, Place::Memory)],
    || vec![scan(128, Packing::Nibbles, Place::Memory)],
    || vec![scan(304, Packing::Quarters, Place::Memory)],
    || vec![row_dots(2, Place::Near), row_dots(5, Place::Near)],
    || vec![row_dots(2, Place::Memory)],
    || vec![row_dots(5, Place::Memory)],
    lists,
    || vec![signs(), floors(), sums(), magnitude(), smallest()],
];

/// Numbers without any pattern that matters: those of a linear congruence.
fn numbers(count: usize) -> impl Iterator<Item = u32> {
    let mut state = 1_u64;
    (0..count).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    })
}

fn floats(count: usize) -> Vec<f32> {
    numbers(count).map(|x| x as f32 / 2e9 - 0.5).collect()
}

fn bytes_up_to(count: usize, most: u8) -> Vec<i8> {
    let span = 2 * u32::from(most) + 1;
    let bytes = numbers(count).map(|x| (x % span) as i32 - i32::from(most));
    bytes.map(|x| x as i8).collect()
}

fn lines(count: usize, most: u8) -> Vec<Line> {
    let mut lines = large::filled(Line([0; LINE]), count);
    let mut next = numbers(count * LINE);
    for line in &mut lines {
        line.0.fill_with(|| next.next().unwrap_or(0) as u8 & most);
    }
    lines
}

/// Ids of calls that take turns: all rows that are near, or some of many, others in every call, so
/// that what one has fetched is not near for the next.
fn id_sets(rows: usize, place: Place) -> Vec<Vec<u32>> {
    let (sets, count) = match place {
        Place::Near => (1, rows),
        Place::Memory => (64, 4096),
    };
    let ids: Vec<u32> = numbers(sets * count).map(|x| x % rows as u32).collect();
    ids.chunks(count).map(<[u32]>::to_vec).collect()
}

fn gather<T: Clone + Default + 'static>(
    dim: usize,
    place: Place,
    slice: fn(&[T]) -> RowSlice<'_>,
    kind: &str,
) -> Case {
    let count = place.bytes() / (dim * size_of::<T>());
    let rows = large::filled(T::default(), count * dim + SLACK);
    let mut query = floats(dim);
    query.resize(padded_width(dim), 0.0);
    let mut out = Vec::new();
    let sets = id_sets(count, place);
    let asked = sets[0].len();
    let mut turn = 0;
    Case {
        kernel: "exact distances of picked rows",
        shape: format!("{asked} rows of {dim} {kind}"),
        place,
        bytes: asked * dim * size_of::<T>(),
        products: Products::Floats(asked * dim),
        work: Box::new(move |kernels| {
            let ids = &sets[turn % sets.len()];
            turn += 1;
            out.resize(ids.len(), 0.0);
            kernels.gather(&query, slice(&rows), dim, ids, None, &mut out);
            black_box(&out);
        }),
    }
}

fn pairs(dim: usize) -> Case {
    let width = padded_width(dim);
    let (queries, rows) = (16, (64 << 10) / width / 4 * 4);
    let (a, b) = (floats(queries * width), floats(rows * width));
    let mut out = vec![0.0; queries * rows];
    Case {
        kernel: "exact distances of all pairs",
        shape: format!("{queries} x {rows} vectors of {dim}"),
        place: Place::Near,
        bytes: rows * width * 4,
        products: Products::Floats(queries * rows * width),
        work: Box::new(move |kernels| {
            kernels.pairs(&a, &b, width, &mut out, rows);
            black_box(&out);
        }),
    }
}

fn planes(rows: usize, dim: usize, planes: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>) {
    let (offsets, out) = (vec![0.0; planes], vec![0.0; rows * planes]);
    (floats(rows * dim), floats(planes * dim), offsets, out)
}

fn rows_of(count: usize, dim: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} row{plural} of {dim}")
}

fn project(count: usize, dim: usize, axes: usize) -> Case {
    let (rows, panels, offsets, mut out) = planes(count, dim, axes);
    Case {
        kernel: "projection",
        shape: format!("{} on {axes}", rows_of(count, dim)),
        place: Place::Near,
        bytes: panels.len() * 4,
        products: Products::Floats(count * dim * axes),
        work: Box::new(move |kernels| {
            kernels.project(&rows, dim, dim, &panels, &offsets, &mut out);
            black_box(&out);
        }),
    }
}

fn squares(count: usize, dim: usize, axes: usize) -> Case {
    let (rows, panels, offsets, mut out) = planes(count, dim, axes);
    Case {
        kernel: "distances from centres, float32",
        shape: format!("{}, {axes} centres", rows_of(count, dim)),
        place: Place::Near,
        bytes: panels.len() * 4,
        products: Products::Floats(count * dim * axes),
        work: Box::new(move |kernels| {
            kernels.squares(&rows, dim, dim, &panels, &offsets, &mut out);
            black_box(&out);
        }),
    }
}

fn score(centres: usize, axes: usize) -> Case {
    let codes = lines(centres / LANES * axes / 4, 127);
    let query = bytes_up_to(axes, 127);
    let norms = floats(centres);
    let mut out = vec![0.0; centres];
    Case {
        kernel: "distances from centres, bytes",
        shape: format!("{centres} centres of {axes}"),
        place: Place::Near,
        bytes: codes.len() * LINE + centres * 4,
        products: Products::Bytes(centres * axes),
        work: Box::new(move |kernels| {
            let score = Score {
                codes: &codes,
                lines: axes / 4,
                query: &query,
                norms: &norms,
                plus: 1.0,
                times: -0.5,
            };
            kernels.score(score, &mut out);
            black_box(&out);
        }),
    }
}

fn project_codes(axes: usize, dim: usize) -> Case {
    let codes = lines(axes / LANES * dim / 4, 127);
    let (factors, offsets) = (floats(axes), floats(axes));
    let (x, from) = (floats(dim), vec![0.0; dim]);
    let mut vector = Split::default();
    let mut out = vec![0.0; axes];
    Case {
        kernel: "projection on bytes",
        shape: format!("1 row of {dim} on {axes}"),
        place: Place::Near,
        bytes: codes.len() * LINE,
        products: Products::Bytes(2 * axes * dim),
        work: Box::new(move |kernels| {
            kernels.split(&x, &from, &mut vector);
            let axes = Axes {
                codes: &codes,
                lines: dim / 4,
                vector: &vector,
                middle: 64.0,
                factors: &factors,
                offsets: &offsets,
            };
            kernels.project_codes(axes, &mut out);
            black_box(&out);
        }),
    }
}

fn scan(axes: usize, packing: Packing, place: Place) -> Case {
    let lines_of_group = axes / packing.dimensions();
    let stride = lines_of_group + 1;
    let groups = place.bytes() / (stride * LINE);
    let codes = lines(
        groups * stride,
        if packing == Packing::Bytes { 127 } else { 255 },
    );
    let query = bytes_up_to(axes, 127);
    // A bucket of so many groups at a time, as searches do.
    let bucket = groups.min(64);
    let live = vec![u16::MAX; bucket];
    let mut list = Shortlist::default();
    let mut at = 0;
    Case {
        kernel: match packing {
            Packing::Bytes => "scan of bytes",
            Packing::Nibbles => "scan of nibbles",
            Packing::Quarters => "scan of quarters",
        },
        shape: format!("{} codes of {axes}", bucket * LANES),
        place,
        bytes: bucket * stride * LINE,
        products: Products::Bytes(bucket * LANES * axes),
        work: Box::new(move |kernels| {
            if at + 2 * bucket > groups {
                at = 0;
            }
            list.reset(10, 16);
            kernels.scan(
                BucketScan {
                    groups: &codes[at * stride..(at + bucket) * stride],
                    lines: lines_of_group,
                    packing,
                    live: &live,
                    query: &query,
                    dots: None,
                    base: 1e9,
                    a_unit: 0.0,
                    u_factor: 1e-3,
                    middle: 0.0,
                    e_factor: 0.0,
                    u_margin: 0.0,
                    u_plus: 0.0,
                    e_margin: 0.0,
                    margin: 0.0,
                    first: 0,
                    rank: 0,
                    soon: Soon::Next(&codes[(at + bucket) * stride..]),
                },
                &mut list,
            );
            at += bucket;
            black_box(&list);
        }),
    }
}

fn row_dots(lines_of_row: usize, place: Place) -> Case {
    let count = place.bytes() / (lines_of_row * LINE);
    let codes = lines(count * lines_of_row, 255);
    let (high, low) = (
        bytes_up_to(lines_of_row * LINE, 63),
        bytes_up_to(lines_of_row * LINE, 63),
    );
    let mut out = Vec::new();
    let sets = id_sets(count, place);
    let asked = sets[0].len();
    let mut turn = 0;
    Case {
        kernel: "dot products of picked codes",
        shape: format!("{asked} codes of {} bytes", lines_of_row * LINE),
        place,
        bytes: asked * lines_of_row * LINE,
        products: Products::Bytes(2 * asked * lines_of_row * LINE),
        work: Box::new(move |kernels| {
            let ids = &sets[turn % sets.len()];
            turn += 1;
            out.resize(ids.len(), 0.0);
            let rows = RowCodes {
                codes: &codes,
                lines: lines_of_row,
                high: &high,
                low: &low,
                ids,
            };
            kernels.row_dots(rows, &mut out);
            black_box(&out);
        }),
    }
}

/// A kernel that goes through floats.
fn over_floats(
    kernel: &'static str,
    count: usize,
    mut work: impl FnMut(&Kernels, &[f32]) + 'static,
) -> Case {
    let values = floats(count);
    Case {
        kernel,
        shape: format!("{count} float32"),
        place: Place::Near,
        bytes: count * 4,
        products: Products::None,
        work: Box::new(move |kernels| work(kernels, &values)),
    }
}

const FLOATS: usize = 16 << 10;

fn lists() -> Vec<Case> {
    vec![
        over_floats(
            "count of values within a limit",
            FLOATS,
            |kernels, values| {
                black_box(kernels.count_within(values, -0.4));
            },
        ),
        over_floats(
            "count of values within three limits",
            FLOATS,
            |kernels, values| {
                black_box(kernels.count_within_three(values, &[-0.45, -0.4, -0.3]));
            },
        ),
        over_floats("list of values within a limit, one in fifty", FLOATS, {
            let mut places = Vec::new();
            move |kernels, values| {
                places.clear();
                kernels.list_within(values, -0.48, &mut places);
                black_box(&places);
            }
        }),
    ]
}

fn signs() -> Case {
    let mut out = vec![0; FLOATS / LANES];
    over_floats("signs", FLOATS, move |kernels, values| {
        kernels.signs(values, &mut out);
        black_box(&out);
    })
}

fn floors() -> Case {
    let mut out = vec![0; FLOATS];
    over_floats("floors", FLOATS, move |kernels, values| {
        kernels.floors(values, &mut out);
        black_box(&out);
    })
}

fn sums() -> Case {
    const FACTORS: usize = 16;
    let values: Vec<i32> = numbers(FLOATS).map(|x| x as i32).collect();
    let factors: Vec<u64> = numbers(FACTORS).map(u64::from).collect();
    let mut out = vec![0; FLOATS / FACTORS];
    Case {
        kernel: "keys from values",
        shape: format!("{FLOATS} integers, {FACTORS} a key"),
        place: Place::Near,
        bytes: FLOATS * 4,
        products: Products::None,
        work: Box::new(move |kernels| {
            kernels.sums(&values, &factors, &mut out);
            black_box(&out);
        }),
    }
}

fn magnitude() -> Case {
    over_floats("largest absolute value", FLOATS, |kernels, values| {
        black_box(kernels.magnitude(values));
    })
}

fn smallest() -> Case {
    over_floats("place of the smallest value", FLOATS, |kernels, values| {
        black_box(kernels.smallest(values));
    })
}
