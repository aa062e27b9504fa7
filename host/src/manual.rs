//! `runner-terminal completions` and `runner-terminal man`: the command line, for shells and `man`.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap_complete::Shell;

use crate::arguments;

/// Prints the completions for a shell.
///
/// # Errors
///
/// A sentence, when they cannot be written.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, String> {
    let mut script = Vec::new();
    let mut command = arguments::definition();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    crate::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the man pages into a folder, which is made when it is missing.
///
/// # Errors
///
/// A sentence that names the folder.
pub(crate) fn man_pages(folder: &Path) -> Result<ExitCode, String> {
    write(folder)
        .map_err(|error| format!("cannot write man pages to {}: {error}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Each page is written elsewhere first: it is the old or the new one, never half of it.
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
