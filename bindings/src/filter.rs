//! Ids on their way in.

use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, sys};
use nearhash::Filter;

use crate::rows::TypedArray;

/// A set of ids as an argument: a `Uint32Array` of them, or a `Uint8Array` with one bit an id. The
/// face has made sure that its buffer is neither shared nor detached.
#[derive(Debug)]
pub struct IdSet(TypedArray);

impl TypeName for IdSet {
    fn type_name() -> &'static str {
        "Uint32Array | Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for IdSet {}

impl FromNapiValue for IdSet {
    /// # Safety
    /// As for [`FromNapiValue`]: `env` and `value` are those of the call in progress.
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise, passed on.
        let array = unsafe { TypedArray::from_napi_value(env, value) }?;
        match array.kind() {
            sys::TypedarrayType::uint32_array | sys::TypedarrayType::uint8_array => Ok(Self(array)),
            _ => Err(Error::new(
                Status::InvalidArg,
                "expected a Uint32Array or Uint8Array",
            )),
        }
    }
}

impl IdSet {
    /// What admits these ids alone or all but these.
    pub(crate) fn filter(&self, deny: bool) -> Filter {
        let Self(array) = self;
        match (array.kind() == sys::TypedarrayType::uint32_array, deny) {
            (true, false) => Filter::allow(array.slice()),
            (true, true) => Filter::deny(array.slice()),
            (false, false) => Filter::allow_bits(array.slice()),
            (false, true) => Filter::deny_bits(array.slice()),
        }
    }
}
