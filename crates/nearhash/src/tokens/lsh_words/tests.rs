use std::collections::{HashMap, HashSet};

use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::error::Error;
use crate::points::{Points, RowData, RowSlice};

fn options(family: FamilyKind, k: usize, l: usize, dim: usize) -> LshOptions {
    LshOptions {
        family,
        n_projections: Some(k),
        n_hash_tables: Some(l),
        dim: Some(dim),
        seed: 3,
        ..LshOptions::default()
    }
}

const L2: FamilyKind = FamilyKind::L2 { r: Some(2.0) };

/// Numbers around zero, in a coarse grid so that some rows are near each other.
fn rows(count: usize, dim: usize) -> Vec<f32> {
    let mut state = 1_u64;
    (0..count * dim)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1 << 22) as f32 - 2.01
        })
        .collect()
}

fn view(rows: &[f32], dim: usize) -> RowsView<'_> {
    RowsView::new(RowSlice::F32(rows), dim).unwrap()
}

/// Words of each row.
fn words(tokens: &LshTokens, rows: &RowsView<'_>) -> Vec<Vec<String>> {
    let texts = tokens.encode_text(rows, &Control::new()).unwrap();
    texts
        .iter()
        .flat_map(|text| text.split('\n'))
        .map(|row| row.split(' ').map(str::to_owned).collect())
        .collect()
}

#[test]
fn words_of_sign_projections_are_the_hash_bits_in_hexadecimal() {
    for k in [1, 4, 13, 16, 33, 64] {
        let (dim, tables) = (5, 9);
        let index = LshIndex::new(options(FamilyKind::Srp, k, tables, dim)).unwrap();
        let tokens = LshTokens::of(&index).unwrap();
        let rows = rows(150, dim);
        let rows = view(&rows, dim);
        let bits = index.hash(&rows).unwrap();
        for (row, words) in words(&tokens, &rows).iter().enumerate() {
            assert_eq!(words.len(), tables);
            for (table, word) in words.iter().enumerate() {
                let at = (row * tables + table) * k;
                let key = bits[at..at + k]
                    .iter()
                    .rev()
                    .fold(0_u64, |key, bit| key << 1 | *bit as u64);
                let width = k.div_ceil(4);
                assert_eq!(*word, format!("t{table:02x}:{key:0width$x}"));
            }
        }
    }
}

#[test]
fn words_of_p_stable_projections_agree_where_all_bucket_numbers_do() {
    let (dim, k, tables) = (4, 3, 6);
    let index = LshIndex::new(options(L2, k, tables, dim)).unwrap();
    let tokens = LshTokens::of(&index).unwrap();
    let rows = rows(400, dim);
    let rows = view(&rows, dim);
    let buckets = index.hash(&rows).unwrap();
    let all = words(&tokens, &rows);
    for table in 0..tables {
        let mut known: HashMap<&str, &[i32]> = HashMap::new();
        let mut numbers = HashSet::new();
        for (row, words) in all.iter().enumerate() {
            let at = (row * tables + table) * k;
            let bucket = &buckets[at..at + k];
            assert_eq!(*known.entry(&words[table]).or_insert(bucket), bucket);
            numbers.insert(bucket);
            let (prefix, digits) = words[table].split_at(4);
            assert_eq!(prefix, format!("t{table:02x}:"));
            assert_eq!(digits.len(), 8);
            assert!(
                digits
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            );
        }
        assert_eq!(known.len(), numbers.len());
    }
}

#[test]
fn more_than_256_tables_have_four_digits() {
    let tokens = LshTokens::new(options(FamilyKind::Srp, 2, 257, 3)).unwrap();
    let row = [1.0, 2.0, 3.0];
    let words = &words(&tokens, &view(&row, 3))[0];
    assert!(words[0].starts_with("t0000:") && words[256].starts_with("t0100:"));
    assert_eq!(words.iter().collect::<HashSet<_>>().len(), 257);
}

