//! The program as kpt sees it: two global JavaScript functions.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::go;
use crate::value::Value;

/// Takes a ResourceList, gives a ResourceList.
const PROCESS: (Value, &str) = (Value::number(1), "processResourceList");

/// Takes the same list if the answer was not a ResourceList, and returns the reason.
const ERRORS: (Value, &str) = (Value::number(2), "processResourceListErrors");

/// What [`PROCESS`] gives after an error. A ResourceList would pass for success, whatever its
/// results: kpt looks at exit codes, and a Wasm function has none.
const NO_LIST: &str = "error";

/// Whether the heap was used up. A trap follows, and static data survives it.
static FULL: AtomicBool = AtomicBool::new(false);

/// Registers both functions with the host.
pub(crate) fn start() {
    for (id, name) in [PROCESS, ERRORS] {
        let function = go::call(Value::GO, "_makeFuncWrapper", id);
        go::set(Value::GLOBAL, name, function);
    }
}

/// Answers the call that the host has recorded.
pub(crate) fn resume() {
    let call = go::get(Value::GO, "_pendingEvent");
    let function = go::get(call, "id");
    let list = go::index(go::get(call, "args"), 0);
    let answer = if function == ERRORS.0 {
        errors(list)
    } else {
        process(list)
    };
    go::set(call, "result", answer);
}

fn process(list: Value) -> Value {
    match outcome(list) {
        Ok(list) => go::string(&list),
        Err(failure) => {
            end_process(&failure);
            go::string(NO_LIST)
        }
    }
}

fn errors(list: Value) -> Value {
    if FULL.load(Ordering::Relaxed) {
        return go::string(&OUT_OF_MEMORY.message);
    }
    let failure = outcome(list).err().unwrap_or_default();
    go::string(&failure.message)
}

/// A failed run.
#[derive(Default)]
struct Failure {
    /// The list with the results, where there is one.
    list: String,
    /// The results as text for the user.
    message: Cow<'static, str>,
}

const OUT_OF_MEMORY: Failure = Failure {
    list: String::new(),
    message: Cow::Borrowed(
        "runner-terminal: the package does not fit into the memory of the Wasm module: run the \
         command instead, which has more of it, by kpt fn eval --exec runner-terminal\n",
    ),
};

/// Runs the function on a list.
fn outcome(list: Value) -> Result<String, Failure> {
    let input = go::bytes(list).ok_or(OUT_OF_MEMORY)?;
    let outcome = runner_terminal::run(&input);
    if !outcome.failed() {
        return Ok(outcome.text());
    }
    Err(Failure {
        list: outcome.text(),
        message: outcome.report().into(),
    })
}

/// To be called when the heap is used up.
pub(crate) fn out_of_memory() {
    FULL.store(true, Ordering::Relaxed);
    end_process(&OUT_OF_MEMORY);
}

/// Resets the state, as one process runs several tests.
#[cfg(test)]
pub(crate) fn restart() {
    FULL.store(false, Ordering::Relaxed);
}

/// Ends kpt's Node.js as any other function would: with the list, if there is one, on standard
/// output, the message on standard error, and exit code 1. Does nothing in kpt's other runtime,
/// which has no processes.
fn end_process(failure: &Failure) {
    let process = go::get(Value::GLOBAL, "process");
    if go::get(process, "exit").is_function() {
        go::write(1, &failure.list);
        go::write(2, &failure.message);
        go::call(process, "exit", Value::number(1));
    }
}
