//! Buckets of hash tables as words. Nothing is trained: the family's parameters and seed say all.

use std::fmt::Write;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::words::{QueryWords, TEXT_ROWS, push_row};
use crate::control::Control;
use crate::error::Result;
use crate::kernel::Kernels;
use crate::lsh::built::hash_rows;
use crate::lsh::family::Family;
use crate::lsh::probe::Prober;
use crate::lsh::{Drawn, FamilyKind, LshIndex, LshOptions};
use crate::metric::{Metric, Prepared};
use crate::points::{RowsView, check_dim, one_row};

/// Version of the words: the same version makes the same words.
pub const VERSION: u32 = 1;
/// Rows that are hashed together.
const ROW_BLOCK: usize = 128;
/// Bits of an L2 key that stay in its word. A bucket then meets a foreign one of its table with a
/// chance of N / 2⁴⁸, N being the number of buckets; candidates are ranked by distance anyway.
const L2_BITS: u32 = 48;

/// The buckets of an LSH index's tables as words.
///
/// A vector has one word a table, `t03:1a2b`: table 3, bucket 1a2b. The bucket of sign random
/// projections is the key's bits in hexadecimal digits; that of p-stable projections eight digits
/// of base64url, a hash of its numbers. Table numbers are hexadecimal too, two digits, or four when
/// there are more than 256 tables. A query asks for its own bucket of every table and for the
/// likeliest others.
///
/// A word's weight is √(p / p of the likeliest bucket), p being the probability that a near
/// neighbour is in its bucket as multi-probe reckons it (see [`lsh`](crate::lsh)): at most 1. The
/// root, because p supposes a neighbour at one distance and real ones are at many; it finds more than
/// p itself, than 1 for all and than 1 and ½ for own and other buckets.
#[derive(Debug, Clone)]
pub struct LshTokens {
    drawn: Drawn,
}

/// Parameters of the words.
#[derive(Debug, Clone, PartialEq)]
pub struct LshTokensDescription {
    /// `"srp"` or `"l2"`.
    pub family: &'static str,
    /// Vector length.
    pub dim: usize,
    /// Hash functions a table.
    pub n_projections: usize,
    /// Words a vector.
    pub n_hash_tables: usize,
    /// Bucket width, of L2 only.
    pub r: Option<f32>,
    /// Of the options.
    pub seed: u64,
}

impl LshTokens {
    /// Words of the tables that an index has, or that it would have by its options.
    ///
    /// # Errors
    /// [`Error::NotFitted`](crate::Error::NotFitted) when the index is empty and its options leave
    /// something open: `dim`, `n_projections`, `n_hash_tables`, for L2 `r`.
    pub fn of(index: &LshIndex) -> Result<Self> {
        Ok(Self {
            drawn: index.drawn()?,
        })
    }

    /// Words of the tables that these options define.
    ///
    /// # Errors
    /// As [`LshIndex::new`] and [`of`](Self::of).
    pub fn new(options: LshOptions) -> Result<Self> {
        Self::of(&LshIndex::new(options)?)
    }

    fn family(&self) -> &dyn Family {
        self.drawn.family.as_ref()
    }

    /// Vector length.
    pub fn dim(&self) -> usize {
        self.family().planes().dim()
    }

    /// What near means.
    pub fn metric(&self) -> Metric {
        self.family().metric()
    }

    /// Words a vector.
    pub fn tables(&self) -> usize {
        self.family().planes().tables()
    }

    /// How many words a query has at most with so many further buckets a table.
    pub fn query_word_count(&self, probes: usize) -> usize {
        self.tables().saturating_mul(probes.saturating_add(1))
    }

    /// Parameters.
    pub fn describe(&self) -> LshTokensDescription {
        LshTokensDescription {
            family: match self.drawn.kind {
                FamilyKind::Srp => "srp",
                FamilyKind::L2 { .. } => "l2",
            },
            dim: self.dim(),
            n_projections: self.family().planes().projections(),
            n_hash_tables: self.tables(),
            r: self.family().width(),
            seed: self.drawn.seed,
        }
    }

    /// SHA-256, as hexadecimal digits, of everything that decides which words a vector gets.
    pub fn model_hash(&self) -> String {
        let description = self.describe();
        let mut hash = Sha256::new();
        hash.update(VERSION.to_le_bytes());
        hash.update(description.family.as_bytes());
        for number in [
            description.dim as u64,
            description.n_projections as u64,
            description.n_hash_tables as u64,
            u64::from(description.r.map_or(0, f32::to_bits)),
            description.seed,
        ] {
            hash.update(number.to_le_bytes());
        }
        super::hex(&hash.finalize())
    }

