//! Streams of randomness for cluster tokens: one for each purpose and each group, so that a group's
//! clusters do not depend on how many groups there are or which thread finds them.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::random::stream;

const HELD_OUT: u64 = 1 << 32;
const SAMPLE: u64 = HELD_OUT + 1;
const BASE: u64 = HELD_OUT + 2;
const ROTATION: u64 = HELD_OUT + 3;
const CLUSTERS: u64 = 2 << 32;

/// What rows are drawn for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Queries of the validation.
    HeldOut,
    /// Rows that k-means sees.
    Sample,
    /// Rows that the validation searches.
    Base,
}

/// `count` different numbers below `most`, ascending; all of them when there are no more.
pub(super) fn choose(seed: u64, purpose: Purpose, most: usize, count: usize) -> Vec<usize> {
    let mut generator = stream(
        seed,
        match purpose {
            Purpose::HeldOut => HELD_OUT,
            Purpose::Sample => SAMPLE,
            Purpose::Base => BASE,
        },
    );
    // Selection sampling (Knuth, algorithm S): one pass, ascending, each set equally likely.
    let mut left = count.min(most);
    let mut chosen = Vec::with_capacity(left);
    for i in 0..most {
        if left == 0 {
            break;
        }
        if generator.random_range(0..(most - i) as u64) < left as u64 {
            chosen.push(i);
            left -= 1;
        }
    }
    chosen
}

/// Signs of a rotation: +1 or −1.
pub(super) fn signs(seed: u64, count: usize) -> Vec<f32> {
    let mut generator = stream(seed, ROTATION);
    (0..count)
        .map(|_| {
            if generator.random::<bool>() {
                1.0
            } else {
                -1.0
            }
        })
        .collect()
}

/// For the clusters of one group.
pub(super) fn group_stream(seed: u64, group: usize) -> ChaCha8Rng {
    stream(seed, CLUSTERS + group as u64)
}
