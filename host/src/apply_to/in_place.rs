//! Writes files back. Each write is atomic.
//!
//! That holds even if the program is killed or the machine fails: a new file is synced to the disk
//! before it replaces the old one, and its folder afterwards.

mod exchange;
mod interrupt;

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use krm::documents;
use rayon::prelude::*;
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::manifests::read::{self, ReadError};
use crate::manifests::{File, progress};
use interrupt::Interrupt;

/// Why files cannot be written back. Unless the message says otherwise, no file has changed.
#[derive(Debug, Error)]
pub(crate) enum ReplaceError {
    /// The manifests come from standard input.
    #[error("there is no place to write standard input back to; name files")]
    Stdin,
    /// The signal handlers cannot be installed.
    #[error("cannot listen for signals: {0}; no file has changed")]
    Signals(io::Error),
    /// A new file cannot be written beside the old one.
    #[error("cannot write {path}: {error}")]
    Write {
        /// The path of the old file.
        path: String,
        /// Why.
        error: PrepareError,
    },
    /// SIGINT or SIGTERM was received.
    #[error("stopped by a signal before {path}: {done}")]
    Interrupted {
        /// The first file that has not been replaced.
        path: String,
        /// The files that have been.
        done: Done,
    },
    /// A file has changed since it was read, or cannot be renamed.
    #[error("cannot replace {path}: {error}; {done}")]
    Replace {
        /// The path of the file.
        path: String,
        /// Why.
        error: PutError,
        /// The files that have been replaced.
        done: Done,
    },
    /// A file has been replaced, and the old one cannot be removed.
    #[error("{path} has been replaced, and the old one cannot be removed: {error}; {done}")]
    Remove {
        /// The path of the file.
        path: String,
        /// The system's error.
        error: io::Error,
        /// The files that have been replaced.
        done: Done,
    },
    /// A file has been replaced, and its folder cannot be synced.
    #[error(
        "{path} has been replaced, and may be the old one again after the machine fails, as its \
         folder cannot be written to the disk: {error}; {done}"
    )]
    Sync {
        /// The path of the file.
        path: String,
        /// The system's error.
        error: io::Error,
        /// The files that have been replaced.
        done: Done,
    },
}

/// Why a new file cannot be written beside the old one.
#[derive(Debug, Error)]
pub(crate) enum PrepareError {
    /// The system's error.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A link leads out of its folder.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file of JSON would have more than one document.
    #[error(
        "a file of JSON holds one document, and a new resource belongs beside it: put its resource \
         into a List, or make it a file of YAML"
    )]
    SecondDocument,
    /// A pipe, for instance.
    #[error("only a regular file can be replaced: leave out --in-place")]
    NotAFile,
    /// The file belongs to another user, and its owner cannot be kept.
    #[cfg(unix)]
    #[error(
        "it belongs to user {user} and group {group}, and would not any more ({error}): let its \
         owner run this"
    )]
    Owner {
        /// The owner's number.
        user: u32,
        /// The group's number.
        group: u32,
        /// The system's error.
        error: io::Error,
    },
}

/// Why the old file is not replaced.
#[derive(Debug, Error)]
pub(crate) enum PutError {
    /// The system's error.
    #[error(transparent)]
    System(#[from] io::Error),
    /// It has changed in the meantime.
    #[error("it has been changed since it was read; run this again")]
    Changed,
}

/// How many files have been replaced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    count: usize,
    total: usize,
}

impl fmt::Display for Done {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, total } = self;
        write!(
            formatter,
            "{count} of {total} files have been written, and a further run goes on from there"
        )
    }
}

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'f> {
    /// Its text is replaced.
    Replace {
        /// As it was read.
        before: &'f File,
        /// With its new text.
        after: &'f File,
    },
    /// It is created.
    Create(&'f File),
    /// It is removed.
    Remove(&'f File),
}

/// A prepared change: the new file is beside the old one, synced to the disk.
struct Prepared<'a> {
    /// The path in messages.
    path: &'a str,
    location: PathBuf,
    /// The text of the old file, if there is one.
    before: Option<&'a str>,
    /// The new file; `None` if the old one is removed.
    new: Option<NamedTempFile>,
}

/// Refuses standard input, which cannot be written back.
///
/// # Errors
///
/// Standard input is among the files.
pub(crate) fn must_be_files(files: &[File]) -> Result<(), ReplaceError> {
    if files.iter().any(File::is_stdin) {
        return Err(ReplaceError::Stdin);
    }
    Ok(())
}

/// Replaces the files that changed. All new files are written before the first is replaced, so that a
/// full disk or a read-only folder changes nothing.
///
/// # Errors
///
/// A file cannot be written or replaced, or a signal was received.
pub(crate) fn replace(before: &[File], after: &[File]) -> Result<(), ReplaceError> {
    let changed: Vec<_> = before
        .iter()
        .zip(after)
        .filter(|(before, after)| before.text != after.text)
        .map(|(before, after)| Change::Replace { before, after })
        .collect();
    write(&changed)
}

/// Makes changes in their order, as [`replace`] does.
///
/// # Errors
///
/// A file cannot be written, replaced or removed, or a signal was received.
pub(crate) fn write(changes: &[Change<'_>]) -> Result<(), ReplaceError> {
    let interrupt = Interrupt::listen().map_err(ReplaceError::Signals)?;
    let bar = progress(changes.len(), "writing");
    let prepared: Vec<Prepared<'_>> = changes
        .par_iter()
        .map(|change| {
            let prepared = prepare_change(*change).map_err(|error| ReplaceError::Write {
                path: change.path().to_owned(),
                error,
            })?;
            bar.inc(1);
            Ok(prepared)
        })
        .collect::<Result<_, ReplaceError>>()?;
    bar.finish_and_clear();
    for (count, prepared) in prepared.into_iter().enumerate() {
        let done = Done {
            count,
            total: changes.len(),
        };
        if interrupt.is_set() {
            return Err(ReplaceError::Interrupted {
                path: prepared.path.to_owned(),
                done,
            });
        }
        replace_one(prepared, done)?;
    }
    Ok(())
}

impl Change<'_> {
    fn path(&self) -> &str {
        match self {
            Self::Replace { before: file, .. } | Self::Create(file) | Self::Remove(file) => {
                &file.path
            }
        }
    }
}

