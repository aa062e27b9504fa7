//! `runner-terminal argocd`: what Argo CD's plugin server runs, in the folder of an application.
//!
//! Whoever may commit to the repository, and whoever may change the application, decides on the
//! manifests and on nothing else: no program of the repository runs here, and no file outside it is
//! read.

mod application;
mod build;
mod chart;
mod configs;
mod message;
mod namespace;
mod parameters;

use std::io::{self, Write};
use std::process::ExitCode;

use krm::documents::unreadable;

use crate::sandbox::Limits;
use crate::{apply, apply_to, arguments};

use application::Application;
use parameters::Parameters;

/// Does what Argo CD asks for.
///
/// # Errors
///
/// One paragraph, for Argo CD's user interface.
pub(crate) fn run(what: arguments::ArgoCd) -> Result<ExitCode, String> {
    let done = match what {
        arguments::ArgoCd::Discover => discover(),
        arguments::ArgoCd::Generate => generate(),
        arguments::ArgoCd::Parameters => announce(),
    };
    done.map(|()| ExitCode::SUCCESS)
        .map_err(|error| message::paragraph(&error))
}

/// Prints the application's name when it is the plugin's, which Argo CD takes for a yes.
fn discover() -> Result<(), String> {
    let application = Application::here()?;
    if application.is_ours() {
        crate::print(&format!("{}\n", application.name))?;
    }
    Ok(())
}

/// Prints the parameters of this sort of application.
fn announce() -> Result<(), String> {
    crate::print(&parameters::announcement(Application::here()?.sort))
}

/// Builds the application, runs the functions, and prints the manifests. Warnings go to standard
/// error, which is the sidecar's log.
fn generate() -> Result<(), String> {
    let application = Application::here()?;
    let parameters = Parameters::from_environment(application.sort)?;
    let config_files = configs::files(&application, &parameters)?;
    let mut files = build::manifests(&application, &parameters, &config_files)?;
    let configs = configs::choose(&config_files, &files, &parameters)?;
    namespace::set_in(&mut files, &application.namespace)?;

    let applied = apply::apply(files, &configs, Limits::from_environment()?)?;
    let of = |severity: &str| {
        let results = applied.results.iter();
        let of_it = results.filter(|one| one.get("severity") == Some(&severity.into()));
        of_it.map(message::result).collect::<Vec<_>>()
    };
    if applied.code != 0 {
        let errors = of("error");
        return Err(match unreadable(&apply::texts(&applied.files)) {
            Some(unreadable) => unreadable.to_string(),
            None if errors.is_empty() => applied.report,
            None => errors.join(". Also: "),
        });
    }
    for warning in of("warning") {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(io::stderr(), "warning: {}", message::paragraph(&warning));
    }
    apply_to::print(&applied.files)
}
