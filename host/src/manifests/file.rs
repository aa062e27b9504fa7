//! A file of manifests, and its text.

use std::path::{Path, PathBuf};

use krm::documents::split;
use krm::text::printable;
use thiserror::Error;

use super::read::{self, ReadError};

/// A file and its text.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The path in messages, on one line; `-` is standard input.
    pub(crate) path: String,
    /// The path to read and write: a name that is not UTF-8 cannot be shown as it is.
    pub(crate) location: PathBuf,
    /// The folder that it was found in, which no link may lead out of.
    pub(crate) root: Option<PathBuf>,
    /// The whole text.
    pub(crate) text: String,
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// Standard input is a device without an end, is too large, or broke.
    #[error("cannot read standard input: {0}")]
    Stdin(ReadError),
    /// The file does not exist, may not be read, has no end, or is outside of its folder.
    #[error("cannot read {path}: {error}")]
    Read {
        /// The path in messages.
        path: String,
        /// Why.
        error: ReadError,
    },
    /// The file is not UTF-8.
    #[error("{path}:{line}: this is not UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The path in messages.
        path: String,
        /// The line of the first invalid byte, from 1.
        line: usize,
    },
}

impl FileError {
    pub(super) fn read(path: &Path, error: impl Into<ReadError>) -> Self {
        Self::Read {
            path: shown(path),
            error: error.into(),
        }
    }
}

impl File {
    /// True for standard input.
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == "-"
    }

    /// True if it has no document.
    pub(crate) fn is_empty(&self) -> bool {
        split(&[(&self.path, &self.text)]).is_ok_and(|found| found.is_empty())
    }

    /// True if the name ends in `.json`: such a file holds one document.
    pub(crate) fn is_json(&self) -> bool {
        let extension = Path::new(&self.path).extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    }
}

/// Files as the core takes them: (path, text).
pub(crate) fn texts(files: &[File]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect()
}

/// A path in messages: on one line.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
///
/// It cannot be read, or is not UTF-8.
pub(crate) fn read_file(path: &Path) -> Result<File, FileError> {
    read_within(path, None)
}

/// Reads a file of a folder, which no link may lead out of. `root` is the folder with all links in
/// its own path followed.
///
/// # Errors
///
/// It cannot be read, is outside of the folder, or is not UTF-8.
pub(crate) fn read_file_below(path: &Path, root: &Path) -> Result<File, FileError> {
    read_within(path, Some(root))
}

pub(super) fn read_within(path: &Path, root: Option<&Path>) -> Result<File, FileError> {
    let name = shown(path);
    let bytes = if name == "-" {
        read::stdin().map_err(FileError::Stdin)
    } else {
        let read = match root {
            Some(root) => read::file_below(path, root),
            None => read::file(path),
        };
        read.map_err(|error| FileError::read(path, error))
    }?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        FileError::NotUtf8 {
            path: name.clone(),
            line: valid.filter(|&&byte| byte == b'\n').count() + 1,
        }
    })?;
    Ok(File {
        path: name,
        location: path.to_owned(),
        root: root.map(Path::to_owned),
        text,
    })
}
