//! Large arrays that searches jump about in.

/// `count` values, on huge pages where the system lends them when asked: a search touches hundreds of
/// places all over, and each small page of them costs a walk through the page tables.
pub(crate) fn filled<T: Clone>(value: T, count: usize) -> Vec<T> {
    let mut values = with_capacity(count);
    values.resize(count, value);
    values
}

/// `count` zeros on such pages, which are not written before they are used.
pub(crate) fn zeros<T: Zero>(count: usize) -> Vec<T> {
    // The allocator knows that memory is zero when it is new from the system.
    let mut values = vec![T::ZERO; count];
    ask_for_huge_pages(values.as_mut_ptr(), count);
    values
}

/// Numbers whose zero has no bit set.
pub(crate) trait Zero: Copy {
    const ZERO: Self;
}

impl Zero for f32 {
    const ZERO: Self = 0.0;
}

impl Zero for i8 {
    const ZERO: Self = 0;
}

/// Room for `count` values on such pages. To get small ones takes longer than to write them.
pub(crate) fn with_capacity<T>(count: usize) -> Vec<T> {
    let mut values = Vec::with_capacity(count);
    ask_for_huge_pages(values.as_mut_ptr(), count);
    values
}

/// A copy on such pages, with room for `more` values.
pub(crate) fn copied<T: Copy>(values: &[T], more: usize) -> Vec<T> {
    let mut copy = with_capacity(values.len() + more);
    copy.extend_from_slice(values);
    copy
}

/// Smallest array worth it: two huge pages.
#[cfg(target_os = "linux")]
const LEAST: usize = 4 << 20;

#[cfg(target_os = "linux")]
fn ask_for_huge_pages<T>(values: *mut T, count: usize) {
    const PAGE: usize = 4096;
    let bytes = count * size_of::<T>();
    if bytes < LEAST {
        return;
    }
    let start = (values as usize).next_multiple_of(PAGE);
    let length = (values as usize + bytes - start) / PAGE * PAGE;
    // SAFETY: whole pages inside an allocation of ours; the advice changes nothing that they hold.
    // It may be refused, which is no loss.
    unsafe {
        libc::madvise(start as *mut libc::c_void, length, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages<T>(_: *mut T, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_every_size_hold_what_they_are_filled_with() {
        for count in [0, 1, 1000, 1 << 20, (1 << 20) + 4097] {
            let values = filled(7_u64, count);
            assert_eq!(values.len(), count);
            assert!(values.iter().all(|x| *x == 7));
            assert!(zeros::<f32>(count).iter().all(|x| x.to_bits() == 0));
            assert_eq!(zeros::<i8>(count).len(), count);
        }
    }
}
