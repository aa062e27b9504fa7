//! A small static program in the place of the launcher, for the tests of packing: the function without
//! its sandbox. The launcher itself takes minutes to build, and `cargo xtask dist` runs it.

use anyhow::Result;

use super::cargo;
use crate::{artifacts, process, workspace};

/// Builds it where the tests look for it.
pub(crate) fn build() -> Result<()> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    artifacts::add_target(&target)?;
    let mut cargo = cargo::command(workspace::root(), &["-Clinker=rust-lld", "-Cstrip=symbols"])?;
    cargo.args(["build", "--package=runner-terminal", "--example=native"]);
    cargo.args(["--target", &target, "--target-dir"]);
    process::run(cargo.arg(workspace::target("")))
}
