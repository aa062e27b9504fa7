//! Sockets that clients connect to.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time;

use super::limits::Seldom;
use super::log::{Level, Line};
use super::metrics::Metrics;

/// How many connections the system may hold until they are accepted.
const BACKLOG: u32 = 1024;
/// A peer that has gone without a word is found out after about two minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// The pause after the system could not accept a connection: files are free again when one ends.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often that is said.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Listens at an address. Where a system has no IPv6, `[::]` means all of IPv4.
///
/// # Errors
///
/// A sentence.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    let bound = bind(address);
    let bound = match bound {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && lacks_ipv6(&error) => {
            bind((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        bound => bound,
    };
    bound.map_err(|error| format!("cannot listen at {address}: {error}"))
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
    // Elsewhere than on Unix it would share the port with a program that listens there.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn lacks_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no kind of its own.
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || cfg!(target_os = "linux") && error.raw_os_error() == Some(97)
}

/// A listener that survives whatever the system says.
pub(super) struct Acceptor {
    listener: TcpListener,
    pause: Duration,
    said: Seldom,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            pause: SHORTEST_PAUSE,
            said: Seldom::new(SAY_EVERY),
        }
    }

    /// The next connection. It can be given up at any time without losing one.
    pub(super) async fn accept(&mut self, metrics: &Metrics) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((client, peer)) => {
                    self.pause = SHORTEST_PAUSE;
                    prepare(&client);
                    return (client, peer);
                }
                // The client has left already.
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    metrics.accept_error();
                    if let Some(held_back) = self.said.let_through() {
                        Line::new(Level::Warning, "accept")
                            .with("detail", error.to_string())
                            .with("not_logged", held_back)
                            .write();
                    }
                    time::sleep(self.pause).await;
                    self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Sets what makes a terminal quick, and finds out peers that are gone.
fn prepare(client: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
    #[cfg(not(any(target_os = "openbsd", target_os = "haiku", target_os = "redox")))]
    let keepalive = keepalive.with_interval(KEEPALIVE_INTERVAL);
    // A socket that cannot do it is still one.
    let _ = SockRef::from(client).set_tcp_keepalive(&keepalive);
    let _ = client.set_nodelay(true);
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
            let mut acceptor = Acceptor::new(listener);
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
    fn an_address_in_use_is_told() {
        block_on(async {
            let first = listen("127.0.0.1:0".parse().unwrap()).unwrap();
            let error = listen(first.local_addr().unwrap()).unwrap_err();
            assert!(error.starts_with("cannot listen at 127.0.0.1:"), "{error}");
        });
    }
}
