//! Builds a kustomization with the exported Component around it, and compares.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use krm::documents::resources;
use runner_terminal::export::{Change, ExportedFile, HashedNames, NotTheSame, compare};
use serde_json::Value;
use thiserror::Error;

use crate::manifests::{File, Manifests, ManifestsError, shown, texts};

/// Why a Component is not written.
#[derive(Debug, Error)]
pub(crate) enum BuiltError {
    /// The kustomization cannot be built with it.
    #[error(
        "{folder} cannot be built with what would be exported, so nothing has been written: {error}"
    )]
    Build {
        /// The kustomization.
        folder: String,
        /// Why.
        error: Box<ManifestsError>,
    },
    /// The build differs from what the function gives.
    #[error(
        "kustomize would make something else of {folder} than the function, so nothing has been written: \
         {error}. Let the host run the function, or write finished manifests: build the \
         kustomization and pipe it to apply-to"
    )]
    NotTheSame {
        /// The kustomization.
        folder: String,
        /// The first difference.
        error: NotTheSame,
    },
    /// A temporary folder cannot be written.
    #[error("cannot write a temporary folder: {0}")]
    Temporary(io::Error),
    /// The folder is missing.
    #[error("cannot read the folder {folder}: {error}")]
    Folder {
        /// The kustomization.
        folder: String,
        /// The system's error.
        error: io::Error,
    },
}

/// Builds a kustomization that includes the folder and the Component, and compares its output with what
/// the function gives.
///
/// # Errors
///
/// It cannot be built, or differs.
pub(super) fn check(
    folder: &Path,
    files: &[ExportedFile],
    changes: &[Change],
) -> Result<(), BuiltError> {
    let temporary = tempfile::tempdir().map_err(BuiltError::Temporary)?;
    let around = fs::canonicalize(temporary.path()).map_err(BuiltError::Temporary)?;
    let base = real(folder)?;
    // kustomize takes no absolute path for a folder.
    let base = serde_json::json!([relative(&around, &base).to_string_lossy()]);
    let mut kustomization = format!("resources: {base}\n");
    let component = around.join("component");
    fs::create_dir(&component).map_err(BuiltError::Temporary)?;
    for file in files {
        fs::write(component.join(&file.name), &file.text).map_err(BuiltError::Temporary)?;
    }
    if !files.is_empty() {
        kustomization.push_str("components: [component]\n");
    }
    fs::write(around.join("kustomization.yaml"), kustomization).map_err(BuiltError::Temporary)?;
    let built = Manifests::read(&[], Some(&around)).map_err(|error| BuiltError::Build {
        folder: shown(folder),
        error: Box::new(error),
    })?;
    let built: Vec<File> = match built {
        Manifests::Plain(files) => files,
        Manifests::List(file) => vec![file],
    };
    let mut built = values(&built);
    let names = HashedNames::of(&built);
    for value in &mut built {
        names.remove_from(value);
    }
    let expected: Vec<Value> = changes.iter().filter_map(|one| one.after.clone()).collect();
    compare(&built, &expected).map_err(|error| BuiltError::NotTheSame {
        folder: shown(folder),
        error,
    })
}

fn values(files: &[File]) -> Vec<Value> {
    let found = resources(&texts(files)).unwrap_or_default().into_iter();
    found.map(|found| found.item.value()).collect()
}

/// A folder's path with all links in it followed.
///
/// # Errors
///
/// It does not exist.
pub(super) fn real(folder: &Path) -> Result<PathBuf, BuiltError> {
    fs::canonicalize(folder).map_err(|error| BuiltError::Folder {
        folder: shown(folder),
        error,
    })
}

/// The relative path from one folder to another, from their absolute paths without links.
pub(super) fn relative(from: &Path, to: &Path) -> PathBuf {
    let parts = |path: &Path| -> Vec<PathBuf> {
        let parts = path.components();
        let parts = parts.filter(|part| !matches!(part, Component::CurDir));
        parts.map(|part| PathBuf::from(part.as_os_str())).collect()
    };
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(shared).map(|_| PathBuf::from(".."));
    let way: PathBuf = up.chain(to.into_iter().skip(shared)).collect();
    if way.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_folders() {
        for (from, to, expected) in [
            ("/a/b", "/a/c", "../c"),
            ("/a", "/a/b/c", "b/c"),
            ("/a/b", "/", "../.."),
            ("/a", "/a", "."),
        ] {
            assert_eq!(
                relative(Path::new(from), Path::new(to)),
                Path::new(expected)
            );
        }
    }
}
