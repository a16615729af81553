//! Keys in order without branches that hang on them.

use super::lanes::{KEYS, Lanes};

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
