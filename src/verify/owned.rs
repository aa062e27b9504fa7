//! The resources that the SessionServer added: whether the names in them still exist.
//!
//! kustomize renames resources, and updates only the references that it knows: the backend of an
//! Ingress, the role of a RoleBinding and its service accounts. Source: kustomize's default
//! `nameReference` configuration.

use serde_json::{Map, Value};

use super::inventory::{Inventory, Reference, look_up, same_namespace, selector_of};
use super::route;
use crate::ownership::is_ours;
use krm::resource::{Resource, display_name};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::FunctionResult;
use yaml_splice::pointer::At as _;

/// What to do about a name from an earlier build step.
const REMEDY: &str = "Where a prefix or a namespace was set after the SessionServer ran, run it in \
                      the kustomization that sets it";

/// When kustomize updates a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Updated {
    Always,
    /// Only with a `nameReference` configuration of the user.
    WhenConfigured,
    Never,
}

/// The problems of the objects that the SessionServer added.
///
/// # Errors
/// A resource that one of them refers to cannot be parsed.
pub(super) fn findings(
    list: &ResourceList<'_>,
    inventory: &Inventory,
) -> Result<Vec<FunctionResult>, ReadError> {
    let mut findings: Vec<FunctionResult> = inventory
        .services
        .iter()
        .filter(|service| is_ours(service))
        .filter_map(|service| without_pods(inventory, service))
        .collect();
    for object in &inventory.owned {
        match object.identity.kind.as_str() {
            "Role" => findings.extend(role(list, object)?),
            "RoleBinding" | "ClusterRoleBinding" => findings.extend(binding(list, object)?),
            "Ingress" => findings.extend(backends(list, object, Updated::Always)?),
            "TLSRoute" => {
                findings.extend(backends(list, object, Updated::Never)?);
                findings.extend(parents(list, inventory, object)?);
            }
            "IngressRouteTCP" | "HTTPProxy" | "Route" => {
                findings.extend(backends(list, object, Updated::Never)?);
            }
            "NetworkPolicy" => findings.extend(policy(inventory, object)),
            "Secret" => findings.extend(token(list, object)?),
            _ => {}
        }
        if object.identity.kind.starts_with("ClusterRole") {
            findings.extend(cluster_name(inventory, object));
        }
    }
    Ok(findings)
}

/// Reports a Service of ours that selects no pods.
fn without_pods(inventory: &Inventory, service: &Resource) -> Option<FunctionResult> {
    let selector = selector_of(service);
    let mut selected = inventory.selected(&selector, &service.identity.namespace);
    if selected.next().is_some() {
        return None;
    }
    let message = format!(
        "selects the pods of no workload of these manifests: its runner has other labels or another \
         namespace now, or is gone. {REMEDY}; where the runner is gone, delete this Service"
    );
    Some(
        FunctionResult::error(message)
            .about(&service.identity)
            .at("spec.selector"),
    )
}

/// The Services that a Role allows somebody to read.
fn role(list: &ResourceList<'_>, role: &Resource) -> Result<Vec<FunctionResult>, ReadError> {
    let mut findings = Vec::new();
    let rules = role.value.get("rules").and_then(Value::as_array);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let resources = route::at(rule, &["resources", "*"]);
        if !resources.iter().any(|resource| *resource == "services") {
            continue;
        }
        for name in route::at(rule, &["resourceNames", "*"]) {
            let name = name.as_str().unwrap_or_default();
            let place = format!("rules[{index}].resourceNames");
            let found = reference(list, role, "Service", name, None, Updated::WhenConfigured)?;
            findings.extend(found.map(|finding| finding.at(place)));
        }
    }
    Ok(findings)
}

/// The role and the service accounts of a binding.
fn binding(list: &ResourceList<'_>, binding: &Resource) -> Result<Vec<FunctionResult>, ReadError> {
    let text = |pointer: &str| {
        let text = binding.value.at(pointer).and_then(Value::as_str);
        text.unwrap_or_default()
    };
    let (kind, role) = (text("/roleRef/kind"), text("/roleRef/name"));
    let mut findings = Vec::new();
    let found = reference(list, binding, kind, role, None, Updated::Always)?;
    findings.extend(found.map(|finding| finding.at("roleRef.name")));
    let subjects = binding.value.get("subjects").and_then(Value::as_array);
    for (index, subject) in subjects.into_iter().flatten().enumerate() {
        let text = |field: &str| {
            let text = subject.get(field).and_then(Value::as_str);
            text.unwrap_or_default()
        };
        if text("kind") != "ServiceAccount" {
            continue;
        }
        let (name, namespace) = (text("name"), text("namespace"));
        let place = format!("subjects[{index}]");
        let there = look_up(list, "ServiceAccount", name, namespace)?;
        if !matches!(there, Reference::Missing) {
            continue;
        }
        // At the end of a build, kustomize moves and renames the accounts that it knows.
        if list.has_renamed_items()
            && !matches!(
                look_up(list, "ServiceAccount", name, "")?,
                Reference::Missing
            )
        {
            continue;
        }
        let account = display_name("ServiceAccount", name, namespace);
        let elsewhere = list
            .candidates(&["ServiceAccount"], name)
            .into_iter()
            .map(|item| list.head(item))
            .find(|(kind, other, _)| *kind == "ServiceAccount" && *other == name);
        let finding = if name == role {
            // The relay's account is added along with the binding.
            FunctionResult::error(format!(
                "names {account}, which is not in these manifests. {REMEDY}"
            ))
        } else if let Some((_, _, other)) = elsewhere {
            FunctionResult::warning(format!(
                "names {account}, and these manifests have that account in the namespace {other}"
            ))
        } else {
            // An account of another installation, such as Argo CD's.
            continue;
        };
        findings.push(finding.about(&binding.identity).at(place));
    }
    Ok(findings)
}

