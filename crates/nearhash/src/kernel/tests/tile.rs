//! Codes against several queries at once.

use super::codes::{FILLS, dot, fill, lines_of};
use super::*;

/// Four queries of one kind each, and codes of the last kind.
fn tiles(axes: usize, count: usize, largest: u8) -> Vec<(Vec<u8>, Vec<Vec<i8>>)> {
    let mut generator = generator(axes as u64);
    FILLS
        .iter()
        .map(|how| {
            let (codes, _) = fill(&mut generator, *how, axes, count, largest);
            let queries = FILLS.map(|how| fill(&mut generator, how, axes, 0, largest).1);
            (codes, queries.to_vec())
        })
        .collect()
}

#[test]
fn dots_of_a_tile_are_those_of_each_query() {
    let packings = [
        (Packing::Bytes, 127),
        (Packing::Nibbles, 15),
        (Packing::Quarters, 3),
    ];
    for (packing, largest) in packings {
        for axes in (16..=256).step_by(16) {
            for groups in [0, 1, 5] {
                for (codes, queries) in tiles(axes, groups * LANES, largest) {
                    // A line of something else before each group's codes.
                    let lines: Vec<Line> = lines_of(&codes, axes, packing)
                        .into_iter()
                        .flat_map(|group| std::iter::once(Line([255; LINE])).chain(group))
                        .collect();
                    let stride = 1 + axes / packing.dimensions();
                    let expected: Vec<Vec<f32>> = queries
                        .iter()
                        .map(|query| codes.chunks(axes).map(|codes| dot(codes, query)).collect())
                        .collect();
                    for kernels in Kernels::available() {
                        let mut found = vec![vec![f32::NAN; groups * LANES]; TILE];
                        let tile = CodeTile {
                            groups: &lines,
                            stride,
                            lines: stride - 1,
                            packing,
                            queries: std::array::from_fn(|i| &queries[i][..]),
                        };
                        let mut each = found.iter_mut();
                        let out = std::array::from_fn(|_| &mut each.next().unwrap()[..]);
                        kernels.dots(tile, out);
                        assert_eq!(found, expected, "{:?} {axes}", kernels.level);
                    }
                }
            }
        }
    }
}

#[test]
fn nearest_of_a_tile_are_the_first_of_the_smallest_distances() {
    let mut generator = generator(9);
    for axes in [16, 48, 240] {
        for groups in [1, 2, 7] {
            for (codes, queries) in tiles(axes, groups * LANES, 127) {
                let lines: Vec<Line> = lines_of(&codes, axes, Packing::Bytes).concat();
                // Whole numbers, so that some distances are equal.
                let norms: Vec<f32> = (0..groups * LANES)
                    .map(|_| generator.random_range(0..40_i32) as f32)
                    .collect();
                let (plus, times) = ([3.0, -2.0, 0.0, 1.0], [-2.0, 1.0, 0.0, -1.0]);
                let expected: [u32; TILE] = std::array::from_fn(|i| {
                    let distances = codes.chunks(axes).zip(&norms).map(|(codes, norm)| {
                        dot(codes, &queries[i]).mul_add(times[i], norm + plus[i])
                    });
                    let least = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
                    least.unwrap().0 as u32
                });
                for kernels in Kernels::available() {
                    let found = kernels.nearest(TileScore {
                        tile: CodeTile {
                            groups: &lines,
                            stride: axes / 4,
                            lines: axes / 4,
                            packing: Packing::Bytes,
                            queries: std::array::from_fn(|i| &queries[i][..]),
                        },
                        norms: &norms,
                        plus,
                        times,
                    });
                    assert_eq!(found, expected, "{:?} {axes}", kernels.level);
                }
            }
        }
    }
}

#[test]
#[should_panic]
fn a_tile_takes_no_queries_of_another_length() {
    let (lines, query) = (vec![Line([0; LINE]); 8], vec![0_i8; 16]);
    let tile = CodeTile {
        groups: &lines,
        stride: 4,
        lines: 4,
        packing: Packing::Bytes,
        queries: [&query, &query, &query, &query[..12]],
    };
    let mut out = vec![vec![0.0; 2 * LANES]; TILE];
    let mut each = out.iter_mut();
    Kernels::get().dots(tile, std::array::from_fn(|_| &mut each.next().unwrap()[..]));
}
