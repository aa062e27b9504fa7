//! The npm package: builds it in `target/web`, and checks it as it is published.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::artifacts::WEB;
use crate::{process, workspace};

/// The package's own files.
const SOURCES: &str = "wasm/web/npm";
/// Its tests, with the programs that they need.
const TESTS: &str = "wasm/web/tests";
/// What the generated files are called.
const NAME: &str = "runner_terminal";
/// What stands in the package's `package.json` for the workspace's version.
const NO_VERSION: &str = "\"version\": \"0.0.0\"";

/// Builds the package.
pub(crate) fn build() -> Result<()> {
    build_with(
        &mut process::command("cargo"),
        &workspace::target(""),
        &workspace::target("web"),
    )
}

/// Builds it by a cargo that is set up already, whose own folder is `target`, into a folder.
pub(crate) fn build_with(cargo: &mut Command, target: &Path, folder: &Path) -> Result<()> {
    let module = WEB.build_with(cargo, target)?;
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", show(folder)))?;
    }
    let mut bindgen = process::command("cargo");
    bindgen.args(["run", "--quiet", "--package=runner-terminal-bindgen", "--"]);
    process::run(bindgen.arg(module).arg(folder).arg(NAME))?;
    let sources = workspace::root().join(SOURCES);
    for entry in fs::read_dir(&sources).with_context(|| format!("cannot read {SOURCES}"))? {
        let path = entry?.path();
        copy(&path, folder)?;
    }
    copy(&workspace::root().join("LICENSE"), folder)?;
    set_version(&folder.join("package.json"))
}

/// Packs the package, installs it beside its tests, and runs these.
pub(crate) fn check() -> Result<()> {
    let tests = workspace::root().join(TESTS);
    process::npm_ci(&tests)?;
    let packed = workspace::target("web-packed");
    fs::create_dir_all(&packed).with_context(|| format!("cannot make {}", show(&packed)))?;
    let mut pack = process::command("npm");
    pack.args(["pack", "--json", "--pack-destination"])
        .arg(&packed);
    let output = process::capture(pack.current_dir(workspace::target("web")))?;
    fs::write(packed.join("packed.json"), output.stdout)
        .with_context(|| format!("cannot write to {}", show(&packed)))?;
    let package = packed.join(format!("runner-terminal-{}.tgz", env!("CARGO_PKG_VERSION")));
    let mut install = process::command("npm");
    install.args([
        "install",
        "--no-save",
        "--no-package-lock",
        "--no-fund",
        "--no-audit",
    ]);
    process::run(install.arg(package).current_dir(&tests))?;
    process::npm(&tests, &["test"])
}

/// The package has the version of the workspace.
fn set_version(manifest: &Path) -> Result<()> {
    let cannot = || format!("cannot set the version in {}", show(manifest));
    let text = fs::read_to_string(manifest).with_context(cannot)?;
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    fs::write(manifest, text.replace(NO_VERSION, &version)).with_context(cannot)
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().unwrap_or_default();
    fs::copy(file, folder.join(name))
        .map(drop)
        .with_context(|| format!("cannot copy {}", show(file)))
}

fn show(path: &Path) -> std::path::Display<'_> {
    path.display()
}
