//! A stand-in for kpt: the imports of [`go`] on a table of JavaScript values, so that the interface
//! can be tested outside of kpt, and under Miri.
//!
//! It reads and writes at the addresses in the frame's words, as kpt's hosts do, and misbehaves if
//! a test asks it to.

#![expect(unsafe_code, reason = "the other side of the border")]

use std::collections::BTreeMap;
use std::ptr;
use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::frame::{Frame, Word};
use crate::value::Value;
use crate::{go, program};

const OBJECT: u64 = 0x7FF8_0001 << 32;
const TEXT: u64 = 0x7FF8_0002 << 32;
const FUNCTION: u64 = 0x7FF8_0004 << 32;

/// There is only one frame, so only one test at a time can use a host.
static TURN: Mutex<()> = Mutex::new(());
static HOST: Mutex<Option<Host>> = Mutex::new(None);

/// A host, and its state after a run.
pub(crate) struct Host {
    things: BTreeMap<u64, Thing>,
    /// The length to report for every text, instead of the real one.
    length: Option<u64>,
    /// Whether results are written.
    answers: bool,
    written: BTreeMap<u64, Vec<u8>>,
    exit_code: Option<Value>,
}

enum Thing {
    Object(BTreeMap<String, Value>),
    Array(Vec<Value>),
    Text(Vec<u8>),
    Function(&'static str),
}

impl Host {
    /// kpt's wasmtime, which has no processes.
    pub(crate) fn bare() -> Self {
        let mut host = Self {
            things: BTreeMap::new(),
            length: None,
            answers: true,
            written: BTreeMap::new(),
            exit_code: None,
        };
        for global in [Value::GLOBAL, Value::GO] {
            host.things
                .insert(global.to_bits(), Thing::Object(BTreeMap::new()));
        }
        host
    }

    /// kpt's Node.js.
    pub(crate) fn node() -> Self {
        let mut host = Self::bare();
        let exit = host.keep(FUNCTION, Thing::Function("exit"));
        let process = BTreeMap::from([("exit".to_owned(), exit)]);
        let process = host.keep(OBJECT, Thing::Object(process));
        host.set(Value::GLOBAL, "process", process);
        host
    }

    /// Reports this length for every text.
    pub(crate) fn with_length(self, length: u64) -> Self {
        Self {
            length: Some(length),
            ..self
        }
    }

    /// Fails in every call, and so writes no result.
    pub(crate) fn that_fails(self) -> Self {
        Self {
            answers: false,
            ..self
        }
    }

    pub(crate) fn is_node(&self) -> bool {
        self.text_or_member(Value::GLOBAL, "process").is_some()
    }

    pub(crate) fn exit_code(&self) -> Option<u32> {
        let code = f64::from_bits(self.exit_code?.to_bits());
        Some(code as u32)
    }

    pub(crate) fn stderr(&self) -> String {
        self.written_to(2)
    }

    pub(crate) fn stdout(&self) -> String {
        self.written_to(1)
    }

    /// Whether the module has made a global name a function.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        let function = self.text_or_member(Value::GLOBAL, name);
        function.is_some_and(Value::is_function)
    }

    fn written_to(&self, descriptor: u64) -> String {
        let written = self.written.get(&descriptor).cloned();
        String::from_utf8(written.unwrap_or_default()).unwrap()
    }

    fn keep(&mut self, kind: u64, thing: Thing) -> Value {
        let number = 100 + u64::try_from(self.things.len()).unwrap();
        self.things.insert(kind | number, thing);
        Value::from_bits(kind | number)
    }

    fn text_or_member(&self, object: Value, name: &str) -> Option<Value> {
        match self.things.get(&object.to_bits())? {
            Thing::Object(members) => members.get(name).copied(),
            _ => None,
        }
    }

