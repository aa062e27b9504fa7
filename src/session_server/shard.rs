//! One workload of many replicas as as many workloads of one replica.
//!
//! A terminal lives in one process, so each process needs an address of its own, and with it a
//! configuration of its own. The first shard is the workload itself under another name; the others
//! are copies of it, and of the object that holds its `config.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::service;
use crate::ownership::{OWNER, is_ours};
use crate::plan::Plan;
use crate::runner::shard::{SHARD, SHARDED, index};
use crate::runner::{self, Runner, WORKLOAD_KINDS, Workload};
use krm::bookkeeping::OWNED_BY;
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::{INDEX_ANNOTATIONS, Identity, PATH_ANNOTATIONS, Resource, path_beside};
use krm::resource_list::{ResourceList, is_compatible};
use krm::results::FunctionResult;
use krm::results::Refusal;
use yaml_splice::pointer::At as _;
use yaml_splice::pointer::token;

/// More would be a mistake rather than a wish.
const MOST_SHARDS: i64 = 100;
/// What a host tells one item of the list from another by: a copy is none of what it is a copy of.
const PLACES: [&str; 2] = ["internal.config.kubernetes.io/", "kustomize.config.k8s.io/"];

/// Runners that would have the same address where one is given by the number of a shard: those of one
/// number, and those that are no shards as the first.
pub fn shards_alike(runners: &[Runner]) -> Vec<Vec<&Workload>> {
    let mut alike = BTreeMap::<u16, Vec<&Workload>>::new();
    for Runner { workload, .. } in runners {
        let number = index(workload).unwrap_or(0);
        alike.entry(number).or_default().push(workload);
    }
    alike.into_values().collect()
}

/// Makes the shards of a runner: itself where it has one replica.
///
/// # Errors
/// It cannot be sharded, and why.
pub fn split(
    list: &ResourceList<'_>,
    runner: Runner,
    plan: &mut Plan,
) -> Result<Vec<Runner>, Refusal> {
    let count = runner::replicas(&runner.workload);
    if count <= 1 {
        return Ok(vec![runner]);
    }
    let original = runner.workload.resource.identity.clone();
    if count > MOST_SHARDS {
        return Err(Box::new(
            FunctionResult::error(format!(
                "replicas is {count}, and at most {MOST_SHARDS} shards are made"
            ))
            .about(&original)
            .at("spec.replicas"),
        ));
    }
    let object = &runner.config.object;
    let mut references = Vec::new();
    let template = runner.workload.pod_pointer("/spec");
    if let Some(pod) = runner.workload.resource.value.at(&template) {
        find_references(pod, &template, object, &mut references);
    }
    let is_mounted = matches!(object.identity.kind.as_str(), "ConfigMap" | "Secret");
    if !is_mounted || references.is_empty() {
        return Err(Box::new(
            FunctionResult::error(format!(
                "replicas: Shard needs a configuration of its own for each shard, and the pod does \
                 not mount {} by its name: keep config.toml in a ConfigMap or Secret that the pod \
                 mounts, or set replicas: 1",
                object.identity
            ))
            .about(&original)
            .at("spec.replicas"),
        ));
    }
    check_names(list, &runner, count)?;
    let mut shards = Vec::new();
    for number in 0..count {
        let mut shard = runner.clone();
        if number > 0 {
            let config = plan.patches.copy(&runner.config.object);
            let shard_name = format!("{}-{number}", original.name);
            shard.config.object = own_config(config, number, &shard_name, &mut plan.patches);
        }
        let resource = &runner.workload.resource;
        let copy = match number {
            0 => resource.clone(),
            _ => plan.patches.copy(resource),
        };
        let config = (number > 0).then_some(&shard.config.object);
        set_apart(&copy, number, &runner, config, &mut plan.patches);
        if number == 0 {
            let mut before = json!({"name": original.name, "replicas": count});
            let governing = copy.value.at("/spec/serviceName");
            if let (Some(name), Some(before)) = (governing, before.as_object_mut()) {
                before.insert("serviceName".to_owned(), name.clone());
            }
            plan.patches
                .set(&copy, &annotation(SHARDED), json!(before.to_string()));
        } else {
            mark(&copy, &mut plan.patches);
        }
        let value = plan.patches.current(&copy).clone();
        let Some(workload) = Workload::new(Resource::new(copy.item, value)) else {
            continue;
        };
        shard.workload = workload;
        shards.push(shard);
    }
    plan.results.push(
        FunctionResult::info(format!(
            "becomes {count} workloads of one replica, {name}-0 to {name}-{last}, each with an \
             address of its own. What is in the cluster under its old name has to be deleted, as by \
             a pruning apply",
            name = original.name,
            last = count - 1,
        ))
        .about(&original),
    );
    Ok(shards)
}

