//! The workloads that Kubernetes makes pods from.

use serde_json::{Map, Value};

use super::Refusal;
use crate::patch::name_of;
use crate::pointer::At as _;
use crate::resource::Resource;
use crate::results::FunctionResult;

/// The kinds that are looked at.
pub const WORKLOAD_KINDS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Pod"];

/// A resource that describes pods.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The resource itself.
    pub resource: Resource,
    /// JSON pointer of the pod template; empty for a Pod, which is its own.
    template: &'static str,
    /// The labels of each pod.
    pod_labels: Map<String, Value>,
}

/// One container of a workload's pods.
#[derive(Clone, Copy, Debug)]
pub struct Container<'w> {
    /// The place among the containers, from 0.
    pub index: usize,
    /// Its name.
    pub name: &'w str,
    /// The container as it is written.
    pub value: &'w Value,
}

impl Container<'_> {
    /// Its image or command is gitlab-runner.
    pub fn is_runner(self) -> bool {
        is_runner(self.value)
    }
}

impl Workload {
    /// `None` for a resource of another kind.
    pub fn new(resource: Resource) -> Option<Self> {
        let group = resource.identity.api_version.split('/').next();
        let template = match (resource.identity.kind.as_str(), group) {
            ("Deployment" | "StatefulSet" | "DaemonSet", Some("apps")) => "/spec/template",
            ("Pod", Some("v1")) => "",
            _ => return None,
        };
        let labels = resource.value.at(&format!("{template}/metadata/labels"));
        let pod_labels = labels
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        Some(Self {
            resource,
            template,
            pod_labels,
        })
    }

    /// True for a bare Pod.
    pub fn is_pod(&self) -> bool {
        self.template.is_empty()
    }

    /// The workload's own labels.
    pub fn labels(&self) -> Option<&Map<String, Value>> {
        self.resource.value.at("/metadata/labels")?.as_object()
    }

    /// JSON pointer of something in the pod template: `/spec/containers` gives
    /// `/spec/template/spec/containers`.
    pub fn pod_pointer(&self, below: &str) -> String {
        format!("{}{below}", self.template)
    }

    /// Something in the pod template.
    pub fn pod(&self, below: &str) -> Option<&Value> {
        self.resource.value.at(&self.pod_pointer(below))
    }

    /// The labels that every pod of this workload has.
    pub fn pod_labels(&self) -> &Map<String, Value> {
        &self.pod_labels
    }

    /// The labels by which a Service selects this workload's pods: those that the workload itself
    /// selects by, or all of a Pod's.
    pub fn selector(&self) -> Map<String, Value> {
        let labels = self.resource.value.at("/spec/selector/matchLabels");
        let mut selector = labels
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        // A Service knows equality alone: an expression becomes the label that the pods have.
        let expressions = self.resource.value.at("/spec/selector/matchExpressions");
        for expression in expressions.and_then(Value::as_array).into_iter().flatten() {
            if let Some(key) = expression.get("key").and_then(Value::as_str)
                && let Some(value) = self.pod_labels.get(key)
            {
                selector.insert(key.to_owned(), value.clone());
            }
        }
        if selector.is_empty() {
            self.pod_labels.clone()
        } else {
            selector
        }
    }

