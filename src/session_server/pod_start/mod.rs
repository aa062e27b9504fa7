//! `configure.at: PodStart`: what the pod template needs so that an init container writes
//! `[session_server]` when a pod starts.
//!
//! The init container runs `runner-terminal configure`, which docs/configure.md describes. It meets
//! the Pod Security Standard "restricted", and reads at most one Service from the API.
//!
//! Source: `Container` and `Volume` in Kubernetes' `core/v1` API; its documentation, "Projected Volumes".
//!
//! | module | what it makes |
//! |---|---|
//! | [`init_container`](mod@init_container) | the init container, and the volume of its token |
//! | [`placement`] | where the init container sees the file, and the mounts for it |
//! | [`user`] | the user that it runs as |

mod init_container;
mod placement;
mod user;

use serde_json::{Value, json};

use super::shard::Edit;
use crate::fields::Seconds;
use crate::function_config::{ConfigureSpec, StartWhenPending};
use crate::runner::start_record::{
    CONFIG_VOLUME, INIT_CONTAINER, POD_START, StartRecord, TOKEN_VOLUME, position,
};
use crate::runner::{Runner, StartForm, Workload};
use init_container::{init_container, token_volume};
use krm::Internal;
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use placement::Placement;
use yaml_splice::pointer::At as _;

/// The changes to a workload so that its pods are configured at startup, or no longer are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodStartPlan {
    /// The changes, in this order.
    pub edits: Vec<PodEdit>,
}

/// A change of a workload.
#[derive(Clone, Debug, PartialEq)]
pub enum PodEdit {
    /// The member at this JSON pointer gets this value.
    Set(String, Value),
    /// The list at this JSON pointer gets another entry.
    Push(String, Value),
    /// The member at this JSON pointer is removed.
    Remove(String),
}

/// Where the init container gets the address from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StartAddress {
    /// It is known: host:port.
    Known {
        address: String,
        /// The functionConfig says it, so that it replaces the user's own.
        is_asked: bool,
    },
    /// The pod's own IP address.
    Pod { port: u16 },
    /// The pod's own name, below a domain.
    PodName { domain: String, port: u16 },
    /// A port of the node that the pod is on.
    Node {
        port: u16,
        /// Each pod must advertise its own node, because the port of another node leads to another
        /// pod.
        is_of_each_pod: bool,
    },
    /// The live Service has it.
    Service {
        name: String,
        /// The number of the Service's port, where the Service is the user's own.
        port: Option<u16>,
        nodes: Option<Nodes>,
    },
}

/// The nodes at which a Service of type NodePort is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nodes {
    /// At this address.
    At(String),
    /// At the node that the pod is on.
    OfPod,
}

impl StartAddress {
    /// True if the init container reads from the API server.
    pub(super) fn reads_service(&self) -> bool {
        matches!(self, Self::Service { .. })
    }
}

/// What the init container is to do.
pub(super) struct StartTask<'a> {
    pub(super) configure: &'a ConfigureSpec,
    pub(super) address: &'a StartAddress,
    pub(super) listen_port: u16,
    pub(super) session_timeout: Option<Seconds>,
}

impl PodStartPlan {
    /// Removes what an earlier run has added.
    pub(super) fn removal(workload: &Workload) -> Self {
        let edits = removal(workload).into_iter().map(|edit| match edit {
            Edit::Set(pointer, value) => PodEdit::Set(pointer, value),
            Edit::Remove(pointer) => PodEdit::Remove(pointer),
        });
        Self {
            edits: edits.collect(),
        }
    }

    /// Applies the plan.
    pub(super) fn patch(self, workload: &Resource, patches: &mut Patches) {
        for edit in self.edits {
            match edit {
                PodEdit::Set(pointer, value) => patches.set(workload, &pointer, value),
                PodEdit::Push(pointer, value) => patches.push(workload, &pointer, value),
                PodEdit::Remove(pointer) => patches.remove(workload, &pointer),
            }
        }
    }
}

/// The edits that remove everything that an earlier run added to a workload's pods.
pub(super) fn removal(workload: &Workload) -> Vec<Edit> {
    let resource = &workload.resource;
    let Some(record) = StartRecord::read(resource) else {
        return Vec::new();
    };
    let edits = record.removal(&resource.value, &workload.pod_pointer("/spec"));
    let edits = edits.into_iter().map(|(pointer, new)| match new {
        Some(value) => Edit::Set(pointer, value),
        None => Edit::Remove(pointer),
    });
    edits.chain([Edit::Remove(annotation(POD_START))]).collect()
}

/// True for a workload whose pods are configured when they start.
pub fn is_configured_at_start(workload: &Workload) -> bool {
    StartRecord::read(&workload.resource).is_some()
}

