//! A port-forward of the Kubernetes API: one connection to a port of a pod, as messages of a
//! WebSocket.
//!
//! Each message begins with a byte for its channel: 0 has the data, 1 has a text when the node
//! cannot forward. The first message of the node on either is the port, and nothing to pass on.
//! (`k8s.io/cri-streaming/pkg/streaming/portforward` is the other side.)
//!
//! The protocol has no way to say that one side alone has ended. Closing ends both.

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

/// Opens a connection to a port of a pod. That the pod refuses it is known only later.
///
/// # Errors
///
/// The API server does not open it.
pub(super) async fn open(
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

/// The way to the pod.
pub(super) struct ToPod(SplitSink<WebSocket, Message>);

impl ToPod {
    /// The beginning of a message of data; the data follow.
    pub(super) fn message(room: usize) -> BytesMut {
        let mut message = BytesMut::with_capacity(room.saturating_add(1));
        message.extend_from_slice(&[DATA]);
        message
    }

    /// Sends a message that [`message`](Self::message) began, and returns when it has left.
    ///
    /// # Errors
    ///
    /// The port-forward is broken.
    pub(super) async fn send(&mut self, message: BytesMut) -> Result<(), tungstenite::Error> {
        self.0.send(Message::Binary(message.freeze())).await
    }

    /// Sends something that the pod never sees, so that what is between here and the node sees a
    /// connection in use.
    ///
    /// # Errors
    ///
    /// The port-forward is broken.
    pub(super) async fn ping(&mut self) -> Result<(), tungstenite::Error> {
        self.0.send(Message::Ping(Bytes::new())).await
    }

    /// Closes both directions.
    pub(super) async fn close(mut self) {
        // It may be closed already, or broken.
        let _ = self.0.close().await;
    }
}

/// The way from the pod.
pub(super) struct FromPod {
    stream: SplitStream<WebSocket>,
    /// Whether the port has come on each channel.
    has_begun: [bool; 2],
}

/// What comes from the pod.
#[derive(Debug)]
pub(super) enum Event {
    /// Bytes.
    Data(Bytes),
    /// The pod has ended the connection.
    Closed,
    /// The node cannot forward, for this reason.
    Failed(String),
    /// The port-forward is broken.
    Broken(String),
}

impl FromPod {
    /// The next event; after another one than data there is none.
    pub(super) async fn next(&mut self) -> Event {
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

/// Says what an error of a WebSocket means.
pub(super) fn explain(error: &tungstenite::Error) -> String {
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
