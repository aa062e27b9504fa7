//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Gives a GitLab Runner on Kubernetes its interactive web terminal.
///
/// Without a command it is a KRM function: it reads a ResourceList from standard input and writes
/// it to standard output with a session server for each runner. RUNNER_TERMINAL_MAX_MIB and
/// RUNNER_TERMINAL_MAX_SECONDS set how much memory and time it may use (2048 and 60).
#[derive(Debug, Parser)]
#[command(name = "runner-terminal", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what the function would change in manifests
    ///
    /// Prints a diff of each file, a table of the resources that change, and what the function has
    /// to say. Changes nothing. Exits with 1 when the function reports an error.
    Explain(Explain),
    /// Print the JSON Schema of a function config
    Schema {
        /// The kind of function config [default: SessionServer]
        kind: Option<String>,
    },
    /// Print the version
    Version,
}

/// The arguments of `explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Manifests: files, folders, or - for standard input [default: -]
    ///
    /// A file holds YAML documents, JSON, or one ResourceList. In a folder, all files that end in
    /// .yaml, .yml or .json are read, except kustomizations.
    #[arg(value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,

    /// The SessionServer to use [default: one without settings]
    #[arg(short = 'c', long, value_name = "FILE")]
    pub(crate) function_config: Option<PathBuf>,
}

/// Reads the arguments; prints help, or what is wrong with them, and exits where that is all.
pub(crate) fn read() -> Command {
    Arguments::parse().command
}
