//! What was observed of a cluster: live Services, by namespace and name.
//!
//! The core never talks to a cluster. A live Service comes with the items: as the user's own
//! export (`kubectl get service -o yaml`, often with the local-config annotation), or put there
//! by a host that can read the cluster, under the annotation [`OBSERVED`]. What a host has put
//! there is taken out of the output again.
//!
//! How a host takes part: it runs the function, looks in the output for [`requests`], reads what
//! they ask for, puts it into the list by [`answer`], and runs the function again, until nothing is
//! asked for any more: [`until_known`]. Where there is no cluster to ask, but texts of what it has,
//! [`StaticCluster`](crate::static_cluster::StaticCluster) answers. A host that does none of it passes the function's error on, which says what
//! the user can do.

pub(crate) mod node_address;
mod request;
mod rounds;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use krm::resource::{Identity, Resource, display_name};
use krm::resource_list::{Changes, ReadError, ResourceList};
pub use request::{Look, OBSERVE_TAG, Request, asked, requests};
pub use rounds::{Step, until_known};
use yaml_splice::pointer::At as _;

/// On an item that the host has put into the list: [`LIVE`], [`ABSENT`], [`FORBIDDEN`] or
/// [`FAILED`].
pub const OBSERVED: &str = "runner-terminal.dev/observed";
/// The item is a Service as the cluster has it.
pub const LIVE: &str = "live";
/// The cluster has no Service of this name.
pub const ABSENT: &str = "absent";
/// The API server does not let the host read it, as [`FAILURE`] says.
pub const FORBIDDEN: &str = "forbidden";
/// The host could not read it, for the reason in [`FAILURE`].
pub const FAILED: &str = "failed";
/// On an item that is [`FORBIDDEN`] or [`FAILED`]: why, and what to do about it.
pub const FAILURE: &str = "runner-terminal.dev/observed-failure";
/// On an item that is [`ABSENT`]: the namespace that was looked in, where the manifests say none.
pub const LOOKED_IN: &str = "runner-terminal.dev/observed-in";

/// On an item that the host has put into the list: the API server that it has asked, and where its
/// address comes from.
pub const ASKED: &str = "runner-terminal.dev/observed-at";
/// On a Service of this function's that was a live one among the items: what was observed of it, as
/// JSON.
pub const LIVE_SERVICE: &str = "runner-terminal.dev/live-service";

/// A Service by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName {
    /// Empty where the manifests say none: the namespace that they are applied to.
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

/// What a host can be asked for.
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

/// What a host has seen of a Service, or of the nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The Service, or the NodeList, as the API server gives it.
    Live(Value),
    /// There is none in the namespace of its manifest, or in this one where that says none.
    Absent {
        /// The host's default namespace.
        namespace: String,
        /// The API server, and where its address comes from, where one was asked.
        asked: Option<String>,
    },
    /// The API server does not allow it (403): who may not, and by which rule one may.
    Forbidden(String),
    /// It could not be read: why, and what to do about it.
    Failed(String),
}

/// Puts what a host has seen into the text of a ResourceList, behind the items that are there.
///
/// # Errors
/// The input is not a ResourceList.
pub fn answer<'a>(
    input: &[u8],
    answers: impl IntoIterator<Item = (&'a Subject, &'a Answer)>,
) -> Result<Vec<u8>, ReadError> {
    let list = ResourceList::read(input)?;
    let added = answers
        .into_iter()
        .map(|(subject, answer)| match subject {
            Subject::Service(name) => answer.service(name),
            Subject::Nodes => answer.nodes(),
        })
        .map(|seen| (list.len().saturating_sub(1), seen))
        .collect();
    let changes = Changes {
        added,
        ..Changes::default()
    };
    // Nothing is edited, so that no edit can fail.
    let pieces = list.write(&changes, &[]).unwrap_or_default();
    Ok(pieces.concat().into_bytes())
}

