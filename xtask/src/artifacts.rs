//! Builds what the project gives people: the modules, the launcher around one of them,
//! and the native program that tests and benchmarks compare them with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::dist;
use crate::process;
use crate::web;
use crate::workspace;

/// A module, and how it is built.
pub(crate) struct Module {
    pub(crate) package: &'static str,
    /// The Rust target, which is added where rustup looks after Rust.
    pub(crate) target: &'static str,
    /// The profile in `Cargo.toml`.
    profile: &'static str,
    /// Its file in `target`.
    pub(crate) file: &'static str,
    /// Flags for rustc, which `.cargo/config.toml` has for other builds than a release's.
    pub(crate) flags: &'static [&'static str],
}

/// The module that the launcher embeds.
pub(crate) const WASI: Module = Module {
    package: "runner-terminal-wasi",
    target: "wasm32-wasip1",
    profile: "release",
    file: "runner-terminal.wasm",
    flags: &["-Ctarget-feature=+simd128"],
};

/// Helm's plugin.
const HELM: Module = Module {
    package: "runner-terminal-helm",
    target: "wasm32-unknown-unknown",
    profile: "small",
    file: "runner-terminal-helm.wasm",
    flags: &[],
};

/// For kpt's Wasm runtimes.
const KPT: Module = Module {
    package: "runner-terminal-kpt",
    target: "wasm32-unknown-unknown",
    profile: "release",
    file: "runner-terminal-kpt.wasm",
    flags: &[],
};

/// The npm package's, which is no module without its JavaScript: see [`crate::web`].
pub(crate) const WEB: Module = Module {
    package: "runner-terminal-web",
    target: "wasm32-unknown-unknown",
    profile: "web",
    file: "web/runner_terminal_bg.wasm",
    flags: &[],
};

/// All modules.
pub(crate) const MODULES: &[Module] = &[WASI, HELM, KPT];

/// The module that the launcher embeds, where tests and people find it.
pub(crate) fn module() -> PathBuf {
    workspace::target(WASI.file)
}

/// Builds all of it.
pub(crate) fn build() -> Result<()> {
    for module in MODULES {
        module.build()?;
    }
    web::build()?;
    let mut launcher = process::command("cargo");
    process::run(use_module(&mut launcher).args([
        "build",
        "--release",
        "--package=runner-terminal-host",
    ]))?;
    build_native()?;
    dist::build_stand_in()
}

/// Builds the native program, and gives its path from the workspace's root.
pub(crate) fn build_native() -> Result<&'static str> {
    process::run(process::command("cargo").args([
        "build",
        "--release",
        "--package=runner-terminal",
        "--example=native",
    ]))?;
    Ok("target/release/examples/native")
}

impl Module {
    fn build(&self) -> Result<()> {
        let built = self.build_with(&mut process::command("cargo"), &workspace::target(""))?;
        copy_if_changed(&built, &workspace::target(self.file))
    }

    /// Builds it by a cargo that is set up already, into a folder, and gives its path there.
    pub(crate) fn build_with(&self, cargo: &mut Command, folder: &Path) -> Result<PathBuf> {
        add_target(self.target)?;
        cargo.args(["build", "--profile", self.profile]);
        cargo.args(["--package", self.package, "--target", self.target]);
        process::run(cargo.arg("--target-dir").arg(folder))?;
        let built = folder.join(self.target).join(self.profile);
        let program = built.join(format!("{}.wasm", self.package));
        // Cargo names a library as Rust code does.
        let library = built.join(format!("{}.wasm", self.package.replace('-', "_")));
        Ok(if program.exists() { program } else { library })
    }
}

/// Makes the launcher's build embed the module that is built already, which saves it
/// from building its own.
pub(crate) fn use_module(cargo: &mut Command) -> &mut Command {
    cargo.env("RUNNER_TERMINAL_WASM", module())
}

/// Installs the Rust standard library for a target, where rustup looks after Rust.
pub(crate) fn add_target(target: &str) -> Result<()> {
    let output = process::capture(process::command("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        target,
    ]))?;
    if fs::exists(String::from_utf8_lossy(&output.stdout).trim())? {
        return Ok(());
    }
    process::run(process::command("rustup").args(["target", "add", target]))
}

/// Leaves an equal file alone, so that nothing is built again for its new date.
fn copy_if_changed(from: &PathBuf, to: &PathBuf) -> Result<()> {
    let new = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    fs::write(to, new).with_context(|| format!("cannot write {}", to.display()))
}
