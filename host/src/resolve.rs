//! `runner-terminal resolve`: prints each runner's address, as the cluster has it now.

use std::process::ExitCode;

use krm::results::Refusal;
use runner_terminal::address::Address;
use runner_terminal::function_config::API_VERSION;
use runner_terminal::observed::Request;
use runner_terminal::session_server::{Advertised, State, addressed_by_pods};
use runner_terminal::{RunnerAddress, addresses};
use serde_json::{Value, json};
use thiserror::Error;

use crate::arguments::{self, Format};
use crate::manifests::ManifestsError;
use crate::observe::{self, Step};
use crate::standard_output::{self, OutputError};
use crate::{table, terminal, verify};

/// Why `resolve` has failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum ResolveError {
    /// The manifests cannot be read.
    Manifests(#[from] ManifestsError),
    /// The manifests have no runner, or the function config is invalid.
    #[error("{0}")]
    Refused(Refusal),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Finds the addresses and prints them.
///
/// Returns exit code 0 if every runner has one and the verification of the manifests finds no error,
/// otherwise 1.
///
/// # Errors
///
/// The manifests cannot be read, or have no runner.
pub(crate) fn run(arguments: &arguments::Resolve) -> Result<ExitCode, ResolveError> {
    let config = arguments.function_config.as_deref();
    let default = function_config(arguments).to_string();
    let list = arguments.source.read()?.into_list(config, &default)?;
    let found = find(&list).map_err(ResolveError::Refused)?;
    let rows: Vec<Row> = found.into_iter().map(Row::new).collect();
    standard_output::print(&match arguments.output {
        Format::Table => table(&rows),
        Format::Json => format!("{:#}\n", document(&rows)),
        Format::Yaml => yaml_splice::document(&document(&rows)),
    })?;
    let has_address = |row: &Row| row.address.is_some() || row.is_of_pods();
    let all_known = rows.iter().all(has_address);
    let is_right = verify::report(&list).map_err(ResolveError::Refused)?;
    Ok(if all_known && is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Finds the addresses of the runners of a ResourceList, and asks the cluster where it has to.
///
/// # Errors
///
/// The list has no runner, or its function config is invalid.
pub(crate) fn find(list: &str) -> Result<Vec<RunnerAddress>, Refusal> {
    observe::run(list.as_bytes().to_vec(), |list| -> Result<_, Refusal> {
        let outcome = addresses(&list)?;
        let requests = outcome.iter().filter_map(request).cloned().collect();
        Ok(Step { outcome, requests })
    })
}

/// The AdvertiseAddress that the flags stand for.
fn function_config(arguments: &arguments::Resolve) -> Value {
    let mut spec = json!({
        "kubeconfig": arguments.cluster.kubeconfig,
        "context": arguments.cluster.context,
    });
    if let (Some(wait), Some(spec)) = (arguments.wait, spec.as_object_mut()) {
        spec.insert("whenPending".to_owned(), json!("Wait"));
        spec.insert("timeout".to_owned(), json!(wait.as_secs().max(1)));
    }
    advertise_address(&spec)
}

/// An AdvertiseAddress with these fields.
pub(crate) fn advertise_address(spec: &Value) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "AdvertiseAddress",
        "metadata": {"name": "advertise-address"},
        "spec": spec,
    })
}

fn request(found: &RunnerAddress) -> Option<&Request> {
    match &found.found.as_ref().ok()?.as_ref()?.state {
        State::Unknown(request)
        | State::Pending {
            wait: Some(request),
            ..
        } => Some(request),
        State::Known(_) | State::Pending { wait: None, .. } => None,
    }
}

/// The state of a runner that advertises the address that it should.
const CURRENT: &str = "current";
/// The state of a runner whose pods have addresses of their own.
const OF_PODS: &str = "of-pods";

/// What is printed about a runner.
pub(crate) struct Row {
    runner: [String; 3],
    /// The Service's namespace and name; `None` where there is none, or the reason is not about it.
    pub(crate) service: Option<[String; 2]>,
    pub(crate) address: Option<String>,
    configured: Option<String>,
    state: &'static str,
    message: String,
    /// The message without the manifests that it ends with, and those.
    summary_and_manifests: Option<(String, String)>,
}

