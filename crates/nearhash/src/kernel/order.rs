//! Numbers in order without branches that hang on them.

use super::lanes::{KEYS, LANES, Lanes};

/// Most keys that are put in order by counting.
const FEW_KEYS: usize = 64;
/// Most keys that are split until counting does, and how often at most.
const MANY_KEYS: usize = 512;
const SPLITS: usize = 16;

/// Put keys that differ in ascending order. Few are [counted](count_keys); more are split about their
/// middle until they are few.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn sort_keys<V: Lanes>(keys: &mut [u64]) {
    let mut from = 0;
    // Where parts end, the innermost last.
    let mut ends = [keys.len(); SPLITS];
    let mut parts = 1;
    while parts > 0 {
        let part = &mut keys[from..ends[parts - 1]];
        if part.len() > FEW_KEYS {
            if part.len() <= MANY_KEYS && parts < SPLITS {
                let below = split_keys(part);
                // None are only where most are equal.
                if below > 0 {
                    ends[parts] = from + below;
                    parts += 1;
                    continue;
                }
            }
            part.sort_unstable();
        } else {
            // SAFETY: as the caller vouches.
            unsafe { count_keys::<V>(part) };
        }
        parts -= 1;
        from = ends[parts];
    }
}

/// Bring the keys below one of them to the front; how many. No branch hangs on a key.
#[inline(always)]
fn split_keys(keys: &mut [u64]) -> usize {
    let count = keys.len();
    let mut some: [u64; 5] = std::array::from_fn(|i| keys[(2 * i + 1) * count / 10]);
    some.sort_unstable();
    let middle = some[2];
    let mut split = [0_u64; MANY_KEYS];
    let (mut below, mut others) = (0, count);
    for key in &*keys {
        let is_below = *key < middle;
        split[below] = *key;
        split[others - 1] = *key;
        below += usize::from(is_below);
        others -= usize::from(!is_below);
    }
    keys.copy_from_slice(&split[..count]);
    below
}

/// Put at most [`FEW_KEYS`] keys that differ in ascending order: how many are below each needs no guess
/// that could be wrong.
///
/// # Safety
/// As for [`sort_keys`].
#[inline(always)]
unsafe fn count_keys<V: Lanes>(keys: &mut [u64]) {
    let count = keys.len();
    let (mut padded, mut places) = ([u64::MAX; FEW_KEYS], [0_u64; FEW_KEYS]);
    padded[..count].copy_from_slice(keys);
    let some = padded.chunks_exact(KEYS).zip(places.chunks_exact_mut(KEYS));
    for (some, places) in some.take(count.div_ceil(KEYS)) {
        // SAFETY: both have as many; there are no fewer than `count` keys.
        unsafe { V::count_below(padded.as_ptr(), count, some.as_ptr(), places.as_mut_ptr()) };
    }
    for (key, place) in padded.iter().zip(&places[..count]) {
        keys[*place as usize] = *key;
    }
}

/// The sixteen smallest of the lanes of some groups, ascending, at least one: each group is sorted by
/// Batcher's bitonic network ("Sorting networks and their applications", AFIPS 1968) and merged with the
/// smallest before it. None is NaN.
///
/// # Safety
/// As for [`Lanes`]; so many groups are readable at `values`.
#[inline(always)]
pub(crate) unsafe fn smallest_lanes<V: Lanes>(values: *const f32, groups: usize) -> V {
    // SAFETY: as the caller vouches.
    unsafe {
        let mut smallest = sort_lanes::<V, false>(V::load(values));
        for group in 1..groups {
            let others = sort_lanes::<V, true>(V::load(values.add(group * LANES)));
            // Ascending against descending: the smaller of each two are the smallest of all, and fall
            // and rise once at most.
            smallest = merge_lanes::<V, false>(smallest.min(others));
        }
        smallest
    }
}

/// All lanes ascending, or descending.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn sort_lanes<V: Lanes, const DESCENDING: bool>(x: V) -> V {
    // SAFETY: as the caller vouches.
    unsafe {
        let x = compare::<V, 1>(x, const { larger_lanes(2, 1) });
        let x = compare::<V, 2>(x, const { larger_lanes(4, 2) });
        let x = compare::<V, 1>(x, const { larger_lanes(4, 1) });
        let x = compare::<V, 4>(x, const { larger_lanes(8, 4) });
        let x = compare::<V, 2>(x, const { larger_lanes(8, 2) });
        let x = compare::<V, 1>(x, const { larger_lanes(8, 1) });
        merge_lanes::<V, DESCENDING>(x)
    }
}

/// Lanes that rise and then fall, or the other way round, ascending, or descending.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn merge_lanes<V: Lanes, const DESCENDING: bool>(x: V) -> V {
    let turn = if DESCENDING { u16::MAX } else { 0 };
    // SAFETY: as the caller vouches.
    unsafe {
        let x = compare::<V, 8>(x, const { larger_lanes(16, 8) } ^ turn);
        let x = compare::<V, 4>(x, const { larger_lanes(16, 4) } ^ turn);
        let x = compare::<V, 2>(x, const { larger_lanes(16, 2) } ^ turn);
        compare::<V, 1>(x, const { larger_lanes(16, 1) } ^ turn)
    }
}

/// Compare lanes that are so far apart; where a bit of `larger` is set, the larger of the two goes.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
unsafe fn compare<V: Lanes, const DISTANCE: usize>(x: V, larger: u16) -> V {
    // SAFETY: as the caller vouches.
    unsafe {
        let other = x.exchanged::<DISTANCE>();
        x.max(other).select(larger, x.min(other))
    }
}

/// Which lanes the larger of two that are so far apart goes to, where runs of so many lanes shall ascend
/// and descend in turn.
const fn larger_lanes(run: usize, distance: usize) -> u16 {
    let (mut lanes, mut lane) = (0, 0);
    while lane < LANES {
        let (descends, upper) = (lane & run != 0, lane & distance != 0);
        if descends != upper {
            lanes |= 1 << lane;
        }
        lane += 1;
    }
    lanes
}
