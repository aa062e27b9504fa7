//! Runners that read the same configuration, which has one address.

use std::collections::{BTreeMap, BTreeSet};

use super::RunnerPlan;
use super::pod_start::is_configured_at_start;
use super::pods::namespaces;
use crate::fields::RunnerSelector;
use crate::runner::{self, Runner, WORKLOAD_KINDS, Workload, shard};
use krm::resource::PREVIOUS_NAMES;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal};

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
    // A reader of a file names its object, by the present or an earlier name.
    let objects = selected.iter().map(|plan| &plan.runner.config.object);
    let names: BTreeSet<&str> = objects
        .flat_map(|object| {
            let before = object.annotation(PREVIOUS_NAMES).unwrap_or_default();
            before.split(',').chain([object.identity.name.as_str()])
        })
        .filter(|name| !name.is_empty())
        .collect();
    let mut others = Vec::new();
    for item in list.candidates_beside(&WORKLOAD_KINDS, &namespaces(selected), &names) {
        if known.contains(&item) {
            continue;
        }
        let Some(mut workload) = Workload::new(list.resource(item)?) else {
            continue;
        };
        workload.look_at_programs(list);
        if !is_configured_at_start(&workload) {
            others.extend(runner::complete(list, workload, None, None).ok());
        }
    }
    Ok(others)
}

/// Compares the plans of runners that read the same file, as its address leads to one of them only. That
/// is an error if a plan changes the file or shards copy it, and a warning otherwise: so a file is written
/// by one plan at most.
///
/// Runners that are configured when their pods start each get a file of their own.
pub fn check_shared(
    list: &ResourceList<'_>,
    plans: &[RunnerPlan],
    others: &[Runner],
) -> Vec<FunctionResult> {
    let mut files: BTreeMap<(usize, &str), SharedFile<'_>> = BTreeMap::new();
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
    files.values().filter_map(|file| file.check(list)).collect()
}

/// The object's place in the list, and the key of the file in it.
fn file_of(runner: &Runner) -> (usize, &str) {
    (runner.config.object.item, runner.config.key.as_str())
}

/// A file, and the runners that read it.
#[derive(Default)]
struct SharedFile<'r> {
    readers: Vec<&'r Runner>,
    /// One of the plans changes it.
    changes: bool,
}

impl SharedFile<'_> {
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
