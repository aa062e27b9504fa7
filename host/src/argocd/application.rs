//! The application: its name, its kind, and its folder, which no path leads out of.

use std::env;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use super::kind::ApplicationKind;
use super::parameters;

/// A folder cannot be read.
#[derive(Debug, Error)]
#[error("cannot read the folder {folder}: {error}")]
pub(super) struct FolderError {
    pub(super) folder: String,
    pub(super) error: io::Error,
}

/// Why a path does not name a file of the application.
#[derive(Debug, Error)]
pub(super) enum PathError {
    /// The path is absolute, is empty, or has `..` in it.
    #[error(
        "the path {0:?} is not one in the application's folder: write it from there, without a / at \
         its start and without .."
    )]
    Outside(String),
    /// A link leads out of the folder.
    #[error("{0:?} is a link that leads out of the application's folder")]
    LeadsOut(String),
    /// A folder, for instance.
    #[error("{0:?} is not a file")]
    NotAFile(String),
    /// There is no such file, or it may not be read.
    #[error("cannot read {path:?} in the application's folder: {error}")]
    Read {
        /// The path.
        path: String,
        /// The system's error.
        error: io::Error,
    },
}

/// The file that marks an application as the plugin's.
pub(super) const CONFIG_FILE: &str = "runner-terminal.yaml";

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const CHART: &str = "Chart.yaml";

/// The application.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) kube_version: String,
    pub(super) api_versions: String,
    pub(super) folder: Folder,
    /// The repository, which links may lead to.
    pub(super) repository: Folder,
    pub(super) kind: ApplicationKind,
}

impl Application {
    /// The application in the current folder, with the settings of Argo CD's variables.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub(super) fn here() -> Result<Self, FolderError> {
        let folder = Folder::new(Path::new("."))?;
        let variable = |name: &str| env::var(name).unwrap_or_default();
        let repository = repository(folder.path(), &variable("ARGOCD_APP_SOURCE_PATH"));
        let has = |name: &&str| folder.path().join(name).is_file();
        let kind = if KUSTOMIZATIONS.iter().any(&has) {
            ApplicationKind::Kustomization
        } else if has(&CHART) {
            ApplicationKind::Chart
        } else {
            ApplicationKind::Directory
        };
        let name = variable("ARGOCD_APP_NAME");
        Ok(Self {
            // Outside of Argo CD's own namespace, the name is namespace_name.
            name: name.rsplit('_').next().unwrap_or_default().to_owned(),
            namespace: variable("ARGOCD_APP_NAMESPACE"),
            kube_version: variable("KUBE_VERSION"),
            api_versions: variable("KUBE_API_VERSIONS"),
            repository: Folder::new(&repository)?,
            folder,
            kind,
        })
    }

    /// True if it has the plugin's file, or parameters of the plugin.
    pub(super) fn is_of_plugin(&self) -> bool {
        self.folder.path().join(CONFIG_FILE).is_file() || parameters::are_set()
    }
}

/// The repository: the parent of `folder` from which `path` leads to it; otherwise `folder` itself.
fn repository(folder: &Path, path: &str) -> PathBuf {
    let mut above = folder;
    let parts = Path::new(path).components().collect::<Vec<_>>();
    for part in parts.into_iter().rev() {
        let Component::Normal(name) = part else {
            continue;
        };
        match above.parent() {
            Some(parent) if above.file_name() == Some(name) => above = parent,
            _ => return folder.to_owned(),
        }
    }
    above.to_owned()
}

/// A folder that no path leads out of, with all links in its own path followed.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn new(path: &Path) -> Result<Self, FolderError> {
        match fs::canonicalize(path) {
            Ok(path) => Ok(Self(path)),
            Err(error) => Err(FolderError {
                folder: path.display().to_string(),
                error,
            }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, by its relative path.
    ///
    /// # Errors
    ///
    /// There is no such file, or the path leads out of the folder, by itself or by a link.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, PathError> {
        let path = Path::new(name);
        let stays = path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if name.is_empty() || !stays {
            return Err(PathError::Outside(name.to_owned()));
        }
        let joined = self.0.join(path);
        match fs::canonicalize(&joined) {
            Ok(found) if !found.starts_with(&self.0) => Err(PathError::LeadsOut(name.to_owned())),
            Ok(found) if found.is_file() => Ok(joined),
            Ok(_) => Err(PathError::NotAFile(name.to_owned())),
            Err(error) => Err(PathError::Read {
                path: name.to_owned(),
                error,
            }),
        }
    }

    /// True if a path, with all links in it followed, is in the folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|found| found.starts_with(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_above() {
        for (path, root) in [
            ("team/a", "/tmp/repo"),
            ("./team/a/", "/tmp/repo"),
            ("a", "/tmp/repo/team"),
            (".", "/tmp/repo/team/a"),
            ("", "/tmp/repo/team/a"),
            ("b", "/tmp/repo/team/a"),
            ("../team/a", "/tmp/repo"),
        ] {
            let found = repository(Path::new("/tmp/repo/team/a"), path);
            assert_eq!(found, Path::new(root), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_stays_inside() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let inside = outside.path().join("app");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("values.yaml"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", inside.join("link")).unwrap();
        std::os::unix::fs::symlink("..", inside.join("up")).unwrap();
        std::os::unix::fs::symlink("values.yaml", inside.join("same")).unwrap();
        let folder = Folder::new(&inside).unwrap();

        for path in ["values.yaml", "./values.yaml", "same"] {
            assert!(folder.file(path).is_ok(), "{path}");
        }
        for path in ["", "../app/values.yaml", "/etc/passwd", "a/../values.yaml"] {
            let error = folder.file(path).unwrap_err();
            assert!(matches!(error, PathError::Outside(_)), "{path}");
        }
        for path in ["link", "up/secret"] {
            let error = folder.file(path).unwrap_err();
            assert!(matches!(error, PathError::LeadsOut(_)), "{path}");
        }
        for path in [".", "absent", "up"] {
            assert!(folder.file(path).is_err(), "{path}");
        }
    }
}
