//! The phases of the relay, from the start to the end.

use tokio::sync::watch;

/// The phase that the relay is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It accepts connections, and lists the pods.
    Starting,
    /// It accepts connections.
    Serving,
    /// It no longer accepts connections, and waits for the open ones.
    Draining,
    /// Open connections are being closed.
    Stopping,
}

/// Waits for a phase, or a later one.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // An error means that the sender is gone, and so the relay has ended.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}
