//! Node.js, the one host that is installed and not built.

use anyhow::{Result, bail};

use crate::process;

pub(crate) const NAME: &str = "node";

/// The oldest version that Vite runs on. `run.mjs` would do with the first 20.
pub(crate) const OLDEST: (u32, u32) = (20, 19);

/// Checks that Node.js is there and new enough, and gives the line to print.
pub(crate) fn find() -> Result<String> {
    let output = process::capture(process::command(NAME).arg("--version"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().trim_start_matches('v');
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else {
        bail!("`node --version` says {version}, which is no version");
    };
    if (major, minor) < OLDEST {
        let (major, minor) = OLDEST;
        bail!("Node.js {version} is too old: install Node.js {major}.{minor} or newer");
    }
    Ok(format!("{NAME} {version} … found"))
}
