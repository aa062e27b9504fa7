//! `runner-terminal explain`: what the function would change, without changing it.

mod changes;
mod diff;
mod fields;
mod summary;

use std::process::ExitCode;

use crate::manifests::Manifests;
use crate::sandbox::Limits;
use crate::{arguments, function};

use changes::Changes;

/// The function config when none is given: all defaults.
const DEFAULT_CONFIG: &str = "\
apiVersion: runner-terminal.dev/v1alpha1
kind: SessionServer
metadata:
  name: session-server
";

/// Runs the function on the manifests and prints a diff, a table and the results.
///
/// Gives the function's exit code.
///
/// # Errors
///
/// A sentence for the person at the terminal: manifests cannot be read or wrapped, or the function
/// reached a limit.
pub(crate) fn run(arguments: &arguments::Explain) -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    let config = arguments.function_config.as_deref();
    let manifests = Manifests::read(&arguments.source(), config, DEFAULT_CONFIG)?;
    let (code, ran) = function::run_observing(manifests.list().into(), limits)?;

    let list = String::from_utf8_lossy(&ran.stdout);
    let mut page = String::new();
    // Without a list there is nothing to compare: the results tell why.
    if !list.is_empty() {
        let changes = Changes::find(&manifests, &list)?;
        for (path, before, after) in changes.files() {
            diff::append(&mut page, path, before, after);
        }
        summary::append(&mut page, &changes);
    }
    let results = String::from_utf8_lossy(&ran.stderr);
    if !results.is_empty() {
        page.push('\n');
        page.push_str(&results);
    }
    crate::print(&page)?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}
