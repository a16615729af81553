use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::random::stream;

#[test]
fn the_nearest_buckets_are_those_that_sorting_gives() {
    let mut random = stream(5, 0);
    for count in [1, 2, 15, 16, 17, 100, 513] {
        for kind in 0..6 {
            let mut scores: Vec<f32> = (0..count)
                .map(|i| match kind {
                    0 => random.random::<f32>(),
                    // Many are equal; all are.
                    1 => (random.random_range(0..4_u32)) as f32,
                    2 => 0.25,
                    3 => 0.0,
                    // Rounding may leave some below zero.
                    4 => random.random::<f32>() - 0.2,
                    _ => libm::expf(i as f32 % 60.0),
                })
                .collect();
            let mut expected: Vec<(f32, u32)> =
                scores.iter().map(|x| x.max(0.0)).zip(0..).collect();
            expected.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            scores.resize(scores.len().next_multiple_of(LANES), f32::MAX);
            for kernels in Kernels::available() {
                // Whatever an earlier query left.
                for mut fraction in [0.0, 0.3, 1.0, 50.0, f32::NAN] {
                    let (mut places, mut out) = (vec![1], vec![2]);
                    for want in [1, 2, 7, count / 2, count] {
                        let want = want.clamp(1, count);
                        // Whatever is known of the scores.
                        let seen = [(1.0, 2.0), (-3.0, f32::INFINITY), (0.0, 0.0)];
                        let seen = seen.map(|(least, mean)| Some(Scored { least, mean }));
                        let within = Within {
                            scores: &scores,
                            scored: [None, seen[0], seen[1], seen[2]][(want + kind) % 4],
                            count,
                            want,
                        };
                        within.list(kernels, &mut fraction, &mut places, &mut out);
                        let found: Vec<u32> = out.iter().map(|key| *key as u32).collect();
                        let expected: Vec<u32> = expected[..want].iter().map(|x| x.1).collect();
                        assert_eq!(found, expected, "{want} of {count}, {kind}");
                        let scores = out.iter().map(|key| f32::from_bits((key >> 32) as u32));
                        assert!(scores.is_sorted());
                    }
                }
            }
        }
    }
}

