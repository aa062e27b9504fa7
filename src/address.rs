//! The address that a runner advertises: `host:port`, without a scheme.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use krm::text::MASKED;

/// Where GitLab reaches a session server.
///
/// The runner passes it to GitLab unchanged and issues its certificate for the host, so both parts
/// matter. Source: `session.NewServer` and `helpers/certificate` of gitlab-runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host that the certificate is issued for.
    pub host: Host,
    /// The port, if one is given.
    pub port: Option<u16>,
}

/// A DNS name or an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// `terminal.example.com`
    Name(String),
    /// `192.0.2.7`, `2001:db8::7`
    Ip(IpAddr),
}

/// Text that no runner can advertise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// `https://host`: the runner would exit at startup.
    #[error("write host:port without {0:?}: a scheme stops the runner at start")]
    Scheme(String),
    /// `user:password@host`, with or without a scheme.
    #[error("write host:port without a user and a password")]
    Credentials,
    /// `host:0`, `host:70000`, `host:http`.
    #[error("{0:?} is not a port: a port is a number from 1 to 65535")]
    Port(String),
    /// `0.0.0.0`, `::`: an address to listen on, not one to connect to.
    #[error("{0} is an address to listen on; GitLab cannot reach anything at it")]
    Unspecified(IpAddr),
    /// `224.0.0.1`, `255.255.255.255`: a multicast or broadcast address.
    #[error("{0} is an address of many hosts at once, and no TCP connection goes to it")]
    Multicast(IpAddr),
    /// A label of a DNS name that is too long.
    #[error("{0:?} has more than 63 characters, the most that a label of a DNS name may have")]
    LongLabel(String),
    /// A DNS name that is too long.
    #[error("{0:?} has more than 253 characters, the most that a DNS name may have")]
    LongName(String),
    /// Neither a DNS name nor an IP address.
    #[error(
        "{0:?} is neither a DNS name nor an IP address (IPv6 with a port is written [2001:db8::7]:9000)"
    )]
    Host(String),
}

/// `terminal.example.com`, `192.0.2.7`, `2001:db8::7`
impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

impl AddressError {
    /// The same error without the text that it quotes.
    #[must_use]
    pub fn masked(self) -> Self {
        match self {
            Self::Port(_) => Self::Port(MASKED.to_owned()),
            Self::Host(_) => Self::Host(MASKED.to_owned()),
            Self::LongLabel(_) => Self::LongLabel(MASKED.to_owned()),
            Self::LongName(_) => Self::LongName(MASKED.to_owned()),
            other => other,
        }
    }
}

