//! `runner-terminal verify`: checks finished manifests, for CI.

use std::io::Write as _;
use std::process::ExitCode;

use krm::results::{FunctionResult, Severity};
use runner_terminal::documents::Config;
use runner_terminal::function_config::{API_VERSION, FunctionConfig};
use serde_json::json;

use crate::apply;
use crate::arguments;
use crate::manifests::{Manifests, has_its_own_config};

/// Checks the runners in manifests and prints a line for each finding, and one for each runner that
/// is right.
///
/// Gives exit code 0 where no finding is an error, otherwise 1.
///
/// # Errors
///
/// A sentence: the manifests cannot be read, have no runner, or the function config is of another
/// kind.
pub(crate) fn run(arguments: &arguments::Verify) -> Result<ExitCode, String> {
    let manifests = arguments.source().read()?;
    let findings = match &manifests {
        Manifests::List(file) if arguments.function_config.is_some() => {
            return Err(has_its_own_config(file));
        }
        Manifests::List(file) => findings(&file.text)?,
        Manifests::Plain(files) => {
            let mut found = Vec::new();
            for config in configs(files, arguments)? {
                let list = manifests.clone().into_list_of(&config)?;
                found.extend(findings(&list)?);
            }
            found
        }
    };
    let lines: Vec<String> = findings.iter().map(|found| format!("{found}\n")).collect();
    crate::print(&lines.concat())?;
    Ok(exit_code(&findings))
}

/// What the verification says of a ResourceList.
///
/// # Errors
///
/// A sentence: it cannot be read, or has no runner.
pub(crate) fn findings(list: &str) -> Result<Vec<FunctionResult>, String> {
    runner_terminal::verify(list.as_bytes()).map_err(|refusal| refusal.to_string())
}

/// Says on standard error which errors the verification finds in a ResourceList; its warnings are
/// those of `verify`. True when there are none.
///
/// # Errors
///
/// A sentence: the list cannot be read.
pub(crate) fn report(list: &str) -> Result<bool, String> {
    let findings = findings(list)?;
    for finding in &findings {
        if finding.severity == Severity::Error {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(anstream::stderr(), "runner-terminal: {finding}");
        }
    }
    Ok(!has_error(&findings))
}

/// The function configs of kind VerifyTerminals: the file's, else those among the manifests, else
/// one without settings.
fn configs(
    files: &[crate::manifests::File],
    arguments: &arguments::Verify,
) -> Result<Vec<String>, String> {
    let given: Vec<_> = arguments.function_config.iter().cloned().collect();
    let mut texts = Vec::new();
    for config in apply::found(files, &given)? {
        if is_verification(&config)? {
            texts.push(config.text.into_owned());
        } else if !given.is_empty() {
            return Err(format!(
                "{} is no VerifyTerminals: give verify one, or leave --function-config out",
                config.place()
            ));
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
    Ok(texts)
}

fn is_verification(config: &Config<'_>) -> Result<bool, String> {
    let parsed = config.parse().map_err(|fault| {
        let field = if fault.field.is_empty() {
            String::new()
        } else {
            format!("{}: ", fault.field)
        };
        format!("{}:{}: {field}{}", fault.file, fault.line, fault.message)
    })?;
    Ok(matches!(parsed, FunctionConfig::VerifyTerminals(_)))
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
