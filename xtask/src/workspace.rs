//! Where things are in the workspace.

use std::path::{Path, PathBuf};

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
