//! Builds what the project gives people: the WASI module, the launcher around it,
//! and the native program that tests and benchmarks compare them with.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::workspace;

const GUEST: &str = "wasm32-wasip1";

/// The module, where tests and people find it.
pub(crate) fn module() -> PathBuf {
    workspace::target("runner-terminal.wasm")
}

/// Builds all three.
pub(crate) fn build() -> Result<()> {
    add_guest_target()?;

    let built = workspace::target("wasm32-wasip1/release/runner-terminal-wasi.wasm");
    process::run(process::command("cargo").args([
        "build",
        "--release",
        "--package=runner-terminal-wasi",
        "--target",
        GUEST,
    ]))?;
    copy_if_changed(&built, &module())?;

    let mut launcher = process::command("cargo");
    process::run(use_module(&mut launcher).args([
        "build",
        "--release",
        "--package=runner-terminal-host",
    ]))?;
    process::run(process::command("cargo").args([
        "build",
        "--release",
        "--package=runner-terminal",
        "--example=native",
    ]))
}

/// Makes the launcher's build embed the module that is built already, which saves it
/// from building its own.
pub(crate) fn use_module(cargo: &mut Command) -> &mut Command {
    cargo.env("RUNNER_TERMINAL_WASM", module())
}

/// Installs the Rust standard library for the module, where rustup looks after Rust.
fn add_guest_target() -> Result<()> {
    let output = process::capture(process::command("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        GUEST,
    ]))?;
    if fs::exists(String::from_utf8_lossy(&output.stdout).trim())? {
        return Ok(());
    }
    process::run(process::command("rustup").args(["target", "add", GUEST]))
}

/// Leaves an equal file alone, so that nothing is built again for its new date.
fn copy_if_changed(from: &PathBuf, to: &PathBuf) -> Result<()> {
    let new = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::write(to, new).with_context(|| format!("cannot write {}", to.display()))
}
