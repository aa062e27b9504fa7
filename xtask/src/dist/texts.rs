//! Completions and man pages, which the launcher itself writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::launcher::Launcher;
use crate::process;

/// Each shell, and the name by which it finds its completions.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "runner-terminal"),
    ("zsh", "_runner-terminal"),
    ("fish", "runner-terminal.fish"),
    ("powershell", "runner-terminal.ps1"),
    ("elvish", "runner-terminal.elv"),
];

/// Writes them into a folder, which is emptied first, and gives it back.
pub(super) fn write(launcher: &Launcher, folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let program = |arguments: &[&str]| {
        let mut program = Command::new(&launcher.path);
        program.env_clear().args(arguments);
        program
    };
    for (shell, name) in SHELLS {
        let script = process::capture(&mut program(&["completions", shell]))?.stdout;
        put(&folder.join("completions").join(shell).join(name), &script)?;
    }
    let pages = folder.join("man/man1");
    fs::create_dir_all(&pages)?;
    process::capture(program(&["man"]).arg(&pages))?;
    Ok(folder)
}

fn put(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}
