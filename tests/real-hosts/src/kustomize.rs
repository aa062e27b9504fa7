//! kustomize, with the function on its PATH.

use std::path::Path;
use std::process::{Command, Output};

use crate::command;
use crate::launcher::without_clusters;
use crate::programs::{host, path_with_launcher};

/// Runs `kustomize build` on a folder, allowed to run the launcher as an exec function.
pub fn kustomize_build(folder: &Path) -> Output {
    command::run(&mut kustomize(folder), b"")
}

/// The command of [`kustomize_build`].
pub fn kustomize(folder: &Path) -> Command {
    let mut kustomize = Command::new(host("kustomize"));
    kustomize
        .args(["build", "--enable-alpha-plugins", "--enable-exec"])
        .arg(folder)
        .env("PATH", path_with_launcher());
    without_clusters(&mut kustomize);
    kustomize
}
