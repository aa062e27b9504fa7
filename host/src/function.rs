//! The KRM function: standard input to standard output, through the module.

use std::io::{self, Read, StdinLock, StdoutLock, Write};
use std::process::ExitCode;

use crate::sandbox::{self, Limits, Output, Streams};

/// Runs the module on this process's streams, and gives its exit code; 1 when it reached a limit.
///
/// # Errors
///
/// A sentence for the person at the terminal: a limit was reached, or could not be read.
pub(crate) fn run() -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    let streams = Process {
        stdin: io::stdin().lock(),
        stdout: io::stdout().lock(),
    };
    let (code, mut streams) = sandbox::run(streams, limits).map_err(|error| error.to_string())?;
    streams
        .stdout
        .flush()
        .map_err(|error| format!("cannot write to standard output: {error}"))?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The streams of this process.
struct Process {
    stdin: StdinLock<'static>,
    stdout: StdoutLock<'static>,
}

impl Streams for Process {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdin.read(buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        match output {
            Output::Stdout => self.stdout.write(bytes),
            Output::Stderr => io::stderr().write(bytes),
        }
    }
}
