//! One workload per replica.
//!
//! A terminal lives in one process, so each process needs an address of its own, and with it a
//! configuration of its own. The first shard is the workload itself under another name; the others
//! are copies of it, and of the object that holds its `config.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::service;
use crate::ownership::{OWNER, is_ours};
use crate::runner::shard::{SHARD, SHARDED, index};
use crate::runner::{self, Runner, WORKLOAD_KINDS, Workload};
use krm::Internal;
use krm::bookkeeping::{OWNED_BY, annotation};
use krm::patch::{PatchError, Patches};
use krm::resource::{INDEX_ANNOTATIONS, PATH_ANNOTATIONS, Resource, path_beside};
use krm::resource_list::{ReadError, ResourceList, is_compatible};
use krm::results::{FunctionResult, Refusal};
use yaml_splice::pointer::{At as _, name_of, token};

/// A higher number is probably a mistake.
const MOST_SHARDS: i64 = 100;
/// The place of the first copy, as [`Patches::copy`] counts them.
const FIRST_COPY: usize = usize::MAX / 2;
/// The host's bookkeeping annotations, by which it recognizes an item. They are stripped from a copy, so
/// that it is a new resource.
const HOST_ANNOTATIONS: [&str; 2] = ["internal.config.kubernetes.io/", "kustomize.config.k8s.io/"];

/// Runners that would get one address where it is given by the number of the shard: those of the same
/// number. A runner that is not a shard counts as the first.
pub fn shards_alike(runners: &[Runner]) -> Vec<Vec<&Workload>> {
    let mut alike = BTreeMap::<u16, Vec<&Workload>>::new();
    for Runner { workload, .. } in runners {
        let number = index(workload).unwrap_or(0);
        alike.entry(number).or_default().push(workload);
    }
    alike.into_values().collect()
}

/// A workload of several replicas that becomes one workload per replica.
#[derive(Debug)]
pub struct Sharding {
    /// The resources of the shards, in order: the workload itself, and then for each further shard
    /// the copies of the configuration and of the workload.
    pub resources: Vec<ShardResource>,
}

/// A resource of a shard: the original under another name, or a copy of it.
#[derive(Debug)]
pub struct ShardResource {
    /// The resource of the list.
    pub original: Resource,
    /// The place of the copy; `None` for the original itself.
    pub copy: Option<usize>,
    /// What differs from the original.
    pub edits: Vec<Edit>,
}

/// A difference between a shard and the original.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The member at this JSON pointer gets this value.
    Set(String, Value),
    /// The member at this JSON pointer is removed.
    Remove(String),
}

/// The runners that a runner is split into.
#[derive(Debug)]
pub struct Split {
    /// The changes; `None` for a runner with one replica.
    pub sharding: Option<Sharding>,
    /// The shards, or the runner itself.
    pub runners: Vec<Runner>,
    /// What to tell the user.
    pub result: Option<FunctionResult>,
}

impl Split {
    /// How many resources are copied.
    pub fn copies(&self) -> usize {
        self.sharding.as_ref().map_or(0, Sharding::copies)
    }
}

impl Sharding {
    fn copies(&self) -> usize {
        let copies = self.resources.iter();
        copies.filter(|resource| resource.copy.is_some()).count()
    }

    /// Writes the shards.
    ///
    /// # Errors
    /// A copy gets another number than the planned one.
    pub(crate) fn patch(self, patches: &mut Patches) -> Result<(), Refusal> {
        for resource in self.resources {
            let target = match resource.copy {
                None => resource.original,
                Some(place) => {
                    let copy = patches.copy(&resource.original);
                    if copy.item != place {
                        return Err(Internal::new(
                            "a copy for a shard is not where it was planned",
                        )
                        .into());
                    }
                    copy
                }
            };
            for edit in resource.edits {
                match edit {
                    Edit::Set(pointer, value) => patches.set(&target, &pointer, value),
                    Edit::Remove(pointer) => patches.remove(&target, &pointer),
                }
            }
        }
        Ok(())
    }
}

