//! `runner-terminal explain`: what the function would change, without changing it.

mod changes;
mod fields;
mod summary;

use std::process::ExitCode;

use crate::apply::{self, Applied};
use crate::manifests::{self, File, Manifests};
use crate::sandbox::Limits;
use crate::{arguments, diff, function};

use changes::Changes;

/// Runs the functions on the manifests and prints a diff, a table and the results.
///
/// Gives the functions' exit code.
///
/// # Errors
///
/// A sentence for the person at the terminal: manifests cannot be read or wrapped, or the function
/// reached a limit.
pub(crate) fn run(arguments: &arguments::Explain) -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    let mut page = String::new();
    let given = &arguments.function_configs;
    let (code, results) = match Manifests::read_files(&arguments.files)? {
        Manifests::Plain(files) => {
            let configs = apply::configs(&files, given)?;
            let applied = apply::apply(files.clone(), &configs, limits)?;
            compare_files(&mut page, &files, &applied)?;
            (applied.code, applied.report)
        }
        Manifests::List(file) if !given.is_empty() => {
            return Err(manifests::has_its_own_config(&file));
        }
        Manifests::List(file) => {
            let (code, ran) = function::run_observing(file.text.clone().into(), limits)?;
            compare_lists(&mut page, &file, &String::from_utf8_lossy(&ran.stdout))?;
            (code, String::from_utf8_lossy(&ran.stderr).into_owned())
        }
    };
    if !results.is_empty() {
        page.push('\n');
        page.push_str(&results);
    }
    crate::print(&page)?;
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn compare_files(page: &mut String, files: &[File], applied: &Applied) -> Result<(), String> {
    diff::append_files(page, files, &applied.files);
    summary::append(page, &Changes::of_files(files, &applied.files)?);
    Ok(())
}

/// Without a list there is nothing to compare: the results tell why.
fn compare_lists(page: &mut String, before: &File, after: &str) -> Result<(), String> {
    if after.is_empty() {
        return Ok(());
    }
    diff::append(page, &before.path, &before.text, after);
    summary::append(page, &Changes::of_lists(before, after)?);
    Ok(())
}
