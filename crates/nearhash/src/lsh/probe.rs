//! Which bucket next, over all tables.
//!
//! Query-directed multi-probe (Lv, Josephson, Wang, Charikar & Li 2007), with probabilities in
//! place of their squared margins: a bucket's cost is −ln of the probability that a near neighbour
//! is in it. That is the table's base, −ln P(own bucket), plus the cost of each move away from it,
//! so buckets of different tables compare. A table whose margins are all small has cheap moves, but
//! its base says that its buckets share little.
//!
//! Buckets are probed in the order of (cost, table, moves), which does not depend on the budget: a
//! larger one only goes on. It is not produced step by step from a heap, as in the paper, but in a
//! few sweeps: all sets of moves up to a cost are listed by walking each table's moves in order of
//! cost, and the cost is raised until there are enough of them. That takes a few nanoseconds a
//! bucket instead of fifty.

use std::ops::Range;

use super::family::{Family, Move};

/// One table's moves.
#[derive(Debug, Clone)]
struct TableMoves {
    base: f32,
    /// The cheapest move.
    least: f32,
    moves: Range<usize>,
    sorted: bool,
    home: u64,
}

/// Lists buckets, cheapest first. Reused from query to query.
#[derive(Debug, Default)]
pub(crate) struct Prober {
    tables: Vec<TableMoves>,
    moves: Vec<Move>,
    /// Sets of moves found in one sweep: (table, key of the bucket).
    found: Vec<(u32, u64)>,
    /// (cost bits, place in `found`). Costs are not negative and order like their bits; places
    /// follow (table, moves).
    order: Vec<u64>,
    /// Cost above the least at which the last sweeps of former queries ended, where the next one
    /// may begin. Saves sweeps and changes nothing else.
    guess: f32,
}

/// Buckets of the first stage. Stages grow, so that a caller who has enough can stop early.
const FIRST_STAGE: usize = 4096;
/// A sweep may list this many times the buckets that are wanted.
const SLACK: usize = 3;

impl Prober {
    /// Get ready for a query with these projections (one row over all groups) and own buckets.
    pub(crate) fn begin(&mut self, family: &dyn Family, projected: &[f32], homes: &[u64]) {
        self.moves.clear();
        self.tables.clear();
        for (table, home) in homes.iter().enumerate() {
            let start = self.moves.len();
            let range = family.planes().table_range(table);
            let base = family.moves(&projected[range], &mut self.moves);
            let moves = start..self.moves.len();
            let least = self.moves[moves.clone()]
                .iter()
                .fold(f32::INFINITY, |least, m| least.min(m.cost));
            self.tables.push(TableMoves {
                base,
                least,
                moves,
                sorted: false,
                home: *home,
            });
        }
    }

    /// The tables, the one most likely to have a near neighbour in the query's own bucket first.
    pub(crate) fn tables_by_likelihood(&self, order: &mut Vec<u32>) {
        order.clear();
        order.extend(0..self.tables.len() as u32);
        let base = |table: &u32| self.tables[*table as usize].base;
        order.sort_by(|a, b| base(a).total_cmp(&base(b)));
    }

    /// Hand over the `budget` likeliest buckets besides the query's own, as `probe(table, key)`,
    /// until there are no more or `probe` returns false. They come likeliest first when `ordered`,
    /// otherwise in any order within each stage.
    pub(crate) fn probe(
        &mut self,
        budget: usize,
        ordered: bool,
        mut probe: impl FnMut(usize, u64) -> bool,
    ) {
        self.probe_costs(budget, ordered, |table, key, _| probe(table, key));
    }

    /// −ln of the probability that a near neighbour is in the query's own bucket of a table.
    pub(crate) fn base(&self, table: usize) -> f32 {
        self.tables[table].base
    }

    /// [`probe`](Self::probe), as `probe(table, key, cost)`.
    pub(crate) fn probe_costs(
        &mut self,
        budget: usize,
        ordered: bool,
        mut probe: impl FnMut(usize, u64, f32) -> bool,
    ) {
        let mut handed = 0;
        let mut wanted = budget.min(FIRST_STAGE);
        while handed < wanted {
            let complete = self.list(wanted);
            let count = wanted.min(self.order.len());
            if count < self.order.len() {
                self.order.select_nth_unstable(count);
                self.order.truncate(count);
            }
            if ordered || wanted < budget || handed > 0 {
                self.order.sort_unstable();
            }
            // The first ones were handed over in the stage before.
            for entry in &self.order[handed..] {
                let (table, key) = self.found[*entry as u32 as usize];
                let cost = f32::from_bits((entry >> 32) as u32);
                if !probe(table as usize, key, cost) {
                    return;
                }
            }
            handed = count;
            if complete {
                return;
            }
            wanted = budget.min(wanted.saturating_mul(4));
        }
    }

