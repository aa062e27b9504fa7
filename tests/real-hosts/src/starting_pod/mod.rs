//! A pod at its start: a stand-in for the kubelet and the container runtime of a node.
//!
//! | module | what it does |
//! |---|---|
//! | [`volumes`] | makes a folder for each volume, as the kubelet does |
//! | [`variables`] | the environment of a container, and `$(NAME)` in its command line |
//! | [`container`] | runs a container's command line with its mounts, user and capabilities |
//!
//! What it does not do: pull images, limit resources, filter system calls, isolate the network.
//!
//! Source: `pkg/kubelet` and `pkg/volume` of Kubernetes.

mod container;
mod variables;
mod volumes;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub use container::{Ended, RunningContainer};

use crate::control_plane::ControlPlane;
use container::Container;
use variables::Variables;
use volumes::Volumes;

/// The node that pods start on. Its persistent volumes outlive them.
#[derive(Debug)]
pub struct StartNode {
    plane: Arc<ControlPlane>,
    folder: TempDir,
    /// `status.podIPs` of its pods.
    pub pod_ips: Vec<String>,
    /// `status.hostIPs` of its pods.
    pub host_ips: Vec<String>,
}

/// A pod on the node, whose containers a test starts explicitly.
#[derive(Debug)]
pub struct StartingPod {
    plane: Arc<ControlPlane>,
    /// The pod as the API server returns it.
    pod: Value,
    pod_ips: Vec<String>,
    host_ips: Vec<String>,
    volumes: Volumes,
    folder: TempDir,
}

impl StartNode {
    /// A node of a control plane.
    ///
    /// # Panics
    ///
    /// If the test does not run as root: only root can start processes as other users, with their
    /// own root folders.
    pub fn new(plane: &Arc<ControlPlane>) -> Self {
        let user = Command::new("id").arg("-u").output().expect("id runs");
        assert!(
            user.stdout == b"0\n",
            "these tests start containers (mounts, chroot, other users): run them as root"
        );
        Self {
            plane: Arc::clone(plane),
            folder: folder_for_all(),
            pod_ips: vec!["10.1.0.7".to_owned(), "fd00:10:1::7".to_owned()],
            host_ips: vec!["192.0.2.20".to_owned(), "2001:db8::20".to_owned()],
        }
    }

    /// The folder of a persistent volume claim, which is created on first use.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn claim(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
        folder
    }

    /// Creates a pod from the template of a workload, such as `deployment/runner`, that the API server
    /// has, and makes its volumes.
    ///
    /// # Panics
    ///
    /// If the API server does not accept the pod, or if a volume is of a kind that no test needs.
    pub fn create_pod(&self, namespace: &str, workload: &str) -> StartingPod {
        let pod = pod_of(&self.plane.get(namespace, workload), namespace);
        let args = ["create", "--namespace", namespace, "-o", "json", "-f", "-"];
        let created = self.plane.kubectl(&args, &pod.to_string());
        assert!(created.status.success(), "{workload}: {created:?}");
        let pod = serde_json::from_slice(&created.stdout).expect("kubectl prints JSON");
        self.start(pod)
    }

    fn start(&self, pod: Value) -> StartingPod {
        let folder = folder_for_all();
        let volumes = Volumes::make(&self.plane, &pod, folder.path(), &|claim| self.claim(claim));
        StartingPod {
            plane: Arc::clone(&self.plane),
            pod,
            pod_ips: self.pod_ips.clone(),
            host_ips: self.host_ips.clone(),
            volumes,
            folder,
        }
    }
}

impl StartingPod {
    /// The pod as the API server returns it.
    pub fn manifest(&self) -> &Value {
        &self.pod
    }

    /// Runs the init containers before this one, each to its end.
    ///
    /// # Panics
    ///
    /// If one fails.
    pub fn run_init_containers_before(&self, name: &str) {
        for container in entries(&self.pod, "/spec/initContainers") {
            if text(container, "name") == name {
                return;
            }
            let ended = self.start_container(container).end();
            assert_eq!(ended.code, Some(0), "{container}: {ended:?}");
        }
        panic!("no init container is called {name}: {}", self.pod);
    }

    /// Starts a container of this name.
    ///
    /// # Panics
    ///
    /// If there is none, or it cannot be created.
    pub fn start_container_named(&self, name: &str) -> RunningContainer {
        self.start_container(self.container(name))
    }

