//! `runner-terminal doctor`: finds the first thing that keeps terminals from working.
//!
//! It follows a terminal's path from the manifests to the session server, with the code of the other
//! commands: [`apply`], [`verify`], [`addresses`] and [`check`]. Nothing is changed.

mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use krm::resource::Identity;
use krm::results::{FunctionResult, Refusal, Severity};
use runner_terminal::function_config::FunctionConfig;
use serde_json::json;
use thiserror::Error;

use crate::addresses::{self, Row};
use crate::apply::{self, ApplyError};
use crate::arguments;
use crate::check::{self, Stage, Verdict};
use crate::manifests::{File, Manifests, ManifestsError, kustomization_of};
use crate::sandbox::{Limits, LimitsError};
use crate::standard_output::{self, OutputError};
use crate::verify;

use report::{Report, Step, Stop};

/// What to do if the cluster does not answer.
const OTHER_CLUSTER: &str = if cfg!(feature = "cluster") {
    "To ask another cluster, give --kubeconfig or --context; --offline stops before the cluster"
} else {
    "--offline stops before the cluster"
};

/// Why `doctor` cannot run at all. Its findings are not errors.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum DoctorError {
    /// A variable for a limit has an invalid value.
    Limits(#[from] LimitsError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Examines one step after the other, and prints a line for each.
///
/// Returns exit code 0 if all steps are right, or with `--offline` all before the cluster; otherwise 1.
///
/// # Errors
///
/// A limit of the sandbox is invalid, or standard output cannot be written to.
pub(crate) fn run(arguments: &arguments::Doctor) -> Result<ExitCode, DoctorError> {
    let limits = Limits::from_environment()?;
    let mut report = Report::default();
    if let Err(stop) = examine(arguments, limits, &mut report) {
        report.stop(stop);
    }
    standard_output::print(&report.page())?;
    Ok(match report.is_well() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Goes through the steps to the first one that is wrong.
fn examine(arguments: &arguments::Doctor, limits: Limits, report: &mut Report) -> Result<(), Stop> {
    let files = read(arguments).map_err(|problem| Stop::at(Step::Manifests, problem))?;
    let applied = apply_functions(files, arguments, limits)?;
    let list = list(&applied.files, arguments)
        .map_err(|error| Stop::at(Step::Manifests, error.to_string()))?;
    let runners = runners(&list).map_err(|refusal| {
        let manifests = Manifests::Plain(applied.files.clone());
        match manifests.not_yaml() {
            Some(error) => Stop::at(Step::Manifests, error.to_string()),
            None => Stop::refused(Step::Manifests, *refusal),
        }
    })?;
    let names: Vec<String> = runners.iter().map(ToString::to_string).collect();
    report.ok(Step::Manifests, names.join(", "));
    if let Some(problem) = applied.problem {
        return Err(Stop::at(Step::Function, problem));
    }
    let findings =
        verify::findings(&list).map_err(|refusal| Stop::refused(Step::Verify, *refusal))?;
    judge_function(&runners, &findings)?;
    report.ok(
        Step::Function,
        "each runner has a session server".to_owned(),
    );
    report.ok(Step::Verify, judge_findings(&findings)?);
    if arguments.offline {
        report.end(Step::Service, "--offline");
        return Ok(());
    }
    let rows = addresses::find(&list).map_err(|refusal| Stop::refused(Step::Service, *refusal))?;
    let addresses = judge_addresses(&rows, report)?;
    connect(&addresses, arguments, report)
}

/// Reads the manifests; a kustomization is built.
fn read(arguments: &arguments::Doctor) -> Result<Vec<File>, String> {
    let here = PathBuf::from(".");
    let kustomize = match (&arguments.kustomize, arguments.files.as_slice()) {
        (None, []) if kustomization_of(&here).is_some() => Some(&here),
        (None, []) => {
            return Err(
                "the working directory has no kustomization: name one by -k FOLDER, or name the \
                 files of the manifests"
                    .to_owned(),
            );
        }
        (kustomize, _) => kustomize.as_ref(),
    };
    let manifests = Manifests::read(&arguments.files, kustomize.map(|path| path.as_path()));
    match manifests.map_err(|error: ManifestsError| error.to_string())? {
        Manifests::Plain(files) => Ok(files),
        Manifests::List(file) => Err(format!(
            "{} is a ResourceList, which only hosts of functions write: name manifests",
            file.path
        )),
    }
}

/// The manifests after the functions.
struct Applied {
    files: Vec<File>,
    /// The message of a function that failed. The files are those before it.
    problem: Option<String>,
}

/// Runs the functions whose configs are among the manifests or named. In the output of a host there are
/// none: it has run them.
fn apply_functions(
    files: Vec<File>,
    arguments: &arguments::Doctor,
    limits: Limits,
) -> Result<Applied, Stop> {
    let stop = |error: ApplyError| Stop::at(Step::Manifests, error.to_string());
    let documents = apply::documents(&files).map_err(stop)?;
    let mut configs =
        apply::configs(&files, &documents, &arguments.function_configs).map_err(stop)?;
    // Without files, a kustomization is built.
    if arguments.files.is_empty()
        && arguments.function_configs.is_empty()
        && let Some(problem) = apply::left_by_build(&configs).map_err(stop)?
    {
        return Ok(Applied {
            files,
            problem: Some(problem),
        });
    }
    configs.retain(|config| {
        let reads_cluster = matches!(config.parse(), Ok(FunctionConfig::AdvertiseAddress(_)));
        !(config.is_default() || arguments.offline && reads_cluster)
    });
    if configs.is_empty() {
        return Ok(Applied {
            files,
            problem: None,
        });
    }
    let applied = apply::apply(files, documents, &configs, limits)
        .map_err(|error| Stop::at(Step::Function, error.to_string()))?;
    let said = applied.report.lines();
    let said = said.map(|line| line.strip_prefix("runner-terminal: ").unwrap_or(line));
    Ok(Applied {
        problem: (applied.code != 0).then(|| said.collect::<Vec<_>>().join("\n")),
        files: applied.files,
    })
}

/// The ResourceList with the config that looks for addresses.
fn list(files: &[File], arguments: &arguments::Doctor) -> Result<String, ManifestsError> {
    let config = addresses::advertise_address(&json!({
        "kubeconfig": arguments.cluster.kubeconfig,
        "context": arguments.cluster.context,
    }));
    let manifests = Manifests::Plain(files.to_vec());
    manifests.to_list(None, &config.to_string())
}

/// The runners of a list. No cluster is queried.
fn runners(list: &str) -> Result<Vec<Identity>, Refusal> {
    let found = runner_terminal::addresses(list.as_bytes())?.into_iter();
    Ok(found.map(|found| found.runner).collect())
}

/// A runner without a session server, or whose address is pending, has warnings only.
fn judge_function(runners: &[Identity], findings: &[FunctionResult]) -> Result<(), Stop> {
    let about = |runner: &Identity, severity| {
        let runner = runner.to_string();
        let mut found = findings
            .iter()
            .filter(move |found| found.severity == severity);
        found.find(move |found| {
            let about = found.resource_ref.as_ref();
            about.is_some_and(|about| about.to_string() == runner)
        })
    };
    for runner in runners {
        if about(runner, Severity::Info).is_none()
            && about(runner, Severity::Error).is_none()
            && let Some(warning) = about(runner, Severity::Warning)
        {
            return Err(Stop::refused(Step::Function, warning.clone()));
        }
    }
    Ok(())
}

/// The findings of `verify`, if none is an error.
fn judge_findings(findings: &[FunctionResult]) -> Result<String, Stop> {
    let mut errors = findings
        .iter()
        .filter(|found| found.severity == Severity::Error);
    match errors.next() {
        Some(error) => Err(Stop::refused(Step::Verify, error.clone())),
        None => {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Ok(lines.join("\n"))
        }
    }
}

/// The runners' addresses, if each has the one that it should. A runner whose pods have addresses of
/// their own has none here.
fn judge_addresses(rows: &[Row], report: &mut Report) -> Result<Vec<String>, Stop> {
    if let Some(row) = rows
        .iter()
        .find(|row| !row.is_current() && !row.is_of_pods())
    {
        let (state, manifests) = row.state();
        let mut problem = format!("{}: {}", row.runner(), named(row, &state));
        if row.address.is_none() {
            problem.push_str(&format!("\n{OTHER_CLUSTER}"));
        }
        return Err(Stop::at(Step::Service, problem).with_manifests(manifests));
    }
    let (of_pods, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_of_pods());
    let known: BTreeMap<String, String> = others
        .iter()
        .filter_map(|row| Some((row.address.clone()?, row.state().0)))
        .collect();
    let lines = known
        .iter()
        .map(|(address, state)| format!("{address}, {state}"));
    let lines: Vec<String> = lines.collect();
    let unknown = of_pods.iter().map(|row| {
        format!(
            "{}: {}. Check that address by `runner-terminal check HOST:PORT`",
            row.runner(),
            row.message
        )
    });
    let unknown: Vec<String> = unknown.collect();
    if !lines.is_empty() {
        report.ok(Step::Service, lines.join("\n"));
    }
    if !unknown.is_empty() {
        report.skipped(Step::Service, unknown.join("\n"));
    }
    Ok(known.into_keys().collect())
}

/// A state that is about a Service, with its name.
fn named(row: &Row, state: &str) -> String {
    match &row.service {
        Some([namespace, name]) => {
            let service = krm::resource::display_name("Service", name, namespace);
            format!("{service}: {state}")
        }
        None => state.to_owned(),
    }
}

/// Connects to each address, as `check` does.
fn connect(
    addresses: &[String],
    arguments: &arguments::Doctor,
    report: &mut Report,
) -> Result<(), Stop> {
    if addresses.is_empty() {
        report.end(Step::Dns, "");
        return Ok(());
    }
    let verdicts: Vec<Verdict> = addresses
        .iter()
        .map(|address| check::run(address, arguments.timeout))
        .collect();
    let failed = verdicts
        .iter()
        .filter_map(|verdict| Some((verdict.fails_at()?, verdict)));
    let first = failed.min_by_key(|(stage, _)| *stage);
    let all = addresses.join(", ");
    for (step, stages, right) in [
        (Step::Dns, Stage::Address..=Stage::Dns, "has an IP address"),
        (Step::Tcp, Stage::Tcp..=Stage::Tcp, "accepts connections"),
        (
            Step::Tls,
            Stage::Tls..=Stage::Tls,
            "has the certificate of its runner",
        ),
    ] {
        match first {
            Some((stage, verdict)) if stages.contains(&stage) => {
                return Err(Stop::at(step, verdict.to_string()));
            }
            _ => report.ok(step, format!("{all}: {right}")),
        }
    }
    if let Some((_, verdict)) = first {
        return Err(Stop::at(Step::SessionServer, verdict.to_string()));
    }
    let lines: Vec<String> = verdicts.iter().map(ToString::to_string).collect();
    report.ok(Step::SessionServer, lines.join("\n"));
    Ok(())
}
