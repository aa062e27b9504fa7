//! `runner-terminal check`: checks that a session server answers at an advertised address.
//!
//! It opens the address as GitLab's Workhorse does when somebody opens a web terminal: without a
//! proxy, over TLS, for the terminal of a session. No job has that session, so a healthy session
//! server answers 404, with the certificate that it made at its start. No token is needed or sent.

mod answer;
mod certificate;
mod connection;
mod manifests;
mod problem;
mod tls;
mod verdict;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use krm::results::Refusal;
use runner_terminal::address::{Address, Host};
use rustls::pki_types::CertificateDer;
use thiserror::Error;

use crate::arguments;
use crate::manifests::ManifestsError;
use crate::standard_output::{self, OutputError};
use crate::{terminal, verify};

use connection::{Deadline, Socket};
use problem::Problem;
pub(crate) use problem::Stage;
use tls::HandshakeError;
use verdict::Healthy;
pub(crate) use verdict::Verdict;

/// Why `check` has failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum CheckError {
    /// The manifests cannot be read.
    Manifests(#[from] ManifestsError),
    /// The manifests have no runner, or one that cannot have terminals.
    #[error("{0}")]
    Refused(Refusal),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// How many additional connections look for a second runner. Behind a round-robin load balancer the
/// second connection finds it; behind a random one, four connections miss it once in 16 times.
const MORE_CONNECTIONS: usize = 4;

/// Checks an address, or those of the runners in manifests, and prints a line for each.
///
/// Returns exit code 0 if a healthy session server is at each of them, otherwise 1.
///
/// # Errors
///
/// Manifests cannot be read or have no runner, or standard output cannot be written to.
pub(crate) fn command(arguments: &arguments::Check) -> Result<ExitCode, CheckError> {
    let mut healthy = true;
    let mut print = |verdict: &Verdict| {
        healthy &= verdict.is_healthy();
        standard_output::print(&terminal::fitted(&format!("{verdict}\n")))
    };
    match &arguments.address {
        Some(address) => print(&run(address, arguments.timeout))?,
        None => {
            let manifests = arguments.source.read()?;
            let refused = |refusal| manifests.refused(refusal, CheckError::Refused);
            let list = manifests.to_list(None, manifests::CONFIG)?;
            for (runner, address) in manifests::addresses_of(&list).map_err(refused)? {
                let verdict = match address {
                    Some(address) => run(&address, arguments.timeout),
                    None => Verdict::new(runner, Vec::new(), Err(Problem::NotAdvertised)),
                };
                print(&verdict)?;
            }
            // The process that answered may be one of several, or of another runner.
            healthy &= verify::report(&list).map_err(refused)?;
        }
    }
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Opens an address, `host:port`, and says whether a session server is there that GitLab can use.
///
/// It ends within the timeout, whatever the peer does.
pub(crate) fn run(address: &str, timeout: Duration) -> Verdict {
    let _waiting = terminal::waiting(|| format!("connecting to {address}"));
    let deadline = Deadline::after(timeout);
    let parsed = Address::parse(address).map_err(Problem::Address);
    let parsed = parsed.and_then(|address| match address.port {
        Some(port) => Ok((address.with_default_port(port), address.host, port)),
        None => Err(Problem::NoPort(without_port(&address.host))),
    });
    let (address, host, port) = match parsed {
        Ok(parsed) => parsed,
        Err(problem) => return Verdict::new(address.to_owned(), Vec::new(), Err(problem)),
    };
    let connected = connection::resolve(&host, port, deadline)
        .map_err(|problem| (Vec::new(), problem))
        // GitLab would use the first one that connects, healthy or not.
        .and_then(|candidates| connection::connect(&candidates, deadline));
    let (peers, found) = match connected {
        Ok(socket) => {
            let peer = socket.peer();
            let found = examine(socket, &address, &host).and_then(|(healthy, leaf)| {
                expect_one_runner(peer, &leaf, &host, deadline).map(|()| healthy)
            });
            (vec![peer.ip()], found)
        }
        Err((peers, problem)) => (peers, Err(problem)),
    };
    // An IP address needs no peers: it says itself who answers.
    let peers = match host {
        Host::Name(_) => peers,
        Host::Ip(_) => Vec::new(),
    };
    Verdict::new(address, peers, found)
}

/// Examines the peer of a connection.
fn examine(
    socket: Socket,
    address: &str,
    host: &Host,
) -> Result<(Healthy, CertificateDer<'static>), Problem> {
    let peer = socket.peer();
    let deadline = socket.deadline();
    let handshake = tls::handshake(socket, host);
    // A wrong certificate is a better reason than the handshake that failed because of it.
    let healthy = handshake
        .leaf
        .map(|leaf| {
            certificate::judge(&leaf, host, SystemTime::now()).map(|healthy| (healthy, leaf))
        })
        .transpose()?;
    match (handshake.result, healthy) {
        (Ok(mut stream), Some(healthy)) => {
            answer::expect_not_found(&mut stream, address)?;
            Ok(healthy)
        }
        // A handshake that succeeds has a certificate.
        (Ok(_), None) => Err(Problem::Tls("it has no certificate".to_owned())),
        (Err(HandshakeError::NotTls), _) => Err(answer::without_tls(peer, deadline, address)),
        (Err(HandshakeError::Problem(problem)), _) => Err(problem),
    }
}

/// Connects a few more times: behind a load balancer there may be a second runner, with a certificate
/// of its own.
fn expect_one_runner(
    peer: SocketAddr,
    leaf: &CertificateDer<'_>,
    host: &Host,
    deadline: Deadline,
) -> Result<(), Problem> {
    for _ in 0..MORE_CONNECTIONS {
        // One runner has answered, so a failed connection is not a problem here.
        let Ok(socket) = connection::connect(&[peer], deadline) else {
            return Ok(());
        };
        let other = tls::handshake(socket, host);
        if other.result.is_ok() && other.leaf.is_some_and(|other| other != *leaf) {
            return Err(Problem::SeveralRunners);
        }
    }
    Ok(())
}

/// A host as it is written before `:port`.
fn without_port(host: &Host) -> String {
    match host {
        Host::Name(name) => name.clone(),
        Host::Ip(ip) if ip.is_ipv6() => format!("[{ip}]"),
        Host::Ip(ip) => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn an_address_needs_a_port_and_no_scheme() {
        for (address, line) in [
            (
                "https://a.example.com:443",
                "https://a.example.com:443: write host:port without \"https://\": a scheme stops \
                 the runner at start",
            ),
            (
                "a.example.com",
                "a.example.com: there is no port: write a.example.com:PORT, and so in the \
                 runner's advertise_address",
            ),
            (
                "2001:db8::7",
                "2001:db8::7: there is no port: write [2001:db8::7]:PORT, and so in the runner's \
                 advertise_address",
            ),
        ] {
            let verdict = run(address, Duration::from_secs(1));
            assert_eq!(verdict.to_string(), line);
            assert!(!verdict.is_healthy());
        }
    }

    #[test]
    fn a_timeout_may_be_endless_or_zero() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let verdict = run(&address.to_string(), Duration::ZERO).to_string();
        assert!(verdict.contains("no connection in time"), "{verdict}");

        // A client's own port is in use, and nothing listens on it.
        let client = TcpStream::connect(address).unwrap();
        let address = client.local_addr().unwrap();
        let verdict = run(&address.to_string(), Duration::MAX).to_string();
        assert!(verdict.contains("connection refused"), "{verdict}");
    }
}
