//! kustomize, with the function on its PATH.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use crate::command;
use crate::launcher::without_clusters;
use crate::programs::{artifact, host};

/// Runs `kustomize build` on a folder, allowed to run the launcher as an exec function.
pub fn kustomize_build(folder: &Path) -> Output {
    command::run(&mut kustomize(folder), b"")
}

/// The command of [`kustomize_build`].
pub fn kustomize(folder: &Path) -> Command {
    let launcher = artifact("release/runner-terminal");
    let old = env::var_os("PATH").unwrap_or_default();
    let folders = launcher
        .parent()
        .map(Path::to_owned)
        .into_iter()
        .chain(env::split_paths(&old));
    let path = env::join_paths(folders).expect("the workspace's path can be put on PATH");

    let mut kustomize = Command::new(host("kustomize"));
    kustomize
        .args(["build", "--enable-alpha-plugins", "--enable-exec"])
        .arg(folder)
        .env("PATH", path);
    without_clusters(&mut kustomize);
    kustomize
}