    /// List at least the `wanted` cheapest sets, and not many more. Returns whether these are all
    /// that there are.
    fn list(&mut self, wanted: usize) -> bool {
        let least = self
            .tables
            .iter()
            .fold(f32::INFINITY, |least, t| least.min(t.base + t.least));
        // Between a cost with too few sets, as any below the least, and one with too many.
        let mut low = f32::from_bits(least.to_bits().saturating_sub(1));
        let mut high = f32::INFINITY;
        let mut limit = least + self.guess.max(0.5);
        loop {
            // Two costs with none between: sets of one cost fill up, in their order.
            let last = high.to_bits() - low.to_bits() <= 1;
            if last {
                limit = high;
            }
            let most = if last {
                wanted
            } else {
                wanted.saturating_mul(SLACK)
            };
            let (full, everything) = self.sweep(limit, most, last.then_some(low));
            if full && !last {
                high = limit;
                limit = low.max(least) + (high - low.max(least)) * 0.5;
                if limit <= low || limit >= high {
                    limit = f32::from_bits(low.to_bits() + (high.to_bits() - low.to_bits()) / 2);
                }
            } else if full || everything || self.order.len() >= wanted {
                self.guess = limit - least;
                return everything && !full;
            } else {
                low = limit;
                // The number of sets grows about exponentially with their cost.
                let count = (self.order.len() as f32).max(2.0);
                let rate = count.ln() / (limit - least).max(0.1);
                let step = (wanted as f32 * 1.3 / count).ln().max(0.1) / rate;
                limit = (limit + step).max(f32::from_bits(limit.to_bits() + 1));
                if limit >= high {
                    limit = f32::from_bits(low.to_bits() + (high.to_bits() - low.to_bits()) / 2);
                }
            }
        }
    }

    /// List all sets that cost no more than `limit`, at most `most`. With `cheap`, sets above that
    /// cost are listed only as far as `most` leaves room besides the cheaper ones. Returns whether
    /// `most` cut the list, and whether no set costs more than `limit`.
    fn sweep(&mut self, limit: f32, most: usize, cheap: Option<f32>) -> (bool, bool) {
        self.found.clear();
        self.order.clear();
        if let Some(cheap) = cheap {
            self.walk_all(cheap, f32::NEG_INFINITY, most);
            return self.walk_all(limit, cheap, most);
        }
        self.walk_all(limit, f32::NEG_INFINITY, most)
    }

    fn walk_all(&mut self, limit: f32, above: f32, most: usize) -> (bool, bool) {
        let mut walk = Walk {
            limit,
            above,
            most,
            table: 0,
            found: &mut self.found,
            order: &mut self.order,
            everything: true,
        };
        for (number, table) in self.tables.iter_mut().enumerate() {
            if table.base + table.least > limit {
                walk.everything = false;
                continue;
            }
            let moves = &mut self.moves[table.moves.clone()];
            if !table.sorted {
                // Stable, so that moves of equal cost stay in the order of their projections.
                moves.sort_by(|a, b| a.cost.total_cmp(&b.cost));
                table.sorted = true;
            }
            walk.table = number as u32;
            if !walk.descend(moves, table.base, table.home, 0) {
                return (true, false);
            }
        }
        (false, walk.everything)
    }
}

/// A walk through one table's sets of moves.
struct Walk<'a> {
    limit: f32,
    above: f32,
    most: usize,
    table: u32,
    found: &'a mut Vec<(u32, u64)>,
    order: &'a mut Vec<u64>,
    everything: bool,
}

impl Walk<'_> {
    /// List the sets that add one or more of `moves`, ascending in cost, to a set that costs
    /// `cost`, leads to `key` and has changed the projections in `taken`. Returns false when the
    /// list is full.
    fn descend(&mut self, moves: &[Move], cost: f32, key: u64, taken: u64) -> bool {
        for (i, one) in moves.iter().enumerate() {
            let cost = cost + one.cost;
            if cost > self.limit {
                self.everything = false;
                break;
            }
            let projection = 1_u64 << one.projection;
            // Two moves of one projection exclude each other.
            if taken & projection != 0 {
                continue;
            }
            let key = key.wrapping_add(one.delta);
            if cost > self.above {
                if self.order.len() >= self.most {
                    return false;
                }
                let place = self.found.len() as u64;
                self.order.push(u64::from(cost.to_bits()) << 32 | place);
                self.found.push((self.table, key));
            }
            if !self.descend(&moves[i + 1..], cost, key, taken | projection) {
                return false;
            }
        }
        true
    }
}
