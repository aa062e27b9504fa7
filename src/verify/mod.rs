//! Checks finished manifests: `kind: VerifyTerminals`.
//!
//! A namespace, a prefix or a replica count that is set after the session server was added can break
//! its address, names and Roles. Only the finished manifests show it. Nothing is changed here; each
//! problem is a result of severity error.
//!
//! | module | what it checks |
//! |---|---|
//! | [`terminal`] | one runner: its configuration, the Services in front of it, its processes |
//! | [`address`] | whether `advertise_address` belongs to those Services |
//! | [`route`] | the objects that lead a host name to a Service, and the relay |
//! | [`owned`] | the resources that the SessionServer added: whether the names in them still exist |
//! | [`target`] | which container port a Service's `targetPort` means |
//! | [`start`] | a runner that is configured when its pods start |
//! | [`inventory`] | the resources that the checks look at |

mod address;
mod inventory;
mod owned;
mod route;
mod start;
mod target;
mod terminal;

use std::collections::BTreeMap;

use crate::fields::{ConfigReference, RunnerSelector};
use crate::function_config::{FunctionConfig, VerifyTerminalsSpec};
use crate::runner::{self, Runner, Workload};
use crate::session_server::{CONFIG_CHECKSUM, ConfigLocation, is_configured_at_start};
use inventory::Inventory;
use krm::resource_list::ResourceList;
use krm::results::{FunctionResult, Refusal, field_path};
use terminal::Terminal;

/// Checks the runners of a ResourceList and returns the findings. The functionConfig selects the
/// runners; it may be of any kind of this project, or absent.
///
/// # Errors
/// The input is not a ResourceList, its functionConfig cannot be used, it has no runner, or an item
/// that matters cannot be parsed.
pub fn verify(input: &[u8]) -> Result<Vec<FunctionResult>, Refusal> {
    let list = ResourceList::read(input)?;
    let spec = match list.function_config() {
        Some(value) => {
            let config = FunctionConfig::parse(value).map_err(|error| {
                let message = error.to_string();
                FunctionResult::refuse_config(&error.path, &message)
            })?;
            spec_of(config)
        }
        None => VerifyTerminalsSpec::default(),
    };
    findings(&list, &spec)
}

/// The selection of runners in a functionConfig of any kind.
fn spec_of(config: FunctionConfig) -> VerifyTerminalsSpec {
    let (runner, container, config) = match config {
        FunctionConfig::VerifyTerminals(config) => return config.spec,
        FunctionConfig::SessionServer(config) => {
            let spec = config.spec;
            (spec.runner, spec.container, spec.config)
        }
        FunctionConfig::AdvertiseAddress(config) => {
            let spec = config.spec;
            (spec.runner, spec.container, spec.config)
        }
    };
    VerifyTerminalsSpec {
        runner,
        container,
        config,
        require_address: false,
    }
}

/// The problems of the runners in the list and, for each one without problems, where its terminals
/// are reached.
pub(crate) fn findings(
    list: &ResourceList<'_>,
    spec: &VerifyTerminalsSpec,
) -> Result<Vec<FunctionResult>, Refusal> {
    let container = spec.container.as_deref();
    let runner::Found {
        workloads: selected,
        left_alone: mut findings,
        ..
    } = runner::find(list, &spec.runner, container)?;
    if selected.is_empty() {
        return Err(Box::new(runner::none_found(list, container)));
    }
    if selected.len() > 1 && spec.config.is_some() {
        return Err(FunctionResult::refuse_config(
            "spec.config",
            "applies to one runner: choose it by spec.runner",
        ));
    }
    let others = others(list, &selected);
    let runner_items = selected.iter().chain(&others).map(|one| one.resource.item);
    let inventory = Inventory::read(list, runner_items.collect())?;
    let mut runners = Vec::new();
    for workload in selected {
        let (identity, had_session_server) = (
            workload.resource.identity.clone(),
            workload.pod(&checksum_pointer()).is_some(),
        );
        let is_at_start = is_configured_at_start(&workload);
        match complete(list, workload, container, spec.config.as_ref()) {
            Ok(runner) => runners.push(runner),
            Err(refusal) if is_at_start => findings.push(*refusal),
            // The function has written this runner's configuration, and now it cannot be found.
            Err(refusal) if had_session_server => findings.push(*refusal),
            Err(refusal) => findings.push(
                FunctionResult::warning(format!("was not checked: {}", refusal.message))
                    .about(&identity),
            ),
        }
    }
    let terminals: Vec<Terminal<'_>> = runners
        .iter()
        .map(|runner| Terminal::new(runner, &inventory))
        .collect();
    for terminal in &terminals {
        findings.extend(terminal.findings(list, spec.require_address)?);
    }
    let others = others.into_iter();
    let others: Vec<Runner> = others
        .filter_map(|workload| complete(list, workload, None, None).ok())
        .collect();
    findings.extend(shared(&runners, &others));
    findings.extend(owned::findings(list, &inventory)?);
    Ok(findings)
}

/// Makes a runner of a workload.
///
/// # Errors
/// Its configuration is not found.
fn complete(
    list: &ResourceList<'_>,
    workload: Workload,
    container: Option<&str>,
    config: Option<&ConfigReference>,
) -> Result<Runner, Refusal> {
    match is_configured_at_start(&workload) {
        true => runner::complete_at_start(list, workload, container, config),
        false => runner::complete(list, workload, container, config),
    }
}

/// The runners of the list that were not selected: they must not share an address with a selected
/// one.
fn others(list: &ResourceList<'_>, selected: &[Workload]) -> Vec<Workload> {
    let is_other = |workload: &Workload| {
        !selected
            .iter()
            .any(|one| one.resource.item == workload.resource.item)
    };
    let all = runner::find_workloads(list, &RunnerSelector::default(), None);
    // A mistake in a runner that was not selected is not a finding about one that was.
    all.unwrap_or_default()
        .into_iter()
        .filter(is_other)
        .collect()
}

/// Runners that advertise the same address, or read the same configuration that advertises one.
fn shared(selected: &[Runner], others: &[Runner]) -> Vec<FunctionResult> {
    let mut findings = Vec::new();
    let mut first_at = BTreeMap::<String, &Runner>::new();
    // Runners that are not selected come first, so that the finding is about a selected one.
    for (runner, is_selected) in others
        .iter()
        .map(|runner| (runner, false))
        .chain(selected.iter().map(|runner| (runner, true)))
    {
        let Some(address) = terminal::advertised(runner) else {
            continue;
        };
        let Some(first) = first_at.get(&address) else {
            first_at.insert(address, runner);
            continue;
        };
        if !is_selected {
            continue;
        }
        let (config, other) = (&runner.config, &first.workload.resource.identity);
        let is_one_file = runner.start.is_none()
            && config.object.item == first.config.object.item
            && config.key == first.config.key;
        let address = ConfigLocation::of(config).shown_address(&address);
        let message = if is_one_file {
            format!(
                "reads the same {} as {other}, of {}: both advertise {address}, which leads to one \
                 of them. Give each runner a configuration of its own",
                config.key, config.object.identity
            )
        } else {
            format!(
                "advertises {address}, and so does {other}: a terminal may reach the wrong one. \
                 Give each runner an address of its own"
            )
        };
        findings.push(
            FunctionResult::error(message)
                .about(&runner.workload.resource.identity)
                .at(field_path(&runner.workload.pod_pointer("/spec/volumes"))),
        );
    }
    findings
}

/// JSON pointer of the checksum of the configuration, in a pod template.
fn checksum_pointer() -> String {
    krm::bookkeeping::annotation(CONFIG_CHECKSUM)
}
