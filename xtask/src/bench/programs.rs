//! The programs that are measured.

use super::input::Input;
use super::lists::List;

/// A program which reads a ResourceList on stdin, or a kustomization, and writes manifests on stdout.
pub(crate) struct Program {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Its command, which starts in the workspace's root.
    command: &'static str,
    pub(crate) role: Role,
    /// Why it is given no more than [`MANY`] objects; empty when it is.
    pub(crate) left_out: &'static str,
}

/// What a program is in the comparison.
#[derive(Clone, Copy, PartialEq)]
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
pub(crate) const LAUNCHER_COMMAND: &str = "target/release/runner-terminal";
/// The same code without a sandbox.
pub(crate) const NATIVE: &str = "native core";
pub(crate) const NATIVE_COMMAND: &str = "target/release/examples/native";
/// The same job on the framework that functions are usually written on.
pub(crate) const KYAML: &str = "kyaml (Go)";
pub(crate) const CAT: &str = "cat";

/// What is the most for some programs.
const MANY: usize = 10_000;
/// Stands in a command for the kustomization's folder.
const KUSTOMIZATION: &str = "KUSTOMIZATION";
/// Why a module's hosts are left out.
const AS_LAUNCHER: &str = "it grows as the launcher does";

const NODE: &str = "node tests/hosts/node/run.mjs target/runner-terminal.wasm";
const WAZERO: &str = "target/hosts/bin/wazero-run target/runner-terminal.wasm";
const KUSTOMIZE: &str = "target/hosts/bin/kustomize build KUSTOMIZATION";
const TOO_MUCH: &str = "ten times what 10,000 objects take is 11 GiB";
const TOO_SLOW: &str = "a tenth of it takes over a minute";

/// All programs, in the tables' order.
pub(crate) const PROGRAMS: &[Program] = &[
    program(LAUNCHER, LAUNCHER_COMMAND, Role::Function, ""),
    program(NATIVE, NATIVE_COMMAND, Role::Function, ""),
    program("module in Node.js", NODE, Role::Function, AS_LAUNCHER),
    program("module in wazero", WAZERO, Role::Function, AS_LAUNCHER),
    program(KYAML, "target/hosts/bin/kyaml-peer", Role::Peer, TOO_MUCH),
    program("kustomize's own patches", KUSTOMIZE, Role::Peer, TOO_SLOW),
    program(CAT, "cat", Role::Floor, ""),
];

const fn program(
    name: &'static str,
    command: &'static str,
    role: Role,
    left_out: &'static str,
) -> Program {
    Program {
        name,
        command,
        role,
        left_out,
    }
}

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
    pub(crate) fn on(&self, input: &Input) -> String {
        self.command.replace(KUSTOMIZATION, &input.kustomization)
    }
}
