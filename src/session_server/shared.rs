//! Runners that read the same configuration, and so share an address.

use std::collections::{BTreeMap, BTreeSet};

use super::pod_start::is_configured_at_start;
use super::pods::namespaces;
use super::{RunnerPlan, checksum};
use crate::fields::RunnerSelector;
use crate::runner::{self, LastingFile, Runner, WORKLOAD_KINDS, Workload, shard};
use krm::resource::PREVIOUS_NAMES;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::At as _;

/// Runners of the list that the functionConfig does not select. Those that cannot be completed are left
/// out, as it is unknown what they read.
///
/// # Errors
/// A workload that cannot be parsed.
pub fn not_selected(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
    selected: &[RunnerPlan],
) -> Result<Vec<Runner>, Refusal> {
    if *selector == RunnerSelector::default() && container.is_none() {
        return Ok(Vec::new());
    }
    let known: BTreeSet<usize> = selected
        .iter()
        .map(|plan| plan.runner.workload.resource.item)
        .collect();
    // A reader of a file refers to its object by the current or an earlier name.
    let objects = selected.iter().map(|plan| &plan.runner.config.object);
    let mut names: BTreeSet<&str> = objects
        .flat_map(|object| {
            let before = object.annotation(PREVIOUS_NAMES).unwrap_or_default();
            before.split(',').chain([object.identity.name.as_str()])
        })
        .filter(|name| !name.is_empty())
        .collect();
    let places = selected
        .iter()
        .filter_map(|plan| plan.runner.lasting_file()?.shared.as_ref());
    names.extend(places.flat_map(|place| &place.source).map(String::as_str));
    let mut others = Vec::new();
    for item in list.candidates_beside(&WORKLOAD_KINDS, &namespaces(selected), &names) {
        if known.contains(&item) {
            continue;
        }
        let Some(mut workload) = Workload::new(list.resource(item)?) else {
            continue;
        };
        workload.look_at_programs(list);
        let completed = match is_configured_at_start(&workload) {
            true => runner::complete_at_start(list, workload, None, None),
            false => runner::complete(list, workload, None, None),
        };
        others.extend(completed.ok());
    }
    Ok(others)
}

/// Compares the plans of runners that read the same file, as its address leads to only one of them.
/// That is an error if a plan changes the file or shards copy it, and a warning otherwise. So at
/// most one plan writes a file.
///
/// Pods that are configured at startup have a copy of their own.
pub fn check_shared(
    list: &ResourceList<'_>,
    plans: &[RunnerPlan],
    others: &[Runner],
) -> Vec<FunctionResult> {
    let mut files: BTreeMap<(usize, &str), ReadFile<'_>> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| plan.runner.start.is_none()) {
        let file = files.entry(file_of(&plan.runner)).or_default();
        file.readers.push(&plan.runner);
        file.changes |= plan.changes_config();
    }
    // A file that none of the selected runners reads is left alone.
    for runner in others {
        if let Some(file) = files.get_mut(&file_of(runner)) {
            file.readers.push(runner);
        }
    }
    let runners = plans.iter().map(|plan| &plan.runner).chain(others);
    let results = files.values().filter_map(|file| file.check(list));
    results
        .chain(check_volumes(runners))
        .chain(check_given_back(plans, others))
        .collect()
}

/// Refuses to restore a file that an earlier run edited if another runner still needs the edit. The
/// pods of the plan itself will have their own copy.
fn check_given_back(plans: &[RunnerPlan], others: &[Runner]) -> Vec<FunctionResult> {
    let given_back = plans
        .iter()
        .filter(|plan| plan.runner.start.is_some() && plan.changes_config());
    let refuse = |plan: &RunnerPlan| {
        let needs_it = |other: &&Runner| {
            let workload = &other.workload;
            let is_served = workload.resource.value.at(&checksum(workload)).is_some();
            other.start.is_none() && is_served && file_of(other) == file_of(&plan.runner)
        };
        let other = others.iter().find(needs_it)?;
        let config = &plan.runner.config;
        Some(
            FunctionResult::error(format!(
                "has the session server of {}, and {} is to have another: give each runner a \
                 configuration of its own, or configure both at: PodStart",
                other.workload.resource.identity, plan.runner.workload.resource.identity
            ))
            .about(&config.object.identity)
            .at(config.field()),
        )
    };
    given_back.filter_map(refuse).collect()
}

