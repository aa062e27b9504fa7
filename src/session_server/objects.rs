//! What stands beside the Service: the way in, and what guards it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::owned::{self, is_ours};
use crate::patch::Patches;
use crate::resource::{Identity, Resource};
use crate::resource_list::{ReadError, ResourceList};
use crate::runner::{Refusal, Workload};

/// The kinds that this function makes, with their API groups; all are called as the Service is.
const KINDS: [(&str, &str); 6] = [
    ("Ingress", "networking.k8s.io"),
    ("IngressRouteTCP", "traefik.io"),
    ("HTTPProxy", "projectcontour.io"),
    ("TLSRoute", "gateway.networking.k8s.io"),
    ("Gateway", "gateway.networking.k8s.io"),
    ("NetworkPolicy", "networking.k8s.io"),
];

/// Makes these objects, or brings those of an earlier run up to date, and takes away what an earlier
/// run made and is not among them.
///
/// # Errors
/// An object of that name that somebody else made, or that cannot be parsed.
pub(super) fn ensure(
    list: &ResourceList<'_>,
    desired: Vec<Value>,
    service: &Identity,
    workload: &Workload,
    patches: &mut Patches,
) -> Result<(), Refusal> {
    let mut desired: Vec<(Identity, Value)> = desired
        .into_iter()
        .map(|object| (Resource::new(usize::MAX, object.clone()).identity, object))
        .collect();
    for (kind, group) in KINDS {
        let existing = find(list, kind, group, service)?;
        let wanted = desired
            .iter()
            .position(|(identity, _)| identity.kind == kind);
        match (wanted.map(|index| desired.remove(index)), existing) {
            (Some((_, object)), Some(existing)) => {
                if !is_ours(&existing) {
                    return Err(owned::not_ours(&existing));
                }
                update(&existing, &mark(object, workload), patches);
            }
            (Some((_, object)), None) => patches.add_item(mark(object, workload)),
            (None, Some(existing)) if is_ours(&existing) => patches.remove_item(&existing),
            (None, _) => {}
        }
    }
    Ok(())
}

/// Takes away the objects that an earlier run made.
///
/// # Errors
/// An object of that name that cannot be parsed.
pub(super) fn remove(
    list: &ResourceList<'_>,
    service: &Identity,
    patches: &mut Patches,
) -> Result<(), Refusal> {
    for (kind, group) in KINDS {
        if let Some(existing) = find(list, kind, group, service)?.filter(is_ours) {
            patches.remove_item(&existing);
        }
    }
    Ok(())
}

/// The object's own annotations are kept.
fn mark(object: Value, workload: &Workload) -> Value {
    let annotations = object
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    let annotations: BTreeMap<String, String> = annotations
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    owned::mark(object, workload, &BTreeMap::new(), &annotations)
}

/// The spec is ours as a whole; another version of the API too.
fn update(existing: &Resource, desired: &Value, patches: &mut Patches) {
    owned::update_metadata(existing, desired, patches);
    for field in ["apiVersion", "spec"] {
        if let Some(value) = desired.get(field) {
            patches.set(existing, &format!("/{field}"), value.clone());
        }
    }
}

fn find(
    list: &ResourceList<'_>,
    kind: &str,
    group: &str,
    service: &Identity,
) -> Result<Option<Resource>, ReadError> {
    let found = owned::find(list, kind, &service.name, &service.namespace)?;
    // Other API groups have kinds of the same name.
    Ok(found.into_iter().find(|object| {
        let written = object.identity.api_version.split_once('/');
        written.is_some_and(|(written, _)| written == group)
    }))
}