fn prepare_change(change: Change<'_>) -> Result<Prepared<'_>, PrepareError> {
    match change {
        Change::Replace { before, after } => prepare(before, after),
        Change::Create(file) => prepare_new(file),
        Change::Remove(file) => Ok(Prepared {
            path: &file.path,
            location: file.location.clone(),
            before: Some(&file.text),
            new: None,
        }),
    }
}

/// The folder of a file; the working directory for a name alone, whose parent is empty.
fn folder_of(location: &Path) -> &Path {
    let folder = location.parent();
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A new file under another name, in the folder in which it will be.
fn prepare_new(file: &File) -> Result<Prepared<'_>, PrepareError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".runner-terminal-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        // As for any new file, the process's umask removes permissions.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut new = builder.tempfile_in(folder_of(&file.location))?;
    new.write_all(file.text.as_bytes())?;
    new.as_file().sync_all()?;
    Ok(Prepared {
        path: &file.path,
        location: file.location.clone(),
        before: None,
        new: Some(new),
    })
}

/// Replaces a file, after the `done` ones.
fn replace_one(prepared: Prepared<'_>, done: Done) -> Result<(), ReplaceError> {
    let path = prepared.path.to_owned();
    let location = prepared.location.clone();
    let old = match put(prepared) {
        Ok(old) => old,
        Err(error) => return Err(ReplaceError::Replace { path, error, done }),
    };
    let done = Done {
        count: done.count + 1,
        ..done
    };
    if let Err(error) = old.map_or(Ok(()), NamedTempFile::close) {
        return Err(ReplaceError::Remove { path, error, done });
    }
    match sync_folder(&location) {
        Ok(()) => Ok(()),
        Err(error) => Err(ReplaceError::Sync { path, error, done }),
    }
}

fn prepare<'a>(before: &'a File, after: &File) -> Result<Prepared<'a>, PrepareError> {
    let documents = || documents::split(&[("", &after.text)]);
    if after.is_json() && documents().is_ok_and(|documents| documents.len() > 1) {
        return Err(PrepareError::SecondDocument);
    }
    // The target of a link is replaced, unless it is outside of the folder.
    let location = match &before.root {
        Some(root) => read::inside(&before.location, root)?,
        None => fs::canonicalize(&before.location)?,
    };
    // Opening a pipe would wait for its other end.
    if !fs::metadata(&location)?.is_file() {
        return Err(PrepareError::NotAFile);
    }
    // A read-only file is not replaced, although its folder would allow it.
    let old = fs::OpenOptions::new().write(true).open(&location)?;
    let metadata = old.metadata()?;
    let mut new = tempfile::Builder::new()
        .prefix(".runner-terminal-")
        .suffix(".tmp")
        .tempfile_in(folder_of(&location))?;
    new.write_all(after.text.as_bytes())?;
    new.as_file().set_permissions(metadata.permissions())?;
    keep_owner(new.as_file(), &metadata)?;
    new.as_file().sync_all()?;
    Ok(Prepared {
        path: &before.path,
        location,
        before: Some(&before.text),
        new: Some(new),
    })
}

/// Makes a change, unless the old file has changed since it was read. Returns the old file if it has to
/// be removed.
fn put(prepared: Prepared<'_>) -> Result<Option<NamedTempFile>, PutError> {
    let Prepared {
        location,
        before,
        new,
        ..
    } = prepared;
    let Some(before) = before else {
        return match new.map(|new| new.persist_noclobber(&location)) {
            Some(Err(error)) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PutError::Changed)
            }
            Some(Err(error)) => Err(error.error.into()),
            _ => Ok(None),
        };
    };
    let is_before = |path: &Path| -> io::Result<bool> { Ok(fs::read(path)? == before.as_bytes()) };
    if !is_before(&location)? {
        return Err(PutError::Changed);
    }
    let Some(new) = new else {
        fs::remove_file(&location)?;
        return Ok(None);
    };
    if !exchange::exchange(new.path(), &location)? {
        new.persist(&location).map_err(|error| error.error)?;
        return Ok(None);
    }
    // The old file has the other name now, so a change in the meantime shows.
    match is_before(new.path()) {
        Ok(true) => Ok(Some(new)),
        otherwise => {
            exchange::exchange(new.path(), &location)?;
            otherwise?;
            Err(PutError::Changed)
        }
    }
}

/// Syncs the folder of a file, and with it the file's name.
#[cfg(unix)]
fn sync_folder(location: &Path) -> io::Result<()> {
    match fs::File::open(folder_of(location))?.sync_all() {
        // A file system that cannot sync folders, such as a network file system.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Keeps the owner: root may rewrite a file of another user.
#[cfg(unix)]
fn keep_owner(new: &fs::File, old: &fs::Metadata) -> Result<(), PrepareError> {
    use std::os::unix::fs::{MetadataExt, fchown};

    let made = new.metadata()?;
    if (made.uid(), made.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    let (user, group) = (old.uid(), old.gid());
    fchown(new, Some(user), Some(group)).map_err(|error| PrepareError::Owner { user, group, error })
}

#[cfg(not(unix))]
fn keep_owner(_: &fs::File, _: &fs::Metadata) -> Result<(), PrepareError> {
    Ok(())
}
