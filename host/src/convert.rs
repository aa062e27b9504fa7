//! `runner-terminal convert`: function configs in another version of the API.

use std::process::ExitCode;

use runner_terminal::function_config::{ApiVersion, ConvertError, convert};
use thiserror::Error;

use crate::apply_to::in_place::{self, ReplaceError};
use crate::apply_to::print_stream;
use crate::arguments;
use crate::manifests::{self, ManifestsError};
use crate::standard_output::OutputError;
use crate::terminal;

/// Why `convert` has failed. Unless the message says otherwise, no file has changed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ConvertCommandError {
    /// A file cannot be read.
    Manifests(#[from] ManifestsError),
    /// A file has a function config that the function would refuse.
    Convert(#[from] ConvertError),
    /// A file cannot be replaced.
    Replace(#[from] ReplaceError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Prints the files with their function configs converted, or writes the files back.
///
/// # Errors
///
/// A file cannot be read or written, or has a function config that the function would refuse.
pub(crate) fn run(arguments: &arguments::Convert) -> Result<ExitCode, ConvertCommandError> {
    let files = manifests::read_files(&arguments.files)?;
    if arguments.in_place {
        in_place::must_be_files(&files)?;
    }
    let to = arguments.to.unwrap_or(ApiVersion::NEWEST);
    let mut found = 0;
    let mut converted = files.clone();
    for file in &mut converted {
        let done = convert(&file.path, &file.text, to)?;
        found += done.configs;
        file.text = done.text;
    }
    if found == 0 {
        terminal::report("runner-terminal: there is no function config in these files\n");
    }
    if arguments.in_place {
        in_place::replace(&files, &converted)?;
    } else {
        print_stream(converted.iter().map(|file| file.text.as_str()))?;
    }
    Ok(ExitCode::SUCCESS)
}
