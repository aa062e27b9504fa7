//! Where things are in the workspace.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// A file or folder of the build, by its path under `target`.
pub(crate) fn target(path: &str) -> PathBuf {
    root().join("target").join(path)
}

/// The program of a pinned host, whether it is built yet or not.
pub(crate) fn host(name: &str) -> PathBuf {
    target("hosts/bin").join(name)
}

/// The text of a file, by its path in the workspace.
pub(crate) fn text(path: &str) -> Result<String> {
    Ok(fs::read_to_string(root().join(path))?)
}

/// The files and folders in a folder, sorted.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Creates a folder, or empties it.
pub(crate) fn empty(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The PATH with these folders in front.
pub(crate) fn path_with(folders: &[PathBuf]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(env::split_paths(&path));
    env::join_paths(folders).context("the workspace's path cannot be put on PATH")
}

/// A PATH on which other programs find `runner-terminal`.
pub(crate) fn path_with_launcher() -> Result<OsString> {
    path_with(&[target("release")])
}

/// Refuses an unknown name, and lists the known ones.
pub(crate) fn must_be_known<'a>(
    kind: &str,
    names: &[impl AsRef<str>],
    known: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let known: Vec<_> = known.collect();
    for name in names.iter().map(AsRef::as_ref) {
        let list = known.join(", ");
        ensure!(
            known.contains(&name),
            "there is no {kind} {name}; the {kind}s are {list}"
        );
    }
    Ok(())
}
