//! Finds the routes for a host.

use std::collections::HashMap;

use crate::route::{self, Host};

/// Entries by host.
#[derive(Debug)]
pub(crate) struct Table<E> {
    names: HashMap<String, E>,
    /// By the suffix after `*`. Several namespaces and selectors may share a domain.
    wildcards: HashMap<String, Vec<E>>,
    any: Option<E>,
}

/// The target of a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a, E> {
    /// The newest pod of this entry.
    Newest(&'a E),
    /// The pod with this name, among those of all these entries.
    Named(String, &'a [E]),
}

impl<E> Table<E> {
    /// A table of entries by host. If two have the same name, the last one counts.
    pub(crate) fn new(entries: impl IntoIterator<Item = (Host, E)>) -> Self {
        let mut table = Self {
            names: HashMap::new(),
            wildcards: HashMap::new(),
            any: None,
        };
        for (host, entry) in entries {
            match host {
                Host::Name(name) => {
                    table.names.insert(name, entry);
                }
                Host::Wildcard(suffix) => table.wildcards.entry(suffix).or_default().push(entry),
                Host::Any => table.any = Some(entry),
            }
        }
        table
    }

    /// The target for a client's host; `None` if no route matches.
    ///
    /// A name takes precedence over a wildcard, the longest wildcard over the others, and any
    /// wildcard over `*`.
    pub(crate) fn choose(&self, sni: Option<&str>) -> Option<Choice<'_, E>> {
        let host = sni.map(route::normal).unwrap_or_default();
        if let Some(entry) = self.names.get(&host) {
            return Some(Choice::Newest(entry));
        }
        // From the left, so that the longest suffix comes first.
        let mut dots = host.match_indices('.').filter(|(place, _)| *place > 0);
        let named = dots.find_map(|(place, _)| {
            let (name, suffix) = host.split_at_checked(place)?;
            Some(Choice::Named(name.to_owned(), self.wildcards.get(suffix)?))
        });
        named.or_else(|| self.any.as_ref().map(Choice::Newest))
    }

    /// All entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &E> {
        let wildcards = self.wildcards.values().flatten();
        self.names.values().chain(wildcards).chain(&self.any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;

    fn table(hosts: &[&'static str]) -> Table<&'static str> {
        Table::new(hosts.iter().map(|host| {
            let route: Route = format!("{host}=ci/app=runner:8093").parse().unwrap();
            (route.host().clone(), *host)
        }))
    }

    fn chosen(table: &Table<&'static str>, sni: &str) -> String {
        match table.choose(Some(sni)) {
            Some(Choice::Newest(host)) => (*host).to_owned(),
            Some(Choice::Named(name, of)) => format!("{name} of {}", of.join(" ")),
            None => "none".to_owned(),
        }
    }

    #[test]
    fn a_name_comes_before_a_wildcard_and_a_wildcard_before_any() {
        let table = table(&["*", "*.example.com", "*.ci.example.com", "a.example.com"]);
        for (sni, expected) in [
            ("a.example.com", "a.example.com"),
            ("A.EXAMPLE.com.", "a.example.com"),
            ("b.example.com", "b of *.example.com"),
            ("B.Example.COM.", "b of *.example.com"),
            ("x.a.example.com", "x.a of *.example.com"),
            ("runner-7.ci.example.com", "runner-7 of *.ci.example.com"),
            ("a.b.c.ci.example.com", "a.b.c of *.ci.example.com"),
            // The wildcard stands for at least one label.
            ("ci.example.com", "ci of *.example.com"),
            ("example.com", "*"),
            (".example.com", "*"),
            ("aexample.com", "*"),
            ("com", "*"),
            ("", "*"),
        ] {
            assert_eq!(chosen(&table, sni), expected, "{sni}");
        }
        assert_eq!(table.choose(None), Some(Choice::Newest(&"*")));
        assert_eq!(table.entries().count(), 4);
    }

    #[test]
    fn routes_with_the_same_wildcard_are_all_looked_at() {
        let table = table(&["*.example.com", "*.example.com"]);
        assert_eq!(
            chosen(&table, "a.example.com"),
            "a of *.example.com *.example.com"
        );
    }

    #[test]
    fn a_wildcard_leaves_nothing_to_a_shorter_one() {
        let table = table(&["*.example.com", "*.a.example.com"]);
        assert_eq!(chosen(&table, "x.a.example.com"), "x of *.a.example.com");
    }

    #[test]
    fn without_a_star_an_unknown_host_and_none_have_no_route() {
        let table = table(&["*.example.com", "a.example.com"]);
        assert_eq!(chosen(&table, "a.example.org"), "none");
        assert_eq!(chosen(&table, ""), "none");
        assert_eq!(table.choose(None), None);
    }
}
