use rand::RngExt;
use rand_distr::StandardNormal;

use super::*;
use crate::random::stream;

fn members(seed: u64, count: usize) -> Vec<Member> {
    let mut random = stream(seed, 0);
    (0..count)
        .map(|row| Member {
            leading: std::array::from_fn(|j| {
                random.sample::<f32, _>(StandardNormal) / (1.0 + j as f32)
            }),
            row: row as u32,
        })
        .collect()
}

/// The rows of each part.
fn parts_of(mut members: Vec<Member>, size: usize) -> Vec<Vec<u32>> {
    let count = members.len();
    let parts = grow(&mut members, size);
    assert_eq!(parts.iter().sum::<usize>(), count);
    let mut rows: Vec<u32> = members.iter().map(|member| member.row).collect();
    let mut out = Vec::new();
    for part in parts {
        let rest = rows.split_off(part);
        out.push(rows);
        rows = rest;
    }
    let mut all = out.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..count as u32), "some rows are lost");
    out
}

#[test]
fn parts_are_halves_of_halves() {
    // Up to 1,023 members the median is that of all.
    for (count, size, least, most) in [
        (1000, 100, 62, 63),
        (1000, 1000, 1000, 1000),
        (1000, 999, 500, 500),
        (1023, 1, 1, 1),
        (64, 0, 1, 1),
        (1, 5, 1, 1),
    ] {
        let parts = parts_of(members(1, count), size);
        for part in parts {
            assert!(
                (least..=most).contains(&part.len()),
                "{} of {count}",
                part.len()
            );
        }
    }
    // Beyond, it is that of a sample.
    for part in parts_of(members(2, 50_000), 400) {
        assert!((150..=400).contains(&part.len()), "{}", part.len());
    }
}

#[test]
fn no_members_are_one_part() {
    assert_eq!(grow(&mut [], 10), [0]);
}

#[test]
fn members_that_are_equal_stay_together() {
    let kinds = members(3, 5);
    for size in [1, 10, 150] {
        let all: Vec<Member> = (0..500)
            .map(|row| Member {
                row,
                ..kinds[row as usize % 5]
            })
            .collect();
        for part in parts_of(all, size) {
            let kind = part[0] % 5;
            if part.len() <= 100 {
                assert!(part.iter().all(|row| row % 5 == kind));
            }
            assert_eq!(part.len() % 100, 0);
        }
    }
    let equal: Vec<Member> = (0..300).map(|row| Member { row, ..kinds[0] }).collect();
    assert_eq!(parts_of(equal, 10).len(), 1);
}

#[test]
fn a_crowd_of_equal_members_is_told_from_the_others() {
    // More than half are equal, on the lower or on the upper side of all others.
    for side in [-1.0, 1.0] {
        let mut all = members(4, 1000);
        for member in &mut all[..800] {
            member.leading = [side * 10.0; LEADING];
        }
        let parts = parts_of(all, 50);
        let crowd: Vec<&Vec<u32>> = parts
            .iter()
            .filter(|part| part.iter().any(|row| *row < 800))
            .collect();
        assert_eq!(crowd.len(), 1);
        assert_eq!(crowd[0].len(), 800, "side {side}");
        assert!(
            parts
                .iter()
                .all(|part| part.len() <= 50 || part.len() == 800)
        );
    }
}

#[test]
fn near_members_share_a_part() {
    // Two crowds far apart: the first hash parts them.
    let mut all = members(5, 600);
    for member in &mut all[300..] {
        member.leading[3] += 50.0;
    }
    for part in parts_of(all, 300) {
        assert_eq!(part.len(), 300);
        assert!(part.iter().all(|row| (*row < 300) == (part[0] < 300)));
    }
}

#[test]
fn a_direction_is_the_one_of_most_variance() {
    for axis in 0..LEADING {
        let mut all = members(6, 200);
        all.iter_mut()
            .for_each(|member| member.leading[axis] *= 30.0);
        let direction = principal_direction(&all);
        assert!((dot(&direction, &direction) - 1.0).abs() < 1e-5);
        assert!(direction[axis].abs() > 0.99, "{direction:?}");
    }
    // Where there is none, any will do.
    let none = vec![members(7, 1)[0]; 20];
    let direction = principal_direction(&none);
    assert!((dot(&direction, &direction) - 1.0).abs() < 1e-5);
}

#[test]
fn members_of_any_unit_are_parted() {
    for unit in [1e-30_f32, 1e-12, 1e12, 1e17] {
        let mut all = members(8, 400);
        all.iter_mut()
            .for_each(|member| member.leading = member.leading.map(|x| x * unit));
        let sizes: Vec<usize> = parts_of(all, 100).iter().map(Vec::len).collect();
        assert_eq!(sizes, [100; 4], "{unit}");
    }
}

#[test]
fn the_number_of_threads_changes_no_part() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let all = members(9, 40_000);
        pool.build().unwrap().install(|| parts_of(all, 300))
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(5), one);
}

/// Those in front to the front, by swaps.
fn swapped(members: &mut [Member], in_front: impl Fn(&Member) -> bool) -> usize {
    let (mut low, mut high) = (0, members.len());
    while low < high {
        if in_front(&members[low]) {
            low += 1;
        } else {
            high -= 1;
            members.swap(low, high);
        }
    }
    low
}

#[test]
fn members_are_parted_as_by_swaps() {
    let sides: [fn(u32) -> bool; 5] = [
        |_| true,
        |_| false,
        |row| row % 2 == 0,
        |row| row % 7 < 3,
        |row| row > 4,
    ];
    for count in [0, 1, 2, 3, 10, 1000] {
        for side in sides {
            let (mut found, mut expected) = (members(3, count), members(3, count));
            let in_front: Vec<bool> = found.iter().map(|member| side(member.row)).collect();
            let at = partition(&mut found, &in_front);
            assert_eq!(at, swapped(&mut expected, |member| side(member.row)));
            let rows = |members: &[Member]| -> Vec<u32> { members.iter().map(|m| m.row).collect() };
            assert_eq!(rows(&found), rows(&expected));
        }
    }
}
