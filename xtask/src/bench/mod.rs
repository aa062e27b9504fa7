//! Compares the function with its alternatives, and checks the project's performance targets.
//! Targets compare figures from one run on one machine.

pub(crate) mod figures;
pub(crate) mod input;
mod kustomization;
#[path = "../../../benches/lists/mod.rs"]
pub(crate) mod lists;
mod measure;
mod picture;
mod programs;
mod relay;
mod suite;
mod targets;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use crate::{artifacts, hosts, workspace};
use input::{Input, LISTS};
use measure::Effort;

/// The pinned programs that are measured, or that measure.
const HOSTS: [&str; 6] = [
    "wazero-run",
    "kyaml-peer",
    "kustomize",
    "hyperfine",
    "node",
    "haproxy",
];

/// What the columns mean.
const LEGEND: &str = "\
`middle half`: the range that half of the runs fall in, from the first quarter to the third. `× kyaml`: the time \
divided by that program's. `× input`: the peak memory divided by the list's size.";

/// The arguments of `cargo xtask bench`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Run everything only a few times, to check that it works: not for published figures
    #[arg(long)]
    quick: bool,
    /// Measure only these parts: start, example, relay, lists, or a list such as 10000-1
    #[arg(long, value_name = "PART", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure the programs in `target` without building them first
    #[arg(long)]
    as_built: bool,
    /// Draw the times of the lists into this SVG file, with gnuplot
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Builds the programs, checks that each does its job, measures, and prints the tables.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let parts = parts(&arguments.only)?;
    if !arguments.as_built {
        hosts::build(&HOSTS)?;
        artifacts::build()?;
    }
    if arguments.picture.is_some() {
        hosts::build(&["gnuplot-nox"])?;
    }
    let effort = if arguments.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let (mut figures, mut blocks) = (targets::Figures::new(), Vec::new());
    let known = programs::parts()?;
    for name in parts {
        println!("\n── {name} ──");
        if name == relay::PART {
            blocks.push(relay::measure(arguments.quick, &mut figures)?);
            continue;
        }
        let list = LISTS.iter().find(|list| list.name() == name);
        let part = known.get(if list.is_some() { ALL_LISTS } else { &name });
        let part = part.with_context(|| format!("programs.yaml has no {name}"))?;
        let input = match list {
            Some(list) => Input::write(*list, &part.programs)?,
            None => Input::none(&name),
        };
        blocks.push(suite::measure(part, &input, effort, &mut figures)?);
    }
    if let Some(file) = &arguments.picture {
        picture::draw(&figures, file)?;
    }
    blocks.insert(0, targets::table(&figures)?);
    blocks.retain(|block| !block.is_empty());
    let text = blocks.join("\n");
    let file = workspace::target("bench/tables.md");
    fs::create_dir_all(workspace::target("bench"))?;
    fs::write(&file, &text)?;
    println!("\n{text}\n{LEGEND}");
    if arguments.quick {
        println!("These were too few runs to judge anything by.");
    }
    let (took, file) = (start.elapsed(), file.display());
    println!("Measured in {took:.1?}; the tables are in {file} too.");
    Ok(())
}

/// The name for all lists together.
const ALL_LISTS: &str = "lists";

/// The parts with these names, in the usual order; all parts if no name is given.
fn parts(only: &[String]) -> Result<Vec<String>> {
    let lists: Vec<_> = LISTS.iter().map(|list| list.name()).collect();
    let others = ["example", "start", relay::PART].map(str::to_owned);
    let mut parts = [lists.as_slice(), &others].concat();
    let known = [ALL_LISTS]
        .into_iter()
        .chain(parts.iter().map(String::as_str));
    workspace::must_be_known("part", only, known)?;
    let all_lists = only.iter().any(|name| name == ALL_LISTS);
    parts.retain(|part| {
        only.is_empty() || only.contains(part) || (all_lists && lists.contains(part))
    });
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name() {
        fn of<const N: usize>(names: [&str; N]) -> Vec<String> {
            parts(&names.map(str::to_owned)).unwrap()
        }
        assert_eq!(of(["start"]), ["start"]);
        assert_eq!(of(["start", "10000-1"]), ["10000-1", "start"]);
        assert_eq!(of(["lists"]).len(), LISTS.len());
        assert_eq!(of([]).len(), LISTS.len() + 3);
    }
}
