//! The nightly compiler, for tools that the stable one lacks. It builds nothing that is released.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, command};

/// The pinned version. A newer one may report more, so an update is a change like any other.
const NIGHTLY: &str = "nightly-2026-10-28";

/// Installs it with additional components, unless it is installed and runs `probe`, which needs no
/// network.
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
