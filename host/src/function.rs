//! The KRM function: runs the module from standard input to standard output.

use std::io::{self, Read, StdoutLock, Write};
use std::process::ExitCode;

use krm::preamble::Preamble;
use runner_terminal::observed;
use thiserror::Error;

use crate::input::Input;
use crate::manifests::read::{self, ReadError};
use crate::observe::{self, Step};
use crate::sandbox::{self, Captured, Limits, LimitsError, Output, SandboxError, Streams};
use crate::standard_output::{self, OutputError};
use crate::terminal::{self, Messages};

/// The kind of functionConfig that reads from the cluster. If the list does not name it, the output is
/// written while the module runs.
const OBSERVING: &str = "AdvertiseAddress";

/// Why the function did not run to its end.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum FunctionError {
    /// A variable for a limit has an invalid value.
    Limits(#[from] LimitsError),
    /// Standard input is a device without an end, is too large, or broke.
    #[error("cannot read the ResourceList from standard input: {0}")]
    Input(ReadError),
    /// The module reached a limit, or broke.
    Sandbox(#[from] SandboxError),
    /// Standard output is closed, or cannot be written to.
    Output(#[from] OutputError),
}

/// Runs the module on this process's streams, and returns its exit code.
///
/// # Errors
///
/// The module reached a limit, or a stream broke.
pub(crate) fn run() -> Result<ExitCode, FunctionError> {
    let limits = Limits::from_environment()?;
    standard_output::must_be_open().map_err(OutputError::ResourceList)?;
    let list = read::check_stdin()
        .and_then(|()| Input::read(&mut io::stdin().lock(), limits.memory))
        .map_err(FunctionError::Input)?;
    let code = if list.contains(OBSERVING.as_bytes()) {
        run_buffered(list.into_bytes(), limits)?
    } else {
        run_streaming(list, limits)?
    };
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn run_streaming(list: Input, limits: Limits) -> Result<i32, FunctionError> {
    let streams = ProcessStreams {
        list,
        stdout: io::stdout().lock(),
        stderr: terminal::stderr(),
    };
    let (code, mut streams) = sandbox::run(streams, limits)?;
    streams.stdout.flush().map_err(OutputError::ResourceList)?;
    Ok(code)
}

/// The result of running the module.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// The ResourceList; empty if the input was not one.
    pub(crate) list: Vec<u8>,
    /// The results, and which items of the list correspond to which of the input.
    pub(crate) preamble: Preamble,
    /// The results, as lines.
    pub(crate) report: Vec<u8>,
}

impl Ran {
    /// Splits the module's output into the preamble, which is the first line, and the list.
    ///
    /// # Errors
    ///
    /// The first line is not a preamble.
    fn new(code: i32, streams: Captured) -> Result<Self, SandboxError> {
        let Captured {
            stdout: mut list,
            stderr: report,
            ..
        } = streams;
        let end = memchr::memchr(b'\n', &list).map_or(list.len(), |end| end + 1);
        let preamble = serde_json::from_slice(list.get(..end).unwrap_or_default())?;
        list.drain(..end);
        Ok(Self {
            code,
            list,
            preamble,
            report,
        })
    }
}

/// Runs the module on a list, and again with what it requests from the cluster. Returns the result
/// of the last run.
///
/// # Errors
///
/// The module reached a limit, or broke.
pub(crate) fn run_observing(list: Vec<u8>, limits: Limits) -> Result<Ran, SandboxError> {
    observe::run(list, |list| {
        let (code, streams) = sandbox::run(Captured::new(list), limits)?;
        let outcome = Ran::new(code, streams)?;
        Ok(Step {
            requests: observed::requests(&outcome.preamble.results),
            outcome,
        })
    })
}

/// Writes the output after the last run.
fn run_buffered(list: Vec<u8>, limits: Limits) -> Result<i32, FunctionError> {
    let ran = run_observing(list, limits)?;
    // A closed standard error is no reason to withhold the output.
    let _ = terminal::stderr().write_all(&ran.report);
    standard_output::write(&ran.list).map_err(OutputError::ResourceList)?;
    Ok(ran.code)
}

/// The list as input, and this process's own output streams.
struct ProcessStreams {
    list: Input,
    stdout: StdoutLock<'static>,
    stderr: Messages<io::Stderr>,
}

impl Streams for ProcessStreams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.list.read(buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        match output {
            Output::Stdout => self.stdout.write(bytes),
            Output::Stderr => self.stderr.write(bytes),
        }
    }
}
