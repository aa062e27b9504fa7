//! Copies bytes between a client and a port-forward, both ways, until one side is done.
//!
//! Each direction buffers one chunk at a time, so that a slow reader slows the sender down.
//!
//! A client that has shut down its sending side may still read. A port-forward cannot pass that on,
//! and a node that sees the end cuts the other direction soon (containerd does after a second). So
//! the end is not passed on: over TLS the runner sees the client's close_notify, and closes. If it
//! does not, the connection ends after some seconds without a byte.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{self, Instant, MissedTickBehavior};

use crate::ending::Ending;
use crate::port_forward::{self, Event, FromPod, ToPod};
use crate::traffic::{LINGER, Side, Traffic, hang_up, silence};

/// How many bytes are read from a client at once.
const CHUNK: usize = 32 * 1024;
/// How often a ping is sent, so that no proxy between here and the node closes an idle connection.
const PING: Duration = Duration::from_secs(30);
/// How long the port-forward may take to close.
const CLOSE: Duration = Duration::from_secs(1);

/// Copies until one side is done, no byte was sent for `idle`, or `stopping` is ready.
///
/// `first` has been read from the client already. Both connections are closed at the end.
pub(crate) async fn run(
    mut client: TcpStream,
    first: Bytes,
    (mut to_pod, mut from_pod): (ToPod, FromPod),
    traffic: &Traffic,
    idle: Duration,
    stopping: impl Future<Output = ()>,
) -> Ending {
    let (mut reader, mut writer) = client.split();
    let ending = tokio::select! {
        ending = download(&mut from_pod, &mut writer, traffic) => ending,
        ending = upload(&mut reader, first, &mut to_pod, traffic) => ending,
        ending = silence(traffic, idle) => ending,
        () = stopping => Ending::Drained,
    };
    // The ending is known; both connections are closed as cleanly as possible within a time.
    let _ = time::timeout(CLOSE, to_pod.close()).await;
    if matches!(
        ending,
        Ending::Pod | Ending::PodFailed(_) | Ending::ForwardBroken(_)
    ) {
        let _ = time::timeout(LINGER, hang_up(client)).await;
    }
    match ending {
        Ending::Pod if traffic.half_closed_by().is_some() => Ending::Client,
        ending => ending,
    }
}

/// Copies from the client to the pod. It ends only when a connection breaks.
async fn upload(
    client: &mut ReadHalf<'_>,
    first: Bytes,
    to_pod: &mut ToPod,
    traffic: &Traffic,
) -> Ending {
    let broken = match copy_to_pod(client, first, to_pod, traffic).await {
        Ok(never) => match never {},
        Err(Upload::Client(error)) => return Ending::ClientBroken(error),
        Err(Upload::PortForward(error)) => error,
    };
    // The other direction may still have bytes for the client, and a better reason.
    time::sleep(LINGER).await;
    Ending::ForwardBroken(broken)
}

/// What ended an upload.
enum Upload {
    Client(io::Error),
    PortForward(String),
}

impl From<tokio_tungstenite::tungstenite::Error> for Upload {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::PortForward(port_forward::explain(&error))
    }
}

async fn copy_to_pod(
    client: &mut ReadHalf<'_>,
    first: Bytes,
    to_pod: &mut ToPod,
    traffic: &Traffic,
) -> Result<std::convert::Infallible, Upload> {
    let mut message = ToPod::message(first.len());
    message.extend_from_slice(&first);
    to_pod.send(message).await?;
    traffic.add_to_pod(first.len());

    let mut pings = time::interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // No buffer is allocated while the connection is idle.
        let ready = tokio::select! {
            ready = client.readable(), if traffic.half_closed_by().is_none() => ready,
            _ = pings.tick() => {
                to_pod.ping().await?;
                continue;
            }
        };
        ready.map_err(Upload::Client)?;
        let mut message = ToPod::message(CHUNK);
        match client.try_read_buf(&mut message) {
            Ok(0) => traffic.half_close(Side::Client),
            Ok(length) => {
                to_pod.send(message).await?;
                traffic.add_to_pod(length);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(Upload::Client(error)),
        }
    }
}

/// Copies from the pod to the client.
async fn download(from_pod: &mut FromPod, client: &mut WriteHalf<'_>, traffic: &Traffic) -> Ending {
    loop {
        match from_pod.next().await {
            Event::Data(data) => match client.write_all(&data).await {
                Ok(()) => traffic.add_to_client(data.len()),
                Err(error) => return Ending::ClientBroken(error),
            },
            Event::Closed => return Ending::Pod,
            Event::Failed(why) => return Ending::PodFailed(why),
            Event::Broken(why) => return Ending::ForwardBroken(why),
        }
    }
}
