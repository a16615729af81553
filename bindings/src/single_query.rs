//! A single query through memory that both sides know.
//!
//! Converting arguments and making typed arrays in native code costs more than a fast search: 7 µs
//! for two arrays returned, 0.8 µs for three arrays taken. So an index gives out one function
//! without arguments or result. The query stands in the environment's scratch buffer before the
//! call, and the answer after it.

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, sys};
use napi_derive::napi;
use nearhash::RowSlice;

use crate::failure::{Failure, catch};
use crate::fault::{self, Place};
use crate::pool;

/// Longest query, in values.
const MAX_QUERY: usize = 4096;
/// Most neighbours.
const MAX_K: usize = 1024;

/// The scratch buffer: what is asked, what came of it, the query, the answer. The face has views
/// on the same places (`bindings/ts/single-query.ts`).
#[repr(C, align(8))]
struct Scratch {
    /// Values in the query.
    length: u32,
    /// Their type: 0 for f32, 1 for u8, 2 for i16.
    kind: u32,
    /// Neighbours wanted; at most [`MAX_K`].
    k: u32,
    /// Out: neighbours found, or [`NOT_ANSWERED`].
    count: u32,
    /// Settings of the index's own; a NaN is one that was left out.
    settings: [f64; 2],
    /// The query's values, whatever their type.
    query: [f32; MAX_QUERY],
    /// Out: `k` ids, nearest first, then their `k` distances as f32; 0 behind the last of either.
    /// One copy takes both.
    answer: [u32; 2 * MAX_K],
}

/// `count` of a query that the general way has to answer: it knows what is wrong with it.
const NOT_ANSWERED: u32 = u32::MAX;

/// One query in scratch memory.
#[derive(Debug)]
pub(crate) struct SingleQuery<'a> {
    pub(crate) values: RowSlice<'a>,
    pub(crate) settings: [f64; 2],
    /// As long as neighbours are wanted.
    pub(crate) ids: &'a mut [u32],
    pub(crate) distances: &'a mut [f32],
}

