//! Unsafe code under Miri, which sees every access to memory and whether it may be.
//!
//! That is the border to kpt, with a host beside it that reads and writes where the module says
//! (`wasm/kpt/src/host.rs`), and a run of the core in between; and the masks of x86-64 alone. The
//! launcher's unsafe code cannot run there: `mprotect` and machine code that is mapped are nothing to
//! an interpreter. A run of every fixture in the launcher stands in
//! (`host/tests/sandbox_equals_native.rs`).

use anyhow::Result;

use crate::{nightly, process};

/// Addresses cross the border as numbers, and are made into pointers again on the other side.
const FLAGS: &str = "-Zmiri-permissive-provenance";

/// Installs Miri, and runs it.
pub(crate) fn run() -> Result<()> {
    nightly::install("--component miri --component rust-src", "miri --version")?;
    let masks = "miri test --package runner-terminal-krm --lib masks::tests::a_mask";
    process::run(&mut nightly::cargo(masks))?;
    let mut miri = nightly::cargo("miri test --package runner-terminal-kpt");
    process::run(miri.env("MIRIFLAGS", FLAGS))
}
