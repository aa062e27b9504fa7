//! Resources that this function makes: how they are marked, found again and updated.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::exposure::SET_BY_EXPOSURE;
use crate::ownership::OWNER;
use crate::runner::Workload;
use krm::Internal;
use krm::bookkeeping::{OWNED_BY, annotation};
use krm::patch::Patches;
use krm::resource::{INDEX_ANNOTATIONS, PATH_ANNOTATIONS, Resource, path_beside};
use krm::resource_list::{ReadError, ResourceList};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::{At as _, token};

/// Labels or annotations.
type Texts = BTreeMap<String, String>;

/// Marks a resource that is added for a workload as ours. It gets the workload's labels and the
/// given labels and annotations. If the host works on files, it also gets a file beside the
/// workload's.
pub(super) fn mark(
    resource: Value,
    workload: &Workload,
    labels: &Texts,
    annotations: &Texts,
) -> Result<Value, Refusal> {
    let of_workload = workload.labels().into_iter().flatten();
    let mut all: Map<String, Value> = of_workload
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    all.extend(values(labels));
    with_metadata(resource, &workload.resource, all, annotations)
}

/// Marks a resource that is added for several workloads as ours. If the host works on files, it
/// gets a file beside the neighbour's.
pub(super) fn mark_beside(
    resource: Value,
    neighbour: &Resource,
    labels: &Texts,
    annotations: &Texts,
) -> Result<Value, Refusal> {
    with_metadata(resource, neighbour, values(labels), annotations)
}

/// The labels or the annotations of a resource.
pub(super) fn texts(resource: &Value, section: &str) -> Texts {
    let members = resource.at(&format!("/metadata/{section}"));
    let members = members.and_then(Value::as_object).into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn values(texts: &Texts) -> Map<String, Value> {
    let values = texts.iter();
    values
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect()
}

fn with_metadata(
    mut resource: Value,
    neighbour: &Resource,
    labels: Map<String, Value>,
    annotations: &Texts,
) -> Result<Value, Refusal> {
    let text = |pointer: &str| resource.at(pointer).and_then(Value::as_str);
    let (Some(kind), Some(name)) = (text("/kind"), text("/metadata/name")) else {
        return Err(Internal::new("a resource is to be made without kind or name").into());
    };
    let places: Vec<(&str, Value)> = PATH_ANNOTATIONS
        .into_iter()
        .zip(INDEX_ANNOTATIONS)
        .filter_map(|(path, index)| {
            let beside = path_beside(neighbour.annotation(path)?, kind, name);
            Some([(path, json!(beside)), (index, json!("0"))])
        })
        .flatten()
        .collect();
    let Some(metadata) = resource.get_mut("metadata").and_then(Value::as_object_mut) else {
        return Err(Internal::new("a resource is to be made without metadata").into());
    };
    if !labels.is_empty() {
        metadata.insert("labels".to_owned(), Value::Object(labels));
    }
    let mut all = Map::from_iter([(OWNED_BY.to_owned(), json!(OWNER))]);
    all.extend(values(annotations));
    all.extend(
        places
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value)),
    );
    metadata.insert("annotations".to_owned(), Value::Object(all));
    Ok(resource)
}

/// Refuses to take over a resource that this function did not make.
pub(super) fn not_ours(resource: &Resource) -> Refusal {
    let kind = &resource.identity.kind;
    Box::new(
        FunctionResult::error(format!(
            "{} {kind} of this name is here already, and it was not made by this function: rename \
             it, or annotate it with {OWNED_BY}: {OWNER} to hand it over",
            if kind.starts_with('I') { "an" } else { "a" },
        ))
        .about(&resource.identity)
        .at("metadata.name"),
    )
}

/// The resources with this name; otherwise those that had it before kustomize renamed them, as
/// kustomize may already have prefixed one of two names.
///
/// # Errors
/// One of them cannot be parsed.
pub fn find(
    list: &ResourceList<'_>,
    kind: &str,
    name: &str,
    namespace: &str,
) -> Result<Vec<Resource>, ReadError> {
    let exact: Vec<Resource> = list
        .named(kind, name, namespace)
        .map(|item| list.resource(item))
        .collect::<Result<_, _>>()?;
    if exact.is_empty() && list.has_renamed_items() {
        return list.answering(kind, name, namespace);
    }
    Ok(exact)
}

/// What the exposure of an earlier run has set: `annotations/NAME`, `labels/NAME` and `nodePort`.
pub(super) fn set_by_exposure(existing: &Resource) -> impl Iterator<Item = &str> {
    let names = existing.annotation(SET_BY_EXPOSURE).unwrap_or_default();
    names.split_whitespace()
}

/// Updates the labels and annotations of an earlier run, and removes those that its exposure has set
/// and this one does not. Others are left alone.
pub(super) fn update_metadata(existing: &Resource, desired: &Value, patches: &mut Patches) {
    let record = annotation(SET_BY_EXPOSURE);
    let earlier = set_by_exposure(existing).filter_map(|entry| entry.split_once('/'));
    let earlier = earlier
        .filter(|(section, _)| ["annotations", "labels"].contains(section))
        .map(|(section, name)| format!("/metadata/{section}/{}", token(name)));
    for pointer in earlier.chain([record]) {
        if desired.at(&pointer).is_none() {
            patches.remove(existing, &pointer);
        }
    }
    for section in ["labels", "annotations"] {
        let members = desired
            .at(&format!("/metadata/{section}"))
            .and_then(Value::as_object);
        for (key, value) in members.into_iter().flatten() {
            // The host decides on the file, and may have moved the resource.
            let is_place = PATH_ANNOTATIONS.contains(&key.as_str())
                || INDEX_ANNOTATIONS.contains(&key.as_str());
            if !is_place {
                patches.set(
                    existing,
                    &format!("/metadata/{section}/{}", token(key)),
                    value.clone(),
                );
            }
        }
    }
}
