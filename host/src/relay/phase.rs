//! From serving to the end.

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
