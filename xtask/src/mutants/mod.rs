//! Mutation testing: cargo-mutants makes one small change of the code at a time, and a test must fail.
//! If none does, a test is missing, or the code has no effect.
//!
//! `.cargo/mutants.toml` lists what is excluded, with the reasons. `target/mutants` has the results.

mod outcome;
mod parts;

use anyhow::{Result, ensure};
use fs_err as fs;

use crate::{hosts, process, workspace};
use outcome::Outcome;
use parts::{PARTS, Part};

/// The arguments of `cargo xtask mutants`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A sample: of every N mutants only number K, counted from 0
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Only these [default: all]
    #[arg(value_name = "PART")]
    parts: Vec<String>,
}

/// Prints how many mutants the tests catch, and fails if these are too few.
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

/// Runs the tests of a part in rounds: each round tries the mutants that the previous ones missed.
fn judge(part: &Part, shard: Option<&str>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for (round, tests) in part.judges.iter().enumerate() {
        let mut mutants = match round {
            0 => part.sample(tests, shard),
            _ => part.again(tests, &outcome.missed),
        };
        let results = workspace::target(&format!("mutants/{}/{round}", part.name));
        fs::create_dir_all(&results)?;
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
