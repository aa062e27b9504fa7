//! A cargo whose output says nothing of this machine.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::paths::Paths;

/// Cargo in a copy of the workspace, with flags for rustc.
///
/// The flags replace those of the environment and of the person's configuration: with others it would
/// not be the same program.
pub(super) fn command(root: &Path, more_flags: &[&str]) -> Result<Command> {
    let mut flags = OsString::new();
    for flag in more_flags.iter().map(OsString::from) {
        push(&mut flags, &flag);
    }
    for flag in Paths::of(root)?.remap_flags() {
        push(&mut flags, &flag);
    }
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags);
    // Set by the cargo that runs this, about another build.
    for name in [
        "CARGO_BUILD_TARGET",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUNNER_TERMINAL_WASM",
    ] {
        cargo.env_remove(name);
    }
    Ok(cargo)
}

/// Flags are separated by a character that no path has.
fn push(flags: &mut OsString, flag: &OsString) {
    if !flags.is_empty() {
        flags.push("\u{1f}");
    }
    flags.push(flag);
}
