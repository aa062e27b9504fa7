//! Finds the pod of a route.
//!
//! The pods are listed for each connection, or once for those of the same second. So nothing goes
//! stale while a pod is replaced, and an idle relay sends no request.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::route::Route;

/// How long a pod that was found is reused.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The pods of one route.
pub(crate) struct Pods {
    api: Api<Pod>,
    list: ListParams,
    last: Mutex<Option<(Instant, FoundPod)>>,
}

/// A pod, and how many others there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundPod {
    /// Its name.
    pub(crate) name: String,
    /// How many other ready pods there are. It should be none.
    pub(crate) others: usize,
    /// True if it was found for an earlier connection.
    pub(crate) is_reused: bool,
}

/// Why there is no pod to connect to.
#[derive(Debug)]
pub(crate) enum PodError {
    /// This many pods have the labels, and none of them is ready.
    NoneReady(usize),
    /// The API server does not list the pods.
    List(kube::Error),
}

impl Pods {
    pub(crate) fn new(client: Client, route: &Route) -> Self {
        Self {
            api: Api::namespaced(client, route.namespace()),
            list: ListParams::default().labels(route.selector()),
            last: Mutex::new(None),
        }
    }

    /// The pod to connect to.
    ///
    /// # Errors
    ///
    /// No pod is ready, or the pods cannot be listed.
    pub(crate) async fn find(&self) -> Result<FoundPod, PodError> {
        // Connections that arrive during the request wait here for its result.
        let mut last = self.last.lock().await;
        if let Some((when, pod)) = &*last
            && when.elapsed() < MAX_AGE
        {
            return Ok(FoundPod {
                is_reused: true,
                ..pod.clone()
            });
        }
        *last = None;
        let pods = self.api.list(&self.list).await.map_err(PodError::List)?;
        let chosen = choose(&pods.items)?;
        *last = Some((Instant::now(), chosen.clone()));
        Ok(chosen)
    }

    /// Makes the next [`find`](Self::find) list the pods again.
    pub(crate) async fn forget(&self) {
        *self.last.lock().await = None;
    }
}

/// The newest of the ready pods.
fn choose(pods: &[Pod]) -> Result<FoundPod, PodError> {
    let is_usable = |pod: &&Pod| is_ready(pod) && has_pod_name(pod);
    let ready: Vec<&Pod> = pods.iter().filter(is_usable).collect();
    let newest = ready.iter().max_by_key(|pod| {
        let created = pod.metadata.creation_timestamp.as_ref();
        (created.map(|time| time.0), &pod.metadata.name)
    });
    let name = newest.and_then(|pod| pod.metadata.name.clone());
    let name = name.ok_or(PodError::NoneReady(pods.len()))?;
    Ok(FoundPod {
        name,
        others: ready.len().saturating_sub(1),
        is_reused: false,
    })
}

/// True for a valid name. It becomes part of a URL's path, so a name such as `../x` must not pass.
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

    fn chosen(pods: serde_json::Value) -> Result<FoundPod, PodError> {
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
        assert_eq!((found.name.as_str(), found.others), ("new", 2));
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
            let found = chosen(serde_json::json!([pod(name, since, true)]));
            assert!(matches!(found, Err(PodError::NoneReady(1))), "{name:?}");
        }
        let found = chosen(serde_json::json!([
            pod("x/..", since, true),
            pod("runner-0.a", since, true)
        ]));
        let found = found.unwrap();
        assert_eq!((found.name.as_str(), found.others), ("runner-0.a", 0));
    }

    #[test]
    fn a_pod_must_be_running_and_ready_and_not_terminating() {
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
        assert!(
            matches!(missing, Err(PodError::NoneReady(4))),
            "{missing:?}"
        );
        let missing = chosen(serde_json::json!([]));
        assert!(
            matches!(missing, Err(PodError::NoneReady(0))),
            "{missing:?}"
        );
    }
}
