//! Node.js, the one host that is installed and not built.

use anyhow::{Context as _, Result, bail};

use crate::process;

pub(crate) const NAME: &str = "node";

/// The oldest version whose WASI takes the options that `run.mjs` gives it.
const OLDEST: u32 = 20;

/// Checks that Node.js is there and new enough, and gives the line to print.
pub(crate) fn find() -> Result<String> {
    let output = process::capture(process::command(NAME).arg("--version"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().trim_start_matches('v');
    let major: u32 = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .with_context(|| format!("`node --version` says {version}, which is no version"))?;
    if major < OLDEST {
        bail!("Node.js {version} is too old: install Node.js {OLDEST} or newer");
    }
    Ok(format!("{NAME} {version} … found"))
}