    /// The containers of the pods, without init containers.
    pub fn containers(&self) -> impl Iterator<Item = Container<'_>> {
        let containers = self.pod("/spec/containers").and_then(Value::as_array);
        containers
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, value)| Container {
                index,
                name: text(value, "name"),
                value,
            })
    }

    /// The container that runs gitlab-runner.
    pub(super) fn runner_container(&self, name: Option<&str>) -> Result<Container<'_>, Refusal> {
        let identity = &self.resource.identity;
        let names = |containers: &[Container<'_>]| {
            containers
                .iter()
                .map(|c| c.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let all: Vec<Container<'_>> = self.containers().collect();
        let mut runners: Vec<Container<'_>> = all
            .iter()
            .filter(|container| match name {
                Some(name) => container.name == name,
                None => container.is_runner(),
            })
            .copied()
            .collect();
        match (runners.len(), runners.pop()) {
            (1, Some(container)) => Ok(container),
            (0, _) => Err(Box::new(
                FunctionResult::error(format!(
                    "has no container named {:?}; its containers are {}",
                    name.unwrap_or_default(),
                    names(&all)
                ))
                .about(identity)
                .at(field(&self.pod_pointer("/spec/containers"))),
            )),
            _ => Err(Box::new(
                FunctionResult::error(format!(
                    "several containers run gitlab-runner ({}): set spec.container of the \
                     functionConfig to the one whose terminals you want",
                    names(
                        &self
                            .containers()
                            .filter(|c| c.is_runner())
                            .collect::<Vec<_>>()
                    )
                ))
                .about(identity)
                .at(field(&self.pod_pointer("/spec/containers"))),
            )),
        }
    }
}

/// `/spec/containers/0/ports` as `spec.containers[0].ports`, the form that results use.
pub fn field(pointer: &str) -> String {
    let mut out = String::new();
    for token in pointer.split('/').skip(1) {
        let token = name_of(token);
        let is_index = !token.is_empty() && token.chars().all(|c| c.is_ascii_digit());
        if is_index || token.contains(['.', '/']) {
            out.push_str(&format!("[{token}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&token);
        }
    }
    out
}

pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// An image or a command of gitlab-runner. The helper and the operator are other programs.
fn is_runner(container: &Value) -> bool {
    let words = ["command", "args"]
        .iter()
        .filter_map(|field| container.get(field)?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .flat_map(|text| text.split(|c: char| c.is_whitespace() || ";&|()'\"".contains(c)));
    let runs_it = words
        .into_iter()
        .any(|word| word.rsplit('/').next() == Some("gitlab-runner"));
    let repository = repository(text(container, "image"));
    let variant = repository.strip_prefix("gitlab-runner");
    let other_program = variant.is_some_and(|variant| {
        ["-helper", "-operator"]
            .iter()
            .any(|other| variant.starts_with(other))
    });
    let has_image = variant.is_some_and(|variant| variant.is_empty() || variant.starts_with('-'));
    !other_program && (has_image || runs_it)
}

/// The last part of an image's repository: `gitlab-runner` of
/// `registry.example.com:5000/gitlab-org/gitlab-runner:alpine@sha256:…`.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn knows_a_runner_by_image_or_command() {
        for (container, expected) in [
            (json!({"image": "gitlab/gitlab-runner"}), true),
            (
                json!({"image": "r.example.com:5000/a/gitlab-runner:alpine-v18.9.0"}),
                true,
            ),
            (
                json!({"image": "r.example.com/gitlab-runner@sha256:0123"}),
                true,
            ),
            (json!({"image": "gitlab-runner-ocp:v1"}), true),
            (
                json!({"image": "x/gitlab-runner-helper:v1", "command": ["gitlab-runner"]}),
                false,
            ),
            (json!({"image": "x/gitlab-runner-operator:v1"}), false),
            (json!({"image": "gitlab-runner/other"}), false),
            (json!({"image": "mygitlab-runner"}), false),
            (
                json!({"image": "alpine", "command": ["/usr/bin/gitlab-runner", "run"]}),
                true,
            ),
            (
                json!({"image": "alpine", "args": ["-c", "exec gitlab-runner run"]}),
                true,
            ),
            (
                json!({"image": "alpine", "args": ["gitlab-runner-helper"]}),
                false,
            ),
            (json!({}), false),
        ] {
            assert_eq!(is_runner(&container), expected, "{container}");
        }
    }

    #[test]
    fn writes_field_paths_as_results_do() {
        assert_eq!(
            field("/spec/template/spec/containers/0/ports"),
            "spec.template.spec.containers[0].ports"
        );
        assert_eq!(field("/data/config.toml"), "data[config.toml]");
    }
}
