//! The result of a check, in one line.

use std::fmt;
use std::net::IpAddr;

use krm::text::printable;

use super::problem::{Problem, Stage, list};

/// The result of checking an address.
///
/// Its text is one printable line, though much of it comes from the peer.
#[derive(Debug)]
pub(crate) struct Verdict {
    address: String,
    peers: Vec<IpAddr>,
    result: Result<Healthy, Problem>,
}

/// A session server that GitLab can use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Healthy {
    /// The hosts of its certificate.
    pub(super) hosts: Vec<String>,
    /// When its certificate expires.
    pub(super) until: String,
}

impl Verdict {
    /// The result of checking an address, and the IP addresses that it is about.
    pub(super) fn new(
        address: String,
        peers: Vec<IpAddr>,
        result: Result<Healthy, Problem>,
    ) -> Self {
        Self {
            address,
            peers,
            result,
        }
    }

    /// What is missing for a web terminal; `None` if nothing is.
    pub(crate) fn fails_at(&self) -> Option<Stage> {
        self.result.as_ref().err().map(Problem::stage)
    }

    /// True if GitLab can open a web terminal there.
    pub(crate) fn is_healthy(&self) -> bool {
        self.result.is_ok()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.address.clone();
        let peers: Vec<_> = self.peers.iter().map(IpAddr::to_string).collect();
        if !peers.is_empty() {
            line += &format!(" ({})", peers.join(", "));
        }
        line += &match &self.result {
            Ok(healthy) => format!(": {healthy}"),
            Err(problem) => format!(": {problem}"),
        };
        formatter.write_str(&printable(&line))
    }
}

impl fmt::Display for Healthy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hosts, until } = self;
        write!(
            formatter,
            "healthy: a session server answers, with a certificate for {} until {until}",
            list(hosts)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::text::steers;

    #[test]
    fn a_healthy_server_is_shown_with_its_hosts_and_a_time() {
        let healthy = Healthy {
            hosts: vec!["a.example.com".to_owned()],
            until: "2028-01-01T00:00:00Z".to_owned(),
        };
        let peer = "2001:db8::7".parse().unwrap();
        let verdict = Verdict::new("a.example.com:443".to_owned(), vec![peer], Ok(healthy));
        assert!(verdict.is_healthy());
        assert_eq!(
            verdict.to_string(),
            "a.example.com:443 (2001:db8::7): healthy: a session server answers, with a \
             certificate for \"a.example.com\" until 2028-01-01T00:00:00Z"
        );
    }

    #[test]
    fn all_addresses_that_failed_are_named() {
        let peers = vec!["::1".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let verdict = Verdict::new("localhost:1".to_owned(), peers, Err(Problem::Refused));
        assert!(
            verdict
                .to_string()
                .starts_with("localhost:1 (::1, 127.0.0.1): connection refused: ")
        );
    }

    #[test]
    fn what_a_peer_sends_neither_steers_the_terminal_nor_fills_it() {
        let hostile = "\u{1b}]0;x\u{7}\r\n\u{9b}31m\u{202e}\u{2028}\u{200b}";
        let long = "a".repeat(100_000);
        for text in [hostile, &long] {
            let text = || text.to_owned();
            for problem in [
                Problem::Unresolved(text()),
                Problem::Connect(text()),
                Problem::PlainHttp(text()),
                Problem::NotTls(text()),
                Problem::Tls(text()),
                Problem::NotOfRunner {
                    subject: text(),
                    issuer: text(),
                    hosts: vec![text(); 100],
                },
                Problem::OtherHost(vec![text(); 100]),
                Problem::Answer(text()),
            ] {
                // These texts are the system's, so they are not cut.
                let is_of_system = matches!(
                    problem,
                    Problem::Unresolved(_) | Problem::Connect(_) | Problem::Tls(_)
                );
                let peer = "192.0.2.7".parse().unwrap();
                let verdict = Verdict::new("a:443".to_owned(), vec![peer], Err(problem));
                let line = verdict.to_string();
                assert!(!line.contains(steers));
                assert!(is_of_system || line.len() < 2_000, "{}", line.len());
            }
        }
        assert_eq!(printable("Müller \u{1b}[2J"), "Müller \\u{1b}[2J");
    }
}