impl Answer {
    fn state(&self) -> &'static str {
        match self {
            Self::Live(_) => LIVE,
            Self::Absent { .. } => ABSENT,
            Self::Forbidden(_) => FORBIDDEN,
            Self::Failed(_) => FAILED,
        }
    }

    /// The item that says what is known of the nodes: of live ones, what matters here.
    fn nodes(&self) -> Value {
        let mut annotations = json!({OBSERVED: self.state()});
        let mut items = Vec::new();
        match self {
            Self::Failed(message) | Self::Forbidden(message) => {
                if let Some(annotations) = annotations.as_object_mut() {
                    annotations.insert(FAILURE.to_owned(), json!(message));
                }
            }
            Self::Live(list) => {
                let nodes = list.get("items").and_then(Value::as_array);
                items.extend(nodes.into_iter().flatten().map(node_address::trimmed));
            }
            Self::Absent { .. } => {}
        }
        json!({
            "apiVersion": "v1",
            "kind": "NodeList",
            "metadata": {"annotations": annotations},
            "items": items,
        })
    }

    /// The item that says it: of a live Service, what matters here.
    fn service(&self, name: &ServiceName) -> Value {
        let state = self.state();
        let service = match self {
            Self::Live(service) => service,
            Self::Absent { .. } | Self::Forbidden(_) | Self::Failed(_) => &Value::Null,
        };
        let annotations = service.at("/metadata/annotations");
        let mut annotations: Map<String, Value> = annotations
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        annotations.insert(OBSERVED.to_owned(), json!(state));
        match self {
            Self::Failed(message) | Self::Forbidden(message) => {
                annotations.insert(FAILURE.to_owned(), json!(message));
            }
            Self::Absent { namespace, asked } => {
                if name.namespace.is_empty() {
                    annotations.insert(LOOKED_IN.to_owned(), json!(namespace));
                }
                if let Some(asked) = asked {
                    annotations.insert(ASKED.to_owned(), json!(asked));
                }
            }
            Self::Live(_) => {}
        }
        let identity = Identity {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            name: name.name.clone(),
            namespace: name.namespace.clone(),
            ..Identity::default()
        };
        let mut item = identity.skeleton();
        if let Some(metadata) = item.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("annotations".to_owned(), Value::Object(annotations));
            if let Some(since) = service.at("/metadata/deletionTimestamp") {
                metadata.insert("deletionTimestamp".to_owned(), since.clone());
            }
        }
        for section in ["spec", "status"] {
            if let Some(value) = service.get(section) {
                item.insert(section.to_owned(), value.clone());
            }
        }
        Value::Object(item)
    }
}

/// One observation.
#[derive(Clone, Debug)]
pub enum Observation {
    /// The Service as the cluster has it.
    Live {
        /// The Service.
        service: Box<Resource>,
        /// The host has read it for this run, rather than the user some time ago.
        by_host: bool,
    },
    /// The cluster has none.
    Absent {
        /// The namespace that was looked in, where the manifests say none.
        looked_in: Option<String>,
        /// The API server that was asked.
        asked: Option<String>,
    },
    /// The host may not read it, and says by which rule it might.
    Forbidden(String),
    /// The host could not read it, and says why.
    Failed(String),
}

/// What was observed of the nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodesSeen {
    /// They are these.
    Live(Vec<Value>),
    /// The host may not read them, and by which rule it might.
    Forbidden(String),
    /// They could not be read, and why.
    Failed(String),
}

/// All that was observed.
#[derive(Debug, Default)]
pub struct Observed {
    services: BTreeMap<ServiceName, Observation>,
    nodes: Option<NodesSeen>,
    /// Items that the host has put into the list.
    pub injected: Vec<Resource>,
}