impl Address {
    /// Reads `host`, `host:port`, `ip`, `[v6]`, `[v6]:port`.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        // An error would quote the password.
        if text.contains('@') {
            return Err(AddressError::Credentials);
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(AddressError::Scheme(format!("{scheme}://")));
        }
        let bad_host = || AddressError::Host(text.to_owned());
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(bad_host)?;
            let host: Ipv6Addr = host.parse().map_err(|_| bad_host())?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':').ok_or_else(bad_host)?),
            };
            (Host::Ip(IpAddr::V6(host).to_canonical()), port)
        } else if let Ok(ip) = text.parse::<IpAddr>() {
            (Host::Ip(ip.to_canonical()), None)
        } else {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let host = match host.parse::<IpAddr>() {
                Ok(ip) => Host::Ip(ip),
                Err(_) if is_dns_name(host) => {
                    let host = host.strip_suffix('.').unwrap_or(host);
                    Host::Name(host.to_ascii_lowercase())
                }
                Err(_) => return Err(too_long(host).unwrap_or_else(bad_host)),
            };
            (host, port)
        };
        if let Host::Ip(ip) = &host
            && ip.is_unspecified()
        {
            return Err(AddressError::Unspecified(*ip));
        }
        if let Host::Ip(ip) = &host
            && (ip.is_multicast() || *ip == IpAddr::V4(Ipv4Addr::BROADCAST))
        {
            return Err(AddressError::Multicast(*ip));
        }
        let port = port
            .map(|port| match port.parse::<u16>() {
                Ok(number) if number > 0 && !port.starts_with('+') => Ok(number),
                _ => Err(AddressError::Port(port.to_owned())),
            })
            .transpose()?;
        Ok(Self { host, port })
    }

    /// Who can reach this address, if not everybody: a clause for a message.
    pub fn limits(&self) -> Option<&'static str> {
        const LOOPBACK: &str = "is a loopback address, so it works only if GitLab runs on the same \
                                host, or something on GitLab's host passes TCP through";
        const LINK_LOCAL: &str =
            "is link-local, so GitLab reaches it only on the same network link";
        match &self.host {
            Host::Name(name) if name == "localhost" || name.ends_with(".localhost") => {
                Some(LOOPBACK)
            }
            Host::Ip(ip) if ip.is_loopback() => Some(LOOPBACK),
            Host::Ip(IpAddr::V4(ip)) if ip.is_link_local() => Some(LINK_LOCAL),
            Host::Ip(IpAddr::V6(ip)) if ip.is_unicast_link_local() => Some(LINK_LOCAL),
            Host::Name(_) | Host::Ip(_) => None,
        }
    }

    /// `host:port` as the runner expects it, with this port if none is given.
    pub fn with_default_port(&self, port: u16) -> String {
        let port = self.port.unwrap_or(port);
        match &self.host {
            Host::Name(name) => format!("{name}:{port}"),
            Host::Ip(IpAddr::V4(ip)) => format!("{ip}:{port}"),
            Host::Ip(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
        }
    }
}

/// The error for text that is a DNS name except for its length.
fn too_long(name: &str) -> Option<AddressError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_of_labels = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !is_of_labels {
        return None;
    }
    match name.split('.').find(|label| label.len() > 63) {
        Some(label) => Some(AddressError::LongLabel(label.to_owned())),
        None => (name.len() > 253).then(|| AddressError::LongName(name.to_owned())),
    }
}

/// RFC 1123 labels, with the underscore that some names in use have. A name whose last label is
/// all digits is a mistyped IP address.
fn is_dns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    let last_is_number = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.chars().all(|c| c.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(label) && !last_is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_and_writes_brackets() {
        for (text, written) in [
            ("terminal.example.com", "terminal.example.com:9000"),
            ("terminal.example.com:443", "terminal.example.com:443"),
            ("192.0.2.7", "192.0.2.7:9000"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("2001:db8::7", "[2001:db8::7]:9000"),
            ("[2001:db8::7]", "[2001:db8::7]:9000"),
            ("[2001:DB8::7]:8443", "[2001:db8::7]:8443"),
            ("Terminal.Example.COM.:443", "terminal.example.com:443"),
            ("[::ffff:192.0.2.7]:443", "192.0.2.7:443"),
            ("::ffff:192.0.2.7", "192.0.2.7:9000"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.with_default_port(9000), written, "{text}");
        }
    }

    #[test]
    fn refuses_what_a_runner_cannot_advertise() {
        for text in [
            "https://host:1",
            "host:0",
            "host:65536",
            "host:http",
            "host:",
            "0.0.0.0:8093",
            "[::ffff:0.0.0.0]:8093",
            "224.0.0.1:8093",
            "[ff02::1]:8093",
            "255.255.255.255",
            "host:+80",
            "[::]:8093",
            "::",
            "",
            "a b",
            "host/path",
            "[2001:db8::7",
            "[fe80::1%eth0]:1",
            "999.1.1.1",
            "-a.example.com",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn says_which_part_of_a_name_is_too_long() {
        let label = "a".repeat(64);
        let long = format!("{}example.com", "abcdefgh.".repeat(27));
        for (text, expected) in [
            (
                format!("{label}.example.com:443"),
                AddressError::LongLabel(label),
            ),
            (format!("{long}:443"), AddressError::LongName(long)),
        ] {
            assert_eq!(Address::parse(&text), Err(expected), "{text}");
        }
    }
}
