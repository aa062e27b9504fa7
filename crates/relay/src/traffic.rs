//! Counts the bytes of a connection, and measures its silence.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{self, Instant};

use crate::ending::Ending;
use crate::metrics;

/// The maximum silence after one side has shut down its sending direction.
const HALF_CLOSED: Duration = Duration::from_secs(10);
/// How long bytes in flight may take to arrive at the end of a connection.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client = 1,
    Pod = 2,
}

/// The traffic of a connection.
#[derive(Debug)]
pub(crate) struct Traffic {
    started: Instant,
    counters: metrics::Bytes,
    to_pod: AtomicU64,
    to_client: AtomicU64,
    /// Milliseconds between the start and the last byte.
    last: AtomicU64,
    /// The first [`Side`] to shut down its sending direction; 0 if none.
    half_closed_by: AtomicU8,
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
            half_closed_by: AtomicU8::new(0),
            half_closed: Notify::new(),
        }
    }

    pub(crate) fn to_pod(&self) -> u64 {
        self.to_pod.load(Ordering::Relaxed)
    }

    pub(crate) fn to_client(&self) -> u64 {
        self.to_client.load(Ordering::Relaxed)
    }

    pub(crate) fn add_to_pod(&self, length: usize) {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.to_pod.fetch_add(length, Ordering::Relaxed);
        self.counters.to_pod.inc_by(length);
        self.touch();
    }

    pub(crate) fn add_to_client(&self, length: usize) {
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

    /// Records that a side has shut down its sending direction.
    pub(crate) fn half_close(&self, side: Side) {
        self.touch();
        let order = Ordering::Relaxed;
        let _ = self
            .half_closed_by
            .compare_exchange(0, side as u8, order, order);
        self.half_closed.notify_one();
    }

    /// The first side to shut down its sending direction.
    pub(crate) fn half_closed_by(&self) -> Option<Side> {
        let by = self.half_closed_by.load(Ordering::Relaxed);
        [Side::Client, Side::Pod]
            .into_iter()
            .find(|side| *side as u8 == by)
    }
}

/// Waits until no byte was sent for too long.
pub(crate) async fn silence(traffic: &Traffic, idle: Duration) -> Ending {
    loop {
        let (most, ending) = match traffic.half_closed_by() {
            Some(Side::Client) => (idle.min(HALF_CLOSED), Ending::Client),
            Some(Side::Pod) => (idle.min(HALF_CLOSED), Ending::Pod),
            None => (idle, Ending::Idle),
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

/// Closes a client's connection in a way that delivers everything sent to it. The caller limits the
/// time.
///
/// Closing a socket with unread bytes resets the connection, and the client loses what it has not
/// read by then.
pub(crate) async fn hang_up(mut client: TcpStream) {
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
            traffic.half_close(Side::Client);
            let ending = silence(&traffic, Duration::from_millis(10)).await;
            assert!(matches!(ending, Ending::Client));
            // The first side counts.
            traffic.half_close(Side::Pod);
            assert_eq!(traffic.half_closed_by(), Some(Side::Client));
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
