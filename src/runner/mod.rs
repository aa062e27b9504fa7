//! Finds the GitLab Runners of a list: the workload, its container, and its `config.toml`.

mod chosen;
mod config;
mod config_path;
mod elsewhere;
mod metrics;
mod program;
mod replicas;
mod scripts;
pub(crate) mod shard;
mod shell;
pub mod start_container;
pub mod start_record;
mod workload;

pub use chosen::Chosen;
pub use config::{
    ConfigToml, Encoding, LastingFile, OF_THE_CLUSTER, Placeholder, SharedPlace, StartFile,
    StartForm, placeholder,
};
pub use metrics::{MetricsPort, port_of as metrics_port_of};
pub use replicas::{check_fixed_size, check_single_process, replicas, unknown_replicas};
pub use workload::{Container, WORKLOAD_KINDS, Workload};

use std::collections::BTreeSet;

use crate::fields::{ConfigReference, RunnerSelector};
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal};
use program::{Program, SWITCHED_TO, is_root};

/// A GitLab Runner of the list.
#[derive(Clone, Debug)]
pub struct Runner {
    /// What Kubernetes runs.
    pub workload: Workload,
    /// The place of the container that runs gitlab-runner.
    container: usize,
    /// Its configuration, and the object that holds it.
    pub config: ConfigToml,
    /// The file that is written at pod start; `None` if the manifests are edited.
    pub start: Option<StartFile>,
}

impl std::borrow::Borrow<Workload> for Runner {
    fn borrow(&self) -> &Workload {
        &self.workload
    }
}

impl Runner {
    /// The file that its pods write at startup, if it is on a volume that outlives them.
    pub fn lasting_file(&self) -> Option<&LastingFile> {
        match &self.start.as_ref()?.form {
            StartForm::InPlace { lasting, .. } => lasting.as_ref(),
            StartForm::Copied { .. } | StartForm::ImageFolder { .. } => None,
        }
    }

    /// True if the container's command switches to another user than root before it runs
    /// gitlab-runner, as by `gosu`.
    pub fn switches_user(&self) -> bool {
        let program = self.container().map(|one| self.workload.program(one));
        let Some(Program::Runner(invocations)) = program else {
            return false;
        };
        let mut users = invocations
            .iter()
            .filter_map(|run| run.variables.get(SWITCHED_TO));
        users.any(|user| !is_root(user))
    }

    /// The container that runs gitlab-runner.
    pub fn container(&self) -> Option<Container<'_>> {
        self.workload.containers().nth(self.container)
    }

    /// Mentions `configure.at: PodStart` in a refusal, if that is possible.
    pub fn or_at_start(&self, list: &ResourceList<'_>, refusal: Refusal) -> Refusal {
        match self.can_start(list) {
            true => config::or_at_start(refusal),
            false => refusal,
        }
    }

    /// Whether its `config.toml` can be written at the pod's start.
    pub fn can_start(&self, list: &ResourceList<'_>) -> bool {
        self.start.is_none()
            && self
                .container()
                .is_some_and(|container| ConfigToml::can_start(list, &self.workload, container))
    }

    /// JSON pointer of something in that container.
    pub fn container_pointer(&self, below: &str) -> String {
        let container = format!("/spec/containers/{}{below}", self.container);
        self.workload.pod_pointer(&container)
    }
}

/// The workloads of a list that run gitlab-runner.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that the selector matches.
    pub workloads: Vec<Workload>,
    /// Workloads that may be a GitLab Runner but are left alone, and why; empty if the selector
    /// names particular runners.
    pub left_alone: Vec<FunctionResult>,
    /// The list may have runners that the selector does not match.
    pub has_others: bool,
}

/// The workloads that run gitlab-runner and match the selector.
///
/// # Errors
/// An item that cannot be parsed but mentions gitlab-runner, or a workload that is in the list
/// twice.
pub fn find_workloads(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
) -> Result<Vec<Workload>, Refusal> {
    Ok(find(list, selector, container)?.workloads)
}

/// Reports each resource of the list that a GitLab Runner is generated from, and what to do about
/// it; empty if the selector names particular runners.
///
/// # Errors
/// One that cannot be parsed.
pub fn made_elsewhere(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
) -> Result<Vec<FunctionResult>, Refusal> {
    if *selector == RunnerSelector::default() {
        Ok(elsewhere::named(list)?)
    } else {
        Ok(Vec::new())
    }
}

