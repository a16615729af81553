//! Values keep their type, and the slack behind them does not count.

use ndarray::array;

use super::*;

#[test]
fn kernels_may_read_behind_the_last_row() {
    for rows in [0, 1, 3] {
        for data in [
            RowData::U8(vec![1; rows * 5]),
            RowData::I16(vec![-1; rows * 5]),
            RowData::F32(vec![0.5; rows * 5]),
        ] {
            let bytes = data.as_slice().value_bytes();
            let points = Points::new(data, 5).unwrap();
            assert_eq!((points.rows(), points.dim()), (rows, 5));
            assert_eq!(points.padded().len(), rows * 5 + SLACK);
            assert_eq!(points.view().values().len(), rows * 5);
            assert_eq!(points.view().values().is_empty(), rows == 0);
            assert_eq!(points.memory_bytes(), (rows * 5 + SLACK) * bytes);
            assert_eq!(points.into_data().as_slice().len(), rows * 5);
        }
    }
}

#[test]
fn rows_are_widened_without_loss() {
    let mut out = [9.0; 3];
    let check = |view: RowsView<'_>, expected: [f32; 3], out: &mut [f32; 3]| {
        view.copy_row(1, out);
        assert_eq!(*out, expected);
    };
    let bytes = [0, 0, 0, 0, 128, 255];
    let view = RowsView::new(RowSlice::U8(&bytes), 3).unwrap();
    check(view, [0.0, 128.0, 255.0], &mut out);
    let words = [0, 0, 0, i16::MIN, -1, i16::MAX];
    let view = RowsView::new(RowSlice::I16(&words), 3).unwrap();
    check(view, [-32_768.0, -1.0, 32_767.0], &mut out);
    let floats = [0.0, 0.0, 0.0, -0.0, 1e-45, f32::MAX];
    let view = RowsView::new(RowSlice::F32(&floats), 3).unwrap();
    check(view, [-0.0, 1e-45, f32::MAX], &mut out);
}

#[test]
fn the_magnitude_is_that_of_the_whole_set() {
    let of = |slice| RowsView::new(slice, 1).unwrap().magnitude();
    assert_eq!(of(RowSlice::U8(&[3, 200, 7])), 200.0);
    assert_eq!(of(RowSlice::I16(&[3, i16::MIN, 7])), 32_768.0);
    assert_eq!(of(RowSlice::F32(&[3.0, -8.5, 7.0])), 8.5);
    assert_eq!(of(RowSlice::F32(&[])), 0.0);
    assert_eq!(of(RowSlice::F32(&[-0.0])), 0.0);
}

#[test]
fn a_matrix_of_any_layout_is_copied_row_by_row() {
    let matrix = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let straight = Points::from_array(matrix.view()).unwrap();
    let turned = Points::from_array(matrix.t()).unwrap();
    let values = |points: Points| match points.into_data() {
        RowData::F32(values) => values,
        other => panic!("{other:?}"),
    };
    assert_eq!((turned.rows(), turned.dim()), (3, 2));
    assert_eq!(values(straight), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(values(turned), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
}

#[test]
fn a_copy_is_the_same_rows_as_what_was_copied() {
    // Several blocks, the last of them cut; the largest value in the first, a middle and the last.
    let count = 3 * (1 << 14) + 7;
    for largest in [0, 20_000, count - 1] {
        let value = |i: usize| if i == largest { 99 } else { (i % 97) as u8 };
        let bytes: Vec<u8> = (0..count).map(value).collect();
        let words: Vec<i16> = bytes.iter().map(|x| -i16::from(*x)).collect();
        let floats: Vec<f32> = bytes.iter().map(|x| -f32::from(*x)).collect();
        for values in [
            RowSlice::U8(&bytes),
            RowSlice::I16(&words),
            RowSlice::F32(&floats),
        ] {
            let expected = RowsView::new(values, 1).unwrap();
            let copy = CopiedRows::of(values);
            assert_eq!((copy.len(), copy.is_empty()), (count, false));
            let view = copy.view("x", 1).unwrap();
            assert_eq!(format!("{view:?}"), format!("{expected:?}"));
            let points = copy.into_points(1).unwrap();
            assert_eq!(format!("{:?}", points.view()), format!("{expected:?}"));
            assert_eq!(points.padded().len(), count + SLACK);
        }
    }
}

#[test]
fn a_copy_is_refused_for_what_is_wrong_with_it() {
    let count = 3 * (1 << 14) + 8;
    for at in [0, 20_000, count - 1] {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut floats = vec![1.0; count];
            floats[at] = value;
            // What comes behind does not make it good again.
            let copy = CopiedRows::of(RowSlice::F32(&floats));
            let expected = RowsView::named("queries", RowSlice::F32(&floats), 2).unwrap_err();
            let found = copy.view("queries", 2).unwrap_err();
            assert_eq!(found.to_string(), expected.to_string());
            let expected = RowsView::new(RowSlice::F32(&floats), 2).unwrap_err();
            let found = copy.into_points(2).unwrap_err();
            assert_eq!(found.to_string(), expected.to_string());
        }
    }
    let copy = CopiedRows::of(RowSlice::U8(&[1, 2, 3]));
    assert!(copy.view("x", 2).is_err());
    assert!(copy.view("x", 0).is_err());
    let none = CopiedRows::of(RowSlice::F32(&[]));
    assert!(none.is_empty());
    assert_eq!(none.view("x", 5).unwrap().rows(), 0);
}

#[test]
fn rows_in_another_order_keep_their_type_and_values() {
    let order = [2, 0, 2];
    let reordered = |data: RowData| {
        let points = Points::new(data, 2).unwrap();
        points.view().reordered(&order).unwrap().into_data()
    };
    let floats = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5];
    assert!(matches!(
        reordered(RowData::F32(floats.to_vec())),
        RowData::F32(v) if v == [4.5, 5.5, 0.5, 1.5, 4.5, 5.5]
    ));
    assert!(matches!(
        reordered(RowData::U8(vec![0, 1, 2, 3, 4, 255])),
        RowData::U8(v) if v == [4, 255, 0, 1, 4, 255]
    ));
    assert!(matches!(
        reordered(RowData::I16(vec![0, 1, 2, 3, -4, 5])),
        RowData::I16(v) if v == [-4, 5, 0, 1, -4, 5]
    ));
}
