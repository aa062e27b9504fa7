//! `runner-terminal convert`: function configs in another version of the API.

use std::io::{self, Write};
use std::process::ExitCode;

use runner_terminal::function_config::{ApiVersion, convert};

use crate::apply_to::{in_place, print_stream};
use crate::arguments;
use crate::manifests::{self, File};

/// Prints the files with their function configs converted, or writes the files back.
///
/// # Errors
///
/// A sentence that names the file and, where there is one, the line: it cannot be read or written,
/// or has a function config that the function would refuse. Then no file has changed, or the
/// sentence says which have.
pub(crate) fn run(arguments: &arguments::Convert) -> Result<ExitCode, String> {
    let files = manifests::read_files(&arguments.files)?;
    if arguments.in_place && files.iter().any(File::is_stdin) {
        return Err("there is no place to write standard input back to; name files".to_owned());
    }
    let to = arguments.to.unwrap_or(ApiVersion::NEWEST);
    let mut found = 0;
    let mut converted = files.clone();
    for file in &mut converted {
        let done = convert(&file.path, &file.text, to).map_err(|error| error.to_string())?;
        found += done.configs;
        file.text = done.text;
    }
    if found == 0 {
        let note = "runner-terminal: there is no function config in these files\n";
        // Nobody is left to tell when standard error is closed.
        let _ = io::stderr().lock().write_all(note.as_bytes());
    }
    if arguments.in_place {
        in_place::replace(&files, &converted)?;
    } else {
        print_stream(converted.iter().map(|file| file.text.as_str()))?;
    }
    Ok(ExitCode::SUCCESS)
}
