//! Where randomness comes from: one named generator, one stream a purpose.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// One stream of a seed. ChaCha with eight rounds, from its own crate, so that a seed keeps its
/// meaning when `rand` changes its defaults.
pub(crate) fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}