/// Like [`find_workloads`], but also returns what is left alone.
///
/// # Errors
/// The same as those of [`find_workloads`].
pub fn find(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
) -> Result<Found, Refusal> {
    // A container that is selected by name may run an image whose name does not mention
    // gitlab-runner.
    let mut items = list.candidates(&WORKLOAD_KINDS, container.unwrap_or("gitlab-runner"));
    if container.is_none() {
        items.extend(scripts::workloads(list, &items));
        items.sort_unstable();
    }
    let chooses = *selector != RunnerSelector::default();
    let mut found = Found::default();
    for item in items {
        let Some(mut workload) = Workload::new(list.resource(item)?) else {
            continue;
        };
        if !is_selected(&workload, selector) {
            found.has_others = true;
            continue;
        }
        workload.look_at_programs(list);
        let Some(doubt) = doubt(&workload, container) else {
            continue;
        };
        let identity = &workload.resource.identity;
        let left_alone = if let Some(controller) = workload.controller() {
            format!(
                "is made by {controller}, which would undo a change: it is left alone. Give the \
                 function the manifest of {controller}"
            )
        } else if let Some(doubt) = doubt.filter(|_| !chooses) {
            format!(
                "{doubt}: it is left alone. If it is a GitLab Runner, name it in spec.runner or its \
                 container in spec.container of the functionConfig"
            )
        } else {
            found.workloads.push(workload);
            continue;
        };
        let result = FunctionResult::info(left_alone).about(identity);
        found.left_alone.push(result);
    }
    if chooses {
        found.left_alone.clear();
    }
    for workload in &found.workloads {
        check_single(list, workload)?;
    }
    Ok(found)
}

pub(crate) fn is_selected(workload: &Workload, selector: &RunnerSelector) -> bool {
    let identity = &workload.resource.identity;
    // A shard is selected by the name of the workload that it was made of.
    let has_name = selector.name.is_empty()
        || selector.name == identity.name
        || shard::name_before(workload).as_ref() == Some(&selector.name);
    has_name
        && (selector.namespace.is_empty() || selector.namespace == identity.namespace)
        && selector.label_selector.matches(workload.labels())
}

/// `None` for a workload that is not a runner; `Some(Some(…))` explains the doubt about one that
/// may be.
fn doubt<'w>(workload: &'w Workload, container: Option<&str>) -> Option<Option<&'w str>> {
    if let Some(name) = container {
        return workload
            .containers()
            .any(|c| c.name == name)
            .then_some(None);
    }
    if workload.containers().any(|c| workload.surely_runs_it(c)) {
        return Some(None);
    }
    workload
        .containers()
        .find_map(|c| workload.doubt(c))
        .map(Some)
}

/// Refuses a workload that is in the list twice: one of them is likely a patch that kustomize would
/// merge into the other.
fn check_single(list: &ResourceList<'_>, workload: &Workload) -> Result<(), Refusal> {
    let resource = &workload.resource;
    let identity = &resource.identity;
    let namespaces = BTreeSet::from([identity.namespace.as_str()]);
    let has_name = |name: &str| name == identity.name;
    let mut twins = list.named_beside(&[&identity.kind], &namespaces, has_name);
    twins.retain(|item| {
        let (kind, _, namespace) = list.head(*item);
        kind == identity.kind && (namespace == identity.namespace || namespace.is_empty())
    });
    twins.retain(|item| *item != resource.item);
    let Some(twin) = twins.first() else {
        return Ok(());
    };
    let place = |item: usize| -> Result<String, Refusal> {
        let path = list.resource(item)?.identity.path;
        let file = path.map(|path| format!(" in {path}")).unwrap_or_default();
        Ok(format!("{}{file}", list.place(item)))
    };
    let (first, second) = (resource.item.min(*twin), resource.item.max(*twin));
    Err(Box::new(
        FunctionResult::error(format!(
            "is in the list twice, as {} and {}. If one of them is a patch of a kustomization, give \
             the function what `kustomize build` makes of both; else remove one",
            place(first)?,
            place(second)?
        ))
        .about(identity),
    ))
}

