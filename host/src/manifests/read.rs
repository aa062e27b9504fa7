//! Reads files and standard input, up to the function's memory limit. Devices are refused, as they may
//! have no end.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::sandbox::Limits;

/// Why a file or standard input is not read.
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    /// The system's error.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A named file may have no end.
    #[cfg(unix)]
    #[error("it is a device or a socket; name a file, or - for standard input")]
    NotAFile,
    /// Standard input may have no end.
    #[cfg(unix)]
    #[error("it is a device, which may have no end")]
    Device,
    /// A link in a folder, or in a repository, is not followed.
    #[error("it is a link that leads out of the folder: leave it out, or name its target")]
    LeadsOut,
    /// An editor saves the file, for instance.
    #[error("it changes again and again while it is read")]
    Changing,
    /// The input is larger than the function's memory.
    #[error("it holds more than {} MiB, the limit that {} sets", max_bytes() >> 20, Limits::MEMORY_VARIABLE)]
    TooLarge,
    /// A named pipe has no writer.
    #[cfg(unix)]
    #[error("no program writes to this pipe")]
    NoWriter,
}

/// Reads a file, a pipe such as `<(command)`, or `/dev/null`.
///
/// # Errors
///
/// The system's error; it is a device or a socket, is too large, or no program writes to the pipe.
pub(crate) fn file(path: &Path) -> Result<Vec<u8>, ReadError> {
    read_unchanged(|| open(path).map(Some))
}

/// Reads a file of a folder. `root` is the folder with all links in its path followed.
///
/// # Errors
///
/// As [`file`]; a link leads out of the folder, even one that was put there in the meantime.
pub(crate) fn file_below(path: &Path, root: &Path) -> Result<Vec<u8>, ReadError> {
    read_unchanged(|| {
        let real = inside(path, root)?;
        let file = open(&real)?;
        Ok(is_still(&real, root, &file)?.then_some(file))
    })
}

/// Reads a file again if it changes meanwhile, so that the text is not half of each version.
///
/// # Errors
///
/// Those of `open` and of the file.
fn read_unchanged(
    open: impl Fn() -> Result<Option<File>, ReadError>,
) -> Result<Vec<u8>, ReadError> {
    const ATTEMPTS: usize = 10;

    for _ in 0..ATTEMPTS {
        let Some(mut file) = open()? else {
            continue;
        };
        let state = |file: &File| -> io::Result<_> {
            let found = file.metadata()?;
            Ok((found.len(), found.modified().ok()))
        };
        let before = state(&file)?;
        let bytes = bounded(&mut file)?;
        // A pipe can be read only once.
        if !file.metadata()?.is_file() || state(&file)? == before {
            return Ok(bytes);
        }
    }
    Err(ReadError::Changing)
}

/// A file's path with all links in it followed.
///
/// # Errors
///
/// The system's error; the path is not below `root`.
pub(crate) fn inside(path: &Path, root: &Path) -> Result<PathBuf, ReadError> {
    let real = fs::canonicalize(path)?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err(ReadError::LeadsOut)
    }
}

/// True if an open file is still the one at this path, and no link has replaced a part of the path.
fn is_still(real: &Path, root: &Path, file: &File) -> Result<bool, ReadError> {
    let now = inside(real, root)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;

        let (found, opened) = (fs::symlink_metadata(&now)?, file.metadata()?);
        Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = (now, file);
        Ok(true)
    }
}

/// Reads standard input to its end.
///
/// # Errors
///
/// The system's error; it is a device, or too large.
pub(crate) fn stdin() -> Result<Vec<u8>, ReadError> {
    check_stdin()?;
    bounded(io::stdin().lock())
}

/// Refuses standard input from a device such as `/dev/zero`. A terminal is allowed.
///
/// # Errors
///
/// It is such a device.
pub(crate) fn check_stdin() -> Result<(), ReadError> {
    #[cfg(unix)]
    {
        use std::io::IsTerminal as _;
        use std::os::fd::AsFd as _;

        if io::stdin().is_terminal() {
            return Ok(());
        }
        let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if is_device(&stdin.metadata()?) {
            return Err(ReadError::Device);
        }
    }
    Ok(())
}

/// The most bytes that are read: the function's memory limit.
fn max_bytes() -> u64 {
    Limits::from_environment().map_or(Limits::DEFAULT.memory, |limits| limits.memory) as u64
}

fn bounded(stream: impl Read) -> Result<Vec<u8>, ReadError> {
    let max = max_bytes();
    let mut bytes = Vec::new();
    stream.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(ReadError::TooLarge);
    }
    Ok(bytes)
}

#[cfg(unix)]
fn open(path: &Path) -> Result<File, ReadError> {
    use std::os::unix::fs::FileTypeExt as _;

    let found = fs::metadata(path)?;
    let kind = found.file_type();
    if is_device(&found) || kind.is_socket() {
        return Err(ReadError::NotAFile);
    }
    let file = if kind.is_fifo() {
        open_pipe(path)?
    } else {
        File::open(path)?
    };
    // It may have been replaced in the meantime.
    if is_device(&file.metadata()?) {
        return Err(ReadError::NotAFile);
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> Result<File, ReadError> {
    Ok(File::open(path)?)
}

/// True for a device other than `/dev/null`.
#[cfg(unix)]
fn is_device(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    let kind = found.file_type();
    let is_null = || {
        fs::metadata("/dev/null")
            .is_ok_and(|null| null.file_type().is_char_device() && null.rdev() == found.rdev())
    };
    kind.is_block_device() || kind.is_char_device() && !is_null()
}

/// Opens a named pipe, which waits for a program that writes to it.
///
/// # Errors
///
/// The system's error; no program opens it for writing within a second.
#[cfg(unix)]
fn open_pipe(path: &Path) -> Result<File, ReadError> {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    let (sender, opened) = mpsc::channel();
    let path = path.to_owned();
    // If no program does, the thread waits until this one ends.
    thread::spawn(move || sender.send(File::open(path)));
    match opened.recv_timeout(Duration::from_secs(1)) {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(ReadError::NoWriter),
    }
}
