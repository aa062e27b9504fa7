//! Runs unsafe code under Miri, which checks that every memory access is allowed.
//!
//! That is the interface to kpt, with a host that reads and writes where the module says
//! (`wasm/kpt/src/host.rs`) and a run of the core in between, and the masks that only x86-64 has.
//! The launcher's unsafe code cannot run there: an interpreter has no `mprotect` and no mapped
//! machine code. Instead, every fixture is run in the launcher
//! (`host/tests/sandbox_equals_native.rs`).

use anyhow::Result;

use crate::{nightly, process};

/// Addresses cross the interface as numbers, and become pointers again on the other side.
const FLAGS: &str = "-Zmiri-permissive-provenance";

/// Installs Miri, and runs it.
pub(crate) fn run() -> Result<()> {
    nightly::install("--component miri --component rust-src", "miri --version")?;
    let masks = "miri test --package runner-terminal-krm --lib masks::tests::a_mask";
    process::run(&mut nightly::cargo(masks))?;
    let mut miri = nightly::cargo("miri test --package runner-terminal-kpt");
    process::run(miri.env("MIRIFLAGS", FLAGS))
}
