//! Runners that read one configuration, which says one address.

use std::collections::{BTreeMap, BTreeSet};

use super::pods::namespaces;
use super::settings;
use crate::fields::RunnerSelector;
use crate::plan::Plan;
use crate::runner::shard;
use crate::runner::{self, Runner, WORKLOAD_KINDS, Workload};
use krm::resource::PREVIOUS_NAMES;
use krm::resource_list::ResourceList;
use krm::results::FunctionResult;
use krm::results::Refusal;

/// Runners of the list that the functionConfig does not select. Those that cannot be completed are
/// left out: what they read is not known.
///
/// # Errors
/// A workload that cannot be parsed.
pub fn not_selected(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
    selected: &[Runner],
) -> Result<Vec<Runner>, Refusal> {
    if *selector == RunnerSelector::default() && container.is_none() {
        return Ok(Vec::new());
    }
    let known: BTreeSet<usize> = selected
        .iter()
        .map(|runner| runner.workload.resource.item)
        .collect();
    // Whoever reads a file names the object that has it, or names it as it was called before.
    let objects = selected.iter().map(|runner| &runner.config.object);
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
        others.extend(runner::complete(list, workload, None, None).ok());
    }
    Ok(others)
}

/// Refuses runners that read one file, where it is to change, or to be copied for shards: the address
/// in it leads to one of them. Warns where it stays as it is.
pub fn refuse_shared(runners: &[Runner], others: &[Runner], plan: &mut Plan) {
    let mut readers: BTreeMap<(usize, &str), Vec<&Runner>> = BTreeMap::new();
    for runner in runners {
        let place = (runner.config.object.item, runner.config.key.as_str());
        readers.entry(place).or_default().push(runner);
    }
    // Files that none of the selected runners reads are not for this run to judge.
    for runner in others {
        let place = (runner.config.object.item, runner.config.key.as_str());
        if let Some(readers) = readers.get_mut(&place) {
            readers.push(runner);
        }
    }
    for readers in readers.values() {
        let [first, _, ..] = readers.as_slice() else {
            continue;
        };
        let config = &first.config;
        let is_sharded = readers
            .iter()
            .any(|runner| shard::index(&runner.workload).is_some());
        let changes = settings::current_text(config, &mut plan.patches) != config.text;
        let mut names: Vec<String> = readers
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
        let result = if is_sharded || changes {
            FunctionResult::error(message)
        } else {
            FunctionResult::warning(message)
        };
        plan.results
            .push(result.about(&config.object.identity).at(config.field()));
    }
}