/// Reports workloads that are configured at pod start, and so need no AdvertiseAddress.
pub fn addressed_at_start(workloads: &[Workload]) -> Vec<FunctionResult> {
    let say = |workload: &Workload| {
        FunctionResult::info(
            "gets its address when its pods start (spec.configure.at of the SessionServer is \
             PodStart), so an AdvertiseAddress has nothing to do for it",
        )
        .about(&workload.resource.identity)
    };
    workloads.iter().map(say).collect()
}

/// Reports that only the pods of a workload know their addresses.
pub fn addressed_by_pods(workload: &Identity) -> FunctionResult {
    FunctionResult::error(format!(
        "gets its address when its pods start: the log of their init container {INIT_CONTAINER} shows it"
    ))
    .about(workload)
}

/// The service account of a workload's pods. kustomize renames this reference after the function
/// has run, but not the one in a new RoleBinding.
///
/// # Errors
/// An item that mentions the name and cannot be parsed.
pub fn service_account(list: &ResourceList<'_>, workload: &Workload) -> Result<String, Refusal> {
    let fields = ["/spec/serviceAccountName", "/spec/serviceAccount"];
    let mut names = fields
        .iter()
        .filter_map(|field| workload.pod(field)?.as_str());
    let name = names.find(|name| !name.is_empty()).unwrap_or("default");
    let accounts = list.referenced("ServiceAccount", name, &workload.resource)?;
    Ok(match accounts.as_slice() {
        [account] => account.identity.name.clone(),
        _ => name.to_owned(),
    })
}

/// Plans the init container and its volumes.
///
/// # Errors
/// The pod has something else of one of their names.
pub(super) fn plan(runner: &Runner, task: &StartTask<'_>) -> Result<PodStartPlan, Refusal> {
    let (Some(start), Some(container)) = (&runner.start, runner.container()) else {
        return Err(
            Internal::new("a runner without a file is to be configured at its start").into(),
        );
    };
    let placement = Placement::of(&start.form, container.value)?;
    let workload = &runner.workload;
    let before = StartRecord::read(&workload.resource);
    let record = StartRecord {
        container: container.name.to_owned(),
        mount: placement.record.clone(),
    };
    let mut planner = Planner {
        workload,
        pod: workload.pod_pointer("/spec"),
        is_first: before.is_none(),
        edits: Vec::new(),
    };
    if before.as_ref() != Some(&record) || !planner.has_mount(&record) {
        planner.move_mount(before.as_ref(), &record, runner, &start.form)?;
    }
    let config = placement
        .needs_volume()
        .then(|| json!({"name": CONFIG_VOLUME, "emptyDir": {"medium": "Memory"}}));
    let token = task.address.reads_service().then(token_volume);
    planner.volumes([(CONFIG_VOLUME, config), (TOKEN_VOLUME, token)])?;
    let init = init_container(runner, container.value, &placement, task);
    planner.last_init_container(INIT_CONTAINER, init)?;
    planner.set(annotation(POD_START), Value::from(record.written()));
    Ok(PodStartPlan {
        edits: planner.edits,
    })
}

/// A plan while it is being made.
struct Planner<'a> {
    workload: &'a Workload,
    /// JSON pointer of the pod's spec.
    pod: String,
    /// No earlier run has added anything.
    is_first: bool,
    edits: Vec<PodEdit>,
}

