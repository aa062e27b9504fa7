//! A first run.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::program::Invocation;
use crate::demo::path_with_launcher;
use crate::process;

/// A program that has been run once with success.
#[derive(Debug)]
pub(crate) struct Trial {
    /// What to run again.
    pub(crate) invocation: Invocation,
    /// How long the run took.
    pub(crate) took: Duration,
}

/// Runs it, and gives what it has written too.
pub(crate) fn run(invocation: Invocation) -> Result<(Trial, String)> {
    let mut command = invocation.command(&[])?;
    let start = Instant::now();
    let output = process::capture(command.env("PATH", path_with_launcher()?))?;
    let took = start.elapsed();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((Trial { invocation, took }, text))
}
