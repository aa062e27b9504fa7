//! `runner-terminal check`: is there a session server at an advertised address?
//!
//! It opens the address as GitLab's Workhorse does when somebody opens a web terminal: straight,
//! without a proxy, over TLS, for the terminal of a session. No job has that session, so that a
//! healthy session server says 404, under the certificate which it made when it started. No token
//! is needed for that, and none is sent.

mod answer;
mod certificate;
mod connection;
mod manifests;
mod tls;
mod verdict;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use runner_terminal::address::{Address, Host};
use rustls::pki_types::CertificateDer;

use crate::arguments;

use connection::{Deadline, Socket};
use verdict::{Health, Trouble};

pub(crate) use verdict::Verdict;

/// Two runners behind a load balancer that takes turns are found out by the second connection; one
/// that throws dice misses them once in 16 times.
const MORE_CONNECTIONS: usize = 4;

/// Checks an address, or those of the runners in manifests, and prints a line for each.
///
/// Gives exit code 0 where a healthy session server is at each of them, otherwise 1.
///
/// # Errors
///
/// A sentence: manifests cannot be read or have no runner, or standard output cannot be written to.
pub(crate) fn command(arguments: &arguments::Check) -> Result<ExitCode, String> {
    let mut healthy = true;
    let mut print = |verdict: &Verdict| {
        healthy &= verdict.is_healthy();
        crate::print(&format!("{verdict}\n"))
    };
    match &arguments.address {
        Some(address) => print(&run(address, arguments.timeout))?,
        None => {
            let list = manifests::list_of(&arguments.source)?;
            for (runner, address) in manifests::addresses_of(&list)? {
                let verdict = match address {
                    Some(address) => run(&address, arguments.timeout),
                    None => Verdict::new(runner, Vec::new(), Err(Trouble::NotAdvertised)),
                };
                print(&verdict)?;
            }
            // A process that answers now may be one of several, or that of another runner.
            healthy &= crate::verify::report(&list)?;
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
/// It ends within the timeout, whatever the other side does.
pub(crate) fn run(address: &str, timeout: Duration) -> Verdict {
    let deadline = Deadline::after(timeout);
    let parsed = Address::parse(address).map_err(Trouble::Address);
    let parsed = parsed.and_then(|address| match address.port {
        Some(port) => Ok((address.with_default_port(port), address.host, port)),
        None => Err(Trouble::NoPort(without_port(&address.host))),
    });
    let (address, host, port) = match parsed {
        Ok(parsed) => parsed,
        Err(trouble) => return Verdict::new(address.to_owned(), Vec::new(), Err(trouble)),
    };
    let connected = connection::resolve(&host, port, deadline)
        .map_err(|trouble| (Vec::new(), trouble))
        // Whatever connects first is what GitLab would get, healthy or not.
        .and_then(|candidates| connection::connect(&candidates, deadline));
    let (peers, found) = match connected {
        Ok(socket) => {
            let peer = socket.peer();
            let found = examine(socket, &address, &host).and_then(|(health, leaf)| {
                expect_one_runner(peer, &leaf, &host, deadline).map(|()| health)
            });
            (vec![peer.ip()], found)
        }
        Err((peers, trouble)) => (peers, Err(trouble)),
    };
    // An address with an IP address says itself who answers.
    let peers = match host {
        Host::Name(_) => peers,
        Host::Ip(_) => Vec::new(),
    };
    Verdict::new(address, peers, found)
}

/// Says what is at the other end of a connection.
fn examine(
    socket: Socket,
    address: &str,
    host: &Host,
) -> Result<(Health, CertificateDer<'static>), Trouble> {
    let peer = socket.peer();
    let deadline = socket.deadline();
    let handshake = tls::handshake(socket, host);
    // A certificate that is not right says more than a handshake that ended badly because of it.
    let health = handshake
        .leaf
        .map(|leaf| certificate::judge(&leaf, host, SystemTime::now()).map(|health| (health, leaf)))
        .transpose()?;
    match (handshake.ended, health) {
        (Ok(mut stream), Some(health)) => {
            answer::expect_not_found(&mut stream, address)?;
            Ok(health)
        }
        // The verifier sees a certificate in each handshake that succeeds.
        (Ok(_), None) => Err(Trouble::Tls("it has no certificate".to_owned())),
        (Err(tls::Failure::NotTls), _) => Err(answer::without_tls(peer, deadline, address)),
        (Err(tls::Failure::Trouble(trouble)), _) => Err(trouble),
    }
}

/// Connects a few times more: behind a load balancer there may be a second runner, which has made a
/// certificate of its own.
fn expect_one_runner(
    peer: SocketAddr,
    leaf: &CertificateDer<'_>,
    host: &Host,
    deadline: Deadline,
) -> Result<(), Trouble> {
    for _ in 0..MORE_CONNECTIONS {
        // One runner answers, and that it does not at once is not what is asked here.
        let Ok(socket) = connection::connect(&[peer], deadline) else {
            return Ok(());
        };
        let other = tls::handshake(socket, host);
        if other.ended.is_ok() && other.leaf.is_some_and(|other| other != *leaf) {
            return Err(Trouble::SeveralRunners);
        }
    }
    Ok(())
}

/// A host as it is written in front of `:port`.
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
    fn an_endless_timeout_is_no_overflow_and_no_time_is_too_late() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let verdict = run(&address.to_string(), Duration::ZERO).to_string();
        assert!(verdict.contains("no connection in time"), "{verdict}");

        // A client's own port is taken, and nothing listens at it.
        let client = TcpStream::connect(address).unwrap();
        let address = client.local_addr().unwrap();
        let verdict = run(&address.to_string(), Duration::MAX).to_string();
        assert!(verdict.contains("connection refused"), "{verdict}");
    }
}