type Answer = Box<dyn Fn(&mut SingleQuery<'_>) -> std::result::Result<usize, Failure>>;

/// A search for single queries on its way to becoming a function of JavaScript's.
pub struct SingleSearch {
    answer: Answer,
    buffer: ScratchBuffer,
}

/// The environment's scratch buffer, as an argument.
#[derive(Debug)]
pub struct ScratchBuffer {
    value: sys::napi_value,
    scratch: *mut Scratch,
}

impl SingleSearch {
    /// `answer` writes neighbours and says how many it found.
    pub(crate) fn new(
        buffer: ScratchBuffer,
        answer: impl Fn(&mut SingleQuery<'_>) -> std::result::Result<usize, Failure> + 'static,
    ) -> Self {
        Self {
            answer: Box::new(answer),
            buffer,
        }
    }
}

/// Where the face finds things in the scratch buffer, in bytes.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct ScratchLayout {
    /// Size of the buffer.
    pub bytes: u32,
    /// Longest query, in values.
    pub max_query: u32,
    /// Most neighbours.
    pub max_k: u32,
    /// Offset of the settings, two f64.
    pub settings: u32,
    /// Offset of the query's values.
    pub query: u32,
    /// Offset of the answer, twice as many four-byte elements as neighbours are wanted.
    pub answer: u32,
    /// The count of a query that was not answered.
    pub not_answered: u32,
}

/// Where the face finds things in the scratch buffer.
#[napi(catch_unwind)]
pub fn scratch_layout() -> ScratchLayout {
    let offset = |bytes: usize| bytes as u32;
    ScratchLayout {
        bytes: offset(size_of::<Scratch>()),
        max_query: MAX_QUERY as u32,
        max_k: MAX_K as u32,
        settings: offset(offset_of!(Scratch, settings)),
        query: offset(offset_of!(Scratch, query)),
        answer: offset(offset_of!(Scratch, answer)),
        not_answered: NOT_ANSWERED,
    }
}

impl TypeName for ScratchBuffer {
    fn type_name() -> &'static str {
        "ArrayBuffer"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for ScratchBuffer {}

impl FromNapiValue for ScratchBuffer {
    /// # Safety
    /// As for [`FromNapiValue`]: `env` and `value` are those of the call in progress.
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let (mut data, mut bytes) = (ptr::null_mut(), 0);
        // SAFETY: `env` and `value` are those of the call in progress; the out-pointers are valid.
        let status = unsafe { sys::napi_get_arraybuffer_info(env, value, &mut data, &mut bytes) };
        napi::check_status!(status, "expected an ArrayBuffer")?;
        let scratch = data.cast::<Scratch>();
        if bytes != size_of::<Scratch>() || !scratch.is_aligned() {
            return Err(Error::new(
                Status::InvalidArg,
                "expected an ArrayBuffer of the size that scratchLayout says",
            ));
        }
        Ok(Self { value, scratch })
    }
}

/// What a function carries.
struct Bound {
    answer: Answer,
    scratch: *mut Scratch,
    /// Keeps the buffer as long as there is the function.
    buffer: sys::napi_ref,
}

impl ToNapiValue for SingleSearch {
    /// # Safety
    /// As for [`ToNapiValue`]: `env` is that of the call in progress.
    unsafe fn to_napi_value(env: sys::napi_env, search: Self) -> Result<sys::napi_value> {
        let Self { answer, buffer } = search;
        let mut reference = ptr::null_mut();
        // SAFETY: `env` is that of the running thread and the buffer came in as an argument of the
        // call in progress; the out-pointer is valid.
        let status = unsafe { sys::napi_create_reference(env, buffer.value, 1, &mut reference) };
        napi::check_status!(status, "no reference to the scratch buffer")?;
        let bound = Box::into_raw(Box::new(Bound {
            answer,
            scratch: buffer.scratch,
            buffer: reference,
        }))
        .cast::<c_void>();
        let (name, mut function) = ("searchSingle", ptr::null_mut());
        // SAFETY: the name has the length that is told; `bound` lives until the finaliser below.
        let mut status = unsafe {
            sys::napi_create_function(
                env,
                name.as_ptr().cast(),
                name.len() as isize,
                Some(search_single),
                bound,
                &mut function,
            )
        };
        if status == sys::Status::napi_ok {
            // SAFETY: the finaliser takes `bound` back once, when the function is collected or the
            // environment ends; after that nobody can call the function.
            status = unsafe {
                sys::napi_add_finalizer(
                    env,
                    function,
                    bound,
                    Some(finalize),
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
        }
        if status != sys::Status::napi_ok {
            // SAFETY: no finaliser was added, and the function, if there is one, is dropped here
            // unseen by JavaScript.
            unsafe { finalize(env, bound, ptr::null_mut()) };
        }
        napi::check_status!(status, "no function for single queries")?;
        Ok(function)
    }
}

/// Take back what a function carried.
///
/// # Safety
/// `bound` comes from `to_napi_value` and isn't used again; `env` is that of the running thread.
unsafe extern "C" fn finalize(env: sys::napi_env, bound: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the caller's promise.
    let bound = unsafe { Box::from_raw(bound.cast::<Bound>()) };
    // SAFETY: the reference is this function's own.
    unsafe { sys::napi_delete_reference(env, bound.buffer) };
    // Freeing an index could only panic by a defect; unwinding into Node would abort it.
    let _ = catch(move || {
        drop(bound);
        Ok(())
    });
}

/// The function: answers the query in the scratch buffer.
///
/// # Safety
/// Called by Node with the arguments of a call in progress.
unsafe extern "C" fn search_single(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let mut data = ptr::null_mut();
    // SAFETY: `env` and `info` are those of the call in progress; null is allowed for what isn't
    // asked for.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &mut data,
        )
    };
    if status != sys::Status::napi_ok {
        return ptr::null_mut();
    }
    // SAFETY: the function's own data, there until its finaliser, which can't run during a call.
    let bound = unsafe { &*data.cast::<Bound>() };
    // SAFETY: the buffer has this size and alignment and is kept by the reference; the face never
    // gives it away, so it isn't detached and no other thread sees it; JavaScript stands still
    // until this call returns, and a call can't be made within a call. Every bit pattern is a value
    // of its fields' types.
    let scratch = unsafe { &mut *bound.scratch };
    match catch(|| respond(scratch, &bound.answer)) {
        Ok(count) => scratch.count = count,
        // The general way finds the same and says it.
        Err(Failure::Engine(_) | Failure::Disposed { .. }) => scratch.count = NOT_ANSWERED,
        Err(failure) => {
            scratch.count = NOT_ANSWERED;
            // SAFETY: `env` is that of the call in progress.
            unsafe { napi::JsError::from(napi::Error::from(failure)).throw_into(env) };
        }
    }
    ptr::null_mut()
}

fn respond(scratch: &mut Scratch, answer: &Answer) -> std::result::Result<u32, Failure> {
    fault::point(Place::Call);
    let (length, k) = (scratch.length as usize, scratch.k as usize);
    let values = match (scratch.kind, length <= MAX_QUERY && k <= MAX_K) {
        (0, true) => RowSlice::F32(&scratch.query[..length]),
        (1, true) => RowSlice::U8(values_of(&scratch.query, length)),
        (2, true) => RowSlice::I16(values_of(&scratch.query, length)),
        _ => {
            return Err(Failure::Internal(
                "the scratch buffer is damaged".to_owned(),
            ));
        }
    };
    let (ids, distances) = scratch.answer[..2 * k].split_at_mut(k);
    let mut query = SingleQuery {
        values,
        settings: scratch.settings,
        ids,
        distances: as_floats(distances),
    };
    let count = pool::alone(|| answer(&mut query))?;
    query.ids[count..].fill(0);
    query.distances[count..].fill(0.0);
    Ok(count as u32)
}

/// The first of the values that lie where floats could.
fn values_of<T: Small>(query: &[f32; MAX_QUERY], length: usize) -> &[T] {
    assert!(length <= MAX_QUERY);
    // SAFETY: an integer of one or two bytes may have any bits and less alignment than a float, and
    // `length` of them are no longer than as many floats.
    unsafe { std::slice::from_raw_parts(query.as_ptr().cast(), length) }
}

/// The same memory for floats.
fn as_floats(words: &mut [u32]) -> &mut [f32] {
    // SAFETY: both types have the same size and alignment, and any bits are a value of either.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}

/// Integers smaller than a float.
trait Small {}
impl Small for u8 {}
impl Small for i16 {}
