//! Standard output, and whether it was open when the program started.
//!
//! Before `main`, Rust's standard library opens `/dev/null` instead of a closed stream, so that the
//! next file does not get its descriptor. Output would then be lost without an error.

use std::io::{self, StdoutLock, Write};

use thiserror::Error;

/// Standard output is closed, or cannot be written to.
#[derive(Debug, Error)]
pub(crate) enum OutputError {
    /// Text for people could not be written.
    #[error("cannot write to standard output: {0}")]
    Text(io::Error),
    /// Manifests could not be written.
    #[error("cannot write the manifests to standard output: {0}")]
    Manifests(io::Error),
    /// The ResourceList could not be written.
    #[error("cannot write the ResourceList to standard output: {0}")]
    ResourceList(io::Error),
}

/// Locks standard output.
///
/// # Errors
///
/// It was closed before the program started.
fn lock() -> io::Result<StdoutLock<'static>> {
    must_be_open()?;
    Ok(io::stdout().lock())
}

/// Fails if standard output was closed before the program started.
///
/// # Errors
///
/// It was.
pub(crate) fn must_be_open() -> io::Result<()> {
    if start::was_closed() {
        Err(io::Error::other("it is closed"))
    } else {
        Ok(())
    }
}

/// Prints text for people, without its colours where they are not wanted.
///
/// # Errors
///
/// It cannot be written to. A reader that has seen enough (`| head`) is not an error.
pub(crate) fn print(text: &str) -> Result<(), OutputError> {
    let mut stdout = anstream::stdout().lock();
    match must_be_open()
        .and_then(|()| stdout.write_all(text.as_bytes()))
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError::Text(error)),
        _ => Ok(()),
    }
}

/// Writes all of a text.
///
/// # Errors
///
/// The stream's error; it was closed before the program started.
pub(crate) fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = lock()?;
    stdout.write_all(text)?;
    stdout.flush()
}

#[cfg(target_os = "linux")]
mod start {
    #![allow(
        unsafe_code,
        reason = "the descriptor has to be checked before the standard library starts"
    )]

    use std::os::fd::BorrowedFd;
    use std::sync::atomic::{AtomicBool, Ordering};

    static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

    pub(super) fn was_closed() -> bool {
        WAS_CLOSED.load(Ordering::Relaxed)
    }

    extern "C" fn look() {
        // SAFETY: the number is not -1, and only the descriptor's flags are read; whether it is
        // closed is exactly what this call finds out.
        let stdout = unsafe { BorrowedFd::borrow_raw(1) };
        let is_closed = rustix::io::fcntl_getfd(stdout) == Err(rustix::io::Errno::BADF);
        WAS_CLOSED.store(is_closed, Ordering::Relaxed);
    }

    // SAFETY: the loader calls each function of this section before `main`, by C's convention and
    // with arguments that `look` does not take. It makes one system call and allocates nothing.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static LOOK: extern "C" fn() = look;
}

#[cfg(not(target_os = "linux"))]
mod start {
    /// Elsewhere, a closed stream looks like `/dev/null`.
    pub(super) fn was_closed() -> bool {
        false
    }
}
