//! Vectors rounded to whole numbers, and keys in order.

use super::*;

/// The nearest whole number, from −`reach` to `reach`, to even where it is halfway.
fn whole(x: f32, inverse: f32, reach: f32) -> i32 {
    (x * inverse).round_ties_even().clamp(-reach, reach) as i32
}

fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0_f32, |a, b| a.max(b.abs()))
}

/// Vectors of every size, with zeros, and with nothing but zeros.
fn vectors(generator: &mut ChaCha8Rng) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    for width in [16, 32, 48, 112, 784, 4096] {
        for unit in [0.0, 1e-44, 1e-38, 1e-20, 1.0, 255.0, 1e15] {
            let x = (0..width).map(|i| {
                let zero = i / 8 % 3 == 1 || generator.random_bool(0.1);
                let x: f32 = generator.sample(StandardNormal);
                if zero { 0.0 } else { unit * x }
            });
            all.push(x.collect());
        }
    }
    all
}

#[test]
fn a_vector_in_bytes_is_that_of_the_scalar_loop() {
    let mut generator = generator(31);
    for x in vectors(&mut generator) {
        let weights: Vec<f32> = (0..x.len())
            .map(|_| generator.random_range(0.1..3.0))
            .collect();
        for weights in [None, Some(&weights[..])] {
            let weighted: Vec<f32> = match weights {
                None => x.clone(),
                Some(weights) => x.iter().zip(weights).map(|(x, w)| x * w).collect(),
            };
            let step = largest(&weighted) / 127.0;
            let step = if step < f32::MIN_POSITIVE { 1.0 } else { step };
            let inverse = 1.0 / step;
            let expected: Vec<i32> = weighted.iter().map(|x| whole(*x, inverse, 127.0)).collect();
            for kernels in Kernels::available() {
                let mut codes = vec![9; x.len()];
                let found = kernels.quantise(&x, weights, &mut codes);
                let codes: Vec<i32> = codes.into_iter().map(i32::from).collect();
                assert_eq!(codes, expected, "{:?}", kernels.level);
                assert_eq!(found.step, step);
                assert_eq!(found.sum, expected.iter().sum::<i32>());
                assert_eq!(found.squares, expected.iter().map(|x| x * x).sum::<i32>());
            }
        }
    }
}

#[test]
fn a_vector_in_two_parts_is_that_of_the_scalar_loop() {
    let mut generator = generator(32);
    // The same again and again, longer and shorter ones.
    let mut splits: Vec<(&Kernels, Split)> = Kernels::available()
        .map(|kernels| (kernels, Split::default()))
        .collect();
    for x in vectors(&mut generator) {
        let some: Vec<f32> = x.iter().map(|x| x * 0.5).collect();
        for from in [vec![0.0; x.len()], some] {
            let apart: Vec<f32> = x.iter().zip(&from).map(|(x, from)| x - from).collect();
            let step = largest(&apart) / 16_256.0;
            let step = if step < f32::MIN_POSITIVE { 1.0 } else { step };
            let inverse = 1.0 / step;
            let expected: Vec<i32> = apart.iter().map(|x| whole(*x, inverse, 16_256.0)).collect();
            for (kernels, split) in &mut splits {
                kernels.split(&x, &from, split);
                let [high, low] = split.parts();
                for ((high, low), expected) in high.iter().zip(low).zip(&expected) {
                    assert_eq!(128 * i32::from(*high) + i32::from(*low), *expected);
                    assert!((-64..64).contains(low));
                }
                assert_eq!((split.step, split.sum), (step, expected.iter().sum()));
                let lines = expected.chunks(4).enumerate();
                let used = lines.filter(|(_, x)| x.iter().any(|x| *x != 0));
                let used: Vec<u32> = used.map(|(line, _)| line as u32).collect();
                assert_eq!(split.places(), used, "{:?}", kernels.level);
            }
        }
    }
}

#[test]
fn keys_are_put_in_order_however_many_there_are() {
    let mut generator = generator(33);
    for count in (0..70).chain([129, 200, 511, 512, 513, 1000]) {
        let mut keys: Vec<u64> = (0..count).map(|_| generator.random()).collect();
        if let Some(last) = keys.last_mut() {
            *last = u64::MAX;
        }
        let mut expected = keys.clone();
        expected.sort_unstable();
        let backwards: Vec<u64> = expected.iter().rev().copied().collect();
        // The larger half comes first.
        let mut rising = expected.clone();
        rising.rotate_left(count as usize / 2);
        for kernels in Kernels::available() {
            for order in [&keys, &expected, &backwards, &rising] {
                let mut found = order.clone();
                kernels.sort_keys(&mut found);
                assert_eq!(found, expected, "{count} {:?}", kernels.level);
            }
        }
    }
    // Equal ones take a slower way and come to an end.
    for kernels in Kernels::available() {
        let mut equal = vec![7; 300];
        equal[150] = 6;
        kernels.sort_keys(&mut equal);
        assert_eq!((equal[0], &equal[1..]), (6, &vec![7; 299][..]));
    }
}

#[test]
fn lengths_of_vectors_to_round_that_do_not_fit_panic() {
    for kernels in Kernels::available() {
        let (x, mut codes) = ([1.0; 32], [0; 32]);
        assert_panics("fewer codes", || {
            kernels.quantise(&x, None, &mut codes[..16]);
        });
        assert_panics("fewer weights", || {
            kernels.quantise(&x, Some(&x[..16]), &mut codes);
        });
        assert_panics("half a group", || {
            kernels.quantise(&x[..24], None, &mut codes[..24]);
        });
        assert_panics("a shorter origin", || {
            kernels.split(&x, &x[..16], &mut Split::default());
        });
        assert_panics("half a group in two parts", || {
            kernels.split(&x[..24], &x[..24], &mut Split::default());
        });
    }
}
