//! Reads and writes files: atomically, with their mode and owner.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ConfigureError;

/// How many links are followed, as in Linux.
const MAX_LINKS: usize = 40;

/// How a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// At once.
    Atomically,
    /// Into the existing file, which is itself a mount.
    InPlace,
}

/// Keeps other processes of this program out of a file's folder until the lock is dropped: the file
/// and its record belong together. `None` if the file system has no locks.
pub(super) fn lock(path: &Path) -> Option<File> {
    let folder = File::open(folder_of(path)).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// The file that a path leads to. It may be missing.
///
/// # Errors
///
/// A link leads out of its folder or to itself, the path is a folder, or its folder is missing.
pub(super) fn target(path: &Path) -> Result<PathBuf, ConfigureError> {
    let folder = folder_of(path);
    let real_folder = folder.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ConfigureError::NoFolder {
            folder: folder.to_owned(),
            path: path.to_owned(),
        },
        _ => read_error(folder, error),
    })?;
    let mut current = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&current) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&current).map_err(|error| read_error(&current, error))?;
                current = folder_of(&current).join(link);
            }
            Ok(metadata) if metadata.is_dir() => {
                return Err(ConfigureError::IsFolder(path.to_owned()));
            }
            Ok(metadata) if !metadata.is_file() => {
                return Err(ConfigureError::NotAFile(path.to_owned()));
            }
            Ok(_) => return inside(path, current, &real_folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return inside(path, current, &real_folder);
            }
            Err(error) => return Err(read_error(&current, error)),
        }
    }
    Err(ConfigureError::LinkCircle(path.to_owned()))
}

/// The target of a path, if it is in the folder.
fn inside(path: &Path, target: PathBuf, folder: &Path) -> Result<PathBuf, ConfigureError> {
    let real = folder_of(&target).canonicalize();
    if target == path || real.is_ok_and(|real| real.starts_with(folder)) {
        return Ok(target);
    }
    Err(ConfigureError::LinkOutside {
        link: path.to_owned(),
        target,
    })
}

/// The folder of a file.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The text of a file; `None` if it is missing.
///
/// # Errors
///
/// It cannot be read, or is not UTF-8.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigureError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(path, error)),
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(ConfigureError::NotUtf8 {
            path: path.to_owned(),
            at: error.utf8_error().valid_up_to(),
        }),
    }
}

/// Writes a file as a whole. One that exists keeps its mode, with which its owner can always read and
/// write it, and where possible its owner; a new one gets `mode`.
///
/// # Errors
///
/// The system's error.
pub(super) fn write(path: &Path, text: &str, mode: u32) -> Result<Written, ConfigureError> {
    replace(path, text, mode).map_err(|error| write_error(path, error))
}

fn replace(path: &Path, text: &str, mode: u32) -> io::Result<Written> {
    let existing = match fs::metadata(path) {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let folder = folder_of(path);
    let mut file = temporary(folder)?;
    file.write_all(text.as_bytes())?;
    let written = put(file, path, existing.as_ref(), mode)?;
    if written == Written::InPlace {
        let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    Ok(written)
}

/// A temporary file in a folder.
///
/// # Errors
///
/// The system's error.
pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".runner-terminal-")
        .tempfile_in(folder)
}

/// Puts a temporary file in the place of another one. If that is a mount, nothing changes.
///
/// # Errors
///
/// The system's error.
pub(super) fn put(
    file: NamedTempFile,
    path: &Path,
    existing: Option<&Metadata>,
    mode: u32,
) -> io::Result<Written> {
    attributes::set(file.as_file(), existing, mode)?;
    file.as_file().sync_all()?;
    match file.persist(path) {
        Ok(_) => {}
        Err(failed) if failed.error.kind() == io::ErrorKind::ResourceBusy => {
            return Ok(Written::InPlace);
        }
        Err(failed) => return Err(failed.error),
    }
    // A file system without it has nothing to flush.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(Written::Atomically)
}

/// Removes a file, which may be missing.
///
/// # Errors
///
/// The system's error.
pub(super) fn remove(path: &Path) -> Result<(), ConfigureError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(path, error)),
        _ => Ok(()),
    }
}

pub(super) fn read_error(path: &Path, error: io::Error) -> ConfigureError {
    ConfigureError::Read {
        path: path.to_owned(),
        error,
    }
}

pub(super) fn write_error(path: &Path, error: io::Error) -> ConfigureError {
    ConfigureError::Write {
        path: path.to_owned(),
        error,
    }
}

/// The mode and the owner of a file.
#[cfg(unix)]
pub(super) mod attributes {
    use std::fs::{File, Metadata, Permissions};
    use std::io;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};

    /// Its owner reads and writes a file.
    const OWNER: u32 = 0o600;
    const GROUP_READS: u32 = 0o040;
    const OTHERS_READ: u32 = 0o004;

    /// The permissions of a file.
    pub(in super::super) fn mode(metadata: &Metadata) -> u32 {
        metadata.mode() & 0o777
    }

    /// Gives a new file the mode and the owner of the one that it replaces, or else `mode`.
    pub(super) fn set(file: &File, existing: Option<&Metadata>, mode: u32) -> io::Result<()> {
        let mode = match existing {
            Some(existing) if keep_group(file, existing)? => self::mode(existing),
            Some(existing) => {
                // The group has changed, so the members of the old one now need the permissions of
                // others.
                let mode = self::mode(existing);
                let others = if mode & GROUP_READS == 0 {
                    0
                } else {
                    OTHERS_READ
                };
                mode | others
            }
            None => mode,
        };
        file.set_permissions(Permissions::from_mode(mode | OWNER))
    }

    /// Keeps the owner and the group as far as the system allows it; false if the group differs.
    fn keep_group(file: &File, existing: &Metadata) -> io::Result<bool> {
        let (uid, gid) = (existing.uid(), existing.gid());
        let own = file.metadata()?;
        let is_same = own.uid() == uid && own.gid() == gid;
        Ok(is_same
            || fchown(file, Some(uid), Some(gid)).is_ok()
            || own.gid() == gid
            || fchown(file, None, Some(gid)).is_ok())
    }
}

/// Elsewhere, a file has no mode.
#[cfg(not(unix))]
pub(super) mod attributes {
    use std::fs::{File, Metadata};
    use std::io;

    pub(in super::super) fn mode(_: &Metadata) -> u32 {
        0o600
    }

    pub(super) fn set(_: &File, _: Option<&Metadata>, _: u32) -> io::Result<()> {
        Ok(())
    }
}