#[test]
fn a_query_asks_for_the_words_of_its_vector_first() {
    for family in [FamilyKind::Srp, L2] {
        let tokens = LshTokens::new(options(family, 6, 40, 5)).unwrap();
        let rows = rows(20, 5);
        let rows = view(&rows, 5);
        for (row, words) in words(&tokens, &rows).into_iter().enumerate() {
            let one = rows.slice(row..row + 1);
            let own = tokens.encode_query(&one, 0).unwrap();
            assert_eq!(own.words, words);
            let more = tokens.encode_query(&one, 3).unwrap();
            assert_eq!(more.words[..40], words);
            assert_eq!(more.words.len(), tokens.query_word_count(3));
            assert_eq!(more.words.iter().collect::<HashSet<_>>().len(), 160);
            // Likeliest first, and never likelier than the likeliest own bucket.
            let probes = &more.weights[40..];
            assert!(probes.is_sorted_by(|a, b| a >= b), "{probes:?}");
            let most = more.weights.iter().copied().fold(0.0, f32::max);
            assert_eq!(most, 1.0);
            assert!(own.weights.contains(&1.0));
            assert!(more.weights.iter().all(|w| *w > 0.0));
            assert_eq!(more.weights[..40], own.weights);
        }
    }
}

#[test]
fn the_first_probe_of_a_sign_hash_flips_the_bit_with_the_least_margin() {
    let index = LshIndex::new(options(FamilyKind::Srp, 8, 1, 3)).unwrap();
    let tokens = LshTokens::of(&index).unwrap();
    let row = [0.9, -0.4, 0.3];
    let found = tokens.encode_query(&view(&row, 3), 1).unwrap();
    let key = |word: &str| u64::from_str_radix(&word[4..], 16).unwrap();
    let flipped = key(&found.words[0]) ^ key(&found.words[1]);
    assert_eq!(flipped.count_ones(), 1);
    let (planes, _) = crate::lsh::random::planes(3, 0, 8, 3);
    let margin = |plane: usize| -> f32 {
        let products = planes.row(plane).into_iter().zip(&row).map(|(p, x)| p * x);
        products.sum::<f32>().abs()
    };
    let least = (0..8).min_by(|a, b| margin(*a).total_cmp(&margin(*b)));
    assert_eq!(Some(flipped.trailing_zeros() as usize), least);
}

/// Of 20,000 vectors at the angle that probing reckons with, so many are in each bucket as the
/// squared weights say.
#[test]
fn a_word_weighs_the_root_of_the_share_of_near_neighbours_in_its_bucket() {
    // So many dimensions that planes are nearly at right angles, as the weights suppose.
    const DIM: usize = 300;
    let tokens = LshTokens::new(options(FamilyKind::Srp, 5, 1, DIM)).unwrap();
    let mut generator = super::super::random::group_stream(8, 0);
    let mut unit = || -> Vec<f32> {
        let x: Vec<f32> = (0..DIM)
            .map(|_| generator.sample::<f32, _>(StandardNormal))
            .collect();
        let norm = x.iter().map(|x| x * x).sum::<f32>().sqrt();
        x.into_iter().map(|x| x / norm).collect()
    };
    let query = unit();
    let neighbours: Vec<f32> = (0..20_000)
        .flat_map(|_| {
            let away = unit();
            let along: f32 = query.iter().zip(&away).map(|(a, b)| a * b).sum();
            let right: Vec<f32> = away
                .iter()
                .zip(&query)
                .map(|(a, q)| a - along * q)
                .collect();
            let norm = right.iter().map(|x| x * x).sum::<f32>().sqrt();
            let (sine, cosine) = 0.35_f32.sin_cos();
            let turned = query.iter().zip(right);
            turned
                .map(|(q, r)| cosine * q + sine / norm * r)
                .collect::<Vec<_>>()
        })
        .collect();
    let mut counts: HashMap<String, f64> = HashMap::new();
    for row in words(&tokens, &view(&neighbours, DIM)) {
        *counts.entry(row[0].clone()).or_default() += 1.0;
    }
    let asked = tokens.encode_query(&view(&query, DIM), 5).unwrap();
    let own = counts[&asked.words[0]];
    assert!(own > 2000.0);
    for (word, weight) in asked.words.iter().zip(&asked.weights) {
        let weight = f64::from(weight / asked.weights[0]).powi(2);
        let share = counts.get(word).copied().unwrap_or(0.0) / own;
        let tolerance = 0.25 * weight + 0.03;
        assert!(
            (share - weight).abs() < tolerance,
            "{word}: {share}, weight {weight}"
        );
    }
}

