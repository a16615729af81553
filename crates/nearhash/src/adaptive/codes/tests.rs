use half::f16;

use super::*;
use crate::testing::normal;

/// A row as its codes tell it: code by code, and its norms in their units.
struct Row {
    codes: Vec<u8>,
    a: f32,
    u: f32,
    e: f32,
}

fn row(codes: &Codes, bucket: &Bucket, i: usize) -> Row {
    let first = (bucket.first_group as usize + i / LANES) * codes.stride();
    let (norms, lane) = (&codes.groups[first].0, i % LANES);
    let half = u16::from_le_bytes([norms[2 * lane], norms[2 * lane + 1]]);
    let code = |j: usize| match codes.bits {
        Bits::Two => codes.groups[first + 1 + j / 16].0[4 * lane + j % 4] >> (2 * (j % 16 / 4)) & 3,
        Bits::Seven => codes.groups[first + 1 + j / 4].0[4 * lane + j % 4],
        Bits::Four => {
            let byte = codes.groups[first + 1 + j / 8].0[4 * lane + j % 4];
            if j % 8 < 4 { byte & 15 } else { byte >> 4 }
        }
    };
    Row {
        codes: (0..codes.axes).map(code).collect(),
        a: f16::from_bits(half).to_f32() * bucket.a_unit,
        u: f32::from(norms[32 + lane]) * bucket.u_unit,
        e: f32::from(norms[48 + lane]) * bucket.e_unit,
    }
}

/// Points in buckets of these sizes, with their centres and squared rests.
fn points(seed: u64, sizes: &[u32], axes: usize, width: f32) -> (Centres, Vec<f32>, Vec<f32>) {
    let means = normal(seed, sizes.len() * axes);
    let mut y = normal(seed + 1, sizes.iter().sum::<u32>() as usize * axes);
    let buckets = (0..)
        .zip(sizes)
        .flat_map(|(b, size)| vec![b; *size as usize]);
    for (y, b) in y.chunks_mut(axes).zip(buckets) {
        for (j, x) in y.iter_mut().enumerate() {
            *x = means[b * axes + j] + *x * width / (1.0 + j as f32 / 16.0);
        }
    }
    let rests = normal(seed + 2, y.len() / axes)
        .iter()
        .map(|x| x * x)
        .collect();
    (Centres::new(&means, axes), y, rests)
}

/// Codes of rows that stand in order.
fn encoded(
    bits: Bits,
    centres: &Centres,
    sizes: &[u32],
    y: &[f32],
    rests: &[f32],
    axes: usize,
) -> Codes {
    let rows = Projected {
        y,
        rests,
        order: None,
        axes,
    };
    Codes::new(bits, centres, sizes, &rows)
}

#[test]
fn rows_are_encoded_in_the_order_that_is_given() {
    let sizes = [20, 3, 33];
    let (centres, y, rests) = points(3, &sizes, 32, 0.4);
    let expected = encoded(Bits::Four, &centres, &sizes, &y, &rests, 32);
    // The same rows from last to first, and an order that turns them round.
    let turned: Vec<f32> = y.chunks_exact(32).rev().flatten().copied().collect();
    let turned_rests: Vec<f32> = rests.iter().rev().copied().collect();
    let order: Vec<u32> = (0..rests.len() as u32).rev().collect();
    let rows = Projected {
        y: &turned,
        rests: &turned_rests,
        order: Some(&order),
        axes: 32,
    };
    let found = Codes::new(Bits::Four, &centres, &sizes, &rows);
    assert_eq!(found.weights, expected.weights);
    assert_eq!(found.live, expected.live);
    for (found, expected) in found.groups.iter().zip(&expected.groups) {
        assert_eq!(found.0, expected.0);
    }
}

#[test]
fn every_row_can_be_decoded_from_its_bucket() {
    let sizes = [1, 15, 16, 17, 40, 3, 100];
    for bits in [Bits::Two, Bits::Four, Bits::Seven] {
        for axes in [16, 48, 128, 256, 304] {
            let (centres, y, rests) = points(axes as u64, &sizes, axes, 0.3);
            let codes = encoded(bits, &centres, &sizes, &y, &rests, axes);
            assert_eq!(
                codes.stride(),
                1 + axes * (bits.number() as usize).next_power_of_two() / 32
            );
            assert!(codes.weights.iter().all(|w| *w >= LEAST_WEIGHT));
            let mut centre = vec![0.0; axes];
            let (mut errors, mut residuals) = (0.0, 0.0);
            for (b, bucket) in codes.buckets.iter().enumerate() {
                centres.decode(b, &mut centre);
                for i in 0..bucket.rows as usize {
                    let at = bucket.first_row as usize + i;
                    let (row, y) = (row(&codes, bucket, i), &y[at * axes..(at + 1) * axes]);
                    let mut decoded = vec![0.0; axes];
                    let mut error = 0.0;
                    for j in 0..axes {
                        let code = f32::from(row.codes[j]);
                        assert!(code <= bits.largest());
                        let step = codes.weights[j] * row.u;
                        decoded[j] = centre[j] + step * (code - bits.middle());
                        let off = (y[j] - decoded[j]).abs();
                        // Half a step, but at the ends, where few bits are clipped.
                        let end = code == 0.0 || code == bits.largest();
                        let clipped = bits != Bits::Seven && end;
                        assert!(
                            off <= 0.5001 * step + 1e-5 || clipped,
                            "{off}, {step}, {code}"
                        );
                        error += off * off;
                        errors += f64::from(off * off);
                        residuals += f64::from((y[j] - centre[j]).powi(2));
                    }
                    let norm = squared_norm(&decoded) - squared_norm(&centre);
                    let expected = norm + rests[at] - error;
                    // Halves of up to 60,000 units are whole numbers of 32.
                    assert!((row.a - expected).abs() <= 17.0 * bucket.a_unit + 1e-4);
                    assert!((row.e - rests[at].sqrt()).abs() <= 0.51 * bucket.e_unit);
                    assert!(row.u > 0.0);
                }
            }
            let part = errors / residuals;
            assert!(
                part < [0.16, 0.02, 0.002][bits.number() as usize / 3],
                "{part}"
            );
        }
    }
}

