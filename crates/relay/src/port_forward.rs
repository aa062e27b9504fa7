//! A port-forward of the Kubernetes API: a connection to a port of a pod, over a WebSocket.
//!
//! Each message begins with a byte for its channel: 0 is data, 1 is an error text of the node. The
//! node's first message on each channel is the port, and not passed on. The other side is
//! `k8s.io/cri-streaming/pkg/streaming/portforward`.
//!
//! The protocol cannot close a single direction.

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::core::{Request, Resource as _};
use kube::{Client, Error};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

const DATA: u8 = 0;
const ERROR: u8 = 1;

type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Opens a connection to a port of a pod. If the pod refuses it, [`FromPod::next`] says so later.
///
/// # Errors
///
/// The API server does not open it.
pub(crate) async fn open(
    client: &Client,
    namespace: &str,
    pod: &str,
    port: u16,
) -> Result<(ToPod, FromPod), Error> {
    let pods = Pod::url_path(&(), Some(namespace));
    let request = Request::new(pods)
        .portforward(pod, &[port])
        .map_err(Error::BuildRequest)?;
    let (sink, stream) = client.connect(request).await?.into_stream().split();
    let from_pod = FromPod {
        stream,
        has_begun: [false; 2],
    };
    Ok((ToPod(sink), from_pod))
}

/// The direction to the pod.
pub(crate) struct ToPod(SplitSink<WebSocket, Message>);

impl ToPod {
    /// The beginning of a data message, with room for the data.
    pub(crate) fn message(room: usize) -> BytesMut {
        let mut message = BytesMut::with_capacity(room.saturating_add(1));
        message.extend_from_slice(&[DATA]);
        message
    }

    /// Sends a message that was started with [`message`](Self::message).
    ///
    /// # Errors
    ///
    /// The port-forward is broken.
    pub(crate) async fn send(&mut self, message: BytesMut) -> Result<(), tungstenite::Error> {
        self.0.send(Message::Binary(message.freeze())).await
    }

    /// Keeps proxies between here and the node from closing an idle connection. The pod does not see it.
    ///
    /// # Errors
    ///
    /// The port-forward is broken.
    pub(crate) async fn ping(&mut self) -> Result<(), tungstenite::Error> {
        self.0.send(Message::Ping(Bytes::new())).await
    }

    /// Closes both directions.
    pub(crate) async fn close(mut self) {
        // This fails if the connection is already closed or broken.
        let _ = self.0.close().await;
    }
}

/// The direction from the pod.
pub(crate) struct FromPod {
    stream: SplitStream<WebSocket>,
    /// Whether the port has been received on each channel.
    has_begun: [bool; 2],
}

/// An event from the pod.
#[derive(Debug)]
pub(crate) enum Event {
    /// Data.
    Data(Bytes),
    /// The pod has ended the connection.
    Closed,
    /// The node cannot forward, for this reason.
    Failed(String),
    /// The port-forward is broken.
    Broken(String),
}

impl FromPod {
    /// The next event. Any event but [`Event::Data`] is the last.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Binary(message))) => {
                    if let Some(event) = self.take(&message) {
                        return event;
                    }
                }
                Some(Ok(Message::Close(_))) => return Event::Closed,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Event::Broken(explain(&error)),
                None => return Event::Broken("it ended without a word".to_owned()),
            }
        }
    }

    fn take(&mut self, message: &Bytes) -> Option<Event> {
        let channel = *message.first()?;
        let begun = self.has_begun.get_mut(usize::from(channel))?;
        if !*begun {
            *begun = true;
            return None;
        }
        let data = message.slice(1..);
        match channel {
            DATA => Some(Event::Data(data)),
            ERROR => Some(Event::Failed(String::from_utf8_lossy(&data).into_owned())),
            _ => None,
        }
    }
}

/// Explains an error of a WebSocket.
pub(crate) fn explain(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            "the API server closed it".to_owned()
        }
        tungstenite::Error::Io(error) => format!("the connection to the API server broke: {error}"),
        tungstenite::Error::Protocol(error) => {
            format!("the connection to the API server broke: {error}")
        }
        other => other.to_string(),
    }
}
