//! Who may read the address of the Service: a Role and a RoleBinding beside it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::owned::{self, is_ours};
use crate::function_config::Reader;
use crate::patch::Patches;
use crate::rbac::{GROUP, reader_binding, reader_name, reader_role, service_account};
use crate::resource::{Identity, Resource};
use crate::resource_list::{ReadError, ResourceList};
use crate::runner::{Refusal, Workload};

/// The fields that this function sets. They are ours as a whole: a rule that somebody has added
/// would be a right that nobody has asked for.
const MANAGED: [&str; 3] = ["rules", "roleRef", "subjects"];

/// Makes the objects, or brings those of an earlier run up to date; without readers it takes them
/// away.
///
/// # Errors
/// An object of that name that somebody else made, or that cannot be parsed.
pub(super) fn ensure(
    list: &ResourceList<'_>,
    readers: &[Reader],
    service: &Identity,
    workload: &Workload,
    patches: &mut Patches,
) -> Result<(), Refusal> {
    if readers.is_empty() {
        return remove(list, service, patches);
    }
    let subjects = readers
        .iter()
        .map(|reader| service_account(&reader.namespace, &reader.service_account))
        .collect();
    let none = BTreeMap::new();
    for (kind, object) in [
        ("Role", reader_role(service)),
        ("RoleBinding", reader_binding(service, subjects)),
    ] {
        let desired = owned::mark(object, workload, &none, &none);
        let Some(existing) = find(list, kind, service)? else {
            patches.add_item(desired);
            continue;
        };
        if !is_ours(&existing) {
            return Err(owned::not_ours(&existing));
        }
        owned::update_metadata(&existing, &desired, patches);
        for field in MANAGED {
            if let Some(value) = desired.get(field) {
                patches.set(&existing, &format!("/{field}"), Value::clone(value));
            }
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
    for kind in ["Role", "RoleBinding"] {
        if let Some(existing) = find(list, kind, service)?.filter(is_ours) {
            patches.remove_item(&existing);
        }
    }
    Ok(())
}

/// True when the list has the Role of a Service's readers. Until it is applied, they may not read
/// the Service, and that is no fault of theirs.
pub(super) fn are_declared(list: &ResourceList<'_>, service: &Identity) -> bool {
    matches!(find(list, "Role", service), Ok(Some(_)))
}

fn find(
    list: &ResourceList<'_>,
    kind: &str,
    service: &Identity,
) -> Result<Option<Resource>, ReadError> {
    let name = reader_name(&service.name);
    let found = owned::find(list, kind, &name, &service.namespace)?;
    // Other API groups have a Role of their own.
    Ok(found.into_iter().find(|object| {
        let group = object.identity.api_version.split_once('/');
        group.is_some_and(|(group, _)| group == GROUP)
    }))
}
