//! The nightly compiler, for tools that no stable one has. It builds nothing that people run.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, command};

/// Which one. A newer one may say more, so it is a change like any other.
const NIGHTLY: &str = "nightly-2026-10-28";

/// Installs it with these components, unless it is there.
pub(crate) fn install(components: &[&str]) -> Result<()> {
    // This asks nobody but this machine.
    let list = format!("rustup component list --installed --toolchain {NIGHTLY}");
    let installed = process::read(&mut command(&list)).unwrap_or_default();
    // A component that is not the same on every machine has the machine's name behind its own.
    let is_there = |component: &&str| {
        let mut rests = installed
            .lines()
            .filter_map(|line| line.strip_prefix(*component));
        rests.any(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    if components.iter().all(is_there) {
        return Ok(());
    }
    println!("installing {NIGHTLY}");
    let line = format!("rustup toolchain install {NIGHTLY} --no-self-update --profile minimal");
    let mut rustup = command(&line);
    for component in components {
        rustup.args(["--component", component]);
    }
    process::run(&mut rustup)
}

/// Its cargo.
pub(crate) fn cargo(arguments: &str) -> Command {
    command(&format!("rustup run {NIGHTLY} cargo {arguments}"))
}
