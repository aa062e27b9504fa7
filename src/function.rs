//! The function: ResourceList in, ResourceList and results out. This page is the whole data path:
//! read → find the runners → plan → patch → write.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeSet;

use crate::fields::RunnerSelector;
use crate::function_config::{
    self, API_VERSION, AdvertiseAddress, AdvertiseAddressSpec, ApiVersion, ConfigureAt,
    FunctionConfig, Replicas, SessionServerSpec, Source,
};
use crate::observed::Observed;
use crate::plan::{Plan, has_error};
use crate::runner::{self, Chosen, Runner, Workload};
use crate::session_server::{self, Advertised};
use crate::verify;
use krm::alignment::Alignment;
use krm::patch::Patches;
use krm::resource::Identity;
use krm::resource_list::{ReadError, ResourceList, Written};
use krm::results::{FunctionResult, Refusal, Severity};

/// The outcome of one run of the function.
#[derive(Debug)]
pub struct Outcome<'a> {
    written: Written<'a>,
    results: Vec<FunctionResult>,
}

impl Outcome<'_> {
    /// For input that is not a ResourceList.
    pub(crate) fn unreadable(error: &ReadError) -> Self {
        Self {
            written: Written::default(),
            results: vec![FunctionResult::error(error.to_string())],
        }
    }

    /// What to write to standard output, in order; empty if the input is not a ResourceList.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.written.pieces.iter().map(|piece| piece.as_bytes())
    }

    /// The output in one piece.
    pub fn text(&self) -> String {
        self.written.pieces.concat()
    }

    /// The same without borrowing from the input.
    #[must_use]
    pub fn into_owned(self) -> Outcome<'static> {
        Outcome {
            written: Written {
                pieces: vec![Cow::Owned(self.text())],
                alignment: self.written.alignment,
            },
            results: self.results,
        }
    }

    /// How the items of the output correspond to those of the input.
    pub fn alignment(&self) -> &Alignment {
        &self.written.alignment
    }

    /// The results, which are in the output too.
    pub fn results(&self) -> &[FunctionResult] {
        &self.results
    }

    /// True when a result is an error. Then no item has changed, and the process exits with 1.
    pub fn failed(&self) -> bool {
        has_error(&self.results)
    }

    /// The results as lines for standard error; empty when there are none.
    pub fn report(&self) -> String {
        let line = |result: &FunctionResult| format!("runner-terminal: {result}\n");
        self.results.iter().map(line).collect()
    }
}

/// Runs the function on the text of a ResourceList.
///
/// Every failure becomes a result of severity error, and no input causes a panic. Items that are
/// not edited stay byte for byte.
pub fn run(input: &[u8]) -> Outcome<'_> {
    let list = match ResourceList::read(input) {
        Ok(list) => list,
        Err(error) => return Outcome::unreadable(&error),
    };
    let plan = plan(&list);
    let (patches, results) = plan.patch();
    write(&list, patches, results)
}

/// Finds the runners, and plans what the functionConfig asks for. A refusal becomes the last result.
fn plan(list: &ResourceList<'_>) -> Plan {
    let mut plan = Plan::default();
    plan.results.extend(deprecation(list));
    plan.results.extend(function_config::unused(list));
    let planned = read_config(list).and_then(|config| match config {
        FunctionConfig::SessionServer(config) => session_server(list, &config.spec, &mut plan),
        FunctionConfig::AdvertiseAddress(config) => {
            advertise_address(list, &config.spec, &mut plan)
        }
        FunctionConfig::VerifyTerminals(config) => {
            plan.results.extend(verify::findings(list, &config.spec)?);
            Ok(())
        }
    });
    plan.results.extend(planned.err().map(|refusal| *refusal));
    plan
}

/// A runner of a list, and what is known of its address.
#[derive(Debug)]
pub struct RunnerAddress {
    /// The workload.
    pub runner: Identity,
    /// Its Service and address, or why it can have none; `None` where only its pods know their addresses.
    pub found: Result<Option<Advertised>, Refusal>,
}

