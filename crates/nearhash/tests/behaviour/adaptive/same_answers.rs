//! Answers are the same for any number of threads, on every instruction set, in batches or one by
//! one, and whatever type holds the numbers.

use nearhash::adaptive::{AdaptiveIndex, IndexOptions, SearchOptions};
use nearhash::{Control, Filter, Metric, Neighbors, RowData};

use super::{asked, clustered, fitted, floats, in_regions, samples, search, with_metric};
use crate::digest::{Digest, assert_same_for_any_threads, assert_same_on_every_level, tell};
use crate::photos::{COUNTS, DIM};
use crate::point_index::assert_alone_as_in_batch;
use crate::{view, with_threads};

fn add_index(digest: &mut Digest, index: &AdaptiveIndex, queries: &[f32], dim: usize) {
    let queries = view(queries, dim);
    for k in [1, 10, 40] {
        for recall in [0.7, 0.95, 0.99, 1.0] {
            digest.add_neighbors(&search(index, &queries, &asked(k, recall)));
        }
    }
    let probes = SearchOptions {
        probes: Some(3),
        filter: Some(Filter::deny(&[1, 2, 3, 500])),
        ..SearchOptions::nearest(5)
    };
    digest.add_neighbors(&search(index, &queries, &probes));
    for point in index.describe().codes.unwrap().calibration {
        let bits = point.probes.to_bits();
        digest.add([bits as u32, (bits >> 32) as u32]);
    }
}

/// A bit of everything that the engine computes.
fn digest() -> u64 {
    let mut digest = Digest::new();
    let control = Control::new();
    for (metric, n, dim) in [
        (Metric::Euclidean, 1500, 24),
        (Metric::Cosine, 1100, 7),
        (Metric::Cosine, 1300, 150),
    ] {
        let rows = clustered(21, n, dim);
        let mut queries = clustered(22, 40, dim);
        queries.extend(crate::normal(23, 10 * dim));
        let index = fitted(with_metric(metric), floats(&rows), dim);
        add_index(&mut digest, &index, &queries, dim);
        for id in (0..n as u32).step_by(7) {
            index.delete(id).unwrap();
        }
        index
            .store(&view(&rows[..400 * dim], dim), &control)
            .unwrap();
        index.update(1, &view(&queries[..dim], dim)).unwrap();
        add_index(&mut digest, &index, &queries, dim);
    }
    let counts = &COUNTS[..1500 * DIM];
    let bytes = counts.iter().map(|x| (*x).min(255) as u8).collect();
    for data in [RowData::I16(counts.to_vec()), RowData::U8(bytes)] {
        let index = fitted(
            IndexOptions {
                settle: Some(0),
                seed: 4,
                ..IndexOptions::default()
            },
            data,
            DIM,
        );
        let queries: Vec<f32> = counts[..30 * DIM]
            .iter()
            .map(|x| f32::from(*x) + 0.5)
            .collect();
        add_index(&mut digest, &index, &queries, DIM);
    }
    digest.value()
}

/// The same where buckets are ranked in two levels, the last one with codes of two bits.
fn digest_of_regions() -> u64 {
    let mut digest = Digest::new();
    for (settle, dim) in [(None, 30), (Some(0), 100), (None, 310)] {
        let long = dim == 310;
        let rows = if long {
            crate::normal(24, 2000 * dim)
        } else {
            clustered(24, 2000, dim)
        };
        let options = IndexOptions {
            settle,
            ..in_regions(with_metric(Metric::Euclidean))
        };
        let index = fitted(options, floats(&rows), dim);
        let bits = index.describe().codes.unwrap().bits;
        assert_eq!(bits, if long { 2 } else { 4 });
        add_index(&mut digest, &index, &clustered(25, 40, dim), dim);
        index
            .store(&view(&rows[..300 * dim], dim), &Control::new())
            .unwrap();
        add_index(&mut digest, &index, &clustered(26, 20, dim), dim);
    }
    digest.value()
}

