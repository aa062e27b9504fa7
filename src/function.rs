//! The function: ResourceList in, ResourceList and results out. This page is the whole data path.

use std::borrow::{Borrow, Cow};

use crate::fields::RunnerSelector;
use crate::function_config::{
    self, API_VERSION, AdvertiseAddress, AdvertiseAddressSpec, ApiVersion, FunctionConfig,
    Replicas, SessionServerSpec,
};
use crate::observed::Observed;
use crate::plan::Plan;
use crate::runner::{self, Chosen, Runner, Workload};
use crate::session_server::{self, Advertised};
use crate::verify;
use krm::alignment::Alignment;
use krm::patch::Patches;
use krm::resource::Identity;
use krm::resource_list::{ResourceList, Written};
use krm::results::Refusal;
use krm::results::{FunctionResult, Severity};

/// What one run of the function gave.
#[derive(Debug)]
pub struct Outcome<'a> {
    written: Written<'a>,
    results: Vec<FunctionResult>,
}

impl Outcome<'_> {
    /// What goes to standard output, in order; nothing when the input is not a ResourceList.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.written.pieces.iter().map(|piece| piece.as_bytes())
    }

    /// The output in one piece.
    pub fn text(&self) -> String {
        self.written.pieces.concat()
    }

    /// The same, which borrows nothing of the input.
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

    /// Which items of the output are which of the input's.
    pub fn alignment(&self) -> &Alignment {
        &self.written.alignment
    }

    /// The results, which the output holds too.
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

fn has_error(results: &[FunctionResult]) -> bool {
    results
        .iter()
        .any(|result| result.severity == Severity::Error)
}

/// Runs the function on the text of a ResourceList.
///
/// Every failure is a result of severity error: there is no other way to fail, and no input
/// panics. Items that the function has nothing to do with come out byte for byte.
pub fn run(input: &[u8]) -> Outcome<'_> {
    let list = match ResourceList::read(input) {
        Ok(list) => list,
        Err(error) => {
            return Outcome {
                written: Written::default(),
                results: vec![FunctionResult::error(error.to_string())],
            };
        }
    };
    let mut plan = Plan::default();
    plan.results.extend(deprecation(&list));
    plan.results.extend(function_config::unused(&list));
    let planned = read_config(&list).and_then(|config| match config {
        FunctionConfig::SessionServer(config) => session_server(&list, &config.spec, &mut plan),
        FunctionConfig::AdvertiseAddress(config) => {
            advertise_address(&list, &config.spec, &mut plan)
        }
        FunctionConfig::VerifyTerminals(config) => {
            plan.results.extend(verify::findings(&list, &config.spec)?);
            Ok(())
        }
    });
    plan.results.extend(planned.err().map(|refusal| *refusal));
    write(&list, plan)
}

/// A runner of a list, and what is known of its address.
#[derive(Debug)]
pub struct RunnerAddress {
    /// The workload.
    pub runner: Identity,
    /// Its Service and address, or why it can have none.
    pub found: Result<Advertised, Refusal>,
}

/// Looks up the addresses of a list's runners and writes nothing: what [`run`] does first where the
/// functionConfig is an AdvertiseAddress.
///
/// # Errors
/// The input is not a ResourceList with such a functionConfig, or has no runner.
pub fn addresses(input: &[u8]) -> Result<Vec<RunnerAddress>, Refusal> {
    let list = ResourceList::read(input)?;
    let FunctionConfig::AdvertiseAddress(AdvertiseAddress { spec, .. }) = read_config(&list)?
    else {
        return Err(Box::new(FunctionResult::error(
            "functionConfig kind: is another than AdvertiseAddress, which says where addresses come \
             from",
        )));
    };
    let observed = Observed::collect(&list)?;
    let container = spec.container.as_deref();
    let (workloads, _) = workloads(&list, &spec.runner, container, &mut Plan::default())?;
    let address_of = |workload: Workload| {
        let container = spec.container.as_deref();
        check_processes(&list, &workload, Replicas::Refuse)?;
        let runner = runner::complete(&list, workload, container, spec.config.as_ref())?;
        let config = session_server::open_config(&runner, &mut Patches::default())?;
        session_server::look_up(&list, &spec, &runner, &observed, &config)
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
        let message = format!("functionConfig {}: {error}", error.path);
        Box::new(FunctionResult::error(message))
    })
}

/// Says when the functionConfig's version goes away.
fn deprecation(list: &ResourceList<'_>) -> Option<FunctionResult> {
    let version = ApiVersion::of(list.function_config()?).ok()?;
    version.warning().map(FunctionResult::warning)
}

/// Find the runners, plan each one's session server.
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
        return session_server::undo(list, chosen, plan);
    }
    let (workloads, has_others) = workloads(list, &spec.runner, container, plan)?;
    chosen.check(&workloads)?;
    let complete = complete(list, chosen, spec.replicas, workloads, plan);
    if spec.advertise_address.is_some() {
        one_runner_only(&complete, "spec.advertiseAddress")?;
    }
    let mut runners = Vec::new();
    for runner in complete {
        let split = match spec.replicas {
            Replicas::Refuse => Ok(vec![runner]),
            Replicas::Shard => session_server::split(list, runner, plan).and_then(|shards| {
                if spec.advertise_address.is_some() {
                    one_shard_only(&shards)?;
                }
                Ok(shards)
            }),
        };
        match split {
            Ok(shards) => runners.extend(shards),
            Err(refusal) => plan.results.push(*refusal),
        }
    }
    if let Some(field) = spec.exposure.fixed_field() {
        for alike in session_server::shards_alike(&runners) {
            one_runner_only(&alike, field)?;
        }
    }
    let around = session_server::Surroundings::of(list, &runners, has_others)?;
    for runner in &runners {
        let planned = session_server::add(list, spec, runner, &around, plan);
        plan.results.extend(planned.err().map(|refusal| *refusal));
    }
    let others = session_server::not_selected(list, &spec.runner, container, &runners)?;
    session_server::refuse_shared(&runners, &others, plan);
    for runner in &runners {
        session_server::refuse_unchangeable(runner, plan);
    }
    Ok(())
}

