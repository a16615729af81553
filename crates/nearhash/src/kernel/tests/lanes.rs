//! The lanes of every instruction set, one operation after the other.

use half::f16;

use super::*;
#[cfg(target_arch = "aarch64")]
use crate::kernel::aarch64;
use crate::kernel::lanes::{Element, Lanes};
use crate::kernel::order::smallest_lanes;
use crate::kernel::portable;
#[cfg(target_arch = "x86_64")]
use crate::kernel::x86_64;

type Sixteen = [f32; LANES];

fn stored<V: Lanes>(lanes: V) -> Sixteen {
    let mut out = [0.0; LANES];
    // SAFETY: `check_lanes` runs on a CPU with the instruction set; there are sixteen floats.
    unsafe { lanes.store(out.as_mut_ptr()) };
    out
}

fn bit_of(bits: u16, lane: usize) -> bool {
    bits >> lane & 1 == 1
}

/// A network that puts all zeros and ones in order puts everything in order (Knuth, The Art of Computer
/// Programming 3, 5.3.4).
///
/// # Safety
/// The CPU has the instruction set of V.
unsafe fn check_order<V: Lanes>(level: Level) {
    for bits in 0..=u16::MAX {
        let values: Sixteen = std::array::from_fn(|i| f32::from(bits >> i & 1));
        // SAFETY: the instruction set is the caller's promise; there is one group.
        let sorted = stored(unsafe { smallest_lanes::<V>(values.as_ptr(), 1) });
        assert!(sorted.is_sorted(), "{level:?} {bits:#b}");
        let ones = sorted.iter().sum::<f32>();
        assert_eq!(ones, bits.count_ones() as f32, "{level:?} {bits:#b}");
    }
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    for groups in 1..40 {
        let mut values: Vec<f32> = (0..groups * LANES)
            .map(|_| match generator.random_range(0..8) {
                0 => f32::INFINITY,
                1 => -1.5,
                _ => generator.random(),
            })
            .collect();
        // SAFETY: as above; there are so many groups.
        let found = stored(unsafe { smallest_lanes::<V>(values.as_ptr(), groups) });
        values.sort_by(f32::total_cmp);
        assert_eq!(found[..], values[..LANES], "{level:?} {groups}");
    }
}

