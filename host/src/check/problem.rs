//! What is wrong at an address, and what to do about it.

use runner_terminal::address::AddressError;
use thiserror::Error;

use crate::redact::shortened;

/// The most characters of a peer's text that are shown.
const MAX_CHARACTERS: usize = 120;

/// The most hosts of a certificate that are shown.
const MAX_HOSTS: usize = 5;

/// What is wrong at an address, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Problem {
    /// A runner cannot advertise this address.
    #[error(transparent)]
    Address(AddressError),
    /// The address is a host alone, here as it is written before a port.
    #[error("there is no port: write {0}:PORT, and so in the runner's advertise_address")]
    NoPort(String),
    /// The runner's configuration has no `advertise_address`.
    #[error(
        "there is no advertise_address in its config.toml, so terminals are off: see \
         `runner-terminal resolve`"
    )]
    NotAdvertised,
    /// The name does not resolve, for this reason.
    #[error(
        "the name does not resolve ({0}): correct it, or make a DNS record for it that GitLab can see"
    )]
    Unresolved(String),
    /// Nothing listens.
    #[error(
        "connection refused: nothing listens here; is the runner's pod ready, with a \
         [session_server] in its configuration, and do its Service and load balancer lead to that \
         port?"
    )]
    Refused,
    /// Packets are dropped, or nothing has the address.
    #[error(
        "no connection in time: a firewall, a network policy or the source ranges of a load \
         balancer keep this machine out, or nothing has this address"
    )]
    ConnectTimedOut,
    /// This machine has no route to the address.
    #[error("no route to this address: it is not reachable from this machine's network")]
    Unreachable,
    /// The system cannot connect, for another reason.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The peer closed or reset the connection during the TLS handshake.
    #[error(
        "the connection was closed during the TLS handshake: the load balancer has no healthy \
         backend, or it sends or wants the PROXY protocol, which a session server does not speak"
    )]
    Closed,
    /// The peer did not answer the TLS handshake.
    #[error(
        "connected, but the TLS handshake got no answer in time: the load balancer has no healthy \
         backend, or what listens here is no session server"
    )]
    HandshakeTimedOut,
    /// The peer speaks HTTP without TLS, and sent this status line.
    #[error(
        "HTTP without TLS answers ({}): a session server speaks TLS itself; let TCP connections \
         through to it, instead of HTTP requests",
        quoted(.0)
    )]
    PlainHttp(String),
    /// The peer speaks neither TLS nor HTTP, and sent this first.
    #[error(
        "neither TLS nor HTTP is spoken here{}: the port is another service's; let it lead to the \
         session server",
        greeting(.0)
    )]
    NotTls(String),
    /// The TLS handshake failed, for this reason.
    #[error(
        "the TLS handshake failed ({0}): TLS is terminated by something other than a session \
         server; let TCP connections through to it"
    )]
    Tls(String),
    /// The certificate is not one that a runner makes.
    #[error(
        "TLS is terminated before the session server, with a certificate of {}, {}, for {}: GitLab \
         accepts only the runner's own certificate; pass TLS through to the session server unchanged",
        name(subject),
        issued(subject, issuer),
        list(hosts)
    )]
    NotOfRunner {
        /// As in RFC 4514.
        subject: String,
        /// As in RFC 4514.
        issuer: String,
        /// The hosts of the certificate.
        hosts: Vec<String>,
    },
    /// The certificate cannot be read.
    #[error(
        "TLS is terminated before the session server, with a certificate that cannot be read: \
         GitLab accepts only the runner's own certificate; pass TLS through to the session server \
         unchanged"
    )]
    UnreadableCertificate,
    /// A runner's certificate is for these other hosts.
    #[error(
        "the runner here has a certificate for {}, not for this host: its advertised address was \
         changed after it started, which restarting its pod fixes, or this one leads to another \
         runner",
        list(.0)
    )]
    OtherHost(Vec<String>),
    /// A runner's certificate expired at this time.
    #[error(
        "the runner's certificate expired at {0}: it is valid for 2 years from the runner's start; \
         restart the runner's pod"
    )]
    Expired(String),
    /// A runner's certificate is not valid before this time.
    #[error(
        "the runner's certificate is not valid before {0}: the clock of its node, or of this \
         machine, is wrong"
    )]
    NotYetValid(String),
    /// The certificate is a runner's, and the answer is this instead of a session server's 404.
    #[error(
        "the runner's certificate is right, but it answers {} where a session server says 404: \
         another server of the runner, or something in between, listens here",
        quoted(.0)
    )]
    Answer(String),
    /// The certificate is a runner's, and the connection was closed without an answer.
    #[error(
        "the runner's certificate is right, but the connection was closed without an answer to an \
         HTTP request: see the runner's log"
    )]
    NoAnswer,
    /// The certificate is a runner's, and no answer came in time.
    #[error(
        "the runner's certificate is right, but there was no answer to an HTTP request in time: see \
         the runner's log"
    )]
    AnswerTimedOut,
    /// Another connection showed another runner's certificate.
    #[error(
        "several runners answer here, each with a certificate of its own: a terminal lives in one \
         of them, so GitLab will not find it every other time; give each runner an address of its \
         own, and run one replica"
    )]
    SeveralRunners,
}

