//! Codes: distances of centres, places along axes, what is within a limit.

use super::*;

/// Vectors of codes, one a row, as lines: bytes, or nibbles or quarters of blocks of four dimensions.
pub(super) fn lines_of(codes: &[u8], axes: usize, packing: Packing) -> Vec<Vec<Line>> {
    let a_line = packing.dimensions();
    codes
        .chunks(axes * LANES)
        .map(|group| {
            let mut lines = vec![Line([0; LINE]); axes / a_line];
            for (lane, codes) in group.chunks(axes).enumerate() {
                for (j, code) in codes.iter().enumerate() {
                    let byte = &mut lines[j / a_line].0[4 * lane + j % 4];
                    *byte |= code << (j % a_line / 4 * (32 / a_line));
                }
            }
            lines
        })
        .collect()
}

pub(super) fn dot(codes: &[u8], query: &[i8]) -> f32 {
    let terms = codes.iter().zip(query);
    terms
        .map(|(c, q)| i32::from(*c) * i32::from(*q))
        .sum::<i32>() as f32
}

/// Fills codes and a query: at random or with what is most extreme.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fill {
    Random,
    /// All codes the largest, all numbers of the query this one.
    Extreme(i8),
    /// The largest codes against numbers of changing sign.
    Alternating,
}

pub(super) const FILLS: [Fill; 4] = [
    Fill::Random,
    Fill::Extreme(127),
    Fill::Extreme(-127),
    Fill::Alternating,
];

pub(super) fn fill(
    generator: &mut ChaCha8Rng,
    fill: Fill,
    axes: usize,
    count: usize,
    largest: u8,
) -> (Vec<u8>, Vec<i8>) {
    let codes = (0..axes * count).map(|_| match fill {
        Fill::Random => generator.random_range(0..=largest),
        _ => largest,
    });
    let codes = codes.collect();
    let query = (0..axes).map(|j| match fill {
        Fill::Random => generator.random_range(-127..=127_i32) as i8,
        Fill::Extreme(q) => q,
        Fill::Alternating => [127, 127, -127, -127, 127, -127][j % 6],
    });
    (codes, query.collect())
}

#[test]
fn distances_of_centres_equal_the_scalar_loop() {
    let mut generator = generator(1);
    for axes in (16..=256).step_by(16) {
        for groups in [0, 1, 2, 4, 5, 8, 11] {
            for how in FILLS {
                let count = groups * LANES;
                let (codes, query) = fill(&mut generator, how, axes, count, 127);
                let norms = numbers(&mut generator, count);
                let (plus, times) = (number(&mut generator), number(&mut generator));
                let expected: Vec<f32> = codes
                    .chunks(axes)
                    .zip(&norms)
                    .map(|(codes, norm)| dot(codes, &query).mul_add(times, norm + plus))
                    .collect();
                let lines = lines_of(&codes, axes, Packing::Bytes).concat();
                for kernels in Kernels::available() {
                    let mut out = vec![-1.0; count];
                    let score = Score {
                        codes: &lines,
                        lines: axes / 4,
                        query: &query,
                        norms: &norms,
                        plus,
                        times,
                    };
                    let seen = kernels.score(score, &mut out);
                    assert_same(&out, &expected, (kernels.level, axes, groups, how));
                    let least = expected.iter().fold(f32::INFINITY, |a, b| a.min(*b));
                    assert_eq!(seen.least, least);
                    let whole = &expected[..count.saturating_sub(LANES)];
                    let mean = whole.iter().sum::<f32>() / whole.len() as f32;
                    let most = whole.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
                    assert!(
                        seen.mean.is_infinite() && whole.is_empty()
                            || (seen.mean - mean).abs() <= 1e-4 * most
                    );
                }
            }
        }
    }
}

