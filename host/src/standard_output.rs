//! Standard output, and whether it was there when the program began.
//!
//! Before `main`, Rust's standard library opens `/dev/null` in place of a stream that is closed, so
//! that what is opened next does not get its number. What is printed would be lost without an error.

use std::io::{self, StdoutLock, Write};

/// Standard output, to be written to.
///
/// # Errors
///
/// It was closed before the program began.
pub(crate) fn lock() -> io::Result<StdoutLock<'static>> {
    must_be_open()?;
    Ok(io::stdout().lock())
}

/// Fails where what is printed would reach nobody.
///
/// # Errors
///
/// It was closed before the program began.
pub(crate) fn must_be_open() -> io::Result<()> {
    if start::was_closed() {
        Err(io::Error::other("it is closed"))
    } else {
        Ok(())
    }
}

/// Writes all of a text.
///
/// # Errors
///
/// The stream's; it was closed before the program began.
pub(crate) fn write(text: &[u8]) -> io::Result<()> {
    let mut stdout = lock()?;
    stdout.write_all(text)?;
    stdout.flush()
}

#[cfg(target_os = "linux")]
mod start {
    #![allow(
        unsafe_code,
        reason = "the descriptor has to be looked at before the standard library's start"
    )]

    use std::os::fd::BorrowedFd;
    use std::sync::atomic::{AtomicBool, Ordering};

    static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

    pub(super) fn was_closed() -> bool {
        WAS_CLOSED.load(Ordering::Relaxed)
    }

    extern "C" fn look() {
        // SAFETY: the number is not -1, and the descriptor is asked for its flags and nothing else;
        // that it may be closed is the question.
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
    /// Elsewhere, a stream that was closed cannot be told from `/dev/null`.
    pub(super) fn was_closed() -> bool {
        false
    }
}