/// Centres in regions of unequal width and number.
fn in_regions(seed: u64, regions: usize, axes: usize) -> Centres {
    let mut random = stream(seed, 1);
    let mut normal = |by: f32| by * random.sample::<f32, _>(StandardNormal);
    let (mut centres, mut heads, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for r in 0..regions {
        let size = [1, 16, 40, 7, 33][r % 5];
        let head: Vec<f32> = (0..axes).map(|_| normal(1.0)).collect();
        for i in 0..size {
            // Some of them equal.
            let by = if i % 9 == 1 {
                0.0
            } else {
                0.2 + 0.1 * (r % 4) as f32
            };
            centres.extend(head.iter().map(|x| x + normal(by)));
        }
        heads.extend(head);
        sizes.push(size);
    }
    Centres::in_regions(&centres, axes, &sizes, &heads)
}

/// All buckets by what they are ranked by, from decoded centres.
fn all_ranked(centres: &Centres, ranking: &Ranking, y: &Quantised) -> Vec<(f64, usize)> {
    let axes = centres.axes;
    let mut decoded = vec![0.0; axes];
    let mut all = Vec::new();
    for (r, region) in centres.regions.iter().enumerate() {
        for bucket in region.first..region.first + region.count {
            centres.decode(bucket as usize, &mut decoded);
            let terms = decoded.iter().zip(&y.codes);
            let squared: f64 = terms
                .map(|(c, q)| (f64::from(*c) - f64::from(*q) * f64::from(y.step)).powi(2))
                .sum();
            all.push((squared.max(f64::from(ranking.openings[r])), bucket as usize));
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

#[test]
fn buckets_of_regions_come_in_one_order_however_they_are_asked_for() {
    let axes = 32;
    for regions in [2, 5, 17, 60] {
        let centres = in_regions(3, regions, axes);
        let count = centres.len();
        let mut random = stream(4, 0);
        for kernels in Kernels::available() {
            let (mut ranking, mut whole) = (Ranking::default(), Ranking::default());
            for number in 0..12 {
                let by = [0.3, 1.0, 8.0][number % 3];
                let query: Vec<f32> = (0..axes)
                    .map(|_| by * random.sample::<f32, _>(StandardNormal))
                    .collect();
                let mut y = Quantised::default();
                y.set(kernels, &query, None);
                whole.start(kernels, &centres, &y);
                whole.list(kernels, &centres, &y, count);
                assert_eq!(whole.listed(), count);
                let mut places: Vec<usize> = (0..count).map(|rank| whole.place(rank)).collect();
                // In the order that sorting gives, but for rounding; the scores are the distances.
                let expected = all_ranked(&centres, &whole, &y);
                for (rank, (nearness, _)) in expected.iter().enumerate() {
                    let found = f64::from(whole.nearness(rank));
                    assert!((found - nearness).abs() <= 1e-4 * (1.0 + nearness));
                    assert!(whole.score(rank) <= whole.nearness(rank) + 1e-6);
                    assert!(rank == 0 || whole.nearness(rank - 1) <= whole.nearness(rank));
                }
                // Piece by piece, the same.
                ranking.start(kernels, &centres, &y);
                assert_eq!(ranking.listed(), 0);
                for want in [1, 2, 3, 10, 11, 50, count / 2, count - 1, count] {
                    let want = want.clamp(1, count);
                    ranking.list(kernels, &centres, &y, want);
                    assert!(ranking.listed() >= want);
                    for (rank, place) in places[..ranking.listed()].iter().enumerate() {
                        assert_eq!(ranking.place(rank), *place);
                        assert_eq!(ranking.nearness(rank), whole.nearness(rank));
                        assert_eq!(ranking.score(rank), whole.score(rank));
                    }
                    // And what is known at a rank, too.
                    for rank in [0, want / 2, want - 1] {
                        assert_eq!(ranking.scores_by(rank), whole.scores_by(rank));
                    }
                }
                // Each bucket once.
                places.sort_unstable();
                assert!(places.into_iter().eq(0..count));
            }
        }
    }
}

#[test]
fn few_regions_are_opened_for_the_nearest_buckets() {
    let centres = in_regions(5, 60, 32);
    let kernels = Kernels::get();
    let mut ranking = Ranking::default();
    let mut head = vec![0.0; 32];
    for r in 0..60 {
        centres.heads().unwrap().decode(r, &mut head);
        let mut y = Quantised::default();
        y.set(kernels, &head, None);
        ranking.start(kernels, &centres, &y);
        ranking.list(kernels, &centres, &y, 1);
        assert!(ranking.starts.len() < 20, "{}", ranking.starts.len());
        let region = centres.regions[r];
        let places = region.first as usize..(region.first + region.count) as usize;
        assert!(places.contains(&ranking.place(0)));
    }
}

#[test]
fn regions_open_where_a_bucket_towards_the_query_would_be() {
    let centres = in_regions(6, 37, 32);
    let mut random = stream(7, 0);
    for kernels in Kernels::available() {
        let mut ranking = Ranking::default();
        for by in [0.0, 0.5, 3.0] {
            let query: Vec<f32> = (0..32)
                .map(|_| by * random.sample::<f32, _>(StandardNormal))
                .collect();
            let mut y = Quantised::default();
            y.set(kernels, &query, None);
            ranking.start(kernels, &centres, &y);
            let (mut head, mut centre) = (vec![0.0; 32], vec![0.0; 32]);
            for (r, region) in centres.regions.iter().enumerate() {
                centres.heads().unwrap().decode(r, &mut head);
                let apart = |a: &[f32], b: &dyn Fn(usize) -> f32| -> f64 {
                    let terms = a.iter().enumerate();
                    terms.map(|(i, a)| f64::from(a - b(i)).powi(2)).sum()
                };
                let mut spread = 0.0;
                for i in region.first..region.first + region.count {
                    centres.decode(i as usize, &mut centre);
                    spread += apart(&centre, &|i| head[i]) / f64::from(region.count);
                }
                let far = apart(&head, &|i| f32::from(y.codes[i]) * y.step);
                let expected =
                    far + spread - 2.0 * f64::from(centres.towards) * (far * spread).sqrt();
                let opening = f64::from(ranking.openings[r]);
                assert!((opening - expected.max(0.0)).abs() <= 1e-4 * (1.0 + far + spread));
            }
            assert!(ranking.openings[37..].iter().all(|pad| *pad == f32::MAX));
        }
    }
}
