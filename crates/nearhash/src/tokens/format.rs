//! A model as bytes: written, checked and read.
//!
//! ```text
//! "NHTOKENS"  version u32  length of the body u64  body  SHA-256 of all that came before
//! ```
//!
//! Little endian throughout. The body has two parts: what decides the words, whose SHA-256 is the
//! model's hash, and how the model came about. Nothing is allocated by a number from the file
//! before that many bytes were seen to be there.

use sha2::{Digest, Sha256};

use super::cluster::ClusterTokens;
use super::codebook::{Codebook, Group, group_starts};
use super::rotation::Rotation;
use super::space::Space;
use super::validate::{ProbeRecall, Validation};
use super::{MAX_CLUSTERS, MAX_GROUPS};
use crate::error::{Error, Result};
use crate::metric::Metric;
use crate::points::MAX_DIM;

const MAGIC: &[u8; 8] = b"NHTOKENS";
/// Of the format and of the encoder: the same version makes the same words.
pub const VERSION: u32 = 1;
const HEADER: usize = MAGIC.len() + 4 + 8;
const CHECKSUM: usize = 32;
/// More entries than training ever writes.
const MAX_RECALLS: usize = 64;

impl ClusterTokens {
    /// The model as bytes, for [`from_bytes`](Self::from_bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        self.write_encoder(&mut out);
        self.write_origin(&mut out);
        let length = (out.len() - HEADER) as u64;
        out[HEADER - 8..HEADER].copy_from_slice(&length.to_le_bytes());
        let checksum = Sha256::digest(&out);
        out.extend_from_slice(&checksum);
        out
    }

    /// SHA-256, as hexadecimal digits, of everything that decides which words a vector gets. Models
    /// with the same hash can be used for each other; how they were validated is not part of it.
    pub fn model_hash(&self) -> String {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        self.write_encoder(&mut bytes);
        super::hex(&Sha256::digest(&bytes))
    }

    fn write_encoder(&self, out: &mut Vec<u8>) {
        let groups = self.codebook.groups();
        out.push(match self.space.metric {
            Metric::Euclidean => 0,
            Metric::Cosine => 1,
        });
        out.push(u8::from(self.space.rotation.is_some()));
        // A seed that nothing is drawn from does not change the words.
        let seed = self.space.rotation.as_ref().map_or(0, |_| self.seed);
        out.extend_from_slice(&seed.to_le_bytes());
        out.extend_from_slice(&(self.dim() as u32).to_le_bytes());
        out.extend_from_slice(&(groups.len() as u32).to_le_bytes());
        write_floats(out, &[self.space.scale]);
        write_floats(out, &self.space.mean);
        for group in groups {
            out.extend_from_slice(&(group.clusters() as u32).to_le_bytes());
        }
        for group in groups {
            write_floats(out, &group.centroids());
        }
    }

    fn write_origin(&self, out: &mut Vec<u8>) {
        for number in [
            self.seed,
            self.clusters as u64,
            self.probes as u64,
            self.trained_on,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let Some(validation) = &self.validation else {
            out.push(0);
            return;
        };
        out.push(1);
        for number in [
            validation.neighbors,
            validation.queries,
            validation.rows,
            validation.recalls.len(),
        ] {
            out.extend_from_slice(&(number as u64).to_le_bytes());
        }
        for recall in &validation.recalls {
            out.extend_from_slice(&(recall.probes as u64).to_le_bytes());
            out.extend_from_slice(&recall.within_100.to_le_bytes());
            out.extend_from_slice(&recall.within_300.to_le_bytes());
        }
    }

    /// The model that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`Error::Format`] for bytes that are no model, were cut short or changed, or come from a
    /// later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() < HEADER + CHECKSUM || !bytes.starts_with(MAGIC) {
            return Err(damaged(
                format!("{} bytes that are no model of cluster tokens", bytes.len()),
                "what toBytes or save wrote",
            ));
        }
        let mut header = Reader(&bytes[MAGIC.len()..HEADER]);
        let version = header.u32()?;
        if version != VERSION {
            return Err(damaged(
                format!("a model of format version {version}"),
                format!("version {VERSION}"),
            ));
        }
        let length = header.u64()?;
        let end = bytes.len() - CHECKSUM;
        if length != (end - HEADER) as u64 {
            return Err(damaged(
                format!(
                    "{} bytes of a model of {}",
                    bytes.len(),
                    u128::from(length) + (HEADER + CHECKSUM) as u128
                ),
                "the whole model",
            ));
        }
        if Sha256::digest(&bytes[..end]).as_slice() != &bytes[end..] {
            return Err(damaged(
                "a model whose checksum does not match",
                "bytes as they were written",
            ));
        }
        let mut body = Reader(&bytes[HEADER..end]);
        let model = Self::read(&mut body)?;
        if !body.0.is_empty() {
            return Err(inconsistent());
        }
        Ok(model)
    }

    fn read(body: &mut Reader<'_>) -> Result<Self> {
        let metric = match body.u8()? {
            0 => Metric::Euclidean,
            1 => Metric::Cosine,
            _ => return Err(inconsistent()),
        };
        let rotated = body.flag()?;
        let rotation_seed = body.u64()?;
        let dim = body.number(1..=MAX_DIM)?;
        let groups = body.number(1..=dim.min(MAX_GROUPS))?;
        let scale = body.floats(1)?[0];
        if !(scale > 0.0 && scale.is_normal()) {
            return Err(inconsistent());
        }
        let mean = body.floats(dim)?;
        let sizes = (0..groups)
            .map(|_| body.number(1..=MAX_CLUSTERS))
            .collect::<Result<Vec<_>>>()?;
        let starts = group_starts(dim, groups);
        let groups = sizes
            .iter()
            .zip(starts.windows(2))
            .map(|(clusters, ends)| {
                let dim = ends[1] - ends[0];
                Ok(Group::new(&body.floats(clusters * dim)?, dim))
            })
            .collect::<Result<Vec<_>>>()?;

        let seed = body.u64()?;
        let clusters = body.number_u64(MAX_CLUSTERS as u64)?;
        let probes = body.number_u64(clusters as u64)?;
        let trained_on = body.u64()?;
        let fits = sizes.iter().all(|size| *size <= clusters);
        if clusters == 0 || probes == 0 || !fits || (rotated && rotation_seed != seed) {
            return Err(inconsistent());
        }
        let validation = if body.flag()? {
            Some(body.validation()?)
        } else {
            None
        };
        Ok(Self {
            space: Space {
                metric,
                scale,
                mean,
                rotation: rotated.then(|| Rotation::random(seed, dim)),
            },
            codebook: Codebook::new(groups),
            clusters,
            probes,
            seed,
            trained_on,
            validation,
        })
    }
}

