//! `exact` against loops in f64, and what else an oracle must be.

use nearhash::{Control, Error, Metric, Neighbors, PredictOptions, RowSlice, RowsView, exact};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::photos::{self, DIM, SCALED};
use crate::{SRP, fitted, l2, normal, options, view, with_threads};

const METRICS: [Metric; 2] = [Metric::Euclidean, Metric::Cosine];

fn cdist(a: &[f32], b: &[f32], dim: usize, metric: Metric) -> Vec<f32> {
    exact::cdist(&view(a, dim), &view(b, dim), metric, &Control::new()).unwrap()
}

fn knn(data: &[f32], queries: &[f32], dim: usize, k: usize, metric: Metric) -> Neighbors {
    let (data, queries) = (view(data, dim), view(queries, dim));
    exact::knn(&data, &queries, k, metric, &Control::new()).unwrap()
}

fn naive(a: &[f32], b: &[f32], metric: Metric) -> f64 {
    let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let (mut a, mut b) = (wide(a), wide(b));
    if metric == Metric::Cosine {
        for x in [&mut a, &mut b] {
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.iter_mut().for_each(|x| *x /= norm);
        }
    }
    let squared: f64 = a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum();
    match metric {
        Metric::Euclidean => squared.sqrt(),
        Metric::Cosine => squared / 2.0,
    }
}

/// Right to float32: relatively for Euclidean; for cosine as far as unit vectors can be.
#[track_caller]
fn assert_near(found: f32, expected: f64, metric: Metric) {
    let found = f64::from(found);
    let good = match metric {
        Metric::Euclidean => (found - expected).abs() <= 1e-6 * expected,
        // Between unit vectors the straight line is √(2 distance) long.
        Metric::Cosine => ((2.0 * found).sqrt() - (2.0 * expected).sqrt()).abs() <= 5e-7,
    };
    assert!(good, "{metric:?}: {found:e} instead of {expected:e}");
}

#[test]
fn all_distances_agree_with_loops_in_f64() {
    for (i, dim) in [1, 2, 3, 15, 16, 17, 64, 100, 3000].into_iter().enumerate() {
        let (rows, columns) = ([1, 5, 37, 70][i % 4], [1, 3, 260, 515][(i + 2) % 4]);
        let a = normal(i as u64, rows * dim);
        let b = normal(100 + i as u64, columns * dim);
        for metric in METRICS {
            let found = cdist(&a, &b, dim, metric);
            assert_eq!(found.len(), rows * columns);
            for (a, found) in a.chunks(dim).zip(found.chunks(columns)) {
                for (b, found) in b.chunks(dim).zip(found) {
                    assert_near(*found, naive(a, b, metric), metric);
                }
            }
        }
    }
}

/// Sort a row of distances by (distance, id).
fn sorted(distances: &[f32], k: usize) -> (Vec<u32>, Vec<f32>) {
    let mut all: Vec<(f32, u32)> = distances.iter().copied().zip(0..).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(k);
    all.into_iter().map(|(distance, id)| (id, distance)).unzip()
}

/// The neighbours are the first ones of each sorted row of distances, to the bit.
fn check_knn(data: &[f32], queries: &[f32], dim: usize, k: usize, metric: Metric) {
    let rows = data.len() / dim;
    let all = cdist(queries, data, dim, metric);
    let found = knn(data, queries, dim, k, metric);
    for (i, distances) in all.chunks(rows).enumerate() {
        let count = k.min(rows);
        assert_eq!(found.counts[i] as usize, count);
        let (ids, distances) = sorted(distances, k);
        let places = i * k..i * k + count;
        assert_eq!(found.ids[places.clone()], ids);
        assert_eq!(found.distances[places], distances);
        let rest = i * k + count..(i + 1) * k;
        assert!(found.ids[rest.clone()].iter().all(|id| *id == 0));
        assert!(found.distances[rest].iter().all(|x| *x == 0.0));
    }
}

