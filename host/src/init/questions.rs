//! Answers: from flags, or asked on the terminal.

use std::fmt::Display;
use std::io::{self, BufRead, Write};

use clap::ValueEnum;
use krm::text::printable;
use thiserror::Error;

use crate::arguments;
use crate::table::{WIDTH, wrap};

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum AnswerError {
    /// No flag answers it, and there is nobody to ask.
    #[error(
        "{flag} is missing, and standard input is not a terminal, so nobody can be asked: {text}{values}"
    )]
    Missing {
        /// The flags that would answer it.
        flag: String,
        /// The question.
        text: &'static str,
        /// The values of the flag, after a blank. It may be empty.
        values: String,
    },
    /// The terminal was closed.
    #[error("there was no answer to: {text} Run this again, or give {flag}")]
    Ended {
        /// The flags that would answer it.
        flag: String,
        /// The question.
        text: &'static str,
    },
    /// The terminal cannot be read.
    #[error("cannot read the answer: {0}")]
    Unreadable(io::Error),
}

/// A question and the flag that answers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    flag: &'static str,
    text: &'static str,
    /// Another flag that also answers it.
    or: Option<&'static str>,
}

impl Question {
    pub(super) fn new(flag: &'static str, text: &'static str) -> Self {
        let or = None;
        Self { flag, text, or }
    }

    /// The same question, which another flag answers too.
    pub(super) fn or(self, flag: &'static str) -> Self {
        let or = Some(flag);
        Self { or, ..self }
    }

    fn flags(&self) -> String {
        match self.or {
            Some(or) => format!("{} or {or}", self.flag),
            None => self.flag.to_owned(),
        }
    }

    fn missing(&self, values: &[String]) -> AnswerError {
        let values = match values {
            [] => String::new(),
            values => format!(" ({})", values.join(", ")),
        };
        AnswerError::Missing {
            flag: self.flags(),
            text: self.text,
            values,
        }
    }
}

/// A terminal: what is typed, and where questions are shown.
struct Terminal<'t> {
    input: Box<dyn BufRead + 't>,
    output: Box<dyn Write + 't>,
}

/// Finds answers, and remembers which flags were used.
pub(super) struct Questions<'t> {
    terminal: Option<Terminal<'t>>,
    used: Vec<&'static str>,
}

impl<'t> Questions<'t> {
    /// Asks where no flag answers.
    pub(super) fn at(input: impl BufRead + 't, output: impl Write + 't) -> Self {
        let (input, output) = (Box::new(input), Box::new(output));
        Self {
            terminal: Some(Terminal { input, output }),
            used: Vec::new(),
        }
    }

    /// Asks nobody.
    pub(super) fn none() -> Self {
        Self {
            terminal: None,
            used: Vec::new(),
        }
    }

