//! The files that paths, folders and patterns stand for.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::read;
use super::shown;

/// A file to be read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The folder that it was found in, with all links in that folder's own path followed. A file
    /// that the user has named has none, and may be a link to anywhere.
    pub(super) root: Option<PathBuf>,
    is_link: bool,
}

/// Finds the files, in the order given, each once.
///
/// A link in a folder is followed within that folder alone: who writes manifests may choose what is
/// in a folder, and not which other files are read or written.
///
/// # Errors
///
/// A sentence that names the file, folder or link.
pub(super) fn all(given: &[PathBuf]) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    for path in given {
        find(path, &mut found)?;
    }
    let mut seen = HashSet::new();
    found.retain(|file| seen.insert(file.path.clone()));
    drop_second_names(&mut found);
    Ok(found)
}

/// A link to a file that is read anyway is a second name of the same manifests.
fn drop_second_names(found: &mut Vec<Found>) {
    if !found.iter().any(|file| file.is_link) {
        return;
    }
    let real = |file: &Found| fs::canonicalize(&file.path).ok();
    let files = found.iter().filter(|file| !file.is_link);
    let mut seen: HashSet<PathBuf> = files.filter_map(real).collect();
    found.retain(|file| !file.is_link || real(file).is_none_or(|real| seen.insert(real)));
}

/// Finds the files that a path or a pattern stands for.
fn find(given: &Path, found: &mut Vec<Found>) -> Result<(), String> {
    let pattern = given.to_string_lossy();
    let is_folder = match fs::metadata(given) {
        _ if pattern == "-" => Some(false),
        Ok(metadata) => Some(metadata.is_dir()),
        Err(_) if pattern.contains(['*', '?', '[']) => None,
        Err(error) => return Err(format!("cannot read {}: {error}", shown(given))),
    };
    match is_folder {
        Some(true) => return find_in_folder(given, &real(given)?, found),
        Some(false) => {
            found.push(Found {
                path: given.to_owned(),
                root: None,
                is_link: false,
            });
            return Ok(());
        }
        None => {}
    }
    let matches = glob::glob(&pattern)
        .map_err(|error| format!("{} is no pattern: {error}", shown(given)))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("cannot read {}: {}", shown(error.path()), error.error()))?;
    if matches.is_empty() {
        return Err(format!("no file is named like {}", shown(given)));
    }
    let root = real(&base(given))?;
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

/// The folder that a pattern looks in: all before its first part with a sign of patterns.
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

fn real(folder: &Path) -> Result<PathBuf, String> {
    fs::canonicalize(folder).map_err(|error| cannot_read_folder(folder, &error))
}

fn cannot_read_folder(folder: &Path, error: &io::Error) -> String {
    format!("cannot read the folder {}: {error}", shown(folder))
}

fn must_be_inside(path: &Path, root: &Path) -> Result<(), String> {
    match read::inside(path, root) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot read {}: {error}", shown(path))),
    }
}

fn add(path: PathBuf, root: &Path, found: &mut Vec<Found>) -> Result<(), String> {
    must_be_inside(&path, root)?;
    found.push(Found {
        is_link: path.is_symlink(),
        path,
        root: Some(root.to_owned()),
    });
    Ok(())
}

/// Finds the manifests in a folder and the folders in it, sorted by name.
fn find_in_folder(folder: &Path, root: &Path, found: &mut Vec<Found>) -> Result<(), String> {
    let cannot = |error: io::Error| cannot_read_folder(folder, &error);
    let mut entries: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<_, _>>)
        .map_err(cannot)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let kind = entry.file_type().map_err(cannot)?;
        // A link to a folder is not followed: it may lead back here.
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

/// True for a file, and for a link to one. What a link does not lead to is none: editors mark files
/// that are open in this way.
///
/// # Errors
///
/// A sentence that names it: it is there, and cannot be looked at. To pass over it would give
/// manifests without it.
pub(crate) fn is_file(path: &Path) -> Result<bool, String> {
    match fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("cannot read {}: {error}", shown(path))),
    }
}

/// True for names of YAML and JSON files, except kustomizations, which are no resources.
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
    fn a_pattern_looks_in_the_folder_before_its_signs() {
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
