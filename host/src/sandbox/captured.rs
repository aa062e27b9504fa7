//! Streams in memory.

use std::io::{self, Cursor, Read, Write};

use krm::preamble;

use super::wasi::{Output, Streams};

/// An input, and the outputs of a run.
pub(crate) struct Captured {
    stdin: Cursor<Vec<u8>>,
    /// What the module wrote to standard output.
    pub(crate) stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub(crate) stderr: Vec<u8>,
}

impl Captured {
    pub(crate) fn new(stdin: Vec<u8>) -> Self {
        Self {
            stdin: Cursor::new(stdin),
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }
}

impl Streams for Captured {
    const VARIABLE: Option<&str> = Some(preamble::VARIABLE);

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stdin.read(buffer)
    }

    fn write(&mut self, output: Output, bytes: &[u8]) -> io::Result<usize> {
        match output {
            Output::Stdout => self.stdout.write(bytes),
            Output::Stderr => self.stderr.write(bytes),
        }
    }
}
