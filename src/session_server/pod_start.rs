//! `configure.at: PodStart`: what the pod template needs so that an init container writes
//! `[session_server]` when a pod starts.
//!
//! The init container runs `runner-terminal configure`, which docs/configure.md describes. It has what
//! the Pod Security Standard "restricted" asks for, and the API is asked for one Service at most.
//!
//! Source: `Container`, `Volume` and `PodSecurityContext` in Kubernetes' `core/v1` API; its documentation,
//! "Pod Security Standards" and "Projected Volumes".

use serde_json::{Map, Value, json};

use super::shard::Edit;
use crate::fields::Seconds;
use crate::function_config::{AddressKind, ConfigureSpec};
use crate::runner::start_record::{
    CONFIG_VOLUME, INIT_CONTAINER, MountRecord, POD_START, StartRecord, TOKEN_VOLUME, position,
};
use crate::runner::{Runner, StartForm, Workload};
use krm::Internal;
use krm::bookkeeping::annotation;
use krm::patch::Patches;
use krm::resource::{Identity, Resource};
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// Where the init container has the folder of the file that it writes.
const CONFIG_FOLDER: &str = "/session-server/config";
/// Where it has the volume that it copies.
const SOURCE_FOLDER: &str = "/session-server/source";
/// Where clients of the API look for a token.
const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The shortest life of a token that the API server gives out, in seconds. The kubelet renews it.
const TOKEN_SECONDS: u32 = 600;
/// The variable with the IP address of the pod's node.
const NODE_IP: &str = "NODE_IP";
/// The variable with the pod's own.
const POD_IP: &str = "POD_IP";

/// What changes in a workload, so that its pods are configured when they start, or no longer are.
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
    /// A port of the node that the pod is on.
    Node { port: u16 },
    /// The live Service has it.
    Service {
        name: String,
        /// The number of the Service's port, where the Service is the user's own.
        port: Option<u16>,
        nodes: Option<Nodes>,
    },
}

/// At which nodes a Service of type NodePort is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nodes {
    /// At this address.
    At(String),
    /// At the node that the pod is on.
    OfPod,
}

impl StartAddress {
    /// True where the init container asks the API server.
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

    /// Writes what is planned.
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

/// What removes everything that an earlier run has added to a workload's pods.
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

/// Says of workloads that are configured when their pods start that no AdvertiseAddress is needed.
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

/// Refuses to resolve the address of a workload whose pods do so themselves.
///
/// # Errors
/// Its pods are configured when they start.
pub fn check_addressed_at_build(workload: &Workload) -> Result<(), Refusal> {
    if !is_configured_at_start(workload) {
        return Ok(());
    }
    Err(Box::new(
        FunctionResult::error(format!(
            "gets its address when its pods start: the log of their init container \
             {INIT_CONTAINER} says it"
        ))
        .about(&workload.resource.identity),
    ))
}

/// The name of the service account that a workload's pods run under. kustomize renames the reference to
/// it after this function, and not the one in a new RoleBinding.
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

/// The plan while it is made.
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

    /// Gives the runner's container its own mount back, and then changes the one that is asked for.
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
        // From the last one, as a removal moves those behind it.
        removed.sort_unstable();
        let removed = removed.into_iter().rev();
        let removals = removed.map(|place| PodEdit::Remove(format!("{list}/{place}")));
        self.edits.extend(removals);
        let added = added.into_iter();
        self.edits
            .extend(added.map(|volume| PodEdit::Push(list.clone(), volume)));
        Ok(())
    }

    /// Refuses a member that is no list, to which nothing can be added.
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

    /// Makes a container the last one of the init containers.
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
        // One of an earlier run is not edited: what an edit does to a text of the user's is recorded.
        let before = place.map(|place| PodEdit::Remove(format!("{list}/{place}")));
        self.edits.extend(before);
        self.edits.push(PodEdit::Push(list, container));
        Ok(())
    }

    /// The place of the entry of an earlier run.
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

/// Where the init container has the file, and what it mounts for it.
struct Placement {
    /// `config.toml` in the init container.
    config: String,
    /// `FROM=TO`, where a copy is made.
    copy: Option<String>,
    /// The mounts of the init container.
    mounts: Vec<Value>,
    /// Variables of the runner's container that the mounts refer to.
    variables: Variables,
    /// What changes among the mounts of the runner's container.
    record: Option<MountRecord>,
}

