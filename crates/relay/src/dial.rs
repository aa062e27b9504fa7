//! Ways to connect to a pod, and the connection to its own address.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;
use tokio::time::{self, Instant};

use crate::socket;

/// How to connect to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// Through the API server, by a port-forward.
    Api,
    /// To the pod's own IP address, which can be reached from inside its cluster.
    Pod,
}

/// Why none of a pod's addresses accepted a connection: the error of the first one.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The connection was refused.
    Refused(SocketAddr),
    /// There was no answer in time.
    Late(SocketAddr),
    /// An error of the system.
    Failed(SocketAddr, io::Error),
    /// The pod has no address.
    NoAddress,
}

/// Connects to the first of a pod's addresses that accepts. The remaining addresses share the
/// remaining time.
///
/// # Errors
///
/// No address accepts a connection.
pub(crate) async fn connect(
    ips: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, DialError> {
    let mut first = None;
    let mut left = ips.len();
    for ip in ips {
        let address = SocketAddr::new(*ip, port);
        let rest = deadline.saturating_duration_since(Instant::now());
        let share = rest / u32::try_from(left).unwrap_or(u32::MAX).max(1);
        left = left.saturating_sub(1);
        let error = match time::timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                socket::prepare(&stream);
                return Ok(stream);
            }
            Ok(Err(error)) => match error.kind() {
                ErrorKind::ConnectionRefused => DialError::Refused(address),
                ErrorKind::TimedOut => DialError::Late(address),
                _ => DialError::Failed(address, error),
            },
            Err(_) => DialError::Late(address),
        };
        // A relay with addresses of one family cannot even try those of the other.
        match first {
            Some(ref told) if !matches!(told, DialError::Failed(..)) => {}
            _ => first = Some(error),
        }
    }
    Err(first.unwrap_or(DialError::NoAddress))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    fn dial(ips: &[IpAddr], port: u16) -> Result<TcpStream, DialError> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(async {
            let deadline = Instant::now() + Duration::from_secs(5);
            connect(ips, port, deadline).await
        })
    }

    #[test]
    fn the_second_address_is_tried_where_the_first_refuses() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let other: IpAddr = "127.0.0.2".parse().unwrap();
        let stream = dial(&[other, Ipv4Addr::LOCALHOST.into()], port).unwrap();
        assert!(stream.nodelay().unwrap());
        let refused = dial(&[other], port).unwrap_err();
        assert!(matches!(refused, DialError::Refused(at) if at.ip() == other));
    }

    #[test]
    fn an_address_that_cannot_be_tried_hides_no_refusal() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        // This address has no route, with or without IPv6.
        let nowhere: IpAddr = Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 1).into();
        let refused = dial(&[nowhere, Ipv4Addr::LOCALHOST.into()], port).unwrap_err();
        assert!(
            matches!(refused, DialError::Refused(_) | DialError::Late(_)),
            "{refused:?}"
        );
        assert!(matches!(dial(&[], port), Err(DialError::NoAddress)));
    }

    #[test]
    fn an_address_that_does_not_answer_is_given_up() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let listener = socket.listen(1).unwrap();
            let port = listener.local_addr().unwrap().port();
            let ips = [IpAddr::from(Ipv4Addr::LOCALHOST)];
            let dial = || connect(&ips, port, Instant::now() + Duration::from_millis(300));
            // It accepts no connections, and the system answers only as many as its backlog holds.
            let mut kept = Vec::new();
            let error = loop {
                match dial().await {
                    Ok(stream) => kept.push(stream),
                    Err(error) => break error,
                }
                assert!(kept.len() < 10_000);
            };
            assert!(matches!(error, DialError::Late(_)), "{error:?}");
        });
    }
}
