//! Builds the same once more in another folder, and compares.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::compare::Comparison;
use super::source::{self, Source};
use super::{Arguments, Built, modules};
use crate::artifacts::WASI;
use crate::{process, workspace};

/// Builds and packs the copy of the workspace, and compares what is built and what is packed.
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
    cargo.args(["--image", &arguments.image]);
    cargo.args(["--commit", &source.commit]);
    cargo.env(source::TIME, &source.time);
    // Each build has a folder of its own, below its own workspace.
    cargo.env_remove("CARGO_TARGET_DIR");
    println!("\nonce more, in {}", copy.root.display());
    process::run(&mut cargo)?;

    println!("\nthe two builds, file by file");
    let mut comparison = Comparison::default();
    // What is packed into the archives comes first: where it differs, they do.
    for file in built.files() {
        let name = file.strip_prefix(workspace::root())?;
        comparison.file(&name.to_string_lossy(), file, &copy.twin(file)?)?;
    }
    comparison.sums(out, &copy.twin(out)?)?;
    comparison
        .finish()
        .with_context(|| format!("the second build is kept in {}", copy.root.display()))?;
    copy.remove()
}

/// Builds the launcher's module here and from a copy, and compares.
pub(super) fn module() -> Result<()> {
    let copy = Copy::make()?;
    let here = modules::build(&[WASI], workspace::root())?;
    let there = modules::build(&[WASI], &copy.root)?;
    let mut comparison = Comparison::default();
    for (ours, theirs) in here.built.iter().zip(&there.built) {
        comparison.file(WASI.file, &ours.file, &theirs.file)?;
    }
    comparison.finish()?;
    println!(
        "a second build of the module, in {}, gave the same",
        copy.root.display()
    );
    copy.remove()
}

/// A copy of the workspace's sources, in a folder with another name and of another depth.
///
/// What an interrupted run has built in it already stays, as its dependencies take minutes.
pub(super) struct Copy {
    root: PathBuf,
}

impl Copy {
    pub(super) fn make() -> Result<Self> {
        let root = workspace::target("dist-copy/of/the/workspace");
        let copy = Self { root };
        copy.remove_sources()?;
        let mut git = Command::new("git");
        git.current_dir(workspace::root());
        git.args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let listed = process::capture(&mut git)?;
        for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            let (from, to) = (workspace::root().join(name), copy.root.join(name));
            // A file that is deleted and not yet committed is listed still.
            if !from.is_file() {
                continue;
            }
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        Ok(copy)
    }

    /// The file or folder in it that is what this one is in the workspace.
    fn twin(&self, path: &Path) -> Result<PathBuf> {
        Ok(self.root.join(path.strip_prefix(workspace::root())?))
    }

    fn remove_sources(&self) -> Result<()> {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return Ok(());
        };
        for entry in entries {
            let path = entry?.path();
            let removed = if path.ends_with("target") {
                Ok(())
            } else if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.root)
            .with_context(|| format!("cannot remove {}", self.root.display()))
    }
}
