//! Manifests by kustomize, as the user has it installed.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use krm::text::lines;

use super::{File, shown};

/// What can build a kustomization, the better one first. kustomize is allowed to run functions: a
/// kustomization that uses this one has it among its transformers. kubectl cannot run any, and
/// refuses a kustomization that has some.
const BUILDERS: [&[&str]; 2] = [
    &[
        "kustomize",
        "build",
        "--enable-alpha-plugins",
        "--enable-exec",
    ],
    &["kubectl", "kustomize"],
];

/// Names of the file that makes a folder a kustomization.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// True for the folder of a kustomization.
pub(super) fn is_one(folder: &Path) -> bool {
    KUSTOMIZATIONS
        .iter()
        .any(|name| folder.join(name).is_file())
}

/// Builds a kustomization; what kustomize says goes to standard error.
///
/// # Errors
///
/// A sentence: neither kustomize nor kubectl is there, or the build has failed.
pub(super) fn build(folder: &Path) -> Result<File, String> {
    for words in BUILDERS {
        let [program, subcommand, flags @ ..] = words else {
            continue;
        };
        let mut command = Command::new(program);
        command.arg(subcommand).args(flags).arg(folder);
        let ran = match command.stdin(Stdio::null()).output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            ran => ran.map_err(|error| format!("cannot run {program}: {error}"))?,
        };
        // What cannot be shown is no reason to fail.
        let told = String::from_utf8_lossy(&ran.stderr);
        let _ = io::stderr().write_all(lines(&told).as_bytes());
        if !ran.status.success() {
            return Err(format!(
                "{program} {subcommand} {} has failed ({})",
                shown(folder),
                ran.status
            ));
        }
        let text = String::from_utf8(ran.stdout)
            .map_err(|_| format!("{program} printed what is not UTF-8"))?;
        return Ok(File {
            path: shown(folder),
            place: folder.to_owned(),
            root: None,
            text,
        });
    }
    Err("neither kustomize nor kubectl is on PATH: install one, or build the manifests yourself and \
         name them by --filename"
        .to_owned())
}
