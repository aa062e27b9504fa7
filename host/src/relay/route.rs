//! Which runner a connection is for, by the name that the client asks for.

use std::fmt;

/// The longest name of a host in DNS.
const LONGEST_HOST: usize = 253;
/// The longest name of a namespace.
const LONGEST_NAMESPACE: usize = 63;

/// Leads the connections for a host to a port of the pod that a selector finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
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
    /// `*.example.com`, as `.example.com`: one label more, as in a certificate.
    Below(String),
    /// `*`: every other host, and none.
    Any,
}

impl Route {
    /// Reads `HOST=NAMESPACE/SELECTOR:PORT`.
    ///
    /// # Errors
    ///
    /// A sentence that says which part is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (host, target) = text.split_once('=').ok_or("there is no = after the host")?;
        // The keys of labels may have a slash in them as well.
        let (namespace, target) = target
            .split_once('/')
            .ok_or("there is no / after the namespace")?;
        let (selector, port) = target
            .rsplit_once(':')
            .ok_or("there is no : before the port")?;
        let selector = selector.trim();
        if selector.is_empty() {
            return Err("there is no selector: write one such as app=runner".to_owned());
        }
        if !is_namespace(namespace) {
            return Err(format!("{namespace:?} is no name of a namespace"));
        }
        let port = port.parse().ok().filter(|port| *port != 0);
        Ok(Self {
            host: Host::parse(host)?,
            namespace: namespace.to_owned(),
            selector: selector.to_owned(),
            port: port.ok_or("the port is none of 1 to 65535")?,
        })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn selector(&self) -> &str {
        &self.selector
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The host as it was written, in lower case.
    pub(super) fn name(&self) -> String {
        self.host.to_string()
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let name = normal(text);
        let (wildcard, rest) = match name.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, name.as_str()),
        };
        if rest.parse::<std::net::IpAddr>().is_ok() {
            return Err(format!(
                "a client sends no name for an IP address: write * in place of {text}"
            ));
        }
        if !is_host(rest) {
            return Err(format!("{text:?} is no name of a host"));
        }
        Ok(if wildcard {
            Self::Below(format!(".{rest}"))
        } else {
            Self::Name(name)
        })
    }

    /// How well it fits a host in lower case: higher is better, `None` not at all.
    fn fit(&self, host: Option<&str>) -> Option<u8> {
        match (self, host) {
            (Self::Name(name), Some(host)) => (name == host).then_some(2),
            (Self::Below(suffix), Some(host)) => {
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
            Self::Below(suffix) => write!(formatter, "*{suffix}"),
            Self::Any => formatter.write_str("*"),
        }
    }
}

/// The place in a list of the route for a host; `None` where no route is for it.
///
/// A name comes before a wildcard, and a wildcard before `*`.
pub(super) fn choose<'a>(
    routes: impl IntoIterator<Item = &'a Route>,
    sni: Option<&str>,
) -> Option<usize> {
    let host = sni.map(normal);
    routes
        .into_iter()
        .enumerate()
        .filter_map(|(place, route)| Some((route.host.fit(host.as_deref())?, place)))
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, place)| place)
}

/// Finds a host that two routes have.
pub(super) fn ambiguous(routes: &[Route]) -> Option<String> {
    routes.iter().enumerate().find_map(|(place, route)| {
        let mut before = routes.iter().take(place);
        before
            .any(|other| other.host == route.host)
            .then(|| route.name())
    })
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
            .map(|host| Route::parse(&format!("{host}=ci/app=runner:8093")).unwrap())
            .collect()
    }

    #[test]
    fn a_route_is_a_host_a_namespace_a_selector_and_a_port() {
        let route = Route::parse(
            "Terminal.Example.COM.=ci/app.kubernetes.io/name=runner,tier in (a,b):8093",
        )
        .unwrap();
        assert_eq!(route.name(), "terminal.example.com");
        assert_eq!(route.namespace(), "ci");
        assert_eq!(
            route.selector(),
            "app.kubernetes.io/name=runner,tier in (a,b)"
        );
        assert_eq!(route.port(), 8093);
    }

    #[test]
    fn what_is_wrong_is_said() {
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
            let error = Route::parse(text).unwrap_err();
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
    fn two_routes_for_a_host_are_told() {
        assert_eq!(ambiguous(&routes(&["a.b", "*.b", "*"])), None);
        let twice = ambiguous(&routes(&["a.b", "*", "A.b."]));
        assert_eq!(twice.as_deref(), Some("a.b"));
        let twice = ambiguous(&routes(&["*", "*"]));
        assert_eq!(twice.as_deref(), Some("*"));
    }
}
