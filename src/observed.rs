//! What was observed of a cluster: live Services, by namespace and name.
//!
//! The core never talks to a cluster. A live Service comes with the items: as the user's own
//! export (`kubectl get service -o yaml`, often with the local-config annotation), or put there
//! by a host that can read the cluster, under the annotation [`OBSERVED`]. What a host has put
//! there is taken out of the output again.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::resource::Resource;
use crate::resource_list::{ReadError, ResourceList};

/// On an item that the host has put into the list: [`LIVE`] or [`ABSENT`].
pub const OBSERVED: &str = "runner-terminal.dev/observed";
/// The item is a Service as the cluster has it.
pub const LIVE: &str = "live";
/// The cluster has no Service of this name.
pub const ABSENT: &str = "absent";

/// A tag of a result that asks the host for the Service that the result is about.
pub const OBSERVE_TAG: &str = "runner-terminal.dev/observe";

/// The kinds that can hold a live Service; `kubectl` prints several as a List.
const KINDS: [&str; 3] = ["Service", "List", "ServiceList"];

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
    Absent,
}

/// All that was observed.
#[derive(Debug, Default)]
pub struct Observed {
    services: BTreeMap<(String, String), Observation>,
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
        for item in list.candidates(&KINDS, "loadBalancer") {
            let resource = list.resource(item)?;
            if is_live(&resource) {
                observed.add(resource);
            } else if let Some(members) = resource.value.get("items").and_then(Value::as_array) {
                let members = members
                    .iter()
                    .map(|value| Resource::new(item, value.clone()));
                members
                    .filter(is_live)
                    .for_each(|member| observed.add(member));
            }
        }
        for item in list.candidates(&["Service"], OBSERVED) {
            let resource = list.resource(item)?;
            match resource.annotation(OBSERVED) {
                Some(ABSENT) => {
                    let identity = &resource.identity;
                    let key = (identity.namespace.clone(), identity.name.clone());
                    observed.services.insert(key, Observation::Absent);
                    observed.injected.push(resource);
                }
                Some(LIVE) => {
                    observed.add(resource.clone());
                    observed.injected.push(resource);
                }
                _ => {}
            }
        }
        Ok(observed)
    }

    /// What was observed of one Service.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&Observation> {
        // An export says `default` where manifests may leave the namespace out.
        let namespaces = if namespace.is_empty() {
            ["", "default"]
        } else {
            [namespace; 2]
        };
        namespaces.iter().find_map(|namespace| {
            self.services
                .get(&((*namespace).to_owned(), name.to_owned()))
        })
    }

    fn add(&mut self, service: Resource) {
        let key = (
            service.identity.namespace.clone(),
            service.identity.name.clone(),
        );
        let by_host = service.annotation(OBSERVED) == Some(LIVE);
        // What the host has read just now wins over an export of the user's.
        let known_by_host = matches!(
            self.services.get(&key),
            Some(Observation::Live { by_host: true, .. })
        );
        if by_host || !known_by_host {
            self.services.insert(
                key,
                Observation::Live {
                    service: Box::new(service),
                    by_host,
                },
            );
        }
    }
}

/// True for a Service with a status: a manifest has none.
pub fn is_live(resource: &Resource) -> bool {
    resource.identity.kind == "Service" && resource.value.pointer("/status/loadBalancer").is_some()
}