impl Placement {
    fn of(form: &StartForm, container: &Value) -> Result<Self, Refusal> {
        let mount_of = |place: usize| {
            let mount = container.at(&format!("/volumeMounts/{place}"));
            mount.ok_or_else(|| {
                Refusal::from(Internal::new(
                    "the mount of a config.toml is not among its container's",
                ))
            })
        };
        let own = |folder: &str| json!({"name": CONFIG_VOLUME, "mountPath": folder});
        Ok(match form {
            StartForm::Copied {
                mount,
                sub_path,
                below,
            } => {
                let mount = mount_of(*mount)?;
                // The kubelet makes a folder of a subPath that is not there yet, so only the whole
                // volume is mounted.
                let target = path(CONFIG_FOLDER, sub_path);
                let is_file = below.is_empty();
                let source = match is_file {
                    true => format!("{SOURCE_FOLDER}/{}", file_name(text(mount, "mountPath"))),
                    false => SOURCE_FOLDER.to_owned(),
                };
                Self {
                    config: path(&target, below),
                    copy: Some(format!("{source}={target}")),
                    mounts: vec![mount_like(mount, &source, true), own(CONFIG_FOLDER)],
                    variables: Variables::of(mount, container),
                    record: Some(MountRecord {
                        path: text(mount, "mountPath").to_owned(),
                        volume: Some(text(mount, "name").to_owned()),
                        read_only: mount.get("readOnly") == Some(&Value::Bool(true))
                            && mount.get("recursiveReadOnly").is_none(),
                    }),
                }
            }
            StartForm::InPlace { mount, below, .. } => {
                let mount = mount_of(*mount)?;
                let target = match below.is_empty() {
                    true => format!("{CONFIG_FOLDER}/{}", file_name(text(mount, "mountPath"))),
                    false => CONFIG_FOLDER.to_owned(),
                };
                Self {
                    config: path(&target, below),
                    copy: None,
                    mounts: vec![mount_like(mount, &target, false)],
                    variables: Variables::of(mount, container),
                    record: None,
                }
            }
            StartForm::ImageFolder { folder, file } => Self {
                config: format!("{CONFIG_FOLDER}/{file}"),
                copy: None,
                mounts: vec![own(CONFIG_FOLDER)],
                variables: Variables::default(),
                record: Some(MountRecord {
                    path: folder.clone(),
                    volume: None,
                    read_only: false,
                }),
            },
        })
    }

    /// The pod gets a volume for the file.
    fn needs_volume(&self) -> bool {
        self.record.is_some()
    }
}

/// The mount of the init container for what the runner's container mounts.
fn mount_like(mount: &Value, path: &str, is_read_only: bool) -> Value {
    let mut like = Map::from_iter([
        ("name".to_owned(), json!(text(mount, "name"))),
        ("mountPath".to_owned(), json!(path)),
    ]);
    for field in ["subPath", "subPathExpr"] {
        if let Some(value) = mount.get(field) {
            like.insert(field.to_owned(), value.clone());
        }
    }
    if is_read_only {
        like.insert("readOnly".to_owned(), json!(true));
    }
    Value::Object(like)
}

/// The variables that `subPathExpr` of a mount refers to, and those that they refer to.
#[derive(Default)]
struct Variables {
    env: Vec<Value>,
    /// Where those come from that are not in `env`.
    env_from: Option<Value>,
}

impl Variables {
    fn of(mount: &Value, container: &Value) -> Self {
        let mut texts = vec![text(mount, "subPathExpr")];
        let all = container.get("env").and_then(Value::as_array);
        let mut env = Vec::new();
        // A variable refers to those before it.
        for variable in all.into_iter().flatten().rev() {
            let reference = format!("$({})", text(variable, "name"));
            if texts.iter().any(|text| text.contains(&reference)) {
                texts.push(text(variable, "value"));
                env.push(variable.clone());
            }
        }
        env.reverse();
        let references = texts.into_iter().flat_map(references);
        let is_in_env = |name: &str| env.iter().any(|variable| text(variable, "name") == name);
        let is_elsewhere = references.into_iter().any(|name| !is_in_env(name));
        let env_from = container.get("envFrom").filter(|_| is_elsewhere);
        Self {
            env_from: env_from.cloned(),
            env,
        }
    }
}

/// The names in the `$(NAME)` of a text.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("$(").skip(1);
    parts.filter_map(|part| Some(part.split_once(')')?.0))
}

