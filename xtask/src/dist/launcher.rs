//! The launcher for a target, which need not be this machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::modules::Modules;
use super::paths::Paths;
use super::{cargo, must_exist, smoke};
use crate::hosts::debian;
use crate::{artifacts, process, workspace};

/// A launcher that is built.
pub(super) struct Launcher {
    pub(super) target: String,
    pub(super) path: PathBuf,
}

impl Launcher {
    /// True if this machine runs it as it is.
    pub(super) fn runs_here(&self) -> bool {
        let system = match std::env::consts::OS {
            "macos" => "apple",
            system => system,
        };
        self.target.starts_with(std::env::consts::ARCH) && self.target.contains(system)
    }
}

/// Builds the launcher around the module of the release, checks it, and puts it into
/// `target/launchers`.
pub(super) fn build(target: &str, modules: &Modules) -> Result<Launcher> {
    let module = modules.embedded()?;
    must_exist(module)?;
    artifacts::add_target(target)?;
    let folder = workspace::target("dist-build");
    let mut cargo = cargo::command(workspace::root(), flags(target))?;
    cargo.args(["build", "--release", "--locked"]);
    // With `cross`, which is for the compiler of the module alone, one compiler is built for all targets.
    cargo.args(["--package=runner-terminal-host", "--features=cross"]);
    cargo
        .args(["--target", target, "--target-dir"])
        .arg(&folder);
    cargo.env("RUNNER_TERMINAL_WASM", module);
    if is_static(target) {
        println!("{}", debian::ensure("clang")?);
        for (name, value) in c_compiler(target) {
            cargo.env(name, value);
        }
    }
    process::run(&mut cargo)?;

    let name = program(target);
    let built = folder.join(target).join("release").join(name);
    let content = fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    Paths::of(workspace::root())?.check(&built.to_string_lossy(), &content)?;
    let path = workspace::target("launchers").join(target).join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // With its permissions.
    fs::copy(&built, &path).with_context(|| format!("cannot write {}", path.display()))?;
    let launcher = Launcher {
        target: target.to_owned(),
        path,
    };
    smoke::run(&launcher)?;
    Ok(launcher)
}

/// The launchers in a folder that another run, perhaps on another machine, has filled.
pub(super) fn find(folder: &Path) -> Result<Vec<Launcher>> {
    let mut launchers = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let target = entry?.file_name().to_string_lossy().into_owned();
        let path = folder.join(&target).join(program(&target));
        must_exist(&path)?;
        launchers.push(Launcher { target, path });
    }
    if launchers.is_empty() {
        bail!("{} has no launchers in it", folder.display());
    }
    launchers.sort_by(|one, other| one.target.cmp(&other.target));
    Ok(launchers)
}

/// True for a target whose programs need no other file.
pub(super) fn is_static(target: &str) -> bool {
    target.ends_with("-musl")
}

fn program(target: &str) -> &'static str {
    if target.contains("windows") {
        "runner-terminal.exe"
    } else {
        "runner-terminal"
    }
}

fn flags(target: &str) -> &'static [&'static str] {
    if is_static(target) {
        // Rust has all that such a program is linked from, and a linker for every CPU.
        &["-Clinker=rust-lld"]
    } else if target.contains("windows") {
        // No time in the program, and no library that Windows may lack.
        &["-Clink-arg=/Brepro", "-Ctarget-feature=+crt-static"]
    } else {
        &[]
    }
}

/// How the little C in our dependencies is compiled: by clang, which knows every target, and without a
/// C library's headers (see `freestanding/stdlib.h`).
fn c_compiler(target: &str) -> [(String, String); 2] {
    let suffix = target.replace('-', "_");
    let headers = workspace::root().join("xtask/src/dist/freestanding");
    [
        (format!("CC_{suffix}"), "clang".to_owned()),
        (
            format!("CFLAGS_{suffix}"),
            format!(
                "-ffreestanding -nostdlibinc -I{} -DRING_CORE_NOSTDLIBINC=1",
                headers.display()
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_runs_its_own_and_no_other() {
        let launcher = |target: String| Launcher {
            target,
            path: PathBuf::new(),
        };
        let linux = launcher(format!("{}-unknown-linux-musl", std::env::consts::ARCH));
        assert_eq!(linux.runs_here(), cfg!(target_os = "linux"));
        assert!(!launcher("riscv64gc-unknown-linux-musl".to_owned()).runs_here());
    }
}