impl ShardResource {
    /// The resource after the edits.
    fn resource(&self) -> Result<Resource, Refusal> {
        let mut value = Value::clone(&self.original.value);
        for edit in &self.edits {
            match edit {
                Edit::Set(pointer, member) => set_member(&mut value, pointer, member.clone())
                    .map_err(|path| PatchError::not_a_mapping(&self.original.identity, &path))?,
                Edit::Remove(pointer) => remove_member(&mut value, pointer)
                    .ok_or_else(|| Internal::new("an edit for a shard leads nowhere"))?,
            }
        }
        Ok(Resource::new(
            self.copy.unwrap_or(self.original.item),
            value,
        ))
    }
}

/// Sets a member, and creates missing parents.
///
/// # Errors
/// The JSON pointer of what is neither a mapping nor a list with such an item.
fn set_member(value: &mut Value, pointer: &str, member: Value) -> Result<(), String> {
    let mut at = value;
    let mut path = String::new();
    for token in pointer.split('/').skip(1) {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let below = match at {
            Value::Object(members) => Some(members.entry(name_of(token)).or_insert(Value::Null)),
            Value::Array(items) => {
                let index = token.parse::<usize>().ok();
                index.and_then(|index| items.get_mut(index))
            }
            _ => None,
        };
        at = below.ok_or_else(|| path.clone())?;
        path.push('/');
        path.push_str(token);
    }
    *at = member;
    Ok(())
}

fn remove_member(value: &mut Value, pointer: &str) -> Option<()> {
    let (above, token) = pointer.rsplit_once('/')?;
    let members = value.pointer_mut(above)?.as_object_mut()?;
    members.shift_remove(&name_of(token)).map(|_| ())
}

/// Plans the shards of a runner; a runner with one replica stays as it is. `copies` is the number of copies
/// that were planned for other runners.
///
/// # Errors
/// It cannot be sharded; says why.
pub fn split(list: &ResourceList<'_>, runner: Runner, copies: usize) -> Result<Split, Refusal> {
    let count = runner::replicas(&runner.workload);
    if count <= 1 {
        return Ok(Split {
            sharding: None,
            runners: vec![runner],
            result: None,
        });
    }
    let references = match &runner.start {
        None => check(&runner, count)?,
        Some(_) => check_start(&runner, count)?,
    };
    check_names(list, &runner, count)?;
    let original = &runner.workload.resource.identity;
    let mut sharding = Sharding {
        resources: Vec::new(),
    };
    let mut runners = Vec::new();
    for number in 0..count {
        let mut shard = runner.clone();
        let mut place = FIRST_COPY + copies + sharding.copies();
        if number > 0 && runner.start.is_none() {
            let copy = config_copy(&runner, number, place);
            shard.config.object = copy.resource()?;
            sharding.resources.push(copy);
            place += 1;
        }
        let shard_workload = workload_of_shard(&runner, number, place, &shard, &references);
        let resource = shard_workload.resource()?;
        sharding.resources.push(shard_workload);
        shard.workload = Workload::new(resource)
            .ok_or_else(|| Internal::new("a shard of a workload is no workload"))?;
        runners.push(shard);
    }
    let result = FunctionResult::info(format!(
        "becomes {count} workloads of one replica, {name}-0 to {name}-{last}, each with an address of \
         its own. What is in the cluster under its old name has to be deleted, as by a pruning apply",
        name = original.name,
        last = count - 1,
    ))
    .about(original);
    Ok(Split {
        sharding: Some(sharding),
        runners,
        result: Some(result),
    })
}

fn refuse(runner: &Runner, message: String) -> Refusal {
    Box::new(
        FunctionResult::error(message)
            .about(&runner.workload.resource.identity)
            .at("spec.replicas"),
    )
}

fn check_count(runner: &Runner, count: i64) -> Result<(), Refusal> {
    if count <= MOST_SHARDS {
        return Ok(());
    }
    Err(refuse(
        runner,
        format!("replicas is {count}, and at most {MOST_SHARDS} shards are made"),
    ))
}

