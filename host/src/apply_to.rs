//! `runner-terminal apply-to`: plain manifests in, plain manifests out.

mod comments;
pub(crate) mod in_place;

use std::process::ExitCode;

use krm::documents::{DocumentError, without_function_configs};
use thiserror::Error;

use crate::apply::{self, ApplyError};
use crate::arguments::{self, Destination};
use crate::diff;
use crate::manifests::{File, KustomizeInput, Manifests, ManifestsError};
use crate::sandbox::{Limits, LimitsError};
use crate::standard_output::{self, OutputError};
use crate::terminal;
use in_place::ReplaceError;

/// The exit code of `--check` when something would change.
const WOULD_CHANGE: u8 = 2;

/// Why `apply-to` has failed. Unless the message says otherwise, no file has changed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ApplyToError {
    /// A variable for a limit has an invalid value.
    Limits(#[from] LimitsError),
    /// The manifests cannot be read.
    Manifests(#[from] ManifestsError),
    /// The input is a ResourceList.
    #[error(
        "{path} is a ResourceList, which runner-terminal takes without a command, on standard input"
    )]
    ResourceList {
        /// The path of the ResourceList.
        path: String,
    },
    /// A function config cannot be used, or a function reached a limit.
    Apply(#[from] ApplyError),
    /// The output cannot be split into documents.
    Document(#[from] DocumentError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
    /// A file cannot be replaced.
    Replace(#[from] ReplaceError),
}

/// Runs the functions on the manifests, and writes the result where the arguments say.
///
/// Returns the functions' exit code, and with `--check` 2 if something would change.
///
/// # Errors
///
/// Manifests cannot be read or written, or a function reached a limit.
pub(crate) fn run(arguments: &arguments::ApplyTo) -> Result<ExitCode, ApplyToError> {
    let limits = Limits::from_environment()?;
    let files = match Manifests::read_files(&arguments.files, KustomizeInput::Pipe)? {
        Manifests::Plain(files) => files,
        Manifests::List(file) => {
            return Err(ApplyToError::ResourceList { path: file.path });
        }
    };
    if arguments.in_place {
        in_place::must_be_files(&files)?;
    }
    let documents = apply::documents(&files)?;
    let configs = apply::configs(&files, &documents, &arguments.function_configs)?;
    let applied = apply::apply(files.clone(), documents, &configs, limits)?;
    terminal::report(&applied.report);
    if applied.code != 0 {
        return Ok(ExitCode::from(u8::try_from(applied.code).unwrap_or(1)));
    }
    let is_changed = files
        .iter()
        .zip(&applied.files)
        .any(|(before, after)| before.text != after.text);
    match arguments.destination() {
        Destination::Stdout => {
            let mut files = applied.files;
            if arguments.comments {
                comments::insert(&mut files, &applied.results)?;
            }
            print(&files)?;
        }
        Destination::Diff => {
            let mut page = String::new();
            diff::append_files(&mut page, &files, &applied.files);
            standard_output::print(&page)?;
        }
        Destination::InPlace => in_place::replace(&files, &applied.files)?,
        Destination::Nowhere => {}
    }
    Ok(if arguments.check && is_changed {
        ExitCode::from(WOULD_CHANGE)
    } else {
        ExitCode::SUCCESS
    })
}

/// Prints the manifests as one stream, without the function configs, which are not resources of a
/// cluster.
///
/// # Errors
///
/// A file cannot be split into documents, or standard output cannot be written to.
pub(crate) fn print(files: &[File]) -> Result<(), ApplyToError> {
    let text = |file: &File| without_function_configs(&file.path, &file.text);
    let texts: Vec<String> = files.iter().map(text).collect::<Result<_, _>>()?;
    Ok(print_stream(texts.iter().map(String::as_str))?)
}

/// Prints the texts of files as one stream.
///
/// # Errors
///
/// Standard output cannot be written to.
pub(crate) fn print_stream<'t>(
    texts: impl IntoIterator<Item = &'t str>,
) -> Result<(), OutputError> {
    let mut stream = String::new();
    for text in texts {
        append(&mut stream, text);
    }
    standard_output::write(stream.as_bytes()).map_err(OutputError::Manifests)
}

/// Appends a file to a stream, with a separator between files.
fn append(stream: &mut String, text: &str) {
    if stream.is_empty() {
        stream.push_str(text);
        return;
    }
    let text = text.trim_start_matches('\u{feff}');
    if text.is_empty() {
        return;
    }
    if !stream.ends_with('\n') {
        stream.push('\n');
    }
    let mut lines = text.lines().filter(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    if lines.next().is_none_or(|line| !line.starts_with("---")) {
        stream.push_str("---\n");
    }
    stream.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn files_are_documents_of_one_stream() {
        let mut stream = String::new();
        for text in ["", "a: 1\n", "# b\n---\nb: 2", "", "\u{feff}c: 3\n"] {
            append(&mut stream, text);
        }
        assert_eq!(stream, "a: 1\n# b\n---\nb: 2\n---\nc: 3\n");
    }
}