    /// One of the values of a type.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub(super) fn choose<T: ValueEnum>(
        &mut self,
        given: Option<T>,
        question: &Question,
    ) -> Result<T, AnswerError> {
        self.choice(given, question, None, |_| true)
    }

    /// One of the values of a type, of which only some are offered.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub(super) fn choose_among<T: ValueEnum>(
        &mut self,
        given: Option<T>,
        question: &Question,
        is_offered: impl Fn(&T) -> bool,
    ) -> Result<T, AnswerError> {
        self.choice(given, question, None, is_offered)
    }

    /// One of the values of a type; the given one if nobody can be asked.
    ///
    /// # Errors
    ///
    /// The terminal was closed.
    pub(super) fn choose_or<T: ValueEnum>(
        &mut self,
        given: Option<T>,
        question: &Question,
        default: T,
    ) -> Result<T, AnswerError> {
        self.choice(given, question, Some(default), |_| true)
    }

    fn choice<T: ValueEnum>(
        &mut self,
        given: Option<T>,
        question: &Question,
        default: Option<T>,
        is_offered: impl Fn(&T) -> bool,
    ) -> Result<T, AnswerError> {
        self.used.push(question.flag);
        if let Some(given) = given {
            return Ok(given);
        }
        let values = T::value_variants().iter();
        let values: Vec<&T> = values.filter(|value| is_offered(value)).collect();
        let all = values.iter();
        let all: Vec<_> = all.filter_map(|value| value.to_possible_value()).collect();
        let names: Vec<String> = all
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        let Some(terminal) = &mut self.terminal else {
            return default.ok_or_else(|| question.missing(&names));
        };
        let mut page = format!("\n{}\n", question.text);
        for (number, value) in (1..).zip(&all) {
            let help = value
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            page.push_str(&format!("  {number}. {help} ({})\n", value.get_name()));
        }
        terminal.say(&page);
        let chosen = |text: &str| {
            let by_number = text.parse::<usize>().ok().and_then(|number| {
                let index = number.checked_sub(1)?;
                values.get(index).copied().cloned()
            });
            let by_name = || T::from_str(text, true).ok().filter(&is_offered);
            let found = by_number.or_else(by_name);
            found.ok_or_else(|| format!("type a number from 1 to {}", names.len()))
        };
        terminal.answer(question, chosen)
    }

    /// Text that can be parsed.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub(super) fn text<T, E: Display>(
        &mut self,
        given: Option<T>,
        question: &Question,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, AnswerError> {
        self.used.push(question.flag);
        match (given, &mut self.terminal) {
            (Some(given), _) => Ok(given),
            (None, None) => Err(question.missing(&[])),
            (None, Some(terminal)) => {
                terminal.say(&question_lines(question.text));
                terminal.answer(question, |text| {
                    read(text).map_err(|error| error.to_string())
                })
            }
        }
    }

    /// Optional text: `None` if nobody can be asked, or if the answer is empty.
    ///
    /// # Errors
    ///
    /// The terminal was closed.
    pub(super) fn optional_text<T, E: Display>(
        &mut self,
        given: Option<T>,
        question: &Question,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, AnswerError> {
        if given.is_none() && self.terminal.is_none() {
            self.used.push(question.flag);
            return Ok(None);
        }
        self.text(given.map(Some), question, |text| match text {
            "" => Ok(None),
            text => read(text).map(Some),
        })
    }

    /// An optional flag that has no question.
    pub(super) fn optional_flag<T>(&mut self, flag: &'static str, given: Option<T>) -> Option<T> {
        self.used.push(flag);
        given
    }

    /// A flag that is given and was not used.
    pub(super) fn unused(&self, given: &arguments::Init) -> Option<&'static str> {
        let all = [
            ("--network", given.network.is_some()),
            ("--pods-per-node", given.pods_per_node.is_some()),
            ("--host", given.host.is_some()),
            ("--address", given.address.is_some()),
            ("--image", given.image.is_some()),
            ("--cloud", given.cloud.is_some()),
            ("--controller", given.controller.is_some()),
            ("--gateway", given.gateway.is_some()),
            ("--relay-namespace", given.relay_namespace.is_some()),
            ("--node-port", given.node_port.is_some()),
        ];
        let mut unused = all
            .into_iter()
            .filter(|(flag, is_given)| *is_given && !self.used.contains(flag));
        unused.next().map(|(flag, _)| flag)
    }
}

fn question_lines(text: &str) -> String {
    format!("\n{}\n", wrap(text, WIDTH).join("\n"))
}

impl Terminal<'_> {
    /// Shows text. If nobody sees it, nobody answers either.
    fn say(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }

    /// Reads lines until one is a valid answer.
    fn answer<T>(
        &mut self,
        question: &Question,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, AnswerError> {
        loop {
            self.say("> ");
            let mut line = String::new();
            let length = self
                .input
                .read_line(&mut line)
                .map_err(AnswerError::Unreadable)?;
            if length == 0 {
                return Err(AnswerError::Ended {
                    flag: question.flags(),
                    text: question.text,
                });
            }
            let text = line.trim();
            match read(text) {
                Ok(answer) => return Ok(answer),
                Err(_) if text.is_empty() => {
                    self.say("This needs an answer. Ctrl-C ends, and nothing is written.\n");
                }
                Err(problem) => {
                    let problem = printable(&problem).into_owned();
                    self.say(&format!("{}\n", wrap(&problem, WIDTH).join("\n")));
                }
            }
        }
    }
}
