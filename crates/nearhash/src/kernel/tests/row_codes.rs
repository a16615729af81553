//! Dot products of single rows of bytes.

use super::*;
use crate::kernel::{LINE, Line, RowCodes};

/// Sixteen whole sums, then lane i plus lane i + 8, i + 4, i + 2, i + 1.
fn naive_dot(codes: &[Line], high: &[i8], low: &[i8]) -> f32 {
    let mut sums = [0_i64; LANES];
    let bytes = codes.iter().flat_map(|line| line.0);
    for (i, ((code, high), low)) in bytes.zip(high).zip(low).enumerate() {
        let q = 128 * i64::from(*high) + i64::from(*low);
        sums[i % LINE / 4] += i64::from(code) * q;
    }
    let mut sums = sums.map(|x| i32::try_from(x).unwrap() as f32);
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}

#[test]
fn dot_products_of_rows_equal_the_scalar_loop_also_where_every_number_is_the_largest() {
    let mut generator = generator(3);
    for lines in [1, 2, 3, 5, 64, 255] {
        for extreme in [
            None,
            Some((255, 63, 63)),
            Some((255, -63, -64)),
            Some((255, 63, -64)),
        ] {
            let count = 23;
            let codes: Vec<Line> = (0..count * lines)
                .map(|_| {
                    Line(std::array::from_fn(|_| match extreme {
                        Some((code, ..)) => code,
                        None => generator.random_range(0..=255_u32) as u8,
                    }))
                })
                .collect();
            let mut part = |least: i32, pick: fn((u8, i8, i8)) -> i8| -> Vec<i8> {
                (0..lines * LINE)
                    .map(|_| match extreme {
                        Some(extreme) => pick(extreme),
                        None => generator.random_range(least..=63) as i8,
                    })
                    .collect()
            };
            let (high, low) = (part(-63, |x| x.1), part(-64, |x| x.2));
            for id_count in [0, 1, 3, 4, 7, 21] {
                let ids: Vec<u32> = (0..id_count)
                    .map(|_| generator.random_range(0..count as u32))
                    .collect();
                let expected: Vec<f32> = ids
                    .iter()
                    .map(|id| naive_dot(&codes[*id as usize * lines..][..lines], &high, &low))
                    .collect();
                for kernels in Kernels::available() {
                    let mut out = vec![f32::NAN; ids.len()];
                    let rows = RowCodes {
                        codes: &codes,
                        lines,
                        high: &high,
                        low: &low,
                        ids: &ids,
                    };
                    kernels.row_dots(rows, &mut out);
                    assert_same(&out, &expected, (kernels.level, lines, extreme));
                }
            }
        }
    }
}

#[test]
fn rows_that_do_not_fit_together_panic() {
    for kernels in Kernels::available() {
        let codes = [Line([1; LINE]); 6];
        let parts = [1; 2 * LINE];
        let rows = RowCodes {
            codes: &codes,
            lines: 2,
            high: &parts,
            low: &parts,
            ids: &[2, 0],
        };
        let mut out = [0.0; 2];
        kernels.row_dots(rows, &mut out);
        assert_panics("an id behind the last row", || {
            kernels.row_dots(
                RowCodes {
                    ids: &[0, 3],
                    ..rows
                },
                &mut out,
            );
        });
        assert_panics("half a query", || {
            let low = &parts[..LINE];
            kernels.row_dots(RowCodes { low, ..rows }, &mut out);
        });
        assert_panics("more ids than results", || {
            kernels.row_dots(
                RowCodes {
                    ids: &[0, 1, 2],
                    ..rows
                },
                &mut out,
            );
        });
        assert_panics("rows without lines", || {
            let lines = 0;
            kernels.row_dots(
                RowCodes {
                    lines,
                    high: &[],
                    low: &[],
                    ..rows
                },
                &mut out,
            );
        });
    }
}
