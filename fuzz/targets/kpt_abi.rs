//! kpt's module reads and writes only memory that is there, whatever a host answers within the ABI; it
//! gives each call one answer; and where the host is honest, the answer is the function's.
//!
//! The module's files are taken in as they are, and this is their host. AddressSanitizer watches what
//! the host is told to read and to write, and what the module makes of it.

#![no_main]

use std::cell::RefCell;
use std::slice;

use arbitrary::Unstructured;
use fuzz::mutate;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[rustfmt::skip]
#[path = "../../wasm/kpt/src/frame.rs"]
#[allow(dead_code, missing_docs, reason = "the module's file, as it is")]
mod frame;
#[rustfmt::skip]
#[path = "../../wasm/kpt/src/go.rs"]
#[allow(
    dead_code,
    missing_docs,
    clashing_extern_declarations,
    reason = "the module's file, as it is"
)]
mod go;
#[rustfmt::skip]
#[path = "../../wasm/kpt/src/program.rs"]
#[allow(dead_code, missing_docs, reason = "the module's file, as it is")]
mod program;
#[rustfmt::skip]
#[path = "../../wasm/kpt/src/value.rs"]
#[allow(dead_code, missing_docs, reason = "the module's file, as it is")]
mod value;

use frame::Frame;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

/// What is on the other side, for one input.
#[derive(Default)]
struct Host {
    /// The list that the module is given.
    list: Vec<u8>,
    /// The texts that the module has made, by their number.
    texts: Vec<Vec<u8>>,
    /// What the host says where it does not say what is so; empty when it always does.
    lies: Vec<u64>,
    answered: usize,
    /// The function that is called.
    function: u32,
    /// The process has this function, as in Node.js.
    has_exit: bool,
    /// What was set as the call's result.
    results: Vec<u64>,
    /// What was written to standard output and standard error.
    written: [Vec<u8>; 2],
    exits: usize,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

const NAN: u64 = 0x7FF8_0000 << 32;
const OBJECT: u64 = NAN | 1 << 32;
const TEXT: u64 = NAN | 2 << 32;
const FUNCTION: u64 = NAN | 4 << 32;

const GLOBAL: u64 = OBJECT | 5;
const GO: u64 = OBJECT | 6;
const CALL: u64 = OBJECT | 20;
const ARGUMENTS: u64 = OBJECT | 21;
const PROCESS: u64 = OBJECT | 22;
const WRAPPER: u64 = FUNCTION | 23;
const EXIT: u64 = FUNCTION | 24;
const LIST: u64 = TEXT | 25;
const PREPARED: u64 = OBJECT | 26;
/// The module's texts begin here.
const FIRST_TEXT: u64 = TEXT | 100;

fuzz_target!(|input: &[u8]| {
    // Not `tape::split`: what a package holds may be anything.
    let end = input
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(input.len());
    let (list, choices) = input.split_at(end);
    let mut choices = Unstructured::new(choices.get(1..).unwrap_or_default());
    let mut calls = || -> arbitrary::Result<()> {
        let has_exit = choices.arbitrary()?;
        go::run(0, 0);
        for function in [1, 2, 3] {
            let lies: Vec<u64> = if choices.arbitrary()? {
                lies(&mut choices)?
            } else {
                Vec::new()
            };
            let is_honest = lies.is_empty();
            HOST.with_borrow_mut(|host| {
                *host = Host {
                    list: list.to_vec(),
                    lies,
                    function,
                    has_exit,
                    ..Host::default()
                };
            });
            go::resume();
            HOST.with_borrow(|host| check(host, is_honest));
        }
        Ok(())
    };
    let _ = calls();
});

fn lies(choices: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u64>> {
    let known = [
        0,
        1,
        5,
        31,
        4096,
        65_536,
        u64::MAX,
        1 << 63,
        NAN | 1,
        NAN | 2,
        GLOBAL,
        GO,
        CALL,
        ARGUMENTS,
        PROCESS,
        EXIT,
        WRAPPER,
        LIST,
        FIRST_TEXT,
        1.0_f64.to_bits(),
        2.0_f64.to_bits(),
    ];
    let count = choices.int_in_range(1..=24)?;
    let lies = (0..count).map(|_| {
        // Zero here is no lie, but the truth.
        Ok(match choices.int_in_range(0..=4)? {
            0 | 1 => 0,
            2 => choices.arbitrary()?,
            _ => *choices.choose(&known)?,
        })
    });
    lies.collect()
}

fn check(host: &Host, is_honest: bool) {
    for text in host.texts.iter().chain(&host.written) {
        assert!(
            std::str::from_utf8(text).is_ok(),
            "this is no text: {text:?}"
        );
    }
    if !is_honest {
        return;
    }
    let [result] = host.results[..] else {
        panic!("{} answers to one call", host.results.len());
    };
    let result = &host.texts[(result - FIRST_TEXT) as usize];
    let outcome = runner_terminal::run(&host.list);
    let expected = match (host.function, outcome.failed()) {
        (2, true) => outcome.report(),
        (2, false) => String::new(),
        (_, true) => "error".to_owned(),
        (_, false) => outcome.text(),
    };
    assert!(
        *result == expected.as_bytes(),
        "another answer than the function's"
    );
    let ends = outcome.failed() && host.has_exit && host.function != 2;
    assert_eq!(host.exits, usize::from(ends));
    if ends {
        assert!(host.written == [outcome.text().into_bytes(), outcome.report().into_bytes()]);
    }
}

impl Host {
    /// What the host says in place of this.
    fn says(&mut self, truth: u64) -> u64 {
        let lie = self
            .lies
            .get(self.answered % self.lies.len().max(1))
            .copied();
        self.answered += 1;
        match lie {
            None | Some(0) => truth,
            Some(lie) => lie,
        }
    }

    fn bytes_of(&self, text: u64) -> Option<&[u8]> {
        if text == LIST || text == PREPARED {
            return Some(&self.list);
        }
        let place = text.checked_sub(FIRST_TEXT)?;
        self.texts
            .get(usize::try_from(place).ok()?)
            .map(Vec::as_slice)
    }
}

/// One call of the module's: the words on its stack.
struct Call(*mut u64);

impl Call {
    fn word(&self, word: usize) -> u64 {
        // SAFETY: the module keeps ten words there, and AddressSanitizer says if it does not.
        unsafe { self.0.add(word).read() }
    }

    fn set(&self, word: usize, bits: u64) {
        // SAFETY: as above; the words are atomics, which may change.
        unsafe { self.0.add(word).write(bits) }
    }

    /// Sets one byte of a word.
    fn set_byte(&self, word: usize, byte: u8) {
        // SAFETY: as above.
        unsafe { self.0.add(word).cast::<u8>().write(byte) }
    }

    /// What the module tells the host to read: an address and a length.
    fn bytes(&self, word: usize) -> Vec<u8> {
        let (address, length) = (self.word(word) as usize, self.word(word + 1) as usize);
        // SAFETY: this is the module's own promise. AddressSanitizer says if it is not kept.
        unsafe { slice::from_raw_parts(address as *const u8, length) }.to_vec()
    }
}

/// Answers a call of an import.
fn answer(frame: *const Frame, with: impl FnOnce(&mut Host, &Call)) {
    let call = Call(frame.cast_mut().cast());
    HOST.with_borrow_mut(|host| with(host, &call));
}

#[unsafe(export_name = "runtime.wasmWrite")]
extern "C" fn wasm_write(frame: *const Frame) {
    answer(frame, |host, call| {
        let text = call.bytes(2);
        match call.word(1) {
            1 => host.written[0].extend(text),
            2 => host.written[1].extend(text),
            other => panic!("there is no descriptor {other}"),
        }
    });
}

#[unsafe(export_name = "syscall/js.stringVal")]
extern "C" fn string_val(frame: *const Frame) {
    answer(frame, |host, call| {
        host.texts.push(call.bytes(1));
        let text = FIRST_TEXT + host.texts.len() as u64 - 1;
        call.set(3, host.says(text));
    });
}

#[unsafe(export_name = "syscall/js.valueGet")]
extern "C" fn value_get(frame: *const Frame) {
    answer(frame, |host, call| {
        let truth = match (call.word(1), &call.bytes(2)[..]) {
            (GO, b"_pendingEvent") => CALL,
            (CALL, b"id") => f64::from(host.function).to_bits(),
            (CALL, b"args") => ARGUMENTS,
            (GLOBAL, b"process") if host.has_exit => PROCESS,
            (PROCESS, b"exit") => EXIT,
            _ => 0,
        };
        call.set(4, host.says(truth));
    });
}

#[unsafe(export_name = "syscall/js.valueSet")]
extern "C" fn value_set(frame: *const Frame) {
    answer(frame, |host, call| {
        if (call.word(1), &call.bytes(2)[..]) == (CALL, b"result") {
            host.results.push(call.word(4));
        }
    });
}

#[unsafe(export_name = "syscall/js.valueIndex")]
extern "C" fn value_index(frame: *const Frame) {
    answer(frame, |host, call| {
        let truth = if (call.word(1), call.word(2)) == (ARGUMENTS, 0) {
            LIST
        } else {
            0
        };
        call.set(3, host.says(truth));
    });
}

#[unsafe(export_name = "syscall/js.valueCall")]
extern "C" fn value_call(frame: *const Frame) {
    answer(frame, |host, call| {
        let method = call.bytes(2);
        let (address, count) = (call.word(4) as usize, call.word(5) as usize);
        // SAFETY: as in `Call::bytes`.
        let arguments = unsafe { slice::from_raw_parts(address as *const u64, count) };
        assert_eq!(arguments.len(), 1);
        let truth = match (call.word(1), &method[..]) {
            (GO, b"_makeFuncWrapper") => WRAPPER,
            (PROCESS, b"exit") => {
                host.exits += 1;
                0
            }
            _ => 0,
        };
        call.set(7, host.says(truth));
        call.set_byte(6, 1);
        call.set_byte(8, 1);
    });
}

#[unsafe(export_name = "syscall/js.valuePrepareString")]
extern "C" fn value_prepare_string(frame: *const Frame) {
    answer(frame, |host, call| {
        let length = host.bytes_of(call.word(1)).map_or(0, <[u8]>::len) as u64;
        let said = host.says(length);
        // More than a page is more than the memory here, so that it cannot be had.
        let said = if said > 1 << 20 { u64::MAX } else { said };
        call.set(2, host.says(PREPARED));
        call.set(3, said);
    });
}

#[unsafe(export_name = "syscall/js.valueLoadString")]
extern "C" fn value_load_string(frame: *const Frame) {
    answer(frame, |host, call| {
        let (address, length) = (call.word(2) as usize, call.word(3) as usize);
        // It writes no more than there is room for, and maybe less.
        let bytes = host.bytes_of(call.word(1)).unwrap_or(b"\xff\0items:\n- ");
        let written = &bytes[..bytes.len().min(length)];
        // SAFETY: as in `Call::bytes`, and the module lends this memory for the call.
        let room = unsafe { slice::from_raw_parts_mut(address as *mut u8, length) };
        room[..written.len()].copy_from_slice(written);
    });
}
