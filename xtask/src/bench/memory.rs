//! Peak memory of a program.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::{gnu_time, program::Program};
use crate::process;

/// How often each program is run. The highest peak counts.
const RUNS: usize = 3;

/// The most memory that the program had at once, in bytes.
///
/// GNU time starts it: a child's peak is never less than its parent's memory, so the
/// parent has to be a small program, which this one is not.
pub(crate) fn peak(program: &Program, file: &Path) -> Result<u64> {
    let mut peak = 0;
    for _ in 0..RUNS {
        let mut command = program.on(file, &[gnu_time::PROGRAM, "--format=%M", "--quiet"])?;
        let output = process::capture(command.stdout(std::process::Stdio::null()))?;
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
