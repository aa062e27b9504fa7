//! Finds the pod for a connection among the known pods.

use std::fmt;
use std::net::IpAddr;

use crate::pods::{Life, Pod, Pods};
use crate::route::Selection;

/// A pod, and the port of its session server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundPod {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Empty for a pod that has none yet.
    pub(crate) ips: Box<[IpAddr]>,
    pub(crate) port: u16,
    /// How many other pods a route without a pod's name could lead to. It should be none.
    pub(crate) others: usize,
}

/// The pods that a route selects, as far as they are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) port: u16,
    /// The state from the last list and the watch; `None` if there was no list yet.
    pub(crate) pods: Option<&'a Pods>,
}

/// Why there is no pod to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPod {
    /// No selected pod has the name.
    Unknown(String),
    /// The pod has not started.
    Pending(String),
    /// The pod has ended.
    Ended(String),
    /// Pods of two namespaces have the name, or two routes name different ports of the pod.
    Ambiguous(String),
    /// None of the selected pods is ready.
    NoneReady(String),
    /// The pods of this selection have not been listed.
    NotListed(Selection),
}

/// The pod with a name, among those of all routes of a domain.
///
/// # Errors
///
/// There is no such pod, the name is ambiguous, or the pod is not running.
pub(crate) fn by_name(domain: &str, name: &str, routes: &[Known<'_>]) -> Result<FoundPod, NoPod> {
    let named = || {
        let known = routes
            .iter()
            .filter_map(|route| Some((route, route.pods?.get(name)?)));
        known.map(|(route, pod)| (route.selection.namespace.as_str(), route.port, pod))
    };
    let mut alive = named().filter(|(_, _, pod)| pod.life != Life::Ended);
    let Some((namespace, port, pod)) = alive.next() else {
        if let Some((namespace, ..)) = named().next() {
            return Err(NoPod::Ended(format!(
                "pod {namespace}/{name} has ended, and its jobs with it; start the job again"
            )));
        }
        return Err(match routes.iter().find(|route| route.pods.is_none()) {
            Some(route) => NoPod::NotListed(route.selection.clone()),
            None => NoPod::Unknown(unknown(domain, name)),
        });
    };
    // Another route may already know that the pod is running.
    let mut running = pod;
    for (other, other_port, pod) in alive {
        if other != namespace {
            return Err(NoPod::Ambiguous(format!(
                "two pods have this name: {namespace}/{name} and {other}/{name}; give the runners \
                 of one of the namespaces another domain, with a route of its own"
            )));
        }
        if other_port != port {
            return Err(NoPod::Ambiguous(format!(
                "two routes for {domain} select pod {namespace}/{name}, with the ports {port} and \
                 {other_port}; change a selector so that one of them selects it"
            )));
        }
        if pod.life == Life::Running {
            running = pod;
        }
    }
    if running.life == Life::Pending {
        return Err(NoPod::Pending(pending(namespace, name)));
    }
    Ok(found(namespace, name, running, port, 0))
}

/// The newest of the ready pods of a route.
///
/// # Errors
///
/// None is ready.
pub(crate) fn newest(route: Known<'_>) -> Result<FoundPod, NoPod> {
    let Selection {
        namespace,
        selector,
    } = route.selection;
    let Some(pods) = route.pods else {
        return Err(NoPod::NotListed(route.selection.clone()));
    };
    match pods.newest_ready() {
        Some((name, pod, others)) => Ok(found(namespace, name, pod, route.port, others)),
        None if pods.len() == 0 => Err(NoPod::NoneReady(format!(
            "no pod in {namespace} has {selector}"
        ))),
        None => Err(NoPod::NoneReady(format!(
            "{} in {namespace} with {selector}, of which none is ready",
            pods.len()
        ))),
    }
}

/// The message about a pod without an address.
pub(crate) fn pending(namespace: &str, name: &str) -> String {
    format!(
        "pod {namespace}/{name} has not started or has no IP address yet; kubectl describe pod \
         says what it waits for"
    )
}

fn unknown(domain: impl fmt::Display, name: &str) -> String {
    format!(
        "no pod that the routes for {domain} select has the name {name}; it is gone, or the \
         namespace or selector of the routes is not that of its runner"
    )
}

fn found(namespace: &str, name: &str, pod: &Pod, port: u16, others: usize) -> FoundPod {
    FoundPod {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ips: pod.ips.clone(),
        port,
        others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pods(all: &[(&str, &str)]) -> Pods {
        let mut pods = Pods::default();
        for (name, phase) in all {
            let pod = json!({
                "metadata": {"name": name},
                "status": {"phase": phase, "podIP": "10.0.0.7"},
            });
            pods.apply(serde_json::from_value(pod).unwrap());
        }
        pods
    }

    /// Looks up `a` among the pods of some namespaces, at some ports.
    fn look_up(routes: &[(&str, u16, Option<Pods>)]) -> Result<FoundPod, NoPod> {
        let selection = |namespace: &str| Selection {
            namespace: namespace.to_owned(),
            selector: "app=runner".to_owned(),
        };
        let selections: Vec<_> = routes.iter().map(|route| selection(route.0)).collect();
        let known = routes
            .iter()
            .zip(&selections)
            .map(|(route, selection)| Known {
                selection,
                port: route.1,
                pods: route.2.as_ref(),
            });
        by_name("*.example.com", "a", &known.collect::<Vec<_>>())
    }

    fn of(name: &str, phase: &str) -> Option<Pods> {
        Some(pods(&[(name, phase), ("other", "Running")]))
    }

    #[test]
    fn a_pod_is_found_by_its_name_whether_or_not_it_is_ready() {
        let found = look_up(&[
            ("ci", 8093, of("b", "Running")),
            ("team", 8094, of("a", "Running")),
            ("unlisted", 8095, None),
        ]);
        let found = found.unwrap();
        assert_eq!((found.namespace.as_str(), found.port), ("team", 8094));
        assert_eq!(found.ips, ["10.0.0.7".parse::<IpAddr>().unwrap()].into());
    }

    #[test]
    fn each_reason_is_told_apart() {
        assert!(matches!(
            look_up(&[("ci", 1, of("b", "Running"))]),
            Err(NoPod::Unknown(_))
        ));
        assert!(matches!(
            look_up(&[("ci", 1, of("a", "Pending"))]),
            Err(NoPod::Pending(_))
        ));
        for phase in ["Succeeded", "Failed"] {
            assert!(matches!(
                look_up(&[("ci", 1, of("a", phase))]),
                Err(NoPod::Ended(_))
            ));
        }
        let unlisted = look_up(&[("ci", 1, of("b", "Running")), ("team", 1, None)]);
        assert!(
            matches!(&unlisted, Err(NoPod::NotListed(of)) if of.namespace == "team"),
            "{unlisted:?}"
        );
    }

    #[test]
    fn two_pods_of_a_name_are_both_named() {
        let both = look_up(&[
            ("ci", 1, of("a", "Running")),
            ("team", 1, of("a", "Pending")),
        ]);
        let Err(NoPod::Ambiguous(detail)) = both else {
            panic!("{both:?}");
        };
        assert!(detail.contains("ci/a and team/a"), "{detail}");
        // A pod that has ended does not make the name ambiguous.
        let found = look_up(&[
            ("ci", 1, of("a", "Succeeded")),
            ("team", 1, of("a", "Running")),
        ]);
        assert_eq!(found.unwrap().namespace, "team");
    }

    #[test]
    fn two_routes_may_select_a_pod_if_they_agree_on_its_port() {
        let found = look_up(&[("ci", 1, of("a", "Pending")), ("ci", 1, of("a", "Running"))]);
        assert_eq!(found.unwrap().port, 1);
        let ports = look_up(&[("ci", 1, of("a", "Running")), ("ci", 2, of("a", "Running"))]);
        let Err(NoPod::Ambiguous(detail)) = ports else {
            panic!("{ports:?}");
        };
        assert!(detail.contains("ports 1 and 2"), "{detail}");
    }
}