impl Observed {
    /// Collects what the list holds.
    ///
    /// # Errors
    /// A Service with a status that cannot be parsed.
    pub fn collect(list: &ResourceList<'_>) -> Result<Self, ReadError> {
        let mut observed = Self::default();
        let mut recorded = Vec::new();
        for item in list.candidates(&["Service"], "loadBalancer") {
            let resource = list.resource(item)?;
            if is_live(&resource) {
                observed.add_export(resource);
            } else if let Some(live) = recorded_in(&resource) {
                recorded.push(live);
            }
        }
        // An export that is still there is newer than the record of one.
        for live in recorded {
            if !observed.services.contains_key(&name_of(&live)) {
                observed.add_export(live);
            }
        }
        for item in list.candidates(&["Service"], OBSERVED) {
            let resource = list.resource(item)?;
            let observation = match resource.annotation(OBSERVED) {
                Some(LIVE) => Observation::Live {
                    service: Box::new(resource.clone()),
                    by_host: true,
                },
                Some(ABSENT) => Observation::Absent {
                    looked_in: resource.annotation(LOOKED_IN).map(str::to_owned),
                    asked: resource.annotation(ASKED).map(str::to_owned),
                },
                Some(state @ (FORBIDDEN | FAILED)) => {
                    let message = resource.annotation(FAILURE);
                    let message = message.unwrap_or("could not be read").to_owned();
                    if state == FORBIDDEN {
                        Observation::Forbidden(message)
                    } else {
                        Observation::Failed(message)
                    }
                }
                _ => continue,
            };
            // After the exports, over which it wins: it was read just now.
            observed.services.insert(name_of(&resource), observation);
            observed.injected.push(resource);
        }
        observed.collect_nodes(list)?;
        Ok(observed)
    }

    /// What was observed of the nodes.
    pub fn nodes(&self) -> Option<&NodesSeen> {
        self.nodes.as_ref()
    }

    fn collect_nodes(&mut self, list: &ResourceList<'_>) -> Result<(), ReadError> {
        let mut exported = Vec::new();
        for item in list.candidates(&["Node"], "addresses") {
            let resource = list.resource(item)?;
            if node_address::is_node(&resource.value) {
                exported.push(resource.value.as_ref().clone());
            }
        }
        if !exported.is_empty() {
            self.nodes = Some(NodesSeen::Live(exported));
        }
        for item in list.candidates(&["NodeList"], OBSERVED) {
            let resource = list.resource(item)?;
            let Some(state) = resource.annotation(OBSERVED) else {
                continue;
            };
            let nodes = resource.value.get("items").and_then(Value::as_array);
            // After the exports, over which it wins: it was read just now.
            let message = resource.annotation(FAILURE).unwrap_or("could not be read");
            self.nodes = Some(match state {
                LIVE => NodesSeen::Live(nodes.cloned().unwrap_or_default()),
                FORBIDDEN => NodesSeen::Forbidden(message.to_owned()),
                _ => NodesSeen::Failed(message.to_owned()),
            });
            self.injected.push(resource);
        }
        Ok(())
    }

    /// What was observed of one Service.
    pub fn service(&self, name: &ServiceName) -> Option<&Observation> {
        let seen = self.services.get(name);
        // An export says `default` where manifests may leave the namespace out.
        let exported = || {
            let name = ServiceName {
                namespace: "default".to_owned(),
                name: name.name.clone(),
            };
            self.services.get(&name)
        };
        seen.or_else(|| name.namespace.is_empty().then(exported).flatten())
    }

    /// The API server that was asked about a Service.
    pub(crate) fn asked(&self, service: &Identity) -> Option<String> {
        let name = ServiceName {
            namespace: service.namespace.clone(),
            name: service.name.clone(),
        };
        match self.service(&name)? {
            Observation::Live { service, .. } => service.annotation(ASKED).map(str::to_owned),
            Observation::Absent { asked, .. } => asked.clone(),
            Observation::Forbidden(_) | Observation::Failed(_) => None,
        }
    }

    /// True where a live Service that was observed has an address of a load balancer.
    pub(crate) fn has_address(&self, name: &ServiceName) -> bool {
        match self.service(name) {
            Some(Observation::Live { service, .. }) => {
                let ingress = service.value.at("/status/loadBalancer/ingress");
                let ingress = ingress.and_then(Value::as_array);
                ingress.is_some_and(|entries| !entries.is_empty())
            }
            _ => false,
        }
    }

    fn add_export(&mut self, service: Resource) {
        let name = name_of(&service);
        self.services.insert(
            name,
            Observation::Live {
                service: Box::new(service),
                by_host: false,
            },
        );
    }
}