/// The Services that a route leads to.
fn backends(
    list: &ResourceList<'_>,
    object: &Resource,
    updated: Updated,
) -> Result<Vec<FunctionResult>, ReadError> {
    let mut findings = Vec::new();
    for backend in route::backends(object) {
        let namespace = Some(backend.namespace);
        let found = reference(list, object, "Service", backend.name, namespace, updated)?;
        findings.extend(found.map(|finding| finding.at("spec")));
    }
    Ok(findings)
}

/// The Gateway of a TLSRoute, if it was added beside it.
fn parents(
    list: &ResourceList<'_>,
    inventory: &Inventory,
    object: &Resource,
) -> Result<Vec<FunctionResult>, ReadError> {
    let mut findings = Vec::new();
    let own = |namespace: &str| namespace == object.identity.namespace;
    for parent in route::at(&object.value, &["spec", "parentRefs", "*"]) {
        let text = |field: &str| parent.get(field).and_then(Value::as_str);
        let (Some(name), None) = (text("name"), text("namespace").filter(|n| !own(n))) else {
            continue;
        };
        let has_made_one = inventory.owned.iter().any(|gateway| {
            gateway.identity.kind == "Gateway"
                && same_namespace(&gateway.identity.namespace, &object.identity.namespace)
        });
        if has_made_one {
            let found = reference(list, object, "Gateway", name, None, Updated::Never)?;
            findings.extend(found.map(|finding| finding.at("spec.parentRefs")));
        }
    }
    Ok(findings)
}

/// The pods of a NetworkPolicy.
fn policy(inventory: &Inventory, policy: &Resource) -> Option<FunctionResult> {
    let labels = policy.value.at("/spec/podSelector/matchLabels");
    let labels: Map<String, Value> = labels.and_then(Value::as_object)?.clone();
    let mut selected = inventory.selected(&labels, &policy.identity.namespace);
    if labels.is_empty() || selected.next().is_some() {
        return None;
    }
    let message = format!(
        "selects the pods of no workload of these manifests, so it guards nothing. {REMEDY}"
    );
    Some(
        FunctionResult::error(message)
            .about(&policy.identity)
            .at("spec.podSelector"),
    )
}

/// The account of a token's Secret.
fn token(list: &ResourceList<'_>, secret: &Resource) -> Result<Option<FunctionResult>, ReadError> {
    const ACCOUNT: &str = "kubernetes.io/service-account.name";
    let Some(name) = secret.annotation(ACCOUNT) else {
        return Ok(None);
    };
    let found = reference(
        list,
        secret,
        "ServiceAccount",
        name,
        None,
        Updated::WhenConfigured,
    )?;
    Ok(found.map(|finding| finding.at(format!("metadata.annotations[{ACCOUNT}]"))))
}

/// A cluster role has no namespace, so its name contains that of its Service.
fn cluster_name(inventory: &Inventory, object: &Resource) -> Option<FunctionResult> {
    const SUFFIX: &str = "-node-reader";
    let name = &object.identity.name;
    let is_named_for = |service: &Resource| {
        let service = &service.identity;
        let qualified = format!("{}-{}{SUFFIX}", service.namespace, service.name);
        let plain = format!("{}{SUFFIX}", service.name);
        *name == qualified || service.namespace.is_empty() && *name == plain
    };
    if inventory.services.iter().any(is_named_for) {
        return None;
    }
    let message = format!(
        "is named for another Service than those of these manifests: another build of the same base \
         may make a {} of this name. {REMEDY}",
        object.identity.kind
    );
    Some(
        FunctionResult::warning(message)
            .about(&object.identity)
            .at("metadata.name"),
    )
}

/// A name that an object of ours refers to.
fn reference(
    list: &ResourceList<'_>,
    object: &Resource,
    kind: &str,
    name: &str,
    namespace: Option<&str>,
    updated: Updated,
) -> Result<Option<FunctionResult>, ReadError> {
    let namespace = match namespace {
        _ if kind.starts_with("Cluster") => "",
        Some(namespace) => namespace,
        None => &object.identity.namespace,
    };
    let named = display_name(kind, name, namespace);
    let finding = match look_up(list, kind, name, namespace)? {
        Reference::Current => return Ok(None),
        Reference::Renamed(_) if updated == Updated::Always => return Ok(None),
        Reference::Renamed(now) if updated == Updated::WhenConfigured => {
            FunctionResult::warning(format!(
                "names {named}, which is called {} now. kustomize updates this name only where a \
                 nameReference says so. {REMEDY}, or check the finished build by `runner-terminal \
                 verify`",
                now.name
            ))
        }
        Reference::Renamed(now) => FunctionResult::error(format!(
            "names {named}, which is called {} now. {REMEDY}",
            now.name
        )),
        Reference::Missing => FunctionResult::error(format!(
            "names {named}, which is not in these manifests. {REMEDY}"
        )),
    };
    Ok(Some(finding.about(&object.identity)))
}
