//! Line coverage of the pure crates by their tests. It is a figure, not a gate: a line that runs is not
//! a line that is tested: `cargo xtask mutants` measures that. Branch coverage needs a nightly compiler.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{self, command};
use crate::{hosts, workspace};

/// The crates, and their folders.
const CRATES: [(&str, &str); 5] = [
    ("runner-terminal", "src"),
    ("runner-terminal-krm", "crates/krm/src"),
    ("yaml-splice", "crates/yaml-splice/src"),
    ("runner-terminal-view", "crates/view/src"),
    ("runner-terminal-chart-values", "crates/chart-values/src"),
];
/// The report of cargo-llvm-cov, by file.
const REPORT: &str = "target/coverage.json";

/// Runs the tests, and prints a table.
pub(crate) fn run() -> Result<()> {
    hosts::build(&["cargo-llvm-cov", "conformance"])?;
    process::capture(&mut command("rustup component add llvm-tools"))?;
    let program = "target/hosts/bin/cargo-llvm-cov llvm-cov --json --summary-only";
    let mut tests = command(&format!("{program} --package=conformance"));
    tests.args(CRATES.map(|(name, _)| format!("--package={name}")));
    tests
        .arg("--output-path")
        .arg(workspace::root().join(REPORT));
    process::run(tests.env("CARGO_PROFILE_DEV_DEBUG", "0"))?;

    let report: Value = serde_json::from_str(&workspace::text(REPORT)?)?;
    let files = report.pointer("/data/0/files").and_then(Value::as_array);
    let files = files.with_context(|| format!("{REPORT} names no files"))?;
    println!("\n| crate | lines | run by tests | share |\n|---|--:|--:|--:|");
    for (name, folder) in CRATES {
        let [all, run] = lines(files, folder);
        println!(
            "| {name} | {all} | {run} | {:.1} % |",
            run as f64 / all as f64 * 100.0
        );
    }
    Ok(())
}

/// How many lines the files of a folder have, and how many of them have run.
fn lines(files: &[Value], folder: &str) -> [u64; 2] {
    let folder = workspace::root().join(folder);
    let is_in = |file: &&Value| {
        let name = file.get("filename").and_then(Value::as_str);
        name.is_some_and(|name| Path::new(name).starts_with(&folder))
    };
    let own: Vec<&Value> = files.iter().filter(is_in).collect();
    ["/summary/lines/count", "/summary/lines/covered"].map(|place| {
        let counts = own.iter().filter_map(|file| file.pointer(place)?.as_u64());
        counts.sum()
    })
}
