//! What a check found, in one line.

use std::fmt;
use std::net::IpAddr;

use crate::foreign::shortened;
use krm::text::printable;
use runner_terminal::address::AddressError;

/// How many characters of a text that a peer sent are shown.
const MOST_CHARACTERS: usize = 120;

/// How many hosts of a certificate are shown.
const MOST_NAMES: usize = 5;

/// What a check of an address found.
///
/// It is written as one line, which holds nothing but printable text: much of it comes from
/// whoever answers at the address.
#[derive(Debug)]
pub(crate) struct Verdict {
    address: String,
    peers: Vec<IpAddr>,
    found: Result<Health, Trouble>,
}

/// A session server that GitLab can use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Health {
    /// The hosts of its certificate.
    pub(super) names: Vec<String>,
    /// When its certificate expires.
    pub(super) until: String,
}

/// What is wrong at an address, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Not an address that a runner can advertise.
    Address(AddressError),
    /// A host alone; it is written so that a port can follow.
    NoPort(String),
    /// The runner's configuration has no `advertise_address`.
    NotAdvertised,
    /// The name has no address, for this reason.
    Unresolved(String),
    /// Nothing listens.
    Refused,
    /// Nothing says that nothing listens, either.
    ConnectTimedOut,
    /// No route.
    Unreachable,
    /// Another error of the system.
    Connect(String),
    /// Closed or reset in the handshake.
    Closed,
    /// No word in the handshake.
    Silent,
    /// HTTP without TLS answers, with this status line.
    PlainHttp(String),
    /// Neither TLS nor HTTP; this comes first.
    NotTls(String),
    /// TLS, but no handshake, for this reason.
    Tls(String),
    /// Somebody else's certificate.
    Foreign {
        /// As in RFC 4514.
        subject: String,
        /// As in RFC 4514.
        issuer: String,
        /// Its hosts.
        names: Vec<String>,
    },
    /// No certificate that can be read.
    UnreadableCertificate,
    /// A runner's certificate, for these other hosts.
    OtherHost(Vec<String>),
    /// A runner's certificate from before this time.
    Expired(String),
    /// A runner's certificate from this time on.
    NotYetValid(String),
    /// A runner's certificate, but this instead of a session server's 404.
    Answer(String),
    /// A runner's certificate, but the connection was closed instead of an answer.
    NoAnswer,
    /// A runner's certificate, but no answer in time.
    AnswerTimedOut,
    /// Another runner's certificate at another connection.
    SeveralRunners,
}

impl Verdict {
    /// What was found at an address, and which IP addresses said so.
    pub(super) fn new(address: String, peers: Vec<IpAddr>, found: Result<Health, Trouble>) -> Self {
        Self {
            address,
            peers,
            found,
        }
    }