#[test]
fn a_fitted_index_gives_the_words_of_its_buckets() {
    let dim = 6;
    let rows = rows(500, dim);
    for family in [FamilyKind::Srp, FamilyKind::L2 { r: None }] {
        let index = LshIndex::new(LshOptions {
            family,
            seed: 9,
            ..LshOptions::default()
        })
        .unwrap();
        let unfitted = LshTokens::of(&index).err();
        assert!(matches!(unfitted, Some(Error::NotFitted { .. })));
        let points = Points::new(RowData::F32(rows.clone()), dim).unwrap();
        index.fit(points, &Control::new()).unwrap();
        let tokens = LshTokens::of(&index).unwrap();
        // The parameters alone are enough to make the same words again.
        let described = tokens.describe();
        let again = LshTokens::new(LshOptions {
            family: match family {
                FamilyKind::Srp => FamilyKind::Srp,
                FamilyKind::L2 { .. } => FamilyKind::L2 { r: described.r },
            },
            n_projections: Some(described.n_projections),
            n_hash_tables: Some(described.n_hash_tables),
            dim: Some(described.dim),
            seed: described.seed,
            ..LshOptions::default()
        })
        .unwrap();
        assert_eq!(again.model_hash(), tokens.model_hash());
        let rows = view(&rows, dim);
        assert_eq!(words(&again, &rows), words(&tokens, &rows));
        // Rows share a word exactly where they share a bucket.
        let all = words(&tokens, &rows);
        for (_, ids) in index.buckets(0).unwrap() {
            let bucket: HashSet<&str> =
                ids.iter().map(|id| all[*id as usize][0].as_str()).collect();
            assert_eq!(bucket.len(), 1);
        }
    }
}

#[test]
fn the_hash_tells_every_parameter() {
    let hash = |options: LshOptions| LshTokens::new(options).unwrap().model_hash();
    let base = options(L2, 4, 5, 6);
    let mut hashes = HashSet::new();
    hashes.insert(hash(base.clone()));
    hashes.insert(hash(options(FamilyKind::Srp, 4, 5, 6)));
    hashes.insert(hash(options(FamilyKind::L2 { r: Some(2.5) }, 4, 5, 6)));
    hashes.insert(hash(options(L2, 3, 5, 6)));
    hashes.insert(hash(options(L2, 4, 6, 6)));
    hashes.insert(hash(options(L2, 4, 5, 7)));
    hashes.insert(hash(LshOptions { seed: 4, ..base }));
    assert_eq!(hashes.len(), 7);
    assert!(hashes.iter().all(|hash| hash.len() == 64));
}

#[test]
fn words_are_what_they_always_were() {
    let row = [1.5, -2.0, 0.25, 3.0];
    let row = view(&row, 4);
    let srp = LshTokens::new(options(FamilyKind::Srp, 16, 3, 4)).unwrap();
    let l2 = LshTokens::new(options(L2, 4, 3, 4)).unwrap();
    assert_eq!(words(&srp, &row)[0], ["t00:0935", "t01:4a1f", "t02:ced2"]);
    assert_eq!(
        words(&l2, &row)[0],
        ["t00:DzJmNMQ6", "t01:zK-nLdvH", "t02:ZvSTgDvs"]
    );
    let hash = "705d20036410e7d022f2f349d0e8413cc4a7310d1db42556c70a56b713fcf410";
    assert_eq!(srp.model_hash(), hash);
}

#[test]
fn what_cannot_be_hashed_is_refused() {
    let tokens = LshTokens::new(options(FamilyKind::Srp, 4, 2, 3)).unwrap();
    let control = Control::new();
    let short = [1.0, 2.0];
    assert!(matches!(
        tokens.encode_text(&view(&short, 2), &control),
        Err(Error::Dimension { expected: 3, .. })
    ));
    let rows = [1.0, 2.0, 3.0, 0.0, 0.0, 0.0];
    let zero = Err(Error::ZeroVector {
        argument: "x",
        row: 1,
    });
    assert_eq!(tokens.encode_text(&view(&rows, 3), &control), zero);
    assert!(matches!(
        tokens.encode_query(&view(&rows, 3), 0),
        Err(Error::Argument { argument: "v", .. })
    ));
    assert_eq!(tokens.encode_text(&view(&[], 3), &control), Ok(Vec::new()));
    control.cancel();
    assert_eq!(
        tokens.encode_text(&view(&rows[..3], 3), &control),
        Err(Error::Cancelled)
    );
}