fn init_container(
    runner: &Runner,
    container: &Value,
    placement: &Placement,
    task: &StartTask<'_>,
) -> Value {
    let configure = task.configure;
    let user = User::of(runner, container);
    let mut variables = placement.variables.env.clone();
    let mut arguments = vec![format!("--config={}", placement.config)];
    arguments.extend(placement.copy.iter().map(|copy| format!("--copy={copy}")));
    let node_ip = format!("$({NODE_IP})");
    match task.address {
        StartAddress::Known { address, is_asked } => {
            arguments.push(format!("--advertise-address={address}"));
            if *is_asked {
                arguments.push("--replace-address".to_owned());
            }
        }
        StartAddress::Pod { port } => {
            arguments.push(format!("--advertise-ip=$({POD_IP})"));
            arguments.push(format!("--advertise-port={port}"));
            variables.push(field_variable(POD_IP, "status.podIP", configure));
        }
        StartAddress::Node { port } => {
            arguments.push(format!("--advertise-ip={node_ip}"));
            arguments.push(format!("--advertise-port={port}"));
        }
        StartAddress::Service { name, port, nodes } => {
            arguments.push(format!("--service={name}"));
            arguments.extend(port.map(|port| format!("--service-port={port}")));
            arguments.extend(nodes.as_ref().map(|nodes| match nodes {
                Nodes::At(address) => format!("--node-address={address}"),
                Nodes::OfPod => format!("--node-address={node_ip}"),
            }));
            arguments.push(format!("--timeout={}s", configure.timeout().0));
            let when_pending = configure.when_pending.unwrap_or_default();
            arguments.push(format!("--when-pending={}", when_pending.as_str()));
        }
    }
    if arguments
        .iter()
        .any(|argument| argument.ends_with(&node_ip))
    {
        variables.push(field_variable(NODE_IP, "status.hostIP", configure));
    }
    arguments.push(format!("--listen-port={}", task.listen_port));
    let timeout = task.session_timeout.map(|seconds| seconds.0);
    arguments.extend(timeout.map(|seconds| format!("--session-timeout={seconds}")));
    if let Some(prefer) = &configure.prefer {
        let kinds = prefer.iter().map(|kind| match kind {
            AddressKind::Hostname => "Hostname",
            AddressKind::Ip => "IP",
        });
        arguments.push(format!("--prefer={}", kinds.collect::<Vec<_>>().join(",")));
    }
    let family = configure.ip_family.map(|family| json!(family));
    let family = family.as_ref().and_then(Value::as_str);
    arguments.extend(family.map(|family| format!("--ip-family={family}")));
    if user.is_unknown {
        arguments.push("--file-mode=0666".to_owned());
    }
    let mut mounts = placement.mounts.clone();
    if task.address.reads_service() {
        mounts.push(json!({"name": TOKEN_VOLUME, "mountPath": TOKEN_FOLDER, "readOnly": true}));
    }
    let mut init = Map::new();
    let mut set = |name: &str, value: Value| {
        let _: Option<Value> = init.insert(name.to_owned(), value);
    };
    set("name", json!(INIT_CONTAINER));
    set("image", json!(configure.image));
    if let Some(policy) = configure.image_pull_policy {
        set("imagePullPolicy", json!(policy));
    }
    set("command", json!(["runner-terminal", "configure"]));
    set("args", json!(arguments));
    if let Some(from) = &placement.variables.env_from {
        set("envFrom", from.clone());
    }
    if !variables.is_empty() {
        set("env", Value::Array(variables));
    }
    if let Some(resources) = configure.resources.as_ref().filter(|map| !map.is_empty()) {
        set("resources", json!(resources));
    }
    set("securityContext", user.security_context());
    set("volumeMounts", Value::Array(mounts));
    Value::Object(init)
}

/// A variable of the downward API: an address, or all of them where one of a family is to be chosen.
/// Older clusters know the field of one address alone.
fn field_variable(name: &str, field: &str, configure: &ConfigureSpec) -> Value {
    let plural = if configure.ip_family.is_some() {
        "s"
    } else {
        ""
    };
    json!({
        "name": name,
        "valueFrom": {"fieldRef": {"fieldPath": format!("{field}{plural}")}},
    })
}

