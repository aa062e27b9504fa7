//! The `runner-terminal` command: the KRM function's sandboxed module, and what a person at a
//! terminal needs around it.
//!
//! Without arguments it is the KRM function; with arguments, a command line program.

#![deny(unsafe_code)]

mod apply;
mod apply_to;
mod argocd;
mod arguments;
mod check;
mod cluster;
mod convert;
mod diff;
mod duration;
mod explain;
mod foreign;
mod function;
mod import_values;
mod input;
mod manifests;
mod manual;
mod observe;
mod relay;
mod resolve;
mod sandbox;
mod schema;
mod signals;
mod standard_output;
mod table;
mod verify;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use krm::text::lines;
use runner_terminal::function_config::ApiVersion;

/// What somebody sees who just types the name.
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

To see what it would change in manifests: runner-terminal explain FILES
To change them without a host:            runner-terminal apply-to FILES
Everything else: runner-terminal --help
";

fn main() -> ExitCode {
    // The function's path comes first and touches nothing of the command line's: kustomize may
    // start this program once for each overlay.
    let ended = if env::args_os().nth(1).is_some() {
        command()
    } else if io::stdin().is_terminal() {
        print(HELP).map(|()| ExitCode::from(2))
    } else {
        function::run()
    };
    ended.unwrap_or_else(|message| {
        // Nobody is left to tell when standard error is closed as well.
        let _ = writeln!(io::stderr(), "runner-terminal: {}", lines(&message));
        ExitCode::FAILURE
    })
}

/// Does what the arguments say.
fn command() -> Result<ExitCode, String> {
    use arguments::Command;

    let command = match arguments::read() {
        Ok(command) => command,
        Err(help) => return print(&help).map(|()| ExitCode::SUCCESS),
    };
    match command {
        Command::ApplyTo(arguments) => apply_to::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::ImportValues(arguments) => import_values::run(&arguments),
        Command::Relay(arguments) => relay::run(&arguments),
        Command::Resolve(arguments) => resolve::run(&arguments),
        Command::ArgoCd(what) => argocd::run(what),
        Command::Check(arguments) => check::command(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Schema { kind, api_version } => {
            let version = api_version.unwrap_or(ApiVersion::WRITTEN);
            print(schema::of(kind.as_deref(), version)?).map(|()| ExitCode::SUCCESS)
        }
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man_pages(&folder),
        Command::Version => {
            print(concat!("runner-terminal ", env!("CARGO_PKG_VERSION"), "\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes text to standard output, without its colours where they are not wanted.
///
/// # Errors
///
/// A sentence. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> Result<(), String> {
    let mut stdout = anstream::stdout().lock();
    match standard_output::must_be_open()
        .and_then(|()| stdout.write_all(text.as_bytes()))
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