#[test]
fn neighbours_are_the_first_of_all_distances_sorted() {
    for (i, dim) in [1, 3, 16, 33].into_iter().enumerate() {
        for rows in [1, 2, 100, 1000] {
            let data = normal(i as u64, rows * dim);
            let queries = normal(50 + i as u64, 23 * dim);
            for k in [1, 2, 10, 1500] {
                for metric in METRICS {
                    check_knn(&data, &queries, dim, k, metric);
                }
            }
        }
    }
}

#[test]
fn ties_go_to_the_lower_row() {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    // Few different distances, and each point several times.
    let data: Vec<f32> = (0..20_000 * 3)
        .map(|_| generator.random_range(1..=3) as f32)
        .collect();
    let queries: Vec<f32> = (0..5 * 3)
        .map(|_| generator.random_range(1..=3) as f32)
        .collect();
    for metric in METRICS {
        for k in [1, 10, 3000] {
            check_knn(&data, &queries, 3, k, metric);
        }
    }
    let same = knn(&[7.0; 1000], &[7.0; 2], 1, 5, Metric::Euclidean);
    assert_eq!(same.ids, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    assert_eq!(same.distances, [0.0; 10]);
}

#[test]
fn a_set_and_itself_have_a_symmetric_matrix_with_zeros_on_its_diagonal() {
    let photos = &SCALED[..700 * DIM];
    let noise = normal(2, 300 * 19);
    let scaled: Vec<f32> = (0..)
        .zip(&noise)
        .map(|(i, x)| x * [1.0, 1e-6, 1e6][i / 19 % 3])
        .collect();
    let huge: Vec<f32> = (0..)
        .zip(&noise)
        .map(|(i, x)| x * [1.0, 1e-20, 1e30][i / 19 % 3])
        .collect();
    let tiny: Vec<f32> = noise.iter().map(|x| x * 1e-30).collect();
    for (set, dim) in [
        (photos, DIM),
        (&noise[..], 19),
        (&scaled[..], 19),
        (&huge[..], 19),
        (&tiny[..], 19),
    ] {
        for metric in METRICS {
            let rows = set.len() / dim;
            let matrix = cdist(set, set, dim, metric);
            for i in 0..rows {
                assert_eq!(matrix[i * rows + i].to_bits(), 0, "row {i}");
                for j in 0..i {
                    assert_eq!(
                        matrix[i * rows + j].to_bits(),
                        matrix[j * rows + i].to_bits(),
                        "rows {i} and {j}"
                    );
                }
            }
        }
    }
}

#[test]
fn points_that_nearly_coincide_have_accurate_euclidean_distances() {
    let dim = 24;
    let x: Vec<f32> = normal(3, dim).iter().map(|x| x + 100.0).collect();
    for step in [1, 2, 5, 100, 10_000] {
        // A few units in the last place away, in some coordinates.
        let y: Vec<f32> = x
            .iter()
            .enumerate()
            .map(|(i, x)| {
                if i % 3 == 0 {
                    f32::from_bits(x.to_bits() + step)
                } else {
                    *x
                }
            })
            .collect();
        let found = cdist(&x, &y, dim, Metric::Euclidean)[0];
        assert!(found > 0.0);
        assert_near(found, naive(&x, &y, Metric::Euclidean), Metric::Euclidean);
        // The expansion of the square, which libraries with a matrix product use, has lost it all.
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let expanded = (dot(&x, &x) + dot(&y, &y) - 2.0 * dot(&x, &y))
            .max(0.0)
            .sqrt();
        let error = f64::from(expanded) / naive(&x, &y, Metric::Euclidean) - 1.0;
        assert!(step > 1000 || error.abs() > 0.1, "{error}");
    }
}

#[test]
fn directions_that_nearly_coincide_have_accurate_cosine_distances() {
    let dim = 24;
    let x = normal(4, dim);
    let side = normal(5, dim);
    for angle in [1e-2_f32, 1e-3, 1e-4, 1e-5] {
        let y: Vec<f32> = x.iter().zip(&side).map(|(x, y)| x + angle * y).collect();
        let found = cdist(&x, &y, dim, Metric::Cosine)[0];
        let expected = naive(&x, &y, Metric::Cosine);
        assert_near(found, expected, Metric::Cosine);
        if angle < 2e-4 {
            // 1 − cos(angle) in float32 is a multiple of 6e-8.
            let norm = |a: &[f32]| a.iter().map(|a| a * a).sum::<f32>().sqrt();
            let dot: f32 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
            let plain = 1.0 - dot / (norm(&x) * norm(&y));
            let off = |d: f32| (f64::from(d) / expected - 1.0).abs();
            assert!(off(plain) > 5.0 * off(found), "{plain:e} and {found:e}");
        }
    }
}

#[test]
fn coordinates_whose_squares_float32_cannot_hold_are_no_trouble() {
    let noise = normal(6, 40 * 7);
    for scale in [1e30, 1e18, 1e-15, 1e-22, 1e-30, 1e-37] {
        let data: Vec<f32> = noise.iter().map(|x| x * scale).collect();
        let (a, b) = data.split_at(15 * 7);
        let found = cdist(a, b, 7, Metric::Euclidean);
        for (a, found) in a.chunks(7).zip(found.chunks(25)) {
            for (b, found) in b.chunks(7).zip(found) {
                let expected = naive(a, b, Metric::Euclidean);
                assert_near(*found, expected, Metric::Euclidean);
            }
        }
        check_knn(b, a, 7, 4, Metric::Euclidean);
        for (a, found) in a.chunks(7).zip(cdist(a, b, 7, Metric::Cosine).chunks(25)) {
            for (b, found) in b.chunks(7).zip(found) {
                assert_near(*found, naive(a, b, Metric::Cosine), Metric::Cosine);
            }
        }
    }
    // One far query among common points, and the reverse.
    let far: Vec<f32> = noise[..7].iter().map(|x| x * 1e30).collect();
    for (a, b) in [(&far[..], &noise[..]), (&noise[..], &far[..])] {
        let found = cdist(a, b, 7, Metric::Euclidean);
        for (a, found) in a.chunks(7).zip(found.chunks(b.len() / 7)) {
            for (b, found) in b.chunks(7).zip(found) {
                let expected = naive(a, b, Metric::Euclidean);
                assert_near(*found, expected, Metric::Euclidean);
            }
        }
    }
}

#[test]
fn distances_of_opposite_and_orthogonal_vectors_are_two_and_one() {
    let found = cdist(
        &[3.0, 0.0],
        &[1e-3, 0.0, -2.0, 0.0, 0.0, 5.0],
        2,
        Metric::Cosine,
    );
    assert_eq!(found, [0.0, 2.0, 1.0]);
    // Never above 2, whatever rounding does.
    let x = normal(7, 50 * 30);
    let opposite: Vec<f32> = x.iter().map(|x| -x).collect();
    let found = cdist(&x, &opposite, 30, Metric::Cosine);
    assert!(found.iter().all(|x| (0.0..=2.0).contains(x)));
}

#[test]
fn an_index_returns_the_distances_of_exact_search_to_the_bit() {
    for (family, metric) in [(SRP, Metric::Cosine), (l2(4.0), Metric::Euclidean)] {
        let rows = &SCALED[..3000 * DIM];
        let index = fitted(options(family, 4, 10), rows, DIM);
        index.set_budget(5);
        let queries = &rows[..50 * DIM];
        let all = PredictOptions {
            top_k: 3000,
            ..PredictOptions::default()
        };
        let found = index
            .predict(&view(queries, DIM), &all, &Control::new())
            .unwrap();
        let matrix = cdist(queries, rows, DIM, metric);
        for i in 0..50 {
            for place in found.offsets[i] as usize..found.offsets[i + 1] as usize {
                let exact = matrix[i * 3000 + found.ids[place] as usize];
                assert_eq!(found.distances[place].to_bits(), exact.to_bits());
            }
        }
        assert!(found.ids.len() > 50 * 100);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let rows = &SCALED[..];
    // Few queries are shared out by rows, many by queries.
    let work = |metric| {
        let few = knn(rows, &rows[..3 * DIM], DIM, 20, metric);
        let many = knn(&rows[..5000 * DIM], &rows[..500 * DIM], DIM, 7, metric);
        let matrix = cdist(&rows[..130 * DIM], &rows[..999 * DIM], DIM, metric);
        (few, many, matrix)
    };
    for metric in METRICS {
        let one = with_threads(1, || work(metric));
        for threads in [2, 5] {
            assert_eq!(with_threads(threads, || work(metric)), one);
        }
    }
}

#[test]
fn the_type_of_the_numbers_changes_no_bit() {
    let counts = &photos::COUNTS[..500 * DIM];
    let bytes: Vec<u8> = counts.iter().map(|x| *x as u8).collect();
    let wide: Vec<i16> = bytes.iter().map(|x| i16::from(*x)).collect();
    // Cosine needs a direction; the cut bytes leave some other than 0 in each row.
    let floats: Vec<f32> = bytes.iter().map(|x| f32::from(*x)).collect();
    let views = [
        RowSlice::U8(&bytes),
        RowSlice::I16(&wide),
        RowSlice::F32(&floats),
    ]
    .map(|slice| RowsView::new(slice, DIM).unwrap());
    let control = Control::new();
    for metric in METRICS {
        let matrix = exact::cdist(&views[2], &views[2], metric, &control).unwrap();
        let nearest = exact::knn(&views[2], &views[2], 5, metric, &control).unwrap();
        for a in &views {
            for b in &views {
                assert_eq!(exact::cdist(a, b, metric, &control).unwrap(), matrix);
                assert_eq!(exact::knn(a, b, 5, metric, &control).unwrap(), nearest);
            }
        }
    }
}

#[test]
fn no_queries_and_no_rows_give_empty_results() {
    let some = normal(8, 12);
    for metric in METRICS {
        assert!(cdist(&[], &some, 3, metric).is_empty());
        assert!(cdist(&some, &[], 3, metric).is_empty());
        assert!(cdist(&[], &[], 3, metric).is_empty());
        let found = knn(&some, &[], 3, 2, metric);
        assert!(found.ids.is_empty() && found.counts.is_empty());
        let found = knn(&[], &some, 3, 2, metric);
        assert_eq!(found.counts, [0; 4]);
        assert_eq!(found.ids, [0; 8]);
    }
}

#[test]
fn wrong_arguments_are_named() {
    let control = Control::new();
    let (two, three) = ([1.0; 4], [1.0; 6]);
    let (a, b) = (view(&two, 2), view(&three, 3));
    for metric in METRICS {
        assert_eq!(
            exact::cdist(&a, &b, metric, &control),
            Err(Error::Dimension {
                argument: "a",
                received: 2,
                expected: 3
            })
        );
        assert_eq!(
            exact::knn(&a, &b, 1, metric, &control),
            Err(Error::Dimension {
                argument: "queries",
                received: 3,
                expected: 2
            })
        );
        let error = exact::knn(&a, &a, 0, metric, &control).unwrap_err();
        assert_eq!(error.argument(), "k");
        assert_eq!(error.code(), "ERR_NEARHASH_ARGUMENT");
        let error = exact::knn(&a, &a, usize::MAX, metric, &control).unwrap_err();
        assert_eq!(error.argument(), "k");
    }
    let with_zero = [1.0, 2.0, 0.0, 0.0, -0.0, 0.0];
    let zero = view(&with_zero, 2);
    let error = |argument| Error::ZeroVector { argument, row: 1 };
    let cosine = Metric::Cosine;
    assert_eq!(exact::cdist(&zero, &a, cosine, &control), Err(error("a")));
    assert_eq!(exact::cdist(&a, &zero, cosine, &control), Err(error("b")));
    assert_eq!(
        exact::knn(&zero, &a, 1, cosine, &control),
        Err(error("data"))
    );
    assert_eq!(
        exact::knn(&a, &zero, 1, cosine, &control),
        Err(error("queries"))
    );
    assert!(exact::cdist(&zero, &zero, Metric::Euclidean, &control).is_ok());
}

#[test]
fn the_first_zero_vector_is_named_however_many_there_are() {
    let mut rows = normal(9, 10_000 * 2);
    for row in [9_999, 2_500, 2_499, 7_000] {
        rows[row * 2..][..2].fill(0.0);
        let error = exact::knn(
            &view(&rows, 2),
            &view(&[1.0, 1.0], 2),
            1,
            Metric::Cosine,
            &Control::new(),
        );
        let first = rows.chunks(2).position(|row| row == [0.0, 0.0]).unwrap();
        assert_eq!(
            error,
            Err(Error::ZeroVector {
                argument: "data",
                row: first
            })
        );
    }
}

#[test]
fn cancelled_work_says_so() {
    let rows = view(photos::queries(), DIM);
    let control = Control::new();
    control.cancel();
    for metric in METRICS {
        assert_eq!(
            exact::cdist(&rows, &rows, metric, &control),
            Err(Error::Cancelled)
        );
        assert_eq!(
            exact::knn(&rows, &rows, 1, metric, &control),
            Err(Error::Cancelled)
        );
    }
}

#[test]
fn progress_ends_with_all_queries_done() {
    let control = Control::new();
    assert_eq!(control.progress().total, 0);
    let (rows, queries) = (view(&SCALED, DIM), view(photos::queries(), DIM));
    exact::knn(&rows, &queries, 3, Metric::Euclidean, &control).unwrap();
    let progress = control.progress();
    assert_eq!(progress.stage, "distances");
    assert_eq!((progress.done, progress.total), (200, 200));
}

#[test]
fn a_few_queries_get_what_they_get_among_many() {
    let mut generator = ChaCha8Rng::seed_from_u64(31);
    for (rows, dim) in [
        (1, 1),
        (15, 7),
        (128, 16),
        (300, 64),
        (129, 300),
        (20_000, 5),
    ] {
        // Whole numbers with ties, in every type; no row is zero.
        let whole: Vec<u8> = (0..rows * dim)
            .map(|_| generator.random_range(1..9))
            .collect();
        let shorts: Vec<i16> = whole.iter().map(|x| i16::from(*x)).collect();
        let floats: Vec<f32> = whole.iter().map(|x| f32::from(*x)).collect();
        let fractions: Vec<f32> = floats.iter().map(|x| x * 0.3).collect();
        let queries: Vec<f32> = normal(32, 40 * dim).iter().map(|x| x.abs() + 0.1).collect();
        for data in [
            RowSlice::U8(&whole),
            RowSlice::I16(&shorts),
            RowSlice::F32(&floats),
            RowSlice::F32(&fractions),
        ] {
            let data = RowsView::new(data, dim).unwrap();
            for metric in METRICS {
                for k in [1, 10, 200] {
                    let ask = |queries: &[f32]| {
                        exact::knn(&data, &view(queries, dim), k, metric, &Control::new()).unwrap()
                    };
                    let many = ask(&queries);
                    for (few, first) in [(1, 0), (2, 5), (3, 9), (4, 20)] {
                        for threads in [1, 3] {
                            let some = &queries[first * dim..(first + few) * dim];
                            let found = with_threads(threads, || ask(some));
                            let places = first * k..(first + few) * k;
                            assert_eq!(found.counts, many.counts[first..first + few]);
                            assert_eq!(found.ids, many.ids[places.clone()], "{rows} x {dim}");
                            assert_eq!(found.distances, many.distances[places]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_single_query_names_the_first_row_without_direction_and_can_be_cancelled() {
    let mut data = normal(33, 30_000 * 3);
    for row in [29_000, 12_345, 20_000] {
        data[row * 3..(row + 1) * 3].fill(0.0);
    }
    let query = [1.0, 2.0, 3.0];
    for threads in [1, 4] {
        let found = with_threads(threads, || {
            exact::knn(
                &view(&data, 3),
                &view(&query, 3),
                1,
                Metric::Cosine,
                &Control::new(),
            )
        });
        let expected = Error::ZeroVector {
            argument: "data",
            row: 12_345,
        };
        assert_eq!(found.unwrap_err().to_string(), expected.to_string());
    }
    let control = Control::new();
    control.cancel();
    let found = exact::knn(
        &view(&data, 3),
        &view(&query, 3),
        1,
        Metric::Euclidean,
        &control,
    );
    assert!(matches!(found, Err(Error::Cancelled)));
}
