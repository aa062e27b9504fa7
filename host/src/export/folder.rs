//! The folder of an export: which of its files are ours, and how they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use krm::bookkeeping::OWNED_BY;
use krm::documents::resources;
use krm::resource::{Identity, Resource};
use runner_terminal::export::{ExportedFile, KUSTOMIZATION, is_ours};
use thiserror::Error;

use crate::apply_to::in_place::Change;
use crate::manifests::{File, FileError, read_file, shown};

/// Other names under which kustomize looks for a kustomization. It refuses a folder with two.
const OTHER_KUSTOMIZATIONS: [&str; 2] = ["kustomization.yml", "Kustomization"];

/// Why a folder cannot be written.
#[derive(Debug, Error)]
pub(crate) enum FolderError {
    /// It cannot be read.
    #[error("cannot read the folder {folder}: {error}")]
    Read {
        /// Its path.
        folder: String,
        /// The system's error.
        error: io::Error,
    },
    /// A file in it cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of the user's files has the name of one that is to be written.
    #[error(
        "{path} was not written by export, and would be overwritten: choose another folder, or move it \
         away; nothing has been written"
    )]
    Foreign {
        /// The path of the file.
        path: String,
    },
}

/// A folder, and the files in it that an export has written.
pub(super) struct Folder {
    path: PathBuf,
    ours: Vec<File>,
}

/// How an export changes a folder's files.
#[derive(Default)]
pub(super) struct Plan {
    /// Files that are not there yet.
    created: Vec<File>,
    /// Files before and after.
    replaced: Vec<(File, File)>,
    /// Files that are not needed any more.
    removed: Vec<File>,
}

impl Folder {
    /// Reads a folder, which need not exist.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, FolderError> {
        let cannot = |error: io::Error| FolderError::Read {
            folder: shown(path),
            error,
        };
        let mut ours = Vec::new();
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            entries => entries
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(cannot)?,
        };
        let mut names: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        for name in names {
            let place = path.join(&name);
            if place.extension().is_none_or(|end| end != "yaml") {
                continue;
            }
            // A file that is not text is not ours.
            match read_file(&place) {
                Ok(file) if is_ours(&file.text) => ours.push(file),
                Ok(_) | Err(FileError::NotUtf8 { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            path: path.to_owned(),
            ours,
        })
    }

    /// True if an export has written a file in it.
    pub(super) fn has_files(&self) -> bool {
        !self.ours.is_empty()
    }

    /// The resources of the function that its files add.
    pub(super) fn added(&self) -> Vec<Identity> {
        let texts: Vec<_> = self
            .ours
            .iter()
            .map(|file| (file.path.as_str(), file.text.as_str()))
            .collect();
        let found = resources(&texts).unwrap_or_default().into_iter();
        let found = found.map(|found| Resource::new(0, found.item.value()));
        let owned = found.filter(|found| found.annotation(OWNED_BY).is_some());
        owned.map(|found| found.identity).collect()
    }

    /// Compares its files with those that an export gives.
    ///
    /// # Errors
    ///
    /// One of the user's files has the name of one of them.
    pub(super) fn plan(self, files: Vec<ExportedFile>) -> Result<Plan, FolderError> {
        let mut plan = Plan::default();
        let mut ours = self.ours;
        let is_kustomization = files.iter().any(|file| file.name == KUSTOMIZATION);
        let others = OTHER_KUSTOMIZATIONS.iter().map(|name| self.path.join(name));
        if let Some(other) = others
            .into_iter()
            .find(|path| is_kustomization && exists(path))
        {
            return Err(FolderError::Foreign {
                path: shown(&other),
            });
        }
        for file in files {
            let location = self.path.join(&file.name);
            let known = ours.iter().position(|one| one.location == location);
            let new = File {
                path: shown(&location),
                location,
                root: None,
                text: file.text,
            };
            match known {
                Some(place) => {
                    let old = ours.remove(place);
                    if old.text != new.text {
                        plan.replaced.push((old, new));
                    }
                }
                None if exists(&new.location) => {
                    return Err(FolderError::Foreign { path: new.path });
                }
                None => plan.created.push(new),
            }
        }
        plan.removed = ours;
        Ok(plan)
    }
}

/// True for a link too, wherever it leads.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

impl Plan {
    /// Adds one of the user's files, which gets a new text.
    pub(super) fn edit(&mut self, before: File, text: String) {
        if before.text != text {
            let after = File {
                text,
                ..before.clone()
            };
            self.replaced.push((before, after));
        }
    }

    /// The changes in the order in which they are made: the files that a kustomization refers to
    /// exist both before and after it is written.
    pub(super) fn changes(&self) -> Vec<Change<'_>> {
        let created = self.created.iter().map(Change::Create);
        let replaced = self.replaced.iter();
        let replaced = replaced.map(|(before, after)| Change::Replace { before, after });
        created
            .chain(replaced)
            .chain(self.removed.iter().map(Change::Remove))
            .collect()
    }

    /// A line for each change: what was done, or what is out of date.
    pub(super) fn report(&self, is_check: bool) -> String {
        let words = match is_check {
            true => ["is missing", "is out of date", "is not needed any more"],
            false => [
                "created",
                "updated",
                "removed, as it is not needed any more",
            ],
        };
        let created = self.created.iter();
        let replaced = self.replaced.iter().map(|(before, _)| before);
        let lines = created
            .map(|file| (file, words[0]))
            .chain(replaced.map(|file| (file, words[1])))
            .chain(self.removed.iter().map(|file| (file, words[2])));
        lines
            .map(|(file, word)| match is_check {
                true => format!("{} {word}\n", file.path),
                false => format!("{}: {word}\n", file.path),
            })
            .collect()
    }

    /// True if nothing has to change.
    pub(super) fn is_empty(&self) -> bool {
        self.created.is_empty() && self.replaced.is_empty() && self.removed.is_empty()
    }
}