    fn set(&mut self, object: Value, name: &str, value: Value) {
        if let Some(Thing::Object(members)) = self.things.get_mut(&object.to_bits()) {
            members.insert(name.to_owned(), value);
        }
    }

    fn text(&self, text: Value) -> &[u8] {
        match self.things.get(&text.to_bits()) {
            Some(Thing::Text(text)) => text,
            _ => &[],
        }
    }

    fn element(&self, array: Value, index: u64) -> Option<Value> {
        match self.things.get(&array.to_bits())? {
            Thing::Array(values) => values.get(usize::try_from(index).ok()?).copied(),
            _ => None,
        }
    }

    fn call(&mut self, object: Value, method: &str, arguments: &[Value]) -> Option<Value> {
        if object == Value::GO && method == "_makeFuncWrapper" {
            return Some(self.keep(FUNCTION, Thing::Function("the module's")));
        }
        let function = self.text_or_member(object, method)?;
        if let Some(Thing::Function("exit")) = self.things.get(&function.to_bits()) {
            self.exit_code = arguments.first().copied();
        }
        None
    }

    /// Records a call of one of the module's functions.
    fn note(&mut self, function: Value, text: &[u8]) {
        let text = self.keep(TEXT, Thing::Text(text.to_owned()));
        let arguments = self.keep(OBJECT, Thing::Array(vec![text]));
        self.note_event(&[("id", function), ("args", arguments)]);
    }

    fn note_event(&mut self, members: &[(&str, Value)]) {
        let members = members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value));
        let event = self.keep(OBJECT, Thing::Object(members.collect()));
        self.set(Value::GO, "_pendingEvent", event);
    }

    fn result(&self) -> String {
        let event = self.text_or_member(Value::GO, "_pendingEvent");
        let result = event.and_then(|event| self.text_or_member(event, "result"));
        let text = result.map(|result| self.text(result)).unwrap_or_default();
        String::from_utf8(text.to_owned()).unwrap()
    }
}

/// Runs a closure with a host, and returns the host with its result.
pub(crate) fn with<T>(host: Host, act: impl FnOnce() -> T) -> (T, Host) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    *lock() = Some(host);
    program::restart();
    let acted = act();
    (acted, lock().take().unwrap())
}

/// Calls one of the module's functions with a text, and returns its answer.
pub(crate) fn call(function: Value, text: &[u8]) -> String {
    lock().as_mut().unwrap().note(function, text);
    go::resume();
    lock().as_ref().unwrap().result()
}

/// Calls the module with arbitrary event members.
pub(crate) fn call_with(event: Option<&[(&str, Value)]>) -> String {
    if let Some(event) = event {
        lock().as_mut().unwrap().note_event(event);
    }
    go::resume();
    lock().as_ref().unwrap().result()
}

fn lock() -> MutexGuard<'static, Option<Host>> {
    HOST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one call of an import with the host and the frame.
fn import(sp: *const Frame, serve: impl FnOnce(&mut Host, &Frame)) {
    assert_eq!(sp, go::getsp());
    // SAFETY: it is the module's frame, as was just seen: static, and of atomics.
    let frame = unsafe { &*sp };
    let mut host = lock();
    let host = host.as_mut().unwrap();
    if host.answers {
        serve(host, frame);
    }
}

/// The memory that two words refer to.
fn slice<T>(frame: &Frame, Word(word): Word) -> &[T] {
    let start = ptr::with_exposed_provenance(usize::try_from(frame.get(Word(word))).unwrap());
    let length = usize::try_from(frame.get(Word(word + 1))).unwrap();
    // SAFETY: the module guarantees that this many elements exist until the call returns.
    unsafe { slice::from_raw_parts(start, length) }
}

fn text(frame: &Frame, word: Word) -> &str {
    str::from_utf8(slice(frame, word)).unwrap()
}

#[unsafe(export_name = "runtime.wasmWrite")]
extern "C" fn wasm_write(sp: *const Frame) {
    import(sp, |host, frame| {
        let written = host.written.entry(frame.get(Word(1))).or_default();
        written.extend_from_slice(slice(frame, Word(2)));
    });
}

