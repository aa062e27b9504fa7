//! runner-terminal as a WASI preview 1 module: a ResourceList on standard input, a ResourceList
//! on standard output, the results as text on standard error.
//!
//! If the environment has `RUNNER_TERMINAL_PREAMBLE`, the list is preceded by a line of JSON with
//! the results and the alignment of the items with those of the input (`krm::preamble`). The
//! launcher uses it to put items back into files.
//!
//! Exit code 0: done; 1: a result is an error, or an input or output stream failed.

#![forbid(unsafe_code)]

use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;
use std::{env, iter};

use krm::preamble::{self, Preamble};

/// Small pieces are gathered to this size, so that a list of thousands of small resources is not
/// thousands of calls to the host.
const OUTPUT_BUFFER: usize = 64 * 1024;

/// Lists up to this size are read without reallocation. A larger one is moved each time it outgrows
/// its buffer, and a module never returns memory. Unused capacity costs nothing: hosts allocate a
/// page only when something is written to it.
const INPUT_ROOM: usize = 16 * 1024 * 1024;

fn main() -> ExitCode {
    match function() {
        Ok(code) => code,
        Err(message) => {
            // Nobody is left to tell when standard error is closed as well.
            let _ = writeln!(io::stderr(), "runner-terminal: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the list, runs the function on it, and writes the output.
///
/// The whole output exists before its first byte is written, so a failed run leaves standard output
/// empty.
///
/// # Errors
///
/// A sentence for the user if a stream cannot be read or written.
fn function() -> Result<ExitCode, String> {
    let mut input = Vec::with_capacity(INPUT_ROOM);
    io::stdin()
        .lock()
        .read_to_end(&mut input)
        .map_err(|error| format!("cannot read the ResourceList from standard input: {error}"))?;
    input.shrink_to_fit();

    let outcome = runner_terminal::run(&input);

    let mut first_line = Vec::new();
    if env::var_os(preamble::VARIABLE).is_some() {
        let preamble = Preamble {
            alignment: outcome.alignment(),
            results: outcome.results(),
        };
        serde_json::to_writer(&mut first_line, &preamble)
            .map_err(|error| format!("cannot write the results, which is a bug: {error}"))?;
        first_line.push(b'\n');
    }
    let mut stdout = BufWriter::with_capacity(OUTPUT_BUFFER, io::stdout().lock());
    iter::once(first_line.as_slice())
        .chain(outcome.output())
        .try_for_each(|piece| stdout.write_all(piece))
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write the ResourceList to standard output: {error}"))?;
    io::stderr()
        .write_all(outcome.report().as_bytes())
        .map_err(|error| format!("cannot write the results to standard error: {error}"))?;

    Ok(if outcome.failed() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