/// Refuses shards whose names somebody else has: as a workload, as the object with a configuration, or
/// by a workload whose Service is called as a shard's would be.
fn check_names(list: &ResourceList<'_>, runner: &Runner, count: i64) -> Result<(), Refusal> {
    let original = &runner.workload.resource;
    let config = &runner.config.object;
    let names = |stem: &str, first: i64| -> BTreeSet<String> {
        (first..count)
            .map(|number| format!("{stem}-{number}"))
            .collect()
    };
    let workloads = names(&original.identity.name, 0);
    let configs = names(&config.identity.name, 1);
    let services: BTreeSet<String> = workloads.iter().map(|name| service::name(name)).collect();
    let own_kind = config.identity.kind.as_str();
    let mut taken = Vec::new();
    let kinds = [
        WORKLOAD_KINDS.as_slice(),
        &["ConfigMap", "Secret", "Service"],
    ]
    .concat();
    for item in list.candidates(&kinds, "") {
        let (kind, name, namespace) = list.head(item);
        if item == original.item || !is_compatible(namespace, &original.identity.namespace) {
            continue;
        }
        let is_taken = match kind {
            "ConfigMap" | "Secret" => kind == own_kind && configs.contains(name),
            "Service" => services.contains(name) && !is_ours(&list.resource(item)?),
            _ => workloads.contains(name) || services.contains(&service::name(name)),
        };
        if is_taken {
            taken.push(list.display_name(item));
        }
    }
    if taken.is_empty() {
        return Ok(());
    }
    Err(Box::new(
        FunctionResult::error(format!(
            "its shards would be called {name}-0 to {name}-{last}, and names that they need are \
             taken: {}. Rename those, or this workload",
            taken.join(", "),
            name = original.identity.name,
            last = count - 1,
        ))
        .about(&original.identity)
        .at("spec.replicas"),
    ))
}

/// Makes one workload of the shards of an earlier run again.
pub(super) fn rejoin(list: &ResourceList<'_>, workload: &Workload, patches: &mut Patches) {
    let resource = &workload.resource;
    if is_ours(resource) {
        patches.remove_item(resource);
        for item in list.candidates(&["ConfigMap", "Secret"], OWNED_BY) {
            let Ok(object) = list.resource(item) else {
                continue;
            };
            let is_of_shard = object.annotation(SHARD) == Some(&resource.identity.name);
            let is_beside = object.identity.namespace == resource.identity.namespace;
            if is_of_shard && is_beside && is_ours(&object) {
                patches.remove_item(&object);
            }
        }
        return;
    }
    let before = resource.annotation(SHARDED);
    if let Some(before) = before.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        for (pointer, field) in [
            ("/metadata/name", "name"),
            ("/spec/replicas", "replicas"),
            ("/spec/serviceName", "serviceName"),
        ] {
            if let Some(value) = before.get(field) {
                patches.set(resource, pointer, value.clone());
            }
        }
        for labels in label_places(workload) {
            patches.remove(resource, &format!("{labels}/{}", token(SHARD)));
        }
        patches.remove(resource, &annotation(SHARDED));
    }
}

