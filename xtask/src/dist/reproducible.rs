//! A cargo whose output does not depend on this machine, in a copy of the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use crate::artifacts::{Module, add_target};
use crate::process::{self, command};
use crate::workspace;

/// A copy of the workspace, and the folders of this machine whose paths a compiler would write into
/// a program.
pub(super) struct Builder {
    /// The folder in it where a release is built.
    pub(super) target: PathBuf,
    root: PathBuf,
    /// Each folder, and what is written instead.
    folders: [(PathBuf, String); 3],
}

impl Builder {
    pub(super) fn new(root: &Path) -> Result<Self> {
        let home = || env::home_dir().map(|home| home.join(".cargo"));
        let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
        let cargo = cargo.context("cargo's folder is not known: set CARGO_HOME")?;
        let sysroot = process::read(&mut command("rustc --print sysroot"))?;
        let version = process::read(&mut command("rustc -vV"))?;
        let mut lines = version.lines();
        let commit = lines.find_map(|line| line.strip_prefix("commit-hash: "));
        let commit = commit.context("`rustc -vV` does not tell the commit")?;
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
        Ok(Self {
            target: root.join("target/dist-build"),
            root: root.to_owned(),
            folders: [
                (root.to_owned(), "/runner-terminal".to_owned()),
                (cargo, "/cargo".to_owned()),
                // The path that Rust itself uses for its library.
                (library, format!("/rustc/{commit}")),
            ],
        })
    }

    /// Cargo with flags for rustc.
    ///
    /// The flags replace those of the environment and of the user's configuration: other flags
    /// would give a different program.
    pub(super) fn cargo(&self, more_flags: &[&str]) -> Command {
        let mut flags: Vec<_> = more_flags.iter().map(|&flag| flag.to_owned()).collect();
        for (from, to) in &self.folders {
            flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        }
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        // They are separated by a character that no path has.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        // Set by the cargo that runs xtask, for another build.
        cargo.env_remove("CARGO_BUILD_TARGET");
        cargo.env_remove("RUSTC_WORKSPACE_WRAPPER");
        cargo.env_remove("RUNNER_TERMINAL_WASM");
        cargo
    }

    /// The path of one of the release's modules.
    pub(super) fn module(&self, module: &Module) -> PathBuf {
        self.target.join("modules").join(module.file)
    }

    /// Refuses a file that contains the path of a folder of this machine.
    pub(super) fn check(&self, file: &Path) -> Result<()> {
        self.check_content(&file.to_string_lossy(), &fs::read(file)?)
    }

    fn check_content(&self, name: &str, content: &[u8]) -> Result<()> {
        for (folder, _) in &self.folders {
            let folder = folder.to_string_lossy();
            let mut windows = content.windows(folder.len());
            let is_in_it = windows.any(|window| window == folder.as_bytes());
            ensure!(
                !is_in_it,
                "{name} has {folder} in it, a folder of this machine"
            );
        }
        Ok(())
    }
}

/// A small static program instead of the launcher, for the tests of packing: the function without
/// its sandbox. The launcher itself takes minutes to build, and `cargo xtask dist` runs it.
pub(crate) fn build_stand_in() -> Result<()> {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    add_target(&target)?;
    let builder = Builder::new(workspace::root())?;
    let mut cargo = builder.cargo(&["-Clinker=rust-lld", "-Cstrip=symbols"]);
    cargo.args(["build", "--package=runner-terminal", "--example=native"]);
    cargo.args(["--target", &target, "--target-dir"]);
    process::run(cargo.arg(workspace::target("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_found() {
        let builder = Builder::new(Path::new("/some/where")).unwrap();
        let check = |path: &str| builder.check_content("it", format!("\0{path}\0").as_bytes());
        check("/some/other/file.rs").unwrap();
        let error = check("/some/where/file.rs").unwrap_err().to_string();
        assert_eq!(error, "it has /some/where in it, a folder of this machine");
    }
}