/// Resolves the addresses of a list's runners, as [`run`] does for an AdvertiseAddress, but writes
/// nothing. Addresses that pods find at startup are resolved too, unless the functionConfig limits
/// the lookup to the items.
///
/// # Errors
/// The input is not a ResourceList with such a functionConfig, or has no runner.
pub fn addresses(input: &[u8]) -> Result<Vec<RunnerAddress>, Refusal> {
    let list = ResourceList::read(input)?;
    let FunctionConfig::AdvertiseAddress(AdvertiseAddress { spec, .. }) = read_config(&list)?
    else {
        return Err(FunctionResult::refuse_config(
            "kind",
            "is not AdvertiseAddress, which says where addresses come from",
        ));
    };
    let observed = Observed::collect(&list)?;
    let container = spec.container.as_deref();
    let (workloads, _) = workloads(&list, &spec.runner, container, &mut Vec::new())?;
    let address_of = |workload: Workload| {
        let container = spec.container.as_deref();
        if session_server::is_configured_at_start(&workload) {
            return match spec.source {
                Source::Items => Ok(None),
                _ => session_server::resolve_at_start(&list, &spec, &workload, &observed),
            };
        }
        check_processes(&list, &workload, Replicas::Refuse)?;
        let runner = runner::complete(&list, workload, container, spec.config.as_ref())?;
        let config = session_server::open_config(&runner.config)?;
        session_server::resolve_address(&list, &spec, &runner, &observed, &config).map(Some)
    };
    let addresses = workloads.into_iter().map(|workload| RunnerAddress {
        runner: workload.resource.identity.clone(),
        found: address_of(workload),
    });
    Ok(addresses.collect())
}

fn read_config(list: &ResourceList<'_>) -> Result<FunctionConfig, Refusal> {
    let value = list.function_config().ok_or_else(|| {
        Box::new(FunctionResult::error(format!(
            "the ResourceList has no functionConfig, so there is nothing to do: give the function \
             apiVersion: {API_VERSION}, kind: SessionServer, metadata: {{name: session-server}}"
        )))
    })?;
    FunctionConfig::parse(value).map_err(|error| {
        let message = error.to_string();
        FunctionResult::refuse_config(&error.path, &message)
    })
}

/// Warns of a deprecated version of the functionConfig.
fn deprecation(list: &ResourceList<'_>) -> Option<FunctionResult> {
    let version = ApiVersion::of(list.function_config()?).ok()?;
    let warning = version.warning()?;
    Some(FunctionResult::about_config(
        Severity::Warning,
        "apiVersion",
        &warning,
    ))
}

/// Finds the runners, and plans the session server of each.
fn session_server(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let container = spec.container.as_deref();
    let chosen = Chosen {
        selector: &spec.runner,
        container,
        config: spec.config.as_ref(),
    };
    if !spec.enabled {
        plan.undo = session_server::undo(list, chosen, &mut plan.results)?;
        return Ok(());
    }
    let (workloads, has_others) = workloads(list, &spec.runner, container, &mut plan.results)?;
    chosen.check(&workloads)?;
    let before = session_server::relay_keys(list, &workloads)?;
    let how = Completion {
        replicas: (!spec.exposure.is_per_pod()).then_some(spec.replicas),
        at: spec.configure.at,
    };
    let complete = complete(list, chosen, how, workloads, &mut plan.results);
    if spec.advertise_address.is_some() {
        one_runner_only(&complete, "spec.advertiseAddress")?;
    }
    let runners = match spec.replicas {
        Replicas::Refuse => complete,
        Replicas::Shard => shards(list, spec, complete, plan),
    };
    if let Some(field) = spec.exposure.fixed_field() {
        for alike in session_server::shards_alike(&runners) {
            one_runner_only(&alike, field)?;
        }
    }
    let around = session_server::Surroundings::of(list, &runners, has_others)?;
    for runner in runners {
        plan.add(session_server::plan(list, spec, runner, &around));
    }
    check_plans(list, chosen, plan)?;
    if !has_error(&plan.results) {
        plan.relays = session_server::plan_relays(list, spec, before, &plan.runners)?;
        plan.results.append(&mut plan.relays.results);
        let undone = plan.undo.removed.iter().map(|one| one.item);
        let networks = plan.runners.iter().filter_map(|one| one.network.as_ref());
        let companions = networks.flat_map(|network| &network.companions);
        let companions = companions.filter_map(|one| Some(one.removed()?.item));
        let relays = plan.relays.removed_items();
        let removed: BTreeSet<usize> = undone.chain(companions).chain(relays).collect();
        let left = session_server::left_without_workload(list, &removed)?;
        plan.results.extend(left);
    }
    Ok(())
}