/// # Safety
/// The CPU has the instruction set of V.
unsafe fn check_lanes<V: Lanes>(level: Level) {
    let all = lane_inputs();
    let sixteens = all.as_chunks::<LANES>().0;
    for (i, a) in sixteens.iter().enumerate() {
        let b = &sixteens[(i * 7 + 3) % sixteens.len()];
        let c = &sixteens[(i * 11 + 5) % sixteens.len()];
        let each = |found: V, expected: &dyn Fn(usize) -> f32, what: &str| {
            assert_same(
                &stored(found),
                &std::array::from_fn::<_, LANES, _>(expected),
                (level, what),
            );
        };
        // SAFETY: the instruction set is the caller's promise; all arrays have sixteen floats.
        unsafe {
            let (x, y, z) = (
                V::load(a.as_ptr()),
                V::load(b.as_ptr()),
                V::load(c.as_ptr()),
            );
            each(V::splat(a[3]), &|_| a[3], "splat");
            each(x, &|i| a[i], "load");
            each(x.add(y), &|i| a[i] + b[i], "add");
            each(x.sub(y), &|i| a[i] - b[i], "sub");
            each(x.mul(y), &|i| a[i] * b[i], "mul");
            each(x.mul_add(y, z), &|i| a[i].mul_add(b[i], c[i]), "mul_add");
            each(
                x.shifted(),
                &|i| if i == 0 { f32::NEG_INFINITY } else { a[i - 1] },
                "shifted",
            );
            each(x.exchanged::<1>(), &|i| a[i ^ 1], "exchanged");
            each(x.exchanged::<2>(), &|i| a[i ^ 2], "exchanged");
            each(x.exchanged::<4>(), &|i| a[i ^ 4], "exchanged");
            each(x.exchanged::<8>(), &|i| a[i ^ 8], "exchanged");
            let picked = x.where_below(y, z, V::splat(5.0));
            each(picked, &|i| if a[i] <= b[i] { c[i] } else { 5.0 }, "where");
            let bits = (i * 40_503) as u16;
            each(
                x.select(bits, y),
                &|i| if bit_of(bits, i) { a[i] } else { b[i] },
                "select",
            );
            let n = i % (LANES + 1);
            each(x.first(n), &|i| if i < n { a[i] } else { 0.0 }, "first");
            let (below, not_negative) = (x.below(y), x.not_negative());
            for lane in 0..LANES {
                assert_eq!(bit_of(below, lane), a[lane] <= b[lane], "{level:?}");
                assert_eq!(bit_of(not_negative, lane), a[lane] >= 0.0, "{level:?}");
            }
            let mut listed = [0; LANES];
            V::list(below, 1000, listed.as_mut_ptr());
            let places: Vec<u32> = (0..16)
                .filter(|lane| bit_of(below, *lane as usize))
                .map(|lane| 1000 + lane)
                .collect();
            assert_eq!(listed[..places.len()], places, "{level:?}");
            let halved = |from: &Sixteen| {
                let mut x = *from;
                for half in [8, 4, 2, 1] {
                    for i in 0..half {
                        x[i] += x[i + half];
                    }
                }
                x[0]
            };
            let sums = [halved(a), halved(b), halved(c), halved(b)];
            assert_same(&[x.reduce()], &sums[..1], (level, "reduce"));
            assert_same(&V::reduce4([x, y, z, y]), &sums, (level, "reduce4"));
        }
        // Which zero is the smaller has to be the same everywhere, too.
        let [a, b] = [a, b].map(|of| of.map(|x| if x.is_nan() { -0.0 } else { x }));
        // SAFETY: as above.
        unsafe {
            let (x, y) = (V::load(a.as_ptr()), V::load(b.as_ptr()));
            let (least, most) = (stored(x.min(y)), stored(x.max(y)));
            for i in 0..LANES {
                let expected = if a[i] < b[i] { a[i] } else { b[i] };
                assert_eq!(least[i].to_bits(), expected.to_bits(), "{level:?}: min");
                let expected = if a[i] > b[i] { a[i] } else { b[i] };
                assert_eq!(most[i].to_bits(), expected.to_bits(), "{level:?}: max");
            }
        }
    }
    let bytes: Vec<u8> = (0..=255).collect();
    for some in bytes.as_chunks::<LANES>().0 {
        // SAFETY: as above.
        let found: V = unsafe { u8::load(some.as_ptr()) };
        assert_same(&stored(found), &some.map(f32::from), (level, "bytes"));
    }
    for some in bytes.as_chunks::<LANES>().0 {
        let whole = some.map(|x| f32::from(x) - 128.0);
        let mut stored = [0; LANES];
        // SAFETY: as above.
        unsafe { V::load(whole.as_ptr()).store_i8(stored.as_mut_ptr()) };
        assert_eq!(stored, whole.map(|x| x as i8), "{level:?}");
    }
    let words: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    for some in words.as_chunks::<LANES>().0 {
        // SAFETY: as above.
        let found: V = unsafe { i16::load(some.as_ptr()) };
        assert_same(&stored(found), &some.map(f32::from), (level, "words"));
    }
    let halves: Vec<u16> = (0..=u16::MAX)
        .filter(|bits| f16::from_bits(*bits).is_finite())
        .collect();
    for some in halves.as_chunks::<LANES>().0 {
        // SAFETY: as above.
        let found = stored(unsafe { V::load_half(some.as_ptr()) });
        let expected = some.map(|bits| f16::from_bits(bits).to_f32());
        assert_same(&found, &expected, (level, "halves"));
    }
}

/// Call a generic check for the lanes of every level that this CPU has.
macro_rules! on_every_level {
    ($check:ident) => {
        for kernels in Kernels::available() {
            // SAFETY: this table exists only for a CPU that has the instruction set.
            unsafe {
                match kernels.level {
                    Level::Portable => $check::<portable::Array>(Level::Portable),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => $check::<x86_64::avx2::TwoYmm>(Level::Avx2),
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => $check::<x86_64::avx512::Zmm>(Level::Avx512),
                    // The lanes of the level below.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512Vnni => {}
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => $check::<aarch64::neon::FourQ>(Level::Neon),
                    // The lanes of the level below.
                    #[cfg(target_arch = "aarch64")]
                    Level::NeonDot => {}
                }
            }
        }
    };
}

#[test]
fn every_operation_on_lanes_is_that_of_a_loop_over_them() {
    on_every_level!(check_lanes);
}

#[test]
fn the_smallest_lanes_are_those_that_sorting_gives() {
    on_every_level!(check_order);
}
