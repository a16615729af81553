//! Results on their way out.

use std::ptr;

use napi::bindgen_prelude::{
    Float32Array, Int32Array, ToNapiValue, TypeName, Uint8Array, Uint16Array, Uint32Array,
};
use napi::{Result, ValueType, sys};

use crate::failure::Failure;

/// Up to this many bytes are copied into memory of V8's own, which is quicker than the finaliser
/// that moved memory needs.
const COPIED_BYTES: usize = 64 << 10;

/// Most values of one result: Node makes no buffer of more than 4 GiB.
pub(crate) const MAX_VALUES: usize = 1 << 30;

/// Refuse a result of more than [`MAX_VALUES`] before the work for it begins. `argument` is what
/// the caller should make smaller.
pub(crate) fn check_size(
    argument: &'static str,
    rows: usize,
    columns: usize,
) -> std::result::Result<(), Failure> {
    match rows.checked_mul(columns) {
        Some(values) if values <= MAX_VALUES => Ok(()),
        _ => Err(too_large(
            argument,
            format!("a result of {rows} x {columns} values"),
        )),
    }
}

fn too_large(argument: &'static str, received: String) -> Failure {
    Failure::Engine(nearhash::Error::Argument {
        argument,
        received,
        allowed: format!("at most {MAX_VALUES} values in one call"),
    })
}

/// Element types of the arrays that go out.
pub(crate) trait Element: Copy {
    const KIND: sys::napi_typedarray_type;
    type Owned: ToNapiValue + From<Vec<Self>>;
}

impl Element for u8 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::uint8_array;
    type Owned = Uint8Array;
}

impl Element for u16 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::uint16_array;
    type Owned = Uint16Array;
}

impl Element for u32 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::uint32_array;
    type Owned = Uint32Array;
}

impl Element for i32 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::int32_array;
    type Owned = Int32Array;
}

impl Element for f32 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::float32_array;
    type Owned = Float32Array;
}

/// A vector that becomes a typed array of JavaScript's: copied when small, moved when large.
#[derive(Debug)]
pub struct Array<T>(pub(crate) Vec<T>);

impl<T> TypeName for Array<T> {
    fn type_name() -> &'static str {
        "TypedArray"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl<T: Element> ToNapiValue for Array<T> {
    /// # Safety
    /// As for [`ToNapiValue`]: `env` is that of the call in progress.
    unsafe fn to_napi_value(env: sys::napi_env, array: Self) -> Result<sys::napi_value> {
        let Self(values) = array;
        if values.len() > MAX_VALUES {
            return Err(too_large("x", format!("a result of {} values", values.len())).into());
        }
        let bytes = size_of_val(values.as_slice());
        if bytes > COPIED_BYTES {
            // SAFETY: the caller's promise, passed on.
            return unsafe { T::Owned::to_napi_value(env, T::Owned::from(values)) };
        }
        let (mut data, mut buffer, mut result) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: `env` is that of the running thread (the caller's promise); the out-pointers are
        // valid.
        let status = unsafe { sys::napi_create_arraybuffer(env, bytes, &mut data, &mut buffer) };
        napi::check_status!(status, "no memory for a result")?;
        if bytes > 0 {
            // SAFETY: the new buffer has `bytes` bytes, nobody else knows it, and it doesn't
            // overlap the vector.
            unsafe { ptr::copy_nonoverlapping(values.as_ptr().cast(), data.cast::<u8>(), bytes) };
        }
        // SAFETY: as above; the buffer holds exactly that many elements.
        let status = unsafe {
            sys::napi_create_typedarray(env, T::KIND, values.len(), buffer, 0, &mut result)
        };
        napi::check_status!(status, "no memory for a result")?;
        Ok(result)
    }
}
