//! All programs on one list.

use anyhow::Result;

use super::check::{self, Checked};
use super::effort::Effort;
use super::figures::{bytes, cells, figure};
use super::hyperfine::{self, Times};
use super::input::Input;
use super::lists::List;
use super::memory;
use super::program::{CAT, KYAML, PROGRAMS};

/// What was measured on a list.
pub(crate) struct Suite {
    /// The list.
    pub(crate) input: Input,
    /// What each program showed, in their order.
    outcomes: Vec<Outcome>,
    patience: u64,
}

/// What a program showed.
enum Outcome {
    Measured(Measured),
    Stopped,
    LeftOut,
}

/// A program's figures.
pub(crate) struct Measured {
    /// How long it takes.
    pub(crate) times: Times,
    /// Its peak memory in bytes.
    pub(crate) memory: u64,
}

/// Checks all programs and measures those that do their job.
pub(crate) fn measure(list: List, effort: Effort) -> Result<Suite> {
    let input = Input::write(list)?;
    println!("{}: checking what each program makes of it", input.title());
    let checked = check::all(&input, effort)?;
    let trials: Vec<_> = checked.iter().filter_map(Checked::trial).collect();
    let peaks = trials.iter().map(|trial| memory::peak(trial, effort));
    let peaks = peaks.collect::<Result<Vec<_>>>()?;
    let times = hyperfine::times(&trials, effort)?;
    let mut measured = times.into_iter().zip(peaks);
    let outcomes = checked.iter().map(|checked| match checked {
        Checked::Works(_) => measured.next().map_or(Outcome::LeftOut, |(times, memory)| {
            Outcome::Measured(Measured { times, memory })
        }),
        Checked::Stopped => Outcome::Stopped,
        Checked::LeftOut => Outcome::LeftOut,
    });
    Ok(Suite {
        outcomes: outcomes.collect(),
        input,
        patience: effort.patience,
    })
}

impl Suite {
    /// A program's figures, when it has any.
    pub(crate) fn of(&self, program: &str) -> Option<&Measured> {
        let place = PROGRAMS.iter().position(|known| known.name == program)?;
        match self.outcomes.get(place)? {
            Outcome::Measured(measured) => Some(measured),
            Outcome::Stopped | Outcome::LeftOut => None,
        }
    }

    /// A program's median in seconds.
    pub(crate) fn median(&self, program: &str) -> Option<f64> {
        Some(self.of(program)?.times.median())
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
                Outcome::Measured(measured) => self.cells(measured),
                Outcome::Stopped => format!("stopped after {} s | | | | |", self.patience),
                Outcome::LeftOut => format!("left out: {} | | | | |", program.left_out),
            };
            table.push_str(&format!("| {} | {cells} |\n", program.name));
        }
        table
    }

    fn cells(&self, measured: &Measured) -> String {
        let over = |program: &str| {
            self.median(program)
                .map_or_else(String::new, |other| figure(measured.times.median() / other))
        };
        // Beside a small list, memory is that of the program itself.
        let times_input = if self.input.size < 1_000_000 {
            String::new()
        } else {
            figure(measured.memory as f64 / self.input.size as f64)
        };
        format!(
            "{} | {} | {} | {} | {times_input}",
            cells(&measured.times),
            over(KYAML),
            over(CAT),
            bytes(measured.memory as f64),
        )
    }
}
