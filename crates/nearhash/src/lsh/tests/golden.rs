//! What a seed yields, once and for all: an index must not change its answers when a library does.

use crate::lsh::random;
use crate::{Control, FamilyKind, LshIndex, LshOptions, Points, RowData, RowSlice, RowsView};

const SEED: u64 = 2024;

/// Forty points in the space of three dimensions, whole numbers from −8 to 8.
fn points() -> Vec<f32> {
    let mut state = 1_u64;
    (0..120)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as f32 % 17.0 - 8.0
        })
        .collect()
}

const QUERIES: [f32; 6] = [1.5, -2.0, 0.25, -7.0, 6.0, 3.0];

fn index(family: FamilyKind) -> LshIndex {
    let index = LshIndex::new(LshOptions {
        family,
        n_projections: Some(4),
        n_hash_tables: Some(3),
        seed: SEED,
        ..LshOptions::default()
    })
    .unwrap();
    let points = Points::new(RowData::F32(points()), 3).unwrap();
    index.fit(points, &Control::new()).unwrap();
    index
}

fn queries() -> RowsView<'static> {
    RowsView::new(RowSlice::F32(&QUERIES), 3).unwrap()
}

#[test]
fn a_seed_draws_the_same_planes_offsets_factors_and_samples_as_ever() {
    let drawn = |table| {
        let (planes, offsets) = random::planes(SEED, table, 2, 3);
        (planes.into_raw_vec_and_offset().0, offsets)
    };
    let first = vec![
        -0.694_494_37,
        1.384_231,
        0.439_431_22,
        1.512_362,
        0.371_905_33,
        -0.017_469_39,
    ];
    assert_eq!(drawn(0), (first, vec![0.862_293_9, 0.035_897_136]));
    let eighth = vec![
        -1.170_562_6,
        -0.105_011_56,
        -1.479_469_9,
        0.042_970_36,
        0.954_121_53,
        0.035_480_17,
    ];
    assert_eq!(drawn(7), (eighth, vec![0.534_220_4, 0.971_559_5]));
    assert_eq!(
        random::key_factors(SEED, 3),
        [
            16_326_715_690_818_230_483,
            5_414_289_537_782_914_035,
            7_098_482_252_136_916_313,
        ]
    );
    assert_eq!(
        random::sample_rows(SEED, 1000, 8),
        [194, 417, 445, 691, 714, 737, 765, 982]
    );
}

/// Hash values of the queries, the first three buckets of table 0, the four nearest of each query
/// in base probing and at budget 3, and the first query's candidates there.
struct Golden {
    hash: [i32; 24],
    buckets: [(&'static str, &'static [u32]); 3],
    base: (&'static [u32], &'static [f32]),
    probed: (&'static [u32], &'static [f32]),
    candidates: &'static [u32],
}

fn check(family: FamilyKind, golden: &Golden) {
    let index = index(family);
    let control = Control::new();
    assert_eq!(index.hash(&queries()).unwrap(), golden.hash);
    let buckets = index.buckets(0).unwrap();
    let buckets: Vec<_> = buckets
        .iter()
        .map(|(name, ids)| (name.as_str(), &ids[..]))
        .collect();
    assert_eq!(buckets[..3], golden.buckets);
    for (budget, (ids, distances)) in [(0, golden.base), (3, golden.probed)] {
        index.set_budget(budget);
        let found = index.search(&queries(), 4, &control).unwrap();
        assert_eq!((&found.ids[..], &found.distances[..]), (ids, distances));
    }
    let query = RowsView::new(RowSlice::F32(&QUERIES[..3]), 3).unwrap();
    assert_eq!(index.candidates(&query).unwrap(), golden.candidates);
}

#[test]
fn sign_hashes_of_a_seed_give_the_same_answers_as_ever() {
    check(
        FamilyKind::Srp,
        &Golden {
            hash: [
                0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1,
            ],
            buckets: [
                ("0110", &[0]),
                ("1101", &[1, 5, 6, 15, 18, 35, 36, 37]),
                ("1000", &[2]),
            ],
            base: (
                &[0, 27, 11, 39, 3, 38, 34, 25],
                &[
                    0.039_932_992,
                    0.069_227_934,
                    0.118_681_36,
                    0.129_956_48,
                    0.033_985_496,
                    0.081_050_57,
                    0.159_575_58,
                    0.178_251_65,
                ],
            ),
            probed: (
                &[0, 27, 9, 11, 3, 38, 34, 25],
                &[
                    0.039_932_992,
                    0.069_227_934,
                    0.079_229_616,
                    0.118_681_36,
                    0.033_985_496,
                    0.081_050_57,
                    0.159_575_58,
                    0.178_251_65,
                ],
            ),
            candidates: &[
                0, 1, 4, 8, 9, 11, 15, 19, 21, 22, 27, 28, 29, 30, 31, 35, 39,
            ],
        },
    );
}

#[test]
fn p_stable_hashes_of_a_seed_give_the_same_answers_as_ever() {
    check(
        FamilyKind::L2 { r: Some(10.0) },
        &Golden {
            hash: [
                -1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, -1, 1, 0, -1, 0, 0, -1, 0, 1, 2, 1,
            ],
            buckets: [
                ("-2,0,0,-1", &[0]),
                ("0,2,-1,3", &[1]),
                ("0,0,0,0", &[2, 19]),
            ],
            // One neighbour met, and none.
            base: (
                &[22, 0, 0, 0, 0, 0, 0, 0],
                &[2.512_468_8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ),
            probed: (
                &[22, 30, 8, 19, 3, 38, 34, 25],
                &[
                    2.512_468_8,
                    3.848_701,
                    4.038_873_7,
                    4.038_873_7,
                    2.828_427,
                    4.242_640_5,
                    6.0,
                    6.324_555_4,
                ],
            ),
            candidates: &[2, 7, 8, 9, 19, 21, 22, 30, 31, 36, 37],
        },
    );
}
