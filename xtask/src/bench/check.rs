//! Sees to it that only programs which do their job are measured.

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use super::effort::Effort;
use super::input::Input;
use super::program::{PROGRAMS, Program, Role};
use super::trial::Trial;
use crate::process;

/// What a program's first run showed.
pub(crate) enum Checked {
    /// It does its job.
    Works(Trial),
    /// It had not ended when the patience had.
    Stopped,
    /// It is not given a list of this size.
    LeftOut,
}

impl Checked {
    /// The first run of a program that works.
    pub(crate) fn trial(&self) -> Option<&Trial> {
        match self {
            Self::Works(trial) => Some(trial),
            Self::Stopped | Self::LeftOut => None,
        }
    }
}

/// Runs every program once. All ways to run the function must give the same bytes, and the function
/// and its peers must each have served every runner.
pub(crate) fn all(input: &Input, effort: Effort) -> Result<Vec<Checked>> {
    let mut first = None;
    PROGRAMS
        .iter()
        .map(|program| {
            if !program.takes(input.list) {
                return Ok(Checked::LeftOut);
            }
            one(program, input, effort, &mut first)
                .with_context(|| format!("{} cannot be measured", program.name))
        })
        .collect()
}

fn one(
    program: &'static Program,
    input: &Input,
    effort: Effort,
    first: &mut Option<(&str, Vec<u8>)>,
) -> Result<Checked> {
    let invocation = program.on(input);
    let patience = effort.patience.to_string();
    let mut command = invocation.command(&[TIMEOUT, &patience])?;
    command.stderr(Stdio::piped());
    let start = Instant::now();
    let output = command
        .output()
        .with_context(|| format!("{TIMEOUT} does not start"))?;
    let took = start.elapsed();
    match output.status.code() {
        Some(0) => {}
        Some(TIMED_OUT) => return Ok(Checked::Stopped),
        _ => bail!(
            "`{}` failed: {}\n{}",
            process::text_of(&command),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
    }

    if program.role != Role::Floor {
        let served = count(&output.stdout, "config-checksum:");
        ensure!(
            served == input.list.runners,
            "it gives {served} of {} runners a session server",
            input.list.runners,
        );
    }
    if program.role == Role::Function {
        let (name, bytes) = first.get_or_insert_with(|| (program.name, output.stdout.clone()));
        ensure!(output.stdout == *bytes, "{name} does not write the same");
    }
    Ok(Checked::Works(Trial { invocation, took }))
}

/// Ends a program that takes too long; of the same package as `cat`.
const TIMEOUT: &str = "timeout";
/// Its exit code then.
const TIMED_OUT: i32 = 124;

fn count(output: &[u8], what: &str) -> usize {
    String::from_utf8_lossy(output).matches(what).count()
}
