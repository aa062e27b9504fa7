//! The programs that are measured.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// A program which reads a ResourceList on stdin and writes one on stdout.
pub(crate) struct Program {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Its command, which starts in the workspace's root.
    pub(crate) command: &'static str,
    /// What it does with its input.
    pub(crate) role: Role,
}

/// What a program is in the comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The function, in one of the ways to run it.
    Function,
    /// The same job, written otherwise.
    Peer,
    /// No job: the cost of starting a process and passing the bytes on.
    Floor,
}

/// All programs, in the table's order.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "runner-terminal (launcher)",
        command: "target/release/runner-terminal",
        role: Role::Function,
    },
    Program {
        name: "native, no sandbox",
        command: "target/release/examples/native",
        role: Role::Function,
    },
    Program {
        name: "module in Node.js",
        command: "node tests/hosts/node/run.mjs target/runner-terminal.wasm",
        role: Role::Function,
    },
    Program {
        name: "module in wazero",
        command: "target/hosts/bin/wazero-run target/runner-terminal.wasm",
        role: Role::Function,
    },
    Program {
        name: "kyaml (Go)",
        command: "target/hosts/bin/kyaml-peer",
        role: Role::Peer,
    },
    Program {
        name: "cat",
        command: "cat",
        role: Role::Floor,
    },
];

impl Program {
    /// The command with the file as its input, under `wrapper` if that is not empty.
    pub(crate) fn on(&self, file: &Path, wrapper: &[&str]) -> Result<Command> {
        let mut words = wrapper.iter().copied().chain(self.command.split(' '));
        let mut command = process::command(words.next().unwrap_or_default());
        let input = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        command.args(words).stdin(input);
        Ok(command)
    }
}