/// Checks shards that are configured at pod start. They need no copies of the configuration, so the
/// pod's references to it stay.
///
/// # Errors
/// There are too many replicas, or they would write to one volume.
fn check_start(runner: &Runner, count: i64) -> Result<Vec<String>, Refusal> {
    check_count(runner, count)?;
    if let Some(file) = runner.lasting_file().filter(|file| file.shared.is_some()) {
        return Err(refuse(
            runner,
            format!(
                "its shards would write their addresses into one config.toml on {}: run it as a \
                 StatefulSet with volumeClaimTemplates",
                file.volume
            ),
        ));
    }
    Ok(Vec::new())
}

/// The JSON pointers by which the pod refers to the object with its configuration.
///
/// # Errors
/// There are too many replicas, or the pod does not refer to it.
fn check(runner: &Runner, count: i64) -> Result<Vec<String>, Refusal> {
    let refuse = |message: String| refuse(runner, message);
    check_count(runner, count)?;
    let object = &runner.config.object;
    let mut references = Vec::new();
    let template = runner.workload.pod_pointer("/spec");
    if let Some(pod) = runner.workload.resource.value.at(&template) {
        find_references(pod, &template, object, &mut references);
    }
    let is_mounted = matches!(object.identity.kind.as_str(), "ConfigMap" | "Secret");
    if !is_mounted || references.is_empty() {
        return Err(refuse(format!(
            "replicas: Shard needs a configuration of its own for each shard, and the pod does not \
             mount {} by its name: keep config.toml in a ConfigMap or Secret that the pod mounts, or \
             set replicas: 1",
            object.identity
        )));
    }
    Ok(references)
}

/// Refuses shards if the names of their workloads, configurations or Services are taken.
fn check_names(list: &ResourceList<'_>, runner: &Runner, count: i64) -> Result<(), Refusal> {
    let original = &runner.workload.resource;
    let config = &runner.config.object;
    let names = |stem: &str, first: i64| -> BTreeSet<String> {
        (first..count)
            .map(|number| format!("{stem}-{number}"))
            .collect()
    };
    let workloads = names(&original.identity.name, 0);
    let configs = match runner.start {
        None => names(&config.identity.name, 1),
        Some(_) => BTreeSet::new(),
    };
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

/// How a shard of an earlier run is undone.
#[derive(Debug, Default)]
pub(super) struct Rejoin {
    /// Resources that were made for the shard.
    pub(super) removed: Vec<Resource>,
    /// What the first shard gets back.
    pub(super) edits: Vec<Edit>,
}

/// Plans to undo the shards of an earlier run: they become one workload again.
///
/// # Errors
/// An object of ours that cannot be parsed.
pub(super) fn rejoin(list: &ResourceList<'_>, workload: &Workload) -> Result<Rejoin, ReadError> {
    let resource = &workload.resource;
    let mut rejoin = Rejoin::default();
    if is_ours(resource) {
        rejoin.removed.push(resource.clone());
        for item in list.candidates(&["ConfigMap", "Secret"], OWNED_BY) {
            let object = list.resource(item)?;
            let is_of_shard = object.annotation(SHARD) == Some(&resource.identity.name);
            let is_beside = object.identity.namespace == resource.identity.namespace;
            if is_of_shard && is_beside && is_ours(&object) {
                rejoin.removed.push(object);
            }
        }
        return Ok(rejoin);
    }
    let before = resource.annotation(SHARDED);
    if let Some(before) = before.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        for (pointer, field) in [
            ("/metadata/name", "name"),
            ("/spec/replicas", "replicas"),
            ("/spec/serviceName", "serviceName"),
        ] {
            if let Some(value) = before.get(field) {
                let edit = Edit::Set(pointer.to_owned(), value.clone());
                rejoin.edits.push(edit);
            }
        }
        for labels in label_places(workload) {
            let pointer = format!("{labels}/{}", token(SHARD));
            rejoin.edits.push(Edit::Remove(pointer));
        }
        rejoin.edits.push(Edit::Remove(annotation(SHARDED)));
    }
    Ok(rejoin)
}

