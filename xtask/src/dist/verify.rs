//! Builds the same once more in another folder, and compares.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::source::{self, Source};
use super::{Arguments, modules};
use crate::artifacts::WASI;
use crate::{process, workspace};

/// Builds and packs the copy of the workspace, and compares the checksums with those of `out`.
pub(super) fn release(
    copy: Copy,
    arguments: &Arguments,
    source: &Source,
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
    process::run(&mut cargo)?;
    let sums = |folder: &Path| {
        let path = folder.join("SHA256SUMS");
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (here, there) = (sums(out)?, sums(&copy.root.join("target/dist"))?);
    if let Some((ours, theirs)) = here.lines().zip(there.lines()).find(|(a, b)| a != b) {
        bail!("two builds differ:\n{ours}\n{theirs}");
    }
    println!("a second build, in {}, gave the same", copy.root.display());
    copy.remove()
}

/// Builds the launcher's module here and from a copy, and compares.
pub(super) fn module() -> Result<()> {
    let copy = Copy::make()?;
    let here = modules::build(&[WASI], workspace::root())?;
    let there = modules::build(&[WASI], &copy.root)?;
    for (ours, theirs) in here.files.iter().zip(&there.files) {
        if fs::read(ours)? != fs::read(theirs)? {
            bail!(
                "two builds of a module differ: {} and {}",
                ours.display(),
                theirs.display()
            );
        }
    }
    println!(
        "a second build of the module, in {}, gave the same",
        copy.root.display()
    );
    copy.remove()
}

/// A copy of the workspace's sources, in a folder with another name and of another depth.
pub(super) struct Copy {
    root: PathBuf,
}

impl Copy {
    pub(super) fn make() -> Result<Self> {
        let root = workspace::target("dist-copy/of/the/workspace");
        let copy = Self { root };
        copy.empty()?;
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

    fn empty(&self) -> Result<()> {
        if self.root.exists() {
            fs::remove_dir_all(&self.root)
                .with_context(|| format!("cannot remove {}", self.root.display()))?;
        }
        Ok(())
    }

    fn remove(self) -> Result<()> {
        self.empty()
    }
}