impl Planner<'_> {
    fn value(&self) -> &Value {
        &self.workload.resource.value
    }

    fn set(&mut self, pointer: String, value: Value) {
        if self.value().at(&pointer) != Some(&value) {
            self.edits.push(PodEdit::Set(pointer, value));
        }
    }

    fn has_mount(&self, record: &StartRecord) -> bool {
        record.mount.is_none() || record.mount_pointer(self.value(), &self.pod).is_some()
    }

    /// Restores the mount of the runner's container, and then changes the requested one.
    fn move_mount(
        &mut self,
        before: Option<&StartRecord>,
        record: &StartRecord,
        runner: &Runner,
        form: &StartForm,
    ) -> Result<(), Refusal> {
        let back = before.map(|before| before.mount_removal(self.value(), &self.pod));
        let back = back.into_iter().flatten().map(|(pointer, new)| match new {
            Some(value) => PodEdit::Set(pointer, value),
            None => PodEdit::Remove(pointer),
        });
        let back: Vec<PodEdit> = back.collect();
        self.edits.extend(back);
        let Some(mount) = &record.mount else {
            return Ok(());
        };
        let mounts = runner.container_pointer("/volumeMounts");
        match form {
            StartForm::Copied { mount: place, .. } => {
                let pointer = format!("{mounts}/{place}");
                let name = Value::from(CONFIG_VOLUME);
                self.edits
                    .push(PodEdit::Set(format!("{pointer}/name"), name));
                if mount.read_only {
                    let read_only = format!("{pointer}/readOnly");
                    self.edits.push(PodEdit::Set(read_only, Value::from(false)));
                }
            }
            StartForm::ImageFolder { .. } | StartForm::InPlace { .. } => {
                let entry = json!({"name": CONFIG_VOLUME, "mountPath": mount.path});
                self.check_list(&mounts)?;
                self.edits.push(PodEdit::Push(mounts, entry));
            }
        }
        Ok(())
    }

    /// Adds volumes, brings them up to date, or removes them.
    fn volumes<const N: usize>(
        &mut self,
        volumes: [(&str, Option<Value>); N],
    ) -> Result<(), Refusal> {
        let list = format!("{}/volumes", self.pod);
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for (name, volume) in volumes {
            let place = self.place(&list, name, volume.is_some())?;
            let is_right = || {
                let pointer = format!("{list}/{}", place.unwrap_or_default());
                place.is_some() && self.value().at(&pointer) == volume.as_ref()
            };
            if !is_right() {
                removed.extend(place);
                added.extend(volume);
            }
        }
        // In descending order, because a removal shifts later entries.
        removed.sort_unstable();
        let removed = removed.into_iter().rev();
        let removals = removed.map(|place| PodEdit::Remove(format!("{list}/{place}")));
        self.edits.extend(removals);
        let added = added.into_iter();
        self.edits
            .extend(added.map(|volume| PodEdit::Push(list.clone(), volume)));
        Ok(())
    }

    /// Refuses a member that is not a list, as nothing can be appended to it.
    fn check_list(&self, list: &str) -> Result<(), Refusal> {
        let is_list = self.value().at(list).is_none_or(|value| match value {
            Value::Null | Value::Array(_) => true,
            Value::Object(members) => members.is_empty(),
            _ => false,
        });
        if is_list {
            return Ok(());
        }
        Err(Box::new(
            FunctionResult::error("is not a list, so nothing can be added to it: write it as one")
                .about(&self.workload.resource.identity)
                .at(field_path(list)),
        ))
    }

    /// Moves or appends a container to the end of the init containers.
    fn last_init_container(&mut self, name: &str, container: Value) -> Result<(), Refusal> {
        let list = format!("{}/initContainers", self.pod);
        let place = self.place(&list, name, true)?;
        let last = self
            .value()
            .at(&list)
            .and_then(|list| list.as_array()?.last());
        if last == Some(&container) {
            return Ok(());
        }
        // A container of an earlier run is replaced rather than edited: an edit of the user's text
        // would be recorded.
        let before = place.map(|place| PodEdit::Remove(format!("{list}/{place}")));
        self.edits.extend(before);
        self.edits.push(PodEdit::Push(list, container));
        Ok(())
    }

    /// The index of the entry that an earlier run added.
    fn place(&self, list: &str, name: &str, is_wanted: bool) -> Result<Option<usize>, Refusal> {
        if is_wanted {
            self.check_list(list)?;
        }
        let place = position(self.value(), list, name);
        if place.is_none() || !self.is_first {
            return Ok(place);
        }
        if !is_wanted {
            return Ok(None);
        }
        Err(Box::new(
            FunctionResult::error(format!(
                "has {name:?} among its {} already, and this function did not add it: rename it",
                list.rsplit('/').next().unwrap_or_default()
            ))
            .about(&self.workload.resource.identity)
            .at(field_path(list)),
        ))
    }
}

/// Reports what the pods of a runner do at startup.
pub(super) fn result(
    runner: &Runner,
    task: &StartTask<'_>,
    service: &Identity,
) -> Option<FunctionResult> {
    let start = runner.start.as_ref()?;
    let writes = match &start.form {
        StartForm::Copied { .. } => format!(
            "copies the volume of {path} when a pod starts and writes [session_server] into the \
             copy, so a change of the volume's object reaches the runner with its next pod only",
            path = start.path
        ),
        StartForm::InPlace { .. } | StartForm::ImageFolder { .. } => {
            format!(
                "writes [session_server] into {} when a pod starts",
                start.path
            )
        }
    };
    let address = match task.address {
        StartAddress::Known { address, .. } => format!("It advertises {address}"),
        StartAddress::Pod { port } => format!("It advertises port {port} of the pod's IP address"),
        StartAddress::PodName { domain, port } => {
            format!("It advertises the pod's name below {domain}, at port {port}")
        }
        StartAddress::Node { port, .. } => format!("It advertises port {port} of the pod's node"),
        StartAddress::Service { .. } => {
            let pending = match task.configure.when_pending.unwrap_or_default() {
                StartWhenPending::Disable => "after that the runner starts without terminals",
                StartWhenPending::Fail => "after that it fails and is tried again",
            };
            format!(
                "It waits up to {} for the address of {service}; {pending}",
                task.configure.timeout()
            )
        }
    };
    Some(
        FunctionResult::info(format!(
            "its init container {INIT_CONTAINER} {writes}. {address}"
        ))
        .about(&runner.workload.resource.identity)
        .at(field_path(
            &runner.workload.pod_pointer("/spec/initContainers"),
        )),
    )
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
