//! The user that the init container runs as, and its privileges.
//!
//! Source: `SecurityContext` in Kubernetes' `core/v1` API; its documentation, "Pod Security Standards".

use serde_json::{Map, Value, json};

use super::text;
use crate::runner::{OF_THE_CLUSTER, Runner, StartForm};
use yaml_splice::pointer::At as _;

/// The user that the init container runs as: that of the runner's container, which must read and
/// write the file.
pub(super) struct User {
    /// `runAsUser` and `runAsGroup` to set on the container itself, as the pod does not set them.
    own: Vec<(&'static str, Value)>,
    pub(super) is_root: bool,
    /// The user comes from the image of the runner's container, and is not in the manifests.
    pub(super) is_unknown: bool,
}

impl User {
    pub(super) fn of(runner: &Runner, container: &Value) -> Self {
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

    /// `securityContext` of the init container.
    pub(super) fn security_context(&self) -> Value {
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

/// Whether the files that a container without an explicit user reads or writes may be accessible
/// only to root: files of other containers, on a volume that outlives the pod, or of a Secret that
/// is not world-readable. The images of GitLab Runner run as root.
fn reads_files_of_root(runner: &Runner) -> bool {
    let Some((start, container)) = runner.start.as_ref().zip(runner.container()) else {
        return false;
    };
    let place = match &start.form {
        // OpenShift assigns a user to the pods, and accepts no other.
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
    let is_of_cluster =
        |volume: &Value| OF_THE_CLUSTER.iter().any(|kind| volume.get(kind).is_some());
    // An earlier runner wrote the file with a mode that lets nobody else read it.
    let Some(volume) = volume.filter(|volume| is_of_cluster(volume)) else {
        return true;
    };
    let mut modes = Vec::new();
    modes_of(volume, &mut modes);
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
