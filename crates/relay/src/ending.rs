//! Why a connection has ended: a reason for metrics, and a detail for the log.

use std::io;

use crate::client_hello::HelloError;

/// Why a connection has ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The client closed it.
    Client,
    /// The runner closed it.
    Pod,
    /// No byte was sent for too long.
    Idle,
    /// The relay is stopping.
    Drained,
    /// There were too many connections.
    OverLimit,
    /// The client sent no ClientHello.
    NoHello(HelloError),
    /// The ClientHello did not come in time.
    LateHello,
    /// No route matches the host.
    NoRoute,
    /// No pod is ready, or the pods cannot be listed, for this reason.
    NoPod(String),
    /// The API server did not open a port-forward.
    NotOpened(String),
    /// The API server did not answer in time.
    NotOpenedInTime,
    /// The client's connection broke.
    ClientBroken(io::Error),
    /// The port-forward broke.
    ForwardBroken(String),
    /// The node reports that it cannot forward to the port, or not any more.
    PodFailed(String),
}

impl Ending {
    /// The `reason` in the log and in metrics; it has few values.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Client => "client-closed",
            Self::Pod => "pod-closed",
            Self::Idle => "idle",
            Self::Drained => "drained",
            Self::OverLimit => "over-limit",
            Self::NoHello(HelloError::Nothing) => "nothing-sent",
            Self::NoHello(HelloError::Truncated | HelloError::Broken(_)) => "hello-truncated",
            Self::NoHello(HelloError::NotTls(_)) => "not-tls",
            Self::NoHello(HelloError::TooLong) => "hello-too-long",
            Self::LateHello => "hello-late",
            Self::NoRoute => "no-route",
            Self::NoPod(_) => "no-pod",
            Self::NotOpened(_) | Self::NotOpenedInTime => "not-opened",
            Self::ClientBroken(_) => "client-broken",
            Self::ForwardBroken(_) => "forward-broken",
            Self::PodFailed(_) => "pod-failed",
        }
    }

    /// The `detail` in the log. It may be untrusted text.
    pub(crate) fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoHello(HelloError::Broken(error) | HelloError::NotTls(error))
            | Self::ClientBroken(error) => error.to_string(),
            Self::NoPod(what)
            | Self::NotOpened(what)
            | Self::ForwardBroken(what)
            | Self::PodFailed(what) => what.clone(),
            Self::NotOpenedInTime => "the API server has not answered in time".to_owned(),
            _ => return None,
        })
    }

    /// True for a problem that somebody can fix.
    pub(crate) fn is_problem(&self) -> bool {
        matches!(
            self,
            Self::OverLimit
                | Self::NoRoute
                | Self::NoPod(_)
                | Self::NotOpened(_)
                | Self::NotOpenedInTime
                | Self::ForwardBroken(_)
                | Self::PodFailed(_)
        )
    }
}
