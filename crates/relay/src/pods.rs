//! The pods of a selection, and the data that is kept about each.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::Deserialize;

/// A pod from the API server, reduced to the relevant fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ApiPod {
    pub(crate) metadata: Metadata,
    status: Status,
}

/// The `metadata` of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    name: String,
    uid: String,
    pub(crate) resource_version: String,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: Option<String>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Option<Vec<PodIp>>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Clone, Debug, Deserialize)]
struct PodIp {
    #[serde(default)]
    ip: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Condition {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    status: String,
}

/// The data that is kept about a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    uid: Box<str>,
    pub(crate) ips: Box<[IpAddr]>,
    pub(crate) life: Life,
    is_ready: bool,
    is_terminating: bool,
    created: Option<SystemTime>,
}

/// A pod's stage of life.
///
/// Source: `PodPhase` in Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its containers have not started: `Pending`.
    Pending,
    /// `Running`, even while it terminates; and `Unknown`, if its node does not respond.
    Running,
    /// All containers have ended: `Succeeded` or `Failed`.
    Ended,
}

impl From<ApiPod> for Pod {
    fn from(pod: ApiPod) -> Self {
        let ApiPod { metadata, status } = pod;
        let several = status.pod_ips.into_iter().flatten().map(|one| one.ip);
        let mut ips: Vec<IpAddr> = several.filter_map(|ip| ip.parse().ok()).collect();
        if ips.is_empty() {
            ips.extend(status.pod_ip.and_then(|ip| ip.parse::<IpAddr>().ok()));
        }
        let created = metadata.creation_timestamp.as_deref();
        let mut conditions = status.conditions.iter().flatten();
        Self {
            uid: metadata.uid.into(),
            ips: ips.into(),
            life: match status.phase.as_deref() {
                Some("Running" | "Unknown") => Life::Running,
                Some("Succeeded" | "Failed") => Life::Ended,
                _ => Life::Pending,
            },
            is_ready: conditions.any(|one| one.kind == "Ready" && one.status == "True"),
            is_terminating: metadata.deletion_timestamp.is_some(),
            created: created.and_then(|time| humantime::parse_rfc3339(time).ok()),
        }
    }
}

impl Pod {
    /// True for a pod that a route without a pod's name may lead to.
    fn is_ready(&self) -> bool {
        self.life == Life::Running && self.is_ready && !self.is_terminating
    }
}

/// The pods of a selection, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pods(HashMap<Box<str>, Pod>);

impl Pods {
    /// The number of pods.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Pod> {
        self.0.get(name)
    }

    /// Adds or updates a pod.
    pub(crate) fn apply(&mut self, pod: ApiPod) {
        let name = pod.metadata.name.as_str();
        if is_pod_name(name) {
            self.0.insert(name.into(), pod.into());
        }
    }

    /// Removes a pod, unless another one now has its name.
    pub(crate) fn remove(&mut self, pod: &ApiPod) {
        let name = pod.metadata.name.as_str();
        let is_same = |known: &Pod| *known.uid == *pod.metadata.uid;
        if self.0.get(name).is_some_and(is_same) {
            self.0.remove(name);
        }
    }

    /// The newest ready pod with its name, and how many others are ready. It should be none.
    pub(crate) fn newest_ready(&self) -> Option<(&str, &Pod, usize)> {
        let ready = || self.0.iter().filter(|(_, pod)| pod.is_ready());
        let newest = ready().max_by_key(|(name, pod)| (pod.created, *name));
        newest.map(|(name, pod)| (&**name, pod, ready().count().saturating_sub(1)))
    }
}

