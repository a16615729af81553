//! What a query looks at, each once.

use super::open::Open;

/// Distinct rows of the built part and slots of the open part.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// When each row, then each slot, was last seen; reset every 255 queries.
    seen: Vec<u8>,
    epoch: u8,
    /// The first `row_count` are this query's.
    rows: Vec<u32>,
    row_count: usize,
    slots: Vec<u32>,
}

impl Candidates {
    /// None yet, of so many rows and slots.
    pub(super) fn begin(&mut self, rows: usize, slots: usize) {
        if self.seen.len() != rows + slots {
            self.seen.clear();
            self.seen.resize(rows + slots, 0);
            self.epoch = 0;
        }
        if self.epoch == u8::MAX {
            self.seen.fill(0);
            self.epoch = 0;
        }
        self.epoch += 1;
        // One place more than there are rows: `add_rows` writes before it knows.
        if self.rows.len() != rows + 1 {
            self.rows.resize(rows + 1, 0);
        }
        self.row_count = 0;
        self.slots.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.row_count + self.slots.len()
    }

    /// Those that are not gone.
    #[inline]
    pub(super) fn add_rows(&mut self, bucket: &[u32], open: &Open) {
        let Self {
            seen, epoch, rows, ..
        } = self;
        let mut count = self.row_count;
        // Without a branch on what was seen, which could not be predicted.
        if open.gone_count() == 0 {
            for row in bucket {
                rows[count] = *row;
                let seen = &mut seen[*row as usize];
                count += usize::from(*seen != *epoch);
                *seen = *epoch;
            }
        } else {
            for row in bucket {
                rows[count] = *row;
                let seen = &mut seen[*row as usize];
                count += usize::from(*seen != *epoch && !open.is_gone(*row));
                *seen = *epoch;
            }
        }
        self.row_count = count;
    }

    /// Slots follow `rows` rows.
    pub(super) fn add_slots(&mut self, bucket: &[u32], rows: usize) {
        for slot in bucket {
            let seen = &mut self.seen[rows + *slot as usize];
            if *seen != self.epoch {
                *seen = self.epoch;
                self.slots.push(*slot);
            }
        }
    }

    /// Keep `bound` candidates: the last bucket, before which there were `slots` slots, loses what
    /// is too much.
    pub(super) fn cut(&mut self, bound: usize, slots: usize) {
        self.row_count = self.row_count.min(bound - slots);
        self.slots.truncate(bound - self.row_count);
    }

    /// Forget all others.
    pub(super) fn retain(&mut self, row: impl Fn(u32) -> bool, slot: impl Fn(u32) -> bool) {
        let mut count = 0;
        for i in 0..self.row_count {
            let candidate = self.rows[i];
            self.rows[count] = candidate;
            count += usize::from(row(candidate));
        }
        self.row_count = count;
        self.slots.retain(|candidate| slot(*candidate));
    }

    pub(super) fn rows(&self) -> &[u32] {
        &self.rows[..self.row_count]
    }

    pub(super) fn slots(&self) -> &[u32] {
        &self.slots
    }
}
