//! The launcher for a target, which may differ from this machine.

use std::env::consts;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use fs_err as fs;

use super::reproducible::Builder;
use crate::hosts::debian;
use crate::process::{self, command};
use crate::{artifacts, workspace};

/// A launcher that is built.
pub(super) struct Launcher {
    pub(super) target: String,
    pub(super) path: PathBuf,
}

impl Launcher {
    /// True if this machine can run it directly.
    pub(super) fn runs_here(&self) -> bool {
        let system = consts::OS.replace("macos", "apple");
        self.target.starts_with(consts::ARCH) && self.target.contains(&system)
    }

    /// Completions and man pages, which the launcher itself writes, in a folder.
    pub(super) fn write_texts(&self) -> Result<PathBuf> {
        let folder = workspace::empty(workspace::target("dist-build/texts"))?;
        // Each shell, and the file name under which it finds its completions.
        for (shell, name) in [
            ("bash", "runner-terminal"),
            ("zsh", "_runner-terminal"),
            ("fish", "runner-terminal.fish"),
            ("powershell", "runner-terminal.ps1"),
            ("elvish", "runner-terminal.elv"),
        ] {
            let mut launcher = Command::new(&self.path);
            let script = process::read(launcher.env_clear().args(["completions", shell]))?;
            let folder = workspace::empty(folder.join("completions").join(shell))?;
            fs::write(folder.join(name), script)?;
        }
        let pages = workspace::empty(folder.join("man/man1"))?;
        let mut launcher = Command::new(&self.path);
        process::capture(launcher.env_clear().arg("man").arg(pages))?;
        Ok(folder)
    }

    /// Runs it as a container would, in an empty environment, if this machine can, directly or with
    /// QEMU.
    fn check(&self) -> Result<()> {
        let target = &self.target;
        // QEMU's user-mode emulator for the CPU of a static Linux target, if it is installed.
        let (cpu, _) = target.split_once('-').unwrap_or_default();
        let qemu = format!("qemu-{cpu}-static");
        let has_qemu = || process::read(&mut command(&format!("{qemu} --version"))).is_ok();
        let mut launcher = Command::new(&self.path);
        if !self.runs_here() {
            if !is_static(target) || !has_qemu() {
                println!("{target}: not run: neither this machine nor an installed QEMU runs it");
                return Ok(());
            }
            launcher = Command::new(qemu);
            launcher.arg(&self.path);
        }
        let input = "tests/fixtures/session-server/address-known.yaml";
        let input = fs::File::open(workspace::root().join(input))?.into_file();
        let list = process::read(launcher.env_clear().stdin(input))?;
        ensure!(
            list.contains("advertise_address = \"terminal.example.com:9000\""),
            "the launcher for {target} does not do its work"
        );
        println!("{target}: runs");
        Ok(())
    }
}

/// Builds the launcher around the module of the release, checks it, and puts it into
/// `target/launchers`.
pub(super) fn build(target: &str, module: &Path) -> Result<Launcher> {
    artifacts::add_target(target)?;
    let builder = Builder::new(workspace::root())?;
    let mut cargo = builder.cargo(flags(target));
    // With `cross`, which only affects the compiler of the module, one compiler is built for all
    // targets.
    cargo.args(["build", "--release", "--locked", "--features=cross"]);
    cargo.args(["--package=runner-terminal-host", "--target", target]);
    cargo.arg("--target-dir").arg(&builder.target);
    cargo.env("RUNNER_TERMINAL_WASM", module);
    if is_static(target) {
        println!("clang … {}", debian::ensure("clang")?);
        // The little C code in our dependencies is compiled by clang, which supports every target,
        // without the headers of a C library (see `freestanding/stdlib.h`).
        let headers = workspace::root().join("xtask/src/dist/freestanding");
        let flags = "-ffreestanding -nostdlibinc -DRING_CORE_NOSTDLIBINC=1";
        let flags = format!("{flags} -I{}", headers.display());
        let suffix = target.replace('-', "_");
        cargo.env(format!("CC_{suffix}"), "clang");
        cargo.env(format!("CFLAGS_{suffix}"), flags);
    }
    process::run(&mut cargo)?;

    let built = builder.target.join(target).join("release");
    let built = built.join(program(target));
    builder.check(&built)?;
    let folder = workspace::target("launchers").join(target);
    fs::create_dir_all(&folder)?;
    let path = folder.join(program(target));
    // This keeps its permissions.
    fs::copy(&built, &path)?;
    let target = target.to_owned();
    let launcher = Launcher { target, path };
    launcher.check()?;
    Ok(launcher)
}

/// The launchers in a folder that was filled by another run, perhaps on another machine.
pub(super) fn find(folder: &Path) -> Result<Vec<Launcher>> {
    let mut launchers = Vec::new();
    for folder in workspace::entries(folder)? {
        let target = folder.file_name().unwrap_or_default();
        let target = target.to_string_lossy().into_owned();
        let path = folder.join(program(&target));
        // Fails before a long build.
        ensure!(path.is_file(), "{} is missing", path.display());
        launchers.push(Launcher { target, path });
    }
    let folder = folder.display();
    ensure!(!launchers.is_empty(), "{folder} has no launchers in it");
    Ok(launchers)
}

/// True for a target whose programs need no other file.
fn is_static(target: &str) -> bool {
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
        // Rust comes with everything that such a program is linked with, and with a linker for
        // every CPU.
        &["-Clinker=rust-lld"]
    } else if target.contains("windows") {
        // No timestamp in the program, and no library that Windows may lack.
        &["-Clink-arg=/Brepro", "-Ctarget-feature=+crt-static"]
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_runs_its_own_and_no_other() {
        let path = PathBuf::new;
        let launcher = |target| Launcher {
            target,
            path: path(),
        };
        let linux = launcher(format!("{}-unknown-linux-musl", consts::ARCH));
        assert_eq!(linux.runs_here(), cfg!(target_os = "linux"));
        assert!(!launcher("riscv64gc-unknown-linux-musl".to_owned()).runs_here());
    }
}
