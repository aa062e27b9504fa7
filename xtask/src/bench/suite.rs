//! All programs of a part on one input.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use super::figures::{bytes, cells, figure};
use super::input::Input;
use super::measure::{self, Effort, Trial};
use super::programs::{Part, Program};
use super::targets::Figures;
use crate::workspace;

/// Checks all programs, measures those that do their job, and returns the table in Markdown.
pub(crate) fn measure(
    part: &Part,
    input: &Input,
    effort: Effort,
    figures: &mut Figures,
) -> Result<String> {
    println!("checking what each program makes of it");
    let (mut outputs, mut trials) = (BTreeMap::new(), Vec::new());
    for program in &part.programs {
        let trial = check(program, input, effort, &mut outputs);
        trials.push(trial.with_context(|| format!("{} cannot be measured", program.name))?);
    }
    let working: Vec<_> = trials.iter().flatten().collect();
    let mut measured = measure::all(&working, effort)?.into_iter();
    let mut outcomes = Vec::new();
    for (program, trial) in part.programs.iter().zip(trials) {
        let outcome = trial.map(|_| measured.next().unwrap_or_default());
        if let Ok(measured) = &outcome {
            let key = format!("{} {}", input.name, program.key);
            let an_object = measured.median() / input.list.items as f64;
            figures.insert(format!("{key} an object"), an_object);
            let memory = measured.memory() / input.size as f64;
            figures.insert(format!("{key} memory"), memory);
            figures.insert(key, measured.median());
        }
        outcomes.push((program, outcome));
    }

    let over: String = part.over.iter().map(|key| format!(" × {key} |")).collect();
    let mut table = format!(
        "**{}**\n\n| program | median | middle half |{over} peak memory | × input | µs an object |\n\
         |---|--:|--:|{}--:|--:|--:|\n",
        input.title(),
        "--:|".repeat(part.over.len())
    );
    for (program, outcome) in outcomes {
        let row = match outcome {
            Ok(measured) => {
                let over = part.over.iter().map(|key| {
                    let other = figures.get(&format!("{} {key}", input.name));
                    let ratio = other.map(|other| figure(measured.median() / other));
                    format!(" {} |", ratio.unwrap_or_default())
                });
                let over: String = over.collect();
                let mut over_input = figure(measured.memory() / input.size as f64);
                // With a small list, the memory is that of the program itself.
                if input.size < 1_000_000 {
                    over_input.clear();
                }
                let memory = bytes(measured.memory());
                let an_object = figure(measured.median() * 1e6 / input.list.items as f64);
                let cells = cells(&measured);
                format!("{cells} |{over} {memory} | {over_input} | {an_object}")
            }
            Err(why) => format!("{why} | | {}| | ", "| ".repeat(part.over.len())),
        };
        table.push_str(&format!("| {} | {row} |\n", program.name));
    }
    Ok(table)
}

/// Runs a program once, so that only programs that do their job are measured; otherwise returns why
/// it is not.
fn check(
    program: &Program,
    input: &Input,
    effort: Effort,
    outputs: &mut BTreeMap<String, Vec<u8>>,
) -> Result<Result<Trial, String>> {
    if let Some(why) = program.refuses(input.list) {
        return Ok(Err(format!("left out: {why}")));
    }
    let file = match &program.input {
        Some(own) => workspace::root().join(own),
        None => input.file.clone(),
    };
    let line = program.on(&input.kustomization);
    let Some(trial) = Trial::run(&line, &file, effort)? else {
        return Ok(Err(format!("stopped after {} s", effort.patience)));
    };
    let text = String::from_utf8_lossy(&trial.output);
    let served = text.matches("config-checksum:").count();
    let all = input.list.runners * usize::from(program.serves);
    ensure!(
        served == all,
        "it serves {served} runners in place of {all}"
    );
    if let Some(other) = &program.same_as
        && let Some(output) = outputs.get(other)
    {
        ensure!(trial.output == *output, "{other} does not write the same");
    }
    outputs.insert(program.key.clone(), trial.output.clone());
    Ok(Ok(trial))
}
