//! The nightly compiler, for tools that no stable one has. It builds nothing that people run.

use std::process::Command;

use anyhow::Result;

use crate::process;

/// Which one. A newer one may say more, so it is a change like any other.
const NIGHTLY: &str = "nightly-2026-10-28";

/// Installs it with these components, unless it is there.
pub(crate) fn install(components: &[&str]) -> Result<()> {
    if has(components) {
        return Ok(());
    }
    println!("installing {NIGHTLY}");
    let mut rustup = process::command("rustup");
    rustup.args(["toolchain", "install", NIGHTLY, "--no-self-update"]);
    rustup.args(["--profile", "minimal"]);
    for component in components {
        rustup.args(["--component", component]);
    }
    process::run(&mut rustup)
}

/// Its cargo.
pub(crate) fn cargo() -> Command {
    let mut cargo = process::command("rustup");
    cargo.args(["run", NIGHTLY, "cargo"]);
    cargo
}

/// Asks nobody but this machine.
fn has(components: &[&str]) -> bool {
    let mut rustup = process::command("rustup");
    rustup.args(["component", "list", "--installed", "--toolchain", NIGHTLY]);
    let Ok(output) = process::capture(&mut rustup) else {
        return false;
    };
    // A component that is not the same on every machine has the machine's name behind its own.
    let installed = String::from_utf8_lossy(&output.stdout);
    components.iter().all(|component| {
        let mut lines = installed.lines();
        lines.any(|line| {
            line.strip_prefix(component)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    })
}
