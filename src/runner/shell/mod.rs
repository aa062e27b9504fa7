//! Reads shell scripts without running them.
//!
//! | module | what it does |
//! |---|---|
//! | [`lexer`] | the text as words, redirections and the ends of commands |
//! | [`branches`] | the variables of a script along its branches |
//! | [`commands`](mod@commands) | which programs a script may run, with the variables that are known |
//! | [`pipelines`](mod@pipelines) | which files the commands of a script read and write |
//!
//! Source of the grammar: POSIX.1-2017, "Shell Command Language", 2.3 (tokens), 2.9 (commands) and
//! 2.10 (reserved words).

mod branches;
mod commands;
mod lexer;
mod pipelines;

use super::config::environment::{Environment, LONGEST};
pub(super) use commands::{SimpleCommand, WORKING_DIRECTORY, commands};
pub(super) use pipelines::{Command, DOLLAR, Pipeline, pipelines};

/// `NAME=value`
pub(super) fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// Replaces `$NAME`, `${NAME}` and `${NAME:-default}`. Unknown variables stay, and so do those that
/// would make the text longer than any argument: `A=$A$A` has no end.
pub(super) fn expand(text: &str, variables: &Environment) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(inside) = after.strip_prefix('{') {
            let (inner, tail) = lexer::closed(inside, '{', '}');
            let value = parameter(inner, variables);
            if out.len() + value.len() <= LONGEST {
                out.push_str(&value);
            } else {
                out.extend(["${", inner, "}"]);
            }
            rest = tail;
            continue;
        }
        let (name, tail) = name(after);
        match variables.get(name) {
            Some(value) if out.len() + value.len() <= LONGEST => out.push_str(value),
            _ => out.extend(["$", name]),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The letters, digits and underscores at the beginning, and the rest after them.
fn name(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    end.map_or((text, ""), |end| text.split_at(end))
}

/// The value of `${inner}`; the text itself if it is unknown.
fn parameter(inner: &str, variables: &Environment) -> String {
    let (name, operator) = name(inner);
    let value = variables.get(name);
    let with_colon = operator.starts_with(':');
    let is_set = value.is_some_and(|value| !with_colon || !value.is_empty());
    let operator = operator.strip_prefix(':').unwrap_or(operator);
    match (operator.strip_prefix(['-', '=']), value) {
        (Some(default), _) if !is_set => expand(default, variables),
        (Some(_), Some(value)) => value.clone(),
        (None, Some(value)) if operator.is_empty() || operator.starts_with('?') => value.clone(),
        _ => format!("${{{inner}}}"),
    }
}
