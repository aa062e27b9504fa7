//! From serving to the end.

use std::io;

use tokio::sync::watch;

/// What the relay is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It takes connections.
    Serving,
    /// It takes none any more, and waits for those that are open.
    Draining,
    /// Connections end now.
    Over,
}

/// Waits until a phase, or one after it.
pub(super) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // Where nobody can say any more that it is reached, it is.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}

/// The signals that end a program.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// From here on they do not end the program by themselves.
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
