//! Routes: which pods and which port a host leads to.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The maximum length of a DNS name.
const LONGEST_HOST: usize = 253;
/// The maximum length of a namespace name.
const LONGEST_NAMESPACE: usize = 63;

/// A host, and the namespace, label selector and port of the pods behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    host: Host,
    selection: Selection,
    port: u16,
}

/// The pods of a namespace that a label selector selects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Selection {
    pub(crate) namespace: String,
    pub(crate) selector: String,
}

/// The hosts that a route matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// `a.example.com`, in lower case
    Name(String),
    /// `*.example.com`, stored as `.example.com`. The wildcard matches the name of a pod, which may
    /// contain dots.
    Wildcard(String),
    /// `*`: every other host, or no host at all.
    Any,
}

/// Why text is not a route.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RouteError {
    /// `a.example.com`
    #[error("there is no = after the host")]
    NoHost,
    /// `a.example.com=ci`
    #[error("there is no / after the namespace")]
    NoNamespace,
    /// `a.example.com=ci/app=runner`
    #[error("there is no : before the port")]
    NoPort,
    /// `a.example.com=ci/:8093`
    #[error("there is no selector: write one such as app=runner")]
    NoSelector,
    /// `a.example.com=-/app=runner:8093`
    #[error("{0:?} is no name of a namespace")]
    Namespace(String),
    /// `a.example.com=ci/app=runner:http`
    #[error("the port is none of 1 to 65535")]
    Port,
    /// `192.0.2.7=ci/app=runner:8093`: there is no SNI for an IP address.
    #[error("a client sends no name for an IP address: write * in place of {0}")]
    IpAddress(String),
    /// `a..b=ci/app=runner:8093`
    #[error("{0:?} is no name of a host")]
    Host(String),
}

impl FromStr for Route {
    type Err = RouteError;

    /// Reads `HOST=NAMESPACE/SELECTOR:PORT`.
    fn from_str(text: &str) -> Result<Self, RouteError> {
        let (host, target) = text.split_once('=').ok_or(RouteError::NoHost)?;
        // The first slash: label keys may contain more of them.
        let (namespace, target) = target.split_once('/').ok_or(RouteError::NoNamespace)?;
        let (selector, port) = target.rsplit_once(':').ok_or(RouteError::NoPort)?;
        let selector = selector.trim();
        if selector.is_empty() {
            return Err(RouteError::NoSelector);
        }
        if !is_namespace(namespace) {
            return Err(RouteError::Namespace(namespace.to_owned()));
        }
        let port = port.parse().ok().filter(|port| *port != 0);
        Ok(Self {
            host: Host::parse(host)?,
            selection: Selection {
                namespace: namespace.to_owned(),
                selector: selector.to_owned(),
            },
            port: port.ok_or(RouteError::Port)?,
        })
    }
}

impl Route {
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn selection(&self) -> &Selection {
        &self.selection
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The host as it was written, in lower case.
    pub(crate) fn name(&self) -> String {
        self.host.to_string()
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.selector)
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, RouteError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let name = normal(text);
        let (wildcard, rest) = match name.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, name.as_str()),
        };
        if rest.parse::<std::net::IpAddr>().is_ok() {
            return Err(RouteError::IpAddress(text.to_owned()));
        }
        if !is_host(rest) {
            return Err(RouteError::Host(text.to_owned()));
        }
        Ok(if wildcard {
            Self::Wildcard(format!(".{rest}"))
        } else {
            Self::Name(name)
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Wildcard(suffix) => write!(formatter, "*{suffix}"),
            Self::Any => formatter.write_str("*"),
        }
    }
}

/// A host in lower case, without the trailing dot of the DNS root.
pub(crate) fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn is_host(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.len() <= LONGEST_HOST
        && text
            .split('.')
            .all(|label| (1..=63).contains(&label.len()) && label.chars().all(is_inner))
}

fn is_namespace(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LONGEST_NAMESPACE).contains(&text.len()) && text.chars().all(is_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_host_a_namespace_a_selector_and_a_port() {
        let text = "Terminal.Example.COM.=ci/app.kubernetes.io/name=runner,tier in (a,b):8093";
        let route: Route = text.parse().unwrap();
        assert_eq!(route.name(), "terminal.example.com");
        assert_eq!(
            route.selection().to_string(),
            "ci/app.kubernetes.io/name=runner,tier in (a,b)"
        );
        assert_eq!(route.port(), 8093);
        let wildcard: Route = "*.Example.com=ci/app=runner:8093".parse().unwrap();
        assert_eq!(wildcard.name(), "*.example.com");
    }

    #[test]
    fn the_error_says_which_part_is_wrong() {
        for (text, part) in [
            ("", "no = after the host"),
            ("a.example.com", "no = after the host"),
            ("a.example.com=ci", "no / after the namespace"),
            ("a.example.com=ci/app", "no : before the port"),
            ("a.example.com=ci/:8093", "no selector"),
            (
                "a.example.com=/app=x:8093",
                "\"\" is no name of a namespace",
            ),
            ("a.example.com=../app=x:8093", "is no name of a namespace"),
            ("a.example.com=ci/app=x:0", "none of 1 to 65535"),
            ("a.example.com=ci/app=x:http", "none of 1 to 65535"),
            ("a.example.com=ci/app=x:70000", "none of 1 to 65535"),
            ("=ci/app=x:8093", "\"\" is no name of a host"),
            ("a..b=ci/app=x:8093", "is no name of a host"),
            ("*.*.b=ci/app=x:8093", "is no name of a host"),
            ("a b=ci/app=x:8093", "is no name of a host"),
            ("192.0.2.7=ci/app=x:8093", "write * in place of 192.0.2.7"),
            ("2001:db8::7=ci/app=x:8093", "write * in place of"),
        ] {
            let error = text.parse::<Route>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
