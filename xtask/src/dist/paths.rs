//! The folders of this machine that a compiler would write into a program, and what is written instead.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;

/// Folders of this machine.
pub(super) struct Paths {
    workspace: PathBuf,
    cargo: PathBuf,
    library: PathBuf,
    /// How Rust itself names `library`.
    rust: String,
}

impl Paths {
    /// Those of a workspace.
    pub(super) fn of(workspace: &Path) -> Result<Self> {
        let home = || env::home_dir().map(|home| home.join(".cargo"));
        let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
        let sysroot = rustc(&["--print", "sysroot"])?;
        let version = rustc(&["-vV"])?;
        let commit = version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "))
            .context("`rustc -vV` does not tell the commit")?;
        Ok(Self {
            workspace: workspace.to_owned(),
            cargo: cargo.context("cargo's folder is not known: set CARGO_HOME")?,
            library: Path::new(sysroot.trim()).join("lib/rustlib/src/rust"),
            rust: format!("/rustc/{commit}"),
        })
    }

    /// Flags by which rustc writes other paths.
    pub(super) fn remap_flags(&self) -> Vec<OsString> {
        let pairs: [(&PathBuf, &str); 3] = [
            (&self.workspace, "/runner-terminal"),
            (&self.cargo, "/cargo"),
            (&self.library, &self.rust),
        ];
        pairs
            .iter()
            .map(|(from, to)| {
                let mut flag = OsString::from("--remap-path-prefix=");
                flag.push(from);
                flag.push("=");
                flag.push(to);
                flag
            })
            .collect()
    }

    /// Refuses a program that has a folder of this machine in it.
    pub(super) fn check(&self, name: &str, program: &[u8]) -> Result<()> {
        for path in [&self.workspace, &self.cargo, &self.library] {
            let path = path.to_string_lossy();
            if contains(program, path.as_bytes()) {
                bail!("{name} has {path} in it, a folder of this machine");
            }
        }
        Ok(())
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = process::capture(Command::new("rustc").args(arguments))?;
    Ok(String::from_utf8(output.stdout)?)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_found() {
        let paths = Paths::of(Path::new("/some/where")).unwrap();
        paths.check("it", b"\0/some/other/file.rs\0").unwrap();
        let error = paths.check("it", b"\0/some/where/file.rs\0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "it has /some/where in it, a folder of this machine"
        );
    }
}
