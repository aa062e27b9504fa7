//! Single processes beside one that does less: the launcher's start, and `kustomize build` of the
//! example.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;

use super::figures::{cells, figure, milliseconds};
use super::input;
use super::lists::List;
use super::measure::{self, Effort, Measured, Trial};
use super::targets::Figures;
use crate::workspace;

/// A name, a command and its input.
type Process<'a> = (&'a str, String, &'a Path);

/// Runs each once.
fn trials(processes: &[Process], effort: Effort) -> Result<Vec<Trial>> {
    let trial = |(name, line, input): &Process| {
        let trial = Trial::run(line, input, effort)?;
        trial.with_context(|| format!("{name} does not end"))
    };
    processes.iter().map(trial).collect()
}

/// Measures them, and gives the table with a last column, which is told the floor's median.
fn table(
    processes: &[Process],
    trials: &[Trial],
    effort: Effort,
    (head, cell): (&str, fn(&Measured, f64) -> String),
) -> Result<(String, Vec<f64>)> {
    let measured = measure::all(&trials.iter().collect::<Vec<_>>(), effort)?;
    let medians: Vec<_> = measured.iter().map(Measured::median).collect();
    let floor = medians.first().copied().unwrap_or(f64::NAN);
    let mut table = format!("{head}\n|---|--:|--:|--:|\n");
    for ((name, ..), measured) in processes.iter().zip(&measured) {
        table.push_str(&format!(
            "| {name} | {} | {} |\n",
            cells(measured),
            cell(measured, floor)
        ));
    }
    Ok((table, medians))
}

/// What a start costs, over that of an empty process.
pub(crate) fn start(effort: Effort, figures: &mut Figures) -> Result<String> {
    // One on which the function has nothing to do, so that all there is is the start.
    let empty = input::write("empty.yaml", include_str!("templates/empty-list.yaml"))?;
    let runner = input::write("2-1.yaml", &List::of(2, 1).resource_list())?;
    let launcher = || "target/release/runner-terminal".to_owned();
    let native = || "target/release/examples/native".to_owned();
    let processes: [Process; 5] = [
        ("an empty process (`true`)", "true".to_owned(), &empty),
        ("launcher, empty list", launcher(), &empty),
        ("launcher, one runner", launcher(), &runner),
        ("native core, empty list", native(), &empty),
        ("native core, one runner", native(), &runner),
    ];
    let head = "**Start**\n\n| process | median | middle half | over an empty one |";
    let over = |one: &Measured, floor| milliseconds(one.median() - floor);
    let trials = trials(&processes, effort)?;
    let (table, medians) = table(&processes, &trials, effort, (head, over))?;
    if let [floor, launcher, ..] = medians.as_slice() {
        figures.insert("start".to_owned(), (launcher - floor) * 1e3);
    }
    Ok(table)
}

const WITH_FUNCTION: &str = "kustomization/example";
/// The same kustomization without its `transformers:`.
const WITHOUT: &str = "target/bench/kustomize/example";
/// The same with a function that gives back what it gets: what kustomize itself takes to have one.
const WITH_CAT: &str = "target/bench/kustomize/example-cat";

/// `kustomize build` of the example, without a function, with one that does nothing, and with ours:
/// what a person waits for.
pub(crate) fn example(effort: Effort, figures: &mut Figures) -> Result<String> {
    let resources = format!("resources:\n- ../../../../{WITH_FUNCTION}/base\n");
    fs::write(folder(WITHOUT)?.join("kustomization.yaml"), &resources)?;
    let transformers = format!("{resources}transformers:\n- cat.yaml\n");
    fs::write(folder(WITH_CAT)?.join("kustomization.yaml"), transformers)?;
    fs::write(
        folder(WITH_CAT)?.join("cat.yaml"),
        include_str!("templates/cat.yaml"),
    )?;
    let nothing = input::write("nothing.yaml", "")?;
    let build = |folder: &str| {
        let build = "target/hosts/bin/kustomize build --enable-alpha-plugins --enable-exec";
        format!("{build} {folder}")
    };
    let processes: [Process; 3] = [
        ("without a function", build(WITHOUT), &nothing),
        ("with `cat` as a function", build(WITH_CAT), &nothing),
        ("with the function", build(WITH_FUNCTION), &nothing),
    ];
    let trials = trials(&processes, effort)?;
    let outputs: Vec<_> = trials.iter().map(|trial| trial.output.as_slice()).collect();
    let [without, cat, with] = outputs.as_slice() else {
        return Ok(String::new());
    };
    let serves = |output| String::from_utf8_lossy(output).contains("-session-server\n");
    ensure!(
        serves(with) && !serves(without),
        "the function has to make the difference between {WITH_FUNCTION} and {WITHOUT}"
    );
    ensure!(
        cat == without,
        "{WITH_CAT} has to build what {WITHOUT} builds"
    );

    let head = "**`kustomize build` of the example**\n\n\
                | kustomization | median | middle half | × without |";
    let over = |one: &Measured, floor| figure(one.median() / floor);
    let (table, medians) = table(&processes, &trials, effort, (head, over))?;
    for (name, median) in ["without", "cat", "with"].iter().zip(medians) {
        figures.insert(format!("example {name}"), median);
    }
    Ok(table)
}

fn folder(path: &str) -> Result<PathBuf> {
    let folder = workspace::root().join(path);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
