//! Measures the function beside what people would use in its place, and judges the targets that the
//! project has set itself. All of it are ratios of one run on one machine.

mod check;
mod effort;
mod example;
pub(crate) mod figures;
mod gnu_time;
mod growth;
mod hyperfine;
pub(crate) mod input;
mod kustomization;
#[path = "../../../benches/lists/mod.rs"]
pub(crate) mod lists;
mod memory;
mod part;
pub(crate) mod program;
mod sizes;
mod start;
mod suite;
mod targets;
mod trial;

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::progress::took;
use crate::{artifacts, hosts, workspace};
use effort::Effort;
use part::Part;

/// What the columns mean.
const LEGEND: &str = "\
`middle half`: the range that half of the runs fall in, from the first quarter to the third. `× kyaml`, `× cat`: the \
time divided by that program's. `× input`: the peak memory divided by the list's size.";

/// What `cargo xtask bench` is told.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Run everything a few times only: to see that it works, not to publish
    #[arg(long)]
    quick: bool,
    /// Measure only these parts: start, example, sizes, lists, or a list such as 10000-1
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure what `target` holds, in place of building it first
    #[arg(long)]
    as_built: bool,
}

/// Builds the programs, checks that each does its job, measures, and prints the tables.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let parts = part::named(&arguments.only)?;
    if !arguments.as_built {
        let needed = ["wazero-run", "kyaml-peer", "kustomize", "hyperfine", "node"];
        hosts::build(&needed.map(str::to_owned))?;
        artifacts::build()?;
    }
    gnu_time::ensure()?;

    let effort = if arguments.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let mut report = Report::default();
    for part in parts {
        report.measure(part, effort)?;
    }

    let text = report.text();
    let file = workspace::target("bench/tables.md");
    fs::write(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("\n{text}");
    println!("{LEGEND}");
    if arguments.quick {
        println!("These were too few runs to judge anything by.");
    }
    println!(
        "Measured in {}; the tables are in {} too.",
        took(start.elapsed()),
        file.display()
    );
    Ok(())
}

/// What has been measured so far.
#[derive(Default)]
struct Report {
    suites: Vec<suite::Suite>,
    /// The tables of the other parts.
    tables: Vec<String>,
    targets: Vec<targets::Target>,
}

impl Report {
    fn measure(&mut self, part: Part, effort: Effort) -> Result<()> {
        println!("\n── {} ──", part.name());
        let (table, targets) = match part {
            Part::List(list) => {
                self.suites.push(suite::measure(list, effort)?);
                return Ok(());
            }
            Part::Example => example::measure(effort)?,
            Part::Start => start::measure(effort)?,
            Part::Sizes => sizes::measure()?,
        };
        self.tables.push(table);
        self.targets.extend(targets);
        Ok(())
    }

    fn text(self) -> String {
        let mut targets = targets::of_lists(&self.suites);
        targets.extend(self.targets);
        let mut blocks = vec![targets::table(&targets)];
        blocks.extend(self.suites.iter().map(suite::Suite::table));
        if self.suites.len() > 1 {
            blocks.push(growth::table(&self.suites));
        }
        blocks.extend(self.tables);
        blocks.retain(|block| !block.is_empty());
        blocks.join("\n")
    }
}
