//! What stands beside the Service: the way in, what guards it, and who may read or reach it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::owned::{self, is_ours};
use crate::patch::Patches;
use crate::resource::{Identity, Resource};
use crate::resource_list::{ReadError, ResourceList};
use crate::runner::{Refusal, Workload};

/// Where the objects of a runner are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Beside this Service.
    pub(super) service: &'a Identity,
    /// In this namespace, those of the relay of an earlier run.
    pub(super) relay: Option<&'a str>,
}

/// The kinds that this function makes, with their API groups, and what their names have behind the
/// Service's.
const KINDS: [(&str, &str, &str); 14] = [
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
    ("Deployment", "apps", "-relay"),
    ("Service", "", "-relay"),
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
    place: Place<'_>,
    workload: &Workload,
    patches: &mut Patches,
) -> Result<(), Refusal> {
    for (kind, group, suffix) in KINDS {
        let name = format!("{}{suffix}", place.service.name);
        let text = |object: &Value, pointer: &str| {
            let text = object.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let wanted = desired
            .iter()
            .find(|object| text(object, "/kind") == kind && text(object, "/metadata/name") == name);
        let namespace = wanted.map(|object| text(object, "/metadata/namespace"));
        let mut is_there = false;
        for existing in find(list, kind, group, &name, place, namespace.as_deref())? {
            match wanted {
                Some(object) if Some(&existing.identity.namespace) == namespace.as_ref() => {
                    if !is_ours(&existing) {
                        return Err(owned::not_ours(&existing));
                    }
                    is_there = true;
                    update(&existing, &mark(object, workload), patches);
                }
                _ if is_ours(&existing) => patches.remove_item(&existing),
                _ => {}
            }
        }
        if let Some(object) = wanted.filter(|_| !is_there) {
            patches.add_item(mark(object, workload));
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
    place: Place<'_>,
    patches: &mut Patches,
) -> Result<(), Refusal> {
    for (kind, group, suffix) in KINDS {
        let name = format!("{}{suffix}", place.service.name);
        for existing in find(list, kind, group, &name, place, None)? {
            if is_ours(&existing) {
                patches.remove_item(&existing);
            }
        }
    }
    Ok(())
}

/// True when the list has the Role of a Service's readers. Until it is applied, they may not read
/// the Service, and that is no fault of theirs.
pub(super) fn have_reader_role(list: &ResourceList<'_>, service: &Identity) -> bool {
    let name = crate::rbac::reader_name(&service.name);
    let place = Place {
        service,
        relay: None,
    };
    let found = find(list, "Role", crate::rbac::GROUP, &name, place, None);
    found.is_ok_and(|found| !found.is_empty())
}

/// The object's own labels and annotations are kept.
fn mark(object: &Value, workload: &Workload) -> Value {
    let texts = |section: &str| -> BTreeMap<String, String> {
        let members = object.pointer(&format!("/metadata/{section}"));
        let members = members.and_then(Value::as_object).into_iter().flatten();
        members
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    };
    owned::mark(
        object.clone(),
        workload,
        &texts("labels"),
        &texts("annotations"),
    )
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

/// The objects of a name in the namespaces that count: the Service's, the one in which an object is
/// wanted, and the one in which an earlier run has put it.
fn find(
    list: &ResourceList<'_>,
    kind: &str,
    group: &str,
    name: &str,
    place: Place<'_>,
    wanted: Option<&str>,
) -> Result<Vec<Resource>, ReadError> {
    let namespaces = [Some(place.service.namespace.as_str()), place.relay, wanted];
    let namespaces: BTreeSet<&str> = namespaces.into_iter().flatten().collect();
    let mut found = Vec::new();
    for namespace in namespaces {
        found.extend(owned::find(list, kind, name, namespace)?);
    }
    // Other API groups have kinds of the same name.
    found.retain(|object| {
        let version = &object.identity.api_version;
        let written = version.split_once('/').map_or("", |(group, _)| group);
        written == group
    });
    Ok(found)
}
