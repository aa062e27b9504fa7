//! All programs on one list.

use anyhow::{Context as _, Result, ensure};

use super::figures::{bytes, cells, count, figure};
use super::input::Input;
use super::lists::List;
use super::measure::{self, Effort, Measured, Trial};
use super::programs::{Program, Role, programs};
use super::targets::Figures;

/// Checks all programs and measures those that do their job; gives the table in Markdown.
pub(crate) fn measure(list: List, effort: Effort, figures: &mut Figures) -> Result<String> {
    let input = Input::write(list)?;
    println!("{}: checking what each program makes of it", input.title());
    let programs = programs()?;
    let (mut first, mut trials) = (None, Vec::new());
    for program in &programs {
        let trial = check(program, &input, effort, &mut first);
        trials.push(trial.with_context(|| format!("{} cannot be measured", program.name))?);
    }
    let working: Vec<_> = trials.iter().flatten().collect();
    let mut measured = measure::all(&working, effort)?.into_iter();
    let mut outcomes = Vec::new();
    for (program, trial) in programs.iter().zip(trials) {
        let outcome = trial.map(|_| measured.next().unwrap_or_default());
        if let Ok(measured) = &outcome {
            let key = format!("{} {}", list.name(), program.key);
            figures.insert(
                format!("{key} an object"),
                measured.median() / list.items as f64,
            );
            figures.insert(
                format!("{key} memory"),
                measured.memory() / input.size as f64,
            );
            figures.insert(key, measured.median());
        }
        outcomes.push((program, outcome));
    }

    let mut table = format!(
        "**{}**\n\n\
         | program | median | middle half | × kyaml | × cat | peak memory | × input |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
        input.title()
    );
    for (program, outcome) in outcomes {
        let cells = match outcome {
            Ok(measured) => row(&measured, &input, figures),
            Err(why) => format!("{why} | | | | |"),
        };
        table.push_str(&format!("| {} | {cells} |\n", program.name));
    }
    Ok(table)
}

/// Runs a program once, so that only programs which do their job are measured: all ways to run the
/// function must give the same bytes, and the function and its peers must each have served every
/// runner.
fn check(
    program: &Program,
    input: &Input,
    effort: Effort,
    first: &mut Option<(String, Vec<u8>)>,
) -> Result<Result<Trial, String>> {
    if let Some(why) = program.refuses(input.list) {
        return Ok(Err(format!("left out: {why}")));
    }
    let Some(trial) = Trial::run(&program.on(&input.kustomization), &input.file, effort)? else {
        return Ok(Err(format!("stopped after {} s", effort.patience)));
    };
    if program.role != Role::Floor {
        let text = String::from_utf8_lossy(&trial.output);
        let (served, runners) = (text.matches("config-checksum:").count(), input.list.runners);
        ensure!(
            served == runners,
            "it gives {served} of {runners} runners a session server"
        );
    }
    if program.role == Role::Function {
        let own = || (program.name.clone(), trial.output.clone());
        let (name, bytes) = first.get_or_insert_with(own);
        ensure!(trial.output == *bytes, "{name} does not write the same");
    }
    Ok(Ok(trial))
}

fn row(measured: &Measured, input: &Input, figures: &Figures) -> String {
    let over = |program: &str| {
        let other = figures.get(&format!("{} {program}", input.list.name()));
        other.map_or_else(String::new, |other| figure(measured.median() / other))
    };
    let mut over_input = figure(measured.memory() / input.size as f64);
    // Beside a small list, memory is that of the program itself.
    if input.size < 1_000_000 {
        over_input.clear();
    }
    let (kyaml, cat, memory) = (over("kyaml"), over("cat"), bytes(measured.memory()));
    format!(
        "{} | {kyaml} | {cat} | {memory} | {over_input}",
        cells(measured)
    )
}

/// How the cost of one object grows with the number of objects in these lists, in Markdown.
pub(crate) fn growth(lists: &[List], figures: &Figures) -> Result<String> {
    let key = |list: &List, program: &str| format!("{} {program} an object", list.name());
    let mut lists = lists.to_vec();
    lists.retain(|list| {
        list.runners == 1 && list.large == 0 && figures.contains_key(&key(list, "launcher"))
    });
    if lists.len() < 2 {
        return Ok(String::new());
    }
    let heads = lists
        .iter()
        .map(|list| format!(" {} objects |", count(list.items)));
    let mut table = format!(
        "**Microseconds an object**, one runner among them\n\n| program |{}\n|---|{}\n",
        heads.collect::<String>(),
        "--:|".repeat(lists.len())
    );
    for program in programs()? {
        let cost = |list| {
            figures
                .get(&key(list, &program.key))
                .map(|cost| figure(cost * 1e6))
        };
        let cells = lists
            .iter()
            .map(|list| format!(" {} |", cost(list).unwrap_or_default()));
        table.push_str(&format!(
            "| {} |{}\n",
            program.name,
            cells.collect::<String>()
        ));
    }
    Ok(table)
}
