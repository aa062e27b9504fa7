//! Runs the relay, or the commands that wait for the address of a Service, for a long time, and
//! prints what they used as JSON. It fails if something was lost, or if memory or connections grew.
//!
//! `cargo xtask soak` runs both for an hour. `tests/soak.rs` runs each for some seconds.
//!
//! | module | what it has |
//! |---|---|
//! | `relay` | terminals that are opened, typed into and closed at random, through a relay |
//! | `wait` | AdvertiseAddress and `configure`, while the API server is restarted again and again |
//! | `series` | what was measured over time, and whether it grew |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a command-line program does"
)]

mod relay;
mod series;
mod wait;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde_json::Value;

#[derive(Parser)]
#[command(name = "soak", about = "Lets a program run for a long time")]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// How long
    #[arg(long = "for", global = true, default_value = "1h", value_parser = humantime::parse_duration)]
    duration: Duration,

    /// How often the relay is measured, or the API server restarted
    #[arg(long, global = true, default_value = "1m", value_parser = humantime::parse_duration)]
    every: Duration,
}

#[derive(Subcommand)]
enum Command {
    /// Terminals through the relay
    Relay {
        /// How many are open at once
        #[arg(long, default_value_t = 500)]
        terminals: usize,

        /// For how long each is open, on average
        #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
        life: Duration,

        /// What makes the choices
        #[arg(long, default_value_t = 20_261_129)]
        seed: u64,
    },
    /// Waiting for the address of a Service
    Wait,
}

/// How long a run takes, and how often something is measured.
#[derive(Clone, Copy)]
struct Pace {
    duration: Duration,
    every: Duration,
}

/// The outcome of a run.
struct Outcome {
    /// What was measured.
    figures: Value,
    /// What is wrong.
    problems: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let pace = Pace {
        duration: cli.duration,
        every: cli.every,
    };
    match run(&cli.command, pace) {
        Ok(Outcome { figures, problems }) => {
            println!("{figures}");
            for problem in &problems {
                eprintln!("error: {problem}");
            }
            if problems.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command, pace: Pace) -> io::Result<Outcome> {
    match *command {
        Command::Relay {
            terminals,
            life,
            seed,
        } => {
            let load = relay::Load {
                terminals,
                life,
                seed,
            };
            relay::soak(load, pace)
        }
        Command::Wait => wait::soak(pace),
    }
}
