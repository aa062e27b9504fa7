//! The application: what it is called, what sort of manifests it has, and where it is: in a folder
//! that no path leads out of.

use std::env;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::parameters;

/// The file that makes an application this plugin's.
pub(super) const CONFIG_FILE: &str = "runner-terminal.yaml";

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
const CHART: &str = "Chart.yaml";

/// What an application's folder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A kustomization.
    Kustomization,
    /// A Helm chart.
    Chart,
    /// Manifests.
    Directory,
}

impl Sort {
    /// One application of the sort.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Kustomization => "a kustomization",
            Self::Chart => "a chart",
            Self::Directory => "a folder of manifests",
        }
    }

    /// All of them.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Kustomization => "kustomizations",
            Self::Chart => "charts",
            Self::Directory => "folders of manifests",
        }
    }
}

/// The application.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) kube_version: String,
    pub(super) api_versions: String,
    pub(super) folder: Folder,
    /// The repository, which the links of an application's files may lead to.
    pub(super) repository: Folder,
    pub(super) sort: Sort,
}

impl Application {
    /// The application in the current folder, as Argo CD's variables tell of it.
    ///
    /// # Errors
    ///
    /// A sentence: the folder cannot be read.
    pub(super) fn here() -> Result<Self, String> {
        let folder = Folder::new(Path::new("."))?;
        let variable = |name: &str| env::var(name).unwrap_or_default();
        let repository = repository(folder.path(), &variable("ARGOCD_APP_SOURCE_PATH"));
        let has = |name: &&str| folder.path().join(name).is_file();
        let sort = if KUSTOMIZATIONS.iter().any(&has) {
            Sort::Kustomization
        } else if has(&CHART) {
            Sort::Chart
        } else {
            Sort::Directory
        };
        let name = variable("ARGOCD_APP_NAME");
        Ok(Self {
            // An application outside Argo CD's own namespace is called namespace_name.
            name: name.rsplit('_').next().unwrap_or_default().to_owned(),
            namespace: variable("ARGOCD_APP_NAMESPACE"),
            kube_version: variable("KUBE_VERSION"),
            api_versions: variable("KUBE_API_VERSIONS"),
            repository: Folder::new(&repository)?,
            folder,
            sort,
        })
    }

    /// True when it has the plugin's file, or parameters of the plugin.
    pub(super) fn is_ours(&self) -> bool {
        self.folder.path().join(CONFIG_FILE).is_file() || parameters::are_given()
    }
}

/// The folder above that is the repository, when the path from it leads here; else the folder.
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

/// A folder that nothing leads out of, with all links in its own path followed.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder.
    ///
    /// # Errors
    ///
    /// A sentence: it cannot be read.
    pub(super) fn new(path: &Path) -> Result<Self, String> {
        fs::canonicalize(path)
            .map(Self)
            .map_err(|error| format!("cannot read the folder {}: {error}", path.display()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, by its path from there.
    ///
    /// # Errors
    ///
    /// A sentence that quotes the path: there is no such file, or the path leads elsewhere, by
    /// itself or by a link.
    pub(super) fn file(&self, given: &str) -> Result<PathBuf, String> {
        let path = Path::new(given);
        let stays = path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if given.is_empty() || !stays {
            return Err(format!(
                "the path {given:?} is not one in the application's folder: write it from there, \
                 without a / at its start and without .."
            ));
        }
        let joined = self.0.join(path);
        match fs::canonicalize(&joined) {
            Ok(found) if !found.starts_with(&self.0) => Err(format!(
                "{given:?} is a link that leads out of the application's folder"
            )),
            Ok(found) if found.is_file() => Ok(joined),
            Ok(_) => Err(format!("{given:?} is no file")),
            Err(error) => Err(format!(
                "cannot read {given:?} in the application's folder: {error}"
            )),
        }
    }

    /// True when a path, with all links in it followed, is in the folder.
    pub(super) fn has(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|found| found.starts_with(&self.0))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
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
            assert!(
                folder.file(path).unwrap_err().contains("without .."),
                "{path}"
            );
        }
        for path in ["link", "up/secret"] {
            assert!(
                folder.file(path).unwrap_err().contains("leads out"),
                "{path}"
            );
        }
        for path in [".", "absent", "up"] {
            assert!(folder.file(path).is_err(), "{path}");
        }
    }
}
