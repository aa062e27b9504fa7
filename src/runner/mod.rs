//! Finds the GitLab Runners of a list: the workload, its container, and its `config.toml`.

mod config_toml;
mod replicas;
mod workload;

pub use config_toml::{ConfigToml, Encoding};
pub use replicas::{check_fixed_size, check_single_process, replicas};
pub use workload::{Container, WORKLOAD_KINDS, Workload, field};

use crate::function_config::RunnerSelector;
use crate::resource_list::{ReadError, ResourceList};
use crate::results::FunctionResult;
use crate::session_server::name_before;

/// A result of severity error: the reason why nothing is done.
pub type Refusal = Box<FunctionResult>;

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::new(FunctionResult::error(error.to_string()))
    }
}

/// A GitLab Runner of the list.
#[derive(Clone, Debug)]
pub struct Runner {
    /// What Kubernetes runs.
    pub workload: Workload,
    /// The place of the container that runs gitlab-runner.
    container: usize,
    /// Where its configuration stands.
    pub config: ConfigToml,
}

impl Runner {
    /// The container that runs gitlab-runner.
    pub fn container(&self) -> Option<Container<'_>> {
        self.workload.containers().nth(self.container)
    }

    /// JSON pointer of something in that container.
    pub fn container_pointer(&self, below: &str) -> String {
        let container = format!("/spec/containers/{}{below}", self.container);
        self.workload.pod_pointer(&container)
    }
}

/// The workloads that run gitlab-runner and that the selector takes.
///
/// # Errors
/// An item that cannot be parsed, though it mentions gitlab-runner.
pub fn find_workloads(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
) -> Result<Vec<Workload>, Refusal> {
    // A named container may run an image that does not say gitlab-runner.
    let word = container.unwrap_or("gitlab-runner");
    let mut workloads = Vec::new();
    for item in list.candidates(&WORKLOAD_KINDS, word) {
        let Some(workload) = Workload::new(list.resource(item)?) else {
            continue;
        };
        let is_runner = match container {
            Some(name) => workload.containers().any(|c| c.name == name),
            None => workload.containers().any(|c| c.is_runner()),
        };
        let identity = &workload.resource.identity;
        // A shard is selected by the name of the workload that it was made of.
        let selected = (selector.name.is_empty()
            || selector.name == identity.name
            || name_before(&workload).as_ref() == Some(&selector.name))
            && (selector.namespace.is_empty() || selector.namespace == identity.namespace)
            && selector.label_selector.matches(workload.labels());
        if is_runner && selected {
            workloads.push(workload);
        }
    }
    Ok(workloads)
}

/// Completes a workload to a runner.
///
/// # Errors
/// Which container runs gitlab-runner cannot be told, or its `config.toml` is not in the list.
pub fn complete(
    list: &ResourceList<'_>,
    workload: Workload,
    container: Option<&str>,
) -> Result<Runner, Refusal> {
    let container = workload.runner_container(container)?;
    let config = ConfigToml::find(list, &workload, container)?;
    Ok(Runner {
        container: container.index,
        workload,
        config,
    })
}

/// Says that no runner was found, and what was looked at.
pub fn none_found(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
) -> FunctionResult {
    if list.is_empty() {
        return FunctionResult::error(
            "the list has no items: give the function the manifests of a GitLab Runner (under \
             `resources:` of the kustomization)",
        );
    }
    let workloads: Vec<String> = (0..list.len())
        .filter(|item| WORKLOAD_KINDS.contains(&list.head(*item).0))
        .map(|item| list.written(item))
        .collect();
    let shown = workloads
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let looked = match workloads.len() {
        0 => format!(
            "none of the {} items is a Deployment, StatefulSet, DaemonSet or Pod",
            list.len()
        ),
        1..=10 => format!("looked at {shown}"),
        count => format!("looked at {count} workloads: {shown}, …"),
    };
    let what = match container {
        Some(name) => format!("has a container named {name:?}"),
        None => {
            "has a container whose image or command is gitlab-runner (set spec.container where \
                 neither says so)"
                .to_owned()
        }
    };
    let which = if *selector == RunnerSelector::default() {
        ""
    } else {
        " and fits spec.runner"
    };
    let hidden = if (0..list.len()).any(|item| list.head(item).0 == "List") {
        ". A List is among the items, and is not looked into: write its items out, each as a \
         document of its own"
    } else {
        ""
    };
    FunctionResult::error(format!(
        "found no GitLab Runner: {looked}; none {what}{which}{hidden}"
    ))
}
