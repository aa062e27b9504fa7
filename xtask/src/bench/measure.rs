//! Runs programs in turns, by hyperfine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;

use crate::process::command;
use crate::{process, workspace};

/// How often things are run, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// All programs take turns this often, so that a machine which slows down slows down all.
    rounds: usize,
    /// How many seconds one program is run in a turn, and how often at the most.
    turn: (f64, usize),
    /// A program that takes longer than these seconds for one run is stopped and not measured.
    pub(crate) patience: u64,
}

impl Effort {
    /// For figures that are published.
    pub(crate) const FULL: Self = Self {
        rounds: 5,
        turn: (1.0, 100),
        patience: 60,
    };
    /// To see that it works.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        turn: (0.1, 5),
        patience: 15,
    };
}

/// A command that has been run once with success.
pub(crate) struct Trial {
    /// The program and its arguments.
    line: String,
    /// The file on its stdin.
    input: PathBuf,
    /// What it has written.
    pub(crate) output: Vec<u8>,
}

impl Trial {
    /// Runs it; none if it has not ended when the patience has.
    pub(crate) fn run(line: &str, input: &Path, effort: Effort) -> Result<Option<Self>> {
        let mut timeout = command(&format!("timeout {} {line}", effort.patience));
        timeout.env("PATH", workspace::path_with_launcher()?);
        timeout.stdin(fs::File::open(input)?.into_file());
        let output = process::output(&mut timeout)?;
        // How timeout says that it has ended the program.
        if output.status.code() == Some(124) {
            return Ok(None);
        }
        Ok(Some(Self {
            output: process::succeeded(&timeout, output)?.stdout,
            line: line.to_owned(),
            input: input.to_owned(),
        }))
    }
}

/// What the runs of a program took.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Measured {
    /// How long each took, in seconds, sorted.
    times: Vec<f64>,
    /// Its peak memory in bytes. hyperfine's own 3 MB are the least that can be seen.
    memory_usage_byte: Vec<f64>,
}

impl Measured {
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The quarter points, which half of the runs lie between.
    pub(crate) fn middle_half(&self) -> (f64, f64) {
        (self.quantile(0.25), self.quantile(0.75))
    }

    /// The highest peak memory of all runs.
    pub(crate) fn memory(&self) -> f64 {
        let peaks = self.memory_usage_byte.iter().copied();
        peaks.fold(f64::NAN, f64::max)
    }

    fn add(&mut self, turn: Self) {
        self.times.extend(turn.times);
        self.times.sort_by(f64::total_cmp);
        self.memory_usage_byte.extend(turn.memory_usage_byte);
    }

    /// The value at a share of the runs, between two runs where it falls there.
    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.times.len().saturating_sub(1)) as f64;
        let at = |index: f64| self.times.get(index as usize).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(place.floor()), at(place.ceil()));
        low + (high - low) * place.fract()
    }
}

/// What the programs took, in their order.
pub(crate) fn all(trials: &[&Trial], effort: Effort) -> Result<Vec<Measured>> {
    let mut all: Vec<_> = trials.iter().map(|_| Measured::default()).collect();
    for round in 1..=effort.rounds {
        println!("round {round} of {}", effort.rounds);
        for (trial, measured) in trials.iter().zip(&mut all) {
            measured.add(turn(trial, effort)?);
        }
    }
    Ok(all)
}

/// Runs one program for a while.
fn turn(trial: &Trial, effort: Effort) -> Result<Measured> {
    // No shell, as starting one takes longer than the function does. A pipe at the other end, as
    // the function's hosts have one: a program that writes to nowhere moves no bytes.
    let options =
        "--shell=none --style=none --output=pipe --export-json target/bench/hyperfine.json";
    let (seconds, most) = effort.turn;
    let runs = format!("--min-benchmarking-time={seconds} --min-runs=1 --max-runs={most}");
    let mut hyperfine = command(&format!("target/hosts/bin/hyperfine {options} {runs}"));
    hyperfine.arg("--input").arg(&trial.input).arg(&trial.line);
    hyperfine.env("PATH", workspace::path_with_launcher()?);
    process::capture(&mut hyperfine)?;
    let results = workspace::text("target/bench/hyperfine.json")?;
    parse(&results).context("cannot read hyperfine's results")
}

fn parse(text: &str) -> Result<Measured> {
    #[derive(Deserialize)]
    struct Export {
        results: [Measured; 1],
    }
    let export: Export = serde_json::from_str(text)?;
    let [measured] = export.results;
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_runs_of_all_turns() {
        let mut measured = Measured::default();
        for text in [
            r#"{"results": [{"times": [4.0, 1.0], "memory_usage_byte": [1, 3]}]}"#,
            r#"{"results": [{"times": [3.0, 2.0], "memory_usage_byte": [2, 2]}]}"#,
        ] {
            measured.add(parse(text).unwrap());
        }
        assert_eq!(measured.median(), 2.5);
        assert_eq!(measured.middle_half(), (1.75, 3.25));
        assert_eq!(measured.memory(), 3.0);
    }
}
