//! Memory that a search among many points asks for before it needs it.

use crate::adaptive::codes::Codes;
use crate::adaptive::ranking::Ranking;
use crate::kernel::{prefetch, prefetch_lines};

/// Buckets ahead whose groups are listed. Where those are must be known by then, which is asked for
/// as many buckets sooner.
const BUCKETS: usize = 6;
/// Groups ahead that are asked for. More would be asked for in vain where the search ends.
const GROUPS: usize = 10;

/// How far one search has asked.
///
/// The core has room for some two dozen lines that are on their way, and waits where more are asked for.
/// So the lines of a bucket are not asked for at once but group by group, one while another one is
/// scanned.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Buckets, by rank, whose place was asked for.
    headers: usize,
    /// Groups in the order in which they are scanned, and where those of each bucket end.
    groups: Vec<u32>,
    ends: Vec<usize>,
    /// Groups that were asked for.
    asked: usize,
}

impl Ahead {
    /// Begin a search.
    pub(crate) fn reset(&mut self) {
        self.headers = 0;
        self.groups.clear();
        self.ends.clear();
        self.asked = 0;
    }

    /// The groups to ask for while the bucket of this rank is scanned, by a search for a query with this
    /// squared rest that looks for what is within `root`. Ranks go up from 0, one by one.
    #[inline(always)]
    pub(crate) fn ask(
        &mut self,
        codes: &Codes,
        live: &[u16],
        ranking: &Ranking,
        rank: usize,
        rest: f32,
        root: f32,
    ) -> &[u32] {
        let listed = ranking.listed();
        while self.headers < listed.min(rank + 2 * BUCKETS) {
            prefetch(&codes.buckets[ranking.place(self.headers)]);
            self.headers += 1;
        }
        while self.ends.len() < listed.min(rank + BUCKETS) {
            let next = self.ends.len();
            let bucket = &codes.buckets[ranking.place(next)];
            let groups = bucket.first_group..bucket.first_group + bucket.groups();
            if bucket.is_hopeless(ranking.score(next) + rest, root) {
                self.list(0..0);
            } else {
                prefetch(&live[bucket.first_group as usize]);
                self.list(groups);
            }
        }
        if rank == 0 {
            let stride = codes.stride();
            for group in self.first() {
                prefetch_lines(&codes.groups[*group as usize * stride..][..stride]);
            }
        }
        self.next(rank)
    }

    /// List the groups of the bucket behind the last one.
    #[inline(always)]
    fn list(&mut self, groups: std::ops::Range<u32>) {
        self.groups.extend(groups);
        self.ends.push(self.groups.len());
    }

    /// The groups of the first bucket, which nothing is scanned before.
    fn first(&mut self) -> &[u32] {
        self.asked = self.ends[0];
        &self.groups[..self.asked]
    }

    /// Those that are to be asked for while the bucket of this rank is scanned.
    #[inline(always)]
    fn next(&mut self, rank: usize) -> &[u32] {
        let until = (self.ends[rank] + GROUPS).min(self.groups.len());
        let from = self.asked.min(until);
        self.asked = self.asked.max(until);
        &self.groups[from..until]
    }

    /// Bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.capacity() * 4 + self.ends.capacity() * size_of::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_asked_for_once_and_in_time() {
        // Groups of the buckets; some have none that are worth it.
        for sizes in [
            vec![1],
            vec![4, 5, 0, 1, 0, 30, 2, 2, 2, 2, 2, 0, 0, 7, 5],
            vec![0, 0, 3, 3],
            vec![1; 40],
        ] {
            let mut ahead = Ahead::default();
            for _ in 0..2 {
                ahead.reset();
                let (mut listed, mut count) = (0, 0);
                let mut asked: Vec<u32> = Vec::new();
                for rank in 0..sizes.len() {
                    while listed < sizes.len().min(rank + BUCKETS) {
                        ahead.list(count..count + sizes[listed]);
                        count += sizes[listed];
                        listed += 1;
                    }
                    if rank == 0 {
                        asked.extend(ahead.first());
                    }
                    let before = sizes[..rank].iter().sum::<u32>() as usize;
                    let done = before + sizes[rank] as usize;
                    // All groups of a bucket, but for those that are far behind its first.
                    assert!(asked.len() >= done.min(before + GROUPS), "{rank}");
                    asked.extend(ahead.next(rank));
                    assert!((done..=done + GROUPS).contains(&asked.len()));
                }
                assert!(asked.into_iter().eq(0..count));
            }
        }
    }
}
