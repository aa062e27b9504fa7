//! The npm package: builds it in `target/web`, and checks it as it is published.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use crate::artifacts::WEB;
use crate::process::{self, NPM_CI, command};
use crate::workspace::{self, empty};

/// The package's tests, with the programs that they need.
const TESTS: &str = "wasm/web/tests";
/// The name of the generated files.
const NAME: &str = "runner_terminal";
/// The placeholder for the workspace's version in the package's `package.json`.
const NO_VERSION: &str = "\"version\": \"0.0.0\"";

/// Builds the package.
pub(crate) fn build() -> Result<()> {
    let (target, folder) = (workspace::target(""), workspace::target("web"));
    build_with(&mut command("cargo"), &target, &folder)
}

/// Builds it into a folder with a cargo command that is already set up, whose target folder is
/// `target`.
pub(crate) fn build_with(cargo: &mut Command, target: &Path, folder: &Path) -> Result<()> {
    let module = WEB.build_with(cargo, target)?;
    empty(folder.to_owned())?;
    let mut bindgen = command("cargo run --quiet --package=runner-terminal-bindgen --");
    process::run(bindgen.arg(module).arg(folder).arg(NAME))?;
    let mut files = workspace::entries(&workspace::root().join("wasm/web/npm"))?;
    files.push(workspace::root().join("LICENSE"));
    for file in files {
        fs::copy(&file, folder.join(file.file_name().unwrap_or_default()))?;
    }
    // The package has the version of the workspace.
    let manifest = folder.join("package.json");
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    let text = fs::read_to_string(&manifest)?.replace(NO_VERSION, &version);
    Ok(fs::write(manifest, text)?)
}

/// Packs the package, installs it beside its tests, and runs them.
pub(crate) fn check() -> Result<()> {
    process::npm(TESTS, NPM_CI)?;
    let packed = workspace::target("web-packed");
    fs::create_dir_all(&packed)?;
    let mut pack = command("npm pack --json --pack-destination");
    pack.arg(&packed).current_dir(workspace::target("web"));
    fs::write(packed.join("packed.json"), process::read(&mut pack)?)?;
    let package = packed.join(format!("runner-terminal-{}.tgz", env!("CARGO_PKG_VERSION")));
    let mut install = command("npm install --no-save --no-package-lock --no-fund --no-audit");
    install
        .arg(package)
        .current_dir(workspace::root().join(TESTS));
    process::run(&mut install)?;
    process::npm(TESTS, "test")
}