/// What the seeds yield. It changes only when answers do, and then on purpose.
const GOLDEN: u64 = 0xef68_01a8_2251_ab37;
const GOLDEN_OF_REGIONS: u64 = 0xb7a6_defa_0348_f26b;

#[test]
fn the_number_of_threads_changes_no_answer() {
    assert_same_for_any_threads(digest, GOLDEN);
    assert_same_for_any_threads(digest_of_regions, GOLDEN_OF_REGIONS);
}

#[test]
#[ignore = "a part of the next test, which runs it in processes of their own"]
fn tell_the_digest_to_a_parent_process() {
    tell(digest());
}

#[test]
#[ignore = "a part of the next test, which runs it in processes of their own"]
fn tell_the_digest_of_regions_to_a_parent_process() {
    tell(digest_of_regions());
}

#[test]
fn the_instruction_set_changes_no_answer() {
    let test = "adaptive::same_answers::tell_the_digest_to_a_parent_process";
    assert_same_on_every_level(test, GOLDEN);
    let test = "adaptive::same_answers::tell_the_digest_of_regions_to_a_parent_process";
    assert_same_on_every_level(test, GOLDEN_OF_REGIONS);
}

#[test]
fn rows_that_are_only_looked_at_give_the_same_index() {
    let (rows, queries) = (clustered(31, 1500, 20), clustered(32, 50, 20));
    let owned = fitted(with_metric(Metric::Cosine), floats(&rows), 20);
    let borrowed = AdaptiveIndex::new(with_metric(Metric::Cosine)).unwrap();
    borrowed
        .fit_rows(&view(&rows, 20), &Control::new())
        .unwrap();
    drop(rows);
    let queries = view(&queries, 20);
    for options in [asked(10, 0.9), asked(3, 1.0)] {
        let [a, b] = [&owned, &borrowed].map(|index| search(index, &queries, &options));
        assert_eq!((a.ids, a.distances), (b.ids, b.distances));
    }
    assert_eq!(owned.vector(7), borrowed.vector(7));
    assert_eq!(owned.size(), borrowed.size());
}

#[test]
fn one_query_is_answered_as_in_a_batch_and_writes_only_what_it_found() {
    for sample in samples() {
        let deny = Filter::deny(&(0..4000).collect::<Vec<_>>());
        for options in [
            SearchOptions::nearest(10),
            asked(1, 0.99),
            asked(120, 0.8),
            asked(3, 1.0),
            SearchOptions {
                filter: Some(deny),
                probes: Some(1),
                ..SearchOptions::nearest(20)
            },
            SearchOptions {
                filter: Some(Filter::allow(&[3, 9])),
                ..SearchOptions::nearest(20)
            },
        ] {
            let batch = search(&sample.index, &sample.queries(), &options);
            let queries = sample.queries.chunks_exact(sample.dim);
            assert_alone_as_in_batch(&batch, queries, |query, ids, distances| {
                sample.index.search_one(query, &options, ids, distances)
            });
        }
    }
}

#[test]
fn queries_do_not_depend_on_those_before_them() {
    // Whatever a search leaves behind for later ones must not be seen.
    let sample = samples()[0];
    let queries: Vec<&[f32]> = sample.queries.chunks_exact(sample.dim).take(60).collect();
    let one = |query: &[f32], options: &SearchOptions| {
        search(&sample.index, &view(query, sample.dim), options)
    };
    let options = [asked(1, 0.9), asked(200, 0.99), asked(10, 0.5)];
    let alone: Vec<Neighbors> = queries
        .iter()
        .map(|query| one(query, &options[0]))
        .collect();
    let far: Vec<f32> = queries[0].iter().map(|x| x * 1e6).collect();
    for (i, query) in queries.iter().enumerate().rev() {
        one(queries[(i * 17) % queries.len()], &options[1 + i % 2]);
        one(&far, &options[0]);
        assert_eq!(one(query, &options[0]), alone[i]);
    }
}

