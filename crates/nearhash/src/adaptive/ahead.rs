//! Memory that a search asks for before it needs it.

use crate::adaptive::codes::Codes;
use crate::adaptive::ranking::Ranking;
use crate::kernel::{prefetch, prefetch_lines};

/// Buckets ahead whose codes are asked for. Where those are must be known by then, which is asked for
/// as many buckets sooner.
const BUCKETS: usize = 4;

/// How far one search has asked.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    headers: usize,
    codes: usize,
}

impl Ahead {
    /// Ask for what will soon be read when the bucket of this rank is scanned, of a query with this
    /// squared rest, by a search that looks for what is within `root`.
    #[inline(always)]
    pub(crate) fn ask(
        &mut self,
        codes: &Codes,
        live: &[u16],
        ranking: &Ranking,
        rank: usize,
        rest: f32,
        root: f32,
    ) {
        let listed = ranking.listed();
        while self.headers < listed.min(rank + 2 * BUCKETS) {
            prefetch(&codes.buckets[ranking.place(self.headers)]);
            self.headers += 1;
        }
        while self.codes < listed.min(rank + BUCKETS) {
            let bucket = &codes.buckets[ranking.place(self.codes)];
            let squared = ranking.score(self.codes) + rest;
            self.codes += 1;
            if bucket.is_hopeless(squared, root) {
                continue;
            }
            prefetch(&live[bucket.first_group as usize]);
            prefetch_lines(codes.lines_of(bucket));
        }
    }
}