/// Completes workloads to runners, whose processes are as many as can have terminals.
///
/// Each refusal becomes a result: a person wants to hear of all of them. Where the functionConfig
/// chooses no runner and others of the list can be completed, one that cannot is left alone.
fn complete(
    list: &ResourceList<'_>,
    chosen: Chosen<'_>,
    replicas: Replicas,
    workloads: Vec<Workload>,
    plan: &mut Plan,
) -> Vec<Runner> {
    let mut runners = Vec::new();
    let mut incomplete = Vec::new();
    for workload in workloads {
        if let Err(refusal) = check_processes(list, &workload, replicas) {
            plan.results.push(*refusal);
            continue;
        }
        plan.results.extend(runner::unknown_replicas(&workload));
        if workload.has_old_version() {
            plan.results.push(old_version(&workload.resource.identity));
        }
        match runner::complete(list, workload, chosen.container, chosen.config) {
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
    plan.results.extend(incomplete);
    runners
}

/// The workloads that a functionConfig is about, at least one, and whether there may be others.
fn workloads(
    list: &ResourceList<'_>,
    selector: &RunnerSelector,
    container: Option<&str>,
    plan: &mut Plan,
) -> Result<(Vec<Workload>, bool), Refusal> {
    let runner::Found {
        workloads,
        mut left_alone,
        has_others,
    } = runner::find(list, selector, container)?;
    plan.results.append(&mut left_alone);
    let mut elsewhere = runner::made_elsewhere(list, selector)?;
    if workloads.is_empty() {
        let Some(mut last) = elsewhere.pop() else {
            return Err(Box::new(runner::none_found(list, selector, container)));
        };
        for result in elsewhere.iter_mut().chain([&mut last]) {
            result.severity = Severity::Error;
        }
        plan.results.append(&mut elsewhere);
        return Err(Box::new(last));
    }
    plan.results.append(&mut elsewhere);
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

/// Find the runners, look up each one's Service among what was observed.
fn advertise_address(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let container = spec.container.as_deref();
    let observed = Observed::collect(list)?;
    for resource in &observed.injected {
        plan.patches.drop_item(resource);
    }
    let selector = &spec.runner;
    // What is left alone, the SessionServer has said; where nothing is found, it matters here too.
    let mut said = Plan::default();
    let (workloads, _) = workloads(list, selector, container, &mut said).inspect_err(|_| {
        plan.results.append(&mut said.results);
    })?;
    let chosen = Chosen {
        selector,
        container,
        config: spec.config.as_ref(),
    };
    chosen.check(&workloads)?;
    let runners = complete(list, chosen, Replicas::Refuse, workloads, plan);
    if spec.address.is_some() {
        one_runner_only(&runners, "spec.address")?;
    }
    for runner in &runners {
        let planned = session_server::advertise(list, spec, runner, &observed, plan);
        plan.results.extend(planned.err().map(|refusal| *refusal));
    }
    let others = session_server::not_selected(list, &spec.runner, container, &runners)?;
    session_server::refuse_shared(&runners, &others, plan);
    for runner in &runners {
        session_server::refuse_unchangeable(runner, plan);
    }
    Ok(())
}

fn one_runner_only<W: Borrow<Workload>>(workloads: &[W], field: &str) -> Result<(), Refusal> {
    if workloads.len() < 2 {
        return Ok(());
    }
    let names: Vec<String> = workloads
        .iter()
        .map(|workload| workload.borrow().resource.identity.to_string())
        .collect();
    Err(Box::new(FunctionResult::error(format!(
        "functionConfig {field}: {} runners would share one address ({}), and a terminal lives in \
         one of them: choose one by spec.runner, and give each its own functionConfig",
        names.len(),
        names.join(", ")
    ))))
}

fn one_shard_only(shards: &[Runner]) -> Result<(), Refusal> {
    if shards.len() < 2 {
        return Ok(());
    }
    Err(Box::new(FunctionResult::error(format!(
        "functionConfig spec.advertiseAddress: {} shards would share one address, and a terminal lives \
         in one of them: leave it out, and let spec.exposure or the function AdvertiseAddress give \
         each its own",
        shards.len(),
    ))))
}

/// Writes the list. After an error no item changes: half a session server is worse than none.
fn write<'a>(list: &ResourceList<'a>, plan: Plan) -> Outcome<'a> {
    let Plan {
        patches,
        mut results,
    } = plan;
    let dropped = patches.only_dropped();
    let mut changes = patches.into_changes().unwrap_or_else(|error| {
        results.push(error.into());
        dropped
    });
    if !has_error(&results) {
        match list.write(&changes, &results) {
            Ok(written) => return Outcome { written, results },
            Err(error) => results.push(FunctionResult::error(error.to_string())),
        }
    }
    // Writing the results alone edits no item, and so cannot fail. What the host has put into the
    // list goes all the same.
    changes.withdraw();
    let written = list.write(&changes, &results).unwrap_or_default();
    Outcome { written, results }
}
