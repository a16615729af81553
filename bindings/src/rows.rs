//! Vectors on their way in: one typed array of rows, borrowed or copied.

use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, sys};
use nearhash::{CopiedRows, RowSlice, RowsView};

use crate::failure::Failure;

/// A typed array of the caller's, as it lies in memory while a call is in progress.
#[derive(Debug)]
pub(crate) struct TypedArray {
    kind: sys::napi_typedarray_type,
    data: *const u8,
    length: usize,
}

impl TypedArray {
    /// # Safety
    /// `env` and `value` are those of the call in progress.
    pub(crate) unsafe fn from_napi_value(
        env: sys::napi_env,
        value: sys::napi_value,
    ) -> Result<Self> {
        let mut kind = 0;
        let mut length = 0;
        let mut data = ptr::null_mut();
        // SAFETY: the caller's promise; the out-pointers are valid, and null where Node-API allows
        // it.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                &mut kind,
                &mut length,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        napi::check_status!(status, "expected a typed array")?;
        Ok(Self {
            kind,
            data: data.cast(),
            length,
        })
    }

    pub(crate) fn kind(&self) -> sys::napi_typedarray_type {
        self.kind
    }

    /// The elements where they lie.
    ///
    /// # Panics
    /// When they are of another type.
    pub(crate) fn slice<T: Element>(&self) -> &[T] {
        assert_eq!(self.kind, T::KIND, "another element type");
        if self.length == 0 {
            return &[];
        }
        // SAFETY: Node-API gave the address and the number of elements of a typed array, whose
        // element type is `T` by `kind` and whose address is aligned for it. It lives as long as
        // the call in progress, and so do all borrows: what holds it is an argument and never
        // stored.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.length) }
    }
}

/// Element types of the arrays that come in.
pub(crate) trait Element: Copy {
    const KIND: sys::napi_typedarray_type;
}

impl Element for u8 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::uint8_array;
}

impl Element for i16 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::int16_array;
}

impl Element for u32 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::uint32_array;
}

impl Element for f32 {
    const KIND: sys::napi_typedarray_type = sys::TypedarrayType::float32_array;
}

/// A `Uint8Array`, `Int16Array` or `Float32Array` argument. The face has made sure that its buffer
/// is neither shared nor detached.
#[derive(Debug)]
pub struct Values(TypedArray);

impl TypeName for Values {
    fn type_name() -> &'static str {
        "Uint8Array | Int16Array | Float32Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for Values {}

impl FromNapiValue for Values {
    /// # Safety
    /// As for [`FromNapiValue`]: `env` and `value` are those of the call in progress.
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise, passed on.
        let array = unsafe { TypedArray::from_napi_value(env, value) }?;
        let known = [
            sys::TypedarrayType::uint8_array,
            sys::TypedarrayType::int16_array,
            sys::TypedarrayType::float32_array,
        ];
        if !known.contains(&array.kind()) {
            return Err(Error::new(
                Status::InvalidArg,
                "expected a Uint8Array, Int16Array or Float32Array",
            ));
        }
        Ok(Self(array))
    }
}

impl Values {
    /// The values where they lie. Good for the call in progress: JavaScript, which could write to
    /// them or free them, doesn't run before it returns.
    pub(crate) fn borrow(&self) -> RowSlice<'_> {
        let Self(array) = self;
        match array.kind() {
            sys::TypedarrayType::uint8_array => RowSlice::U8(array.slice()),
            sys::TypedarrayType::int16_array => RowSlice::I16(array.slice()),
            _ => RowSlice::F32(array.slice()),
        }
    }

    /// The rows where they lie, checked. `argument` names them in errors.
    pub(crate) fn view(
        &self,
        argument: &'static str,
        dim: f64,
    ) -> std::result::Result<RowsView<'_>, Failure> {
        Ok(RowsView::named(argument, self.borrow(), dim as usize)?)
    }

    /// A copy that JavaScript can't touch, for work on other threads.
    pub(crate) fn copy(&self) -> CopiedRows {
        CopiedRows::of(self.borrow())
    }
}

/// The whole array as one vector named `v`.
pub(crate) fn one_row(values: &Values) -> std::result::Result<RowsView<'_>, Failure> {
    values.view("v", values.borrow().len() as f64)
}
