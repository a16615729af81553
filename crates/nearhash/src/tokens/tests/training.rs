//! What training makes: validation, determinism, extremes, refusals.

use std::collections::HashSet;

use super::*;
use crate::error::Error;
use crate::exact;
use crate::kernel::Kernels;
use crate::tokens::validate::{HeldOut, Postings, recall};

/// The order that a search engine would find, by the words alone.
fn ranked(query: &QueryWords, documents: &[Vec<String>]) -> Vec<usize> {
    let scores: Vec<f64> = documents
        .iter()
        .map(|document| {
            let weights = query.words.iter().map(String::as_str);
            weighted_overlap(
                weights.zip(query.weights.iter().copied()),
                document.iter().map(String::as_str),
            )
        })
        .collect();
    let mut order: Vec<usize> = (0..documents.len()).filter(|i| scores[*i] > 0.0).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order
}

#[test]
fn the_reported_recall_is_that_of_a_ranking_by_shared_weight() {
    let (count, dim) = (3000, 12);
    let rows = clumps(9, count, dim);
    let all = view(&rows, dim);
    let model = train(&rows, dim, &options(6, 24));
    let validation = model.validation.clone().unwrap();
    assert_eq!((validation.queries, validation.rows), (300, count));
    let documents = words(&model, &all);
    let held_out = random::choose(4, random::Purpose::HeldOut, count, 300);
    let last = validation.recalls.last().unwrap();
    assert_eq!(last.probes, model.probes());
    let (mut first, mut more) = (0, 0);
    for row in &held_out {
        let one = all.slice(*row..row + 1);
        let nearest = exact::knn(&all, &one, 11, Metric::Euclidean, &Control::new()).unwrap();
        let truth: HashSet<usize> = nearest.ids.iter().map(|id| *id as usize).collect();
        let query = model.encode_query(&one, None).unwrap();
        let mut order = ranked(&query, &documents);
        order.retain(|other| other != row);
        let among = |most: usize| {
            order
                .iter()
                .take(most)
                .filter(|o| truth.contains(o))
                .count()
        };
        (first, more) = (first + among(100), more + among(300));
    }
    // Scores of the validation are float32 sums: now and then two documents change places.
    assert!((last.within_100 - first as f64 / 3000.0).abs() < 0.002);
    assert!((last.within_300 - more as f64 / 3000.0).abs() < 0.002);
}

#[test]
fn recall_counts_true_neighbours_within_the_candidates_and_leaves_out_the_query_itself() {
    // One group, three clusters, 400 rows: those of cluster 0 score highest.
    let codes: Vec<u8> = (0..400)
        .map(|row| if row < 90 { 0 } else { 1 + (row % 2) as u8 })
        .collect();
    let postings = Postings::new(&CodeMatrix::new(Codes::U8(codes), 1), |_| 3);
    let queries = [HeldOut {
        row: 5,
        // Ranks 3, 89 (row 91), 244 (cluster 1's last) and none.
        neighbors: vec![3, 91, 399, 90],
        clusters: vec![vec![(0, 2.0), (2, 1.0), (1, 0.0)]],
    }];
    let at = |probes| recall(&postings, &queries, probes, &Control::new()).unwrap();
    let found = |probes| (at(probes).within_100, at(probes).within_300);
    assert_eq!(found(1), (0.25, 0.25));
    assert_eq!(found(2), (0.5, 0.75));
    // A word without weight finds nothing more.
    assert_eq!(found(3), found(2));
}

#[test]
fn a_model_does_not_depend_on_the_number_of_threads() {
    let rows = clumps(12, 2000, 16);
    let bytes = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let model = train(&rows, 16, &options(4, 32));
            (model.to_bytes(), encode(&model, &view(&rows, 16)))
        })
    };
    assert!(bytes(1) == bytes(4));
}

