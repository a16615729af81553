//! Codes: distances of centres, scans of buckets, lists of the nearest.

use half::f16;

use super::*;
use crate::kernel::codes::Candidate;

/// Vectors of codes, one a row, as lines: bytes, or nibbles of two blocks of four dimensions.
pub(super) fn lines_of(codes: &[u8], axes: usize, nibbles: bool) -> Vec<Vec<Line>> {
    let a_line = if nibbles { 8 } else { 4 };
    codes
        .chunks(axes * LANES)
        .map(|group| {
            let mut lines = vec![Line([0; LINE]); axes / a_line];
            for (lane, codes) in group.chunks(axes).enumerate() {
                for (j, code) in codes.iter().enumerate() {
                    let byte = &mut lines[j / a_line].0[4 * lane + j % 4];
                    *byte |= code << if j % a_line < 4 { 0 } else { 4 };
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
        for groups in [0, 1, 2, 5] {
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
                let lines = lines_of(&codes, axes, false).concat();
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
                    kernels.score(score, &mut out);
                    assert_same(&out, &expected, (kernels.level, axes, groups, how));
                }
            }
        }
    }
}

/// A vector's place along directions in bytes, against a loop; `how` the vector's high part and the
/// codes are filled.
fn check_project_codes(seed: u64, lines: usize, groups: usize, how: Fill) {
    let mut generator = generator(seed);
    let (dim, count) = (4 * lines, groups * LANES);
    let (codes, high) = fill(&mut generator, how, dim, count, 127);
    let low: Vec<i8> = (0..dim)
        .map(|j| match how {
            Fill::Random => generator.random_range(-64..64_i32) as i8,
            _ => [-64, 63][j % 2],
        })
        .collect();
    let factors = numbers(&mut generator, count);
    let offset = number(&mut generator);
    let expected: Vec<f32> = codes
        .chunks(dim)
        .zip(&factors)
        .map(|(codes, factor)| {
            let low = dot(codes, &low) - offset;
            dot(codes, &high).mul_add(128.0, low) * factor
        })
        .collect();
    let codes = lines_of(&codes, dim, false).concat();
    for kernels in Kernels::available() {
        let axes = Axes {
            codes: &codes,
            lines,
            high: &high,
            low: &low,
            offset,
            factors: &factors,
        };
        let mut out = vec![-1.0; count];
        kernels.project_codes(axes, &mut out);
        assert_same(&out, &expected, (kernels.level, lines, groups, how));
    }
}

#[test]
fn places_along_directions_in_bytes_equal_the_scalar_loop() {
    for lines in [1, 2, 3, 7, 16, 75, 250, 1024, 4000] {
        for groups in [1, 2, 5] {
            for how in FILLS {
                check_project_codes(lines as u64, lines, groups, how);
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
            }
            for three in limits.windows(3) {
                let expected = [0, 1, 2].map(|i| naive(three[i]).len() as u32);
                let three: &[f32; 3] = three.try_into().unwrap();
                assert_eq!(kernels.count_within_three(&values, three), expected);
            }
        }
    }
}

/// A bucket in the open: what its vectors are made of.
#[derive(Debug, Clone)]
struct Bucket {
    axes: usize,
    nibbles: bool,
    codes: Vec<u8>,
    /// Halves.
    a: Vec<u16>,
    u: Vec<u8>,
    e: Vec<u8>,
    live: Vec<u16>,
    query: Vec<i8>,
    base: f32,
    a_unit: f32,
    u_factor: f32,
    middle: f32,
    e_factor: f32,
    u_margin: f32,
    u_plus: f32,
    e_margin: f32,
    margin: f32,
    first: u32,
    rank: u32,
}

impl Bucket {
    /// Numbers such as a search works with.
    fn random(
        generator: &mut ChaCha8Rng,
        axes: usize,
        nibbles: bool,
        groups: usize,
        how: Fill,
    ) -> Self {
        let count = groups * LANES;
        let largest = if nibbles { 15 } else { 127 };
        let (codes, query) = fill(generator, how, axes, count, largest);
        let scale = 1.0 / (axes as f32 * 127.0 * f32::from(largest) * 64.0);
        let mut positive = |most: f32| generator.random::<f32>() * most;
        let (base, a_unit, margin) = (positive(2.0), positive(1e-4), positive(0.2));
        let (u_margin, u_plus, e_margin) = (positive(2e-3), positive(1e-3), positive(1e-3));
        let e_factor = -positive(2e-3);
        let mut byte = || (0..count).map(|_| generator.random()).collect();
        let (u, e) = (byte(), byte());
        let a = (0..count).map(|_| {
            let x = generator.random_range(-60_000.0..60_000.0_f32);
            // Few values, so that there are ties.
            f16::from_f32((x / 5000.0).round() * 5000.0).to_bits()
        });
        let a = a.collect();
        let live = (0..groups).map(|_| match generator.random_range(0..4) {
            0 => 0,
            1 => u16::MAX,
            _ => generator.random(),
        });
        Self {
            axes,
            nibbles,
            codes,
            a,
            u,
            e,
            live: live.collect(),
            query,
            base,
            a_unit,
            u_factor: -2.0 * scale,
            middle: f32::from(largest) / 2.0 * 100.0,
            e_factor,
            u_margin,
            u_plus,
            e_margin,
            margin,
            first: generator.random_range(0..1 << 20),
            rank: generator.random_range(0..1000),
        }
    }

    /// Sixteen points with these estimates, and no margins.
    fn of_estimates(estimates: &[u16], first: u32, rank: u32) -> Self {
        let mut a = estimates.to_vec();
        let live = a.chunks(LANES);
        let live = live
            .map(|some| ((1_u32 << some.len()) - 1) as u16)
            .collect();
        a.resize(a.len().next_multiple_of(LANES), 0);
        let count = a.len();
        Self {
            axes: 16,
            nibbles: false,
            codes: vec![0; 16 * count],
            a,
            u: vec![0; count],
            e: vec![0; count],
            live,
            query: vec![0; 16],
            base: 0.0,
            a_unit: 1.0,
            u_factor: 0.0,
            middle: 0.0,
            e_factor: 0.0,
            u_margin: 0.0,
            u_plus: 0.0,
            e_margin: 0.0,
            margin: 0.0,
            first,
            rank,
        }
    }

    fn groups(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let groups = lines_of(&self.codes, self.axes, self.nibbles);
        for (i, codes) in groups.into_iter().enumerate() {
            let mut norms = Line([0; LINE]);
            for lane in 0..LANES {
                let at = i * LANES + lane;
                norms.0[2 * lane..2 * lane + 2].copy_from_slice(&self.a[at].to_le_bytes());
                norms.0[32 + lane] = self.u[at];
                norms.0[48 + lane] = self.e[at];
            }
            lines.push(norms);
            lines.extend(codes);
        }
        lines
    }

    fn scan(&self, kernels: &Kernels, out: &mut Shortlist) {
        let groups = self.groups();
        let scan = BucketScan {
            groups: &groups,
            lines: self.axes / if self.nibbles { 8 } else { 4 },
            nibbles: self.nibbles,
            live: &self.live,
            query: &self.query,
            dots: None,
            base: self.base,
            a_unit: self.a_unit,
            u_factor: self.u_factor,
            middle: self.middle,
            e_factor: self.e_factor,
            u_margin: self.u_margin,
            u_plus: self.u_plus,
            e_margin: self.e_margin,
            margin: self.margin,
            first: self.first,
            rank: self.rank,
            next: &[],
        };
        kernels.scan(scan, out);
    }
}

/// The obvious shortlist: all estimates, sorted whenever something is asked.
struct Twin {
    k: usize,
    watched: usize,
    /// Estimates with the ranks of their buckets, as they came.
    all: Vec<(f32, u32)>,
    candidates: Vec<Candidate>,
}

impl Twin {
    fn new(k: usize, watched: usize) -> Self {
        Self {
            k,
            watched: watched.max(k),
            all: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// The smallest, the first to come first among equals.
    fn nearest(&self) -> Vec<(f32, u32)> {
        let mut all = self.all.clone();
        all.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
        all.resize(self.watched.max(all.len()), (f32::INFINITY, 0));
        all.truncate(self.watched);
        all
    }

    fn limit(&self) -> f32 {
        self.nearest()[self.k - 1].0
    }

    fn scan(&mut self, b: &Bucket) {
        for (group, live) in b.live.iter().enumerate() {
            // The limit holds for a whole group.
            let limit = self.limit();
            let root = limit.max(0.0).sqrt();
            for lane in 0..LANES {
                let at = group * LANES + lane;
                if live >> lane & 1 == 0 {
                    continue;
                }
                let (a, u, e) = (f16::from_bits(b.a[at]).to_f32(), b.u[at], b.e[at]);
                let (u, e) = (f32::from(u), f32::from(e));
                let dot = dot(&b.codes[at * b.axes..][..b.axes], &b.query);
                let start = e.mul_add(b.e_factor, a.mul_add(b.a_unit, b.base));
                let estimate = (u * b.u_factor).mul_add(dot - b.middle, start);
                let lower = e.mul_add(-b.e_margin, estimate);
                let by = b.u_margin * root + b.u_plus;
                let bound = u.mul_add(-by, lower);
                if !limit.is_finite() || bound <= limit + b.margin {
                    self.candidates.push(Candidate {
                        estimate,
                        fixed: b.margin + b.e_margin * e + b.u_plus * u,
                        slope: b.u_margin * u,
                        row: b.first + at as u32,
                    });
                }
                self.all.push((estimate, b.rank));
            }
        }
    }
}

#[track_caller]
fn assert_like(list: &Shortlist, twin: &Twin, what: impl std::fmt::Debug + Copy) {
    let nearest = twin.nearest();
    let estimates: Vec<f32> = nearest.iter().map(|near| near.0).collect();
    assert_eq!(list.nearest(), estimates, "{what:?}");
    let known = twin.all.len().min(nearest.len());
    let ranks: Vec<f32> = nearest[..known].iter().map(|near| near.1 as f32).collect();
    assert_eq!(list.ranks()[..known], ranks, "{what:?}");
    assert_eq!(list.limit().to_bits(), twin.limit().to_bits(), "{what:?}");
    assert_eq!(list.root(), twin.limit().max(0.0).sqrt(), "{what:?}");
    assert_eq!(list.candidates, twin.candidates, "{what:?}");
}

/// Scan buckets one after the other, with every instruction set and by hand.
#[track_caller]
fn check_scans(buckets: &[Bucket], k: usize, watched: usize, what: impl std::fmt::Debug + Copy) {
    let mut twin = Twin::new(k, watched);
    let mut lists: Vec<(&Kernels, Shortlist)> = Kernels::available()
        .map(|kernels| (kernels, Shortlist::default()))
        .collect();
    lists
        .iter_mut()
        .for_each(|(_, list)| list.reset(k, watched));
    for bucket in buckets {
        twin.scan(bucket);
        for (kernels, list) in &mut lists {
            bucket.scan(kernels, list);
            assert_like(list, &twin, (kernels.level, what));
        }
    }
    for part in [1.0, 0.5, 0.1, 0.0] {
        let (limit, root) = (twin.limit(), twin.limit().max(0.0).sqrt());
        if limit.is_finite() {
            twin.candidates
                .retain(|c| c.estimate - (c.slope * root + c.fixed) * part <= limit);
        }
        for (_, list) in &mut lists {
            list.settle(part);
            assert_eq!(list.candidates, twin.candidates, "{part} {what:?}");
        }
    }
    assert!(twin.candidates.len() >= k.min(twin.all.len()));
}

#[test]
fn scans_equal_the_scalar_loop_for_every_number_of_axes() {
    let mut generator = generator(3);
    for axes in (16..=256).step_by(16) {
        for nibbles in [false, true] {
            for how in FILLS {
                let buckets: Vec<Bucket> = [0, 1, 3, 7]
                    .into_iter()
                    .map(|groups| Bucket::random(&mut generator, axes, nibbles, groups, how))
                    .collect();
                for k in [1, 10] {
                    check_scans(&buckets, k, 16, (axes, nibbles, how, k));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn scans_equal_the_scalar_loop(
        seed: u64,
        sixteens in 1..=16_usize,
        nibbles: bool,
        groups in prop::collection::vec(0..12_usize, 0..5),
        k in 1..=100_usize,
        watched in prop_oneof![Just(16_usize), 1..150_usize],
    ) {
        let mut generator = generator(seed);
        let buckets: Vec<Bucket> = groups
            .into_iter()
            .map(|groups| {
                Bucket::random(&mut generator, 16 * sixteens, nibbles, groups, Fill::Random)
            })
            .collect();
        check_scans(&buckets, k, watched, (seed, sixteens, nibbles, k, watched));
    }
}

#[test]
fn every_half_is_widened_as_the_half_crate_does() {
    let finite: Vec<u16> = (0..=u16::MAX)
        .filter(|bits| f16::from_bits(*bits).is_finite())
        .collect();
    assert_eq!(finite.len(), 63_488);
    for kernels in Kernels::available() {
        for halves in finite.chunks(1024) {
            let mut list = Shortlist::default();
            // All of them are candidates while there are fewer than k.
            list.reset(halves.len() + 1, 1);
            Bucket::of_estimates(halves, 0, 0).scan(kernels, &mut list);
            let expected: Vec<f32> = halves
                .iter()
                .map(|bits| f16::from_bits(*bits).to_f32())
                .collect();
            let found: Vec<f32> = list.candidates.iter().map(|c| c.estimate).collect();
            // Zero takes part in a sum and loses its sign there.
            assert_eq!(found, expected, "{:?}", kernels.level);
        }
    }
}

#[test]
fn the_shortlist_is_what_sorting_gives() {
    let half = |x: f32| f16::from_f32(x).to_bits();
    let mut generator = generator(4);
    let ascending: Vec<u16> = (0..200).map(|x| half(x as f32)).collect();
    let descending: Vec<u16> = ascending.iter().rev().copied().collect();
    let equal = vec![half(3.0); 100];
    let few: Vec<u16> = (0..300)
        .map(|_| half(generator.random_range(-3..4_i32) as f32))
        .collect();
    let none = Vec::new();
    for (i, estimates) in [ascending, descending, equal, few, none].iter().enumerate() {
        for k in [1, 2, 15, 16, 17, 24, 25, 26, 32, 33, 100, 250, 500] {
            for watched in [1, 16, 40, 300] {
                // In buckets of their own, so that the limit falls in between.
                let buckets: Vec<Bucket> = estimates
                    .chunks(24)
                    .enumerate()
                    .map(|(rank, some)| Bucket::of_estimates(some, 24 * rank as u32, rank as u32))
                    .collect();
                check_scans(&buckets, k, watched, (i, k, watched));
            }
        }
    }
}

#[test]
fn a_shortlist_that_starts_afresh_remembers_nothing() {
    let kernels = Kernels::get();
    let mut generator = generator(5);
    let one = Bucket::random(&mut generator, 32, true, 9, Fill::Random);
    let other = Bucket::random(&mut generator, 32, true, 4, Fill::Random);
    let mut list = Shortlist::default();
    for (k, watched) in [(60, 80), (3, 16), (10, 16), (1, 1)] {
        list.reset(k, watched);
        one.scan(kernels, &mut list);
        list.reset(k, watched);
        other.scan(kernels, &mut list);
        let mut twin = Twin::new(k, watched);
        twin.scan(&other);
        assert_like(&list, &twin, (k, watched));
        assert!(list.memory_bytes() >= watched * 8);
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
        let mut list = Shortlist::default();
        list.reset(1, 16);
        let live = [u16::MAX; 2];
        let scan = BucketScan {
            groups: &lines,
            lines: 4,
            nibbles: false,
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
            next: &[],
        };
        kernels.scan(scan, &mut list);
        assert_panics("nibbles against half a query", || {
            let nibbles = true;
            kernels.scan(BucketScan { nibbles, ..scan }, &mut list);
        });
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
        assert_panics("lists of half a group", || {
            kernels.list_within(&norms[..24], 0.0, &mut Vec::new());
        });
    }
}
