use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::adaptive::codes::Bits;
use crate::adaptive::layout::Shape;
use crate::adaptive::spread_weight::SpreadWeight;
use crate::control::Control;
use crate::kernel::{LANES, padded_width};
use crate::metric::Metric;
use crate::points::{Points, RowData, RowSlice, RowsView};
use crate::random::stream;

fn normal(seed: u64, count: usize, dim: usize) -> Vec<f32> {
    let mut random = stream(seed, 0);
    (0..count * dim)
        .map(|i| random.sample::<f32, _>(StandardNormal) / (1.0 + (i % dim) as f32 / 7.0))
        .collect()
}

fn shaped(seed: u64, count: usize, dim: usize, shape: Shape) -> Model {
    let points = Points::new(RowData::F32(normal(seed, count, dim)), dim).unwrap();
    Model::fit(&points.view(), Metric::Euclidean, shape, 1, &Control::new()).unwrap()
}

fn model(seed: u64, count: usize, dim: usize) -> Model {
    shaped(seed, count, dim, Shape::default())
}

/// With buckets in one region, and in several.
fn models(seed: u64, count: usize, dim: usize) -> [Model; 2] {
    let several = Shape {
        regions_from: 0,
        ..Shape::default()
    };
    let models = [Shape::default(), several].map(|shape| shaped(seed, count, dim, shape));
    let regions = models.each_ref().map(|model| model.centres.regions.len());
    assert!(regions[0] == 1 && regions[1] > 3, "{regions:?}");
    models
}

fn effort(k: usize, most: usize) -> Effort {
    Effort {
        k,
        most,
        expected: 5,
        first_checkpoint: usize::MAX,
        kappa: 2.0,
        stranger_kappa: 2.0,
        ordinary: Ordinary::ANY,
        usual: 1.0,
    }
}

fn prepared(model: &Model, query: &[f32]) -> Scratch {
    let mut scratch = Scratch {
        query: vec![0.0; padded_width(query.len())],
        ..Scratch::default()
    };
    scratch.query[..query.len()].copy_from_slice(query);
    assert!(model.prepare(Kernels::get(), &mut scratch));
    scratch
}

/// The estimate of a row, decoded in plain floats.
fn estimate(model: &Model, scratch: &Scratch, row: u32) -> f64 {
    let codes = &model.codes;
    let axes = codes.axes;
    let b = codes.bucket_of(row);
    let bucket = &codes.buckets[b];
    let at = (row - bucket.first_row) as usize;
    let (lane, first) = (
        at % LANES,
        (bucket.first_group as usize + at / LANES) * codes.stride(),
    );
    let norms = &codes.groups[first].0;
    let half = u16::from_le_bytes([norms[2 * lane], norms[2 * lane + 1]]);
    let a = f64::from(half::f16::from_bits(half).to_f32()) * f64::from(bucket.a_unit);
    let u = f64::from(norms[32 + lane]) * f64::from(bucket.u_unit);
    let e = f64::from(norms[48 + lane]) * f64::from(bucket.e_unit);
    let mut centre = vec![0.0; axes];
    model.centres.decode(b, &mut centre);
    let (mut distance, mut product) = (0.0, 0.0);
    for (j, c) in centre.iter().enumerate() {
        let plain = match scratch.plain.codes.get(j) {
            Some(code) => f64::from(*code) * f64::from(scratch.plain.step),
            None => f64::from(scratch.y[j]),
        };
        distance += (plain - f64::from(*c)).powi(2);
        let code = match codes.bits {
            Bits::Seven => codes.groups[first + 1 + j / 4].0[4 * lane + j % 4],
            Bits::Two => {
                codes.groups[first + 1 + j / 16].0[4 * lane + j % 4] >> (2 * (j % 16 / 4)) & 3
            }
            Bits::Four => {
                codes.groups[first + 1 + j / 8].0[4 * lane + j % 4] >> if j % 8 < 4 { 0 } else { 4 }
                    & 15
            }
        };
        let weighted = f64::from(scratch.weighted.codes[j]) * f64::from(scratch.weighted.step);
        product += weighted * u * (f64::from(code) - f64::from(codes.bits.middle()));
    }
    let rest = f64::from(scratch.rest[0]);
    let together = f64::from(model.rests.correlation) * rest.sqrt() * e;
    distance + rest + a - 2.0 * product - 2.0 * together
}

#[test]
fn estimates_are_those_of_decoded_codes_and_every_row_has_one() {
    // Whatever buckets are ranked by.
    let mut all = [24, 64, 150].map(|dim| (dim, models(1, 1100, dim)));
    for ((_, [one_region, _]), weight) in all.iter_mut().zip([-0.5, 0.0, 1.0]) {
        one_region.rank_buckets(SpreadWeight::new(weight, one_region.spreads()));
    }
    for (dim, model) in all
        .iter()
        .flat_map(|(dim, models)| models.each_ref().map(|m| (*dim, m)))
    {
        let short = model.centres.regions.len() == 1 && dim <= 64;
        assert_eq!(
            model.codes.bits,
            if short { Bits::Seven } else { Bits::Four }
        );
        assert_every_estimate(model, &normal(2, 10, dim), dim);
    }
}

