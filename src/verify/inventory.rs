//! The resources of a list that the checks look at.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::observed::{self, OBSERVED};
use crate::ownership::is_ours;
use crate::runner::{WORKLOAD_KINDS, Workload};
use krm::bookkeeping::OWNED_BY;
use krm::resource::{Identity, PREVIOUS_NAMES, Resource};
use krm::resource_list::{ReadError, ResourceList};
use yaml_splice::pointer::At as _;

/// The kinds of objects, besides Services and workloads, that the SessionServer makes.
const OWNED_KINDS: [&str; 13] = [
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "Ingress",
    "IngressRouteTCP",
    "HTTPProxy",
    "Route",
    "Gateway",
    "TLSRoute",
    "ServiceAccount",
    "Secret",
    "NetworkPolicy",
];

/// The kinds of objects that lead a host name to a Service, whoever made them.
const ROUTE_KINDS: [&str; 5] = [
    "Ingress",
    "IngressRouteTCP",
    "HTTPProxy",
    "Route",
    "TLSRoute",
];

/// The resources that the checks examine.
#[derive(Debug)]
pub(super) struct Inventory {
    /// The declared Services.
    pub(super) services: Vec<Resource>,
    /// The resources that run pods, runners or not.
    pub(super) workloads: Vec<Workload>,
    /// The places in the list of the workloads that run gitlab-runner.
    pub(super) runners: BTreeSet<usize>,
    /// The resources that the SessionServer added, besides Services and workloads.
    pub(super) owned: Vec<Resource>,
    /// The resources that route a host name to a Service.
    pub(super) routes: Vec<Resource>,
}

impl Inventory {
    /// Parses them.
    ///
    /// # Errors
    /// One of them cannot be parsed.
    pub(super) fn read(
        list: &ResourceList<'_>,
        runners: BTreeSet<usize>,
    ) -> Result<Self, ReadError> {
        let all = |kinds: &[&str], word: &str| -> Result<Vec<Resource>, ReadError> {
            let resources = list.candidates(kinds, word).into_iter();
            let mut resources = resources
                .map(|item| list.resource(item))
                .collect::<Result<Vec<_>, _>>()?;
            resources.retain(|resource| kinds.contains(&resource.identity.kind.as_str()));
            Ok(resources)
        };
        let mut services = all(&["Service"], "")?;
        // Knative has Services too.
        services.retain(|service| service.identity.api_version == "v1");
        services.retain(|service| service.annotation(OBSERVED).is_none());
        services = without_exports(services);
        let workloads = all(&WORKLOAD_KINDS, "")?;
        let mut owned = all(&OWNED_KINDS, OWNED_BY)?;
        owned.retain(is_ours);
        Ok(Self {
            services,
            workloads: workloads.into_iter().filter_map(Workload::new).collect(),
            runners,
            owned,
            routes: all(&ROUTE_KINDS, "")?,
        })
    }

    /// The workloads in a namespace whose pods have these labels.
    pub(super) fn selected<'i>(
        &'i self,
        selector: &'i Map<String, Value>,
        namespace: &'i str,
    ) -> impl Iterator<Item = &'i Workload> + 'i {
        self.workloads.iter().filter(move |workload| {
            same_namespace(&workload.resource.identity.namespace, namespace)
                && selects(selector, workload)
        })
    }

    /// The Service of a name.
    pub(super) fn service(&self, name: &str, namespace: &str) -> Option<&Resource> {
        self.services.iter().find(|service| {
            service.identity.name == name && same_namespace(&service.identity.namespace, namespace)
        })
    }
}

/// The Services, except live ones beside a manifest of the same name.
fn without_exports(services: Vec<Resource>) -> Vec<Resource> {
    let declared: Vec<Identity> = services
        .iter()
        .filter(|service| !observed::is_live(service))
        .map(|service| service.identity.clone())
        .collect();
    let is_declared = |service: &Resource| {
        declared.iter().any(|other| {
            other.name == service.identity.name
                && same_namespace(&other.namespace, &service.identity.namespace)
        })
    };
    services
        .into_iter()
        .filter(|service| !observed::is_live(service) || !is_declared(service))
        .collect()
}

/// A missing namespace may be any: it is set when the manifests are applied.
pub(super) fn same_namespace(one: &str, other: &str) -> bool {
    one.is_empty() || other.is_empty() || one == other
}

/// True if the workload's pods have these labels. As in a Service, an empty selector selects
/// nothing.
pub(super) fn selects(selector: &Map<String, Value>, workload: &Workload) -> bool {
    let labels = workload.pod_labels();
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

/// The selector of a Service; empty when it has none.
pub(super) fn selector_of(service: &Resource) -> Map<String, Value> {
    let selector = service.value.at("/spec/selector");
    selector
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// The target of a reference by name.
#[derive(Debug)]
pub(super) enum Reference {
    /// A resource that has this name now.
    Current,
    /// One that had this name before kustomize renamed it. kustomize updates the references that it
    /// knows at the end of a build.
    Renamed(Identity),
    /// Nothing in the list.
    Missing,
}

/// Looks up a reference.
///
/// # Errors
/// A resource of that kind cannot be parsed.
pub(super) fn look_up(
    list: &ResourceList<'_>,
    kind: &str,
    name: &str,
    namespace: &str,
) -> Result<Reference, ReadError> {
    let mut renamed = Reference::Missing;
    for item in list.candidates(&[kind], name) {
        let resource = list.resource(item)?;
        let identity = &resource.identity;
        if identity.kind != kind || !same_namespace(&identity.namespace, namespace) {
            continue;
        }
        if identity.name == name {
            return Ok(Reference::Current);
        }
        let previous = resource.annotation(PREVIOUS_NAMES).unwrap_or_default();
        if previous.split(',').any(|previous| previous == name) {
            renamed = Reference::Renamed(identity.clone());
        }
    }
    Ok(renamed)
}