    /// Whether GitLab can open a web terminal there.
    pub(crate) fn is_healthy(&self) -> bool {
        self.found.is_ok()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = self.address.clone();
        let peers: Vec<_> = self.peers.iter().map(IpAddr::to_string).collect();
        if !peers.is_empty() {
            line += &format!(" ({})", peers.join(", "));
        }
        line += &match &self.found {
            Ok(health) => format!(": {health}"),
            Err(trouble) => format!(": {trouble}"),
        };
        formatter.write_str(&printable(&line))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, until } = self;
        write!(
            formatter,
            "healthy: a session server answers, with a certificate for {} until {until}",
            list(names)
        )
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => write!(formatter, "{error}"),
            Self::NotAdvertised => formatter.write_str(
                "there is no advertise_address in its config.toml, so terminals are off: see \
                 `runner-terminal resolve`",
            ),
            Self::NoPort(host) => write!(
                formatter,
                "there is no port: write {host}:PORT, and so in the runner's advertise_address"
            ),
            Self::Unresolved(reason) => write!(
                formatter,
                "the name does not resolve ({reason}): correct it, or make a DNS record for it that \
                 GitLab can see"
            ),
            Self::Refused => formatter.write_str(
                "connection refused: nothing listens here; is the runner's pod ready, with a \
                 [session_server] in its configuration, and do its Service and load balancer lead \
                 to that port?",
            ),
            Self::ConnectTimedOut => formatter.write_str(
                "no connection in time: a firewall, a network policy or the source ranges of a \
                 load balancer keep this machine out, or nothing has this address",
            ),
            Self::Unreachable => formatter.write_str(
                "no route to this address: it is not reachable from this machine's network",
            ),
            Self::Connect(reason) => write!(formatter, "cannot connect: {reason}"),
            Self::Closed => formatter.write_str(
                "the connection was closed during the TLS handshake: the load balancer has no \
                 healthy backend, or it sends or wants the PROXY protocol, which a session server \
                 does not speak",
            ),
            Self::Silent => formatter.write_str(
                "connected, but the TLS handshake got no answer in time: the load balancer has no \
                 healthy backend, or what listens here is no session server",
            ),
            Self::PlainHttp(line) => write!(
                formatter,
                "HTTP without TLS answers ({}): a session server speaks TLS itself; let TCP \
                 connections through to it, instead of HTTP requests",
                quoted(line)
            ),
            Self::NotTls(line) => {
                formatter.write_str("neither TLS nor HTTP is spoken here")?;
                if !line.is_empty() {
                    write!(formatter, " (it begins with {})", quoted(line))?;
                }
                formatter
                    .write_str(": the port is another service's; let it lead to the session server")
            }
            Self::Tls(reason) => write!(
                formatter,
                "the TLS handshake failed ({reason}): TLS ends at something other than a session \
                 server; let TCP connections through to it"
            ),
            Self::Foreign {
                subject,
                issuer,
                names,
            } => {
                let subject = name(subject);
                write!(
                    formatter,
                    "TLS ends before the session server, with a certificate of {subject}, "
                )?;
                match name(issuer) {
                    issuer if issuer == subject => formatter.write_str("made by itself, "),
                    issuer => write!(formatter, "issued by {issuer}, "),
                }?;
                write!(
                    formatter,
                    "for {}: GitLab takes only the runner's own certificate; let TLS through to \
                     the session server as it is",
                    list(names)
                )
            }
            Self::UnreadableCertificate => formatter.write_str(
                "TLS ends before the session server, with a certificate that cannot be read: \
                 GitLab takes only the runner's own certificate; let TLS through to the session \
                 server as it is",
            ),
            Self::OtherHost(names) => write!(
                formatter,
                "the runner here has a certificate for {}, not for this host: its advertised \
                 address was changed after it started, which restarting its pod mends, or this one \
                 leads to another runner",
                list(names)
            ),
            Self::Expired(until) => write!(
                formatter,
                "the runner's certificate expired at {until}: it is valid for 2 years from the \
                 runner's start; restart the runner's pod"
            ),
            Self::NotYetValid(from) => write!(
                formatter,
                "the runner's certificate is not valid before {from}: the clock of its node, or of \
                 this machine, is wrong"
            ),
            Self::Answer(line) => write!(
                formatter,
                "the runner's certificate is right, but it answers {} where a session server says \
                 404: another server of the runner, or something in between, listens here",
                quoted(line)
            ),
            Self::NoAnswer => formatter.write_str(
                "the runner's certificate is right, but the connection was closed without an \
                 answer to an HTTP request: see the runner's log",
            ),
            Self::SeveralRunners => formatter.write_str(
                "several runners answer here, each with a certificate of its own: a terminal lives \
                 in one of them, so GitLab will not find it every other time; give each runner an \
                 address of its own, and run one replica",
            ),
            Self::AnswerTimedOut => formatter.write_str(
                "the runner's certificate is right, but there was no answer to an HTTP request in \
                 time: see the runner's log",
            ),
        }
    }
}

/// A peer's text, so that it is plain where it begins and ends.
fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text, MOST_CHARACTERS))
}

/// A distinguished name. In RFC 4514, a quotation mark in a name has a backslash already.
fn name(text: &str) -> String {
    match text {
        "" => "nobody".to_owned(),
        text => format!("\"{}\"", shortened(text, MOST_CHARACTERS)),
    }
}

