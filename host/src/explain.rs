//! `runner-terminal explain`: what the function would change, without changing it.

mod changes;
mod diff;
mod fields;
mod manifests;
mod table;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::arguments;
use crate::sandbox::{self, Limits, Output, Streams};

use changes::Changes;
use manifests::Manifests;

/// Runs the function on the manifests and prints a diff, a table and the results.
///
/// Gives the function's exit code.
///
/// # Errors
///
/// A sentence for the person at the terminal: manifests cannot be read or wrapped, or the function
/// reached a limit.
pub(crate) fn run(arguments: &arguments::Explain) -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    let manifests = Manifests::read(arguments)?;
    let streams = Captured::new(manifests.list());
    let (code, ran) = sandbox::run(streams, limits).map_err(|error| error.to_string())?;

    let list = String::from_utf8_lossy(&ran.stdout);
    let mut page = String::new();
    // Without a list there is nothing to compare: the results tell why.
    if !list.is_empty() {
        let changes = Changes::find(&manifests, &list)?;
        for (path, before, after) in changes.files() {
            diff::append(&mut page, path, before, after);
        }
        table::append(&mut page, &changes);
    }
    let results = String::from_utf8_lossy(&ran.stderr);
    if !results.is_empty() {
        page.push('\n');
        page.push_str(&results);
    }
    crate::print(&page)?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Streams that are text in memory.
struct Captured {
    stdin: io::Cursor<Vec<u8>>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Captured {
    fn new(stdin: &str) -> Self {
        Self {
            stdin: io::Cursor::new(stdin.into()),
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }
}

impl Streams for Captured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut self.stdin, buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        match output {
            Output::Stdout => self.stdout.write(bytes),
            Output::Stderr => self.stderr.write(bytes),
        }
    }
}
