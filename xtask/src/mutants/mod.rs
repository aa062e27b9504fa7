//! Mutation testing: cargo-mutants changes the code, one small change at a time, and a test has to fail.
//! A change that no test notices is a test that is missing, or code that does nothing.
//!
//! `.cargo/mutants.toml` says what is left out, and why. `target/mutants` has the results.

mod outcome;
mod parts;

use anyhow::{Result, ensure};
use fs_err as fs;

use crate::{hosts, process, workspace};
use outcome::Outcome;
use parts::{PARTS, Part};

/// What the command line says.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A sample: of each N mutants in a row only number K, from 0
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Only these, in place of all
    #[arg(value_name = "PART")]
    parts: Vec<String>,
}

/// Prints how many mutants the tests catch, and fails where these are too few.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let names = &arguments.parts;
    workspace::must_be_known("part", names, PARTS.iter().map(|part| part.name))?;
    hosts::build(&["cargo-mutants", "conformance"])?;
    let is_wanted = |part: &&Part| names.is_empty() || names.iter().any(|name| name == part.name);
    let mut outcomes = Vec::new();
    for part in PARTS.iter().filter(is_wanted) {
        outcomes.push((part.name, judge(part, arguments.shard.as_deref())?));
    }
    println!("\n{}", outcome::HEAD);
    for (name, outcome) in &outcomes {
        println!("| {name} | {outcome} |");
    }
    let weak = outcomes.iter().find(|(_, outcome)| !outcome.is_enough());
    let weak = weak.map_or("", |(name, _)| *name);
    ensure!(weak.is_empty(), "too many mutants of {weak} are missed");
    Ok(())
}

/// Lets each judge of a part try what those before it have missed.
fn judge(part: &Part, shard: Option<&str>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (round, tests) in part.judges.iter().enumerate() {
        let mutants = match round {
            0 => part.sample(tests, shard),
            _ => part.again(tests, &outcome.missed),
        };
        let results = workspace::target(&format!("mutants/{}/{round}", part.name));
        fs::create_dir_all(&results)?;
        let mut mutants = mutants;
        let status = process::status(mutants.arg("--output").arg(&results))?;
        // 2: some are missed. 3: some ran for too long.
        ensure!(
            matches!(status.code(), Some(0 | 2 | 3)),
            "cargo-mutants failed: {status}"
        );
        outcome.add(&results)?;
        if outcome.missed.is_empty() {
            break;
        }
    }
    Ok(outcome)
}
