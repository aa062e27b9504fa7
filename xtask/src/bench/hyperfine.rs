//! Times programs, which take turns.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::effort::Effort;
use super::program::Invocation;
use super::trial::Trial;
use crate::demo::path_with_launcher;
use crate::{process, workspace};

/// How long one program takes, in seconds, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// The median.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The quarter points, which half of the runs lie between.
    pub(crate) fn middle_half(&self) -> (f64, f64) {
        (self.quantile(0.25), self.quantile(0.75))
    }

    fn add(&mut self, times: Vec<f64>) {
        self.0.extend(times);
        self.0.sort_by(f64::total_cmp);
    }

    /// The value at a share of the runs, between two runs where it falls there.
    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.0.len().saturating_sub(1)) as f64;
        let at = |index: f64| self.0.get(index as usize).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(place.floor()), at(place.ceil()));
        low + (high - low) * place.fract()
    }
}

/// The times of the programs, in their order.
pub(crate) fn times(trials: &[&Trial], effort: Effort) -> Result<Vec<Times>> {
    let mut all = vec![Times::default(); trials.len()];
    for round in 1..=effort.rounds {
        println!("round {round} of {}", effort.rounds);
        for (trial, times) in trials.iter().zip(&mut all) {
            times.add(turn(&trial.invocation, effort.runs(trial.took))?);
        }
    }
    Ok(all)
}

/// Runs one program so often.
fn turn(invocation: &Invocation, runs: usize) -> Result<Vec<f64>> {
    let export = workspace::target("bench/hyperfine.json");
    let mut hyperfine = process::command(workspace::host("hyperfine"));
    // No shell, as starting one takes longer than the function does. A pipe at the other end, as
    // the function's hosts have one: a program that writes to nowhere moves no bytes.
    hyperfine.args(["--shell=none", "--style=none", "--output=pipe"]);
    // A program that runs once in a turn is slow enough to be warm from the turns before.
    hyperfine.arg(format!("--warmup={}", usize::from(runs > 1)));
    hyperfine.arg(format!("--runs={runs}"));
    hyperfine.arg("--input").arg(&invocation.input);
    hyperfine.arg("--export-json").arg(&export);
    hyperfine.arg(invocation.words.join(" "));
    process::capture(hyperfine.env("PATH", path_with_launcher()?))?;

    let text = fs::read_to_string(&export).context("hyperfine left no results")?;
    parse(&text).context("cannot read hyperfine's results")
}

fn parse(text: &str) -> Result<Vec<f64>> {
    let json: Value = serde_json::from_str(text)?;
    let times = json.pointer("/results/0/times").and_then(Value::as_array);
    let times = times.context("no `times`")?;
    Ok(times.iter().filter_map(Value::as_f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_runs_of_all_turns() {
        let mut times = Times::default();
        times.add(parse(r#"{"results": [{"times": [4.0, 1.0]}]}"#).unwrap());
        times.add(parse(r#"{"results": [{"times": [3.0, 2.0]}]}"#).unwrap());
        assert_eq!(times.median(), 2.5);
        assert_eq!(times.middle_half(), (1.75, 3.25));
    }
}
