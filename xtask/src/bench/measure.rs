//! Runs programs in turns, with hyperfine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde::Deserialize;

use crate::process::command;
use crate::{process, workspace};

/// How often programs are run, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// The number of rounds in which all programs take turns, so that a slowdown of the machine
    /// affects all of them.
    rounds: usize,
    /// For how many seconds a program is run in a turn, and how many times at most.
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
    /// To check that it works.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        turn: (0.1, 5),
        patience: 15,
    };
}

/// A command that has succeeded once.
pub(crate) struct Trial {
    /// The program and its arguments.
    line: String,
    /// The file on its stdin.
    input: PathBuf,
    /// What it has written.
    pub(crate) output: Vec<u8>,
}

impl Trial {
    /// Runs it; `None` if it takes longer than the patience.
    pub(crate) fn run(line: &str, input: &Path, effort: Effort) -> Result<Option<Self>> {
        let mut timeout = command(&format!("timeout {} {line}", effort.patience));
        timeout.env("PATH", workspace::path_with_launcher()?);
        timeout.stdin(fs::File::open(input)?.into_file());
        let output = process::output(&mut timeout)?;
        // The exit code of timeout when it has ended the program.
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

/// The time and memory that the runs of a program took.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Measured {
    /// How long each took, in seconds, sorted.
    times: Vec<f64>,
    /// Its peak memory in bytes. hyperfine's own 3 MB are the smallest value that can be measured.
    memory_usage_byte: Vec<f64>,
}

impl Measured {
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The quartiles, between which half of the runs lie.
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

    /// The quantile of the times, interpolated between two runs if necessary.
    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.times.len().saturating_sub(1)) as f64;
        let at = |index: f64| self.times.get(index as usize).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(place.floor()), at(place.ceil()));
        low + (high - low) * place.fract()
    }
}

/// Measures the programs, and returns the results in their order.
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
    // No shell, because starting one takes longer than the function. The output goes to a pipe, as
    // with the function's hosts: writing to /dev/null would move no bytes.
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
