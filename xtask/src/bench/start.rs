//! What a start costs, over that of an empty process.

use anyhow::{Context as _, Result};

use super::figures::{cells, milliseconds};
use super::input;
use super::lists::List;
use super::measure::{self, Effort, Measured, Trial};
use super::programs::{LAUNCHER, LAUNCHER_COMMAND, NATIVE, NATIVE_COMMAND};
use super::targets::{Limit, Target};

/// A list on which the function has nothing to do, so that all there is is the start.
const EMPTY_LIST: &str = include_str!("templates/empty-list.yaml");

/// Measures it, and gives the table and the target.
pub(crate) fn measure(effort: Effort) -> Result<(String, Vec<Target>)> {
    let empty = input::write("empty.yaml", EMPTY_LIST)?;
    let runner = input::write("2-1.yaml", &List::of(2, 1).resource_list())?;
    let programs = [
        ("an empty process (`true`)".to_owned(), "true", &empty),
        (format!("{LAUNCHER}, empty list"), LAUNCHER_COMMAND, &empty),
        (format!("{LAUNCHER}, one runner"), LAUNCHER_COMMAND, &runner),
        (format!("{NATIVE}, empty list"), NATIVE_COMMAND, &empty),
        (format!("{NATIVE}, one runner"), NATIVE_COMMAND, &runner),
    ];
    let trials = programs.iter().map(|(name, line, input)| {
        let trial = Trial::run(line, input, effort)?;
        trial.with_context(|| format!("{name} does not end"))
    });
    let trials = trials.collect::<Result<Vec<_>>>()?;
    let measured = measure::all(&trials.iter().collect::<Vec<_>>(), effort)?;

    let mut table = "**Start**\n\n| process | median | middle half | over an empty one |\n\
                     |---|--:|--:|--:|\n"
        .to_owned();
    let floor = measured.first().map_or(f64::NAN, Measured::median);
    for ((name, ..), measured) in programs.iter().zip(&measured) {
        let over = milliseconds(measured.median() - floor);
        table.push_str(&format!("| {name} | {} | {over} |\n", cells(measured)));
    }
    let launcher = measured.get(1).map_or(f64::NAN, Measured::median);
    let target = Target {
        what: "the launcher's start, over that of an empty process",
        limit: Limit::AtMost(3.0),
        unit: " ms",
        measured: (launcher - floor) * 1e3,
    };
    Ok((table, vec![target]))
}
