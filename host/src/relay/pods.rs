//! The pod that a route leads to, as the cluster has it now.
//!
//! It is read for each connection, or once for those of the same second: there is nothing that
//! could grow stale while a pod is replaced, and a quiet relay asks for nothing.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::route::Route;

/// For how long a pod that was found is taken to be there.
const FRESH: Duration = Duration::from_secs(1);

/// The pods of one route.
pub(super) struct Pods {
    api: Api<Pod>,
    list: ListParams,
    found: Mutex<Option<(Instant, Found)>>,
}

/// A pod, and how many others there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its name.
    pub(super) pod: String,
    /// How many ready pods there are beside it: none, as it should be.
    pub(super) others: usize,
    /// True where it was not read for this connection.
    pub(super) is_remembered: bool,
}

/// Why there is no pod.
#[derive(Debug)]
pub(super) enum Missing {
    /// So many have the labels, and none is ready.
    NotReady(usize),
    /// The list of pods cannot be read.
    Unread(kube::Error),
}

impl Pods {
    pub(super) fn new(client: Client, route: &Route) -> Self {
        Self {
            api: Api::namespaced(client, route.namespace()),
            list: ListParams::default().labels(route.selector()),
            found: Mutex::new(None),
        }
    }

    /// The pod to connect to.
    ///
    /// # Errors
    ///
    /// See [`Missing`].
    pub(super) async fn find(&self) -> Result<Found, Missing> {
        // Those that come while it is read wait here, and read it no second time.
        let mut found = self.found.lock().await;
        if let Some((when, pod)) = &*found
            && when.elapsed() < FRESH
        {
            return Ok(Found {
                is_remembered: true,
                ..pod.clone()
            });
        }
        *found = None;
        let pods = self.api.list(&self.list).await.map_err(Missing::Unread)?;
        let chosen = choose(&pods.items)?;
        *found = Some((Instant::now(), chosen.clone()));
        Ok(chosen)
    }

    /// Lets the next [`find`](Self::find) read the pods anew.
    pub(super) async fn forget(&self) {
        *self.found.lock().await = None;
    }
}

/// The newest of the ready pods.
fn choose(pods: &[Pod]) -> Result<Found, Missing> {
    let is_usable = |pod: &&Pod| is_ready(pod) && has_pod_name(pod);
    let ready: Vec<&Pod> = pods.iter().filter(is_usable).collect();
    let newest = ready.iter().max_by_key(|pod| {
        let created = pod.metadata.creation_timestamp.as_ref();
        (created.map(|time| time.0), &pod.metadata.name)
    });
    let name = newest.and_then(|pod| pod.metadata.name.clone());
    let pod = name.ok_or(Missing::NotReady(pods.len()))?;
    Ok(Found {
        pod,
        others: ready.len().saturating_sub(1),
        is_remembered: false,
    })
}

/// True for a name that a pod can have. It becomes part of a URL's path, which another name could lead
/// elsewhere.
///
/// Source: a DNS subdomain, RFC 1123, as `ValidatePodName` in Kubernetes.
fn has_pod_name(pod: &Pod) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_ready(pod: &Pod) -> bool {
    let Some(status) = &pod.status else {
        return false;
    };
    let mut conditions = status.conditions.iter().flatten();
    pod.metadata.deletion_timestamp.is_none()
        && status.phase.as_deref() == Some("Running")
        && conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, created: &str, ready: bool) -> serde_json::Value {
        serde_json::json!({
            "metadata": {"name": name, "creationTimestamp": created},
            "status": {"phase": "Running", "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": if ready { "True" } else { "False" }},
            ]},
        })
    }

    fn chosen(pods: serde_json::Value) -> Result<Found, Missing> {
        choose(&serde_json::from_value::<Vec<Pod>>(pods).unwrap())
    }

    #[test]
    fn the_newest_ready_pod_is_chosen_and_the_others_are_counted() {
        let found = chosen(serde_json::json!([
            pod("old", "2026-01-01T00:00:00Z", true),
            pod("new", "2026-01-03T00:00:00Z", true),
            pod("between", "2026-01-02T00:00:00Z", true),
            pod("newest", "2026-01-04T00:00:00Z", false),
        ]));
        let found = found.unwrap();
        assert_eq!((found.pod.as_str(), found.others), ("new", 2));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_no_pods() {
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
            let found = chosen(serde_json::json!([pod(name, since, true)]));
            assert!(matches!(found, Err(Missing::NotReady(1))), "{name:?}");
        }
        let found = chosen(serde_json::json!([
            pod("x/..", since, true),
            pod("runner-0.a", since, true)
        ]));
        let found = found.unwrap();
        assert_eq!((found.pod.as_str(), found.others), ("runner-0.a", 0));
    }

    #[test]
    fn only_a_running_ready_pod_that_stays_will_do() {
        let mut terminating = pod("terminating", "2026-01-01T00:00:00Z", true);
        terminating["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z".into();
        let mut succeeded = pod("succeeded", "2026-01-01T00:00:00Z", true);
        succeeded["status"]["phase"] = "Succeeded".into();
        let pending = serde_json::json!({"metadata": {"name": "pending"}});
        let missing = chosen(serde_json::json!([
            pod("unready", "2026-01-01T00:00:00Z", false),
            terminating,
            succeeded,
            pending,
        ]));
        assert!(matches!(missing, Err(Missing::NotReady(4))), "{missing:?}");
        let missing = chosen(serde_json::json!([]));
        assert!(matches!(missing, Err(Missing::NotReady(0))), "{missing:?}");
    }
}