#[test]
fn the_type_of_the_numbers_changes_no_answer() {
    let counts = &COUNTS[..2000 * DIM];
    let bytes: Vec<u8> = counts.iter().map(|x| (*x).min(255) as u8).collect();
    let words: Vec<i16> = bytes.iter().map(|x| i16::from(*x)).collect();
    let wide: Vec<f32> = bytes.iter().map(|x| f32::from(*x)).collect();
    let queries: Vec<f32> = wide[..50 * DIM].iter().map(|x| x + 0.25).collect();
    let all = [RowData::U8(bytes), RowData::I16(words), RowData::F32(wide)].map(|data| {
        let index = fitted(IndexOptions::default(), data, DIM);
        let found = search(&index, &view(&queries, DIM), &SearchOptions::nearest(10));
        (found, index.describe().codes)
    });
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
}

#[test]
fn a_batch_of_any_size_gets_what_its_queries_get_alone() {
    for (metric, dim) in [(Metric::Euclidean, 24), (Metric::Cosine, 90)] {
        let rows = clustered(41, 1600, dim);
        let index = fitted(with_metric(metric), floats(&rows), dim);
        for id in (0..1600).step_by(9) {
            index.delete(id).unwrap();
        }
        // Some that came later.
        let late = clustered(42, 60, dim);
        index.store(&view(&late, dim), &Control::new()).unwrap();
        let mut queries = clustered(43, 300, dim);
        for (i, query) in queries.chunks_exact_mut(dim).enumerate() {
            match i % 30 {
                // Too far out for codes, too large for float32; equal to others.
                7 => query.iter_mut().for_each(|x| *x *= 1e6),
                11 => query.fill(3e18),
                13 | 14 => query.copy_from_slice(&rows[..dim]),
                _ => {}
            }
        }
        for options in [
            SearchOptions::nearest(10),
            asked(1, 0.8),
            asked(40, 0.99),
            SearchOptions {
                probes: Some(2),
                filter: Some(Filter::deny(&(0..500).collect::<Vec<_>>())),
                ..SearchOptions::nearest(7)
            },
        ] {
            let k = options.k;
            let alone: Vec<Neighbors> = queries
                .chunks_exact(dim)
                .map(|query| search(&index, &view(query, dim), &options))
                .collect();
            for count in [2, 15, 16, 17, 18, 19, 64, 128, 130, 300] {
                for threads in [1, 3] {
                    let some = view(&queries[..count * dim], dim);
                    let found = with_threads(threads, || search(&index, &some, &options));
                    for (i, alone) in alone.iter().take(count).enumerate() {
                        assert_eq!(found.counts[i], alone.counts[0], "{i} of {count}");
                        assert_eq!(found.ids[i * k..][..k], alone.ids, "{i} of {count}");
                        assert_eq!(found.distances[i * k..][..k], alone.distances);
                    }
                }
            }
        }
    }
}

#[test]
fn a_batch_names_its_query_without_direction_and_ends_when_it_is_cancelled() {
    let dim = 24;
    let rows = clustered(44, 1300, dim);
    let index = fitted(with_metric(Metric::Cosine), floats(&rows), dim);
    let mut queries = clustered(45, 200, dim);
    queries[150 * dim..151 * dim].fill(0.0);
    let options = SearchOptions::nearest(5);
    for threads in [1, 3] {
        let found = with_threads(threads, || {
            index.search(&view(&queries, dim), &options, &Control::new())
        });
        let expected = nearhash::Error::ZeroVector {
            argument: "x",
            row: 150,
        };
        assert_eq!(found.unwrap_err().to_string(), expected.to_string());
    }
    let control = Control::new();
    control.cancel();
    let queries = view(&queries[..100 * dim], dim);
    let found = index.search(&queries, &options, &control);
    assert!(matches!(found, Err(nearhash::Error::Cancelled)));
    let control = Control::new();
    index.search(&queries, &options, &control).unwrap();
    let progress = control.progress();
    assert_eq!((progress.done, progress.total), (100, 100));
}
