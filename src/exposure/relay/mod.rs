//! The manifests that run `runner-terminal relay`.
//!
//! The relay passes TLS through by SNI. It is created in one of two places: in the runners' own
//! cluster, where one relay serves any number of runners, or in a cluster that GitLab can reach,
//! from which it reaches a runner through the Kubernetes API.
//!
//! | module | what it makes |
//! |---|---|
//! | [`deployment`] | the Deployment, for both places |
//! | [`in_cluster`] | `type: Relay`: the relay in front of the runners of its cluster |
//! | [`entry`] | how GitLab reaches that relay |
//! | [`remote`] | the relay of `type: ApiServer`, in another cluster |

mod deployment;
mod entry;
mod in_cluster;
mod remote;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use in_cluster::{DEFAULT_RELAY, Dial, RELAY_KINDS, Relay, RelaySpec};
pub use remote::{RELAY_NAMESPACE, RemoteRelay, relay_name};

/// The label that distinguishes a relay's manifests.
const COMPONENT: &str = "app.kubernetes.io/component";
/// The name of the port for GitLab's connections.
const TLS_PORT: &str = "tls";

/// The labels of a relay's pods, and of all its manifests.
pub fn labels(name: &str) -> Map<String, Value> {
    let labels = [
        ("app.kubernetes.io/name", "runner-terminal"),
        ("app.kubernetes.io/instance", name),
        (COMPONENT, "relay"),
    ];
    labels
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect()
}

/// Labels as a selector: `a=1,b=2`.
fn selector(labels: &Map<String, Value>) -> String {
    let sorted: BTreeMap<&String, &str> = labels
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .collect();
    let pairs: Vec<String> = sorted
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(",")
}
