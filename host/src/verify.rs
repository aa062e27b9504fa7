//! `runner-terminal verify`: checks finished manifests, for CI.

use std::process::ExitCode;

use krm::results::Refusal;
use krm::results::{FunctionResult, Severity};
use runner_terminal::documents::{Config, ConfigFault};
use runner_terminal::function_config::{API_VERSION, FunctionConfig};
use serde_json::{Value, json};
use thiserror::Error;
use yaml_splice::Tree;

use crate::apply::{self, ApplyError};
use crate::arguments;
use crate::manifests::{File, Manifests, ManifestsError, has_function_config};
use crate::standard_output::{self, OutputError};
use crate::terminal;

/// Why `verify` has failed.
#[derive(Debug, Error)]
#[error(transparent)]
pub(crate) enum VerifyError {
    /// The manifests cannot be read.
    Manifests(#[from] ManifestsError),
    /// A function config cannot be read.
    Configs(#[from] ApplyError),
    /// A function config is invalid.
    #[error("{}:{}: {}{}", .0.file, .0.line, field(.0), .0.message)]
    Config(ConfigFault),
    /// `--function-config` is of another kind.
    #[error(
        "{place} is not a VerifyTerminals: name a file that has one, or leave --function-config out"
    )]
    NotVerifyTerminals {
        /// Where it is.
        place: String,
    },
    /// `--require-address` is set, and the input is a ResourceList.
    #[error(
        "{path} is a ResourceList and has its own functionConfig: set requireAddress there, and leave \
         --require-address out"
    )]
    ListHasConfig {
        /// The path of the ResourceList.
        path: String,
    },
    /// kustomize has not run a function.
    #[error("{0}")]
    LeftByBuild(String),
    /// The manifests have no runner, or cannot be read.
    #[error("{0}")]
    Refused(Refusal),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// `spec.x: `, or nothing if the fault is in no field.
fn field(fault: &ConfigFault) -> String {
    match fault.field.as_str() {
        "" => String::new(),
        field => format!("{field}: "),
    }
}

/// Checks the runners in manifests and prints a line for each finding, and one for each runner that
/// is right.
///
/// Returns exit code 0 if no finding is an error, otherwise 1.
///
/// # Errors
///
/// The manifests cannot be read or have no runner, or the function config is of another kind.
pub(crate) fn run(arguments: &arguments::Verify) -> Result<ExitCode, VerifyError> {
    let manifests = Manifests::read(&arguments.files, arguments.kustomize.as_deref())?;
    let refused = |refusal| manifests.refused(refusal, VerifyError::Refused);
    let findings = match &manifests {
        Manifests::List(file) if arguments.function_config.is_some() => {
            return Err(has_function_config(file).into());
        }
        Manifests::List(file) if arguments.require_address => {
            return Err(VerifyError::ListHasConfig {
                path: file.path.clone(),
            });
        }
        Manifests::List(file) => findings(&file.text).map_err(refused)?,
        Manifests::Plain(files) => {
            let mut found = Vec::new();
            for config in configs(files, arguments)? {
                let list = manifests.to_list(None, &config)?;
                found.extend(findings(&list).map_err(refused)?);
            }
            found
        }
    };
    let lines: Vec<String> = findings.iter().map(|found| format!("{found}\n")).collect();
    standard_output::print(&terminal::fitted(&lines.concat()))?;
    Ok(exit_code(&findings))
}

/// What is wrong with the runners of a ResourceList, and where the others are reached.
///
/// # Errors
///
/// The list cannot be read, or has no runner.
pub(crate) fn findings(list: &str) -> Result<Vec<FunctionResult>, Refusal> {
    runner_terminal::verify(list.as_bytes())
}

/// Prints the errors in a ResourceList to standard error, without the warnings. True if there are no
/// errors.
///
/// # Errors
///
/// The list cannot be read, or has no runner.
pub(crate) fn report(list: &str) -> Result<bool, Refusal> {
    let findings = findings(list)?;
    for finding in &findings {
        if finding.severity == Severity::Error {
            terminal::report(&format!("runner-terminal: {finding}\n"));
        }
    }
    Ok(!has_error(&findings))
}

/// The function configs of kind VerifyTerminals: that of `--function-config`, else those among the
/// manifests, else one without settings.
fn configs(files: &[File], arguments: &arguments::Verify) -> Result<Vec<String>, VerifyError> {
    let config_file: Vec<_> = arguments.function_config.iter().cloned().collect();
    let mut texts = Vec::new();
    let found = apply::find_configs(files, &apply::documents(files)?, &config_file)?;
    if arguments.kustomize.is_some()
        && config_file.is_empty()
        && let Some(problem) = apply::left_by_build(&found)?
    {
        return Err(VerifyError::LeftByBuild(problem));
    }
    for config in found {
        if is_verification(&config)? {
            texts.push(config.text.into_owned());
        } else if !config_file.is_empty() {
            return Err(VerifyError::NotVerifyTerminals {
                place: config.place(),
            });
        }
    }
    if texts.is_empty() {
        let default = json!({
            "apiVersion": API_VERSION,
            "kind": "VerifyTerminals",
            "metadata": {"name": "verify-terminals"},
        });
        texts.push(default.to_string());
    }
    if arguments.require_address {
        texts.iter_mut().for_each(require_address);
    }
    Ok(texts)
}

fn is_verification(config: &Config<'_>) -> Result<bool, VerifyError> {
    let parsed = config.parse().map_err(VerifyError::Config)?;
    Ok(matches!(parsed, FunctionConfig::VerifyTerminals(_)))
}

/// Sets `requireAddress` in a valid VerifyTerminals.
fn require_address(config: &mut String) {
    let value = Tree::parse(config)
        .ok()
        .and_then(|tree| tree.to_value().ok());
    let Some(Value::Object(mut members)) = value else {
        return;
    };
    let spec = members.entry("spec").or_insert(Value::Null);
    match spec {
        Value::Object(fields) => {
            fields.insert("requireAddress".to_owned(), Value::Bool(true));
        }
        _ => *spec = json!({"requireAddress": true}),
    }
    *config = Value::Object(members).to_string();
}

fn has_error(findings: &[FunctionResult]) -> bool {
    findings
        .iter()
        .any(|found| found.severity == Severity::Error)
}

fn exit_code(findings: &[FunctionResult]) -> ExitCode {
    if has_error(findings) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