/// What a connection needs, in the order in which it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// An address that can be connected to.
    Address,
    /// The IP addresses of its host.
    Dns,
    /// A TCP connection.
    Tcp,
    /// TLS, with the certificate of a runner.
    Tls,
    /// The answer of one session server.
    Answer,
}

impl Problem {
    /// What the connection lacks.
    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Address(_) | Self::NoPort(_) | Self::NotAdvertised => Stage::Address,
            Self::Unresolved(_) => Stage::Dns,
            Self::Refused | Self::ConnectTimedOut | Self::Unreachable | Self::Connect(_) => {
                Stage::Tcp
            }
            Self::Closed
            | Self::HandshakeTimedOut
            | Self::PlainHttp(_)
            | Self::NotTls(_)
            | Self::Tls(_)
            | Self::NotOfRunner { .. }
            | Self::UnreadableCertificate
            | Self::OtherHost(_)
            | Self::Expired(_)
            | Self::NotYetValid(_) => Stage::Tls,
            Self::Answer(_) | Self::NoAnswer | Self::AnswerTimedOut | Self::SeveralRunners => {
                Stage::Answer
            }
        }
    }
}

/// A peer's text in quotation marks, so that its end is clear.
fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text, MAX_CHARACTERS))
}

fn greeting(line: &str) -> String {
    match line {
        "" => String::new(),
        line => format!(" (it begins with {})", quoted(line)),
    }
}

/// A distinguished name. RFC 4514 escapes quotation marks in it already.
fn name(text: &str) -> String {
    match text {
        "" => "nobody".to_owned(),
        text => format!("\"{}\"", shortened(text, MAX_CHARACTERS)),
    }
}

fn issued(subject: &str, issuer: &str) -> String {
    let issuer = name(issuer);
    if issuer == name(subject) {
        "self-signed".to_owned()
    } else {
        format!("issued by {issuer}")
    }
}

/// Hosts, as in `"a", "b" and 3 more`.
pub(super) fn list(hosts: &[String]) -> String {
    if hosts.is_empty() {
        return "no host".to_owned();
    }
    let shown = hosts.iter().take(MAX_HOSTS).map(|host| quoted(host));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match hosts.len().saturating_sub(MAX_HOSTS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_another_is_named_with_its_issuer_and_hosts() {
        let problem = |subject: &str, issuer: &str, hosts: &[&str]| {
            let problem = Problem::NotOfRunner {
                subject: subject.to_owned(),
                issuer: issuer.to_owned(),
                hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            };
            problem.to_string()
        };
        let fake = "CN=Kubernetes Ingress Controller Fake Certificate,O=Acme Co";
        assert_eq!(
            problem(fake, fake, &["ingress.local"]),
            "TLS is terminated before the session server, with a certificate of \"CN=Kubernetes \
             Ingress Controller Fake Certificate,O=Acme Co\", self-signed, for \"ingress.local\": \
             GitLab accepts only the runner's own certificate; pass TLS through to the session server \
             unchanged"
        );
        let other = problem("", "CN=R11,O=Let's Encrypt,C=US", &[]);
        assert!(
            other.contains("of nobody, issued by \"CN=R11,O=Let's Encrypt,C=US\", for no host: "),
            "{other}"
        );
    }

    #[test]
    fn a_host_is_quoted() {
        let problem = Problem::OtherHost(vec!["a\", \"b".to_owned()]).to_string();
        assert!(
            problem.contains(r#"for "a\", \"b", not for this host: "#),
            "{problem}"
        );
    }

    /// One of each kind that `check` can find at an address.
    fn all() -> Vec<Problem> {
        let text = || "text".to_owned();
        vec![
            Problem::Unresolved(text()),
            Problem::Refused,
            Problem::ConnectTimedOut,
            Problem::Unreachable,
            Problem::Closed,
            Problem::HandshakeTimedOut,
            Problem::PlainHttp(text()),
            Problem::NotTls(text()),
            Problem::NotOfRunner {
                subject: text(),
                issuer: text(),
                hosts: vec![text()],
            },
            Problem::UnreadableCertificate,
            Problem::OtherHost(vec![text()]),
            Problem::Expired(text()),
            Problem::NotYetValid(text()),
            Problem::Answer(text()),
            Problem::NoAnswer,
            Problem::AnswerTimedOut,
            Problem::SeveralRunners,
        ]
    }

    /// In both directions: each heading begins a message, and each message has its heading.
    #[test]
    fn the_page_has_each_message() {
        let page = include_str!("../../../docs/troubleshooting.md");
        let (_, section) = page.split_once("\n## What `check` says\n").unwrap();
        let headings = section.split("\n### `").skip(1);
        let headings: Vec<_> = headings.filter_map(|rest| rest.split('`').next()).collect();
        let messages: Vec<_> = all().iter().map(ToString::to_string).collect();
        for heading in &headings {
            let is_said = messages.iter().any(|message| message.starts_with(heading));
            assert!(is_said, "check does not say {heading:?}");
        }
        for message in messages {
            let is_there = headings.iter().any(|heading| message.starts_with(heading));
            assert!(
                is_there,
                "docs/troubleshooting.md does not have {message:?}"
            );
        }
    }

    #[test]
    fn many_hosts_are_cut() {
        let hosts: Vec<_> = (1..=7).map(|number| format!("h{number}")).collect();
        assert_eq!(list(&hosts), r#""h1", "h2", "h3", "h4", "h5" and 2 more"#);
    }
}
