//! Times all programs on one input, in one run of hyperfine.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::program::PROGRAMS;
use crate::{process, workspace};

/// How long one program takes, in seconds, sorted.
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

    /// The value at a share of the runs, between two runs where it falls there.
    fn quantile(&self, share: f64) -> f64 {
        let place = share * (self.0.len().saturating_sub(1)) as f64;
        let at = |index: f64| self.0.get(index as usize).copied().unwrap_or(f64::NAN);
        let (low, high) = (at(place.floor()), at(place.ceil()));
        low + (high - low) * place.fract()
    }
}

/// The times of the programs, in their order.
pub(crate) fn times(file: &Path) -> Result<Vec<Times>> {
    let export = workspace::target("bench/hyperfine.json");
    let mut hyperfine = process::command(workspace::host("hyperfine"));
    // No shell, as starting one takes longer than the function does.
    hyperfine.args([
        "--shell=none",
        "--warmup=3",
        "--min-runs=10",
        "--style=basic",
        "--input",
    ]);
    hyperfine.arg(file).arg("--export-json").arg(&export);
    for program in PROGRAMS {
        hyperfine.args(["--command-name", program.name, program.command]);
    }
    process::run(&mut hyperfine)?;

    let text = fs::read_to_string(&export).context("hyperfine left no results")?;
    parse(&text).context("cannot read hyperfine's results")
}

fn parse(text: &str) -> Result<Vec<Times>> {
    let json: Value = serde_json::from_str(text)?;
    let results = json
        .get("results")
        .and_then(Value::as_array)
        .context("no `results`")?;
    results
        .iter()
        .map(|result| {
            let times = result
                .get("times")
                .and_then(Value::as_array)
                .context("no `times`")?;
            let mut times: Vec<_> = times.iter().filter_map(Value::as_f64).collect();
            times.sort_by(f64::total_cmp);
            Ok(Times(times))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_runs() {
        let all = parse(r#"{"results": [{"times": [4.0, 1.0, 3.0, 2.0]}]}"#).unwrap();
        assert_eq!(all[0].median(), 2.5);
        assert_eq!(all[0].middle_half(), (1.75, 3.25));
    }
}