#[test]
fn every_instruction_set_gives_the_same_codes() {
    let rows = clumps(13, 300, 16);
    let model = train(&rows, 16, &options(4, 32));
    let mut placed = vec![0.0; 301 * 16];
    for (row, out) in rows.chunks(16).zip(placed.chunks_mut(16)) {
        model.space.place(row, out);
    }
    let all: Vec<Vec<usize>> = Kernels::available()
        .map(|kernels| {
            let mut codes = vec![0; 300 * 4];
            let visit = |row: usize, group: usize, code| codes[row * 4 + group] = code;
            model
                .codebook
                .encode(kernels, &model.space, &placed, &mut Vec::new(), visit);
            codes
        })
        .collect();
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn unevenly_spread_dimensions_are_rotated_and_even_ones_need_not_be() {
    // All that matters is in the first four dimensions, which unrotated are one group of sixteen.
    let (count, dim) = (2000, 64);
    let noise = normal(14, count * dim);
    let rows: Vec<f32> = noise
        .iter()
        .enumerate()
        .map(|(i, x)| if i % dim < 4 { *x * 50.0 } else { *x * 0.1 })
        .collect();
    let auto = train(&rows, dim, &options(16, 16));
    assert!(auto.describe().rotated);
    let recall = |rotation| {
        let options = ClusterTokensOptions {
            rotation,
            probes: Some(4),
            ..options(16, 16)
        };
        let model = train(&rows, dim, &options);
        assert_eq!(model.describe().rotated, rotation == RotationChoice::Random);
        model.validation.unwrap().recalls[0].within_100
    };
    assert!(recall(RotationChoice::Random) > recall(RotationChoice::None) + 0.2);
}

#[test]
fn the_same_rows_in_another_type_give_the_same_model() {
    let bytes: Vec<u8> = (0..400 * 6).map(|i| ((i * 7919) % 251) as u8).collect();
    let shorts: Vec<i16> = bytes.iter().map(|x| i16::from(*x)).collect();
    let floats: Vec<f32> = bytes.iter().map(|x| f32::from(*x)).collect();
    let model = |rows| {
        let rows = RowsView::new(rows, 6).unwrap();
        let model = ClusterTokens::train(&rows, &options(3, 8), &Control::new()).unwrap();
        (model.to_bytes(), encode(&model, &rows))
    };
    let expected = model(RowSlice::F32(&floats));
    assert!(model(RowSlice::U8(&bytes)) == expected);
    assert!(model(RowSlice::I16(&shorts)) == expected);
}

#[test]
fn few_rows_make_a_model_without_validation() {
    for count in [1, 2, 5, 99] {
        let rows = normal(15, count * 6);
        let model = train(&rows, 6, &options(3, 256));
        assert_eq!(model.validation, None);
        assert!(model.describe().rotated);
        assert!((0..3).all(|group| model.clusters_of(group) == count));
        // Every row has a cluster of its own in each group.
        let codes = encode(&model, &view(&rows, 6));
        let all: HashSet<usize> = (0..count).map(|row| codes.get(row, 0)).collect();
        assert_eq!(all.len(), count);
        let query = model.encode_query(&view(&rows[..6], 6), None).unwrap();
        assert_eq!(query.words.len(), 3 * 4.min(count));
    }
    let rows = normal(15, 100 * 6);
    assert!(train(&rows, 6, &options(3, 256)).validation.is_some());
}

#[test]
fn constant_rows_and_duplicates_make_a_model_that_finds_them() {
    let constant = vec![3.25; 500 * 8];
    let model = train(&constant, 8, &options(4, 16));
    assert!((0..4).all(|group| model.clusters_of(group) == 1));
    let query = model.encode_query(&view(&constant[..8], 8), None).unwrap();
    assert_eq!(query.words, ["0-0", "1-0", "2-0", "3-0"]);
    assert_eq!(query.weights, [0.0; 4]);
    let far = [1e9_f32; 8];
    let codes = encode(&model, &view(&far, 8));
    assert_eq!(codes.get(0, 3), 0);

    let three: Vec<f32> = normal(16, 3 * 8).repeat(200);
    let model = train(&three, 8, &options(4, 16));
    assert!((0..4).all(|group| model.clusters_of(group) == 3));
    let words = words(&model, &view(&three, 8));
    assert!(words.iter().zip(&words[3..]).all(|(a, b)| a == b));
    assert_eq!(words.iter().collect::<HashSet<_>>().len(), 3);
}

#[test]
fn numbers_at_the_ends_of_float32_stay_apart() {
    for unit in [1e-38_f32, 1e-20, 1.0, 1e20, 1e37] {
        let rows: Vec<f32> = clumps(17, 400, 8).iter().map(|x| x * unit).collect();
        let model = train(&rows, 8, &options(4, 16));
        assert!((0..4).all(|group| model.clusters_of(group) == 16));
        let query = model.encode_query(&view(&rows[..8], 8), None).unwrap();
        assert!(query.weights.iter().all(|w| w.is_finite() && *w >= 0.0));
        assert!(query.weights[0] > 0.0, "{unit:e}");
        // A power of two in front of everything changes no word.
        if unit == 1.0 {
            let larger: Vec<f32> = rows.iter().map(|x| x * 1024.0).collect();
            let scaled = train(&larger, 8, &options(4, 16));
            assert!(encode(&scaled, &view(&larger, 8)) == encode(&model, &view(&rows, 8)));
        }
        let far = [
            f32::MAX,
            f32::MIN,
            0.0,
            f32::MAX,
            1.0,
            -1.0,
            f32::MIN,
            f32::MAX,
        ];
        encode(&model, &view(&far, 8));
        let query = model.encode_query(&view(&far, 8), None).unwrap();
        assert!(query.weights.iter().all(|w| w.is_finite() && *w >= 0.0));
    }
}

#[test]
fn a_seed_makes_the_model_that_it_always_made() {
    let rows: Vec<f32> = (0..300 * 10)
        .map(|i| ((i * 7919) % 1009) as f32 / 64.0)
        .collect();
    let model = train(&rows, 10, &options(3, 12));
    let other = ClusterTokensOptions {
        seed: 5,
        ..options(3, 12)
    };
    assert_ne!(train(&rows, 10, &other).model_hash(), model.model_hash());
    assert_eq!(
        words(&model, &view(&rows[..30], 10)),
        [
            ["0-6", "1-11", "2-0"],
            ["0-11", "1-3", "2-9"],
            ["0-4", "1-0", "2-10"]
        ]
    );
    let hash = "92dea1b6ae6532bf9a42e49b35fe61625d52134b42091ea5fff10473080ccaa8";
    assert_eq!(model.model_hash(), hash);
}

#[test]
fn what_cannot_be_trained_or_encoded_is_refused() {
    let rows = normal(18, 200 * 6);
    let rows = view(&rows, 6);
    let control = Control::new();
    let argument =
        |options: ClusterTokensOptions| match ClusterTokens::train(&rows, &options, &control) {
            Err(Error::Argument { argument, .. }) => argument,
            other => panic!("{other:?}"),
        };
    assert_eq!(argument(options(7, 8)), "groups");
    assert_eq!(argument(options(0, 8)), "groups");
    assert_eq!(argument(options(2, 0)), "clusters");
    assert_eq!(argument(options(2, MAX_CLUSTERS + 1)), "clusters");
    let with = |change: fn(&mut ClusterTokensOptions)| {
        let mut options = options(2, 8);
        change(&mut options);
        argument(options)
    };
    assert_eq!(with(|o| o.probes = Some(9)), "probes");
    assert_eq!(with(|o| o.probes = Some(0)), "probes");
    assert_eq!(with(|o| o.iterations = 0), "iterations");
    assert_eq!(with(|o| o.sample = Some(0)), "sample");

    let none = ClusterTokens::train(&rows.slice(0..0), &options(2, 8), &control);
    assert!(matches!(none, Err(Error::Argument { argument: "x", .. })));
    let zero = [0.0_f32, 0.0, 1.0, 1.0];
    let cosine = ClusterTokensOptions {
        metric: Metric::Cosine,
        ..options(1, 2)
    };
    let failure = ClusterTokens::train(&view(&zero, 2), &cosine, &control).unwrap_err();
    assert_eq!(
        failure,
        Error::ZeroVector {
            argument: "x",
            row: 0
        }
    );

    let model = ClusterTokens::train(&rows, &options(2, 8), &control).unwrap();
    let short = [1.0_f32; 5];
    let short = view(&short, 5);
    let dimension = |argument| Error::Dimension {
        argument,
        received: 5,
        expected: 6,
    };
    assert_eq!(model.encode(&short, &control), Err(dimension("x")));
    assert_eq!(model.encode_query(&short, None), Err(dimension("v")));
    assert!(model.encode_query(&rows.slice(0..2), None).is_err());
    assert!(model.encode_query(&rows.slice(0..1), Some(0)).is_err());
    assert_eq!(encode(&model, &rows.slice(0..0)).rows(), 0);
    assert_eq!(
        model.encode_text(&rows.slice(0..0), &control),
        Ok(Vec::new())
    );

    control.cancel();
    assert_eq!(model.encode(&rows, &control), Err(Error::Cancelled));
    let cancelled = ClusterTokens::train(&rows, &options(2, 8), &control);
    assert_eq!(cancelled.err(), Some(Error::Cancelled));
}

#[test]
fn rows_are_drawn_once_each_ascending_and_by_purpose() {
    let drawn = random::choose(1, random::Purpose::Sample, 1000, 50);
    assert_eq!(drawn.len(), 50);
    assert!(drawn.is_sorted_by(|a, b| a < b) && drawn[49] < 1000);
    assert_ne!(drawn, random::choose(1, random::Purpose::HeldOut, 1000, 50));
    assert_eq!(
        random::choose(1, random::Purpose::Base, 7, 9),
        [0, 1, 2, 3, 4, 5, 6]
    );
    // Each row about as often as any other.
    let mut counts = [0; 10];
    for seed in 0..2000 {
        for row in random::choose(seed, random::Purpose::Base, 10, 3) {
            counts[row] += 1;
        }
    }
    assert!(
        counts.iter().all(|count| (500..700).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn groups_follow_from_the_vector_length() {
    let groups = [1, 5, 16, 64, 160, 300, 784, 4096, 100_000].map(default_groups);
    assert_eq!(groups, [1, 5, 16, 16, 16, 30, 78, 256, 256]);
}
