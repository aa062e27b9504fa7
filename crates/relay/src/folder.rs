//! Reads the files of a folder of routes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The maximum size of a file: that of a ConfigMap.
const MAX_BYTES: u64 = 1024 * 1024;

/// The contents of the files in a folder, by path.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A folder, or a file in it, cannot be read.
#[derive(Debug, Error)]
#[error("cannot read {}: {error}", path.display())]
pub struct FolderError {
    path: PathBuf,
    error: io::Error,
}

/// Reads the files in a folder whose names do not start with a dot: in a mounted ConfigMap, the dot
/// names are the folders that the other names link to. Subfolders are skipped.
///
/// # Errors
///
/// The folder or a file cannot be read, or a file is larger than a ConfigMap.
pub(crate) fn read(folder: &Path) -> Result<Files, FolderError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        |error| FolderError { path, error }
    };
    let mut files = Files::new();
    for entry in fs::read_dir(folder).map_err(of(folder))? {
        let entry = entry.map_err(of(folder))?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // Follows links.
        if fs::metadata(&path).map_err(of(&path))?.is_file() {
            let content = read_file(&path).map_err(of(&path))?;
            files.insert(path, content);
        }
    }
    Ok(files)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let most = MAX_BYTES.saturating_add(1);
    File::open(path)?.take(most).read_to_end(&mut content)?;
    if u64::try_from(content.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(io::Error::other("it is larger than 1 MiB; split it"));
    }
    Ok(content)
}
