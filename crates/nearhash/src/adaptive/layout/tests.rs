use nalgebra::DMatrix;

use super::*;

/// Of vectors of `dim` numbers that vary alike along the first `wide` directions, and along no other.
fn spectrum(dim: usize, wide: usize, most: usize) -> Spectrum {
    let count = dim.min(most);
    let variances = (0..count).map(|i| if i < wide { 1.0 } else { 0.0 });
    Spectrum {
        directions: DMatrix::zeros(dim, count),
        variances: variances.collect(),
        total: wide as f64,
        mean: vec![0.0; dim],
        zeros: 0.0,
    }
}

fn layout(rows: usize, dim: usize, wide: usize) -> Layout {
    let most = Layout::most_axes(rows, dim, Shape::default());
    Layout::new(&spectrum(dim, wide, most), rows, dim, Shape::default())
}

/// Bytes that an index of many points needs beside them, a vector: sixteen share a line of norms, groups
/// are full to seven eighths, buckets have 64 members; ids, norms for cosine, a bucket's place.
fn bytes(layout: &Layout) -> f64 {
    let codes = f64::from(layout.bits.number()) * layout.axes as f64 / 8.0 + 4.0;
    codes * 8.0 / 7.0 + (layout.centre_axes + 32) as f64 / 64.0 + 8.0
}

#[test]
fn many_points_take_a_quarter_of_short_vectors_more_and_a_tenth_of_long_ones() {
    for rows in [REGIONS_FROM, 1_000_000, 20_000_000] {
        for dim in [64, 300, 320, 350, 384, 400, 512, 784, 1024, 4096] {
            for wide in [1, dim / 4, dim / 2, dim] {
                let layout = layout(rows, dim, wide);
                let part = bytes(&layout) / (4 * dim) as f64;
                let most = if dim < 300 { 0.25 } else { 0.1 };
                assert!(part <= most, "{rows} x {dim}, {wide}: {layout:?}, {part}");
                assert!(layout.axes.is_multiple_of(16) && layout.centre_axes <= layout.axes);
            }
        }
    }
}

#[test]
fn two_bits_an_axis_keep_all_that_four_bits_would_have_no_room_for() {
    let long = layout(1_000_000, 300, 300);
    assert_eq!(
        (long.bits, long.axes, long.centre_axes),
        (Bits::Two, 304, 128)
    );
    // Where few directions matter four bits of those are better.
    let flat = layout(1_000_000, 300, 100);
    assert_eq!((flat.bits, flat.axes), (Bits::Four, 96));
    // Longer vectors have room.
    let longer = layout(1_000_000, 784, 784);
    assert_eq!((longer.bits, longer.axes), (Bits::Four, 256));
    // Fewer points: one region, whose centres have all axes.
    let few = layout(100_000, 300, 300);
    assert_eq!(
        (few.bits, few.axes, few.centre_axes),
        (Bits::Four, 256, 256)
    );
}