/// A vector's place along directions in bytes, against a loop; part of the vector's lines are zero.
fn check_project_codes(seed: u64, lines: usize, groups: usize, how: Fill, zeros: f64) {
    let mut generator = generator(seed);
    let (dim, count) = (4 * lines, groups * LANES);
    let (codes, signs) = fill(&mut generator, how, dim, count, 127);
    let width = padded_width(dim);
    let mut x = vec![0.0; width];
    for (x, signs) in x.chunks_exact_mut(4).zip(signs.chunks_exact(4)) {
        if !generator.random_bool(zeros) {
            for (x, sign) in x.iter_mut().zip(signs) {
                *x = f32::from(*sign) * generator.random_range(0.9..1.0);
            }
        }
    }
    let (factors, offsets) = (
        numbers(&mut generator, count),
        numbers(&mut generator, count),
    );
    let bytes = lines_of(&codes, dim, Packing::Bytes).concat();
    for kernels in Kernels::available() {
        let mut vector = Split::default();
        kernels.split(&x, &vec![0.0; width], &mut vector);
        let [high, low] = vector.parts();
        let middle = 64.0 * vector.sum as f32;
        let expected: Vec<f32> = codes
            .chunks(dim)
            .zip(factors.iter().zip(&offsets))
            .map(|(codes, (factor, offset))| {
                let low = dot(codes, low) - middle;
                (dot(codes, high).mul_add(128.0, low) * factor).mul_add(vector.step, *offset)
            })
            .collect();
        let axes = Axes {
            codes: &bytes,
            lines,
            vector: &vector,
            middle: 64.0,
            factors: &factors,
            offsets: &offsets,
        };
        let mut out = vec![-1.0; count];
        kernels.project_codes(axes, &mut out);
        assert_same(&out, &expected, (kernels.level, lines, groups, how));
    }
}

#[test]
fn places_along_directions_in_bytes_equal_the_scalar_loop() {
    for lines in [1, 2, 3, 7, 16, 75, 250, 1024] {
        for groups in [1, 2, 5] {
            for how in FILLS {
                for zeros in [0.0, 0.4, 1.0] {
                    check_project_codes(lines as u64, lines, groups, how, zeros);
                }
            }
        }
    }
}

#[test]
fn values_within_a_limit_are_counted_and_listed() {
    let mut generator = generator(2);
    for count in (0..=400).step_by(LANES) {
        let mut values = numbers(&mut generator, count);
        for (i, x) in values.iter_mut().enumerate() {
            match i % 23 {
                3 => *x = f32::INFINITY,
                5 => *x = f32::NEG_INFINITY,
                7 => *x = f32::NAN,
                9 => *x = 0.5,
                _ => {}
            }
        }
        let limits = [
            f32::NEG_INFINITY,
            -1.0,
            -0.0,
            0.0,
            0.5,
            3.0,
            f32::MAX,
            f32::INFINITY,
        ];
        let naive = |limit: f32| -> Vec<u32> {
            let within = (0..).zip(&values).filter(|(_, x)| **x <= limit);
            within.map(|(i, _)| i).collect()
        };
        for kernels in Kernels::available() {
            for limit in limits {
                let expected = naive(limit);
                assert_eq!(kernels.count_within(&values, limit), expected.len());
                let mut out = vec![77];
                kernels.list_within(&values, limit, &mut out);
                assert_eq!(out[0], 77);
                assert_eq!(out[1..], expected);
                for above in limits {
                    let left = |i: &&u32| values[**i as usize] > above;
                    let expected: Vec<u32> = expected.iter().filter(left).copied().collect();
                    out.truncate(1);
                    kernels.list_between(&values, above, limit, &mut out);
                    assert_eq!(out[1..], expected);
                }
                let first = expected.first().map_or(count, |first| *first as usize);
                assert_eq!(kernels.first_within(&values, limit), first);
            }
            for three in limits.windows(3) {
                let expected = [0, 1, 2].map(|i| naive(three[i]).len() as u32);
                let three: &[f32; 3] = three.try_into().unwrap();
                assert_eq!(kernels.count_within_three(&values, three), expected);
            }
        }
    }
}