/// Plans one workload per replica. Each refusal becomes a result.
fn shards(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    complete: Vec<Runner>,
    plan: &mut Plan,
) -> Vec<Runner> {
    let mut runners = Vec::new();
    let mut copies = 0;
    for runner in complete {
        let split = session_server::split(list, runner, copies).and_then(|split| {
            copies += split.copies();
            plan.results.extend(split.result);
            if let Some(sharding) = &split.sharding {
                let left = session_server::left_by_sharding(list, sharding)?;
                plan.undo.removed.extend(left);
            }
            plan.shardings.extend(split.sharding);
            if spec.advertise_address.is_some() {
                one_shard_only(&split.runners)?;
            }
            Ok(split.runners)
        });
        match split {
            Ok(shards) => runners.extend(shards),
            Err(refusal) => plan.results.push(*refusal),
        }
    }
    runners
}

/// Compares the plans with each other, and checks that the manifests can be changed.
fn check_plans(
    list: &ResourceList<'_>,
    chosen: Chosen<'_>,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let Plan {
        runners, results, ..
    } = plan;
    let others = session_server::not_selected(list, chosen.selector, chosen.container, runners)?;
    results.extend(session_server::check_shared(list, runners, &others));
    results.extend(session_server::check_host_network(list, runners)?);
    let check = |plan| session_server::check_changeable(list, plan);
    results.extend(runners.iter().flat_map(check));
    Ok(())
}

/// What each runner must have.
#[derive(Clone, Copy)]
struct Completion {
    /// `None` if any number of processes may run.
    replicas: Option<Replicas>,
    at: ConfigureAt,
}

/// Turns workloads into runners, and refuses those with more processes than one address can serve.
///
/// Each refusal becomes a result, so that the user sees all of them. If the functionConfig selects
/// no particular runner and others can be completed, a workload that cannot be completed is left
/// alone.
fn complete(
    list: &ResourceList<'_>,
    chosen: Chosen<'_>,
    how: Completion,
    workloads: Vec<Workload>,
    results: &mut Vec<FunctionResult>,
) -> Vec<Runner> {
    let mut runners = Vec::new();
    let mut incomplete = Vec::new();
    for workload in workloads {
        if let Some(replicas) = how.replicas {
            if let Err(refusal) = check_processes(list, &workload, replicas) {
                results.push(*refusal);
                continue;
            }
            results.extend(runner::unknown_replicas(&workload));
        }
        if workload.has_old_version() {
            results.push(old_version(&workload.resource.identity));
        }
        let completed = match how.at {
            ConfigureAt::Build => runner::complete(list, workload, chosen.container, chosen.config),
            ConfigureAt::PodStart => {
                runner::complete_at_start(list, workload, chosen.container, chosen.config)
            }
        };
        let completed = completed.and_then(|runner| {
            if how.replicas.is_none() {
                session_server::check_file_of_each_pod(list, &runner)?;
            }
            Ok(runner)
        });
        match completed {
            Ok(runner) => runners.push(runner),
            Err(refusal) => incomplete.push(*refusal),
        }
    }
    if !runners.is_empty() && !chosen.is_explicit() {
        for refusal in &mut incomplete {
            refusal.severity = Severity::Warning;
            refusal
                .message
                .push_str(". It is left alone, and the other runners get their terminals");
        }
    }
    results.extend(incomplete);
    runners
}

