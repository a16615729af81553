//! Vectors as words, for a search engine's inverted index.
//!
//! [`ClusterTokens`] are trained: near vectors share many of their words. [`LshTokens`] are the
//! buckets of hash tables, written as words, and need no training. Either way a document gets a
//! fixed number of words, and a query some weighted ones; the engine's score, the sum of the weights
//! of shared words ([`weighted_overlap`]), ranks roughly, and the first few hundred documents are
//! then ranked by their exact distances.

mod cluster;
mod codebook;
mod codes;
mod format;
mod kmeans;
mod lsh_words;
mod options;
mod random;
mod rotation;
mod space;
mod train;
mod validate;
mod words;

pub use cluster::{ClusterTokens, ClusterTokensDescription};
pub use codes::{CodeMatrix, Codes};
pub use lsh_words::{LshTokens, LshTokensDescription};
pub use options::{ClusterTokensOptions, RotationChoice, default_groups};
pub use validate::{ProbeRecall, Validation};
pub use words::{QueryWords, weighted_overlap};

/// Versions of the words: the same version makes the same words from the same model.
pub use format::VERSION as CLUSTER_TOKENS_VERSION;
/// As above.
pub use lsh_words::VERSION as LSH_TOKENS_VERSION;

/// Most groups.
pub const MAX_GROUPS: usize = 4096;
/// Most clusters a group: codes are 16 bits.
pub const MAX_CLUSTERS: usize = 1 << 16;

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
