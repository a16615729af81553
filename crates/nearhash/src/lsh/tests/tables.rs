//! A table holds what a hash map of its keys would.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use rand::{Rng, RngExt};

use super::generator;
use crate::lsh::table::{BuildScratch, Table, mix};
use crate::testing::config;

fn build(keys: &[u64], block: usize) -> Table {
    Table::build(keys.chunks(block), &mut BuildScratch::default())
}

/// Build in blocks of several sizes and compare every bucket with that of a hash map; look for
/// `absent` keys too.
fn check(keys: &[u64], absent: &[u64]) {
    let mut twin: HashMap<u64, Vec<u32>> = HashMap::new();
    for (id, key) in keys.iter().enumerate() {
        twin.entry(*key).or_default().push(id as u32);
    }
    for block in [1, 7, 128, keys.len().max(1)] {
        let table = build(keys, block);
        for (key, ids) in &twin {
            assert_eq!(table.bucket(*key), ids, "bucket of {key:#x}");
        }
        for key in absent.iter().filter(|key| !twin.contains_key(key)) {
            assert!(
                table.bucket(*key).is_empty(),
                "{key:#x} is in no one's bucket"
            );
        }
        assert_eq!(table.buckets(), twin.len());
        assert_eq!(
            table.largest(),
            twin.values().map(Vec::len).max().unwrap_or(0)
        );
        // Four bytes an entry, and a directory of at most three slots a bucket and a few more.
        let most = keys.len() * 4 + (3 * twin.len() + 16) * 16;
        assert!(table.memory_bytes() <= most);
    }
}

const ENDS: [u64; 6] = [0, 1, u64::MAX, u64::MAX - 1, 1 << 63, 0x5555_5555_5555_5555];

#[test]
fn an_empty_table_has_no_bucket_for_any_key() {
    check(&[], &ENDS);
    assert_eq!(Table::default().bucket(0), [0_u32; 0]);
}

#[test]
fn one_key_for_all_makes_one_bucket() {
    for key in ENDS {
        check(&[key; 1], &ENDS);
        check(&[key; 5000], &ENDS);
    }
}

#[test]
fn keys_that_all_differ_make_a_bucket_each() {
    let mut generator = generator(1);
    for count in [1, 2, 3, 15, 16, 17, 4095, 4096, 4097, 30_000] {
        let keys: Vec<u64> = (0..count).map(|_| generator.next_u64()).collect();
        let absent: Vec<u64> = (0..1000).map(|_| generator.next_u64()).collect();
        check(&keys, &absent);
    }
}

#[test]
fn consecutive_keys_are_told_apart() {
    for start in [0, 1 << 32, u64::MAX - 999] {
        let keys: Vec<u64> = (start..=start + 999).collect();
        check(
            &keys,
            &[
                start.wrapping_sub(1),
                start.wrapping_add(1000),
                start ^ (1 << 40),
            ],
        );
        let reversed: Vec<u64> = keys.into_iter().rev().collect();
        check(&reversed, &ENDS);
    }
}

#[test]
fn keys_of_a_single_bit_and_of_all_but_one_are_told_apart() {
    let keys: Vec<u64> = (0..64)
        .flat_map(|bit| [1 << bit, !(1_u64 << bit)])
        .collect();
    check(&keys, &ENDS);
}

/// The key that `mix` makes this of.
fn unmix(mut mixed: u64) -> u64 {
    /// The number that undoes multiplication by an odd one: each step doubles its right bits.
    fn inverse(odd: u64) -> u64 {
        (0..6).fold(odd, |x, _| {
            x.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(x)))
        })
    }
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(inverse(0xc4ce_b9fe_1a85_ec53));
    mixed ^= mixed >> 33;
    mixed = mixed.wrapping_mul(inverse(0xff51_afd7_ed55_8ccd));
    mixed ^ mixed >> 33
}

#[test]
fn mixing_loses_no_key() {
    let mut generator = generator(2);
    for _ in 0..10_000 {
        let key = generator.next_u64();
        assert_eq!(unmix(mix(key)), key);
    }
}

#[test]
fn keys_that_crowd_one_place_of_the_directory_are_all_found() {
    // Someone who knows the mixing could choose such keys: all want the first slot, the last one,
    // or one in the middle.
    for crowd in [0, u64::MAX - 4999, 1 << 63, 0x1234_5678_0000_0000] {
        let keys: Vec<u64> = (0..5000).map(|i| unmix(crowd + i)).collect();
        let around = [
            unmix(crowd.wrapping_sub(1)),
            unmix(crowd.wrapping_add(5000)),
        ];
        check(&keys, &around);
        // Half of them, so that those asked for in vain lie between those that are there.
        let half: Vec<u64> = keys.iter().copied().step_by(2).collect();
        check(&half, &keys);
    }
}

#[test]
fn a_scratch_serves_one_table_after_another() {
    let mut generator = generator(4);
    let mut scratch = BuildScratch::default();
    for count in [9000, 10, 0, 300, 9000] {
        let keys: Vec<u64> = (0..count).map(|_| generator.random_range(0..50)).collect();
        let table = Table::build(keys.chunks(64), &mut scratch);
        let mut met = BTreeSet::<u32>::new();
        for key in 0..51 {
            let bucket = table.bucket(key);
            assert!(bucket.is_sorted());
            assert!(bucket.iter().all(|id| keys[*id as usize] == key));
            met.extend(bucket);
        }
        assert_eq!(met.len(), count);
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn every_bucket_equals_that_of_a_hash_map(
        (seed, spread) in (any::<u64>(), prop_oneof![1..4_u64, 1..300_u64, Just(u64::MAX)]),
        count in 0..6000_usize,
    ) {
        let mut generator = generator(seed);
        let mut key = || generator.random_range(0..spread).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let keys: Vec<u64> = (0..count).map(|_| key()).collect();
        let absent: Vec<u64> = (0..100).map(|_| key() ^ 1).chain(ENDS).collect();
        check(&keys, &absent);
    }
}