/// The selected workloads, at least one, and whether the list may have other runners.
fn workloads(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
    results: &mut Vec<FunctionResult>,
) -> Result<(Vec<Workload>, bool), Refusal> {
    let runner::Found {
        workloads,
        mut left_alone,
        has_others,
    } = runner::find(list, selector, container)?;
    results.append(&mut left_alone);
    let mut elsewhere = runner::made_elsewhere(list, selector)?;
    if workloads.is_empty() {
        let Some(mut last) = elsewhere.pop() else {
            return Err(Box::new(runner::none_found(list, container)));
        };
        for result in elsewhere.iter_mut().chain([&mut last]) {
            result.severity = Severity::Error;
        }
        results.append(&mut elsewhere);
        return Err(Box::new(last));
    }
    results.append(&mut elsewhere);
    Ok((workloads, has_others))
}

fn check_processes(
    list: &ResourceList<'_>,
    workload: &Workload,
    replicas: Replicas,
) -> Result<(), Refusal> {
    match replicas {
        Replicas::Refuse => runner::check_single_process(list, workload),
        Replicas::Shard => runner::check_fixed_size(list, workload),
    }
}

fn old_version(workload: &Identity) -> FunctionResult {
    FunctionResult::warning(format!(
        "apiVersion {} is one that Kubernetes has not served since 1.16, so no current cluster \
         takes this manifest: write apps/v1",
        workload.api_version
    ))
    .about(workload)
    .at("apiVersion")
}

/// Finds the runners, and plans the address of each from what was observed.
fn advertise_address(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let container = spec.container.as_deref();
    let mut observed = Observed::collect(list)?;
    plan.injected = std::mem::take(&mut observed.injected);
    let selector = &spec.runner;
    // The SessionServer has already reported what is left alone. Here it matters only if nothing is
    // found.
    let mut left_alone = Vec::new();
    let (workloads, _) = workloads(list, selector, container, &mut left_alone)
        .inspect_err(|_| plan.results.append(&mut left_alone))?;
    let chosen = Chosen {
        selector,
        container,
        config: spec.config.as_ref(),
    };
    chosen.check(&workloads)?;
    let how = Completion {
        replicas: Some(Replicas::Refuse),
        at: ConfigureAt::Build,
    };
    let (at_start, workloads): (Vec<_>, Vec<_>) = workloads
        .into_iter()
        .partition(session_server::is_configured_at_start);
    plan.results
        .extend(session_server::addressed_at_start(&at_start));
    let runners = complete(list, chosen, how, workloads, &mut plan.results);
    if spec.address.is_some() {
        one_runner_only(&runners, "spec.address")?;
    }
    for runner in runners {
        plan.add(session_server::plan_address(list, spec, runner, &observed));
    }
    check_plans(list, chosen, plan)
}

fn one_runner_only<W: Borrow<Workload>>(workloads: &[W], field: &str) -> Result<(), Refusal> {
    if workloads.len() < 2 {
        return Ok(());
    }
    let names: Vec<String> = workloads
        .iter()
        .map(|workload| workload.borrow().resource.identity.to_string())
        .collect();
    let message = format!(
        "{} runners would share one address ({}), and a terminal lives in one of them: choose one by \
         spec.runner, and give each its own functionConfig",
        names.len(),
        names.join(", ")
    );
    Err(FunctionResult::refuse_config(field, &message))
}

fn one_shard_only(shards: &[Runner]) -> Result<(), Refusal> {
    if shards.len() < 2 {
        return Ok(());
    }
    let message = format!(
        "{} shards would share one address, and a terminal lives in one of them: leave it out, and let \
         spec.exposure or the function AdvertiseAddress give each its own",
        shards.len(),
    );
    Err(FunctionResult::refuse_config(
        "spec.advertiseAddress",
        &message,
    ))
}

/// Writes the list. After an error no item changes.
fn write<'a>(
    list: &ResourceList<'a>,
    patches: Patches,
    mut results: Vec<FunctionResult>,
) -> Outcome<'a> {
    let dropped = patches.only_dropped();
    let written = patches
        .into_changes()
        .map_err(Refusal::from)
        .and_then(|changes| {
            let written = list.write(&changes, &results);
            written.map_err(|error| Box::new(FunctionResult::error(error.to_string())))
        });
    let written = written.unwrap_or_else(|error| {
        results.push(*error);
        list.write(&dropped, &results).unwrap_or_else(|error| {
            results.push(FunctionResult::error(error.to_string()));
            Written::default()
        })
    });
    Outcome { written, results }
}
