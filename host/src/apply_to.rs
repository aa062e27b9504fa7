//! `runner-terminal apply-to`: plain manifests in, plain manifests out.

pub(crate) mod in_place;

use std::io::Write;
use std::process::ExitCode;

use krm::documents::without_function_configs;

use crate::apply;
use crate::arguments::{self, Outlet};
use crate::diff;
use crate::manifests::{Build, File, Manifests};
use crate::sandbox::Limits;
use crate::standard_output;

/// The exit code of `--check` when something would change.
const WOULD_CHANGE: u8 = 2;

/// Runs the functions on the manifests, and writes what they gave where the arguments say.
///
/// Gives the functions' exit code, and with `--check` 2 when something would change.
///
/// # Errors
///
/// A sentence for the person at the terminal: manifests cannot be read or written, or the function
/// reached a limit. Then no file has changed, or the sentence says which have.
pub(crate) fn run(arguments: &arguments::ApplyTo) -> Result<ExitCode, String> {
    let limits = Limits::from_environment()?;
    let files = match Manifests::read_files(&arguments.files, Build::ByPipe)? {
        Manifests::Plain(files) => files,
        Manifests::List(file) => {
            return Err(format!(
                "{} is a ResourceList, which runner-terminal takes without a command, on standard \
                 input",
                file.path
            ));
        }
    };
    if arguments.in_place && files.iter().any(File::is_stdin) {
        return Err("there is no place to write standard input back to; name files".to_owned());
    }
    let configs = apply::configs(&files, &arguments.function_configs)?;
    let applied = apply::apply(files.clone(), &configs, limits)?;
    // Nobody is left to tell when standard error is closed.
    let _ = anstream::stderr().write_all(applied.report.as_bytes());
    if applied.code != 0 {
        return Ok(ExitCode::from(u8::try_from(applied.code).unwrap_or(1)));
    }
    let is_changed = files
        .iter()
        .zip(&applied.files)
        .any(|(before, after)| before.text != after.text);
    match arguments.outlet() {
        Outlet::Stdout => print(&applied.files)?,
        Outlet::Diff => {
            let mut page = String::new();
            diff::append_files(&mut page, &files, &applied.files);
            crate::print(&page)?;
        }
        Outlet::InPlace => in_place::replace(&files, &applied.files)?,
        Outlet::Nowhere => {}
    }
    Ok(if arguments.check && is_changed {
        ExitCode::from(WOULD_CHANGE)
    } else {
        ExitCode::SUCCESS
    })
}

/// Writes the manifests as one stream, without the function configs among them: they are no
/// resources of a cluster.
///
/// # Errors
///
/// A sentence: a file cannot be taken apart, or standard output cannot be written to.
pub(crate) fn print(files: &[File]) -> Result<(), String> {
    let text = |file: &File| {
        without_function_configs(&file.path, &file.text).map_err(|error| error.to_string())
    };
    let texts: Vec<String> = files.iter().map(text).collect::<Result<_, _>>()?;
    print_stream(texts.iter().map(String::as_str))
}

/// Writes the texts of files as one stream.
///
/// # Errors
///
/// A sentence: standard output cannot be written to.
pub(crate) fn print_stream<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<(), String> {
    let mut stream = String::new();
    for text in texts {
        append(&mut stream, text);
    }
    standard_output::write(stream.as_bytes())
        .map_err(|error| format!("cannot write the manifests to standard output: {error}"))
}

/// Appends a file to a stream: the first as it is, the others as documents of their own.
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