/// Completes a workload to a runner. `config` is the object that holds its `config.toml`, if the
/// functionConfig names it.
///
/// # Errors
/// It is unclear which container runs gitlab-runner, or its `config.toml` is not in the list.
pub fn complete(
    list: &ResourceList<'_>,
    workload: Workload,
    container: Option<&str>,
    config: Option<&ConfigReference>,
) -> Result<Runner, Refusal> {
    let container = workload.runner_container(container)?;
    let config = ConfigToml::find(list, &workload, container, config)?;
    Ok(Runner {
        container: container.index,
        workload,
        config,
        start: None,
    })
}

/// Completes a workload to a runner whose `config.toml` is written at pod start. If the list has no
/// object that holds the file, [`Runner::config`] is empty.
///
/// # Errors
/// It is unclear which container runs gitlab-runner, or the file cannot be written at pod start.
pub fn complete_at_start(
    list: &ResourceList<'_>,
    workload: Workload,
    container: Option<&str>,
    config: Option<&ConfigReference>,
) -> Result<Runner, Refusal> {
    let container = workload.runner_container(container)?;
    let start = ConfigToml::start_file(list, &workload, container)?;
    let config = match ConfigToml::find(list, &workload, container, config) {
        // A template that is filled in before the pod starts reveals nothing yet.
        Ok(config) if placeholder(&config.text).is_none() => config,
        Err(refusal) if config.is_some() => return Err(refusal),
        _ => ConfigToml::outside_of_manifests(&workload),
    };
    Ok(Runner {
        container: container.index,
        workload,
        config,
        start: Some(start),
    })
}

/// Reports that no runner was found, and which resources were examined.
pub fn none_found(list: &ResourceList<'_>, container: Option<&str>) -> FunctionResult {
    if list.is_empty() {
        return FunctionResult::error(
            "there are no manifests: give those of a GitLab Runner, in the files or on the standard \
             input of the command, or under `resources:` of the kustomization",
        );
    }
    let others = find_workloads(list, &RunnerSelector::default(), container).unwrap_or_default();
    if !others.is_empty() {
        let others = others
            .iter()
            .map(|other| other.resource.identity.to_string());
        return FunctionResult::error(format!(
            "found no GitLab Runner that fits spec.runner; those in the list are {}",
            enumeration(others.collect())
        ));
    }
    let workloads: Vec<String> = list
        .resources()
        .filter(|item| WORKLOAD_KINDS.contains(&list.head(*item).0))
        .map(|item| list.display_name(item))
        .collect();
    if workloads.is_empty() {
        let kinds = WORKLOAD_KINDS.join(", ");
        let which = match list.resources().count() {
            1 => "the only item is not a workload".to_owned(),
            count => format!("none of the {count} items is a workload"),
        };
        let hint = not_a_manifest(list);
        return FunctionResult::error(format!("found no GitLab Runner: {which} ({kinds}){hint}"));
    }
    let looked = match workloads.len() {
        1..=MOST_NAMED => format!("looked at {}", enumeration(workloads)),
        count => format!("looked at {count} workloads: {}", enumeration(workloads)),
    };
    let what = match container {
        Some(name) => format!("has a container named {name:?}"),
        None => "has a container whose image or command is gitlab-runner (if one runs it all the \
                 same, name its container in spec.container)"
            .to_owned(),
    };
    FunctionResult::error(format!("found no GitLab Runner: {looked}; none {what}"))
}

/// What to do where an item is no manifest, but what manifests are made from.
fn not_a_manifest(list: &ResourceList<'_>) -> &'static str {
    let is_kustomization = list.candidates(&["Kustomization"], "kustomize.config.k8s.io");
    let has_no_kind = |item| list.head(item).0.is_empty();
    if is_kustomization.into_iter().next().is_some() {
        "; a kustomization is built first: `kustomize build DIR | runner-terminal apply-to -`"
    } else if list.resources().any(has_no_kind) {
        "; an item has no kind: if these are the values of a chart, render it first: `helm template \
         … | runner-terminal apply-to -`"
    } else {
        ""
    }
}

/// How many resources a message names.
const MOST_NAMED: usize = 10;

/// The first few names.
fn enumeration(names: Vec<String>) -> String {
    let more = if names.len() > MOST_NAMED {
        ", …"
    } else {
        ""
    };
    let named: Vec<String> = names.into_iter().take(MOST_NAMED).collect();
    format!("{}{more}", named.join(", "))
}
