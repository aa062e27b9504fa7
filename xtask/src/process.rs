//! Runs other programs, with errors that say which one failed and what to do.

use std::io::{Error, ErrorKind};
use std::process::{Command, ExitStatus, Output};

use anyhow::{Result, anyhow, bail, ensure};

use crate::workspace;

/// Installs the packages that a folder's `package-lock.json` pins.
pub(crate) const NPM_CI: &str = "ci --no-fund --no-audit";

/// A command without quoting, which is run in the workspace's root.
pub(crate) fn command(line: &str) -> Command {
    let (program, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let mut command = if program.contains('/') {
        Command::new(workspace::root().join(program))
    } else {
        Command::new(program)
    };
    command.args(arguments.split_whitespace());
    command.current_dir(workspace::root());
    command
}

/// Runs npm in a folder of the workspace.
pub(crate) fn npm(folder: &str, arguments: &str) -> Result<()> {
    let mut npm = command(&format!("npm {arguments}"));
    run(npm.current_dir(workspace::root().join(folder)))
}

/// Runs a command that uses the terminal itself.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "`{}` failed: {status}", text_of(command));
    Ok(())
}

/// Runs a command which talks to the terminal itself, whether it fails or not.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    let status = command.status();
    status.map_err(|error| not_started(command, &error))
}

/// Runs a command quietly, whether it fails or not.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let output = command.output();
    output.map_err(|error| not_started(command, &error))
}

/// Runs a command quietly. Its messages on stderr come with the error if it fails.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    let output = output(command)?;
    succeeded(command, output)
}

/// The output of a command, if it has succeeded.
pub(crate) fn succeeded(command: &Command, output: Output) -> Result<Output> {
    if !output.status.success() {
        let (text, messages) = (text_of(command), String::from_utf8_lossy(&output.stderr));
        bail!("`{text}` failed: {}\n{messages}", output.status);
    }
    Ok(output)
}

/// What a command prints.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8(capture(command)?.stdout)?)
}

/// The command as one would type it.
pub(crate) fn text_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn not_started(command: &Command, error: &Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy();
    if error.kind() != ErrorKind::NotFound {
        return anyhow!("{program} does not start: {error}");
    }
    let how_to_install = match &*program {
        "cc" | "c++" => {
            "install a C and C++ compiler, on Debian by: sudo apt-get install --yes build-essential"
        }
        "go" => "install Go 1.26 or newer",
        "node" | "npm" => "install Node.js 20.19 or newer",
        "rustup" => "install Rust with rustup, or add the target wasm32-wasip1 by other means",
        _ => "run `cargo xtask hosts` and `cargo xtask build` first",
    };
    anyhow!("{program} is not installed: {how_to_install}")
}
