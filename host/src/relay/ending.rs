//! How a connection ends, in a word to count and in a sentence to read.

use std::io;

use super::client_hello::Refusal;

/// Why a connection has ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The client was done first.
    Client,
    /// The runner was done first.
    Pod,
    /// Nothing went through for too long.
    Idle,
    /// The relay ends.
    Drained,
    /// There were too many connections.
    OverLimit,
    /// There is no ClientHello.
    NoHello(Refusal),
    /// The ClientHello did not come in time.
    LateHello,
    /// No route is for the name.
    NoRoute,
    /// No pod can take it, for this reason.
    NoPod(String),
    /// The API server did not open a port-forward.
    NotOpened(String),
    /// Nor did it say in time that it will not.
    NotOpenedInTime,
    /// The client's connection broke.
    ClientBroken(io::Error),
    /// The port-forward broke.
    ForwardBroken(String),
    /// The node says that it cannot forward to the port, or not any more.
    PodFailed(String),
}

impl Ending {
    /// The word for it, of a few.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Client => "client-closed",
            Self::Pod => "pod-closed",
            Self::Idle => "idle",
            Self::Drained => "drained",
            Self::OverLimit => "over-limit",
            Self::NoHello(Refusal::Nothing) => "nothing-sent",
            Self::NoHello(Refusal::Truncated | Refusal::Broken(_)) => "hello-truncated",
            Self::NoHello(Refusal::NotTls(_)) => "not-tls",
            Self::NoHello(Refusal::TooLong) => "hello-too-long",
            Self::LateHello => "hello-late",
            Self::NoRoute => "no-route",
            Self::NoPod(_) => "no-pod",
            Self::NotOpened(_) | Self::NotOpenedInTime => "not-opened",
            Self::ClientBroken(_) => "client-broken",
            Self::ForwardBroken(_) => "forward-broken",
            Self::PodFailed(_) => "pod-failed",
        }
    }

    /// What more there is to say, which may be somebody else's text.
    pub(super) fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoHello(Refusal::Broken(error)) | Self::ClientBroken(error) => error.to_string(),
            Self::NoHello(Refusal::NotTls(what))
            | Self::NoPod(what)
            | Self::NotOpened(what)
            | Self::ForwardBroken(what)
            | Self::PodFailed(what) => what.clone(),
            Self::NotOpenedInTime => "the API server has not answered in time".to_owned(),
            _ => return None,
        })
    }

    /// True where something is wrong that somebody can mend.
    pub(super) fn is_trouble(&self) -> bool {
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
