//! Builds the manifests of an application, as Argo CD itself would.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::application::{Application, FolderError};
use super::chart::{self, ChartError};
use super::kind::ApplicationKind;
use super::parameters::Parameters;
use super::program::{self, ProgramError};
use crate::manifests::{self, File, FileError};

/// Options for `kustomize build`, which the operator of the plugin sets in the sidecar's environment.
/// An application cannot set them, as Argo CD adds a prefix to its variables.
const KUSTOMIZE_OPTIONS: &str = "RUNNER_TERMINAL_ARGOCD_KUSTOMIZE_OPTIONS";

/// What kustomize prints for a kustomization with a function that it is not allowed to run.
const REFUSALS: [&str; 3] = [
    "external plugins disabled",
    "unable to load external plugin",
    "--enable-exec",
];

/// Argo CD skips files with this text.
const SKIPPED: &str = "+argocd:skip-file-rendering";

/// Why an application cannot be built.
#[derive(Debug, Error)]
#[error(transparent)]
pub(super) enum BuildError {
    /// kustomize is missing, or has failed.
    Program(#[from] ProgramError),
    /// A kustomization has functions, and kustomize is not allowed to run them.
    #[error(
        "the kustomization runs functions, which no repository may do here: list a SessionServer and \
         an AdvertiseAddress under `resources` instead of `transformers`, or in \
         runner-terminal.yaml, and the plugin runs them; {0}"
    )]
    RunsFunctions(ProgramError),
    /// The chart cannot be rendered.
    Chart(#[from] ChartError),
    /// The parameter `recurse` is neither `true` nor `false`.
    #[error("recurse is true or false, not {0:?}")]
    Recurse(String),
    /// The folder has no manifests.
    #[error(
        "the application's folder has no manifests: files that end in .yaml, .yml or .json; set the \
         parameter recurse to true if they are in folders of it"
    )]
    NoManifests,
    /// A folder cannot be read.
    Folder(#[from] FolderError),
    /// A link leads out of the repository.
    #[error("{0} is a link that leads out of the repository")]
    LeadsOut(String),
    /// A file cannot be read.
    File(#[from] FileError),
}

/// Builds the application. In a folder of manifests, `config_files` are left out.
///
/// # Errors
///
/// A file or a parameter is invalid, or kustomize or helm has failed.
pub(super) fn manifests(
    application: &Application,
    parameters: &Parameters,
    config_files: &[File],
) -> Result<Vec<File>, BuildError> {
    let (path, text) = match application.kind {
        ApplicationKind::Kustomization => ("the output of kustomize", kustomization(application)?),
        ApplicationKind::Chart => (
            "the output of helm",
            chart::render(application, parameters)?,
        ),
        ApplicationKind::Directory => return directory(application, parameters, config_files),
    };
    Ok(vec![File {
        path: path.to_owned(),
        location: PathBuf::from(path),
        root: None,
        text,
    }])
}

/// Builds a kustomization. Functions and charts in it run only with the operator's options.
fn kustomization(application: &Application) -> Result<String, BuildError> {
    let options = env::var(KUSTOMIZE_OPTIONS).unwrap_or_default();
    let home = program::home()?;
    let mut kustomize = program::command("kustomize", application, &home);
    kustomize
        .arg("build")
        .args(options.split_whitespace())
        .arg(".");
    match program::run(&mut kustomize) {
        Err(error) if error.mentions(&REFUSALS) => Err(BuildError::RunsFunctions(error)),
        built => Ok(built?),
    }
}

/// Reads the manifests in the application's folder, and with `recurse` in the folders in it, sorted by
/// name.
fn directory(
    application: &Application,
    parameters: &Parameters,
    config_files: &[File],
) -> Result<Vec<File>, BuildError> {
    let recurse = match parameters.text("recurse") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(BuildError::Recurse(other.to_owned())),
    };
    let mut files = Vec::new();
    add(application, Path::new(""), recurse, &mut files)?;
    let is_wanted = |file: &File| {
        !file.text.contains(SKIPPED) && config_files.iter().all(|other| other.path != file.path)
    };
    files.retain(is_wanted);
    if files.is_empty() {
        return Err(BuildError::NoManifests);
    }
    Ok(files)
}

fn add(
    application: &Application,
    below: &Path,
    recurse: bool,
    files: &mut Vec<File>,
) -> Result<(), BuildError> {
    let cannot = |error: io::Error| FolderError {
        folder: below.display().to_string(),
        error,
    };
    let mut entries: Vec<_> = fs::read_dir(application.folder.path().join(below))
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        // A link to a folder is not followed: it may be a loop.
        if entry.file_type().map_err(cannot)?.is_dir() {
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if recurse && !is_hidden {
                add(application, &path, recurse, files)?;
            }
        } else if manifests::is_manifest(&path) && manifests::is_file(&entry.path())? {
            if !application.repository.has(&entry.path()) {
                return Err(BuildError::LeadsOut(path.display().to_string()));
            }
            let mut file =
                manifests::read_file_below(&entry.path(), application.repository.path())?;
            file.path = manifests::shown(&path);
            files.push(file);
        }
    }
    Ok(())
}