/// Hosts, as in `"a", "b" and 3 more`.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no host".to_owned();
    }
    let shown: Vec<_> = names.iter().take(MOST_NAMES).map(|n| quoted(n)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use krm::text::steers;

    fn line(trouble: Trouble) -> String {
        let peer = "192.0.2.7".parse().unwrap();
        Verdict::new("a.example.com:443".to_owned(), vec![peer], Err(trouble)).to_string()
    }

    #[test]
    fn health_is_a_host_and_a_time() {
        let health = Health {
            names: vec!["a.example.com".to_owned()],
            until: "2028-01-01T00:00:00Z".to_owned(),
        };
        let peer = "2001:db8::7".parse().unwrap();
        let verdict = Verdict::new("a.example.com:443".to_owned(), vec![peer], Ok(health));
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
        let verdict = Verdict::new("localhost:1".to_owned(), peers, Err(Trouble::Refused));
        assert!(
            verdict
                .to_string()
                .starts_with("localhost:1 (::1, 127.0.0.1): connection refused: ")
        );
    }

    #[test]
    fn a_foreign_certificate_is_named_with_its_issuer_and_hosts() {
        assert_eq!(
            line(Trouble::Foreign {
                subject: "CN=Kubernetes Ingress Controller Fake Certificate,O=Acme Co".to_owned(),
                issuer: "CN=Kubernetes Ingress Controller Fake Certificate,O=Acme Co".to_owned(),
                names: vec!["ingress.local".to_owned()],
            }),
            "a.example.com:443 (192.0.2.7): TLS ends before the session server, with a certificate \
             of \"CN=Kubernetes Ingress Controller Fake Certificate,O=Acme Co\", made by itself, \
             for \"ingress.local\": GitLab takes only the runner's own certificate; let TLS \
             through to the session server as it is"
        );
        let other = line(Trouble::Foreign {
            subject: String::new(),
            issuer: "CN=R11,O=Let's Encrypt,C=US".to_owned(),
            names: vec![],
        });
        assert!(
            other.contains("of nobody, issued by \"CN=R11,O=Let's Encrypt,C=US\", for no host: "),
            "{other}"
        );
    }

    #[test]
    fn what_a_peer_sends_neither_steers_the_terminal_nor_fills_it() {
        let hostile = "\u{1b}]0;x\u{7}\r\n\u{9b}31m\u{202e}\u{2028}\u{200b}";
        let long = "a".repeat(100_000);
        for text in [hostile, &long] {
            let text = || text.to_owned();
            for trouble in [
                Trouble::Unresolved(text()),
                Trouble::Connect(text()),
                Trouble::PlainHttp(text()),
                Trouble::NotTls(text()),
                Trouble::Tls(text()),
                Trouble::Foreign {
                    subject: text(),
                    issuer: text(),
                    names: vec![text(); 100],
                },
                Trouble::OtherHost(vec![text(); 100]),
                Trouble::Answer(text()),
            ] {
                let systems = matches!(
                    trouble,
                    Trouble::Unresolved(_) | Trouble::Connect(_) | Trouble::Tls(_)
                );
                let line = line(trouble);
                assert!(!line.contains(steers));
                // The others' length is the system's.
                assert!(systems || line.len() < 2_000, "{}", line.len());
            }
        }
        assert_eq!(printable("Müller \u{1b}[2J"), "Müller \\u{1b}[2J");
    }

    #[test]
    fn a_name_cannot_end_before_its_end() {
        let line = line(Trouble::OtherHost(vec!["a\", \"b".to_owned()]));
        assert!(
            line.contains(r#"for "a\", \"b", not for this host: "#),
            "{line}"
        );
    }

    #[test]
    fn few_hosts_stand_for_many() {
        let names: Vec<_> = (1..=7).map(|number| format!("h{number}")).collect();
        assert_eq!(list(&names), r#""h1", "h2", "h3", "h4", "h5" and 2 more"#);
    }
}
