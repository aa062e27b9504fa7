//! The objects beside the Service: an Ingress, a TLSRoute, a NetworkPolicy, Roles, the relay.

use std::collections::BTreeSet;

use serde_json::Value;

use super::owned;
use super::service::{self, Existing};
use super::shard::Sharding;
use crate::digest::short_hash;
use crate::exposure::{GATEWAY_GROUP, RELAY_NAMESPACE, relay_name};
use crate::ownership::is_ours;
use crate::rbac;
use crate::runner::Workload;
use krm::Internal;
use krm::patch::Patches;
use krm::resource::{Identity, Resource};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::Refusal;
use yaml_splice::pointer::At as _;

/// Where to look for the objects of a runner.
#[derive(Clone, Copy, Debug)]
pub(super) struct CompanionScope<'a> {
    /// Their names are derived from this Service's name, and most are in its namespace.
    pub(super) service: &'a Identity,
    /// The namespace that an earlier run used for the relay.
    pub(super) relay: Option<&'a str>,
}

impl<'a> CompanionScope<'a> {
    /// The objects beside a Service.
    pub(super) fn of(service: &'a Resource) -> Self {
        Self {
            service: &service.identity,
            relay: service.annotation(RELAY_NAMESPACE),
        }
    }
}

/// A kind of object that this function makes.
struct Kind {
    kind: &'static str,
    /// Its API group.
    group: &'static str,
    /// The suffix of its name; the rest is the Service's name.
    suffix: &'static str,
}

const fn kind(kind: &'static str, group: &'static str, suffix: &'static str) -> Kind {
    Kind {
        kind,
        group,
        suffix,
    }
}

const RBAC: &str = rbac::GROUP;
const NODE_READER: &str = "-node-reader";
const RELAY: &str = "-relay";

/// All the kinds, in the order in which the objects are added.
const KINDS: [Kind; 17] = [
    kind("Role", RBAC, "-reader"),
    kind("RoleBinding", RBAC, "-reader"),
    kind("ClusterRole", RBAC, NODE_READER),
    kind("ClusterRoleBinding", RBAC, NODE_READER),
    kind("Ingress", "networking.k8s.io", ""),
    kind("IngressRouteTCP", "traefik.io", ""),
    kind("HTTPProxy", "projectcontour.io", ""),
    kind("Route", "route.openshift.io", ""),
    kind("Gateway", GATEWAY_GROUP, ""),
    kind("TLSRoute", GATEWAY_GROUP, ""),
    kind("ServiceAccount", "", RELAY),
    kind("Secret", "", RELAY),
    kind("Role", RBAC, RELAY),
    kind("RoleBinding", RBAC, RELAY),
    kind("Deployment", "apps", RELAY),
    kind("Service", "", RELAY),
    kind("NetworkPolicy", "networking.k8s.io", ""),
];

impl Kind {
    /// True for a cluster-scoped kind.
    fn is_of_cluster(&self) -> bool {
        self.kind.starts_with("Cluster")
    }

    /// The name of the object beside a Service. The name of a cluster-scoped object includes the
    /// Service's namespace.
    fn name(&self, service: &Identity) -> String {
        if self.suffix == RELAY {
            return relay_name(&service.name);
        }
        let name = format!("{}{}", service.name, self.suffix);
        let namespace = &service.namespace;
        if !self.is_of_cluster() || namespace.is_empty() {
            return name;
        }
        // `a` with `b-c` and `a-b` with `c` would have the same name.
        if namespace.contains('-') {
            let hash = short_hash(&format!("{namespace}/{}", service.name));
            return format!("{namespace}-{name}-{hash}");
        }
        format!("{namespace}-{name}")
    }
}

/// The name of the ClusterRole that reads nodes for a Service, and of its binding.
pub(super) fn node_reader_name(service: &Identity) -> String {
    kind("ClusterRole", RBAC, NODE_READER).name(service)
}

/// What happens to an object beside the Service.
#[derive(Clone, Debug)]
pub enum CompanionPlan {
    /// It is added.
    Made(Value),
    /// An object of an earlier run is updated.
    Updated {
        /// The current object.
        existing: Resource,
        /// The desired object.
        desired: Value,
    },
    /// An object of an earlier run is removed.
    Removed(Resource),
}

impl CompanionPlan {
    /// The resource that is removed.
    pub(crate) fn removed(&self) -> Option<&Resource> {
        match self {
            Self::Removed(resource) => Some(resource),
            Self::Made(_) | Self::Updated { .. } => None,
        }
    }

    /// Writes the object; a new one comes after its workload.
    pub(super) fn patch(self, workload: &Resource, patches: &mut Patches) {
        match self {
            Self::Made(object) => patches.add_after(workload, object),
            Self::Updated { existing, desired } => update(&existing, &desired, patches),
            Self::Removed(existing) => patches.remove_item(&existing),
        }
    }
}

