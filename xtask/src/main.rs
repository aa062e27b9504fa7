//! The project's own commands, run as `cargo xtask COMMAND`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a command-line program does"
)]

mod artifacts;
mod audit;
mod bench;
mod book;
mod count;
mod coverage;
mod demo;
mod dist;
mod fuzz;
mod hosts;
mod miri;
mod mutants;
mod nightly;
mod playground;
mod process;
mod soak;
mod test;
mod versions;
mod web;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, shows, tests and measures runner-terminal.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the function, run it in kustomize, and open a terminal of GitLab Runner's session server
    Demo(demo::Arguments),
    /// Run every check, as CI does, and stop at the first that fails
    Test {
        /// Check the dependencies for known vulnerabilities too, which needs the network
        #[arg(long)]
        advisories: bool,
    },
    /// Compare the performance of the function with its alternatives, and print tables
    Bench(bench::Arguments),
    /// Count the instructions of the native program, and fail if they differ from the pinned counts
    Count {
        /// Pin the current counts
        #[arg(long)]
        update: bool,
    },
    /// Build the WASI module, the launcher and the native program
    Build,
    /// Run unsafe code under Miri, on a pinned nightly
    Miri,
    /// Change the code, one small change at a time, and see whether the tests notice
    Mutants(mutants::Arguments),
    /// Measure which lines of the pure crates the tests run
    Coverage,
    /// Build the npm package in `target/web`, and check it as it is published
    Web,
    /// Build the docs as a book in `target/book`
    Book(book::Arguments),
    /// Build the playground in `target/playground`, and say how to look at it
    Playground(playground::Arguments),
    /// Check the dependencies: licences, sources, known vulnerabilities, and who has reviewed them
    Audit(audit::Arguments),
    /// Build the fuzzers with a pinned nightly, and run them; see fuzz/README.md. Without
    /// --minutes, they run as in `cargo xtask test`: with the same inputs each time
    Fuzz {
        /// Run for this many minutes, all fuzzers together
        #[arg(long, value_name = "N")]
        minutes: Option<u64>,
        /// Only these [default: all]
        #[arg(value_name = "FUZZER")]
        names: Vec<String>,
    },
    /// Run the relay, and the commands that wait for an address, for an hour, and check that
    /// nothing is lost and nothing grows
    Soak(soak::Arguments),
    /// Build a release and pack it into `target/dist`; see docs/distribution.md
    Dist(dist::Arguments),
    /// Build the pinned programs that the tests and the benchmark run the function in
    Hosts {
        /// Only these [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Build the oldest supported version of each host, and show that the function works in it
    Versions {
        /// Only these [default: all]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test { advisories } => test::run(advisories),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Count { update } => count::run(update),
        Command::Build => artifacts::build(),
        Command::Miri => miri::run(),
        Command::Mutants(arguments) => mutants::run(&arguments),
        Command::Coverage => coverage::run(),
        Command::Web => web::build().and_then(|()| web::check()),
        Command::Book(arguments) => book::run(&arguments),
        Command::Playground(arguments) => playground::run(&arguments),
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Dist(arguments) => dist::run(&arguments),
        Command::Fuzz { minutes, names } => fuzz::run(&names, minutes),
        Command::Soak(arguments) => soak::run(&arguments),
        Command::Hosts { names } => hosts::build(&names),
        Command::Versions { names } => versions::run(&names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_refused_with_the_known() {
        for (line, refusal) in [
            ("hosts x", "host x; the hosts are kustomize, helm, "),
            ("fuzz x", "fuzzer x; the fuzzers are address, "),
            (
                "versions x",
                "older host x; the older hosts are wazero-run, ",
            ),
            ("bench --only=x", "part x; the parts are lists, 7-1, "),
            ("mutants x", "part x; the parts are edit, record, plan"),
        ] {
            let words = format!("xtask {line}");
            let error = run(Cli::parse_from(words.split(' ')).command).unwrap_err();
            let refusal = format!("there is no {refusal}");
            assert!(error.to_string().starts_with(&refusal), "{error}");
        }
    }
}