fn name_of(service: &Resource) -> ServiceName {
    ServiceName {
        namespace: service.identity.namespace.clone(),
        name: service.identity.name.clone(),
    }
}

/// The live Service that [`LIVE_SERVICE`] records on a manifest.
fn recorded_in(manifest: &Resource) -> Option<Resource> {
    let record: Value = serde_json::from_str(manifest.annotation(LIVE_SERVICE)?).ok()?;
    let mut service = manifest.identity.skeleton();
    let annotations = manifest.value.at("/metadata/annotations").cloned();
    if let Some(metadata) = service.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.extend(annotations.map(|all| ("annotations".to_owned(), all)));
        let since = record.get("deletionTimestamp").cloned();
        metadata.extend(since.map(|since| ("deletionTimestamp".to_owned(), since)));
    }
    let spec = ["type", "ports", "externalIPs", "ipFamilies"];
    let spec = spec
        .iter()
        .filter_map(|field| Some(((*field).to_owned(), record.get(*field)?.clone())));
    service.insert("spec".to_owned(), Value::Object(spec.collect()));
    let status = json!({"loadBalancer": record.get("loadBalancer")});
    service.insert("status".to_owned(), status);
    Some(Resource::new(manifest.item, Value::Object(service)))
}

/// True for a Service with a status: a manifest has none.
pub fn is_live(resource: &Resource) -> bool {
    resource.identity.kind == "Service" && resource.value.at("/status/loadBalancer").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: A\n";

    fn name() -> ServiceName {
        ServiceName {
            namespace: "ci".to_owned(),
            name: "s".to_owned(),
        }
    }

    fn absent() -> Answer {
        Answer::Absent {
            namespace: "default".to_owned(),
            asked: Some("api.example.com:6443 (context one)".to_owned()),
        }
    }

    #[test]
    fn what_was_answered_is_observed_and_marked() {
        let live = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "s", "namespace": "ci", "managedFields": [{"manager": "x"}],
                "annotations": {"a": "b"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}});
        for (answer, state) in [
            (Answer::Live(live), LIVE),
            (absent(), ABSENT),
            (Answer::Forbidden("no".to_owned()), FORBIDDEN),
            (Answer::Failed("it's \"broken\":\n- a".to_owned()), FAILED),
        ] {
            let text =
                super::answer(LIST.as_bytes(), [(&Subject::Service(name()), &answer)]).unwrap();
            assert!(!String::from_utf8_lossy(&text).contains("managedFields"));
            let list = ResourceList::read(&text).unwrap();
            let observed = Observed::collect(&list).unwrap();
            assert_eq!(observed.injected.len(), 1);
            assert_eq!(observed.injected[0].annotation(OBSERVED), Some(state));
            match (observed.service(&name()).unwrap(), &answer) {
                (
                    Observation::Absent {
                        looked_in: None,
                        asked: seen,
                    },
                    Answer::Absent { asked, .. },
                ) => assert_eq!(seen, asked),
                (Observation::Failed(said), Answer::Failed(message))
                | (Observation::Forbidden(said), Answer::Forbidden(message)) => {
                    assert_eq!(said, message);
                }
                (Observation::Live { service, by_host }, Answer::Live(_)) => {
                    assert!(by_host);
                    assert_eq!(service.annotation("a"), Some("b"));
                    assert!(is_live(service));
                    assert!(service.value.at("/metadata/deletionTimestamp").is_some());
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn answers_go_into_lists_of_any_form() {
        for list in [
            LIST,
            "{\"apiVersion\": \"config.kubernetes.io/v1\", \"kind\": \"ResourceList\", \"items\": [{}]}",
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: A\nfunctionConfig: {}\n",
        ] {
            let text = answer(list.as_bytes(), [(&Subject::Service(name()), &absent())]).unwrap();
            let list = ResourceList::read(&text).unwrap();
            let observed = Observed::collect(&list).unwrap();
            assert!(matches!(
                observed.service(&name()),
                Some(Observation::Absent { .. })
            ));
        }
    }
}
