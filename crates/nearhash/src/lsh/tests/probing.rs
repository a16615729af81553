//! The prober lists the same buckets, in the same order, as twins that list all of them and sort,
//! or go from one to the next on a heap as in Lv et al. (2007).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use ndarray::Array2;
use proptest::prelude::*;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::generator;
use crate::kernel::Kernels;
use crate::lsh::family::{Family, Group, KeyScratch, Move, Planes};
use crate::lsh::l2::L2;
use crate::lsh::probe::Prober;
use crate::lsh::srp::Srp;
use crate::metric::Metric;
use crate::testing::config;

/// A table as probing sees it.
#[derive(Debug, Clone)]
struct TableMoves {
    base: f32,
    home: u64,
    moves: Vec<Move>,
}

/// A family whose tables have the moves that a test gives them.
#[derive(Debug)]
struct Given {
    planes: Planes,
    tables: Vec<TableMoves>,
}

impl Given {
    fn new(tables: &[TableMoves]) -> Self {
        let planes = Array2::zeros((1, 1));
        Self {
            planes: Planes::new(1, 1, tables.len(), |_| (planes.view(), vec![0.0])),
            tables: tables.to_vec(),
        }
    }

    fn begin(&self, prober: &mut Prober) {
        let mut projected = vec![0.0; self.planes.width()];
        for table in 0..self.tables.len() {
            projected[self.planes.table_range(table)].fill(table as f32);
        }
        let homes: Vec<u64> = self.tables.iter().map(|table| table.home).collect();
        prober.begin(self, &projected, &homes);
    }
}

impl Family for Given {
    fn metric(&self) -> Metric {
        Metric::Euclidean
    }

    fn planes(&self) -> &Planes {
        &self.planes
    }

    fn values(&self, _: &Kernels, _: &[f32], _: &mut [i32]) {
        unreachable!("probing hashes nothing")
    }

    fn keys(&self, _: &Kernels, _: &Group, _: &[f32], _: &mut KeyScratch, _: &mut [u64]) {
        unreachable!("probing hashes nothing")
    }

    fn moves(&self, projected: &[f32], moves: &mut Vec<Move>) -> f32 {
        let table = &self.tables[projected[0] as usize];
        moves.extend(&table.moves);
        table.base
    }

    fn collision_probability(&self, _: f64) -> f64 {
        unreachable!("probing asks for none")
    }

    fn empty_share(&self, _: usize, _: usize) -> f64 {
        unreachable!("probing asks for none")
    }

    fn bucket_name(&self, _: &[i32]) -> String {
        unreachable!("probing asks for none")
    }
}

/// A set of moves: its cost, the table, the moves by rank, and the bucket that it leads to.
/// Derived order: cost, then table, then ranks in the order of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Set {
    cost: u32,
    table: usize,
    ranks: Vec<usize>,
    key: u64,
}

/// A table's moves, cheapest first and ties by their place.
fn ranked(table: &TableMoves) -> Vec<Move> {
    let mut moves = table.moves.clone();
    moves.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    moves
}

/// The set of these ranks, or none when it moves one projection twice.
fn set_of(number: usize, table: &TableMoves, moves: &[Move], ranks: Vec<usize>) -> Option<Set> {
    let mut projections = HashSet::new();
    if !ranks
        .iter()
        .all(|rank| projections.insert(moves[*rank].projection))
    {
        return None;
    }
    let cost = ranks
        .iter()
        .fold(table.base, |cost, rank| cost + moves[*rank].cost);
    let key = ranks
        .iter()
        .fold(table.home, |key, rank| key.wrapping_add(moves[*rank].delta));
    Some(Set {
        cost: cost.to_bits(),
        table: number,
        ranks,
        key,
    })
}

/// Every valid set, sorted.
fn all_sets(tables: &[TableMoves]) -> Vec<(usize, u64)> {
    let mut sets = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        let moves = ranked(table);
        for subset in 1..1_u64 << moves.len() {
            let ranks = (0..moves.len()).filter(|i| subset >> i & 1 == 1).collect();
            sets.extend(set_of(number, table, &moves, ranks));
        }
    }
    sets.sort_unstable();
    sets.iter().map(|set| (set.table, set.key)).collect()
}

