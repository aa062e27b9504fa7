//! Why a connection has ended: a reason for metrics, and a detail for the log.

use std::io;

use crate::client_hello::HelloError;
use crate::lookup::NoPod;

/// Why a connection has ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The client closed it.
    Client,
    /// The runner closed it.
    Pod,
    /// No byte was sent for too long.
    Idle,
    /// The relay shuts down.
    Drained,
    /// There were too many connections.
    OverLimit,
    /// The client sent no ClientHello.
    NoHello(HelloError),
    /// The ClientHello did not come in time.
    LateHello,
    /// No route matches the host.
    NoRoute,
    /// There is no pod to connect to.
    NoPod(NoPod),
    /// The pods of the route are not known, for this reason.
    PodsNotListed(String),
    /// The API server did not open a port-forward.
    NotOpened(String),
    /// The API server did not answer in time.
    NotOpenedInTime,
    /// The pod's address refuses connections.
    DialRefused(String),
    /// The pod's address does not answer.
    DialTimedOut(String),
    /// The pod's address cannot be connected to.
    DialFailed(String),
    /// The pod's connection broke.
    PodBroken(io::Error),
    /// The client's connection broke.
    ClientBroken(io::Error),
    /// The port-forward broke.
    ForwardBroken(String),
    /// The node reports that it cannot forward to the port, or no longer can.
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
            Self::NoPod(NoPod::NoneReady(_)) => "no-pod",
            Self::NoPod(NoPod::Unknown(_)) => "pod-unknown",
            Self::NoPod(NoPod::Pending(_)) => "pod-pending",
            Self::NoPod(NoPod::Ended(_)) => "pod-ended",
            Self::NoPod(NoPod::Ambiguous(_)) => "pod-ambiguous",
            Self::NoPod(NoPod::NotListed(_)) | Self::PodsNotListed(_) => "pods-not-listed",
            Self::NotOpened(_) | Self::NotOpenedInTime => "not-opened",
            Self::DialRefused(_) => "dial-refused",
            Self::DialTimedOut(_) => "dial-timed-out",
            Self::DialFailed(_) => "dial-failed",
            Self::PodBroken(_) => "pod-broken",
            Self::ClientBroken(_) => "client-broken",
            Self::ForwardBroken(_) => "forward-broken",
            Self::PodFailed(_) => "pod-failed",
        }
    }

    /// The `detail` in the log. It may be untrusted text.
    pub(crate) fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoHello(HelloError::Broken(error) | HelloError::NotTls(error))
            | Self::ClientBroken(error)
            | Self::PodBroken(error) => error.to_string(),
            Self::NoPod(
                NoPod::NoneReady(what)
                | NoPod::Unknown(what)
                | NoPod::Pending(what)
                | NoPod::Ended(what)
                | NoPod::Ambiguous(what),
            )
            | Self::PodsNotListed(what)
            | Self::NotOpened(what)
            | Self::DialRefused(what)
            | Self::DialTimedOut(what)
            | Self::DialFailed(what)
            | Self::ForwardBroken(what)
            | Self::PodFailed(what) => what.clone(),
            Self::NoPod(NoPod::NotListed(selection)) => {
                format!("the pods of {selection} have not been listed")
            }
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
                | Self::PodsNotListed(_)
                | Self::NotOpened(_)
                | Self::NotOpenedInTime
                | Self::DialRefused(_)
                | Self::DialTimedOut(_)
                | Self::DialFailed(_)
                | Self::PodBroken(_)
                | Self::ForwardBroken(_)
                | Self::PodFailed(_)
        )
    }
}
