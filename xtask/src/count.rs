//! Counts the instructions of the native program on some inputs, and compares them with those that
//! are pinned.
//!
//! A time says what else the machine was doing, a count what the code does: it is the same in every
//! run, however busy the machine. It depends on the compiler (a new one may need `--update`), on the
//! C library, and on what valgrind's own processor can do: `memchr` and the C library choose their
//! loops by it, and it has AVX2 where the machine has. The environment is empty and the program's
//! path relative, so the working folder does not matter.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::bench::figures;
use crate::bench::input::Input;
use crate::bench::lists::List;
use crate::bench::program::Invocation;
use crate::{artifacts, hosts, process, workspace};

/// What is counted, all in less than a minute.
const LISTS: [List; 4] = [
    List::of(20, 1),
    List::of(1_000, 1),
    List::of(1_000, 100),
    List::of(10_000, 1),
];

/// The counts that are pinned, by the name of their list.
const PINNED: &str = "benches/instructions.json";
/// Far more than one run differs from another, by the random seeds of its hash maps.
const TOLERANCE: f64 = 0.03;

type Counts = BTreeMap<String, u64>;

/// Counts, prints a table, and pins the counts or compares them.
pub(crate) fn run(update: bool) -> Result<()> {
    hosts::build(&["valgrind".to_owned()])?;
    let program = artifacts::build_native()?;
    let file = workspace::root().join(PINNED);
    let pinned = fs::read(&file).unwrap_or_else(|_| b"{}".to_vec());
    let pinned: Counts =
        serde_json::from_slice(&pinned).with_context(|| format!("cannot read {PINNED}"))?;

    let mut counts = Counts::new();
    let mut table = "| input | instructions | per object | pinned | change |\n\
                     |---|--:|--:|--:|--:|\n"
        .to_owned();
    for list in LISTS {
        let input = Input::write(list)?;
        let count = instructions(program, &input)?;
        let before = pinned.get(&list.name()).copied();
        table.push_str(&row(&input, count, before));
        counts.insert(list.name(), count);
    }
    println!("\n{table}");

    if update {
        let text = serde_json::to_string_pretty(&counts)? + "\n";
        return fs::write(&file, text).with_context(|| format!("cannot write {PINNED}"));
    }
    let others: Vec<_> = counts
        .iter()
        .filter(|(title, count)| !is_same(**count, pinned.get(*title).copied()))
        .map(|(title, _)| title.as_str())
        .collect();
    if !others.is_empty() {
        bail!(
            "other counts than the pinned ones: {}. If that is meant to be: cargo xtask count \
             --update",
            others.join("; ")
        );
    }
    Ok(())
}

/// What the program needs for the input.
fn instructions(program: &str, input: &Input) -> Result<u64> {
    let mut valgrind = Invocation::new(program, &input.file).command(&[
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=target/bench/callgrind.out",
    ])?;
    process::capture(valgrind.env_clear())?;
    let profile = fs::read_to_string(workspace::target("bench/callgrind.out"))
        .context("valgrind left no profile")?;
    total(&profile).context("valgrind's profile has no total")
}

/// The total of a profile, which has a line for it.
fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}

fn is_same(count: u64, pinned: Option<u64>) -> bool {
    pinned.is_some_and(|pinned| change(count, pinned).abs() <= TOLERANCE)
}

fn change(count: u64, pinned: u64) -> f64 {
    count as f64 / pinned as f64 - 1.0
}

fn row(input: &Input, count: u64, pinned: Option<u64>) -> String {
    let grouped = |count| figures::count(count as usize);
    let per_object = count / input.list.items as u64;
    let (pinned, change) = match pinned {
        Some(pinned) => {
            let tenths = (change(count, pinned) * 1e3).round() / 10.0;
            // Without the sign that a zero may have.
            (grouped(pinned), format!("{:+.1} %", tenths + 0.0))
        }
        None => ("–".to_owned(), "–".to_owned()),
    };
    format!(
        "| {} | {} | {} | {pinned} | {change} |\n",
        input.title(),
        grouped(count),
        grouped(per_object),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_may_differ_by_three_hundredths() {
        assert!(is_same(1_029, Some(1_000)));
        assert!(is_same(971, Some(1_000)));
        assert!(!is_same(1_031, Some(1_000)));
        assert!(!is_same(969, Some(1_000)));
        assert!(!is_same(1, None));
    }

    #[test]
    fn the_total_is_read_off_a_profile() {
        assert_eq!(total("events: Ir\n\ntotals: 2725437\n"), Some(2_725_437));
        assert_eq!(total("events: Ir\n"), None);
    }
}
