//! What was observed of a cluster: live Services, by namespace and name.
//!
//! The core never talks to a cluster. A live Service is among the items: either the user's own
//! export (`kubectl get service -o yaml`, often with the local-config annotation), or one that the
//! host has read from the cluster and added with the annotation [`OBSERVED`]. Items that the host
//! has added are not in the output.
//!
//! A host runs the function, looks for [`requests`] among the results, reads what they request from
//! the cluster, adds it to the list with [`answer()`], and runs the function again until there are
//! no more requests: [`run_to_fixpoint`]. [`StaticCluster`](crate::static_cluster::StaticCluster)
//! answers from files instead of a cluster. A host that cannot answer passes on the function's
//! error, which says what the user can do.

mod answer;
mod collect;
pub(crate) mod node_address;
mod request;
mod rounds;

use krm::resource::display_name;

pub use answer::{Answer, Forbidden, answer};
pub use collect::{NodesSeen, Observation, Observed, is_live};
pub use request::{Look, OBSERVE_TAG, Request, requests};
pub use rounds::{Step, run_to_fixpoint};

/// On an item that the host has added: [`LIVE`], [`ABSENT`], [`FORBIDDEN`] or [`FAILED`].
pub const OBSERVED: &str = "runner-terminal.dev/observed";
/// The item is a Service in the cluster.
pub const LIVE: &str = "live";
/// The cluster has no Service of this name.
pub const ABSENT: &str = "absent";
/// The API server does not let the host read it; [`FAILURE`] has the details.
pub const FORBIDDEN: &str = "forbidden";
/// The host could not read it, for the reason in [`FAILURE`].
pub const FAILED: &str = "failed";
/// On an item that is [`FORBIDDEN`] or [`FAILED`]: the reason, and what to do.
pub const FAILURE: &str = "runner-terminal.dev/observed-failure";
/// On an item that is [`FORBIDDEN`]: the manifests of a rule that allows it, as YAML.
pub const RULE: &str = "runner-terminal.dev/observed-rule";
/// On an item that is [`ABSENT`]: the namespace that was searched, if the manifests have none.
pub const LOOKED_IN: &str = "runner-terminal.dev/observed-in";

/// On an item that the host has added: the API server that it has asked, and where its address comes
/// from.
pub const ASKED: &str = "runner-terminal.dev/observed-at";
/// On a Service of this function: the data of a live Service of the same name among the items, as
/// JSON.
pub const LIVE_SERVICE: &str = "runner-terminal.dev/live-service";

/// A Service by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName {
    /// Empty if the manifests set none and leave it to the apply.
    pub namespace: String,
    /// `metadata.name`
    pub name: String,
}

/// `Service ci/runner-session-server`
impl std::fmt::Display for ServiceName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&display_name("Service", &self.name, &self.namespace))
    }
}

/// What a host can be asked to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A Service.
    Service(ServiceName),
    /// All nodes of the cluster.
    Nodes,
}

/// `Service ci/runner-session-server`
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(name) => name.fmt(f),
            Self::Nodes => f.write_str("the nodes"),
        }
    }
}
