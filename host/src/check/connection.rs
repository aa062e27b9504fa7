//! Resolves a host and connects to it, within a deadline.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use runner_terminal::address::Host;

use super::problem::Problem;

/// The most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 16;

/// The most bytes of a peer that are read. A TLS handshake and an answer are far fewer.
const MAX_BYTES: usize = 512 * 1024;

/// When a check must end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    // The end may be too late for an `Instant`.
    started: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(super) fn after(timeout: Duration) -> Self {
        Self {
            started: Instant::now(),
            timeout,
        }
    }

    /// The time that is left; never zero.
    fn left(self) -> Option<Duration> {
        self.timeout
            .checked_sub(self.started.elapsed())
            .filter(|left| !left.is_zero())
    }
}

/// The addresses of a host, in the system's order.
///
/// # Errors
///
/// The name has no addresses, or they came too late.
pub(super) fn resolve(
    host: &Host,
    port: u16,
    deadline: Deadline,
) -> Result<Vec<SocketAddr>, Problem> {
    let name = match host {
        Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, port)]),
        Host::Name(name) => name.clone(),
    };
    let (sender, receiver) = mpsc::channel();
    // The system's resolver has no deadline. After ours, the thread is left to end with the program.
    let resolving = thread::Builder::new().spawn(move || {
        let addresses = (name.as_str(), port).to_socket_addrs();
        let addresses = addresses.map(|all| all.take(MAX_ADDRESSES).collect::<Vec<_>>());
        let _ = sender.send(addresses);
    });
    resolving.map_err(|error| Problem::Unresolved(error.to_string()))?;
    let late = || Problem::Unresolved("no answer in time".to_owned());
    match receiver.recv_timeout(deadline.left().ok_or_else(late)?) {
        Ok(Ok(addresses)) if addresses.is_empty() => {
            Err(Problem::Unresolved("it has no address".to_owned()))
        }
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(Problem::Unresolved(error.to_string())),
        Err(_) => Err(late()),
    }
}

/// Connects to the first address that accepts.
///
/// Each address gets an equal share of the time that is left, so that one that drops packets does not
/// hide the next.
///
/// # Errors
///
/// None accepts: the addresses with the most telling problem, and that problem.
pub(super) fn connect(
    addresses: &[SocketAddr],
    deadline: Deadline,
) -> Result<Socket, (Vec<IpAddr>, Problem)> {
    let mut failures: Vec<(IpAddr, Problem)> = Vec::new();
    for (address, to_try) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = deadline.left().unwrap_or_default();
        let share = left / u32::try_from(to_try).unwrap_or(u32::MAX);
        // `connect_timeout` does not accept a timeout of zero.
        let connected = if share.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            TcpStream::connect_timeout(address, share)
        };
        match connected {
            Ok(stream) => return Ok(Socket::new(stream, *address, deadline)),
            Err(error) => failures.push((address.ip(), of_connect_error(&error))),
        }
    }
    Err(most_telling(failures))
}

/// What it means that a connection could not be opened.
fn of_connect_error(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Problem::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Problem::ConnectTimedOut,
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable => Problem::Unreachable,
        _ => Problem::Connect(error.to_string()),
    }
}

/// The first problem that is about the peer, rather than about this machine (such as missing IPv6),
/// and all addresses with that problem.
fn most_telling(failures: Vec<(IpAddr, Problem)>) -> (Vec<IpAddr>, Problem) {
    let problem = failures
        .iter()
        .map(|(_, problem)| problem)
        .min_by_key(|problem| match problem {
            Problem::Refused | Problem::ConnectTimedOut => 0,
            Problem::Unreachable => 2,
            _ => 1,
        })
        .cloned()
        .unwrap_or(Problem::Unreachable);
    let peers = failures
        .into_iter()
        .filter(|(_, other)| *other == problem)
        .map(|(peer, _)| peer)
        .collect();
    (peers, problem)
}

/// A connection that ends at the deadline, however slowly the peer sends, and reads at most
/// [`MAX_BYTES`].
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    peer: SocketAddr,
    deadline: Deadline,
    allowance: usize,
}

impl Socket {
    fn new(stream: TcpStream, peer: SocketAddr, deadline: Deadline) -> Self {
        Self {
            stream,
            peer,
            deadline,
            allowance: MAX_BYTES,
        }
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline
    }

    fn left(&self) -> io::Result<Duration> {
        self.deadline
            .left()
            .ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.allowance == 0 {
            return Err(io::Error::other("it sends without end"));
        }
        let most = buffer.len().min(self.allowance);
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        self.stream.set_read_timeout(Some(self.left()?))?;
        let length = self.stream.read(buffer).map_err(as_timeout)?;
        self.allowance = self.allowance.saturating_sub(length);
        Ok(length)
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(buffer).map_err(as_timeout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Some systems report a timeout as `WouldBlock`.
fn as_timeout(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
    const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A connection to a peer that runs this closure.
    fn socket(timeout: Duration, peer: impl FnOnce(TcpStream) + Send + 'static) -> Socket {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || peer(listener.accept().unwrap().0));
        connect(&[address], Deadline::after(timeout)).unwrap()
    }

    #[test]
    fn a_missing_family_does_not_hide_the_problem_of_the_other() {
        let found = most_telling(vec![(V6, Problem::Unreachable), (V4, Problem::Refused)]);
        assert_eq!(found, (vec![V4], Problem::Refused));

        let found = most_telling(vec![(V6, Problem::Refused), (V4, Problem::Refused)]);
        assert_eq!(found, (vec![V6, V4], Problem::Refused));

        let unsupported = Problem::Connect("no such family".to_owned());
        let found = most_telling(vec![
            (V6, unsupported.clone()),
            (V4, Problem::ConnectTimedOut),
        ]);
        assert_eq!(found, (vec![V4], Problem::ConnectTimedOut));

        let found = most_telling(vec![(V6, Problem::Unreachable), (V4, unsupported.clone())]);
        assert_eq!(found, (vec![V4], unsupported));

        let found = most_telling(vec![(V6, Problem::Unreachable)]);
        assert_eq!(found, (vec![V6], Problem::Unreachable));
    }

    #[test]
    fn the_next_address_is_tried() {
        let open = TcpListener::bind("127.0.0.1:0").unwrap();
        // A client's own port is in use, and nothing listens on it.
        let client = TcpStream::connect(open.local_addr().unwrap()).unwrap();
        let addresses = [client.local_addr().unwrap(), open.local_addr().unwrap()];
        let socket = connect(&addresses, Deadline::after(Duration::from_secs(5))).unwrap();
        assert_eq!(socket.peer(), addresses[1]);
    }

    #[test]
    fn a_peer_that_drips_ends_at_the_deadline() {
        let mut socket = socket(Duration::from_millis(200), |mut stream| {
            while stream.write_all(b".").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let error = socket.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_peer_that_floods_ends_at_the_allowance() {
        let mut socket = socket(Duration::from_secs(60), |mut stream| {
            while stream.write_all(&[b'.'; 4096]).is_ok() {}
        });
        let mut bytes = Vec::new();
        let error = socket.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.to_string(), "it sends without end");
        assert_eq!(bytes.len(), MAX_BYTES);
    }
}
