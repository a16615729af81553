//! Which stored points are asked as queries in calibration.

use rand::RngExt;

use crate::random::stream;

/// Points that are asked for every k, at most, and as a part of all.
const STORED: usize = 1024;
const STORED_PART: usize = 4;
/// Points that are asked for one neighbour, at most, and as a part of all.
const SINGLES: usize = 2048;
const SINGLES_PART: usize = 16;

const SAMPLE_STREAM: u64 = u64::MAX - 2;

/// How many of `n` points are asked for every k, and how many for one neighbour.
fn counts(n: usize) -> [usize; 2] {
    let stored = STORED.min(n / STORED_PART);
    // Where fewer are asked for every k, half of all points would be needed to tell more.
    let singles = if stored < STORED {
        0
    } else {
        (n / SINGLES_PART).min(SINGLES)
    };
    [stored, singles]
}

/// Which of `n` points are asked: one from each of as many equal parts. They draw no centre towards
/// them, so that what happens to them happens to queries.
pub(crate) fn held_out(seed: u64, n: usize) -> Vec<bool> {
    let mut random = stream(seed, SAMPLE_STREAM);
    let sampled = counts(n).iter().sum::<usize>();
    let mut held = vec![false; n];
    for i in 0..sampled {
        let (low, high) = (i * n / sampled, (i + 1) * n / sampled);
        held[random.random_range(low as u64..high as u64) as usize] = true;
    }
    held
}

/// Of the points of an index of `n` that are held out, those that are asked for every k, evenly spread, and
/// those that are asked for one neighbour.
pub(crate) fn split(held_out: &[u32], n: usize) -> [Vec<u32>; 2] {
    let all = held_out.len();
    let stored = counts(n)[0].min(all);
    let place = |i: usize| i * stored / all.max(1);
    let rows = held_out.iter().enumerate();
    let (stored, singles): (Vec<_>, Vec<_>) = rows.partition(|(i, _)| place(i + 1) > place(*i));
    [stored, singles].map(|part| part.into_iter().map(|(_, row)| *row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_part_is_held_out() {
        for (n, held) in [
            (0, 0),
            (3, 0),
            (10, 2),
            (1500, 375),
            (8000, 1524),
            (100_000, 3072),
        ] {
            let found = held_out(3, n);
            let places: Vec<usize> = (0..n).filter(|i| found[*i]).collect();
            assert_eq!(places.len(), held);
            for (i, place) in places.iter().enumerate() {
                assert!((i * n / held..(i + 1) * n / held).contains(place));
            }
        }
        assert_ne!(held_out(3, 1500), held_out(4, 1500));
    }

    #[test]
    fn each_is_asked_once_and_few_points_for_every_k() {
        for (n, stored) in [(0, 0), (1500, 375), (8000, 1024), (100_000, 1024)] {
            let rows: Vec<u32> = (0..n as u32)
                .filter(|i| held_out(5, n)[*i as usize])
                .collect();
            let [many, one] = split(&rows, n);
            assert_eq!(many.len(), stored);
            let mut all = [many.clone(), one].concat();
            all.sort_unstable();
            assert_eq!(all, rows);
            // Evenly: no two of them farther apart than twice the mean.
            let place = |row: &u32| rows.binary_search(row).unwrap();
            for pair in many.windows(2) {
                assert!((place(&pair[1]) - place(&pair[0])) * stored <= 2 * rows.len());
            }
        }
    }
}
