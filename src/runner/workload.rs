//! The workloads that Kubernetes makes pods from.

use serde_json::{Map, Value};

use super::ConfigToml;
use super::config::environment::environment;
use super::program::{self, Program};
use super::start_record;
use krm::resource::Resource;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// The supported kinds.
pub const WORKLOAD_KINDS: [&str; 8] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Pod",
    "ReplicaSet",
    "ReplicationController",
    "DeploymentConfig",
    "Rollout",
];

/// Older API groups and versions of the kinds in `apps/v1`.
///
/// Source: Kubernetes' "Deprecated API Migration Guide", v1.16.
const OLD_VERSIONS: [&str; 3] = ["extensions/v1beta1", "apps/v1beta1", "apps/v1beta2"];

/// A resource that describes pods.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The resource itself.
    pub resource: Resource,
    /// JSON pointer of the pod template; empty for a Pod, which is its own.
    template: &'static str,
    /// JSON pointer of the selector labels.
    selector: &'static str,
    /// The labels of each pod.
    pod_labels: Map<String, Value>,
    /// The resource without what an earlier run added to its pods for `configure.at: PodStart`.
    before_start: Option<Value>,
    /// What each container runs, once it has been examined.
    programs: Vec<Program>,
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

impl Workload {
    /// `None` for a resource of another kind.
    pub fn new(resource: Resource) -> Option<Self> {
        const TEMPLATE: &str = "/spec/template";
        const LABELS: &str = "/spec/selector/matchLabels";
        const PLAIN: &str = "/spec/selector";
        let identity = &resource.identity;
        let (template, selector) = match (identity.kind.as_str(), identity.group()) {
            ("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet", "apps" | "extensions")
            | ("Rollout", "argoproj.io") => (TEMPLATE, LABELS),
            ("ReplicationController", "") | ("DeploymentConfig", "" | "apps.openshift.io") => {
                (TEMPLATE, PLAIN)
            }
            ("Pod", "") => ("", LABELS),
            _ => return None,
        };
        let labels = resource.value.at(&format!("{template}/metadata/labels"));
        let pod_labels = labels
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let before_start = start_record::without_additions(&resource, &format!("{template}/spec"));
        Some(Self {
            before_start,
            resource,
            template,
            selector,
            pod_labels,
            programs: Vec::new(),
        })
    }

    /// True for a version that Kubernetes has not served since 1.16.
    pub fn has_old_version(&self) -> bool {
        OLD_VERSIONS.contains(&self.resource.identity.api_version.as_str())
    }

    /// JSON pointer of the labels by which the workload selects its pods; empty for a Pod.
    pub(crate) fn selector_pointer(&self) -> &'static str {
        self.selector
    }

    /// Determines what each container runs, with the variables and scripts in the list.
    pub(crate) fn look_at_programs(&mut self, list: &ResourceList<'_>) {
        let programs = self.containers().map(|container| {
            let variables = environment(list, self, container.value);
            program::of(container.value, &variables, &|path| {
                ConfigToml::mounted_text(list, self, container, path)
            })
        });
        self.programs = programs.collect();
    }

    /// What a container runs, as [`Self::look_at_programs`] determined.
    pub(super) fn program(&self, container: Container<'_>) -> &Program {
        self.programs
            .get(container.index)
            .unwrap_or(&Program::Other)
    }

    /// The resource whose controller manages this one, according to `metadata.ownerReferences`:
    /// changes made here would be reverted.
    pub fn controller(&self) -> Option<String> {
        let owners = self.resource.value.at("/metadata/ownerReferences");
        let owners = owners.and_then(Value::as_array)?;
        let owner = owners
            .iter()
            .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
        Some(format!("{} {}", text(owner, "kind"), text(owner, "name")))
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

    /// Something in the pod template, without what an earlier run has added for the pod's start.
    pub fn pod(&self, below: &str) -> Option<&Value> {
        let value = self.before_start.as_ref().unwrap_or(&self.resource.value);
        value.at(&self.pod_pointer(below))
    }

    /// The labels that every pod of this workload has.
    pub fn pod_labels(&self) -> &Map<String, Value> {
        &self.pod_labels
    }

    /// The labels by which a Service selects this workload's pods: the workload's own selector
    /// labels, or all labels of a Pod.
    pub fn selector(&self) -> Map<String, Value> {
        let labels = self.resource.value.at(self.selector);
        let mut selector = labels
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        // A Service supports only equality, so an expression is replaced by the matching labels of
        // the pods.
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

    /// True for a container that certainly runs gitlab-runner.
    pub(super) fn surely_runs_it(&self, container: Container<'_>) -> bool {
        matches!(self.program(container), Program::Runner(_))
    }

    /// Why it is uncertain that a container runs gitlab-runner, if it may.
    pub(super) fn doubt(&self, container: Container<'_>) -> Option<&str> {
        match self.program(container) {
            Program::Doubtful(doubt) => Some(doubt),
            Program::Runner(_) | Program::Other => None,
        }
    }

    /// True for a container that runs gitlab-runner; if none certainly does, for one that may.
    pub fn is_runner(&self, container: Container<'_>) -> bool {
        if self.containers().any(|other| self.surely_runs_it(other)) {
            self.surely_runs_it(container)
        } else {
            self.doubt(container).is_some()
        }
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
                None => self.is_runner(**container),
            })
            .copied()
            .collect();
        match (runners.len(), runners.pop()) {
            (1, Some(container)) => Ok(container),
            (0, _) => Err(Box::new(
                FunctionResult::error(match name {
                    Some(name) => format!(
                        "has no container named {name:?}; its containers are {}",
                        names(&all)
                    ),
                    None => format!(
                        "has no container that runs gitlab-runner; its containers are {}",
                        names(&all)
                    ),
                })
                .about(identity)
                .at(field_path(&self.pod_pointer("/spec/containers"))),
            )),
            _ => Err(Box::new(
                FunctionResult::error(format!(
                    "several containers run gitlab-runner ({}): set spec.container of the \
                     functionConfig to the one whose terminals you want",
                    names(
                        &self
                            .containers()
                            .filter(|c| self.is_runner(*c))
                            .collect::<Vec<_>>()
                    )
                ))
                .about(identity)
                .at(field_path(&self.pod_pointer("/spec/containers"))),
            )),
        }
    }
}

pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn writes_field_paths_as_results_do() {
        assert_eq!(
            field_path("/spec/template/spec/containers/0/ports"),
            "spec.template.spec.containers[0].ports"
        );
        assert_eq!(field_path("/data/config.toml"), "data[config.toml]");
    }
}