#[unsafe(export_name = "syscall/js.stringVal")]
extern "C" fn string_val(sp: *const Frame) {
    import(sp, |host, frame| {
        let text = slice(frame, Word(1)).to_owned();
        let text = host.keep(TEXT, Thing::Text(text));
        frame.set_value(Word(3), text);
    });
}

#[unsafe(export_name = "syscall/js.valueGet")]
extern "C" fn value_get(sp: *const Frame) {
    import(sp, |host, frame| {
        if let Some(member) = host.text_or_member(frame.value(Word(1)), text(frame, Word(2))) {
            frame.set_value(Word(4), member);
        }
    });
}

#[unsafe(export_name = "syscall/js.valueSet")]
extern "C" fn value_set(sp: *const Frame) {
    import(sp, |host, frame| {
        let (object, value) = (frame.value(Word(1)), frame.value(Word(4)));
        host.set(object, text(frame, Word(2)), value);
    });
}

#[unsafe(export_name = "syscall/js.valueIndex")]
extern "C" fn value_index(sp: *const Frame) {
    import(sp, |host, frame| {
        if let Some(element) = host.element(frame.value(Word(1)), frame.get(Word(2))) {
            frame.set_value(Word(3), element);
        }
    });
}

#[unsafe(export_name = "syscall/js.valueCall")]
extern "C" fn value_call(sp: *const Frame) {
    import(sp, |host, frame| {
        let arguments: &[u64] = slice(frame, Word(4));
        let arguments: Vec<_> = arguments
            .iter()
            .map(|bits| Value::from_bits(*bits))
            .collect();
        let called = host.call(frame.value(Word(1)), text(frame, Word(2)), &arguments);
        if let Some(result) = called {
            frame.set_value(Word(7), result);
            frame.set(Word(8), 1);
        }
    });
}

#[unsafe(export_name = "syscall/js.valuePrepareString")]
extern "C" fn value_prepare_string(sp: *const Frame) {
    import(sp, |host, frame| {
        let text = frame.value(Word(1));
        let length = u64::try_from(host.text(text).len()).unwrap();
        frame.set_value(Word(2), text);
        frame.set(Word(3), host.length.unwrap_or(length));
    });
}

#[unsafe(export_name = "syscall/js.valueLoadString")]
extern "C" fn value_load_string(sp: *const Frame) {
    import(sp, |host, frame| {
        let text = host.text(frame.value(Word(1)));
        let start = ptr::with_exposed_provenance_mut(usize::try_from(frame.get(Word(2))).unwrap());
        let room = usize::try_from(frame.get(Word(3))).unwrap();
        // SAFETY: the module guarantees that there is this much room, and that nothing else refers
        // to it.
        let room: &mut [u8] = unsafe { slice::from_raw_parts_mut(start, room) };
        for (place, byte) in room.iter_mut().zip(text) {
            *place = *byte;
        }
    });
}

mod tests {
    use super::*;

    const PROCESS: Value = Value::number(1);
    const ERRORS: Value = Value::number(2);

    const LIST: &[u8] = include_bytes!("../../../tests/fixtures/session-server/own-address.yaml");
    const REFUSED: &[u8] = include_bytes!("../../../tests/fixtures/refused/empty-list.yaml");

    fn native(list: &[u8]) -> String {
        runner_terminal::run(list).text()
    }

    #[test]
    fn both_functions_are_given_to_the_host() {
        let ((), host) = with(Host::node(), || go::run(0, 0));
        for name in ["processResourceList", "processResourceListErrors"] {
            assert!(host.has_function(name), "{name}");
        }
    }

