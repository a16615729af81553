//! One hash table: ids ordered by key, and a directory from key to its run of ids.

use std::ops::Range;

use crate::points::MAX_ROWS;

/// Spread a key over 64 bits, one to one (the finaliser of MurmurHash3, by Austin Appleby), so that
/// its leading bits tell where it stands among the others.
#[inline]
pub(crate) fn mix(mut key: u64) -> u64 {
    key ^= key >> 33;
    key = key.wrapping_mul(0xff51_afd7_ed55_8ccd);
    key ^= key >> 33;
    key = key.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ key >> 33
}

/// A bucket's place in the directory.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    mixed: u64,
    start: u32,
    /// 0 in a free slot.
    len: u32,
}

/// A finished table.
///
/// The directory is an array of slots in the order of their mixed keys. A key's slot is looked for
/// from where its leading bits point to: mixed keys are evenly spread, so it stands there or a few
/// places behind, nearly always in the same cache line. Free slots, a third of them, end a search.
#[derive(Debug, Default)]
pub(crate) struct Table {
    entries: Vec<u32>,
    slots: Vec<Slot>,
    /// Slots that leading bits can point to; a few more may follow.
    capacity: u64,
    buckets: usize,
    largest: usize,
}

/// Where a lookup starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    mixed: u64,
    slot: usize,
}

/// Buffers for [`Table::build`], one a thread.
#[derive(Debug, Default)]
pub(crate) struct BuildScratch {
    pairs: Vec<(u64, u32)>,
    counts: Vec<u32>,
    buckets: Vec<Slot>,
}

/// Leading bits by which entries are dealt out first: the open ends of that many runs fit the cache.
const MAX_DEAL_BITS: u32 = 12;

impl Table {
    /// Build a table from the keys of points 0, 1, 2, …, in blocks. Ids within a bucket ascend.
    pub(crate) fn build<'a, B>(blocks: B, scratch: &mut BuildScratch) -> Self
    where
        B: Iterator<Item = &'a [u64]> + Clone,
    {
        let count: usize = blocks.clone().map(<[u64]>::len).sum();
        debug_assert!(count <= MAX_ROWS);
        if count == 0 {
            return Self::default();
        }

        // Deal the entries out by their leading bits, as in a radix sort.
        let bits = (count.ilog2() + 1).clamp(1, MAX_DEAL_BITS);
        let run = |mixed: u64| (mixed >> (64 - bits)) as usize;
        let BuildScratch {
            pairs,
            counts,
            buckets,
        } = scratch;
        counts.clear();
        counts.resize((1 << bits) + 1, 0);
        for key in blocks.clone().flatten() {
            counts[run(mix(*key)) + 1] += 1;
        }
        for i in 1..counts.len() {
            counts[i] += counts[i - 1];
        }
        pairs.clear();
        pairs.resize(count, (0, 0));
        for (id, key) in blocks.flatten().enumerate() {
            let mixed = mix(*key);
            let end = &mut counts[run(mixed)];
            pairs[*end as usize] = (mixed, id as u32);
            *end += 1;
        }

        // Order each run, and note its buckets. `counts` now holds the runs' ends.
        let mut entries = Vec::with_capacity(count);
        buckets.clear();
        let mut start = 0;
        for end in &counts[..1 << bits] {
            let run = &mut pairs[start..*end as usize];
            start = *end as usize;
            if !run.is_sorted_by_key(|pair| pair.0) {
                // Stable, so that ids stay in order within a bucket.
                run.sort_by_key(|pair| pair.0);
            }
            let mut bucket = Slot::default();
            for (mixed, id) in run.iter() {
                if *mixed != bucket.mixed || bucket.len == 0 {
                    if bucket.len > 0 {
                        buckets.push(bucket);
                    }
                    bucket = Slot {
                        mixed: *mixed,
                        start: entries.len() as u32,
                        len: 0,
                    };
                }
                bucket.len += 1;
                entries.push(*id);
            }
            if bucket.len > 0 {
                buckets.push(bucket);
            }
        }

        let capacity = (buckets.len() + buckets.len() / 2 + 1) as u64;
        let mut table = Self {
            entries,
            slots: Vec::with_capacity(capacity as usize + 8),
            capacity,
            buckets: buckets.len(),
            largest: buckets.iter().map(|b| b.len).max().unwrap_or(0) as usize,
        };
        for bucket in buckets {
            let slot = table.slots.len().max(table.pointed_at(bucket.mixed));
            table.slots.resize(slot, Slot::default());
            table.slots.push(*bucket);
        }
        // At least one free slot ends the last search.
        let len = (table.slots.len() + 1).max(capacity as usize);
        table.slots.resize(len, Slot::default());
        table.slots.shrink_to_fit();
        table
    }

    #[inline]
    fn pointed_at(&self, mixed: u64) -> usize {
        ((u128::from(mixed) * u128::from(self.capacity)) >> 64) as usize
    }

    /// Where to look for a key; asks for that memory.
    #[inline]
    pub(crate) fn locate(&self, key: u64) -> Place {
        let mixed = mix(key);
        let slot = self.pointed_at(mixed);
        if let Some(slot) = self.slots.get(slot) {
            crate::kernel::prefetch(slot);
        }
        Place { mixed, slot }
    }

    /// Where the entries of a located key's bucket are, empty when no point is in it; asks for the
    /// memory of the first ones.
    #[inline]
    pub(crate) fn find(&self, place: Place) -> Range<u32> {
        for slot in self.slots.get(place.slot..).unwrap_or_default() {
            if slot.len == 0 || slot.mixed > place.mixed {
                break;
            }
            if slot.mixed == place.mixed {
                if let Some(first) = self.entries.get(slot.start as usize) {
                    crate::kernel::prefetch(first);
                }
                return slot.start..slot.start + slot.len;
            }
        }
        0..0
    }

    /// Entries that [`find`](Self::find) found.
    #[inline]
    pub(crate) fn entries(&self, range: Range<u32>) -> &[u32] {
        &self.entries[range.start as usize..range.end as usize]
    }

    /// The bucket of a key.
    #[cfg(test)]
    pub(crate) fn bucket(&self, key: u64) -> &[u32] {
        self.entries(self.find(self.locate(key)))
    }

    /// Buckets that hold at least one point.
    pub(crate) fn buckets(&self) -> usize {
        self.buckets
    }

    /// Points in the fullest bucket.
    pub(crate) fn largest(&self) -> usize {
        self.largest
    }

    /// Bytes of entries and directory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.len() * size_of::<u32>() + self.slots.len() * size_of::<Slot>()
    }
}