impl Row {
    /// True if the runner advertises the address that it should.
    pub(crate) fn is_current(&self) -> bool {
        self.state == CURRENT
    }

    /// True if each pod of the runner has an address of its own, which only the pods know.
    pub(crate) fn is_of_pods(&self) -> bool {
        self.state == OF_PODS
    }

    /// What explains the state.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The runner as messages name it.
    pub(crate) fn runner(&self) -> String {
        let [kind, namespace, name] = &self.runner;
        krm::resource::display_name(kind, name, namespace)
    }

    /// The state, and the manifests to apply that come with it.
    pub(crate) fn state(&self) -> (String, Option<&str>) {
        match &self.summary_and_manifests {
            Some((summary, manifests)) => (
                format!("{}: {summary}:", self.state),
                Some(manifests.as_str()),
            ),
            None => (format!("{}: {}", self.state, self.message), None),
        }
    }

    pub(crate) fn new(found: RunnerAddress) -> Self {
        let RunnerAddress { runner, found } = found;
        let mut row = Self {
            runner: [&runner.kind, &runner.namespace, &runner.name].map(String::clone),
            service: None,
            address: None,
            configured: None,
            state: "failed",
            message: String::new(),
            summary_and_manifests: None,
        };
        let Advertised {
            service,
            configured,
            asked,
            state,
            is_at_start,
        } = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                row.state = OF_PODS;
                row.message = addressed_by_pods(&runner).message;
                return row;
            }
            Err(refusal) => {
                let summary = refusal.summary().to_owned();
                row.message = refusal.message;
                row.summary_and_manifests =
                    (summary != row.message).then_some((summary, refusal.manifests));
                row.service = refusal
                    .resource_ref
                    .filter(|resource| resource.kind == "Service")
                    .map(|service| [service.namespace, service.name]);
                return row;
            }
        };
        row.service = Some([service.namespace, service.name]);
        (row.state, row.message) = match &state {
            State::Known(_) if is_at_start => {
                (CURRENT, "its pods find it when they start".to_owned())
            }
            State::Known(address) if configured.as_ref() == Some(address) => {
                (CURRENT, "config.toml has it".to_owned())
            }
            State::Known(_) => (
                "new",
                match &configured {
                    Some(other) => format!("config.toml has {other}: build and apply again"),
                    None => "not in config.toml yet: build and apply again".to_owned(),
                },
            ),
            State::Pending { reason, .. } => ("pending", reason.clone()),
            State::Unknown(_) => ("unknown", "the cluster has not been asked".to_owned()),
        };
        if let (State::Known(_), Some(asked)) = (&state, asked) {
            row.message
                .push_str(&format!(" (read from the API server {asked})"));
        }
        if let State::Known(address) = state {
            // A configured value that is not a valid address is printed as it is configured.
            row.address = match Address::parse(&address) {
                Ok(_) => Some(address),
                Err(_) => configured.clone(),
            };
        }
        row.configured = configured;
        row
    }
}

fn table(rows: &[Row]) -> String {
    let none = || "-".to_owned();
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|row| {
            [
                row.runner(),
                row.service
                    .as_ref()
                    .map_or_else(none, |[_, name]| name.clone()),
                row.address.clone().unwrap_or_else(none),
                row.state().0,
            ]
        })
        .collect();
    let mut page = String::new();
    let header = ["RUNNER", "SERVICE", "ADDRESS", "STATE"];
    table::append(&mut page, header, &cells, terminal::stdout_width());
    // Manifests to apply do not fit into a row.
    for row in rows {
        if let Some((_, manifests)) = &row.summary_and_manifests {
            page.push_str(&format!("\n{manifests}\n"));
        }
    }
    page
}

fn document(rows: &[Row]) -> Value {
    let runners: Vec<Value> = rows
        .iter()
        .map(|row| {
            let [kind, namespace, name] = &row.runner;
            let service = row
                .service
                .as_ref()
                .map(|[namespace, name]| json!({"namespace": namespace, "name": name}));
            json!({
                "runner": {"kind": kind, "namespace": namespace, "name": name},
                "service": service,
                "address": row.address,
                "configured": row.configured,
                "state": row.state,
                "message": row.message,
            })
        })
        .collect();
    json!({ "runners": runners })
}
