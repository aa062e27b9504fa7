//! Runs a launcher as a container would: with nothing around it.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::launcher::Launcher;
use crate::workspace;

const INPUT: &str = "tests/fixtures/session-server/address-known.yaml";

/// What a run on it writes.
const EXPECTED: &str = "advertise_address = \"terminal.example.com:9000\"";

/// Runs it where this machine can, itself or by QEMU, and says so.
pub(super) fn run(launcher: &Launcher) -> Result<()> {
    let target = &launcher.target;
    let mut command = if launcher.runs_here() {
        Command::new(&launcher.path)
    } else if let Some(qemu) = qemu(target) {
        let mut command = Command::new(qemu);
        command.arg(&launcher.path);
        command
    } else {
        println!("{target}: not run, as neither this machine nor an installed QEMU runs it");
        return Ok(());
    };
    let input =
        fs::read(workspace::root().join(INPUT)).with_context(|| format!("cannot read {INPUT}"))?;
    let mut child = command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("the launcher for {target} does not start"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It reads all of it before it writes anything.
        stdin.write_all(&input)?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains(EXPECTED) {
        bail!(
            "the launcher for {target} does not do its work: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    println!("{target}: runs");
    Ok(())
}

/// QEMU's program for the CPU of a Linux target, if it is installed.
fn qemu(target: &str) -> Option<&'static str> {
    let program = match target {
        "aarch64-unknown-linux-musl" => "qemu-aarch64-static",
        "x86_64-unknown-linux-musl" => "qemu-x86_64-static",
        _ => return None,
    };
    let version = Command::new(program).arg("--version").output();
    version
        .is_ok_and(|output| output.status.success())
        .then_some(program)
}