#[test]
fn rows_have_a_place_each_and_pads_have_none() {
    let sizes = [5, 16, 1, 33, 31];
    let (centres, y, rests) = points(1, &sizes, 16, 0.5);
    let codes = encoded(Bits::Seven, &centres, &sizes, &y, &rests, 16);
    assert_eq!(codes.live.len(), codes.groups.len() / codes.stride());
    let rows = sizes.iter().sum::<u32>();
    let live: u32 = codes.live.iter().map(|word| word.count_ones()).sum();
    assert_eq!(live, rows);
    let mut seen = vec![0_u16; codes.live.len()];
    let mut first = 0;
    for (b, size) in sizes.iter().enumerate() {
        for row in first..first + size {
            assert_eq!(codes.bucket_of(row), b);
            let (word, bit) = codes.place(row);
            assert_eq!(seen[word] & bit, 0);
            seen[word] |= bit;
        }
        first += size;
    }
    assert_eq!(seen, codes.live);
    assert!(codes.memory_bytes() > rows as usize * 16);
}

#[test]
fn extremes_of_rests_and_residuals_are_kept() {
    // From nothing to a thousand in one bucket: units go with the largest.
    let sizes = [4];
    let axes = 16;
    let mut y = vec![0.0; 4 * axes];
    y[axes] = 1000.0;
    y[2 * axes..3 * axes].fill(-1000.0);
    y[3 * axes + 5] = 1e-3;
    let rests = [0.0, 1e6, 1.0, 1e-9];
    let centres = Centres::new(&vec![0.0; axes], axes);
    for bits in [Bits::Four, Bits::Seven] {
        let codes = encoded(bits, &centres, &sizes, &y, &rests, axes);
        let rows: Vec<Row> = (0..4).map(|i| row(&codes, &codes.buckets[0], i)).collect();
        for (row, rest) in rows.iter().zip(rests) {
            assert!((row.e - f32::sqrt(rest)).abs() <= 1000.0 / 255.0);
            assert!([row.a, row.u, row.e].iter().all(|x| x.is_finite()));
        }
        assert!(rows[1].a > 1e6 && rows[2].a > 1e6);
    }
}

#[test]
fn points_on_their_centre_have_no_residual() {
    let axes = 32;
    let means = vec![0.0; axes];
    let centres = Centres::new(&means, axes);
    for bits in [Bits::Four, Bits::Seven] {
        let codes = encoded(bits, &centres, &[20], &means.repeat(20), &[0.0; 20], axes);
        for i in 0..20 {
            let row = row(&codes, &codes.buckets[0], i);
            let error = row.codes.iter().zip(&codes.weights);
            let error = error.map(|(code, w)| w * row.u * (f32::from(*code) - bits.middle()));
            assert!(error.into_iter().all(|x| x.abs() < 1e-30));
            assert_eq!((row.a, row.e), (0.0, 0.0));
        }
    }
}

#[test]
fn tiny_and_large_residuals_are_encoded_in_their_own_unit() {
    for width in [1e-15, 1e-6, 1e3] {
        let sizes = [30, 30];
        let axes = 32;
        let mut y = normal(7, 60 * axes);
        y.iter_mut().for_each(|x| *x *= width);
        let centres = Centres::new(&vec![0.0; 2 * axes], axes);
        let codes = encoded(Bits::Seven, &centres, &sizes, &y, &[0.0; 60], axes);
        for (b, bucket) in codes.buckets.iter().enumerate() {
            for i in 0..30 {
                let row = row(&codes, bucket, i);
                for (j, y) in y[(30 * b + i) * axes..][..axes].iter().enumerate() {
                    let code = f32::from(row.codes[j]) - codes.bits.middle();
                    let decoded = codes.weights[j] * row.u * code;
                    assert!((decoded - y).abs() < 0.05 * width, "{decoded}, {y}");
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_code() {
    let sizes: Vec<u32> = (0..200).map(|i| 1 + i % 37).collect();
    let (centres, y, rests) = points(9, &sizes, 64, 0.4);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let codes = pool
            .build()
            .unwrap()
            .install(|| encoded(Bits::Four, &centres, &sizes, &y, &rests, 64));
        let lines: Vec<[u8; LINE]> = codes.groups.iter().map(|line| line.0).collect();
        (lines, codes.weights, codes.live)
    };
    assert!(run(1) == run(4));
}
