//! Hosts that are Debian packages.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;

/// The programs, each of a package of its name.
pub(crate) const NAMES: [&str; 3] = ["chromium", "haproxy", "valgrind"];

/// Where Debian puts programs for administrators, which not everybody has on their PATH.
const ADMINISTRATORS: &str = "/usr/sbin";

/// Finds a program, or installs it where this may be done, and gives the line to print.
pub(crate) fn ensure(name: &str) -> Result<String> {
    if is_there(name) {
        return Ok(format!("{name} … found"));
    }
    let by_hand = format!("apt-get update && apt-get install --yes {name}");
    if !is_root()? || !Path::new("/etc/debian_version").exists() {
        bail!("{name} is not installed; install it, on Debian by: sudo sh -c '{by_hand}'");
    }
    let mut install = process::command("sh");
    install
        .args(["-c", &by_hand])
        .env("DEBIAN_FRONTEND", "noninteractive");
    process::capture(&mut install).with_context(|| format!("cannot install {name}"))?;
    if !is_there(name) {
        bail!("{name} is not there, although its package is installed");
    }
    Ok(format!("{name} … installed"))
}

fn is_there(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([ADMINISTRATORS.into()])
        .any(|folder| folder.join(name).is_file())
}

fn is_root() -> Result<bool> {
    let output = process::capture(Command::new("id").arg("-u"))?;
    Ok(output.stdout.trim_ascii() == b"0")
}
