//! Sees to it that only programs which do their job are measured.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::input::Input;
use super::program::{PROGRAMS, Program, Role};
use crate::process;

/// Runs every program once. All ways to run the function must give the same bytes, and
/// the function and its peer must each have served every runner.
pub(crate) fn all(input: &Input, file: &Path) -> Result<()> {
    let mut first: Option<(&Program, Vec<u8>)> = None;
    for program in PROGRAMS {
        let output = process::capture(&mut program.on(file, &[])?)
            .with_context(|| format!("{} cannot be measured", program.name))?
            .stdout;
        if program.role == Role::Floor {
            continue;
        }

        let served = count(&output, "config-checksum:");
        ensure!(
            served == input.runners,
            "{} gives {served} of {} runners a session server",
            program.name,
            input.runners,
        );
        match (&first, program.role) {
            (None, Role::Function) => first = Some((program, output)),
            (Some((other, bytes)), Role::Function) => ensure!(
                output == *bytes,
                "{} and {} do not write the same",
                program.name,
                other.name
            ),
            _ => {}
        }
    }
    Ok(())
}

fn count(output: &[u8], what: &str) -> usize {
    String::from_utf8_lossy(output).matches(what).count()
}
