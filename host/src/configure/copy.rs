//! Copies a mounted ConfigMap, Secret or CSI volume to a folder that can be written.
//!
//! The kubelet keeps the files of such a volume in a folder `..2026_01_01…`, to which a link `..data`
//! leads; the names that are read are links into that. So links are followed, and names that begin with
//! `..` are left out.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::error::ConfigureError;
use super::file::{self, Written, attributes, read_error, write_error};
use crate::arguments::cluster::CopyPaths;

/// How deep folders may be nested.
const MAX_DEPTH: usize = 32;

/// Copies, and returns the files that were written.
///
/// # Errors
///
/// FROM is missing or cannot be read, or TO cannot be written.
pub(super) fn copy(paths: &CopyPaths) -> Result<Vec<PathBuf>, ConfigureError> {
    let CopyPaths { from, to } = paths;
    let metadata = fs::metadata(from).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ConfigureError::NoSource(from.clone()),
        _ => read_error(from, error),
    })?;
    let mut copied = Vec::new();
    if metadata.is_dir() {
        fs::create_dir_all(to).map_err(|error| write_error(to, error))?;
        must_be_apart(from, to)?;
        copy_folder(from, to, 0, &mut copied)?;
    } else {
        let to = match (to.is_dir(), from.file_name()) {
            (true, Some(name)) => to.join(name),
            _ => to.clone(),
        };
        copy_file(from, &to, &metadata)?;
        copied.push(to);
    }
    Ok(copied)
}

fn must_be_apart(from: &Path, to: &Path) -> Result<(), ConfigureError> {
    let real = |path: &Path| path.canonicalize().map_err(|error| read_error(path, error));
    if real(to)?.starts_with(real(from)?) {
        return Err(ConfigureError::IntoItself {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }
    Ok(())
}

fn copy_folder(
    from: &Path,
    to: &Path,
    depth: usize,
    copied: &mut Vec<PathBuf>,
) -> Result<(), ConfigureError> {
    if depth > MAX_DEPTH {
        return Err(ConfigureError::TooDeep(from.to_owned()));
    }
    let entries = fs::read_dir(from).map_err(|error| read_error(from, error))?;
    for entry in entries {
        let name = entry.map_err(|error| read_error(from, error))?.file_name();
        if name.as_encoded_bytes().starts_with(b"..") {
            continue;
        }
        let (from, to) = (from.join(&name), to.join(&name));
        let metadata = fs::metadata(&from).map_err(|error| read_error(&from, error))?;
        if metadata.is_dir() {
            make_folder(&from, &to)?;
            copy_folder(&from, &to, depth + 1, copied)?;
        } else if metadata.is_file() {
            copy_file(&from, &to, &metadata)?;
            copied.push(to);
        }
    }
    Ok(())
}

fn make_folder(from: &Path, to: &Path) -> Result<(), ConfigureError> {
    match fs::create_dir(to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(write_error(to, error)),
        Err(_) if !to.is_dir() => Err(ConfigureError::KindsDiffer {
            from: from.to_owned(),
            to: to.to_owned(),
            is: "file",
        }),
        _ => Ok(()),
    }
}

fn copy_file(from: &Path, to: &Path, metadata: &Metadata) -> Result<(), ConfigureError> {
    if to.is_dir() {
        return Err(ConfigureError::KindsDiffer {
            from: from.to_owned(),
            to: to.to_owned(),
            is: "folder",
        });
    }
    let mut source = File::open(from).map_err(|error| read_error(from, error))?;
    let mode = attributes::mode(metadata);
    let written = file::temporary(file::folder_of(to)).and_then(|mut file| {
        io::copy(&mut source, &mut file)?;
        file::put(file, to, None, mode)
    });
    match written {
        Ok(Written::Atomically) => Ok(()),
        Ok(Written::InPlace) => Err(write_error(to, io::ErrorKind::ResourceBusy.into())),
        Err(error) => Err(write_error(to, error)),
    }
}