/// Refuses a runner with any number of pods that would write their addresses into one file.
///
/// # Errors
/// They would, or an autoscaler cannot be parsed.
pub fn check_file_of_each_pod(list: &ResourceList<'_>, runner: &Runner) -> Result<(), Refusal> {
    let workload = &runner.workload;
    let Some((file, place)) = runner
        .lasting_file()
        .and_then(|file| Some((file, file.shared.as_ref()?)))
    else {
        return Ok(());
    };
    let is_of_node = place.source.iter().any(|part| part == "hostPath");
    let is_daemon_set = workload.resource.identity.kind == "DaemonSet";
    if is_of_node && is_daemon_set || runner::check_single_process(list, workload).is_ok() {
        return Ok(());
    }
    Err(Box::new(
        FunctionResult::error(format!(
            "its pods would write their addresses into one config.toml on {}: run it as a \
             StatefulSet with volumeClaimTemplates, or keep the file in a ConfigMap or Secret",
            file.volume
        ))
        .about(&workload.resource.identity)
        .at(field_path(&workload.pod_pointer("/spec/volumes"))),
    ))
}

/// Refuses runners whose pods write their addresses into one file.
fn check_volumes<'r>(runners: impl Iterator<Item = &'r Runner>) -> Vec<FunctionResult> {
    let mut written: BTreeMap<_, (&LastingFile, Vec<&Workload>)> = BTreeMap::new();
    for runner in runners {
        let workload = &runner.workload;
        let identity = &workload.resource.identity;
        if let Some(file) = runner.lasting_file()
            && let Some(place) = &file.shared
        {
            let key = (&identity.namespace, place);
            let (_, writers) = written.entry(key).or_insert((file, Vec::new()));
            writers.push(workload);
        }
    }
    let refuse = |(file, writers): (&LastingFile, Vec<&Workload>)| {
        let first = writers.first().filter(|_| writers.len() > 1)?;
        let names = writers
            .iter()
            .map(|workload| workload.resource.identity.to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        Some(
            FunctionResult::error(format!(
                "{} would write their addresses into one config.toml on {}: give each a volume of \
                 its own, or another subPath",
                names.join(" and "),
                file.volume
            ))
            .about(&first.resource.identity)
            .at(field_path(&first.pod_pointer("/spec/volumes"))),
        )
    };
    written.into_values().filter_map(refuse).collect()
}

/// The object's place in the list, and the key of the file in it.
fn file_of(runner: &Runner) -> (usize, &str) {
    (runner.config.object.item, runner.config.key.as_str())
}

/// A file, and the runners that read it.
#[derive(Default)]
struct ReadFile<'r> {
    readers: Vec<&'r Runner>,
    /// One of the plans changes it.
    changes: bool,
}

impl ReadFile<'_> {
    fn check(&self, list: &ResourceList<'_>) -> Option<FunctionResult> {
        let [first, _, ..] = self.readers.as_slice() else {
            return None;
        };
        let config = &first.config;
        let is_shard = |runner: &&Runner| shard::index(&runner.workload).is_some();
        let is_sharded = self.readers.iter().any(is_shard);
        let mut names: Vec<String> = self
            .readers
            .iter()
            .map(|runner| runner.workload.resource.identity.to_string())
            .collect();
        names.sort();
        let message = format!(
            "is read by {} runners ({}), and the address in it leads to one of them: give each \
             runner a configuration of its own",
            names.len(),
            names.join(", ")
        );
        let result = if is_sharded || self.changes {
            let can_start = self.readers.iter().all(|runner| runner.can_start(list));
            let at_start = match can_start && !is_sharded {
                true => {
                    ". Or set spec.configure.at: PodStart in the SessionServer: then each pod writes \
                     the address into its own copy"
                }
                false => "",
            };
            FunctionResult::error(format!("{message}{at_start}"))
        } else {
            FunctionResult::warning(message)
        };
        Some(result.about(&config.object.identity).at(config.field()))
    }
}
