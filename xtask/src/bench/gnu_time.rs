//! GNU time, which measures memory.

use std::path::Path;

use anyhow::{Result, bail};

use crate::process;

/// The program. A shell's own `time` measures no memory.
pub(crate) const PROGRAM: &str = "/usr/bin/time";

/// Installs it if it is missing and that needs no password, and says how elsewhere.
pub(crate) fn ensure() -> Result<()> {
    if Path::new(PROGRAM).is_file() {
        return Ok(());
    }
    if !is_root_on_debian() {
        bail!("the benchmark needs GNU time: sudo apt-get install time (or your system's way)");
    }
    println!("installing GNU time …");
    process::capture(process::command("apt-get").arg("update"))?;
    process::capture(
        process::command("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--no-install-recommends", "time"]),
    )?;
    Ok(())
}

fn is_root_on_debian() -> bool {
    let root = process::capture(process::command("id").arg("-u"))
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && Path::new("/etc/debian_version").exists()
}
