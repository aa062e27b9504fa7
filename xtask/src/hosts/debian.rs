//! Programs from Debian packages of the same name.

use std::env;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::{self, command};

/// Finds a program, or installs it if that is allowed, and returns which.
pub(crate) fn ensure(name: &str) -> Result<&'static str> {
    if is_there(name) {
        return Ok("found");
    }
    let by_hand = format!("apt-get update && apt-get install --yes {name}");
    let is_root = process::read(&mut command("id -u"))?.trim() == "0";
    if !is_root || !Path::new("/etc/debian_version").exists() {
        bail!("{name} is not installed; install it, on Debian by: sudo sh -c '{by_hand}'");
    }
    let mut install = command("env DEBIAN_FRONTEND=noninteractive sh -c");
    process::capture(install.arg(by_hand)).with_context(|| format!("cannot install {name}"))?;
    ensure!(
        is_there(name),
        "{name} is not there, although its package is installed"
    );
    Ok("installed")
}

fn is_there(name: &str) -> bool {
    // Debian's folder for administrators' programs, which may not be on the PATH.
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.any(|folder| folder.join(name).is_file())
}
