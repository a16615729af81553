use super::*;
use crate::testing::normal;

#[test]
fn a_quantised_vector_is_off_by_half_a_step_at_most() {
    for kernels in Kernels::available() {
        for axes in (16..=256).step_by(16) {
            for unit in [1e-20, 1e-3, 1.0, 1e6, 1e15] {
                let y: Vec<f32> = normal(axes as u64, axes).iter().map(|x| x * unit).collect();
                let weights: Vec<f32> = normal(1, axes).iter().map(|x| x.abs() + 0.1).collect();
                for weights in [None, Some(&weights[..])] {
                    let mut quantised = Quantised::default();
                    quantised.set(kernels, &y, weights);
                    let mut most = 0;
                    for (i, code) in quantised.codes.iter().enumerate() {
                        let x = y[i] * weights.map_or(1.0, |weights| weights[i]);
                        let error = (f32::from(*code) * quantised.step - x).abs();
                        assert!(error <= quantised.step * 0.5001, "{error}");
                        most = most.max(i32::from(*code).abs());
                    }
                    // The largest takes the largest code.
                    assert_eq!(most, 127);
                    let codes = || quantised.codes.iter().map(|x| i32::from(*x));
                    assert_eq!(quantised.sum, codes().sum::<i32>());
                    let squares = codes().map(|x| x * x).sum::<i32>() as f32;
                    let expected = squares * (quantised.step * quantised.step);
                    assert_eq!(quantised.squared_norm(), expected);
                }
            }
        }
    }
}

#[test]
fn nothing_is_quantised_to_zeros_whatever_came_before() {
    let kernels = Kernels::get();
    let mut quantised = Quantised::default();
    quantised.set(kernels, &normal(2, 64), None);
    quantised.set(kernels, &[0.0; 32], None);
    assert_eq!(quantised.codes, [0; 32]);
    assert_eq!((quantised.sum, quantised.squared_norm()), (0, 0.0));
    assert!(quantised.step > 0.0);
}

#[test]
fn decoded_centres_are_off_by_half_a_step_at_most() {
    for (count, axes) in [(1, 16), (15, 48), (16, 256), (17, 32), (40, 64)] {
        let centres = normal(3, count * axes);
        let coded = Centres::new(&centres, axes);
        assert_eq!(coded.len(), count);
        let mut decoded = vec![0.0; axes];
        for (i, centre) in centres.chunks(axes).enumerate() {
            coded.decode(i, &mut decoded);
            for (x, y) in centre.iter().zip(&decoded) {
                assert!((x - y).abs() <= coded.regions[0].step * 0.5001);
            }
            assert_eq!(coded.norms[i], squared_norm(&decoded));
        }
        assert!(coded.memory_bytes() >= count * axes);
    }
    // Nothing but zeros: no step, and no error.
    let coded = Centres::new(&[0.0; 64], 32);
    let mut decoded = [1.0; 32];
    coded.decode(1, &mut decoded);
    assert_eq!((decoded, coded.norms[1]), ([0.0; 32], 0.0));
}

/// Squared distances between decoded centres and a decoded vector, in f64.
fn naive(centres: &Centres, y: &Quantised) -> Vec<f64> {
    let mut decoded = vec![0.0; y.codes.len()];
    (0..centres.len())
        .map(|i| {
            centres.decode(i, &mut decoded);
            let terms = decoded.iter().zip(&y.codes);
            terms
                .map(|(c, q)| (f64::from(*c) - f64::from(*q) * f64::from(y.step)).powi(2))
                .sum()
        })
        .collect()
}

#[test]
fn the_nearest_centre_is_that_of_a_loop_over_all() {
    for kernels in Kernels::available() {
        for (count, axes) in [(1, 16), (2, 48), (16, 32), (33, 64), (200, 128), (300, 256)] {
            let centres = Centres::new(&normal(4, count * axes), axes);
            let (mut quantised, mut scores) = (Quantised::default(), Vec::new());
            for y in normal(5, 50 * axes).chunks(axes) {
                quantised.set(kernels, y, None);
                let nearest = centres.nearest(kernels, &quantised, &mut scores) as usize;
                let expected = naive(&centres, &quantised);
                let least = expected.iter().fold(f64::INFINITY, |a, b| a.min(*b));
                // float32 rounds.
                assert!(expected[nearest] <= least * (1.0 + 1e-5));
                let near = |a: f32, b: f64| (f64::from(a) - b).abs() <= 1e-4 * (1.0 + b);
                assert!(scores.iter().zip(&expected).all(|(a, b)| near(*a, *b)));
                assert_eq!(scores.len(), count.next_multiple_of(LANES));
                assert!(scores[count..].iter().all(|x| *x > 1e30));
            }
        }
    }
}

