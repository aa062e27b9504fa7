//! Running other programs, with errors that say which one and what to do.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Result, anyhow, bail};

use crate::workspace;

/// A command that starts in the workspace's root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root());
    command
}

/// Runs a command which talks to the terminal itself.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .map_err(|error| not_started(command, &error))?;
    if !status.success() {
        bail!("`{}` failed: {status}", text_of(command));
    }
    Ok(())
}

/// Installs the packages that a folder's `package-lock.json` pins.
pub(crate) fn npm_ci(folder: &Path) -> Result<()> {
    npm(folder, &["ci", "--no-fund", "--no-audit"])
}

/// Runs npm in a folder.
pub(crate) fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    run(command("npm").args(arguments).current_dir(folder))
}

/// Runs a command quietly. Its messages on stderr come with the error if it fails.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        bail!(
            "`{}` failed: {}\n{}",
            text_of(command),
            output.status,
            String::from_utf8_lossy(&output.stderr),
        );
    }
    Ok(output)
}

/// The command as one would type it.
pub(crate) fn text_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() == ErrorKind::NotFound {
        return anyhow!("{program} is not installed: {}", how_to_install(&program));
    }
    anyhow!("{program} does not start: {error}")
}

fn how_to_install(program: &str) -> &'static str {
    match program {
        "cc" | "c++" => {
            "install a C and C++ compiler, on Debian by: sudo apt-get install --yes build-essential"
        }
        "go" => "install Go 1.26 or newer",
        "node" | "npm" => "install Node.js 20.19 or newer",
        "rustup" => "install Rust with rustup, or add the target wasm32-wasip1 by other means",
        _ => "run `cargo xtask hosts` and `cargo xtask build` first",
    }
}
