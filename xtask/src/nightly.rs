//! The nightly compiler, for tools that no stable one has. It builds nothing that people run.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, command};

/// Which one. A newer one may say more, so it is a change like any other.
const NIGHTLY: &str = "nightly-2026-10-28";

/// Installs it with more of its parts, unless it is there and runs this, which asks nobody but this
/// machine.
pub(crate) fn install(more: &str, probe: &str) -> Result<()> {
    if process::read(&mut cargo(probe)).is_ok() {
        return Ok(());
    }
    println!("installing {NIGHTLY}");
    let install = "rustup toolchain install --no-self-update --profile minimal";
    process::run(&mut command(&format!("{install} {more} {NIGHTLY}")))
}

/// Its cargo.
pub(crate) fn cargo(arguments: &str) -> Command {
    command(&format!("rustup run {NIGHTLY} cargo {arguments}"))
}
