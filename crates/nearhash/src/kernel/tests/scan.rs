//! Scans of buckets, and lists of the nearest.

use half::f16;

use super::codes::{FILLS, Fill, dot, fill, lines_of};
use super::*;

/// A bucket in the open: what its vectors are made of.
#[derive(Debug, Clone)]
struct Bucket {
    axes: usize,
    packing: Packing,
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

const PACKINGS: [Packing; 3] = [Packing::Bytes, Packing::Nibbles, Packing::Quarters];

fn largest(packing: Packing) -> u8 {
    match packing {
        Packing::Bytes => 127,
        Packing::Nibbles => 15,
        Packing::Quarters => 3,
    }
}

impl Bucket {
    /// Numbers such as a search works with.
    fn random(
        generator: &mut ChaCha8Rng,
        axes: usize,
        packing: Packing,
        groups: usize,
        how: Fill,
    ) -> Self {
        let count = groups * LANES;
        let largest = largest(packing);
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
            packing,
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
            packing: Packing::Bytes,
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
        let groups = lines_of(&self.codes, self.axes, self.packing);
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
        // What is asked for changes nothing, and need not be there.
        let places = [3, 0, 1 << 20, 1, 2, 5, 8];
        let soon = match self.rank % 8 {
            7 => Soon::Next(&[]),
            count => Soon::Groups(&places[..count as usize], &groups),
        };
        let scan = BucketScan {
            groups: &groups,
            lines: self.axes / self.packing.dimensions(),
            packing: self.packing,
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
            soon,
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
        let points: Vec<Candidate> = (0..b.u.len())
            .filter(|at| b.live[at / LANES] >> (at % LANES) & 1 == 1)
            .map(|at| {
                let (a, u, e) = (f16::from_bits(b.a[at]).to_f32(), b.u[at], b.e[at]);
                let (u, e) = (f32::from(u), f32::from(e));
                let dot = dot(&b.codes[at * b.axes..][..b.axes], &b.query);
                let start = e.mul_add(b.e_factor, a.mul_add(b.a_unit, b.base));
                Candidate {
                    estimate: (u * b.u_factor).mul_add(dot - b.middle, start),
                    fixed: u.mul_add(b.u_plus, e.mul_add(b.e_margin, b.margin)),
                    slope: u * b.u_margin,
                    row: b.first + at as u32,
                }
            })
            .collect();
        let noted = points.iter().map(|c| (c.estimate, b.rank));
        // A first bucket that has enough sets the limit for itself, others for those that come later.
        let first = self.all.is_empty() && points.len() >= self.watched;
        let mut limit = self.limit();
        self.all.extend(noted);
        if first {
            limit = self.limit();
        }
        let root = if limit.is_finite() {
            limit.max(0.0).sqrt()
        } else {
            0.0
        };
        for c in points {
            let at = (c.row - b.first) as usize;
            let (u, e) = (f32::from(b.u[at]), f32::from(b.e[at]));
            let lower = e.mul_add(-b.e_margin, c.estimate);
            let bound = u.mul_add(-(b.u_margin * root + b.u_plus), lower);
            if bound <= limit + b.margin {
                self.candidates.push(c);
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
    assert_eq!(list.limit(), twin.limit(), "{what:?}");
    assert_eq!(list.root(), twin.limit().max(0.0).sqrt(), "{what:?}");
    assert_candidates(list, twin, what);
}

#[track_caller]
fn assert_candidates(list: &Shortlist, twin: &Twin, what: impl std::fmt::Debug) {
    let found: Vec<Candidate> = list.candidates.iter().collect();
    assert_eq!(found, twin.candidates, "{what:?}");
    assert_eq!(list.candidates.len(), found.len());
    assert!(
        found
            .iter()
            .map(|c| c.row)
            .eq(list.candidates.rows().iter().copied())
    );
}

/// What a candidate is at least, with part of its margins.
fn bound(c: &Candidate, limit: f32, part: f32) -> f32 {
    let margin = c.slope.mul_add(limit.max(0.0).sqrt(), c.fixed);
    margin.mul_add(-part, c.estimate)
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
    let limit = twin.limit();
    for part in [1.0, 0.5, 0.1, 0.0] {
        if limit.is_finite() {
            twin.candidates.retain(|c| bound(c, limit, part) <= limit);
        }
        for (kernels, list) in &mut lists {
            kernels.settle(list, part);
            assert_candidates(list, &twin, (kernels.level, part, what));
            check_rows(kernels, list, &twin.candidates, (part, what));
        }
    }
    assert!(twin.candidates.len() >= k.min(twin.all.len()));
}

/// Which rows a list says are likely, and which others are possible.
#[track_caller]
fn check_rows(
    kernels: &Kernels,
    list: &mut Shortlist,
    candidates: &[Candidate],
    what: impl std::fmt::Debug + Copy,
) {
    let limit = list.limit();
    let rows_where = |which: &dyn Fn(&Candidate) -> bool| -> Vec<u32> {
        let found = candidates.iter().filter(|c| which(c));
        found.map(|c| c.row).collect()
    };
    let mut rows = vec![77];
    for from in [0, candidates.len() / 2, candidates.len()] {
        kernels.likely(list, from, &mut rows);
        let expected = candidates[from..].iter().filter(|c| c.estimate <= limit);
        let expected: Vec<u32> = expected.map(|c| c.row).collect();
        assert_eq!(rows, expected, "{:?} {what:?}", kernels.level);
    }
    for most in [0.0, 0.7, 2.0] {
        kernels.others_within(list, most, 0.5, &mut rows);
        let expected = rows_where(&|c| c.estimate > limit && bound(c, most, 0.5) <= most);
        assert_eq!(rows, expected, "{:?} {what:?}", kernels.level);
    }
}

#[test]
fn scans_equal_the_scalar_loop_for_every_number_of_axes() {
    let mut generator = generator(3);
    for axes in (16..=320).step_by(16) {
        for packing in PACKINGS {
            for how in FILLS {
                let buckets: Vec<Bucket> = [0, 1, 3, 7]
                    .into_iter()
                    .map(|groups| Bucket::random(&mut generator, axes, packing, groups, how))
                    .collect();
                for k in [1, 10] {
                    check_scans(&buckets, k, 16, (axes, packing, how, k));
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
        sixteens in 1..=20_usize,
        packing in 0..PACKINGS.len(),
        groups in prop::collection::vec(0..12_usize, 0..5),
        k in 1..=100_usize,
        watched in prop_oneof![Just(16_usize), 1..150_usize],
    ) {
        let (mut generator, packing) = (generator(seed), PACKINGS[packing]);
        let buckets: Vec<Bucket> = groups
            .into_iter()
            .map(|groups| {
                Bucket::random(&mut generator, 16 * sixteens, packing, groups, Fill::Random)
            })
            .collect();
        check_scans(&buckets, k, watched, (seed, sixteens, packing, k, watched));
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
    let one = Bucket::random(&mut generator, 32, Packing::Nibbles, 9, Fill::Random);
    let other = Bucket::random(&mut generator, 32, Packing::Nibbles, 4, Fill::Random);
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
