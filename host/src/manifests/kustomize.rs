//! Builds a kustomization, by the kustomize or kubectl on PATH.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use krm::text::lines;

use thiserror::Error;

use super::file::{File, shown};
use crate::terminal;

/// The commands that build a kustomization, the preferred one first. kustomize may run functions,
/// because this one may be among its transformers. kubectl cannot, and refuses a kustomization that
/// has any.
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

/// Why a kustomization cannot be built.
#[derive(Debug, Error)]
pub(crate) enum BuildError {
    /// Neither kustomize nor kubectl is installed.
    #[error(
        "neither kustomize nor kubectl is on PATH: install one, or build the manifests yourself and \
         name the file instead"
    )]
    NotInstalled,
    /// The program does not start.
    #[error("cannot run {program}: {error}")]
    NotStarted {
        /// `kustomize` or `kubectl`.
        program: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// The program failed.
    #[error("{command} {folder} has failed ({status}){}", below(messages))]
    Failed {
        /// `kustomize build`, for instance.
        command: String,
        /// The kustomization.
        folder: String,
        /// How the program ended.
        status: ExitStatus,
        /// What it said on standard error: its own error, and those of functions.
        messages: String,
    },
    /// The output is not UTF-8.
    #[error("{program} printed what is not UTF-8")]
    NotUtf8 {
        /// `kustomize` or `kubectl`.
        program: &'static str,
    },
}

fn below(messages: &str) -> String {
    match messages.trim_end() {
        "" => String::new(),
        messages => format!(":\n{messages}"),
    }
}

/// The file that makes a folder a kustomization, if there is one.
pub(crate) fn kustomization_of(folder: &Path) -> Option<PathBuf> {
    let mut paths = KUSTOMIZATIONS.iter().map(|name| folder.join(name));
    paths.find(|path| path.is_file())
}

/// Builds a kustomization. Messages of a kustomize that succeeds go to standard error.
///
/// # Errors
///
/// Neither kustomize nor kubectl is installed, or the build has failed.
pub(super) fn build(folder: &Path) -> Result<File, BuildError> {
    for words in BUILDERS {
        let [program, subcommand, flags @ ..] = words else {
            continue;
        };
        let mut command = Command::new(program);
        command.arg(subcommand).args(flags).arg(folder);
        let waiting = terminal::waiting_still(|| format!("building {}", shown(folder)));
        let ran = command.stdin(Stdio::null()).output();
        drop(waiting);
        let ran = match ran {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            ran => ran.map_err(|error| BuildError::NotStarted { program, error })?,
        };
        let messages = String::from_utf8_lossy(&ran.stderr);
        if !ran.status.success() {
            return Err(BuildError::Failed {
                command: format!("{program} {subcommand}"),
                folder: shown(folder),
                status: ran.status,
                messages: messages.into_owned(),
            });
        }
        terminal::report(&lines(&messages));
        let text = String::from_utf8(ran.stdout).map_err(|_| BuildError::NotUtf8 { program })?;
        return Ok(File {
            // Its lines are not those of a file of the folder.
            path: format!("{program} {subcommand} {}", shown(folder)),
            location: folder.to_owned(),
            root: None,
            text,
        });
    }
    Err(BuildError::NotInstalled)
}
