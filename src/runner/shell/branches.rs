//! The variables of a script along its branches.
//!
//! A branch that is surely taken, as its test compares values that are known, counts alone. Otherwise
//! a variable that differs between the branches is unknown behind them.

use std::collections::{BTreeMap, BTreeSet};

use crate::runner::config::environment::{Environment, unknown};

/// The variables of a shell.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    pub(super) values: Environment,
    /// The names of those that programs see.
    exported: BTreeSet<String>,
    /// The values that an unknown one may have.
    alternatives: BTreeMap<String, BTreeSet<String>>,
}

impl Variables {
    /// Those of a shell that starts with an environment.
    pub(super) fn of(environment: &Environment) -> Self {
        Self {
            values: environment.clone(),
            exported: environment.keys().cloned().collect(),
            alternatives: BTreeMap::new(),
        }
    }

    /// Whether a word is a variable that branches have set to options, none of which names a file, or to
    /// nothing: `$DEBUG`.
    pub(super) fn is_option(&self, word: &str) -> bool {
        let name = word
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'));
        let alternatives = name.and_then(|name| self.alternatives.get(name));
        let is_harmless = |value: &String| {
            let names_file = value.contains("-c") || value.contains(['/', '$']);
            value.is_empty() || value.starts_with('-') && !names_file
        };
        alternatives.is_some_and(|values| values.iter().all(is_harmless))
    }

    pub(super) fn set(&mut self, name: String, value: String) {
        self.alternatives.remove(&name);
        self.values.insert(name, value);
    }

    pub(super) fn export(&mut self, name: &str) {
        self.exported.insert(name.to_owned());
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.values.remove(name);
        self.exported.remove(name);
        self.alternatives.remove(name);
    }

    /// What a program sees.
    pub(super) fn environment(&self) -> Environment {
        let values = self.values.iter();
        let exported = values.filter(|(name, _)| self.exported.contains(*name));
        exported
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// What is known if one of several branches was taken.
    fn merged(mut all: Vec<Self>) -> Self {
        let Some(mut merged) = all.pop() else {
            return Self::default();
        };
        for other in all {
            let names = merged.values.keys().chain(other.values.keys());
            let differs = |name: &&String| merged.values.get(*name) != other.values.get(*name);
            let differing: Vec<String> = names.filter(differs).cloned().collect();
            for name in differing {
                let mut alternatives = BTreeSet::new();
                for one in [&merged, &other] {
                    match one.alternatives.get(&name) {
                        Some(values) => alternatives.extend(values.iter().cloned()),
                        None => {
                            alternatives.insert(one.values.get(&name).cloned().unwrap_or_default());
                        }
                    }
                }
                merged.values.insert(name.clone(), unknown(&name));
                merged.alternatives.insert(name, alternatives);
            }
            merged.exported.extend(other.exported);
        }
        merged
    }
}

/// A statement with branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    If,
    /// With the word that patterns are compared with.
    Case(String),
    Loop,
    /// Commands joined by `&&` and `||`.
    Chain,
}

/// A statement that has not ended.
struct Statement {
    kind: Kind,
    before: Variables,
    /// The variables behind each branch that may be taken.
    ends: Vec<Variables>,
    /// Whether the branch that is being read is taken, if that is known.
    is_taken: Option<bool>,
    /// A branch is surely taken if none before it is.
    is_complete: bool,
    has_branch: bool,
}

impl Statement {
    fn end_branch(&mut self, variables: &Variables) {
        if self.is_complete || self.is_taken == Some(false) {
            return;
        }
        self.is_complete = self.is_taken == Some(true);
        self.ends.push(variables.clone());
    }
}

/// The statements with branches that have not ended.
#[derive(Default)]
pub(super) struct Branches {
    open: Vec<Statement>,
}

impl Branches {
    pub(super) fn innermost(&self) -> Option<&Kind> {
        self.open.last().map(|statement| &statement.kind)
    }

    /// A statement begins. Its first branch does, too, unless it is a `case`.
    pub(super) fn begin(&mut self, kind: Kind, variables: &Variables, is_taken: Option<bool>) {
        let has_branch = !matches!(kind, Kind::Case(_));
        self.open.push(Statement {
            kind,
            before: variables.clone(),
            ends: Vec::new(),
            is_taken,
            is_complete: false,
            has_branch,
        });
    }

    /// Whether the branch that is being read is taken.
    pub(super) fn decide(&mut self, is_taken: Option<bool>) {
        if let Some(statement) = self.open.last_mut() {
            statement.is_taken = is_taken;
        }
    }

    /// The next branch of the innermost statement begins.
    pub(super) fn next(&mut self, variables: &mut Variables, is_taken: Option<bool>) {
        let Some(statement) = self.open.last_mut() else {
            return;
        };
        if statement.has_branch {
            statement.end_branch(variables);
            *variables = statement.before.clone();
        }
        statement.has_branch = true;
        statement.is_taken = is_taken;
    }

    /// The innermost statement ends.
    pub(super) fn end(&mut self, variables: &mut Variables) {
        let Some(mut statement) = self.open.pop() else {
            return;
        };
        if statement.has_branch {
            statement.end_branch(variables);
        }
        if !statement.is_complete {
            statement.ends.push(statement.before);
        }
        *variables = Variables::merged(statement.ends);
    }
}

/// Programs that test something: a command after them and `&&` runs conditionally.
pub(super) const TESTS: [&str; 5] = ["test", "[", "[[", "grep", "command"];

/// The result of a test such as `[ "$STAGE" = prod ]`, if its values are known. A variable that
/// nothing sets is empty.
pub(super) fn result(words: &[String]) -> Option<bool> {
    let (program, words) = words.split_first()?;
    let words = match (program.as_str(), words.split_last()) {
        ("test", _) => words,
        ("[", Some((last, words))) if last == "]" => words,
        ("[[", Some((last, words))) if last == "]]" => words,
        _ => return None,
    };
    let is_variable = |word: &str| {
        let name = word.strip_prefix('$').unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_empty = |word: &str| match word {
        word if is_variable(word) => Some(true),
        word if word.contains(['$', '`']) => None,
        word => Some(word.is_empty()),
    };
    let is_same = |one: &str, other: &str| {
        let is_known = !one.contains('$') && !other.contains(['$', '*', '?', '[']);
        is_known.then(|| one == other)
    };
    match words {
        [option, word] if option == "-z" => is_empty(word),
        [option, word] if option == "-n" => is_empty(word).map(|is_empty| !is_empty),
        [word] => is_empty(word).map(|is_empty| !is_empty),
        [one, operator, other] if operator == "=" || operator == "==" => is_same(one, other),
        [one, operator, other] if operator == "!=" => is_same(one, other).map(|same| !same),
        _ => None,
    }
}

/// Whether a word matches a pattern of `case`, if that is known.
pub(super) fn matches(word: &str, pattern: &str) -> Option<bool> {
    let is_known = !word.contains('$') && !pattern.contains(['$', '*', '?', '[']);
    match pattern {
        "*" => Some(true),
        pattern => is_known.then(|| word == pattern),
    }
}