/// The first `budget` sets, from a heap by shifting and expanding.
fn heap_sets(tables: &[TableMoves], budget: usize) -> Vec<(usize, u64)> {
    let moves: Vec<_> = tables.iter().map(ranked).collect();
    // Sets that move a projection twice are not handed over, but lead on to others.
    let node = |number: usize, ranks: Vec<usize>| {
        let cost = ranks.iter().fold(tables[number].base, |cost, rank| {
            cost + moves[number][*rank].cost
        });
        Reverse((cost.to_bits(), number, ranks))
    };
    let mut heap: BinaryHeap<_> = (0..tables.len()).map(|t| node(t, vec![0])).collect();
    let mut sets = Vec::new();
    while sets.len() < budget
        && let Some(Reverse((_, number, ranks))) = heap.pop()
    {
        let next = ranks[ranks.len() - 1] + 1;
        if next < moves[number].len() {
            let mut shifted = ranks.clone();
            shifted.pop();
            shifted.push(next);
            heap.push(node(number, shifted));
            let mut expanded = ranks.clone();
            expanded.push(next);
            heap.push(node(number, expanded));
        }
        let set = set_of(number, &tables[number], &moves[number], ranks);
        sets.extend(set.map(|set| (set.table, set.key)));
    }
    sets
}

fn listed(prober: &mut Prober, budget: usize, ordered: bool) -> Vec<(usize, u64)> {
    let mut buckets = Vec::new();
    prober.probe(budget, ordered, |table, key| {
        buckets.push((table, key));
        true
    });
    buckets
}

/// Compare what a prober lists for each budget with the sorted sets.
fn check(tables: &[TableMoves], sorted: &[(usize, u64)], budgets: impl IntoIterator<Item = usize>) {
    let family = Given::new(tables);
    // One prober goes from query to query, others are new.
    let mut old = Prober::default();
    for budget in budgets {
        let expected = &sorted[..budget.min(sorted.len())];
        let mut set = expected.to_vec();
        set.sort_unstable();
        let mut new = Prober::default();
        for prober in [&mut old, &mut new] {
            family.begin(prober);
            let found = listed(prober, budget, true);
            assert_eq!(found.len(), expected.len(), "budget {budget}");
            assert_eq!(found, expected, "budget {budget}");
            // A second time, with the same margins.
            let mut found = listed(prober, budget, false);
            found.sort_unstable();
            assert_eq!(found, set, "budget {budget}, in any order");
        }
    }
}

/// Tables of `k` projections with one move each, or two. Costs from `cost`.
fn tables(
    seed: u64,
    count: usize,
    k: usize,
    both_ways: bool,
    mut base: impl FnMut(&mut dyn FnMut() -> f32) -> f32,
    mut cost: impl FnMut(&mut dyn FnMut() -> f32) -> f32,
) -> Vec<TableMoves> {
    let mut generator = generator(seed);
    let mut keys = super::generator(seed + 1);
    let mut uniform = || generator.random::<f32>();
    (0..count)
        .map(|_| TableMoves {
            base: base(&mut uniform),
            home: keys.next_u64(),
            moves: (0..k as u8)
                .flat_map(|projection| std::iter::repeat_n(projection, 1 + usize::from(both_ways)))
                .map(|projection| Move {
                    cost: cost(&mut uniform),
                    projection,
                    delta: keys.next_u64() | 1,
                })
                .collect(),
        })
        .collect()
}

#[test]
fn a_budget_of_zero_lists_nothing() {
    let tables = tables(1, 3, 4, true, |_| 1.0, |x| x());
    check(&tables, &all_sets(&tables), [0]);
}

#[test]
fn every_budget_lists_the_cheapest_sets_and_running_out_is_fine() {
    let tables = tables(2, 3, 4, true, |x| 3.0 * x(), |x| 5.0 * x());
    let sorted = all_sets(&tables);
    assert_eq!(sorted.len(), 3 * (81 - 1));
    check(&tables, &sorted, 0..=sorted.len() + 5);
    check(&tables, &sorted, [1000, 1 << 20, 1 << 40, usize::MAX]);
}

#[test]
fn a_larger_budget_only_goes_on() {
    let tables = tables(3, 4, 5, true, |x| x(), |x| x());
    let family = Given::new(&tables);
    let mut prober = Prober::default();
    family.begin(&mut prober);
    let mut before = Vec::new();
    for budget in [0, 1, 2, 3, 10, 11, 12, 100, 101, 500, 967, 968, 969, 5000] {
        let found = listed(&mut prober, budget, true);
        assert_eq!(found[..before.len()], before);
        before = found;
    }
    assert_eq!(before.len(), 4 * (243 - 1));
}

