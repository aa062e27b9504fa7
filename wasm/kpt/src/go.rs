//! What crosses between the module and kpt: Go's js/wasm ABI as it was before Go 1.21.
//!
//! Each import has the stack pointer as its only parameter. Arguments and results are 64-bit words
//! above it; `sp+8` is word 1. All unsafe code of the border is here.

#![expect(unsafe_code, reason = "this is the border to the host")]

use crate::frame::{Frame, Word};
use crate::program;
use crate::value::Value;

/// The stack: see [`Frame`].
static STACK: Frame = Frame::new();

// On other targets, the tests provide these functions.
#[cfg_attr(target_arch = "wasm32", link(wasm_import_module = "go"))]
unsafe extern "C" {
    #[link_name = "runtime.wasmWrite"]
    fn wasm_write(sp: *const Frame);
    #[link_name = "syscall/js.stringVal"]
    fn string_val(sp: *const Frame);
    #[link_name = "syscall/js.valueGet"]
    fn value_get(sp: *const Frame);
    #[link_name = "syscall/js.valueSet"]
    fn value_set(sp: *const Frame);
    #[link_name = "syscall/js.valueIndex"]
    fn value_index(sp: *const Frame);
    #[link_name = "syscall/js.valueCall"]
    fn value_call(sp: *const Frame);
    #[link_name = "syscall/js.valuePrepareString"]
    fn value_prepare_string(sp: *const Frame);
    #[link_name = "syscall/js.valueLoadString"]
    fn value_load_string(sp: *const Frame);
}

/// kpt starts the program. Its command line and environment, which `argc` and `argv` describe, are
/// not used. Before the call, kpt writes them at address 4096, at the far end of Rust's stack,
/// which is still unused.
// SAFETY: no other symbol of the module has this name.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub(crate) extern "C" fn run(_argc: i32, _argv: i32) {
    program::start();
}

/// kpt has called one of the program's functions.
// SAFETY: no other symbol of the module has this name.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub(crate) extern "C" fn resume() {
    program::resume();
}

/// The stack pointer, which kpt asks for again after each call that could have moved it.
// SAFETY: no other symbol of the module has this name.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub(crate) extern "C" fn getsp() -> *const Frame {
    &raw const STACK
}

/// A text as a value.
pub(crate) fn string(text: &str) -> Value {
    STACK.clear();
    STACK.set_slice(Word(1), text.as_bytes());
    // SAFETY: the host reads words 1 and 2 and the bytes they tell of, which `text` borrows until
    // after the call, and writes word 3.
    unsafe { string_val(&raw const STACK) };
    STACK.value(Word(3))
}

/// A property of an object; undefined or null where there is none.
pub(crate) fn get(object: Value, name: &str) -> Value {
    STACK.clear();
    STACK.set_value(Word(1), object);
    STACK.set_slice(Word(2), name.as_bytes());
    // SAFETY: the host reads words 1 to 3 and the bytes of `name`, which is borrowed until after
    // the call, and writes word 4.
    unsafe { value_get(&raw const STACK) };
    STACK.value(Word(4))
}

/// Sets a property of an object.
pub(crate) fn set(object: Value, name: &str, value: Value) {
    STACK.clear();
    STACK.set_value(Word(1), object);
    STACK.set_slice(Word(2), name.as_bytes());
    STACK.set_value(Word(4), value);
    // SAFETY: the host reads words 1 to 4 and the bytes of `name`, which is borrowed until after
    // the call, and writes nothing.
    unsafe { value_set(&raw const STACK) };
}

/// An element of an array.
pub(crate) fn index(array: Value, index: u32) -> Value {
    STACK.clear();
    STACK.set_value(Word(1), array);
    STACK.set(Word(2), index.into());
    // SAFETY: the host reads words 1 and 2, and writes word 3.
    unsafe { value_index(&raw const STACK) };
    STACK.value(Word(3))
}

/// Calls a method of an object with one argument. After a failure, the result is not a function.
pub(crate) fn call(object: Value, method: &str, argument: Value) -> Value {
    let arguments = [argument.to_bits()];
    STACK.clear();
    STACK.set_value(Word(1), object);
    STACK.set_slice(Word(2), method.as_bytes());
    STACK.set_slice(Word(4), &arguments);
    // SAFETY: the host reads words 1 to 5, the bytes of `method` and the words of `arguments`, which
    // both live until after the call, and writes word 7 and one byte of each of words 6 and 8.
    unsafe { value_call(&raw const STACK) };
    STACK.value(Word(7))
}

/// The bytes of a text; `None` if they do not fit into the free memory.
pub(crate) fn bytes(text: Value) -> Option<Vec<u8>> {
    STACK.clear();
    STACK.set_value(Word(1), text);
    // SAFETY: the host reads word 1, and writes words 2 and 3.
    unsafe { value_prepare_string(&raw const STACK) };
    let prepared = STACK.value(Word(2));
    let length = usize::try_from(STACK.get(Word(3))).ok()?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).ok()?;
    bytes.resize(length, 0);
    STACK.clear();
    STACK.set_value(Word(1), prepared);
    STACK.set_buffer(Word(2), &mut bytes);
    // SAFETY: the host reads words 1 to 3, and writes at most the length in word 3 to the address
    // in word 2. That is `bytes`, which has this length and which nothing else refers to until
    // after the call.
    unsafe { value_load_string(&raw const STACK) };
    Some(bytes)
}

/// Writes to a file descriptor of the host.
pub(crate) fn write(descriptor: u32, text: &str) {
    STACK.clear();
    STACK.set(Word(1), descriptor.into());
    STACK.set_slice(Word(2), text.as_bytes());
    // SAFETY: the host reads words 1 to 3 and the bytes of `text`, which is borrowed until after the
    // call, and writes nothing.
    unsafe { wasm_write(&raw const STACK) };
}
