//! The phases of the relay, from the start to the end.

use tokio::sync::watch;

/// The phase that the relay is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It accepts connections, and lists the pods.
    Starting,
    /// It accepts connections.
    Serving,
    /// It accepts none any more, and waits for those that are open.
    Draining,
    /// Open connections are closed now.
    Stopping,
}

/// Waits until a phase, or one after it.
pub(crate) async fn reached(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // An error means that the sender is gone, and so the relay has ended.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}