#[test]
fn sets_of_equal_cost_come_by_table_and_then_by_rank() {
    // Many ties: costs are whole numbers, or all the same.
    for most in [1.0, 2.0, 4.0] {
        let tables = tables(
            4,
            3,
            5,
            true,
            |x| (x() * most).floor(),
            |x| (x() * most).floor(),
        );
        let sorted = all_sets(&tables);
        check(&tables, &sorted, (0..=sorted.len() + 1).step_by(7));
    }
}

#[test]
fn moves_that_cost_nothing_are_listed_like_all_others() {
    for base in [0.0, 1e-45, 1e-6, 5.0, 2000.0] {
        let tables = tables(5, 3, 5, true, |_| base, |_| 0.0);
        let sorted = all_sets(&tables);
        check(&tables, &sorted, [1, 2, 31, 200, 725, 726, 727]);
        let tables = tables_with_one_that_costs(base);
        let sorted = all_sets(&tables);
        check(
            &tables,
            &sorted,
            (1..=sorted.len() + 1).step_by(13).collect::<Vec<_>>(),
        );
    }
}

fn tables_with_one_that_costs(base: f32) -> Vec<TableMoves> {
    let mut tables = tables(6, 2, 5, true, |_| base, |_| 0.0);
    tables[1].moves[3].cost = 1.0;
    tables
}

#[test]
fn costs_of_any_size_are_put_in_order() {
    const INFINITE: f32 = f32::INFINITY;
    let sizes = [
        [1e-45, 3e-45, 1e-44, 1e-40],
        [1e-30, 1e-6, 1.0, 1e30],
        [1e30, 1e35, 1e37, 3e37],
        [0.5, 1.0, INFINITE, INFINITE],
        [INFINITE; 4],
        [1e-3, 1e-3, 1e-3, 500.0],
    ];
    for costs in sizes {
        for base in [0.0, 1.0, 1e20, INFINITE] {
            let cost = |x: &mut dyn FnMut() -> f32| costs[(x() * 4.0) as usize];
            let tables = tables(7, 2, 4, true, |x| if x() < 0.5 { base } else { 1.0 }, cost);
            let sorted = all_sets(&tables);
            check(
                &tables,
                &sorted,
                (0..=sorted.len() + 1).step_by(9).chain([sorted.len(), 500]),
            );
        }
    }
}

#[test]
fn a_table_that_is_far_likelier_than_the_rest_is_probed_first() {
    let mut tables = tables(8, 4, 6, false, |_| 50.0, |x| x());
    tables[2].base = 0.1;
    let sorted = all_sets(&tables);
    assert!(sorted[..63].iter().all(|(table, _)| *table == 2));
    check(&tables, &sorted, [1, 62, 63, 64, 65, 200, 251, 252, 253]);
}

#[test]
fn budgets_that_span_several_stages_are_listed_as_one() {
    // 4 × (2^12 − 1) = 16,380 sets of flips, 3 × (3^8 − 1) = 19,680 of steps.
    for (tables, count) in [
        (tables(9, 4, 12, false, |x| x(), |x| 4.0 * x()), 16_380),
        (tables(10, 3, 8, true, |x| x(), |x| 9.0 * x()), 19_680),
        (
            tables(11, 4, 12, false, |_| 2.0, |x| (3.0 * x()).floor()),
            16_380,
        ),
    ] {
        let sorted = all_sets(&tables);
        assert_eq!(sorted.len(), count);
        let budgets = [
            4095, 4096, 4097, 5000, 12_288, 16_379, 16_380, 16_381, 19_680, 40_000,
        ];
        check(&tables, &sorted, budgets);
    }
}

#[test]
fn a_caller_who_has_enough_gets_no_more() {
    let tables = tables(12, 4, 12, false, |x| x(), |x| x());
    let sorted = all_sets(&tables);
    let family = Given::new(&tables);
    let mut prober = Prober::default();
    for stop in [1, 100, 4096, 4097, 9000] {
        family.begin(&mut prober);
        let mut buckets = Vec::new();
        prober.probe(usize::MAX, true, |table, key| {
            buckets.push((table, key));
            buckets.len() < stop
        });
        assert_eq!(buckets, sorted[..stop]);
    }
}

