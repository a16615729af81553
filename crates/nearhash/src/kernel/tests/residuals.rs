//! Vectors beside a centre, against loops over their numbers.

use super::*;

/// Sum in the order of [`Lanes::reduce`]: of sixteen sums, then of halves.
fn reduced(terms: impl Iterator<Item = (usize, f32, f32)>) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (i, a, b) in terms {
        sums[i % LANES] = a.mul_add(b, sums[i % LANES]);
    }
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}

#[test]
fn a_residual_and_its_codes_are_those_of_scalar_loops() {
    let mut generator = generator(41);
    for axes in [16, 32, 48, 240, 256] {
        for (largest, unit) in [(15.0_f32, 1.0_f32), (127.0, 1e-6), (127.0, 1e6)] {
            let mut numbers = |low: f32, high: f32| -> Vec<f32> {
                let number = |_| generator.random_range(low..high);
                (0..axes).map(number).collect()
            };
            let (centre, y) = (numbers(-unit, unit), numbers(-unit, unit));
            let weights = numbers(0.1, 3.0);
            let inverse: Vec<f32> = weights.iter().map(|w| 1.0 / w).collect();
            let residuals = Residuals {
                centre: &centre,
                weights: &weights,
                inverse: &inverse,
                largest,
            };
            let beside: Vec<f32> = y.iter().zip(&centre).map(|(y, c)| y - c).collect();
            let weighted: Vec<f32> = beside.iter().zip(&inverse).map(|(x, i)| x * i).collect();
            let squares = |x: &[f32]| reduced(x.iter().enumerate().map(|(i, x)| (i, *x, *x)));
            let most = weighted.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
            let expected = Residual {
                squared: squares(&beside),
                largest: most,
                weighted: squares(&weighted),
            };
            // Wide enough for all codes, and so narrow that those at the ends are clipped.
            for scale in [2.0 * most / largest, 0.7 * most / largest] {
                let (middle, per_step) = (0.5 * largest, 1.0 / scale);
                let codes: Vec<f32> = weighted
                    .iter()
                    .map(|x| x.mul_add(per_step, middle).min(largest).max(0.0))
                    .map(f32::round_ties_even)
                    .collect();
                let decoded: Vec<f32> = (0..axes)
                    .map(|j| (codes[j] - middle).mul_add(weights[j] * scale, centre[j]))
                    .collect();
                let off: Vec<f32> = y.iter().zip(&decoded).map(|(y, x)| y - x).collect();
                assert!(codes.iter().any(|code| *code != codes[0]));
                for kernels in Kernels::available() {
                    assert_eq!(kernels.residual(&residuals, &y), expected);
                    let mut found = vec![-1; axes];
                    let sums = kernels.encode(&residuals, &y, scale, &mut found);
                    assert!(found.iter().zip(&codes).all(|(a, b)| f32::from(*a) == *b));
                    assert_eq!(
                        sums,
                        Decoded {
                            squared: squares(&decoded),
                            error: squares(&off)
                        }
                    );
                }
            }
        }
    }
}

#[test]
fn products_of_coordinates_are_those_of_a_loop() {
    let mut generator = generator(42);
    for count in [0, 1, 7, 256] {
        let rows: Vec<[f32; LANES]> = (0..count)
            .map(|_| std::array::from_fn(|_| generator.sample(StandardNormal)))
            .collect();
        for kernels in Kernels::available() {
            let found = kernels.products(&rows);
            for i in 0..LANES {
                for j in 0..LANES {
                    let expected = rows.iter().fold(0.0, |sum, row| sum + row[j] * row[i]);
                    assert_eq!(found[i][j], expected);
                }
            }
        }
    }
}

#[test]
#[should_panic]
fn a_vector_of_another_length_than_its_centre_is_refused() {
    let (centre, y) = ([0.0; 32], [0.0; 16]);
    let residuals = Residuals {
        centre: &centre,
        weights: &centre,
        inverse: &centre,
        largest: 15.0,
    };
    Kernels::get().residual(&residuals, &y);
}
