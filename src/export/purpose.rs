//! Describes the purpose of a patch or a new resource in one line.

use krm::resource::Identity;
use serde_json::Value;
use std::collections::BTreeSet;

use super::change::identity;
use super::compose::Form;
use super::strategic::DIRECTIVE;

/// The last keys of a field's path, and how to describe a change there to the reader of a patch.
/// The first match wins.
const PARTS: [(&str, &str); 9] = [
    (
        "initContainers",
        "the init container that writes config.toml",
    ),
    ("ports", "the session server's port"),
    ("volumeMounts", "the runner's mounts"),
    ("volumes", "volumes"),
    ("template/metadata/annotations", "a checksum of config.toml"),
    ("metadata/annotations", "annotations"),
    ("data", "[session_server] in config.toml"),
    ("stringData", "[session_server] in config.toml"),
    ("serviceAccountName", "the service account"),
];

/// `Deployment ci/runner: the session server's port, annotations`
pub(super) fn purpose(target: &Identity, form: &Form) -> String {
    if let Form::Strategic(patch) = form
        && patch.get(DIRECTIVE).is_some()
    {
        return format!("{target}: it is removed");
    }
    let mut paths = Vec::new();
    match form {
        Form::Strategic(patch) => collect(patch, "", &mut paths),
        Form::Operations(operations) => {
            let changed = operations
                .iter()
                .filter(|one| one.get("op").is_some_and(|op| op != "test"));
            let texts = changed.filter_map(|one| one.get("path")?.as_str());
            paths.extend(texts.map(str::to_owned));
        }
    }
    let mut found = BTreeSet::new();
    for path in &paths {
        let is_in = |part: &str| format!("{path}/").contains(&format!("/{part}/"));
        if let Some(place) = PARTS.iter().position(|(part, _)| is_in(part)) {
            found.insert(place);
        }
    }
    let mut parts: Vec<&str> = Vec::new();
    for (_, part) in found.into_iter().filter_map(|place| PARTS.get(place)) {
        if !parts.contains(part) {
            parts.push(part);
        }
    }
    match parts.as_slice() {
        [] => format!("{target}: its fields"),
        parts => format!("{target}: {}", parts.join(", ")),
    }
}

/// The paths of the leaves, except those that only identify the resource.
fn collect(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                collect(value, &format!("{path}/{key}"), paths);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, path, paths);
            }
        }
        _ => {
            let names = [
                "/apiVersion",
                "/kind",
                "/metadata/name",
                "/metadata/namespace",
            ];
            if !names.contains(&path) {
                paths.push(path.to_owned());
            }
        }
    }
}

/// Describes the purpose of a new resource.
pub(super) fn purpose_of_added(value: &Value) -> String {
    let own = identity(value);
    let what = match own.kind.as_str() {
        "Service" => "GitLab connects to the session server by it",
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            "who may read the address of the Service"
        }
        "NetworkPolicy" => "who may connect to the session server",
        "Ingress" | "IngressRouteTCP" | "HTTPProxy" | "TLSRoute" | "Gateway" => {
            "it passes TLS through to the Service"
        }
        "Deployment" | "StatefulSet" | "DaemonSet" => "a copy of the runner, for one replica",
        "ConfigMap" | "Secret" | "PersistentVolumeClaim" => "it belongs to one runner",
        _ => "it belongs to the session server",
    };
    format!("{own}: {what}")
}
