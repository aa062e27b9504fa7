//! The init container: its command line, variables and mounts. docs/configure.md describes the options.

use serde_json::{Map, Value, json};

use super::placement::Placement;
use super::user::User;
use super::{Nodes, StartAddress, StartTask};
use crate::function_config::{AddressKind, ConfigureSpec};
use crate::runner::Runner;
use crate::runner::start_container::POD_NAME;
use crate::runner::start_record::{INIT_CONTAINER, TOKEN_VOLUME};

/// The address replaces one that the user has written into the file.
const REPLACE: &str = "--replace-address";
/// Where API clients look for a token.
const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The shortest life of a token that the API server gives out, in seconds. The kubelet renews it.
const TOKEN_SECONDS: u32 = 600;
/// The variable with the IP address of the pod's node.
const NODE_IP: &str = "SESSION_SERVER_NODE_IP";
/// The variable with the pod's own.
const POD_IP: &str = "SESSION_SERVER_POD_IP";

/// Makes the init container.
pub(super) fn init_container(
    runner: &Runner,
    container: &Value,
    placement: &Placement,
    task: &StartTask<'_>,
) -> Value {
    let configure = task.configure;
    let user = User::of(runner, container);
    let source = AddressSource::of(task);
    let mut arguments = vec![format!("--config={}", placement.config)];
    arguments.extend(placement.copy.iter().map(|copy| format!("--copy={copy}")));
    arguments.extend(source.arguments);
    arguments.extend(settings(task));
    if user.is_unknown && !user.is_root || runner.switches_user() {
        arguments.push("--file-mode=0666".to_owned());
    }
    let mut variables = placement.variables.env.clone();
    variables.extend(source.variable);
    let mut mounts = placement.mounts.clone();
    if task.address.reads_service() {
        mounts.push(json!({"name": TOKEN_VOLUME, "mountPath": TOKEN_FOLDER, "readOnly": true}));
    }
    let resources = configure.resources.as_ref().filter(|map| !map.is_empty());
    let members = [
        ("name", Some(json!(INIT_CONTAINER))),
        ("image", Some(json!(configure.image))),
        (
            "imagePullPolicy",
            configure.image_pull_policy.map(|policy| json!(policy)),
        ),
        ("command", Some(json!(["runner-terminal", "configure"]))),
        ("args", Some(json!(arguments))),
        ("envFrom", placement.variables.env_from.clone()),
        ("env", (!variables.is_empty()).then_some(json!(variables))),
        ("resources", resources.map(|resources| json!(resources))),
        ("securityContext", Some(user.security_context())),
        ("volumeMounts", Some(Value::Array(mounts))),
    ];
    let members = members.into_iter();
    let members: Map<String, Value> = members
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    Value::Object(members)
}

/// How the program gets the address.
struct AddressSource {
    arguments: Vec<String>,
    /// A variable of the downward API that the arguments refer to.
    variable: Option<Value>,
}

impl AddressSource {
    fn of(task: &StartTask<'_>) -> Self {
        let configure = task.configure;
        match task.address {
            StartAddress::Known { address, is_asked } => {
                let replaces = is_asked.then(|| REPLACE.to_owned());
                let address = format!("--advertise-address={address}");
                Self {
                    arguments: [address].into_iter().chain(replaces).collect(),
                    variable: None,
                }
            }
            StartAddress::Pod { port } => Self {
                arguments: vec![
                    format!("--advertise-ip=$({POD_IP})"),
                    format!("--advertise-port={port}"),
                    when_pending(configure),
                    // A file may have one address for all pods, which reaches only one of them.
                    REPLACE.to_owned(),
                ],
                variable: Some(ip_variable(POD_IP, "status.podIP", configure)),
            },
            StartAddress::PodName { domain, port } => Self {
                arguments: vec![
                    format!("--advertise-address=$({POD_NAME}).{domain}:{port}"),
                    REPLACE.to_owned(),
                ],
                variable: Some(variable(POD_NAME, "metadata.name")),
            },
            StartAddress::Node {
                port,
                is_of_each_pod,
            } => {
                let replaces = is_of_each_pod.then(|| REPLACE.to_owned());
                let address = [
                    format!("--advertise-ip=$({NODE_IP})"),
                    format!("--advertise-port={port}"),
                    when_pending(configure),
                ];
                Self {
                    arguments: address.into_iter().chain(replaces).collect(),
                    variable: Some(ip_variable(NODE_IP, "status.hostIP", configure)),
                }
            }
            StartAddress::Service { name, port, nodes } => {
                let mut arguments = vec![format!("--service={name}")];
                arguments.extend(port.map(|port| format!("--service-port={port}")));
                arguments.extend(nodes.as_ref().map(|nodes| match nodes {
                    Nodes::At(address) => format!("--node-address={address}"),
                    Nodes::OfPod => format!("--node-address=$({NODE_IP})"),
                }));
                arguments.push(format!("--timeout={}s", configure.timeout().0));
                arguments.push(when_pending(configure));
                let is_of_node = *nodes == Some(Nodes::OfPod);
                Self {
                    arguments,
                    variable: is_of_node.then(|| ip_variable(NODE_IP, "status.hostIP", configure)),
                }
            }
        }
    }
}

fn when_pending(configure: &ConfigureSpec) -> String {
    let when_pending = configure.when_pending.unwrap_or_default();
    format!("--when-pending={}", when_pending.as_str())
}

/// The arguments for the other settings.
fn settings(task: &StartTask<'_>) -> Vec<String> {
    let mut arguments = vec![format!("--listen-port={}", task.listen_port)];
    let timeout = task.session_timeout.map(|seconds| seconds.0);
    arguments.extend(timeout.map(|seconds| format!("--session-timeout={seconds}")));
    if let Some(prefer) = &task.configure.prefer {
        let kinds = prefer.iter().map(|kind| match kind {
            AddressKind::Hostname => "Hostname",
            AddressKind::Ip => "IP",
        });
        arguments.push(format!("--prefer={}", kinds.collect::<Vec<_>>().join(",")));
    }
    let family = task.configure.ip_family.map(|family| json!(family));
    let family = family.as_ref().and_then(Value::as_str);
    arguments.extend(family.map(|family| format!("--ip-family={family}")));
    arguments
}

/// A variable of the downward API: one address, or all of them if one of a given family must be
/// chosen. Older clusters support only the field with one address.
fn ip_variable(name: &str, field: &str, configure: &ConfigureSpec) -> Value {
    let plural = if configure.ip_family.is_some() {
        "s"
    } else {
        ""
    };
    variable(name, &format!("{field}{plural}"))
}

/// A variable of the downward API.
fn variable(name: &str, field: &str) -> Value {
    json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": field}}})
}

/// A token for the API that only the init container has, with the files that API clients need
/// besides. It is the same volume that Kubernetes itself adds to pods.
pub(super) fn token_volume() -> Value {
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