/// True for a valid name. It becomes part of a URL's path, so a name such as `../x` must not pass.
///
/// Source: a DNS subdomain, RFC 1123, as `ValidatePodName` in Kubernetes.
fn is_pod_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(name: &str, created: &str, ready: bool) -> Value {
        json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": created},
            "status": {"phase": "Running", "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": if ready { "True" } else { "False" }},
            ]},
        })
    }

    fn pods(all: &[Value]) -> Pods {
        let mut pods = Pods::default();
        for pod in all {
            pods.apply(serde_json::from_value(pod.clone()).unwrap());
        }
        pods
    }

    fn newest(all: &[Value]) -> Option<(String, usize)> {
        let pods = pods(all);
        let newest = pods.newest_ready();
        newest.map(|(name, _, others)| (name.to_owned(), others))
    }

    #[test]
    fn the_newest_ready_pod_is_chosen_and_the_others_are_counted() {
        let found = newest(&[
            pod("old", "2026-01-01T00:00:00Z", true),
            pod("new", "2026-01-03T00:00:00Z", true),
            pod("between", "2026-01-02T00:00:00Z", true),
            pod("newest", "2026-01-04T00:00:00Z", false),
        ]);
        assert_eq!(found, Some(("new".to_owned(), 2)));
    }

    #[test]
    fn a_pod_with_an_invalid_name_is_ignored() {
        let since = "2026-01-01T00:00:00Z";
        for name in [
            "../../secrets/x",
            "a/b",
            "a%2fb",
            "a?b",
            "a#b",
            "a\r\nb",
            "..",
            "",
            "-a",
            "A",
            "a_b",
        ] {
            assert_eq!(pods(&[pod(name, since, true)]).len(), 0, "{name:?}");
        }
        assert_eq!(pods(&[pod("runner-0.a", since, true)]).len(), 1);
        let long = "a".repeat(253);
        assert_eq!(pods(&[pod(&long, since, true)]).len(), 1);
        assert_eq!(pods(&[pod(&format!("{long}a"), since, true)]).len(), 0);
    }

    #[test]
    fn without_a_name_a_pod_must_be_running_and_ready_and_not_terminating() {
        let mut terminating = pod("terminating", "2026-01-01T00:00:00Z", true);
        terminating["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z".into();
        let mut succeeded = pod("succeeded", "2026-01-01T00:00:00Z", true);
        succeeded["status"]["phase"] = "Succeeded".into();
        let unready = pod("unready", "2026-01-01T00:00:00Z", false);
        let pending = json!({"metadata": {"name": "pending"}});
        assert_eq!(newest(&[unready, terminating, succeeded, pending]), None);
        assert_eq!(newest(&[]), None);
    }

    #[test]
    fn the_life_of_a_pod_is_its_phase() {
        for (phase, life) in [
            (json!("Pending"), Life::Pending),
            (json!("Running"), Life::Running),
            (json!("Unknown"), Life::Running),
            (json!("Succeeded"), Life::Ended),
            (json!("Failed"), Life::Ended),
            (Value::Null, Life::Pending),
        ] {
            let pod = json!({"metadata": {"name": "a"}, "status": {"phase": phase}});
            assert_eq!(pods(&[pod]).get("a").unwrap().life, life, "{phase}");
        }
    }

    #[test]
    fn a_pod_may_have_an_address_of_each_family() {
        let ips = |status: Value| {
            let pods = pods(&[json!({"metadata": {"name": "a"}, "status": status})]);
            let ips = pods.get("a").unwrap().ips.iter().map(IpAddr::to_string);
            ips.collect::<Vec<_>>().join(" ")
        };
        let both = json!([{"ip": "10.0.0.7"}, {"ip": "fd00::7"}]);
        assert_eq!(
            ips(json!({"podIP": "10.0.0.7", "podIPs": both})),
            "10.0.0.7 fd00::7"
        );
        assert_eq!(ips(json!({"podIP": "fd00::7"})), "fd00::7");
        assert_eq!(ips(json!({"podIP": "", "podIPs": null})), "");
        assert_eq!(ips(json!({"podIP": "here", "podIPs": [{}]})), "");
    }

    #[test]
    fn a_pod_that_has_gone_takes_no_other_of_its_name_with_it() {
        let of = |uid: &str| -> ApiPod {
            serde_json::from_value(json!({"metadata": {"name": "runner-0", "uid": uid}})).unwrap()
        };
        let mut pods = Pods::default();
        pods.apply(of("first"));
        pods.apply(of("second"));
        pods.remove(&of("first"));
        assert_eq!(pods.len(), 1);
        pods.remove(&of("second"));
        assert_eq!(pods.len(), 0);
        pods.remove(&of("second"));
    }
}
