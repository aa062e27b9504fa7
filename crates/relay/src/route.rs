//! Routes: which pod and port a host stands for.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest name of a host in DNS.
const LONGEST_HOST: usize = 253;
/// The longest name of a namespace.
const LONGEST_NAMESPACE: usize = 63;

/// A host, and the namespace, label selector and port of the pod behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    host: Host,
    namespace: String,
    selector: String,
    port: u16,
}

/// The hosts of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// `a.example.com`, in lower case
    Name(String),
    /// `*.example.com`, stored as `.example.com`: one more label, as in a certificate.
    Wildcard(String),
    /// `*`: every other host, and no host.
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
    /// `192.0.2.7=ci/app=runner:8093`: TLS has no SNI for an IP address.
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
        // The first slash: keys of labels may have one as well.
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
            namespace: namespace.to_owned(),
            selector: selector.to_owned(),
            port: port.ok_or(RouteError::Port)?,
        })
    }
}

impl Route {
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn selector(&self) -> &str {
        &self.selector
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The host as it was written, in lower case.
    pub(crate) fn name(&self) -> String {
        self.host.to_string()
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

    /// How specifically it matches a host in lower case; `None` if it does not.
    fn specificity(&self, host: Option<&str>) -> Option<u8> {
        match (self, host) {
            (Self::Name(name), Some(host)) => (name == host).then_some(2),
            (Self::Wildcard(suffix), Some(host)) => {
                let label = host.strip_suffix(suffix.as_str())?;
                (!label.is_empty() && !label.contains('.')).then_some(1)
            }
            (Self::Any, _) => Some(0),
            (_, None) => None,
        }
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

/// The index of the route for a host; `None` if no route matches.
///
/// A name takes precedence over a wildcard, and a wildcard over `*`.
pub(crate) fn choose<'a>(
    routes: impl IntoIterator<Item = &'a Route>,
    sni: Option<&str>,
) -> Option<usize> {
    let host = sni.map(normal);
    routes
        .into_iter()
        .enumerate()
        .filter_map(|(index, route)| Some((route.host.specificity(host.as_deref())?, index)))
        .max_by_key(|(specificity, _)| *specificity)
        .map(|(_, index)| index)
}

/// Routes, of which no two have the same host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

/// Two routes have the same host.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there are two routes for {0}")]
pub struct DuplicateRoute(String);

impl Routes {
    /// Checks that no two routes have the same host.
    ///
    /// # Errors
    ///
    /// Two routes have the same host.
    pub fn new(routes: Vec<Route>) -> Result<Self, DuplicateRoute> {
        let duplicate = routes.iter().enumerate().find(|(index, route)| {
            let mut earlier = routes.iter().take(*index);
            earlier.any(|other| other.host == route.host)
        });
        match duplicate {
            Some((_, route)) => Err(DuplicateRoute(route.name())),
            None => Ok(Self(routes)),
        }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Route> {
        self.0.iter()
    }
}

/// A host in lower case, without the dot at the end that stands for the root.
fn normal(host: &str) -> String {
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

    fn routes(hosts: &[&str]) -> Vec<Route> {
        hosts
            .iter()
            .map(|host| format!("{host}=ci/app=runner:8093").parse().unwrap())
            .collect()
    }

    #[test]
    fn a_route_is_a_host_a_namespace_a_selector_and_a_port() {
        let text = "Terminal.Example.COM.=ci/app.kubernetes.io/name=runner,tier in (a,b):8093";
        let route: Route = text.parse().unwrap();
        assert_eq!(route.name(), "terminal.example.com");
        assert_eq!(route.namespace(), "ci");
        assert_eq!(
            route.selector(),
            "app.kubernetes.io/name=runner,tier in (a,b)"
        );
        assert_eq!(route.port(), 8093);
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

    #[test]
    fn a_name_comes_before_a_wildcard_and_a_wildcard_before_any() {
        let routes = routes(&["*", "*.example.com", "a.example.com"]);
        let chosen = |sni| choose(&routes, sni);
        assert_eq!(chosen(Some("a.example.com")), Some(2));
        assert_eq!(chosen(Some("A.EXAMPLE.com.")), Some(2));
        assert_eq!(chosen(Some("b.example.com")), Some(1));
        assert_eq!(chosen(Some("b.a.example.com")), Some(0));
        assert_eq!(chosen(Some("example.com")), Some(0));
        assert_eq!(chosen(Some(".example.com")), Some(0));
        assert_eq!(chosen(Some("aexample.com")), Some(0));
        assert_eq!(chosen(None), Some(0));
    }

    #[test]
    fn without_a_star_an_unknown_host_and_none_have_no_route() {
        let routes = routes(&["*.example.com", "a.example.com"]);
        assert_eq!(choose(&routes, Some("a.example.org")), None);
        assert_eq!(choose(&routes, Some("")), None);
        assert_eq!(choose(&routes, None), None);
    }

    #[test]
    fn two_routes_for_a_host_are_an_error() {
        let duplicate = |hosts: &[&str]| Routes::new(routes(hosts)).err().map(|error| error.0);
        assert_eq!(duplicate(&["a.b", "*.b", "*"]), None);
        assert_eq!(duplicate(&["a.b", "*", "A.b."]).as_deref(), Some("a.b"));
        assert_eq!(duplicate(&["*", "*"]).as_deref(), Some("*"));
    }
}