#[test]
fn estimates_of_two_bits_are_those_of_decoded_codes_beside_centres_of_fewer_axes() {
    let dim = 300;
    let rows = crate::testing::normal(4, 1100 * dim);
    let rows = RowsView::new(RowSlice::F32(&rows), dim).unwrap();
    let shape = Shape {
        regions_from: 0,
        ..Shape::default()
    };
    let model = Model::fit(&rows, Metric::Euclidean, shape, 1, &Control::new()).unwrap();
    assert_eq!(model.codes.bits, Bits::Two);
    assert_eq!((model.codes.axes, model.centres.axes), (304, 128));
    assert_every_estimate(&model, &crate::testing::normal(5, 10 * dim), dim);
    let finer = model.with_bits(Bits::Four, &Control::new()).unwrap();
    assert_every_estimate(&finer, &crate::testing::normal(5, 10 * dim), dim);
}

fn assert_every_estimate(model: &Model, queries: &[f32], dim: usize) {
    for query in queries.chunks(dim) {
        for kernels in Kernels::available() {
            let mut scratch = prepared(model, query);
            // More than there are: nothing is ever too far.
            let effort = effort(1101, usize::MAX);
            model.scan(kernels, &effort, &model.codes.live, &mut scratch, |_, _| {
                false
            });
            assert_eq!(scratch.probed, model.centres.len());
            let mut rows: Vec<u32> = Vec::new();
            for c in scratch.shortlist.candidates.iter() {
                let expected = estimate(model, &scratch, c.row);
                let off = (f64::from(c.estimate) - expected).abs();
                assert!(off < 1e-4 * (1.0 + expected.abs()), "{off} of {expected}");
                assert!(c.fixed >= 0.0 && c.slope >= 0.0);
                rows.push(c.row);
            }
            // No pad among them, and none twice.
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..1100));
        }
    }
}

#[test]
fn estimates_are_near_the_distances() {
    for (dim, most) in [(24, 0.02), (64, 0.02), (150, 0.1), (600, 0.1)] {
        let model = model(3, 1200, dim);
        let unit = f64::from(model.projection.scale()).powi(2);
        let mut errors = 0.0;
        let mut count = 0.0;
        for query in normal(4, 10, dim).chunks(dim) {
            let mut scratch = prepared(&model, query);
            let effort = effort(1201, usize::MAX);
            let live = &model.codes.live;
            model.scan(Kernels::get(), &effort, live, &mut scratch, |_, _| false);
            for c in scratch.shortlist.candidates.iter() {
                let mut row = vec![0.0; dim];
                model.points.view().copy_row(c.row as usize, &mut row);
                let terms = row.iter().zip(query);
                let exact: f64 = terms.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() * unit;
                errors += (f64::from(c.estimate) / exact - 1.0).abs();
                count += 1.0;
            }
        }
        assert!(errors / count < most, "{} at {dim}", errors / count);
    }
}

