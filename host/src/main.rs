//! The `runner-terminal` command: the KRM function, which runs in a sandbox, and commands for people
//! and CI.
//!
//! Without arguments it is the KRM function; with arguments, a command line program.

#![deny(unsafe_code)]

mod addresses;
mod apply;
mod apply_to;
mod argocd;
mod arguments;
mod check;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod configure;
mod convert;
mod diff;
mod doctor;
mod duration;
mod explain;
mod export;
mod function;
mod import_values;
mod init;
mod input;
mod manifests;
mod manual;
mod observe;
mod redact;
#[cfg(feature = "cluster")]
mod relay;
#[cfg(feature = "cluster")]
mod resolve;
mod sandbox;
mod schema;
mod signals;
mod standard_output;
mod table;
mod terminal;
mod undo;
mod verify;

use std::env;
use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use krm::text::lines;
use runner_terminal::function_config::ApiVersion;
use thiserror::Error;

use arguments::{Command, Request};
use standard_output::{OutputError, print};

/// What is printed without arguments, at a terminal.
const HELP: &str = "\
runner-terminal gives a GitLab Runner on Kubernetes its interactive web terminal.

It is a KRM function: kustomize runs it, not you. In kustomization.yaml:

  transformers:
  - session-server.yaml

and in session-server.yaml, next to it:

  apiVersion: runner-terminal.dev/v1alpha1
  kind: SessionServer
  metadata:
    name: session-server
    annotations:
      config.kubernetes.io/function: |
        exec:
          path: runner-terminal

then: kustomize build --enable-alpha-plugins --enable-exec .

To write that file by answering questions: runner-terminal init
To see what it would change in manifests: runner-terminal explain FILES
To change them without a host:            runner-terminal apply-to FILES
Everything else: runner-terminal --help
";

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        report(&error);
        ExitCode::FAILURE
    })
}

/// Tells the user why the program ends.
fn report(error: &dyn Error) {
    let message = error.to_string();
    terminal::report(&format!("runner-terminal: {}\n", lines(&message)));
}

/// The function comes before the command line, which takes time to set up: kustomize may start this
/// program once for each overlay.
fn run() -> Result<ExitCode, CommandError> {
    if env::args_os().nth(1).is_some() || arguments::is_kubectl_plugin() {
        command()
    } else if io::stdin().is_terminal() {
        print(HELP)?;
        Ok(ExitCode::from(2))
    } else {
        Ok(function::run()?)
    }
}

/// Why a command has failed, in a message for the user.
#[derive(Debug, Error)]
#[error(transparent)]
enum CommandError {
    /// Standard output cannot be written to.
    Output(#[from] OutputError),
    /// The KRM function failed to run.
    Function(#[from] function::FunctionError),
    /// `apply-to`
    ApplyTo(#[from] apply_to::ApplyToError),
    /// `explain`
    Explain(#[from] explain::ExplainError),
    /// `doctor`
    Doctor(#[from] doctor::DoctorError),
    /// `export`
    Export(#[from] export::ExportCommandError),
    /// `import-values`
    ImportValues(#[from] import_values::ImportError),
    /// `init`
    Init(#[from] init::InitError),
    /// `relay`
    #[cfg(feature = "cluster")]
    Relay(#[from] relay::RelayError),
    /// `resolve`
    #[cfg(feature = "cluster")]
    Resolve(#[from] resolve::ResolveError),
    /// `argocd`
    ArgoCd(#[from] argocd::ArgoCdError),
    /// `check`
    Check(#[from] check::CheckError),
    /// `convert`
    Convert(#[from] convert::ConvertCommandError),
    /// `verify`
    Verify(#[from] verify::VerifyError),
    /// `schema`
    Schema(#[from] schema::UnknownKind),
    /// `man`
    ManPages(#[from] manual::ManPagesError),
}

/// Runs what the arguments ask for.
fn command() -> Result<ExitCode, CommandError> {
    let command = match arguments::read() {
        Request::Run(command) => command,
        Request::Print(text) => {
            print(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    Ok(match command {
        Command::ApplyTo(arguments) => apply_to::run(&arguments)?,
        Command::Init(arguments) => init::run(*arguments)?,
        Command::Doctor(arguments) => doctor::run(&arguments)?,
        Command::Explain(arguments) => explain::run(&arguments)?,
        Command::Export(arguments) => export::run(&arguments)?,
        Command::ImportValues(arguments) => import_values::run(&arguments)?,
        #[cfg(feature = "cluster")]
        Command::Cluster(command) => match command {
            arguments::cluster::Command::Resolve(arguments) => resolve::run(&arguments)?,
            arguments::cluster::Command::Configure(arguments) => configure::run(&arguments),
            arguments::cluster::Command::Relay(arguments) => relay::run(&arguments)?,
        },
        Command::ArgoCd(request) => argocd::run(request)?,
        Command::Check(arguments) => check::command(&arguments)?,
        Command::Convert(arguments) => convert::run(&arguments)?,
        Command::Verify(arguments) => verify::run(&arguments)?,
        Command::Schema { kind, api_version } => {
            let version = api_version.unwrap_or(ApiVersion::WRITTEN);
            print(schema::of(kind.as_deref(), version)?)?;
            ExitCode::SUCCESS
        }
        Command::Completions { shell } => manual::completions(shell)?,
        Command::Man { folder } => manual::man_pages(&folder)?,
        Command::Version => {
            print(concat!("runner-terminal ", env!("CARGO_PKG_VERSION"), "\n"))?;
            ExitCode::SUCCESS
        }
    })
}