/// The workload of a shard: `place` is that of the copy, and `references` lead to the names of the
/// configuration in the pod.
fn workload_of_shard(
    runner: &Runner,
    number: i64,
    place: usize,
    shard: &Runner,
    references: &[String],
) -> ShardResource {
    let resource = &runner.workload.resource;
    let identity = &resource.identity;
    let name = format!("{}-{number}", identity.name);
    let set = |pointer: &str, value: Value| Edit::Set(pointer.to_owned(), value);
    let mut edits = vec![
        set("/metadata/name", json!(name)),
        set("/spec/replicas", json!(1)),
    ];
    // The pods of a StatefulSet have names below its Service, and each shard has its own Service.
    let governing = resource.value.at("/spec/serviceName");
    if governing.and_then(Value::as_str) == Some(&service::name(&identity.name)) {
        edits.push(set("/spec/serviceName", json!(service::name(&name))));
    }
    for labels in label_places(&runner.workload) {
        let pointer = format!("{labels}/{}", token(SHARD));
        edits.push(Edit::Set(pointer, json!(number.to_string())));
    }
    if number == 0 {
        let count = runner::replicas(&runner.workload);
        let mut before = Map::from_iter([
            ("name".to_owned(), json!(identity.name)),
            ("replicas".to_owned(), json!(count)),
        ]);
        if let Some(name) = governing {
            before.insert("serviceName".to_owned(), name.clone());
        }
        let before = Value::Object(before).to_string();
        edits.push(Edit::Set(annotation(SHARDED), json!(before)));
    } else {
        let config = &shard.config.object.identity.name;
        let names = references.iter();
        edits.extend(names.map(|pointer| Edit::Set(pointer.clone(), json!(config))));
        edits.extend(marks(resource, &name));
    }
    ShardResource {
        original: resource.clone(),
        copy: (number > 0).then_some(place),
        edits,
    }
}

/// The JSON pointers of the pod labels and of the selector.
fn label_places(workload: &Workload) -> [String; 2] {
    [
        workload.selector_pointer().to_owned(),
        workload.pod_pointer("/metadata/labels"),
    ]
}

/// The copy of the object that holds `config.toml`, with its own name.
fn config_copy(runner: &Runner, number: i64, place: usize) -> ShardResource {
    let original = &runner.config.object;
    let name = format!("{}-{number}", original.identity.name);
    let shard = format!("{}-{number}", runner.workload.resource.identity.name);
    let mut edits = vec![Edit::Set("/metadata/name".to_owned(), json!(name))];
    edits.extend(marks(original, &name));
    edits.push(Edit::Set(annotation(SHARD), json!(shard)));
    ShardResource {
        original: original.clone(),
        copy: Some(place),
        edits,
    }
}

/// Marks a copy as ours, and gives it its own file if the host keeps files.
fn marks(original: &Resource, name: &str) -> Vec<Edit> {
    let annotations = original.value.at("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object);
    let mut edits = Vec::new();
    for (key, value) in annotations.into_iter().flatten() {
        let pointer = annotation(key);
        if PATH_ANNOTATIONS.contains(&key.as_str()) {
            let path = value.as_str().unwrap_or_default();
            let beside = path_beside(path, &original.identity.kind, name);
            edits.push(Edit::Set(pointer, json!(beside)));
        } else if INDEX_ANNOTATIONS.contains(&key.as_str()) {
            edits.push(Edit::Set(pointer, json!("0")));
        } else if HOST_ANNOTATIONS
            .iter()
            .any(|prefix| key.starts_with(prefix))
        {
            edits.push(Edit::Remove(pointer));
        }
    }
    edits.push(Edit::Set(annotation(OWNED_BY), json!(OWNER)));
    edits
}

/// Finds the JSON pointers of the names by which a pod refers to an object.
fn find_references(value: &Value, pointer: &str, object: &Resource, found: &mut Vec<String>) {
    let holders: &[&str] = if object.identity.kind == "Secret" {
        &["secret", "secretRef", "secretKeyRef"]
    } else {
        &["configMap", "configMapRef", "configMapKeyRef"]
    };
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let below = format!("{pointer}/{}", token(key));
                if holders.contains(&key.as_str()) {
                    let fields = ["name", "secretName"].into_iter();
                    let fields = fields.filter(|field| {
                        let name = member.get(field).and_then(Value::as_str);
                        name.is_some_and(|name| object.answers_to(name))
                    });
                    found.extend(fields.map(|field| format!("{below}/{field}")));
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
