//! Finds the files of paths, folders and patterns.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use super::file::{FileError, shown};
use super::read;

/// Why files cannot be found.
#[derive(Debug, Error)]
pub(crate) enum FindError {
    /// A folder cannot be read.
    #[error("cannot read the folder {folder}: {error}")]
    Folder {
        /// The path in messages.
        folder: String,
        /// The system's error.
        error: io::Error,
    },
    /// A pattern such as `***`.
    #[error("{pattern} is no pattern: {error}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        error: glob::PatternError,
    },
    /// A pattern matches no file.
    #[error("no file matches {pattern}")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// A file cannot be read, or a link leads out of its folder.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A file to be read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The folder that it was found in, with all links in that folder's own path followed. `None` for
    /// a file that the user has named, which may be a link to anywhere.
    pub(super) root: Option<PathBuf>,
    is_link: bool,
}

/// Finds the files, in the order given, each once.
///
/// A link in a folder is followed only within that folder: the author of manifests decides what is in
/// it, and must not decide which other files are read or written.
///
/// # Errors
///
/// A file or folder cannot be read, a link leads out of its folder, or a pattern matches no file.
pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<Found>, FindError> {
    let mut found = Vec::new();
    for path in paths {
        find(path, &mut found)?;
    }
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.path.clone()));
    drop_duplicate_links(&mut found);
    Ok(found)
}

/// Drops links to files that are read anyway: their manifests would be read twice.
fn drop_duplicate_links(found: &mut Vec<Found>) {
    if !found.iter().any(|file| file.is_link) {
        return;
    }
    let real = |file: &Found| fs::canonicalize(&file.path).ok();
    let files = found.iter().filter(|file| !file.is_link);
    let mut seen: HashSet<PathBuf> = files.filter_map(real).collect();
    found.retain(|file| !file.is_link || real(file).is_none_or(|real| seen.insert(real)));
}

/// Finds the files of one path or pattern.
fn find(path: &Path, found: &mut Vec<Found>) -> Result<(), FindError> {
    let text = path.to_string_lossy();
    let is_folder = match fs::metadata(path) {
        _ if text == "-" => false,
        Ok(metadata) => metadata.is_dir(),
        Err(_) if text.contains(['*', '?', '[']) => return find_by_pattern(path, &text, found),
        Err(error) => return Err(FileError::read(path, error).into()),
    };
    if is_folder {
        return find_in_folder(path, &real(path)?, found);
    }
    found.push(Found {
        path: path.to_owned(),
        root: None,
        is_link: false,
    });
    Ok(())
}

fn find_by_pattern(pattern: &Path, text: &str, found: &mut Vec<Found>) -> Result<(), FindError> {
    let matches = glob::glob(text)
        .map_err(|error| FindError::Pattern {
            pattern: shown(pattern),
            error,
        })?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            let path = error.path().to_owned();
            FileError::read(&path, io::Error::from(error))
        })?;
    if matches.is_empty() {
        return Err(FindError::NoMatch {
            pattern: shown(pattern),
        });
    }
    let root = real(&base(pattern))?;
    for path in matches {
        if path.is_dir() {
            must_be_inside(&path, &root)?;
            find_in_folder(&path, &real(&path)?, found)?;
        } else if path.exists() || !path.is_symlink() {
            add(path, &root, found)?;
        }
    }
    Ok(())
}

/// The folder that a pattern searches: the path before its first wildcard.
fn base(pattern: &Path) -> PathBuf {
    let is_plain = |part: &Component<'_>| {
        let part = part.as_os_str().to_string_lossy();
        !part.contains(['*', '?', '['])
    };
    let base: PathBuf = pattern.components().take_while(is_plain).collect();
    if base.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        base
    }
}

fn real(folder: &Path) -> Result<PathBuf, FindError> {
    fs::canonicalize(folder).map_err(|error| cannot_read_folder(folder, error))
}

fn cannot_read_folder(folder: &Path, error: io::Error) -> FindError {
    FindError::Folder {
        folder: shown(folder),
        error,
    }
}

fn must_be_inside(path: &Path, root: &Path) -> Result<(), FileError> {
    match read::inside(path, root) {
        Ok(_) => Ok(()),
        Err(error) => Err(FileError::read(path, error)),
    }
}

fn add(path: PathBuf, root: &Path, found: &mut Vec<Found>) -> Result<(), FileError> {
    must_be_inside(&path, root)?;
    found.push(Found {
        is_link: path.is_symlink(),
        path,
        root: Some(root.to_owned()),
    });
    Ok(())
}

/// Finds the manifests in a folder and the folders in it, sorted by name.
fn find_in_folder(folder: &Path, root: &Path, found: &mut Vec<Found>) -> Result<(), FindError> {
    let cannot = |error: io::Error| cannot_read_folder(folder, error);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(cannot)?;
        // A link to a folder is not followed: it may be a loop.
        if kind.is_dir() {
            if !name.starts_with('.') {
                find_in_folder(&path, root, found)?;
            }
        } else if is_manifest(&path) && is_file(&path)? {
            if kind.is_symlink() {
                add(path, root, found)?;
            } else {
                found.push(Found {
                    path,
                    root: Some(root.to_owned()),
                    is_link: false,
                });
            }
        }
    }
    Ok(())
}

/// True for a file, and for a link to one. False for a dangling link, by which some editors mark files
/// that are open.
///
/// # Errors
///
/// It exists, and its kind cannot be read. To skip it would lose manifests.
pub(crate) fn is_file(path: &Path) -> Result<bool, FileError> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::read(path, error)),
    }
}

/// True for names of YAML and JSON files, except kustomizations, which are not resources.
pub(crate) fn is_manifest(path: &Path) -> bool {
    let is = |part: Option<&std::ffi::OsStr>, names: &[&str]| {
        part.is_some_and(|part| names.iter().any(|name| part.eq_ignore_ascii_case(name)))
    };
    is(path.extension(), &["yaml", "yml", "json"]) && !is(path.file_stem(), &["kustomization"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kustomizations_are_no_manifests() {
        assert!(is_manifest(Path::new("a/b.yaml")));
        assert!(is_manifest(Path::new("b.JSON")));
        assert!(!is_manifest(Path::new("kustomization.yaml")));
        assert!(!is_manifest(Path::new("values.txt")));
    }

    #[test]
    fn a_pattern_searches_the_folder_before_its_wildcards() {
        for (pattern, expected) in [
            ("*.yaml", "."),
            ("apps/**/*.yaml", "apps"),
            ("../a/b?/c.yaml", "../a"),
            ("/srv/[ab]/x.yaml", "/srv"),
        ] {
            assert_eq!(base(Path::new(pattern)), Path::new(expected));
        }
    }
}