/// What makes a workload another than the other shards.
fn set_apart(
    resource: &Resource,
    number: i64,
    runner: &Runner,
    config: Option<&Resource>,
    patches: &mut Patches,
) {
    let name = format!("{}-{number}", resource.identity.name);
    patches.set(resource, "/metadata/name", json!(name));
    patches.set(resource, "/spec/replicas", json!(1));
    // The pods of a StatefulSet have names below its Service, of which each shard has its own.
    let governing = resource
        .value
        .at("/spec/serviceName")
        .and_then(Value::as_str);
    if governing == Some(&service::name(&resource.identity.name)) {
        patches.set(resource, "/spec/serviceName", json!(service::name(&name)));
    }
    for labels in label_places(&runner.workload) {
        let pointer = format!("{labels}/{}", token(SHARD));
        patches.set(resource, &pointer, json!(number.to_string()));
    }
    let Some(config) = config else {
        return;
    };
    let mut references = Vec::new();
    let template = runner.workload.pod_pointer("/spec");
    if let Some(pod) = resource.value.at(&template) {
        find_references(pod, &template, &runner.config.object, &mut references);
    }
    for pointer in references {
        patches.set(resource, &pointer, json!(config.identity.name));
    }
}

/// Where the labels are by which pods are selected.
fn label_places(workload: &Workload) -> [String; 2] {
    [
        "/spec/selector/matchLabels".to_owned(),
        workload.pod_pointer("/metadata/labels"),
    ]
}

/// The copy of the object that holds `config.toml`, under a name of its own.
fn own_config(copy: Resource, number: i64, shard: &str, patches: &mut Patches) -> Resource {
    let name = format!("{}-{number}", copy.identity.name);
    patches.set(&copy, "/metadata/name", json!(name));
    mark(&copy, patches);
    patches.set(&copy, &annotation(SHARD), json!(shard));
    let value = patches.current(&copy).clone();
    Resource::new(copy.item, value)
}

/// Marks a copy as ours, in a file of its own where the host keeps files.
fn mark(copy: &Resource, patches: &mut Patches) {
    let names: Vec<String> = copy
        .value
        .at("/metadata/annotations")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|annotations| annotations.keys().cloned())
        .collect();
    let identity = Resource::new(copy.item, patches.current(copy).clone()).identity;
    for name in names {
        if PATH_ANNOTATIONS.contains(&name.as_str()) {
            let path = copy.annotation(&name).unwrap_or_default();
            let beside = path_beside(path, &identity.kind, &identity.name);
            patches.set(copy, &annotation(&name), json!(beside));
        } else if INDEX_ANNOTATIONS.contains(&name.as_str()) {
            patches.set(copy, &annotation(&name), json!("0"));
        } else if PLACES.iter().any(|prefix| name.starts_with(prefix)) {
            patches.remove(copy, &annotation(&name));
        }
    }
    patches.set(copy, &annotation(OWNED_BY), json!(OWNER));
}

/// The pointers of the names by which a pod refers to an object.
fn find_references(value: &Value, pointer: &str, object: &Resource, found: &mut Vec<String>) {
    let Identity { kind, .. } = &object.identity;
    let holders: &[&str] = if kind == "Secret" {
        &["secret", "secretRef", "secretKeyRef"]
    } else {
        &["configMap", "configMapRef", "configMapKeyRef"]
    };
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let below = format!("{pointer}/{}", token(key));
                if holders.contains(&key.as_str()) {
                    for field in ["name", "secretName"] {
                        let name = member.get(field).and_then(Value::as_str);
                        if name.is_some_and(|name| object.answers_to(name)) {
                            found.push(format!("{below}/{field}"));
                        }
                    }
                } else {
                    find_references(member, &below, object, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_references(item, &format!("{pointer}/{index}"), object, found);
            }
        }
        _ => {}
    }
}
