//! Peak memory of a program.

use std::process::Stdio;

use anyhow::{Context as _, Result};

use super::effort::Effort;
use super::gnu_time;
use super::trial::Trial;
use crate::process;

/// The most memory that the program had at once, in bytes.
///
/// GNU time starts it: a child's peak is never less than its parent's memory, so the
/// parent has to be a small program, which this one is not.
pub(crate) fn peak(trial: &Trial, effort: Effort) -> Result<u64> {
    let mut peak = 0;
    for _ in 0..effort.memory {
        let wrapper = [gnu_time::PROGRAM, "--format=%M", "--quiet"];
        let mut command = trial.invocation.command(&wrapper)?;
        let output = process::capture(command.stdout(Stdio::null()))?;
        let messages = String::from_utf8_lossy(&output.stderr);
        let kibibytes: u64 = messages
            .lines()
            .next_back()
            .and_then(|line| line.trim().parse().ok())
            .with_context(|| format!("GNU time says {messages:?}, which is no size"))?;
        peak = peak.max(kibibytes * 1024);
    }
    Ok(peak)
}
