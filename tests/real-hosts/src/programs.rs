//! Where the programs are.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in tests/real-hosts of the workspace")
}

/// A folder of hosts in other versions, preferred to the pinned ones: `cargo xtask versions`
/// runs the tests with each.
const OTHER_VERSIONS: &str = "RUNNER_TERMINAL_HOSTS";

/// A pinned host by its name, such as `kustomize`.
///
/// # Panics
///
/// If it is not built.
pub fn host(name: &str) -> PathBuf {
    let other = env::var_os(OTHER_VERSIONS).map(|folder| Path::new(&folder).join(name));
    if let Some(other) = other.filter(|path| path.is_file()) {
        return other;
    }
    built(&format!("hosts/bin/{name}"), "cargo xtask hosts")
}

/// An artifact of this project, by its path under `target`.
pub(crate) fn artifact(path: &str) -> PathBuf {
    built(path, "cargo xtask build")
}

/// A PATH that starts with the launcher.
pub(crate) fn path_with_launcher() -> OsString {
    let launcher = artifact("release/runner-terminal");
    let old = env::var_os("PATH").unwrap_or_default();
    let own = launcher.parent().map(Path::to_owned);
    env::join_paths(own.into_iter().chain(env::split_paths(&old)))
        .expect("the workspace's path can be put on PATH")
}

/// A PATH that starts with the launcher and the hosts of the tests.
///
/// # Panics
///
/// If the launcher is not built.
pub fn path_with_hosts() -> OsString {
    let hosts = workspace_root().join("target/hosts/bin");
    let path = path_with_launcher();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.insert(1, hosts);
    env::join_paths(folders).expect("the workspace's path can be put on PATH")
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