fn write_floats(out: &mut Vec<u8>, floats: &[f32]) {
    out.extend(floats.iter().flat_map(|x| x.to_le_bytes()));
}

fn damaged(received: impl Into<String>, allowed: impl Into<String>) -> Error {
    Error::Format {
        argument: "bytes",
        received: received.into(),
        allowed: allowed.into(),
    }
}

/// The checksum matches, but no model was ever like this.
fn inconsistent() -> Error {
    damaged(
        "a model whose parts contradict each other",
        "what toBytes or save wrote",
    )
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(inconsistent)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| inconsistent())
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn flag(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(inconsistent()),
        }
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn f64(&mut self) -> Result<f64> {
        let number = f64::from_le_bytes(self.array()?);
        number
            .is_finite()
            .then_some(number)
            .ok_or_else(inconsistent)
    }

    fn number(&mut self, allowed: std::ops::RangeInclusive<usize>) -> Result<usize> {
        let number = self.u32()? as usize;
        allowed
            .contains(&number)
            .then_some(number)
            .ok_or_else(inconsistent)
    }

    fn number_u64(&mut self, most: u64) -> Result<usize> {
        let number = self.u64()?;
        (number <= most)
            .then_some(number as usize)
            .ok_or_else(inconsistent)
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>> {
        let (quads, _) = self.take(count * size_of::<f32>())?.as_chunks::<4>();
        let floats: Vec<f32> = quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect();
        let finite = floats.iter().all(|x| x.is_finite());
        finite.then_some(floats).ok_or_else(inconsistent)
    }

    fn validation(&mut self) -> Result<Validation> {
        let most = u64::from(u32::MAX);
        let (neighbors, queries) = (self.number_u64(most)?, self.number_u64(most)?);
        let rows = self.number_u64(most)?;
        let recalls = (0..self.number_u64(MAX_RECALLS as u64)?)
            .map(|_| {
                Ok(ProbeRecall {
                    probes: self.number_u64(MAX_CLUSTERS as u64)?,
                    within_100: self.f64()?,
                    within_300: self.f64()?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Validation {
            neighbors,
            queries,
            rows,
            recalls,
        })
    }
}

#[cfg(test)]
mod tests;
