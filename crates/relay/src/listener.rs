//! Listening sockets.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time;

use crate::limits::Throttle;
use crate::log::{Level, Log};
use crate::metrics::Metrics;
use crate::socket;

/// The maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// The pause after a failed accept: a file descriptor becomes free when a connection ends.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest time between two log lines about that.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// An address cannot be listened on: it is in use, or does not belong to this machine.
#[derive(Debug, Error)]
#[error("cannot listen at {address}: {error}")]
pub struct ListenError {
    address: SocketAddr,
    error: io::Error,
}

/// Listens on an address. If the system has no IPv6, `[::]` means all of IPv4.
///
/// # Errors
///
/// The address is in use, or does not belong to this machine.
pub(crate) fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let bound = bind(address);
    let bound = match bound {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && lacks_ipv6(&error) => {
            bind((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        bound => bound,
    };
    bound.map_err(|error| ListenError { address, error })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv6() {
        TcpSocket::new_v6()
    } else {
        TcpSocket::new_v4()
    }?;
    if address.is_ipv6() {
        // IPv4 as well, whatever the system's own default is.
        SockRef::from(&socket).set_only_v6(false)?;
    }
    // On systems other than Unix, it would share the port with a program that already listens
    // there.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn lacks_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no `ErrorKind`.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || cfg!(target_os = "linux") && error.raw_os_error() == Some(97)
}

/// A listener that survives system errors.
pub(crate) struct Acceptor {
    listener: TcpListener,
    pause: Duration,
    log: Log,
    throttle: Throttle,
}

impl Acceptor {
    pub(crate) fn new(listener: TcpListener, log: Log) -> Self {
        Self {
            listener,
            pause: SHORTEST_PAUSE,
            log,
            throttle: Throttle::new(LOG_INTERVAL),
        }
    }

    /// The next connection. Cancel-safe: no connection is lost.
    pub(crate) async fn accept(&mut self, metrics: &Metrics) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((client, peer)) => {
                    self.pause = SHORTEST_PAUSE;
                    socket::prepare(&client);
                    return (client, peer);
                }
                // The client has already disconnected.
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    metrics.accept_error();
                    if let Some(suppressed) = self.throttle.admit() {
                        self.log
                            .line(Level::Warning, "accept")
                            .with("detail", error.to_string())
                            .with("not_logged", suppressed)
                            .write();
                    }
                    time::sleep(self.pause).await;
                    self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn both_families_reach_the_default_address() {
        block_on(async {
            let listener = listen("[::]:0".parse().unwrap()).unwrap();
            let port = listener.local_addr().unwrap().port();
            let mut acceptor = Acceptor::new(listener, Log::new(str::to_owned));
            let metrics = Metrics::new();
            let _client = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .unwrap();
            let (accepted, _) = acceptor.accept(&metrics).await;
            assert!(SockRef::from(&accepted).keepalive().unwrap());
            assert!(accepted.nodelay().unwrap());
        });
    }

    #[test]
    fn an_address_in_use_is_an_error() {
        block_on(async {
            let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
            let error = listen(first.local_addr().unwrap()).unwrap_err();
            let error = error.to_string();
            assert!(error.starts_with("cannot listen at 127.0.0.1:"), "{error}");
        });
    }
}