#[test]
fn the_first_of_equal_centres_is_the_nearest() {
    let centre = normal(6, 32);
    let centres = Centres::new(&centre.repeat(20), 32);
    let kernels = Kernels::get();
    let mut quantised = Quantised::default();
    quantised.set(kernels, &normal(7, 32), None);
    assert_eq!(centres.nearest(kernels, &quantised, &mut Vec::new()), 0);
}

#[test]
fn centres_in_regions_are_decoded_and_compared_like_others() {
    let axes = 32;
    let sizes = [3, 16, 17, 1, 40];
    let heads = normal(8, sizes.len() * axes);
    let mut centres = normal(9, 77 * axes);
    let mut first = 0;
    for (size, head) in sizes.iter().zip(heads.chunks(axes)) {
        for centre in centres[first * axes..(first + size) * axes].chunks_mut(axes) {
            for (x, head) in centre.iter_mut().zip(head) {
                *x = head + 0.1 * *x;
            }
        }
        first += size;
    }
    let counts = sizes.map(|size| size as u32);
    let coded = Centres::in_regions(&centres, axes, &counts, &heads);
    assert_eq!(coded.len(), 77);
    let mut decoded = vec![0.0; axes];
    for (i, centre) in centres.chunks(axes).enumerate() {
        coded.decode(i, &mut decoded);
        let off = centre.iter().zip(&decoded).map(|(x, y)| (x - y).abs());
        // A step for each region: finer than one for all.
        let most = off.fold(0.0, f32::max);
        assert!(most < 0.006, "{most}");
    }
    for kernels in Kernels::available() {
        let (mut quantised, mut scores) = (Quantised::default(), Vec::new());
        for y in centres.chunks(axes) {
            quantised.set(kernels, y, None);
            let expected = naive(&coded, &quantised);
            let heads = coded.heads().unwrap();
            heads.distances(kernels, &quantised, &mut scores);
            let from = scores.clone();
            for (r, region) in coded.regions.iter().enumerate() {
                let mut out = vec![0.0; region.groups() * LANES];
                coded.distances_in(kernels, r, &quantised, from[r], &mut out);
                let (real, pads) = out.split_at(region.count as usize);
                for (i, found) in real.iter().enumerate() {
                    let expected = expected[region.first as usize + i];
                    let off = (f64::from(*found) - expected).abs();
                    assert!(off <= 1e-4 * (1.0 + expected), "{found} for {expected}");
                }
                assert!(pads.iter().all(|x| *x > 1e30));
            }
            // These are so near each other that the nearest is in one of the nearest regions.
            let nearest = coded.nearest(kernels, &quantised, &mut scores) as usize;
            let least = expected.iter().fold(f64::INFINITY, |a, b| a.min(*b));
            assert!(expected[nearest] <= least + 1e-4);
        }
    }
}

#[test]
fn what_lies_beyond_the_axes_of_centres_counts_in_every_distance() {
    let (axes, width) = (32, 48);
    let centres = Centres::new(&normal(12, 20 * axes), axes);
    let y = normal(13, width);
    let kernels = Kernels::get();
    let (mut plain, mut whole) = (Quantised::default(), Quantised::default());
    plain.set(kernels, &y[..axes], None);
    whole.set(kernels, &y[..axes], None);
    whole.beyond = squared_norm(&y[axes..]);
    let (mut near, mut far) = (Vec::new(), Vec::new());
    centres.distances(kernels, &plain, &mut near);
    centres.distances(kernels, &whole, &mut far);
    for (near, far) in near[..20].iter().zip(&far) {
        assert!((far - near - whole.beyond).abs() < 1e-3);
    }
    // Centres are zero there.
    let mut decoded = vec![1.0; width];
    centres.decode(3, &mut decoded);
    assert!(decoded[axes..].iter().all(|x| *x == 0.0));
}

#[test]
fn rows_as_bytes_are_the_leading_parts_and_can_be_put_in_order() {
    let (axes, width) = (32, 48);
    let y = normal(14, 70 * width);
    let rows = QuantisedRows::of(&y, width, axes);
    let order: Vec<u32> = (0..70).map(|i| i * 13 % 70).collect();
    let turned = rows.reordered(&order);
    let kernels = Kernels::get();
    let mut expected = Quantised::default();
    for (place, row) in order.iter().enumerate() {
        let y = &y[*row as usize * width..][..axes];
        expected.set(kernels, y, None);
        let found = turned.row(place);
        assert_eq!(found.codes, expected.codes);
        assert_eq!((found.step, found.sum), (expected.step, expected.sum));
        assert_eq!(found.squared_norm(), expected.squared_norm());
        let mut sum = vec![1.0; axes];
        turned.add_to(&mut sum, place);
        let near = |(sum, x): (&f32, &f32)| (sum - 1.0 - x).abs() <= 0.51 * found.step;
        assert!(sum.iter().zip(y).all(near));
    }
}
