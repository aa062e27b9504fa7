//! Copies bytes between a client and a pod, both ways, until one side is done.
//!
//! Each direction buffers one chunk at a time, so that a slow reader slows the sender down.
//!
//! A client that has shut down its sending side may still read. A port-forward cannot pass that on,
//! and a node that sees the end cuts the other direction soon (containerd does after a second). So
//! the end is not passed on: over TLS the runner sees the client's close_notify, and closes. If it
//! does not, the connection ends after [`HALF_CLOSED`] without a byte.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio::time::{self, Instant, MissedTickBehavior};

use crate::ending::Ending;
use crate::metrics;
use crate::port_forward::{self, Event, FromPod, ToPod};

/// How many bytes are read from a client at once.
const CHUNK: usize = 32 * 1024;
/// How often a ping is sent, so that no proxy between here and the node closes an idle connection.
const PING: Duration = Duration::from_secs(30);
/// The longest silence after the client has shut down its sending side.
const HALF_CLOSED: Duration = Duration::from_secs(10);
/// How long bytes in flight may take to arrive at the end.
const LINGER: Duration = Duration::from_secs(5);
/// How long the port-forward may take to close.
const CLOSE: Duration = Duration::from_secs(1);

/// The traffic of a connection.
#[derive(Debug)]
pub(crate) struct Traffic {
    started: Instant,
    counters: metrics::Bytes,
    to_pod: AtomicU64,
    to_client: AtomicU64,
    /// Milliseconds from the start to the last byte.
    last: AtomicU64,
    is_half_closed: AtomicBool,
    half_closed: Notify,
}

impl Traffic {
    /// No traffic yet. It is added to the counters as well.
    pub(crate) fn new(counters: metrics::Bytes) -> Self {
        Self {
            started: Instant::now(),
            counters,
            to_pod: AtomicU64::new(0),
            to_client: AtomicU64::new(0),
            last: AtomicU64::new(0),
            is_half_closed: AtomicBool::new(false),
            half_closed: Notify::new(),
        }
    }

    pub(crate) fn to_pod(&self) -> u64 {
        self.to_pod.load(Ordering::Relaxed)
    }

    pub(crate) fn to_client(&self) -> u64 {
        self.to_client.load(Ordering::Relaxed)
    }

    fn add_to_pod(&self, length: usize) {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.to_pod.fetch_add(length, Ordering::Relaxed);
        self.counters.to_pod.inc_by(length);
        self.touch();
    }

    fn add_to_client(&self, length: usize) {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.to_client.fetch_add(length, Ordering::Relaxed);
        self.counters.to_client.inc_by(length);
        self.touch();
    }

    fn touch(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    fn quiet_for(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(last)
    }

    fn half_close(&self) {
        self.touch();
        self.is_half_closed.store(true, Ordering::Relaxed);
        self.half_closed.notify_one();
    }

    fn is_half_closed(&self) -> bool {
        self.is_half_closed.load(Ordering::Relaxed)
    }
}

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
        Ending::Pod if traffic.is_half_closed() => Ending::Client,
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
            ready = client.readable(), if !traffic.is_half_closed() => ready,
            _ = pings.tick() => {
                to_pod.ping().await?;
                continue;
            }
        };
        ready.map_err(Upload::Client)?;
        let mut message = ToPod::message(CHUNK);
        match client.try_read_buf(&mut message) {
            Ok(0) => traffic.half_close(),
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

/// Waits until no byte was sent for too long.
async fn silence(traffic: &Traffic, idle: Duration) -> Ending {
    loop {
        let (most, ending) = if traffic.is_half_closed() {
            (idle.min(HALF_CLOSED), Ending::Client)
        } else {
            (idle, Ending::Idle)
        };
        let left = most.saturating_sub(traffic.quiet_for());
        if left.is_zero() {
            return ending;
        }
        tokio::select! {
            () = time::sleep(left) => {}
            () = traffic.half_closed.notified() => {}
        }
    }
}

/// Closes a client's connection so that everything sent to it arrives.
///
/// Closing a socket with unread bytes resets the connection, and the client loses what it has not
/// read by then.
async fn hang_up(mut client: TcpStream) {
    let mut unread = [0; 4096];
    if client.shutdown().await.is_ok() {
        while client
            .read(&mut unread)
            .await
            .is_ok_and(|length| length > 0)
        {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn traffic() -> Traffic {
        Traffic::new(Metrics::new().bytes_of("a"))
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    }

    #[test]
    fn silence_starts_at_the_last_byte() {
        runtime().block_on(async {
            let traffic = traffic();
            let started = Instant::now();
            let bytes = async {
                for _ in 0..5 {
                    time::sleep(Duration::from_millis(60)).await;
                    traffic.add_to_client(1);
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ending = silence(&traffic, Duration::from_millis(200)) => {
                    assert!(matches!(ending, Ending::Idle));
                }
                () = bytes => {}
            }
            assert!(started.elapsed() >= Duration::from_millis(490));
            assert_eq!((traffic.to_pod(), traffic.to_client()), (0, 5));
        });
    }

    #[test]
    fn a_half_closed_connection_is_not_idle() {
        runtime().block_on(async {
            let traffic = traffic();
            traffic.half_close();
            let ending = silence(&traffic, Duration::from_millis(10)).await;
            assert!(matches!(ending, Ending::Client));
        });
    }

    #[test]
    fn sent_bytes_arrive_though_the_client_still_sends() {
        use std::io::{Read as _, Write as _};

        let length = 100_000;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut other = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let client = listener.accept().unwrap().0;
        client.set_nonblocking(true).unwrap();
        let reading = std::thread::spawn(move || {
            other.write_all(&[b'x'; 10_000]).unwrap();
            std::thread::sleep(Duration::from_millis(100));
            let mut read = Vec::new();
            other.read_to_end(&mut read).map(|_| read.len())
        });
        runtime().block_on(async {
            let mut client = TcpStream::from_std(client).unwrap();
            client.write_all(&vec![b'y'; length]).await.unwrap();
            time::timeout(LINGER, hang_up(client)).await.unwrap();
        });
        assert_eq!(reading.join().unwrap().unwrap(), length);
    }
}