    /// Runs a command in a container of this name, instead of its own.
    ///
    /// # Panics
    ///
    /// As [`start_container_named`](Self::start_container_named).
    pub fn run_in(&self, name: &str, command: &[&str]) -> Ended {
        let mut container = self.container(name).clone();
        set(&mut container, "command", json!(command));
        set(&mut container, "args", Value::Null);
        self.start_container(&container).end()
    }

    /// Runs the first container, which is the runner's, to the end of its command line.
    ///
    /// # Panics
    ///
    /// As [`start_container_named`](Self::start_container_named).
    pub fn run_runner(&self) -> Ended {
        let runner = self.pod.pointer("/spec/containers/0");
        self.start_container(runner.expect("a pod has a container"))
            .end()
    }

    /// The command that runs a container of this name, with more arguments than its own.
    ///
    /// # Panics
    ///
    /// As [`start_container_named`](Self::start_container_named).
    pub(crate) fn command_of(&self, name: &str, more: &[&str]) -> Command {
        let mut spec = self.container(name).clone();
        let own = entries(&spec, "/args").cloned();
        let args: Vec<Value> = own.chain(more.iter().map(|arg| json!(arg))).collect();
        set(&mut spec, "args", Value::Array(args));
        let variables = Variables::of(self, &spec);
        Container {
            pod: self,
            spec: &spec,
            variables,
        }
        .command()
    }

    /// Brings its volumes of ConfigMaps up to date, as the kubelet does within about a minute.
    ///
    /// # Panics
    ///
    /// If a ConfigMap is gone.
    pub fn update_volumes(&self) {
        self.volumes.update(&self.plane, &self.pod);
    }

    fn container(&self, name: &str) -> &Value {
        let lists = ["/spec/initContainers", "/spec/containers"];
        let mut all = lists.iter().flat_map(|list| entries(&self.pod, list));
        all.find(|container| text(container, "name") == name)
            .unwrap_or_else(|| panic!("no container is called {name}: {}", self.pod))
    }

    fn start_container(&self, spec: &Value) -> RunningContainer {
        let variables = Variables::of(self, spec);
        Container {
            pod: self,
            spec,
            variables,
        }
        .start()
    }

    fn namespace(&self) -> &str {
        let namespace = self.pod.pointer("/metadata/namespace");
        namespace
            .and_then(Value::as_str)
            .expect("a pod has a namespace")
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The pod that a controller creates from a workload's template.
fn pod_of(workload: &Value, namespace: &str) -> Value {
    if workload.get("kind") == Some(&json!("Pod")) {
        return workload.clone();
    }
    let name = text(workload.get("metadata").expect("it has metadata"), "name");
    let template = workload
        .pointer("/spec/template")
        .expect("it has a pod template");
    let of_template = |field: &str| template.pointer(&format!("/metadata/{field}")).cloned();
    let mut spec = template.get("spec").cloned().expect("it has pods");
    let claims = entries(workload, "/spec/volumeClaimTemplates").map(|claim| {
        let volume = text(claim.get("metadata").expect("it has a name"), "name");
        json!({
            "name": volume,
            "persistentVolumeClaim": {"claimName": format!("{volume}-{name}-0")},
        })
    });
    let claims: Vec<Value> = claims.collect();
    if !claims.is_empty() {
        let volumes = entries(template, "/spec/volumes").cloned();
        let volumes = volumes.chain(claims).collect();
        set(&mut spec, "volumes", volumes);
    }
    let mut metadata = Map::from_iter([
        ("generateName".to_owned(), json!(format!("{name}-"))),
        ("namespace".to_owned(), json!(namespace)),
    ]);
    for field in ["labels", "annotations"] {
        metadata.extend(of_template(field).map(|value| (field.to_owned(), value)));
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

/// A temporary folder that other users can read.
fn folder_for_all() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    volumes::set_mode(folder.path(), 0o755);
    folder
}

/// The entries of a list, which may be missing.
fn entries<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// Sets a member of a mapping.
fn set(value: &mut Value, field: &str, new: Value) {
    let members = value.as_object_mut().expect("the API server checks it");
    members.insert(field.to_owned(), new);
}

/// A text, which may be missing.
fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A field of a container's security context, or else of its pod's.
fn security<'v>(pod: &'v Value, container: &'v Value, field: &str) -> Option<&'v Value> {
    let own = container.pointer(&format!("/securityContext/{field}"));
    own.or_else(|| pod.pointer(&format!("/spec/securityContext/{field}")))
}