#[test]
fn a_search_of_all_buckets_with_wide_margins_is_exact() {
    let all = [24, 150].map(|dim| (dim, models(6, 1500, dim)));
    for (dim, model) in all
        .iter()
        .flat_map(|(dim, models)| models.each_ref().map(|m| (*dim, m)))
    {
        for query in normal(7, 30, dim).chunks(dim) {
            for k in [1, 10, 100] {
                let mut scratch = prepared(model, query);
                let effort = Effort {
                    kappa: 6.0,
                    stranger_kappa: 6.0,
                    ..effort(k, usize::MAX)
                };
                let live = &model.codes.live;
                model.scan(Kernels::get(), &effort, live, &mut scratch, |_, _| false);
                model.rank(Kernels::get(), k, &mut scratch);
                assert!(scratch.ranked >= k && scratch.ranked < 1500);
                let found: Vec<u32> = scratch.top.drain().map(|x| x.0).collect();
                let mut row = vec![0.0; dim];
                let mut all: Vec<(f64, u32)> = (0..1500)
                    .map(|i| {
                        model.points.view().copy_row(i, &mut row);
                        let terms = row.iter().zip(query);
                        let squared = terms.map(|(a, b)| f64::from(a - b).powi(2)).sum();
                        (squared, model.ids[i])
                    })
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                let expected: Vec<u32> = all[..k].iter().map(|x| x.1).collect();
                assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn rows_that_are_not_live_are_not_found() {
    for model in models(8, 1100, 24) {
        let mut live = model.codes.live.clone();
        for row in (0..1100).step_by(3) {
            let (word, bit) = model.codes.place(row);
            live[word] &= !bit;
        }
        let mut scratch = prepared(&model, &normal(9, 1, 24));
        let effort = effort(2000, usize::MAX);
        model.scan(Kernels::get(), &effort, &live, &mut scratch, |_, _| false);
        let mut rows: Vec<u32> = scratch.shortlist.candidates.iter().map(|c| c.row).collect();
        rows.sort_unstable();
        assert!(rows.into_iter().eq((0..1100).filter(|row| row % 3 != 0)));
    }
}

#[test]
fn a_search_looks_up_at_checkpoints_and_stops_where_it_is_told() {
    for model in models(10, 1500, 24) {
        let count = model.centres.len();
        let all = checkpoints(count);
        for first_checkpoint in [0, 2, 5] {
            for stop_at in [first_checkpoint, first_checkpoint + 1, usize::MAX] {
                let mut scratch = prepared(&model, &normal(11, 1, 24));
                let effort = Effort {
                    first_checkpoint,
                    ..effort(10, usize::MAX)
                };
                let mut seen = Vec::new();
                let live = &model.codes.live;
                model.scan(
                    Kernels::get(),
                    &effort,
                    live,
                    &mut scratch,
                    |checkpoint, sight| {
                        assert_eq!(sight.scanned, all[checkpoint]);
                        assert_eq!(sight.buckets as usize, count);
                        assert!(sight.first <= sight.next);
                        assert!(sight.nearest.is_sorted());
                        seen.push(checkpoint);
                        checkpoint == stop_at
                    },
                );
                let end = if stop_at == usize::MAX {
                    all.len() - 1
                } else {
                    stop_at
                };
                assert!(seen.into_iter().eq(first_checkpoint..=end));
                let probed = all.get(stop_at).map_or(count, |m| *m as usize);
                assert_eq!(scratch.probed, probed);
            }
        }
        // And no farther than the most.
        let mut scratch = prepared(&model, &normal(11, 1, 24));
        let live = &model.codes.live;
        model.scan(
            Kernels::get(),
            &effort(10, 7),
            live,
            &mut scratch,
            |_, _| false,
        );
        assert_eq!(scratch.probed, 7);
    }
}

#[test]
fn a_query_too_far_out_for_codes_is_told() {
    for dim in [24, 600] {
        let model = model(12, 1100, dim);
        let mut scratch = Scratch::default();
        for (by, expected) in [(0.1, true), (1e3, false), (1e18, false), (f32::MAX, false)] {
            scratch.query = vec![0.0; padded_width(dim)];
            scratch.query[..dim].fill(by);
            let found = model.prepare(Kernels::get(), &mut scratch);
            assert_eq!(found, expected, "{by}");
        }
    }
}

#[test]
fn buckets_that_can_hold_nothing_near_are_passed_over_and_nothing_is_missed() {
    for model in models(13, 1500, 24) {
        for (bucket, i) in model.codes.buckets.iter().zip(0..) {
            let mut centre = vec![0.0; model.codes.axes];
            model.centres.decode(i, &mut centre);
            assert!(bucket.reach <= model.reach);
            // Nothing in it is farther out.
            let mut x = Vec::new();
            let (mut y, mut rest) = (vec![0.0; model.codes.axes], [0.0]);
            for row in bucket.first_row..bucket.first_row + bucket.rows {
                model.copy_prepared(row, &mut x);
                model
                    .projection
                    .project(Kernels::get(), &x, &mut y, &mut rest);
                let beside = y.iter().zip(&centre).map(|(y, c)| (y - c) * (y - c));
                let distance = (beside.sum::<f32>() + rest[0]).sqrt();
                assert!(distance <= bucket.reach * 1.001 + 1e-5);
            }
        }
        // Far from all: the nearest are found, the others not even looked at.
        let row = normal(13, 1500, 24);
        let query: Vec<f32> = row[..24].iter().map(|x| 4.0 * x).collect();
        let mut scratch = prepared(&model, &query);
        let effort = Effort {
            first_checkpoint: 0,
            kappa: 6.0,
            stranger_kappa: 6.0,
            ..effort(10, usize::MAX)
        };
        let live = &model.codes.live;
        model.scan(Kernels::get(), &effort, live, &mut scratch, |_, _| false);
        model.rank(Kernels::get(), 10, &mut scratch);
        let found: Vec<u32> = scratch.top.drain().map(|x| x.0).collect();
        let mut all: Vec<(f64, u32)> = row
            .chunks(24)
            .zip(0..)
            .map(|(row, id)| {
                let terms = row.iter().zip(&query);
                (terms.map(|(a, b)| f64::from(a - b).powi(2)).sum(), id)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(found.into_iter().eq(all[..10].iter().map(|x| x.1)));
    }
}
