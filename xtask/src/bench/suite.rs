//! All programs on one list.

use anyhow::{Context as _, Result, ensure};

use super::figures::{bytes, cells, count, figure};
use super::input::Input;
use super::lists::List;
use super::measure::{self, Effort, Measured, Trial};
use super::programs::{CAT, KYAML, PROGRAMS, Program, Role};

/// What was measured on a list.
pub(crate) struct Suite {
    pub(crate) input: Input,
    /// What each program showed, in their order, or why it was not measured.
    outcomes: Vec<Result<Measured, String>>,
}

/// Checks all programs and measures those that do their job.
pub(crate) fn measure(list: List, effort: Effort) -> Result<Suite> {
    let input = Input::write(list)?;
    println!("{}: checking what each program makes of it", input.title());
    let mut first = None;
    let mut trials = Vec::new();
    for program in PROGRAMS {
        let trial = check(program, &input, effort, &mut first);
        trials.push(trial.with_context(|| format!("{} cannot be measured", program.name))?);
    }
    let working: Vec<_> = trials.iter().flatten().collect();
    let mut measured = measure::all(&working, effort)?.into_iter();
    let outcomes = trials.into_iter();
    let outcomes = outcomes.map(|trial| trial.map(|_| measured.next().unwrap_or_default()));
    Ok(Suite {
        outcomes: outcomes.collect(),
        input,
    })
}

/// Runs a program once, so that only programs which do their job are measured: all ways to run the
/// function must give the same bytes, and the function and its peers must each have served every
/// runner.
fn check(
    program: &'static Program,
    input: &Input,
    effort: Effort,
    first: &mut Option<(&str, Vec<u8>)>,
) -> Result<Result<Trial, String>> {
    if !program.takes(input.list) {
        return Ok(Err(format!("left out: {}", program.left_out)));
    }
    let Some(trial) = Trial::run(&program.on(input), &input.file, effort)? else {
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
        let (name, bytes) = first.get_or_insert_with(|| (program.name, trial.output.clone()));
        ensure!(trial.output == *bytes, "{name} does not write the same");
    }
    Ok(Ok(trial))
}

impl Suite {
    /// A program's figures, when it has any.
    pub(crate) fn of(&self, program: &str) -> Option<&Measured> {
        let place = PROGRAMS.iter().position(|known| known.name == program)?;
        self.outcomes.get(place)?.as_ref().ok()
    }

    /// A program's median in seconds.
    pub(crate) fn median(&self, program: &str) -> Option<f64> {
        self.of(program).map(Measured::median)
    }

    /// The table in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "**{}**\n\n\
             | program | median | middle half | × kyaml | × cat | peak memory | × input |\n\
             |---|--:|--:|--:|--:|--:|--:|\n",
            self.input.title()
        );
        for (program, outcome) in PROGRAMS.iter().zip(&self.outcomes) {
            let cells = match outcome {
                Ok(measured) => self.cells(measured),
                Err(why) => format!("{why} | | | | |"),
            };
            table.push_str(&format!("| {} | {cells} |\n", program.name));
        }
        table
    }

    fn cells(&self, measured: &Measured) -> String {
        let over = |program: &str| {
            let other = self.median(program);
            other.map_or_else(String::new, |other| figure(measured.median() / other))
        };
        let (memory, size) = (measured.memory(), self.input.size);
        // Beside a small list, memory is that of the program itself.
        let over_input = if size < 1_000_000 {
            String::new()
        } else {
            figure(memory / size as f64)
        };
        let (kyaml, cat) = (over(KYAML), over(CAT));
        format!(
            "{} | {kyaml} | {cat} | {} | {over_input}",
            cells(measured),
            bytes(memory)
        )
    }
}

/// How the cost of one object grows with the number of objects, in Markdown.
pub(crate) fn growth(suites: &[Suite]) -> String {
    let mut suites: Vec<_> = suites.iter().collect();
    suites.retain(|suite| suite.input.list.runners == 1 && suite.input.list.large == 0);
    if suites.len() < 2 {
        return String::new();
    }
    let head = |suite: &&Suite| format!(" {} objects |", count(suite.input.list.items));
    let mut table = format!(
        "**Microseconds an object**, one runner among them\n\n| program |{}\n|---|{}\n",
        suites.iter().map(head).collect::<String>(),
        "--:|".repeat(suites.len())
    );
    for program in PROGRAMS {
        let cell = |suite: &&Suite| {
            let objects = suite.input.list.items as f64;
            let median = suite.median(program.name);
            let cost = median.map(|median| figure(median * 1e6 / objects));
            format!(" {} |", cost.unwrap_or_default())
        };
        let cells: String = suites.iter().map(cell).collect();
        table.push_str(&format!("| {} |{cells}\n", program.name));
    }
    table
}
