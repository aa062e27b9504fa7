//! Where the programs are.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in tests/real-hosts of the workspace")
}

/// A pinned host by its name, such as `kustomize`.
///
/// # Panics
///
/// If it is not built.
pub fn host(name: &str) -> PathBuf {
    built(&format!("hosts/bin/{name}"), "cargo xtask hosts")
}

/// What the project itself builds, by its path under `target`.
pub(crate) fn artifact(path: &str) -> PathBuf {
    built(path, "cargo xtask build")
}

fn built(path: &str, build_it: &str) -> PathBuf {
    let path = workspace_root().join("target").join(path);
    assert!(
        path.is_file(),
        "{} is missing: run `{build_it}`",
        path.display()
    );
    path
}
