//! Collects the observations that a list holds.

use std::collections::BTreeMap;

use krm::resource::{Identity, Resource};
use krm::resource_list::{ReadError, ResourceList};
use serde_json::{Value, json};
use yaml_splice::pointer::At as _;

use super::{
    ABSENT, ASKED, FAILED, FORBIDDEN, Forbidden, LIVE, LIVE_SERVICE, LOOKED_IN, OBSERVED,
    ServiceName, answer::failure, node_address,
};

/// One observation.
#[derive(Clone, Debug)]
pub enum Observation {
    /// The Service in the cluster.
    Live {
        /// The Service.
        service: Box<Resource>,
        /// The host has read it for this run; otherwise the user exported it some time ago.
        by_host: bool,
    },
    /// The cluster does not have it.
    Absent {
        /// The namespace that was searched, if the manifests have none.
        looked_in: Option<String>,
        /// The API server that was asked.
        asked: Option<String>,
    },
    /// The host may not read it.
    Forbidden(Forbidden),
    /// The host could not read it, for this reason.
    Failed(String),
}

/// What was observed of the nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodesSeen {
    /// The nodes.
    Live(Vec<Value>),
    /// The host may not read them.
    Forbidden(Forbidden),
    /// They could not be read, for this reason.
    Failed(String),
}

/// Everything that was observed.
#[derive(Debug, Default)]
pub struct Observed {
    services: BTreeMap<ServiceName, Observation>,
    nodes: Option<NodesSeen>,
    /// Items that the host has added to the list.
    pub injected: Vec<Resource>,
}

impl Observed {
    /// Collects the observations in the list.
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
        // An export is newer than the annotation of an earlier run.
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
                Some(FORBIDDEN) => Observation::Forbidden(Forbidden::read(&resource)),
                Some(FAILED) => Observation::Failed(failure(&resource)),
                _ => continue,
            };
            // This comes after the exports and replaces them: it was read just now.
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
            // This comes after the exports and replaces them: it was read just now.
            self.nodes = Some(match state {
                LIVE => NodesSeen::Live(nodes.cloned().unwrap_or_default()),
                FORBIDDEN => NodesSeen::Forbidden(Forbidden::read(&resource)),
                _ => NodesSeen::Failed(failure(&resource)),
            });
            self.injected.push(resource);
        }
        Ok(())
    }

    /// What was observed of one Service.
    pub fn service(&self, name: &ServiceName) -> Option<&Observation> {
        let seen = self.services.get(name);
        // An export says `default`; manifests may leave the namespace out.
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

    /// True if the observed live Service has a load balancer address.
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

/// True for a Service with a status, which a manifest does not have.
pub fn is_live(resource: &Resource) -> bool {
    resource.identity.kind == "Service" && resource.value.at("/status/loadBalancer").is_some()
}
