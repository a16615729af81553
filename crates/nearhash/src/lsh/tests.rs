//! The parts of an index, each against a twin that does the same without haste.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

mod collisions;
mod families;
mod golden;
mod probing;
mod tables;
mod twin;

fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
