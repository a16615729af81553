//! Every instruction set that this CPU has gives the bits of a scalar loop, written here once more.

mod codes;
mod lanes;
mod quantise;
mod residuals;
mod row_codes;
mod scan;
mod tile;

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::level::Level;
use super::residuals::{Decoded, Residual};
use super::*;
use crate::points::{RowSlice, SLACK};
use crate::testing::config;

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Ordinary numbers, and among them zeros of both signs, denormals, tiny and large ones.
fn number(generator: &mut ChaCha8Rng) -> f32 {
    let x: f32 = generator.sample(StandardNormal);
    match generator.random_range(0..20) {
        0 => 0.0,
        1 => -0.0,
        2 => x * 1e-40,
        3 => x * 1e-18,
        4 => x * 1e15,
        _ => x,
    }
}

fn numbers(generator: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| number(generator)).collect()
}

/// Equal bits; which NaN it is does not matter.
fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[track_caller]
fn assert_same(found: &[f32], expected: &[f32], what: impl std::fmt::Debug) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(same(*a, *b), "{what:?}: {a:e} instead of {b:e} at {i}");
    }
}

/// Sixteen partial sums over the dimensions i, i + 16, …; then lane i plus i + 8, i + 4, i + 2, i + 1.
fn naive_squared(query: &[f32], row: &[f32], scale: Option<f32>) -> f32 {
    let mut sums = [0.0_f32; 16];
    for (j, (q, x)) in query.iter().zip(row).enumerate() {
        let x = scale.map_or(*x, |scale| x * scale);
        let difference = x - q;
        sums[j % 16] = difference.mul_add(difference, sums[j % 16]);
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}

#[test]
fn the_portable_kernels_are_always_there_and_the_best_come_last() {
    let levels: Vec<_> = Kernels::available().map(|kernels| kernels.level).collect();
    assert_eq!(levels[0], Level::Portable);
    assert!(levels.is_sorted());
    let names: Vec<_> = levels.iter().map(|level| level.name()).collect();
    assert!(names.contains(&level()));
    if std::env::var_os("NEARHASH_CPU").is_none() {
        assert_eq!(level(), names[names.len() - 1]);
    }
    // NEON belongs to the architecture.
    #[cfg(target_arch = "aarch64")]
    assert!(levels.contains(&Level::Neon));
}

/// Project `count` rows and compare with the scalar loop. What lies between rows, and behind the
/// results, is not to be touched.
fn check_projection(seed: u64, count: usize, dim: usize, gap: usize, panel_count: usize) {
    let mut generator = generator(seed);
    let stride = dim + gap;
    let mut rows = numbers(&mut generator, count * stride);
    for row in rows.chunks_mut(stride) {
        row[dim..].fill(f32::NAN);
    }
    let width = panel_count * LANES;
    let planes: Vec<Vec<f32>> = (0..width).map(|_| numbers(&mut generator, dim)).collect();
    let offsets = numbers(&mut generator, width);
    let mut panels = vec![0.0; width * dim];
    for (plane, values) in planes.iter().enumerate() {
        for (j, x) in values.iter().enumerate() {
            panels[(plane / LANES * dim + j) * LANES + plane % LANES] = *x;
        }
    }
    let naive = |term: fn(f32, f32, f32) -> f32| -> Vec<f32> {
        rows.chunks(stride)
            .flat_map(|row| {
                planes.iter().zip(&offsets).map(move |(plane, offset)| {
                    let row = row[..dim].iter().zip(plane);
                    row.fold(*offset, |sum, (x, p)| term(*x, *p, sum))
                })
            })
            .collect()
    };
    let projected = naive(|x, p, sum| x.mul_add(p, sum));
    let squares = naive(|x, p, sum| (x - p).mul_add(x - p, sum));
    for kernels in Kernels::available() {
        for (squared, expected) in [(false, &projected), (true, &squares)] {
            const GUARD: f32 = 12345.0;
            let mut out = vec![GUARD; count * width + 32];
            let (front, rest) = out.split_at_mut(16);
            let (out, back) = rest.split_at_mut(count * width);
            if squared {
                kernels.squares(&rows, stride, dim, &panels, &offsets, out);
            } else {
                kernels.project(&rows, stride, dim, &panels, &offsets, out);
            }
            let what = (kernels.level, squared, count, dim, gap, panel_count);
            assert_same(out, expected, what);
            assert!(front.iter().chain(&*back).all(|x| *x == GUARD), "{what:?}");
        }
    }
}

#[test]
fn projections_equal_the_scalar_loop_for_every_shape_of_tile() {
    for count in 0..=20 {
        for panel_count in 1..=9 {
            for dim in [1, 3, 17] {
                check_projection(count as u64, count, dim, 0, panel_count);
            }
        }
    }
}

#[test]
fn projections_equal_the_scalar_loop_for_every_vector_length() {
    for dim in 1..=100 {
        check_projection(dim as u64, 7, dim, dim % 5, 1 + dim % 9);
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn projections_equal_the_scalar_loop(
        seed: u64, count in 1..=20_usize, dim in 1..=100_usize, gap in 0..40_usize, panels in 1..=9_usize,
    ) {
        check_projection(seed, count, dim, gap, panels);
    }
}

/// Squared distances to picked rows of one type, against the scalar loop. The slack behind the last
/// row holds `slack`, which must not matter.
fn check_gather<T: Copy + Into<f32>>(
    seed: u64,
    dim: usize,
    id_count: usize,
    values: impl Fn(&mut ChaCha8Rng) -> T,
    slack: T,
    slice: impl Fn(&[T]) -> RowSlice<'_>,
) {
    let mut generator = generator(seed);
    let count = generator.random_range(1..30_usize);
    let mut rows: Vec<T> = (0..count * dim).map(|_| values(&mut generator)).collect();
    let wide: Vec<f32> = rows.iter().map(|x| (*x).into()).collect();
    rows.extend([slack; SLACK]);
    let mut query = numbers(&mut generator, dim);
    query.resize(padded_width(dim), 0.0);
    let scales: Vec<f32> = (0..count)
        .map(|_| generator.random_range(0.1..2.0))
        .collect();
    let mut ids: Vec<u32> = (0..id_count)
        .map(|_| generator.random_range(0..count as u32))
        .collect();
    // The last row, whose reading ends in the slack, and the first.
    let ends = [count as u32 - 1, 0];
    for (id, end) in ids.iter_mut().rev().zip(ends) {
        *id = end;
    }
    for scales in [None, Some(&scales[..])] {
        let expected: Vec<f32> = ids
            .iter()
            .map(|id| {
                let row = &wide[*id as usize * dim..][..dim];
                naive_squared(&query, row, scales.map(|scales| scales[*id as usize]))
            })
            .collect();
        for kernels in Kernels::available() {
            let mut out = vec![-1.0; id_count + 4];
            kernels.gather(
                &query,
                slice(&rows),
                dim,
                &ids,
                scales,
                &mut out[..id_count],
            );
            let what = (kernels.level, dim, id_count, scales.is_some());
            assert_same(&out[..id_count], &expected, what);
            assert!(out[id_count..].iter().all(|x| *x == -1.0), "{what:?}");
        }
    }
}

fn check_all_gathers(seed: u64, dim: usize, id_count: usize) {
    for slack in [f32::NAN, f32::INFINITY, f32::MAX] {
        check_gather(seed, dim, id_count, number, slack, |rows| {
            RowSlice::F32(rows)
        });
    }
    let bytes = |generator: &mut ChaCha8Rng| generator.next_u32() as u8;
    check_gather(seed, dim, id_count, bytes, u8::MAX, |rows| {
        RowSlice::U8(rows)
    });
    let words = |generator: &mut ChaCha8Rng| generator.next_u32() as i16;
    for slack in [i16::MIN, i16::MAX] {
        check_gather(seed, dim, id_count, words, slack, |rows| {
            RowSlice::I16(rows)
        });
    }
}

#[test]
fn gathered_distances_equal_the_scalar_loop_for_every_length_and_what_lies_behind_does_not_leak() {
    for dim in 1..=100 {
        for id_count in [0, 1, 2, 3, 4, 5, 8, 13, 21] {
            check_all_gathers((dim * 100 + id_count) as u64, dim, id_count);
        }
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn gathered_distances_equal_the_scalar_loop(seed: u64, dim in 1..=300_usize, id_count in 0..60_usize) {
        check_all_gathers(seed, dim, id_count);
    }
}

fn check_pairs(seed: u64, query_count: usize, row_count: usize, width: usize, gap: usize) {
    let mut generator = generator(seed);
    let queries = numbers(&mut generator, query_count * width);
    let rows = numbers(&mut generator, row_count * width);
    let stride = row_count + gap;
    let mut expected = vec![-1.0; query_count * stride + 8];
    for (i, query) in queries.chunks(width).enumerate() {
        for (j, row) in rows.chunks(width).enumerate() {
            expected[i * stride + j] = naive_squared(query, row, None);
        }
    }
    for kernels in Kernels::available() {
        let mut out = vec![-1.0; expected.len()];
        kernels.pairs(&queries, &rows, width, &mut out, stride);
        // Guards between and behind the results are among those compared.
        let what = (kernels.level, query_count, row_count, width, gap);
        assert_same(&out, &expected, what);
    }
}

#[test]
fn distances_of_pairs_equal_the_scalar_loop_for_every_shape_of_tile() {
    for queries in 0..=10 {
        for rows in 0..=10 {
            for width in [16, 32, 48, 112] {
                check_pairs(
                    (queries * 11 + rows) as u64,
                    queries,
                    rows,
                    width,
                    queries % 3,
                );
            }
        }
    }
}

#[test]
fn a_pair_has_the_bits_of_a_gathered_distance() {
    let mut generator = generator(3);
    for dim in [1, 15, 16, 17, 64, 100] {
        let width = padded_width(dim);
        let mut query = numbers(&mut generator, dim);
        query.resize(width, 0.0);
        let row = numbers(&mut generator, dim);
        let mut slack = row.clone();
        slack.resize(dim + SLACK, f32::NAN);
        let mut padded = row;
        padded.resize(width, 0.0);
        for kernels in Kernels::available() {
            let (mut gathered, mut paired) = ([0.0], [0.0]);
            kernels.gather(
                &query,
                RowSlice::F32(&slack),
                dim,
                &[0],
                None,
                &mut gathered,
            );
            kernels.pairs(&query, &padded, width, &mut paired, 1);
            assert_same(&gathered, &paired, (kernels.level, dim));
        }
    }
}

/// Numbers at the edges of float32.
const EDGES: [f32; 26] = [
    0.0,
    -0.0,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1e-45,
    -1e-45,
    0.5,
    -0.5,
    1.0,
    -1.0,
    -0.999_999_94,
    0.999_999_94,
    -7.25,
    3.0,
    8_388_609.0,
    -8_388_607.5,
    FLOOR,
    -FLOOR,
    1_073_741_900.0,
    -1_073_741_900.0,
    1_073_741_760.0,
];
const FLOOR: f32 = (1 << 30) as f32;

/// Each edge in each lane, then any bits there are.
fn lane_inputs() -> Vec<f32> {
    let mut values = Vec::new();
    for shift in 0..LANES {
        values.extend((0..EDGES.len() * LANES).map(|i| EDGES[(i + shift) % EDGES.len()]));
    }
    let mut generator = generator(9);
    values.extend((0..LANES * 4000).map(|_| f32::from_bits(generator.next_u32())));
    values
}

#[test]
fn a_sign_bit_is_set_for_zeros_and_all_above_and_for_nothing_else() {
    let values = lane_inputs();
    for kernels in Kernels::available() {
        let mut words = vec![0; values.len() / LANES];
        kernels.signs(&values, &mut words);
        for (i, x) in values.iter().enumerate() {
            let bit = words[i / LANES] >> (i % LANES) & 1 == 1;
            let expected = match x.partial_cmp(&0.0) {
                Some(order) => order.is_ge(),
                None => false,
            };
            assert_eq!(bit, expected, "{:?}: {x:e}", kernels.level);
        }
    }
}

#[test]
fn floors_are_those_of_real_numbers_within_their_bounds() {
    let values = lane_inputs();
    for kernels in Kernels::available() {
        let mut floors = vec![7; values.len()];
        kernels.floors(&values, &mut floors);
        for (x, floor) in values.iter().zip(&floors) {
            let expected = if x.is_nan() {
                -(1 << 30)
            } else {
                f64::from(*x)
                    .floor()
                    .clamp(-1_073_741_824.0, 1_073_741_824.0) as i32
            };
            assert_eq!(*floor, expected, "{:?}: {x:e}", kernels.level);
        }
    }
}

#[test]
fn the_magnitude_is_the_largest_absolute_value_and_tells_of_nan_and_infinity() {
    let mut generator = generator(10);
    for count in [0, 1, 2, 15, 16, 17, 100, 1000] {
        let values = numbers(&mut generator, count);
        let expected = values.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        for kernels in Kernels::available() {
            assert_eq!(kernels.magnitude(&values), expected, "{:?}", kernels.level);
            for at in 0..count {
                let mut values = values.clone();
                for x in [f32::NAN, -f32::NAN] {
                    values[at] = x;
                    assert!(kernels.magnitude(&values).is_nan());
                }
                values[at] = f32::NEG_INFINITY;
                assert_eq!(kernels.magnitude(&values), f32::INFINITY);
            }
        }
    }
}

#[test]
fn the_smallest_value_is_the_first_of_equal_ones_wherever_it_stands() {
    for kernels in Kernels::available() {
        for length in 1..=70 {
            for place in 0..length {
                let mut values = vec![2.0; length];
                values[place..].fill(-1.5);
                assert_eq!(kernels.smallest(&values), place, "{:?}", kernels.level);
                values[place + 1..].fill(f32::INFINITY);
                values[..place].fill(f32::NAN);
                assert_eq!(kernels.smallest(&values), place, "{:?}", kernels.level);
            }
        }
        assert_eq!(kernels.smallest(&[f32::INFINITY; 40]), 0);
        assert_eq!(kernels.smallest(&[f32::NAN; 40]), 0);
        assert_eq!(kernels.smallest(&[]), 0);
    }
}

#[test]
fn sums_of_factors_wrap_and_take_no_more_than_whole_runs() {
    let mut generator = generator(11);
    for count in [1, 2, 3, 7, 8, 15, 16, 17, 63, 64] {
        for runs in [0, 1, 2, 5, 20] {
            let factors: Vec<u64> = (0..count).map(|_| generator.next_u64()).collect();
            let values: Vec<i32> = (0..runs * count + 3)
                .map(|_| generator.next_u32() as i32)
                .collect();
            let expected: Vec<u64> = values
                .chunks(count)
                .take(runs)
                .map(|run| {
                    let terms = run.iter().zip(&factors);
                    terms.fold(0_i128, |sum, (value, factor)| {
                        (sum + i128::from(*value) * i128::from(*factor)) & i128::from(u64::MAX)
                    }) as u64
                })
                .collect();
            for kernels in Kernels::available() {
                let mut out = vec![7; runs];
                kernels.sums(&values, &factors, &mut out);
                assert_eq!(out, expected, "{:?}", kernels.level);
            }
        }
    }
}

#[track_caller]
fn assert_panics(what: &str, work: impl FnOnce()) {
    assert!(
        catch_unwind(AssertUnwindSafe(work)).is_err(),
        "accepted: {what}"
    );
}

#[test]
fn lengths_that_do_not_fit_together_panic() {
    for kernels in Kernels::available() {
        let (row, panel, offsets) = ([0.0_f32; 8], [0.0_f32; 64], [0.0_f32; 16]);
        let mut out = [0.0_f32; 32];
        kernels.project(&row, 4, 4, &panel, &offsets, &mut out);
        assert_panics("rows that are no multiple of the stride", || {
            kernels.project(&row[..7], 4, 4, &panel, &offsets, &mut out);
        });
        assert_panics("a stride below the vector length", || {
            kernels.project(&row, 2, 4, &panel, &offsets, &mut [0.0; 64]);
        });
        assert_panics("a stride of 0", || {
            kernels.project(&row, 0, 0, &[], &offsets, &mut out);
        });
        assert_panics("a short panel", || {
            kernels.project(&row, 4, 4, &panel[..63], &offsets, &mut out);
        });
        assert_panics("offsets of half a panel", || {
            kernels.project(&row, 4, 4, &panel, &offsets[..8], &mut out);
        });
        assert_panics("a short result", || {
            kernels.project(&row, 4, 4, &panel, &offsets, &mut out[..31]);
        });

        let query = [0.0; 16];
        let rows = [0.0_f32; 8 + SLACK];
        let mut out = [0.0; 2];
        let gather =
            |query: &[f32], rows: &[f32], ids: &[u32], scales: Option<&[f32]>, out: &mut [f32]| {
                kernels.gather(query, RowSlice::F32(rows), 4, ids, scales, out);
            };
        gather(&query, &rows, &[1, 0], Some(&[1.0, 1.0]), &mut out);
        assert_panics("an id behind the last row", || {
            gather(&query, &rows, &[0, 2], None, &mut out);
        });
        assert_panics("no rows but an id", || {
            gather(&query, &rows[..SLACK], &[0, 0], None, &mut out);
        });
        assert_panics("less than the slack", || {
            gather(&query, &rows[..SLACK - 1], &[0, 0], None, &mut out);
        });
        assert_panics("nothing at all", || {
            gather(&query, &[], &[0, 0], None, &mut out)
        });
        assert_panics("a query without padding", || {
            gather(&query[..4], &rows, &[0, 1], None, &mut out);
        });
        assert_panics("more ids than results", || {
            gather(&query, &rows, &[0, 1, 0], None, &mut out);
        });
        assert_panics("fewer factors than rows", || {
            gather(&query, &rows, &[0, 1], Some(&[1.0]), &mut out);
        });
        assert_panics("vectors without a length", || {
            kernels.gather(&[], RowSlice::F32(&rows), 0, &[0, 1], None, &mut out);
        });

        let rows = [0.0; 32];
        assert_panics("a width of no whole lanes", || {
            kernels.pairs(&rows[..16], &rows, 8, &mut [0.0; 8], 4);
        });
        assert_panics("a width of 0", || {
            kernels.pairs(&rows, &rows, 0, &mut [0.0; 8], 4)
        });
        assert_panics("half a query", || {
            kernels.pairs(&rows[..24], &rows, 16, &mut [0.0; 8], 2);
        });
        assert_panics("half a row", || {
            kernels.pairs(&rows, &rows[..24], 16, &mut [0.0; 8], 2);
        });
        assert_panics("a short matrix of results", || {
            kernels.pairs(&rows, &rows, 16, &mut [0.0; 3], 2);
        });
        assert_panics("overlapping rows of results", || {
            kernels.pairs(&rows, &rows, 16, &mut [0.0; 8], 1);
        });

        assert_panics("signs of half a word", || {
            kernels.signs(&rows[..24], &mut [0; 2]);
        });
        assert_panics("floors of half a block", || {
            kernels.floors(&rows[..24], &mut [0; 24]);
        });
        assert_panics("sums without factors", || {
            kernels.sums(&[1, 2], &[], &mut [0; 1]);
        });
        assert_panics("more sums than runs", || {
            kernels.sums(&[1, 2, 3], &[1, 1], &mut [0; 2]);
        });
        assert_panics("floors without room", || {
            kernels.floors(&rows, &mut [0; 16])
        });
    }
}
