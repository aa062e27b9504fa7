//! The function: ResourceList in, ResourceList and results out. This page is the whole data path.

use std::borrow::Cow;

use crate::function_config::{AdvertiseAddressSpec, FunctionConfig, SessionServerSpec};
use crate::observed::Observed;
use crate::patch::Patches;
use crate::resource_list::{ReadError, ResourceList};
use crate::results::{FunctionResult, Severity};
use crate::runner::{self, Refusal, Workload};
use crate::session_server;

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

    /// The results, which the output holds too.
    pub fn results(&self) -> &[FunctionResult] {
        &self.results
    }

    /// True when a result is an error. Then no item has changed, and the process exits with 1.
    pub fn failed(&self) -> bool {
        self.results.iter().any(|result| result.severity == Severity::Error)
    }

    /// The results as lines for standard error; empty when there are none.
    pub fn report(&self) -> String {
        let line = |result: &FunctionResult| format!("runner-terminal: {result}\n");
        self.results.iter().map(line).collect()
    }
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
    let mut results = Vec::new();
    let mut patches = Patches::default();
    let planned = match read_config(&list) {
        Ok(FunctionConfig::SessionServer(config)) => {
            session_server(&list, &config.spec, &mut patches, &mut results)
        }
        Ok(FunctionConfig::AdvertiseAddress(config)) => {
            advertise_address(&list, &config.spec, &mut patches, &mut results)
        }
        Err(refusal) => {
            results.push(*refusal);
            Ok(())
        }
    };
    if let Err(error) = planned {
        results.push(FunctionResult::error(error.to_string()));
    }
    write(&list, patches, results)
}

fn read_config(list: &ResourceList<'_>) -> Result<FunctionConfig, Refusal> {
    let value = list.function_config().ok_or_else(|| {
        Box::new(FunctionResult::error(
            "the ResourceList has no functionConfig, so there is nothing to do: give the function \
             apiVersion: runner-terminal.dev/v1alpha1, kind: SessionServer, metadata: {name: \
             session-server}",
        ))
    })?;
    FunctionConfig::parse(value)
        .map_err(|error| Box::new(FunctionResult::error(format!("functionConfig {}: {error}", error.path))))
}

/// Find the runners, plan each one's session server, collect the patches.
fn session_server(
    list: &ResourceList<'_>,
    spec: &SessionServerSpec,
    patches: &mut Patches,
    results: &mut Vec<FunctionResult>,
) -> Result<(), ReadError> {
    let container = spec.container.as_deref();
    let workloads = runner::find_workloads(list, &spec.runner, container)?;
    if workloads.is_empty() && spec.enabled {
        results.push(runner::none_found(list, &spec.runner, container));
    }
    if spec.enabled && spec.advertise_address.is_some() && workloads.len() > 1 {
        let field = "spec.advertiseAddress";
        results.push(one_address_for_many(&workloads, field));
    }
    for workload in &workloads {
        if spec.enabled
            && let Some(refusal) = runner::check_single_process(list, workload)?
        {
            results.push(*refusal);
            continue;
        }
        let planned = match runner::complete(list, workload.clone(), container) {
            Ok(runner) if spec.enabled => {
                session_server::add(list, spec, &runner, &workloads, patches, results)?
            }
            Ok(runner) => session_server::remove(list, &runner, patches)?,
            // Nothing was added to a runner that cannot be completed.
            Err(_) if !spec.enabled => Ok(()),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = planned {
            results.push(*refusal);
        }
    }
    Ok(())
}

/// Find the runners, look up each one's Service among what was observed, collect the patches.
fn advertise_address(
    list: &ResourceList<'_>,
    spec: &AdvertiseAddressSpec,
    patches: &mut Patches,
    results: &mut Vec<FunctionResult>,
) -> Result<(), ReadError> {
    let container = spec.container.as_deref();
    let observed = Observed::collect(list)?;
    for resource in &observed.injected {
        patches.drop_item(resource);
    }
    let workloads = runner::find_workloads(list, &spec.runner, container)?;
    if workloads.is_empty() {
        results.push(runner::none_found(list, &spec.runner, container));
    }
    if spec.address.is_some() && workloads.len() > 1 {
        results.push(one_address_for_many(&workloads, "spec.address"));
    }
    for workload in &workloads {
        if let Some(refusal) = runner::check_single_process(list, workload)? {
            results.push(*refusal);
            continue;
        }
        let planned = match runner::complete(list, workload.clone(), container) {
            Ok(runner) => {
                session_server::advertise(list, spec, &runner, &observed, patches, results)?
            }
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = planned {
            results.push(*refusal);
        }
    }
    Ok(())
}

fn one_address_for_many(workloads: &[Workload], field: &str) -> FunctionResult {
    let names: Vec<String> = workloads
        .iter()
        .map(|workload| workload.resource.identity.to_string())
        .collect();
    FunctionResult::error(format!(
        "functionConfig {field}: {} runners would share one address ({}), and a \
         terminal lives in one of them: choose one by spec.runner, and give each its own \
         functionConfig",
        names.len(),
        names.join(", ")
    ))
}

/// Writes the list. After an error no item changes: half a session server is worse than none.
fn write<'a>(
    list: &ResourceList<'a>,
    patches: Patches,
    mut results: Vec<FunctionResult>,
) -> Outcome<'a> {
    let failed = results.iter().any(|result| result.severity == Severity::Error);
    let mut changes = patches.into_changes();
    if !failed {
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
