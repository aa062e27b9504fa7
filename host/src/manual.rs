//! `runner-terminal completions` and `runner-terminal man`: the command line, for shells and `man`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap_complete::Shell;
use thiserror::Error;

use crate::arguments;
use crate::standard_output::{self, OutputError};

/// A folder for man pages cannot be made, or written to.
#[derive(Debug, Error)]
#[error("cannot write man pages to {}: {error}", .folder.display())]
pub(crate) struct ManPagesError {
    folder: PathBuf,
    error: io::Error,
}

/// Prints the completions for a shell.
///
/// # Errors
///
/// Standard output cannot be written to.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, OutputError> {
    let mut script = Vec::new();
    let mut command = arguments::definition();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    standard_output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the man pages into a folder, and creates it if it is missing.
///
/// # Errors
///
/// The folder cannot be made, or written to.
pub(crate) fn man_pages(folder: &Path) -> Result<ExitCode, ManPagesError> {
    match write(folder) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(ManPagesError {
            folder: folder.to_owned(),
            error,
        }),
    }
}

/// Each page is written to a temporary folder and renamed, so that the write is atomic.
fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let fresh = tempfile::Builder::new()
        .prefix(".runner-terminal-")
        .tempdir_in(folder)?;
    clap_mangen::generate_to(arguments::definition(), fresh.path())?;
    for page in fs::read_dir(fresh.path())? {
        let page = page?;
        fs::rename(page.path(), folder.join(page.file_name()))?;
    }
    fresh.close()
}
