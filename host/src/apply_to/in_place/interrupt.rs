//! SIGINT and SIGTERM while files are replaced: the current file is finished, and the new files that
//! are left are removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, process, thread};

use crate::signals::Signals;

/// Whether a signal has come.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From here on, the first signal only sets this. The second one ends the program, in case a disk
    /// does not answer.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(super) fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let guard = runtime.enter();
        let mut signals = Signals::new()?;
        drop(guard);
        let come = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&come);
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                runtime.block_on(async {
                    signals.next().await;
                    set.store(true, Ordering::Relaxed);
                    signals.next().await;
                    process::exit(1);
                });
            })?;
        Ok(Self(come))
    }

    /// True from the first signal on.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