/// Whom the init container runs as: the user of the runner's container, who is to read and write the file.
struct User {
    /// `runAsUser` and `runAsGroup` that the container itself has to say, as the pod does not.
    own: Vec<(&'static str, Value)>,
    is_root: bool,
    /// The image of the runner's container says who it is, which no manifest shows.
    is_unknown: bool,
}

impl User {
    fn of(runner: &Runner, container: &Value) -> Self {
        let is_set = |value: &Value| !value.is_null();
        let context = |field: &str| {
            let value = container.at(&format!("/securityContext/{field}"));
            value.cloned().filter(is_set)
        };
        let of_pod = |field: &str| {
            let pointer = format!("/spec/securityContext/{field}");
            runner.workload.pod(&pointer).cloned().filter(is_set)
        };
        let mut own: Vec<(&'static str, Value)> = ["runAsUser", "runAsGroup"]
            .into_iter()
            .filter_map(|field| Some((field, context(field)?)))
            .collect();
        let user = context("runAsUser").or_else(|| of_pod("runAsUser"));
        if let Some(user) = user {
            return Self {
                own,
                is_root: user == json!(0),
                is_unknown: false,
            };
        }
        let non_root = context("runAsNonRoot").or_else(|| of_pod("runAsNonRoot"));
        let is_root = non_root != Some(Value::Bool(true)) && reads_files_of_root(runner);
        if is_root {
            own.push(("runAsUser", json!(0)));
        }
        Self {
            own,
            is_root,
            is_unknown: true,
        }
    }

    fn security_context(&self) -> Value {
        let mut context = Map::from_iter([
            ("allowPrivilegeEscalation".to_owned(), json!(false)),
            ("capabilities".to_owned(), json!({"drop": ["ALL"]})),
            ("readOnlyRootFilesystem".to_owned(), json!(true)),
            ("runAsNonRoot".to_owned(), json!(!self.is_root)),
        ]);
        for (field, value) in &self.own {
            context.insert((*field).to_owned(), value.clone());
        }
        context.insert(
            "seccompProfile".to_owned(),
            json!({"type": "RuntimeDefault"}),
        );
        Value::Object(context)
    }
}

/// Whether the files that a container without a user reads or writes may be root's alone: those of other
/// containers, of a volume that outlives the pod, or of a Secret that others may not read. The images of
/// GitLab Runner run as root.
fn reads_files_of_root(runner: &Runner) -> bool {
    let Some((start, container)) = runner.start.as_ref().zip(runner.container()) else {
        return false;
    };
    let place = match &start.form {
        // OpenShift gives the pods a user, and takes no other one.
        StartForm::InPlace { .. } => {
            let is_of_openshift = runner.workload.resource.identity.kind == "DeploymentConfig"
                || text(container.value, "image").contains("gitlab-runner-ocp");
            return !is_of_openshift;
        }
        StartForm::ImageFolder { .. } => return false,
        StartForm::Copied { mount, .. } => *mount,
    };
    let name = container.value.at(&format!("/volumeMounts/{place}/name"));
    let name = name.and_then(Value::as_str).unwrap_or_default();
    let volumes = runner
        .workload
        .pod("/spec/volumes")
        .and_then(Value::as_array);
    let mut volumes = volumes.into_iter().flatten();
    let volume = volumes.find(|volume| text(volume, "name") == name);
    let mut modes = Vec::new();
    if let Some(volume) = volume {
        modes_of(volume, &mut modes);
    }
    let has_group = runner
        .workload
        .pod("/spec/securityContext/fsGroup")
        .is_some();
    const READ_BY_OTHERS: u64 = 0o4;
    !has_group && modes.into_iter().any(|mode| mode & READ_BY_OTHERS == 0)
}

/// The modes of a volume's files: `defaultMode`, and `mode` of its items.
fn modes_of(source: &Value, modes: &mut Vec<u64>) {
    match source {
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "defaultMode" | "mode" => modes.extend(member.as_u64()),
                    _ => modes_of(member, modes),
                }
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| modes_of(entry, modes)),
        _ => {}
    }
}

/// A token for the API that only the init container has, with what clients of the API need besides. It
/// is the volume that Kubernetes itself gives to pods.
fn token_volume() -> Value {
    json!({
        "name": TOKEN_VOLUME,
        "projected": {"sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
            {"configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }},
            {"downwardAPI": {"items": [{
                "path": "namespace",
                "fieldRef": {"fieldPath": "metadata.namespace"},
            }]}},
        ]},
    })
}

/// Says what the pods of a runner do when they start.
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
        StartAddress::Node { port } => format!("It advertises port {port} of the pod's node"),
        StartAddress::Service { .. } => {
            let pending = match task.configure.when_pending.unwrap_or_default() {
                crate::function_config::StartWhenPending::Disable => {
                    "after that the runner starts without terminals"
                }
                crate::function_config::StartWhenPending::Fail => {
                    "after that it fails and is tried again"
                }
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

/// A path below a folder.
fn path(folder: &str, below: &[String]) -> String {
    let mut path = folder.to_owned();
    for segment in below {
        path.push('/');
        path.push_str(segment);
    }
    path
}

fn file_name(path: &str) -> &str {
    path.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
