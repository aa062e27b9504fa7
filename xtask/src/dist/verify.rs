//! Builds the same again in another folder, and compares.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use fs_err as fs;

use super::{Arguments, Built, Source, TIME, build_module};
use crate::artifacts::WASI;
use crate::process::{self, command};
use crate::workspace;

/// Builds and packs the copy of the workspace, and compares both the built and the packed files.
pub(super) fn release(
    copy: Copy,
    arguments: &Arguments,
    source: &Source,
    built: &Built,
    out: &Path,
) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&copy.root).args(["xtask", "dist"]);
    for target in &arguments.targets {
        cargo.args(["--target", target]);
    }
    cargo.args(["--image", &arguments.image, "--commit", &source.commit]);
    cargo.env(TIME, source.time.to_string());
    // Each build has its own target folder, below its own workspace.
    cargo.env_remove("CARGO_TARGET_DIR");
    println!("\nonce more, in {}", copy.root.display());
    process::run(&mut cargo)?;

    // The files that are packed into the archives come first: if one differs, its archive does too.
    let launchers = built.launchers.iter();
    let launchers = launchers.filter_map(|launcher| launcher.path.parent());
    let modules = built.modules.first().and_then(|(_, file)| file.parent());
    for folder in modules.into_iter().chain(launchers).chain([out]) {
        compare(folder, &copy.twin(folder)?)?;
    }
    Ok(fs::remove_dir_all(copy.root)?)
}

/// Builds the launcher's module here and from a copy, and compares.
pub(super) fn module() -> Result<()> {
    let copy = Copy::make()?;
    let here = build_module(&WASI, workspace::root())?;
    let there = build_module(&WASI, &copy.root)?;
    compare(&here, &there)?;
    let root = copy.root.display();
    println!("a second build of the module, in {root}, gave the same");
    Ok(fs::remove_dir_all(copy.root)?)
}

/// Fails if two builds of a file, or of the files in a folder, differ, and says which.
fn compare(ours: &Path, theirs: &Path) -> Result<()> {
    let mut diff = command("diff --recursive --report-identical-files");
    process::run(diff.arg(ours).arg(theirs)).context("two builds differ; the second one is kept")
}

/// A copy of the workspace's sources, in a folder with a different name and depth.
///
/// What an interrupted run has already built in it is kept, because the dependencies take minutes.
pub(super) struct Copy {
    root: PathBuf,
}

impl Copy {
    pub(super) fn make() -> Result<Self> {
        let root = workspace::target("dist-copy/of/the/workspace");
        fs::create_dir_all(&root)?;
        for path in workspace::entries(&root)? {
            if path.is_file() {
                fs::remove_file(&path)?;
            } else if !path.ends_with("target") {
                fs::remove_dir_all(&path)?;
            }
        }
        let mut git = command("git ls-files -z --cached --others --exclude-standard");
        for name in process::read(&mut git)?.split_terminator('\0') {
            let (from, to) = (workspace::root().join(name), root.join(name));
            // A file whose deletion is not committed yet is still listed.
            if from.is_file() {
                fs::create_dir_all(to.parent().unwrap_or(&root))?;
                fs::copy(&from, &to)?;
            }
        }
        Ok(Self { root })
    }

    /// The file or folder in it that corresponds to this one in the workspace.
    fn twin(&self, path: &Path) -> Result<PathBuf> {
        Ok(self.root.join(path.strip_prefix(workspace::root())?))
    }
}