#[test]
fn work_compiled_for_the_cpu_gives_the_same_bits() {
    let mut generator = generator(6);
    let (a, b) = (numbers(&mut generator, 256), numbers(&mut generator, 256));
    let work = || {
        let mut sums = [0.0_f32; LANES];
        for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
            for i in 0..LANES {
                // Two roundings; a fused product has one.
                sums[i] += a[i] * b[i];
            }
        }
        sums
    };
    let expected = work();
    for kernels in Kernels::available() {
        let found = kernels.compiled(work);
        assert_same(&found, &expected, kernels.level);
    }
}

#[test]
fn lengths_of_codes_that_do_not_fit_together_panic() {
    for kernels in Kernels::available() {
        let lines = [Line([0; LINE]); 10];
        let (query, norms) = ([0_i8; 40], [0.0_f32; 32]);
        let mut out = [0.0; 32];
        let score = Score {
            codes: &lines[..8],
            lines: 4,
            query: &query[..16],
            norms: &norms,
            plus: 0.0,
            times: 0.0,
        };
        kernels.score(score, &mut out);
        let codes = &lines[..7];
        assert_panics("codes of less than a group", || {
            kernels.score(Score { codes, ..score }, &mut out);
        });
        let short = &query[..15];
        assert_panics("a short query", || {
            kernels.score(
                Score {
                    query: short,
                    ..score
                },
                &mut out,
            );
        });
        let norms = &norms[..31];
        assert_panics("fewer norms than vectors", || {
            kernels.score(Score { norms, ..score }, &mut out);
        });
        assert_panics("half a group", || {
            kernels.score(score, &mut out[..24]);
        });
        let mut vector = Split::default();
        kernels.split(&[1.0; 32], &[0.0; 32], &mut vector);
        let axes = Axes {
            codes: &lines[..8],
            lines: 8,
            vector: &vector,
            middle: 64.0,
            factors: &[1.0; 16],
            offsets: &[0.0; 16],
        };
        kernels.project_codes(axes, &mut out[..16]);
        assert_panics("a vector longer than the axes", || {
            let (codes, lines) = (&lines[..7], 7);
            kernels.project_codes(
                Axes {
                    codes,
                    lines,
                    ..axes
                },
                &mut out[..16],
            );
        });
        assert_panics("offsets of fewer axes", || {
            let offsets = &[0.0; 15];
            kernels.project_codes(Axes { offsets, ..axes }, &mut out[..16]);
        });
        let mut list = Shortlist::default();
        list.reset(1, 16);
        assert_panics("candidates behind the last one", || {
            kernels.likely(&mut list, 1, &mut Vec::new());
        });
        let live = [u16::MAX; 2];
        let scan = BucketScan {
            groups: &lines,
            lines: 4,
            packing: Packing::Bytes,
            live: &live,
            query: &query[..16],
            dots: None,
            base: 0.0,
            a_unit: 0.0,
            u_factor: 0.0,
            middle: 0.0,
            e_factor: 0.0,
            u_margin: 0.0,
            u_plus: 0.0,
            e_margin: 0.0,
            margin: 0.0,
            first: 0,
            rank: 0,
            soon: Soon::Next(&[]),
        };
        kernels.scan(scan, &mut list);
        for packing in [Packing::Nibbles, Packing::Quarters] {
            assert_panics("more dimensions than the query has", || {
                kernels.scan(BucketScan { packing, ..scan }, &mut list);
            });
        }
        assert_panics("groups without their norms", || {
            let groups = &lines[..8];
            kernels.scan(BucketScan { groups, ..scan }, &mut list);
        });
        assert_panics("more words than groups", || {
            let live = &[u16::MAX; 3];
            kernels.scan(BucketScan { live, ..scan }, &mut list);
        });
        assert_panics("counts of half a group", || {
            kernels.count_within(&norms[..24], 0.0);
        });
        assert_panics("counts of half a group", || {
            kernels.count_within_three(&norms[..24], &[0.0; 3]);
        });
        assert_panics("the first of half a group", || {
            kernels.first_within(&norms[..24], 0.0);
        });
        assert_panics("lists of half a group", || {
            kernels.list_within(&norms[..24], 0.0, &mut Vec::new());
        });
    }
}
