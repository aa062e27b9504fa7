//! `runner-terminal import-values`: function configs from the values of the Helm chart gitlab-runner.

use std::io::{self, Write};
use std::process::ExitCode;

use runner_terminal::chart_values::import;
use runner_terminal::text::lines;

use crate::{arguments, manifests};

/// Prints the function configs. What needs a look goes to standard error as well, where it is seen
/// when the output goes into a file.
///
/// Gives exit code 0 where the function can run with them, and 1 where a field has to be filled in
/// first. A session server that the chart has switched off is no reason for 1: whoever imports it
/// wants one.
///
/// # Errors
///
/// A sentence that names the file and, where there is one, the line: it cannot be read, or holds no
/// values of the chart.
pub(crate) fn run(arguments: &arguments::ImportValues) -> Result<ExitCode, String> {
    let file = manifests::read_file(&arguments.values)?;
    let path = &file.path;
    let imported = import(&file.text).map_err(|error| format!("{path}: {error}"))?;
    let mut told = String::new();
    for note in &imported.notes {
        told.push_str(&format!("{path}:{}: {note}\n", note.place.line));
    }
    if !imported.is_complete {
        told.push_str(&format!(
            "{path}: a field has to be filled in first; a comment in the output says which\n"
        ));
    }
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(lines(&told).as_bytes());
    crate::print(&imported.text)?;
    Ok(if imported.is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
