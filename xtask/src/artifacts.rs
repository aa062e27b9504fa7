//! Builds what the project distributes: the modules, the launcher around one of them, and the
//! native program that tests and benchmarks compare them with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use crate::process::{self, command};
use crate::{dist, web, workspace};

/// A module, and how it is built.
pub(crate) struct Module {
    pub(crate) package: &'static str,
    /// The Rust target, which is added if Rust is managed by rustup.
    pub(crate) target: &'static str,
    /// The profile in `Cargo.toml`.
    profile: &'static str,
    /// Its path in `target`.
    pub(crate) file: &'static str,
    /// Flags for rustc. For builds other than a release's, `.cargo/config.toml` has them.
    pub(crate) flags: &'static [&'static str],
}

/// The module that the launcher embeds.
pub(crate) const WASI: Module = Module {
    target: "wasm32-wasip1",
    flags: &["-Ctarget-feature=+simd128"],
    ..module("runner-terminal-wasi", "module", "runner-terminal.wasm")
};

/// All modules, including Helm's plugin and the one for kpt's Wasm runtimes.
pub(crate) const MODULES: &[Module] = &[
    WASI,
    module("runner-terminal-helm", "small", "runner-terminal-helm.wasm"),
    module("runner-terminal-kpt", "module", "runner-terminal-kpt.wasm"),
];

/// The npm package's module, which needs its JavaScript: see [`crate::web`].
pub(crate) const WEB: Module = module("runner-terminal-web", "web", "web/runner_terminal_bg.wasm");

const fn module(package: &'static str, profile: &'static str, file: &'static str) -> Module {
    let target = "wasm32-unknown-unknown";
    Module {
        package,
        target,
        profile,
        file,
        flags: &[],
    }
}

/// Builds all of it.
pub(crate) fn build() -> Result<()> {
    for module in MODULES {
        let built = module.build_with(&mut command("cargo"), &workspace::target(""))?;
        // An identical file is left alone, so that a new modification time causes no rebuild.
        let (new, file) = (fs::read(built)?, workspace::target(module.file));
        if fs::read(&file).ok().as_ref() != Some(&new) {
            fs::write(file, new)?;
        }
    }
    web::build()?;
    let mut launcher = command("cargo build --release --package=runner-terminal-host");
    process::run(use_module(&mut launcher))?;
    build_native()?;
    dist::build_stand_in()
}

/// Builds the native program, and returns its path relative to the workspace's root.
pub(crate) fn build_native() -> Result<&'static str> {
    let line = "cargo build --profile=module --package=runner-terminal --example=native";
    process::run(&mut command(line))?;
    Ok("target/module/examples/native")
}

impl Module {
    /// Builds it into a folder with a cargo command that is already set up, and returns its path
    /// there.
    pub(crate) fn build_with(&self, cargo: &mut Command, folder: &Path) -> Result<PathBuf> {
        add_target(self.target)?;
        cargo.args(["build", "--profile", self.profile]);
        cargo.args(["--package", self.package, "--target", self.target]);
        process::run(cargo.arg("--target-dir").arg(folder))?;
        let built = folder.join(self.target).join(self.profile);
        let program = built.join(format!("{}.wasm", self.package));
        // Cargo names a library file like the crate in Rust code.
        let library = built.join(format!("{}.wasm", self.package.replace('-', "_")));
        Ok(if program.exists() { program } else { library })
    }
}

/// Makes the launcher's build embed the module that is already built, instead of building its own.
pub(crate) fn use_module(cargo: &mut Command) -> &mut Command {
    cargo.env("RUNNER_TERMINAL_WASM", workspace::target(WASI.file))
}

/// Installs the Rust standard library for a target, if Rust is managed by rustup.
pub(crate) fn add_target(target: &str) -> Result<()> {
    let line = format!("rustc --print target-libdir --target {target}");
    if Path::new(process::read(&mut command(&line))?.trim()).exists() {
        return Ok(());
    }
    process::run(&mut command(&format!("rustup target add {target}")))
}
