//! The open part of an index: points that came after the tables were built, and which of the built
//! ones have gone since. Small beside the built part; [`index`](super::index) builds anew when it
//! no longer is.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::built::Built;
use super::table::mix;
use crate::points::SLACK;

/// Keys need no hashing beyond being mixed.
#[derive(Debug, Default, Clone)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = mix(key);
    }
}

type Buckets = HashMap<u64, Vec<u32>, BuildHasherDefault<KeyHasher>>;

/// Points added later, by slot, and built points that have gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Open {
    dim: usize,
    /// Rows by slot, then `SLACK` zeros.
    rows: Vec<f32>,
    /// For cosine: 1 / norm by slot.
    inverse_norms: Vec<f32>,
    /// The id in each slot; none when it has gone.
    ids: Vec<Option<u32>>,
    slots: HashMap<u32, u32>,
    tables: Vec<Buckets>,
    /// A bit for each built row that was deleted or replaced.
    gone: Vec<u64>,
    gone_count: usize,
    magnitude: f32,
}

impl Open {
    /// Nothing added and nothing gone.
    pub(crate) fn new(built: &Built) -> Self {
        Self {
            dim: built.points().dim(),
            rows: vec![0.0; SLACK],
            tables: vec![Buckets::default(); built.tables().len()],
            gone: vec![0; built.points().rows().div_ceil(64)],
            ..Self::default()
        }
    }

    /// Slots, those of gone points included.
    pub(crate) fn slots(&self) -> usize {
        self.ids.len()
    }

    /// Points that are here.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Built rows that are no longer valid.
    pub(crate) fn gone_count(&self) -> usize {
        self.gone_count
    }

    #[inline]
    pub(crate) fn is_gone(&self, row: u32) -> bool {
        self.gone[row as usize / 64] >> (row % 64) & 1 == 1
    }

    /// Largest absolute coordinate that was ever added.
    pub(crate) fn magnitude(&self) -> f32 {
        self.magnitude
    }

    /// Rows by slot and their slack.
    pub(crate) fn padded(&self) -> &[f32] {
        &self.rows
    }

    pub(crate) fn inverse_norms(&self) -> &[f32] {
        &self.inverse_norms
    }

    /// Slots of one bucket.
    pub(crate) fn bucket(&self, table: usize, key: u64) -> &[u32] {
        self.tables[table].get(&key).map_or(&[], Vec::as_slice)
    }

    /// The id in a slot that a bucket names.
    #[inline]
    pub(crate) fn id(&self, slot: u32) -> u32 {
        // Buckets name only slots that hold a point.
        self.ids[slot as usize].unwrap_or(u32::MAX)
    }

    pub(crate) fn slot(&self, id: u32) -> Option<u32> {
        self.slots.get(&id).copied()
    }

    /// Ids and slots of all points here, by id.
    pub(crate) fn by_id(&self) -> Vec<(u32, u32)> {
        let mut all: Vec<_> = self.slots.iter().map(|(id, slot)| (*id, *slot)).collect();
        all.sort_unstable();
        all
    }

    pub(crate) fn row(&self, slot: u32) -> &[f32] {
        &self.rows[slot as usize * self.dim..][..self.dim]
    }

    /// Add a point with its keys, one a table.
    pub(crate) fn add(
        &mut self,
        id: u32,
        row: &[f32],
        inverse_norm: Option<f32>,
        keys: impl Iterator<Item = u64>,
    ) {
        let slot = self.ids.len() as u32;
        self.rows.truncate(self.ids.len() * self.dim);
        self.rows.extend_from_slice(row);
        self.rows.extend_from_slice(&[0.0; SLACK]);
        self.inverse_norms.extend(inverse_norm);
        self.ids.push(Some(id));
        self.slots.insert(id, slot);
        for (table, key) in self.tables.iter_mut().zip(keys) {
            table.entry(key).or_default().push(slot);
        }
        self.magnitude = row.iter().fold(self.magnitude, |m, x| m.max(x.abs()));
    }

    /// Take a point out again; `keys` are those it was added with.
    pub(crate) fn remove(&mut self, slot: u32, keys: impl Iterator<Item = u64>) {
        let Some(id) = self.ids[slot as usize].take() else {
            return;
        };
        self.slots.remove(&id);
        for (table, key) in self.tables.iter_mut().zip(keys) {
            if let Some(bucket) = table.get_mut(&key) {
                bucket.retain(|other| *other != slot);
                if bucket.is_empty() {
                    table.remove(&key);
                }
            }
        }
    }

    /// A built row is no longer valid.
    pub(crate) fn set_gone(&mut self, row: u32) {
        if !self.is_gone(row) {
            self.gone[row as usize / 64] |= 1 << (row % 64);
            self.gone_count += 1;
        }
    }

    /// Bytes held, about: what the maps take beside their contents is estimated.
    pub(crate) fn memory_bytes(&self) -> usize {
        let floats = self.rows.capacity() + self.inverse_norms.capacity();
        let buckets: usize = self.tables.iter().map(HashMap::capacity).sum();
        floats * size_of::<f32>()
            + self.ids.capacity() * size_of::<Option<u32>>()
            + self.slots.capacity() * 2 * size_of::<u32>()
            + self.gone.len() * size_of::<u64>()
            + buckets * (size_of::<u64>() + size_of::<Vec<u32>>())
            + self.len() * self.tables.len() * size_of::<u32>()
    }
}
