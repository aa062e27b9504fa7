//! The KRM function: standard input to standard output, through the module.

use std::io::{self, Read, StdoutLock, Write};
use std::process::ExitCode;

use krm::sidecar;
use runner_terminal::observed;

use crate::input::Input;
use crate::manifests::read;
use crate::observe::{self, Step};
use crate::sandbox::{self, Captured, Limits, Output, Streams};
use crate::standard_output;

/// The kind of functionConfig that has to know of the cluster. Where the list does not name it, the
/// output goes out as it is made.
const OBSERVING: &str = "AdvertiseAddress";

/// Runs the module on this process's streams, and gives its exit code; 1 when it reached a limit.
///
/// # Errors
///
/// A sentence for the person at the terminal: a limit was reached, or could not be read.
pub(crate) fn run() -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    standard_output::must_be_open().map_err(cannot_write)?;
    let list = read::check_stdin()
        .and_then(|()| Input::read(&mut io::stdin().lock(), limits.memory))
        .map_err(|error| format!("cannot read the ResourceList from standard input: {error}"))?;
    let code = if list.contains(OBSERVING.as_bytes()) {
        run_held_back(list.into_bytes(), limits)?
    } else {
        run_through(list, limits)?
    };
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn run_through(list: Input, limits: Limits) -> Result<i32, String> {
    let streams = Through {
        list,
        stdout: io::stdout().lock(),
    };
    let (code, mut streams) = sandbox::run(streams, limits).map_err(|error| error.to_string())?;
    streams.stdout.flush().map_err(cannot_write)?;
    Ok(code)
}

/// What one run of the module gave.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// The ResourceList; empty where the input was none.
    pub(crate) list: Vec<u8>,
    /// The results, and which items of the list are which of the input's.
    pub(crate) sidecar: sidecar::Read,
    /// The results, as lines.
    pub(crate) report: Vec<u8>,
}

impl Ran {
    /// Takes apart what the module wrote: the sidecar on the first line, then the list.
    fn new(code: i32, streams: Captured) -> Result<Self, String> {
        let Captured { stdout, stderr, .. } = streams;
        let mut ran = Self {
            code,
            list: Vec::new(),
            sidecar: sidecar::Read::default(),
            report: stderr,
        };
        if let Some(end) = memchr::memchr(b'\n', &stdout) {
            let (line, list) = stdout.split_at(end + 1);
            ran.sidecar = serde_json::from_slice(line).map_err(|error| {
                format!("the function's output cannot be read, which is a bug: {error}")
            })?;
            ran.list = list.to_vec();
        }
        Ok(ran)
    }
}

/// Runs the module on a list, again when it has to know of the cluster, and gives what the last run
/// gave.
///
/// # Errors
///
/// A sentence: a limit was reached.
pub(crate) fn run_observing(list: Vec<u8>, limits: Limits) -> Result<Ran, String> {
    observe::run(list, |list| {
        let ran = sandbox::run(Captured::new(list), limits);
        let (code, streams) = ran.map_err(|error| error.to_string())?;
        let outcome = Ran::new(code, streams)?;
        Ok(Step {
            requests: observed::requests(&outcome.sidecar.results),
            outcome,
        })
    })
}

/// Holds the output back until it is known that no further run replaces it.
fn run_held_back(list: Vec<u8>, limits: Limits) -> Result<i32, String> {
    let ran = run_observing(list, limits)?;
    // A closed standard error is no reason to withhold the output.
    let _ = io::stderr().write_all(&ran.report);
    standard_output::write(&ran.list).map_err(cannot_write)?;
    Ok(ran.code)
}

fn cannot_write(error: io::Error) -> String {
    format!("cannot write the ResourceList to standard output: {error}")
}

/// A list in, and this process's own streams out.
struct Through {
    list: Input,
    stdout: StdoutLock<'static>,
}

impl Streams for Through {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.list.read(buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        match output {
            Output::Stdout => self.stdout.write(bytes),
            Output::Stderr => io::stderr().write(bytes),
        }
    }
}
