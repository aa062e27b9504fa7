//! Counts the instructions of the native program on some inputs, and compares them with the pinned
//! counts.
//!
//! A time depends on what else the machine is doing; a count depends on the code, and is the same
//! in every run, however busy the machine is. It also depends on the compiler (a new one may need
//! `--update`), on the C library, and on the features of valgrind's virtual CPU: `memchr` and the C
//! library choose their loops by them, and it has AVX2 if the machine has it. The environment is
//! empty and the program's path relative, so the working folder does not matter.
//!
//! gungraun counts functions inside a benchmark, and would be one more program to install; this
//! counts the whole process, as users run it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::bench::figures;
use crate::bench::input::Input;
use crate::bench::lists::List;
use crate::process::{self, command};
use crate::{artifacts, hosts, workspace};

/// The lists to count, which together take less than a minute.
const LISTS: [(usize, usize); 4] = [(20, 1), (1_000, 1), (1_000, 100), (10_000, 1)];

/// The pinned counts, by the name of their list.
const PINNED: &str = "benches/instructions.json";
/// Far more than the difference between two runs, which comes from the random seeds of the hash
/// maps.
const TOLERANCE: f64 = 0.03;

/// Counts, prints a table, and pins the counts or compares them.
pub(crate) fn run(update: bool) -> Result<()> {
    hosts::build(&["valgrind"])?;
    let program = artifacts::build_native()?;
    let pinned = workspace::text(PINNED).unwrap_or_else(|_| "{}".to_owned());
    let pinned: BTreeMap<String, u64> = serde_json::from_str(&pinned)?;

    let mut counts = BTreeMap::new();
    let mut others = Vec::new();
    println!("\n| input | instructions | per object | pinned | change |\n|---|--:|--:|--:|--:|");
    for (items, runners) in LISTS {
        let list = List::of(items, runners);
        let input = Input::write(list, &[])?;
        let count = instructions(program, &input)?;
        let before = pinned.get(&list.name()).copied();
        let row = [count, count / items as u64, before.unwrap_or_default()];
        let [count_cell, per_object, before_cell] = row.map(|it| figures::count(it as usize));
        let change = change(count, before) * 100.0;
        let title = input.title();
        println!("| {title} | {count_cell} | {per_object} | {before_cell} | {change:+.1} % |");
        if !is_same(count, before) {
            others.push(list.name());
        }
        counts.insert(list.name(), count);
    }
    if update {
        let text = serde_json::to_string_pretty(&counts)? + "\n";
        return Ok(fs::write(workspace::root().join(PINNED), text)?);
    }
    if !others.is_empty() {
        let others = others.join("; ");
        bail!(
            "other counts than the pinned ones: {others}. If that is meant to be: cargo xtask count \
             --update"
        );
    }
    Ok(())
}

/// The number of instructions that the program executes for the input.
fn instructions(program: &str, input: &Input) -> Result<u64> {
    let profile = "target/bench/callgrind.out";
    let options = format!("--tool=callgrind --callgrind-out-file={profile}");
    let mut valgrind = command(&format!("valgrind {options} {program}"));
    let input = fs::File::open(&input.file)?.into_file();
    process::capture(valgrind.env_clear().stdin(input))?;
    total(&workspace::text(profile)?).context("valgrind's profile has no total")
}

/// The total of a profile, which is on a line of its own.
fn total(profile: &str) -> Option<u64> {
    let mut lines = profile.lines();
    let total = lines.find_map(|line| line.strip_prefix("totals: "))?;
    total.trim().parse().ok()
}

fn is_same(count: u64, pinned: Option<u64>) -> bool {
    change(count, pinned).abs() <= TOLERANCE
}

fn change(count: u64, pinned: Option<u64>) -> f64 {
    pinned.map_or(f64::NAN, |pinned| count as f64 / pinned as f64 - 1.0)
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
