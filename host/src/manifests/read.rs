//! Reading files and standard input: only what has an end, and no more than the function may use.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::sandbox::Limits;

/// What is no file, in place of an endless read.
const NO_FILE: &str = "it is a device or a socket; name a file, or - for standard input";
/// Why a file of a folder is not read or written.
pub(crate) const LEADS_OUT: &str =
    "it is a link that leads out of the folder: leave it out, or name its target";

/// Reads a file, a pipe such as `<(command)`, or `/dev/null`.
///
/// # Errors
///
/// The system's; it is something else, has no end, or no program writes to the pipe.
pub(crate) fn file(path: &Path) -> io::Result<Vec<u8>> {
    steady(|| open(path).map(Some))
}

/// Reads a file that was found in a folder; `root` is the folder with all links in its path followed.
///
/// # Errors
///
/// As [`file`], and when a link leads out of the folder: also one that was put there in between.
pub(crate) fn file_below(path: &Path, root: &Path) -> io::Result<Vec<u8>> {
    steady(|| {
        let real = inside(path, root)?;
        let file = open(&real)?;
        Ok(is_still(&real, root, &file)?.then_some(file))
    })
}

/// Reads a file again where an editor saves it at the same time: half of each text is neither.
///
/// # Errors
///
/// Those of `open` and of the file.
fn steady(open: impl Fn() -> io::Result<Option<File>>) -> io::Result<Vec<u8>> {
    const TRIES: usize = 10;

    for _ in 0..TRIES {
        let Some(mut file) = open()? else {
            continue;
        };
        let state = |file: &File| -> io::Result<_> {
            let found = file.metadata()?;
            Ok((found.len(), found.modified().ok()))
        };
        let before = state(&file)?;
        let bytes = bounded(&mut file)?;
        // A pipe can be read once.
        if !file.metadata()?.is_file() || state(&file)? == before {
            return Ok(bytes);
        }
    }
    Err(io::Error::other(
        "it changes again and again while it is read",
    ))
}

/// A file's path with all links in it followed.
///
/// # Errors
///
/// The system's, and when it is not below `root`.
pub(crate) fn inside(path: &Path, root: &Path) -> io::Result<std::path::PathBuf> {
    let real = fs::canonicalize(path)?;
    if real.starts_with(root) {
        Ok(real)
    } else {
        Err(io::Error::other(LEADS_OUT))
    }
}

/// True when an open file is the one which stands at this path now, with no link in between.
fn is_still(real: &Path, root: &Path, file: &File) -> io::Result<bool> {
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
/// The system's; it has no end.
pub(crate) fn stdin() -> io::Result<Vec<u8>> {
    check_stdin()?;
    bounded(io::stdin().lock())
}

/// Refuses standard input from a device such as `/dev/zero`; a terminal is typed at.
///
/// # Errors
///
/// It is such a device.
pub(crate) fn check_stdin() -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::io::IsTerminal as _;
        use std::os::fd::AsFd as _;

        if io::stdin().is_terminal() {
            return Ok(());
        }
        let stdin = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        if is_device(&stdin.metadata()?) {
            return Err(io::Error::other("it is a device, which may have no end"));
        }
    }
    Ok(())
}

/// Most bytes that are read: more than the function's memory can hold is no use to it.
pub(crate) fn most() -> u64 {
    Limits::from_environment().map_or(Limits::DEFAULT.memory, |limits| limits.memory) as u64
}

/// Why more is not read.
pub(crate) fn too_much() -> io::Error {
    io::Error::other(format!(
        "it holds more than {} MiB, the limit that {} sets",
        most() >> 20,
        Limits::MEMORY_VARIABLE
    ))
}

fn bounded(stream: impl Read) -> io::Result<Vec<u8>> {
    let most = most();
    let mut bytes = Vec::new();
    stream.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_much());
    }
    Ok(bytes)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::FileTypeExt as _;

    let found = fs::metadata(path)?;
    let kind = found.file_type();
    let refused = || io::Error::other(NO_FILE);
    if is_device(&found) || kind.is_socket() {
        return Err(refused());
    }
    let file = if kind.is_fifo() {
        open_pipe(path)?
    } else {
        File::open(path)?
    };
    // Something else may stand there by now.
    if is_device(&file.metadata()?) {
        return Err(refused());
    }
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
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
/// The system's; no program has come to write for a second.
#[cfg(unix)]
fn open_pipe(path: &Path) -> io::Result<File> {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    let (sender, opened) = mpsc::channel();
    let path = path.to_owned();
    // Where nobody comes, the thread waits until this program ends.
    thread::spawn(move || sender.send(File::open(path)));
    opened
        .recv_timeout(Duration::from_secs(1))
        .unwrap_or_else(|_| Err(io::Error::other("no program writes to this pipe")))
}
