//! `runner-terminal argocd`: what Argo CD's plugin server runs, in the folder of an application.
//!
//! The repository and the application may be untrusted: they decide on manifests, and nothing else.
//! No program of the repository runs here, and no file outside of it is read.

mod application;
mod build;
mod chart;
mod configs;
mod from_parameters;
mod kind;
mod message;
mod namespace;
mod parameters;
mod program;

use std::io::{self, Write};
use std::process::ExitCode;

use krm::documents::{DocumentError, unreadable};
use thiserror::Error;

use crate::apply::{self, ApplyError};
use crate::apply_to::{self, ApplyToError};
use crate::arguments;
use crate::manifests::texts;
use crate::sandbox::{Limits, LimitsError};
use crate::standard_output::{self, OutputError};

use application::{Application, FolderError};
use build::BuildError;
use configs::ConfigsError;
use parameters::{ParameterError, Parameters};

/// Why a request of Argo CD has failed, in one paragraph for its user interface.
#[derive(Debug, Error)]
#[error("{}", message::paragraph(&.0.to_string()))]
pub(crate) struct ArgoCdError(RequestError);

/// Why a request of Argo CD has failed.
#[derive(Debug, Error)]
#[error(transparent)]
enum RequestError {
    /// The application's folder cannot be read.
    Folder(#[from] FolderError),
    /// A parameter is invalid.
    Parameters(#[from] ParameterError),
    /// There are no function configs to use.
    Configs(#[from] ConfigsError),
    /// The application cannot be built.
    Build(#[from] BuildError),
    /// A file cannot be split into documents, or a function could not read one.
    Document(#[from] DocumentError),
    /// A variable for a limit has an invalid value.
    Limits(#[from] LimitsError),
    /// A function reached a limit, or broke.
    Apply(#[from] ApplyError),
    /// A function refused the manifests, with these results.
    #[error("{0}")]
    Refused(String),
    /// The manifests cannot be printed.
    Print(#[from] ApplyToError),
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
}

/// Answers a request of Argo CD.
///
/// # Errors
///
/// The application cannot be built, or a function refuses it.
pub(crate) fn run(request: arguments::ArgoCd) -> Result<ExitCode, ArgoCdError> {
    let answered = match request {
        arguments::ArgoCd::Discover => discover(),
        arguments::ArgoCd::Generate => generate(),
        arguments::ArgoCd::Parameters => announce(),
    };
    answered.map(|()| ExitCode::SUCCESS).map_err(ArgoCdError)
}

/// Prints the application's name if the plugin applies to it: Argo CD takes any output as a yes.
fn discover() -> Result<(), RequestError> {
    let application = Application::here()?;
    if application.is_of_plugin() {
        standard_output::print(&format!("{}\n", application.name))?;
    }
    Ok(())
}

/// Prints the parameters for this kind of application.
fn announce() -> Result<(), RequestError> {
    let application = Application::here()?;
    Ok(standard_output::print(&parameters::announcement(
        application.kind,
    ))?)
}

/// Builds the application, runs the functions, and prints the manifests. Warnings go to standard
/// error, which is the sidecar's log.
fn generate() -> Result<(), RequestError> {
    let application = Application::here()?;
    let parameters = Parameters::from_environment(application.kind)?;
    let config_files = configs::files(&application, &parameters)?;
    let mut files = build::manifests(&application, &parameters, &config_files)?;
    let configs = configs::choose(&config_files, &files, &parameters)?;
    namespace::set_in(&mut files, &application.namespace)?;

    let documents = apply::documents(&files)?;
    let applied = apply::apply(files, documents, &configs, Limits::from_environment()?)?;
    let of = |severity: &str| {
        let results = applied.results.iter();
        let matching = results.filter(|one| one.get("severity") == Some(&severity.into()));
        matching.map(message::result).collect::<Vec<_>>()
    };
    if applied.code != 0 {
        let errors = of("error");
        return Err(match unreadable(&texts(&applied.files)) {
            Some(error) => error.into(),
            None if errors.is_empty() => RequestError::Refused(applied.report),
            None => RequestError::Refused(errors.join(". Also: ")),
        });
    }
    for warning in of("warning") {
        // If standard error is closed, nobody is left to tell.
        let _ = writeln!(io::stderr(), "warning: {}", message::paragraph(&warning));
    }
    Ok(apply_to::print(&applied.files)?)
}