#[test]
fn tables_are_ordered_by_the_likelihood_of_the_own_bucket_and_ties_by_number() {
    let mut tables = tables(13, 5, 2, false, |_| 1.0, |x| x());
    for (table, base) in tables.iter_mut().zip([2.0, 0.5, 1.0, 0.5, 0.0]) {
        table.base = base;
    }
    let family = Given::new(&tables);
    let mut prober = Prober::default();
    family.begin(&mut prober);
    let mut order = vec![9, 9];
    prober.tables_by_likelihood(&mut order);
    assert_eq!(order, [4, 1, 3, 2, 0]);
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn any_costs_are_listed_as_by_brute_force(
        seed: u64, count in 1..5_usize, k in 1..6_usize, both_ways: bool,
        steps in prop_oneof![Just(0.0_f32), 1.0..20.0_f32], spread in 0.01..30.0_f32,
        budget in 0..1200_usize,
    ) {
        // Rounded to a grid there are ties.
        let cost = |x: &mut dyn FnMut() -> f32| {
            let x = x();
            spread * if steps > 0.0 { (x * steps).round() / steps } else { x }
        };
        let tables = tables(seed / 2, count, k, both_ways, cost, cost);
        check(&tables, &all_sets(&tables), [budget, 1, budget / 2]);
    }
}

/// The tables of a family for some query.
fn tables_of(family: &dyn Family, seed: u64, scale: f32) -> (Vec<TableMoves>, Vec<f32>) {
    let mut generator = generator(seed);
    let planes = family.planes();
    let projected: Vec<f32> = (0..planes.width())
        .map(|_| scale * generator.sample::<f32, _>(StandardNormal))
        .collect();
    let tables = (0..planes.tables())
        .map(|table| {
            let mut moves = Vec::new();
            let base = family.moves(&projected[planes.table_range(table)], &mut moves);
            TableMoves {
                base,
                home: generator.next_u64(),
                moves,
            }
        })
        .collect();
    (tables, projected)
}

/// What a prober lists for a family's own margins.
fn listed_for(
    family: &dyn Family,
    tables: &[TableMoves],
    projected: &[f32],
    budget: usize,
) -> Vec<(usize, u64)> {
    let homes: Vec<u64> = tables.iter().map(|table| table.home).collect();
    let mut prober = Prober::default();
    prober.begin(family, projected, &homes);
    listed(&mut prober, budget, true)
}

#[test]
fn real_margins_are_listed_as_by_brute_force() {
    for seed in 0..5 {
        let srp = Srp::new(seed, 1, 10, 3);
        let l2 = L2::new(seed, 1, 5, 4, 1.0);
        for (family, scale) in [(&srp as &dyn Family, 1.0), (&l2, 10.0), (&l2, 1e6)] {
            let (tables, projected) = tables_of(family, seed, scale);
            let sorted = all_sets(&tables);
            for budget in [0, 1, 5, 50, 51, 500, 900, 10_000] {
                let found = listed_for(family, &tables, &projected, budget);
                assert_eq!(found, sorted[..budget.min(sorted.len())]);
            }
        }
    }
}

#[test]
fn long_keys_are_probed_as_from_a_heap() {
    for (k, l) in [(16, 1), (20, 7), (33, 17), (64, 3)] {
        let srp = Srp::new(1, 1, k, l);
        let l2 = L2::new(1, 1, k, l, 1.0);
        // Beyond 2²⁴ all projections are whole numbers: moves down cost nothing.
        for (family, scale) in [(&srp as &dyn Family, 1.0), (&l2, 5.0), (&l2, 1e9)] {
            let (tables, projected) = tables_of(family, (k + l) as u64, scale);
            let sorted = heap_sets(&tables, 9000);
            assert_eq!(sorted.len(), 9000);
            for budget in [1, 10, 100, 1000, 4096, 9000] {
                let found = listed_for(family, &tables, &projected, budget);
                assert_eq!(found, sorted[..budget], "{k} projections, {l} tables");
            }
        }
    }
}

#[test]
fn the_heap_agrees_with_brute_force() {
    let tables = tables(14, 3, 5, true, |x| x(), |x| (6.0 * x()).floor());
    assert_eq!(heap_sets(&tables, usize::MAX), all_sets(&tables));
}

#[test]
fn no_bucket_is_listed_twice_nor_the_own_one_again() {
    // The setting in which stepping both ways on one coordinate repeated 40 of 100 buckets.
    for k in [1, 4, 15] {
        let srp = Srp::new(3, 1, k, 5);
        let l2 = L2::new(3, 1, k, 5, 1.0);
        for family in [&srp as &dyn Family, &l2] {
            for seed in 0..20 {
                let (tables, projected) = tables_of(family, seed, 3.0);
                let found = listed_for(family, &tables, &projected, 500);
                let different: HashSet<_> = found.iter().collect();
                assert_eq!(different.len(), found.len());
                assert!(found.iter().all(|(t, key)| *key != tables[*t].home));
            }
        }
    }
}
