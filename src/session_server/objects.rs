//! What stands beside the Service: the way in, what guards it, and who may read or reach it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::owned::{self, is_ours};
use crate::patch::Patches;
use crate::resource::{Identity, Resource};
use crate::resource_list::{ReadError, ResourceList};
use crate::runner::{Refusal, Workload};

/// The kinds that this function makes, with their API groups, and what their names have behind the
/// Service's.
const KINDS: [(&str, &str, &str); 12] = [
    ("Role", "rbac.authorization.k8s.io", "-reader"),
    ("RoleBinding", "rbac.authorization.k8s.io", "-reader"),
    ("Ingress", "networking.k8s.io", ""),
    ("IngressRouteTCP", "traefik.io", ""),
    ("HTTPProxy", "projectcontour.io", ""),
    ("Gateway", "gateway.networking.k8s.io", ""),
    ("TLSRoute", "gateway.networking.k8s.io", ""),
    ("ServiceAccount", "", "-relay"),
    ("Secret", "", "-relay"),
    ("Role", "rbac.authorization.k8s.io", "-relay"),
    ("RoleBinding", "rbac.authorization.k8s.io", "-relay"),
    ("NetworkPolicy", "networking.k8s.io", ""),
];

/// Makes these objects, or brings those of an earlier run up to date, and takes away what an earlier
/// run made and is not among them.
///
/// # Errors
/// An object of that name that somebody else made, or that cannot be parsed.
pub(super) fn ensure(
    list: &ResourceList<'_>,
    desired: &[Value],
    service: &Identity,
    workload: &Workload,
    patches: &mut Patches,
) -> Result<(), Refusal> {
    for (kind, group, suffix) in KINDS {
        let name = format!("{}{suffix}", service.name);
        let wanted = desired.iter().find(|object| {
            object.get("kind").and_then(Value::as_str) == Some(kind)
                && object.pointer("/metadata/name").and_then(Value::as_str) == Some(&name)
        });
        match (wanted, find(list, kind, group, &name, service)?) {
            (Some(_), Some(existing)) if !is_ours(&existing) => {
                return Err(owned::not_ours(&existing));
            }
            (Some(object), Some(existing)) => update(&existing, &mark(object, workload), patches),
            (Some(object), None) => patches.add_item(mark(object, workload)),
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
    for (kind, group, suffix) in KINDS {
        let name = format!("{}{suffix}", service.name);
        if let Some(existing) = find(list, kind, group, &name, service)?.filter(is_ours) {
            patches.remove_item(&existing);
        }
    }
    Ok(())
}

/// True when the list has the Role of a Service's readers. Until it is applied, they may not read
/// the Service, and that is no fault of theirs.
pub(super) fn have_reader_role(list: &ResourceList<'_>, service: &Identity) -> bool {
    let name = crate::rbac::reader_name(&service.name);
    let found = find(list, "Role", crate::rbac::GROUP, &name, service);
    matches!(found, Ok(Some(_)))
}

/// The object's own annotations are kept.
fn mark(object: &Value, workload: &Workload) -> Value {
    let annotations = object
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    let annotations: BTreeMap<String, String> = annotations
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    owned::mark(object.clone(), workload, &BTreeMap::new(), &annotations)
}

/// Each field is ours as a whole: a rule that somebody has added would be a right that nobody has
/// asked for. Fields of others, such as the data of a token's Secret, stay.
fn update(existing: &Resource, desired: &Value, patches: &mut Patches) {
    owned::update_metadata(existing, desired, patches);
    for (field, value) in desired.as_object().into_iter().flatten() {
        if !["kind", "metadata"].contains(&field.as_str()) {
            patches.set(existing, &format!("/{field}"), value.clone());
        }
    }
}

fn find(
    list: &ResourceList<'_>,
    kind: &str,
    group: &str,
    name: &str,
    service: &Identity,
) -> Result<Option<Resource>, ReadError> {
    let found = owned::find(list, kind, name, &service.namespace)?;
    // Other API groups have kinds of the same name.
    Ok(found.into_iter().find(|object| {
        let version = &object.identity.api_version;
        let written = version.split_once('/').map_or("", |(group, _)| group);
        written == group
    }))
}