    /// The words of each row, in the form of
    /// [`ClusterTokens::encode_text`](super::ClusterTokens::encode_text). In parallel.
    ///
    /// # Errors
    /// Vectors of another length, a zero vector under cosine, a cancellation.
    pub fn encode_text(&self, rows: &RowsView<'_>, control: &Control) -> Result<Vec<String>> {
        if rows.rows() == 0 {
            return Ok(Vec::new());
        }
        check_dim("x", rows.dim(), Some(self.dim()))?;
        // A row without a direction is named by its place among all.
        Prepared::new("x", rows, self.metric())?;
        control.begin("encode", rows.rows());
        let spelling = Spelling::of(self.family());
        (0..rows.rows().div_ceil(TEXT_ROWS))
            .into_par_iter()
            .map(|block| {
                let end = ((block + 1) * TEXT_ROWS).min(rows.rows());
                let mut text = String::new();
                for first in (block * TEXT_ROWS..end).step_by(ROW_BLOCK) {
                    control.check()?;
                    let count = ROW_BLOCK.min(end - first);
                    let part = rows.slice(first..first + count);
                    let prepared = Prepared::new("x", &part, self.metric())?;
                    let keys = hash_rows(self.family(), &prepared);
                    for row in 0..count {
                        push_row(&mut text, self.tables(), |text, table| {
                            spelling.push(text, table, keys[table * count + row]);
                        });
                    }
                    control.advance(count);
                }
                Ok(text)
            })
            .collect()
    }

    /// The words that a query asks for: its own bucket of every table in the order of the tables,
    /// then the `probes` × tables likeliest others over all tables, likeliest first.
    ///
    /// # Errors
    /// Not one row, one of another length, or a zero vector under cosine.
    pub fn encode_query(&self, query: &RowsView<'_>, probes: usize) -> Result<QueryWords> {
        let query = one_row(query)?;
        check_dim("v", query.dim(), Some(self.dim()))?;
        let family = self.family();
        let prepared = Prepared::new("v", &query, self.metric())?;
        let homes = hash_rows(family, &prepared);
        let mut projected = Vec::with_capacity(family.planes().width());
        let mut buffer = Vec::new();
        let row = prepared.block(0..1, self.dim(), &mut buffer);
        for group in family.planes().groups() {
            let start = projected.len();
            projected.resize(start + group.width(), 0.0);
            group.project(
                Kernels::get(),
                row,
                self.dim(),
                self.dim(),
                &mut projected[start..],
            );
        }
        let mut prober = Prober::default();
        prober.begin(family, &projected, &homes);
        let spelling = Spelling::of(family);
        let mut found: Vec<(usize, u64, f32)> = homes
            .iter()
            .enumerate()
            .map(|(table, key)| (table, *key, prober.base(table)))
            .collect();
        prober.probe_costs(
            probes.saturating_mul(self.tables()),
            true,
            |table, key, cost| {
                found.push((table, key, cost));
                true
            },
        );
        let least = found
            .iter()
            .fold(f32::INFINITY, |least, (_, _, cost)| least.min(*cost));
        let mut known = std::collections::HashSet::new();
        let mut out = QueryWords::default();
        for (table, key, cost) in found {
            let mut word = String::with_capacity(24);
            spelling.push(&mut word, table, key);
            // Two buckets of one table may have the same digits.
            if known.insert(word.clone()) {
                out.words.push(word);
                out.weights
                    .push(libm::exp(f64::from(least - cost) / 2.0) as f32);
            }
        }
        Ok(out)
    }
}

/// How buckets are written.
struct Spelling {
    table_digits: usize,
    /// Of a sign hash; none for p-stable projections.
    key_digits: Option<usize>,
}

impl Spelling {
    fn of(family: &dyn Family) -> Self {
        let planes = family.planes();
        Self {
            table_digits: if planes.tables() <= 256 { 2 } else { 4 },
            key_digits: match family.width() {
                Some(_) => None,
                None => Some(planes.projections().div_ceil(4)),
            },
        }
    }

    fn push(&self, text: &mut String, table: usize, key: u64) {
        // Writing to a string can't fail.
        let _ = write!(text, "t{table:0width$x}:", width = self.table_digits);
        match self.key_digits {
            Some(width) => {
                let _ = write!(text, "{key:0width$x}");
            }
            None => push_base64url(text, mix(key) >> (64 - L2_BITS)),
        }
    }
}

/// Eight digits of base64url (RFC 4648, section 5), the highest first.
fn push_base64url(text: &mut String, bits: u64) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for place in (0..L2_BITS / 6).rev() {
        text.push(char::from(DIGITS[(bits >> (6 * place) & 63) as usize]));
    }
}

/// Spreads a key over all bits (the finaliser of SplitMix64, Steele, Lea & Flood 2014): keys are
/// sums, whose high bits alone say too little.
fn mix(key: u64) -> u64 {
    let key = (key ^ key >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ key >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ key >> 31
}

#[cfg(test)]
mod tests;
