//! The function: ResourceList in, ResourceList and results out. This page is the whole data path.

use std::borrow::{Borrow, Cow};

use crate::function_config::{
    API_VERSION, AdvertiseAddress, AdvertiseAddressSpec, ApiVersion, FunctionConfig, Replicas,
    SessionServerSpec,
};
use crate::observed::Observed;
use crate::patch::{Patches, Plan};
use crate::resource::Identity;
use crate::resource_list::ResourceList;
use crate::results::{FunctionResult, Severity};
use crate::runner::{self, Refusal, Runner, Workload};
use crate::session_server::{self, Advertised};

/// What one run of the function gave.
#[derive(Debug)]
pub struct Outcome<'a> {
    pieces: Vec<Cow<'a, str>>,
    results: Vec<FunctionResult>,
}

impl Outcome<'_> {
    /// What goes to standard output, in order; nothing when the input is not a ResourceList.
    pub fn output(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| piece.as_bytes())
    }

    /// The output in one piece.
    pub fn text(&self) -> String {
        self.pieces.concat()
    }

    /// The same, which borrows nothing of the input.
    #[must_use]
    pub fn into_owned(self) -> Outcome<'static> {
        Outcome {
            pieces: vec![Cow::Owned(self.text())],
            results: self.results,
        }
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
                pieces: Vec::new(),
                results: vec![FunctionResult::error(error.to_string())],
            };
        }
    };
    let mut plan = Plan::default();
    plan.results.extend(deprecation(&list));
    let planned = read_config(&list).and_then(|config| match config {
        FunctionConfig::SessionServer(config) => session_server(&list, &config.spec, &mut plan),
        FunctionConfig::AdvertiseAddress(config) => {
            advertise_address(&list, &config.spec, &mut plan)
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
    let workloads = runners(&list, &spec)?;
    let address_of = |workload: Workload| {
        let container = spec.container.as_deref();
        let runner = runner_of(&list, workload, container, Replicas::Refuse)?;
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
    let workloads = runner::find_workloads(list, &spec.runner, container)?;
    if !spec.enabled {
        for workload in workloads {
            session_server::rejoin(list, &workload, &mut plan.patches);
            // Nothing was added to a runner that cannot be completed.
            if let Ok(runner) = runner::complete(list, workload, container) {
                session_server::remove(list, &runner, &mut plan.patches)?;
            }
        }
        return Ok(());
    }
    if workloads.is_empty() {
        return Err(Box::new(runner::none_found(list, &spec.runner, container)));
    }
    if spec.advertise_address.is_some() {
        one_runner_only(&workloads, "spec.advertiseAddress")?;
    }
    let mut runners = Vec::new();
    for workload in workloads {
        let found = runner_of(list, workload, container, spec.replicas);
        let split = found.and_then(|runner| match spec.replicas {
            Replicas::Refuse => Ok(vec![runner]),
            Replicas::Shard => {
                let shards = session_server::split(list, runner, plan)?;
                if spec.advertise_address.is_some() {
                    one_shard_only(&shards)?;
                }
                Ok(shards)
            }
        });
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
    let pods = session_server::Pods::of(list, &runners)?;
    for runner in &runners {
        let planned = session_server::add(list, spec, runner, &pods, plan);
        plan.results.extend(planned.err().map(|refusal| *refusal));
    }
    session_server::refuse_shared(&runners, plan);
    Ok(())
}

/// Completes a workload to a runner, whose processes are as many as can have terminals.
fn runner_of(
    list: &ResourceList<'_>,
    workload: Workload,
    container: Option<&str>,
    replicas: Replicas,
) -> Result<Runner, Refusal> {
    match replicas {
        Replicas::Refuse => runner::check_single_process(list, &workload)?,
        Replicas::Shard => runner::check_fixed_size(list, &workload)?,
    }
    runner::complete(list, workload, container)
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
    let mut complete = Vec::new();
    // A person wants to hear of every runner that is refused, not of the first alone.
    for workload in runners(list, spec)? {
        match runner_of(list, workload, container, Replicas::Refuse) {
            Ok(runner) => complete.push(runner),
            Err(refusal) => plan.results.push(*refusal),
        }
    }
    for runner in &complete {
        let planned = session_server::advertise(list, spec, runner, &observed, plan);
        plan.results.extend(planned.err().map(|refusal| *refusal));
    }
    session_server::refuse_shared(&complete, plan);
    Ok(())
}

/// The runners that an AdvertiseAddress is about: at least one.
fn runners(list: &ResourceList<'_>, spec: &AdvertiseAddressSpec) -> Result<Vec<Workload>, Refusal> {
    let container = spec.container.as_deref();
    let workloads = runner::find_workloads(list, &spec.runner, container)?;
    if workloads.is_empty() {
        return Err(Box::new(runner::none_found(list, &spec.runner, container)));
    }
    if spec.address.is_some() {
        one_runner_only(&workloads, "spec.address")?;
    }
    Ok(workloads)
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
    let mut changes = patches.into_changes();
    if !has_error(&results) {
        match list.write(&changes, &results) {
            Ok(pieces) => return Outcome { pieces, results },
            Err(error) => results.push(FunctionResult::error(error.to_string())),
        }
    }
    // Writing the results alone edits no item, and so cannot fail. What the host has put into the
    // list goes all the same.
    changes.withdraw();
    let pieces = list.write(&changes, &results).unwrap_or_default();
    Outcome { pieces, results }
}