/// Plans the desired objects. Objects of an earlier run are updated, or removed if they are not desired.
///
/// # Errors
/// An object of that name was not made by this function, or cannot be parsed.
pub(super) fn plan(
    list: &ResourceList<'_>,
    desired: &[Value],
    scope: CompanionScope<'_>,
    workload: &Workload,
) -> Result<Vec<CompanionPlan>, Refusal> {
    let mut plans = Vec::new();
    let mut unknown = desired.len();
    for kind in &KINDS {
        let name = kind.name(scope.service);
        let wanted = desired.iter().find(|object| {
            text(object, "/kind") == kind.kind && text(object, "/metadata/name") == name
        });
        unknown -= usize::from(wanted.is_some());
        let namespace = wanted.map(|object| text(object, "/metadata/namespace"));
        let mut is_there = false;
        for existing in find(list, kind, &name, scope, namespace)? {
            let is_ours = is_ours(&existing);
            let is_in_place = Some(existing.identity.namespace.as_str()) == namespace;
            match wanted.filter(|_| is_in_place) {
                Some(_) if !is_ours => return Err(owned::not_ours(&existing)),
                Some(object) => {
                    is_there = true;
                    let desired = mark(object, workload)?;
                    plans.push(CompanionPlan::Updated { existing, desired });
                }
                None if is_ours => plans.push(CompanionPlan::Removed(existing)),
                None => {}
            }
        }
        if let Some(object) = wanted.filter(|_| !is_there) {
            plans.push(CompanionPlan::Made(mark(object, workload)?));
        }
    }
    if unknown > 0 {
        return Err(Internal::new(
            "an object beside a Service has a kind or a name that no later run would find",
        )
        .into());
    }
    Ok(plans)
}

/// The objects that an earlier run made.
///
/// # Errors
/// An object of that name that cannot be parsed.
pub(super) fn made(
    list: &ResourceList<'_>,
    scope: CompanionScope<'_>,
) -> Result<Vec<Resource>, ReadError> {
    let mut made = Vec::new();
    for kind in &KINDS {
        made.extend(find(list, kind, &kind.name(scope.service), scope, None)?);
    }
    made.retain(is_ours);
    Ok(made)
}

/// What an earlier run added for a workload that is now split into shards: its Service, which would
/// select the pods of all shards, and the companions of that Service or of pods that were reached
/// individually.
///
/// # Errors
/// An object of that name that cannot be parsed.
pub fn left_by_sharding(
    list: &ResourceList<'_>,
    sharding: &Sharding,
) -> Result<Vec<Resource>, Refusal> {
    let mut left = Vec::new();
    for resource in sharding.resources.iter().filter(|one| one.copy.is_none()) {
        let Some(workload) = Workload::new(resource.original.clone()) else {
            continue;
        };
        match service::find(list, &workload)? {
            Existing::Ours(service) => {
                left.extend(made(list, CompanionScope::of(&service))?);
                left.push(service);
            }
            Existing::None(service) => {
                let scope = CompanionScope {
                    service: &service,
                    relay: None,
                };
                left.extend(made(list, scope)?);
            }
            Existing::Foreign(_) => {}
        }
    }
    Ok(left)
}

/// True if the list has the Role or ClusterRole for a Service's readers. Until it is applied, they
/// are not allowed to read, which is not an error.
pub(super) fn have(list: &ResourceList<'_>, role: &str, service: &Identity) -> bool {
    let scope = CompanionScope {
        service,
        relay: None,
    };
    let role = KINDS.iter().find(|kind| kind.kind == role);
    role.is_some_and(|role| {
        let found = find(list, role, &role.name(service), scope, None);
        found.is_ok_and(|found| !found.is_empty())
    })
}

fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    let text = object.at(pointer).and_then(Value::as_str);
    text.unwrap_or_default()
}

/// Marks the object as ours. Its own labels and annotations are kept.
fn mark(object: &Value, workload: &Workload) -> Result<Value, Refusal> {
    owned::mark(
        object.clone(),
        workload,
        &owned::texts(object, "labels"),
        &owned::texts(object, "annotations"),
    )
}

/// Replaces each field as a whole, as a rule that somebody added would be a permission that the
/// functionConfig does not ask for. Other fields are left alone, such as the data of a token's Secret.
fn update(existing: &Resource, desired: &Value, patches: &mut Patches) {
    owned::update_metadata(existing, desired, patches);
    for (field, value) in desired.as_object().into_iter().flatten() {
        if !["kind", "metadata"].contains(&field.as_str()) {
            patches.set(existing, &format!("/{field}"), value.clone());
        }
    }
}

/// The objects with a name in the Service's namespace, in the desired namespace, and in that of an
/// earlier run's relay.
fn find(
    list: &ResourceList<'_>,
    kind: &Kind,
    name: &str,
    scope: CompanionScope<'_>,
    wanted: Option<&str>,
) -> Result<Vec<Resource>, ReadError> {
    let namespaces = [Some(scope.service.namespace.as_str()), scope.relay, wanted];
    let mut namespaces: BTreeSet<&str> = namespaces.into_iter().flatten().collect();
    if kind.is_of_cluster() {
        namespaces = BTreeSet::from([""]);
    }
    let mut found = Vec::new();
    for namespace in namespaces {
        found.extend(owned::find(list, kind.kind, name, namespace)?);
    }
    // Other API groups have kinds of the same name.
    found.retain(|object| {
        let version = &object.identity.api_version;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        group == kind.group
    });
    Ok(found)
}
