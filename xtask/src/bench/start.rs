//! What a start costs, over that of an empty process.

use anyhow::Result;

use super::effort::Effort;
use super::figures::{cells, milliseconds};
use super::hyperfine;
use super::input;
use super::lists::List;
use super::program::{Invocation, LAUNCHER, NATIVE};
use super::targets::{Limit, Target};
use super::trial::{self, Trial};

/// A list on which the function has nothing to do, so that all there is is the start.
const EMPTY_LIST: &str = "\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
functionConfig:
  apiVersion: runner-terminal.dev/v1alpha1
  kind: SessionServer
  metadata:
    name: session-server
  spec:
    enabled: false
items: []
";

/// Measures it, and gives the table and the target.
pub(crate) fn measure(effort: Effort) -> Result<(String, Vec<Target>)> {
    let empty = input::write("empty.yaml", EMPTY_LIST)?;
    let runner = input::write("2-1.yaml", &List::of(2, 1).resource_list())?;
    let (launcher, native) = (
        "target/release/runner-terminal",
        "target/release/examples/native",
    );
    let programs = [
        ("an empty process (`true`)".to_owned(), "true", &empty),
        (format!("{LAUNCHER}, empty list"), launcher, &empty),
        (format!("{LAUNCHER}, one runner"), launcher, &runner),
        (format!("{NATIVE}, empty list"), native, &empty),
        (format!("{NATIVE}, one runner"), native, &runner),
    ];
    let trials = programs
        .iter()
        .map(|(_, command, input)| Ok(trial::run(Invocation::new(command, input))?.0))
        .collect::<Result<Vec<_>>>()?;
    let times = hyperfine::times(&trials.iter().collect::<Vec<&Trial>>(), effort)?;

    let mut table = "**Start**\n\n| process | median | middle half | over an empty one |\n\
                     |---|--:|--:|--:|\n"
        .to_owned();
    let floor = times.first().map_or(f64::NAN, |times| times.median());
    for ((name, ..), times) in programs.iter().zip(&times) {
        let over = milliseconds(times.median() - floor);
        table.push_str(&format!("| {name} | {} | {over} |\n", cells(times)));
    }
    let target = times.get(1).map(|launcher| Target {
        what: "the launcher's start, over that of an empty process",
        limit: Limit::AtMost(3.0),
        unit: " ms",
        measured: (launcher.median() - floor) * 1e3,
    });
    Ok((table, target.into_iter().collect()))
}