    #[test]
    fn a_list_comes_out_as_of_the_core() {
        let (answer, host) = with(Host::bare(), || call(PROCESS, LIST));
        // Under Miri a run takes minutes instead of milliseconds, so there is only one.
        let service = "  kind: Service\n  metadata:\n    name: runner-session-server\n";
        assert!(answer.contains(service), "{answer}");
        assert_eq!(host.exit_code(), None);
        if !cfg!(miri) {
            assert_eq!(answer, native(LIST));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "the same again, in the other runtime")]
    fn where_all_is_well_nothing_is_said() {
        let (answers, host) = with(Host::node(), || (call(PROCESS, LIST), call(ERRORS, LIST)));
        assert_eq!(answers, (native(LIST), String::new()));
        assert_eq!(
            (host.stdout(), host.stderr()),
            (String::new(), String::new())
        );
        assert_eq!(host.exit_code(), None);
    }

    #[test]
    fn an_error_is_told_in_each_runtime_s_way() {
        let report = runner_terminal::run(REFUSED).report();
        let (answers, host) = with(Host::bare(), || {
            (call(PROCESS, REFUSED), call(ERRORS, REFUSED))
        });
        assert_eq!(answers, ("error".to_owned(), report.clone()));
        assert_eq!(host.exit_code(), None);

        let (answer, host) = with(Host::node(), || call(PROCESS, REFUSED));
        assert_eq!(answer, "error");
        assert_eq!(host.exit_code(), Some(1));
        assert_eq!((host.stdout(), host.stderr()), (native(REFUSED), report));
    }

    #[test]
    fn a_text_that_does_not_fit_is_told() {
        // Under Miri an allocation fails only because of its size.
        let beyond = if cfg!(miri) {
            u64::MAX / 2 + 1
        } else {
            1 << 46
        };
        for length in [beyond, u64::MAX / 2 + 1, u64::MAX] {
            let (answer, host) = with(Host::node().with_length(length), || call(PROCESS, LIST));
            assert_eq!(
                (answer.as_str(), host.exit_code()),
                ("error", Some(1)),
                "{length}"
            );
            assert!(host.stderr().contains("does not fit into the memory"));
        }
    }

    #[test]
    fn a_text_of_another_length_than_was_said_is_cut_or_ends_in_zeros() {
        let whole = u64::try_from(REFUSED.len()).unwrap();
        for length in [0, 1, whole - 1, whole + 1, whole + 4096] {
            let (read, _) = with(Host::bare().with_length(length), || {
                let text = lock()
                    .as_mut()
                    .unwrap()
                    .keep(TEXT, Thing::Text(REFUSED.to_owned()));
                go::bytes(text)
            });
            let mut expected = REFUSED.to_owned();
            expected.resize(usize::try_from(length).unwrap(), 0);
            assert_eq!(read, Some(expected), "{length}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for list in [&b""[..], b"\xff\xfe\0", b"\xf0\x9f\x98"] {
            let (answers, _) = with(Host::bare(), || (call(PROCESS, list), call(ERRORS, list)));
            assert_eq!(answers.0, "error");
            assert!(!answers.1.is_empty());
        }
    }

    #[test]
    fn an_event_that_is_none_is_refused() {
        let garbage = Value::from_bits(0x7FF8_0007_FFFF_FFFF);
        for event in [
            None,
            Some(&[][..]),
            Some(&[("id", garbage), ("args", garbage)]),
            Some(&[("id", ERRORS), ("args", Value::GLOBAL)]),
            Some(&[("id", Value::GO), ("args", Value::from_bits(0))]),
        ] {
            let (answer, _) = with(Host::node(), || call_with(event));
            let is_event = event.is_some();
            assert_eq!(!answer.is_empty(), is_event, "{answer}");
        }
    }

    #[test]
    fn a_host_that_fails_ends_nothing() {
        let (answer, _) = with(Host::node().that_fails(), || {
            go::run(-1, -1);
            call(PROCESS, LIST)
        });
        assert_eq!(answer, "");
    }
}
