//! The programs that are measured.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::input::Input;
use super::lists::List;
use crate::process;

/// A program which reads a ResourceList on stdin, or a kustomization, and writes manifests on stdout.
#[derive(Debug)]
pub(crate) struct Program {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Its command, which starts in the workspace's root.
    command: &'static str,
    /// What it does with its input.
    pub(crate) role: Role,
    /// Why it is given no more than [`MANY`] objects; empty when it is.
    pub(crate) left_out: &'static str,
}

/// What a program is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The function, in one of the ways to run it.
    Function,
    /// The same job, written otherwise.
    Peer,
    /// No job: the cost of starting a process and passing the bytes on.
    Floor,
}

/// What people install: the module, compiled, in the launcher's sandbox.
pub(crate) const LAUNCHER: &str = "launcher (sandboxed module)";
/// The same code without a sandbox.
pub(crate) const NATIVE: &str = "native core";
/// The same job on the framework that functions are usually written on.
pub(crate) const KYAML: &str = "kyaml (Go)";
/// The floor.
pub(crate) const CAT: &str = "cat";

/// What is the most for some programs.
const MANY: usize = 10_000;

/// Stands in a command for the kustomization's folder.
const KUSTOMIZATION: &str = "KUSTOMIZATION";

/// All programs, in the tables' order.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: LAUNCHER,
        command: "target/release/runner-terminal",
        role: Role::Function,
        left_out: "",
    },
    Program {
        name: NATIVE,
        command: "target/release/examples/native",
        role: Role::Function,
        left_out: "",
    },
    Program {
        name: "module in Node.js",
        command: "node tests/hosts/node/run.mjs target/runner-terminal.wasm",
        role: Role::Function,
        left_out: "it grows as the launcher does",
    },
    Program {
        name: "module in wazero",
        command: "target/hosts/bin/wazero-run target/runner-terminal.wasm",
        role: Role::Function,
        left_out: "it grows as the launcher does",
    },
    Program {
        name: KYAML,
        command: "target/hosts/bin/kyaml-peer",
        role: Role::Peer,
        left_out: "ten times what 10,000 objects take is 11 GiB",
    },
    Program {
        name: "kustomize's own patches",
        command: "target/hosts/bin/kustomize build KUSTOMIZATION",
        role: Role::Peer,
        left_out: "a tenth of it takes over a minute",
    },
    Program {
        name: CAT,
        command: "cat",
        role: Role::Floor,
        left_out: "",
    },
];

impl Program {
    /// Whether the program is given a list of this size at all.
    pub(crate) fn takes(&self, list: List) -> bool {
        list.items <= MANY || self.left_out.is_empty()
    }

    /// Whether it reads a kustomization, in place of its stdin.
    pub(crate) fn reads_kustomization(&self) -> bool {
        self.command.ends_with(KUSTOMIZATION)
    }

    /// The command on an input.
    pub(crate) fn on(&self, input: &Input) -> Invocation {
        let folder = input.kustomization.to_string_lossy();
        Invocation {
            words: self
                .command
                .split(' ')
                .map(|word| word.replace(KUSTOMIZATION, &folder))
                .collect(),
            input: input.file.clone(),
        }
    }
}

/// A command with its input.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// What is on its stdin.
    pub(crate) input: PathBuf,
}

impl Invocation {
    /// A command of plain words.
    pub(crate) fn new(command: &str, input: &Path) -> Self {
        Self {
            words: command.split(' ').map(str::to_owned).collect(),
            input: input.to_owned(),
        }
    }

    /// The command, started by `wrapper` if that is not empty.
    pub(crate) fn command(&self, wrapper: &[&str]) -> Result<Command> {
        let own = self.words.iter().map(String::as_str);
        let mut words = wrapper.iter().copied().chain(own);
        let mut command = process::command(words.next().unwrap_or_default());
        let input = File::open(&self.input)
            .with_context(|| format!("cannot open {}", self.input.display()))?;
        command.args(words).stdin(input);
        Ok(command)
    }
}
