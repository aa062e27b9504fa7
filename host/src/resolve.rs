//! `runner-terminal resolve`: prints each runner's address, as the cluster has it now.

use std::process::ExitCode;

use krm::results::Refusal;
use serde_json::{Value, json};
use thiserror::Error;

use crate::addresses::{self, Row};
use crate::arguments::cluster::{self as arguments, Format};
use crate::manifests::ManifestsError;
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
    let manifests = arguments.source.read()?;
    let refused = |refusal| manifests.refused(refusal, ResolveError::Refused);
    let list = manifests.to_list(config, &default)?;
    let rows = addresses::find(&list).map_err(refused)?;
    standard_output::print(&match arguments.output {
        Format::Table => table(&rows),
        Format::Json => format!("{:#}\n", document(&rows)),
        Format::Yaml => yaml_splice::document(&document(&rows)),
    })?;
    let has_address = |row: &Row| row.address.is_some() || row.is_of_pods();
    let all_known = rows.iter().all(has_address);
    let is_right = verify::report(&list).map_err(refused)?;
    Ok(if all_known && is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
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
    addresses::advertise_address(&spec)
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
        if let (_, Some(manifests)) = row.state() {
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
