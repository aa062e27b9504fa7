//! Which fields of a resource differ, found in its text.
//!
//! This reads block style, line by line, only to tell a person where to look: the diff shows what
//! is there. What it cannot place (flow style, JSON) it says nothing about.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;
use similar::DiffOp;
use similar::algorithms::{Capture, Compact, Replace, myers};

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// How it differs.
    pub difference: Difference,
    /// Its path: `spec.ports[0].name`, with the name of a list's item where it starts with one.
    pub path: String,
}

/// How a field, or a resource, differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// It was not there before.
    Added,
    /// Its value, or some of it, is another.
    Changed,
    /// It is not there any more.
    Removed,
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.difference {
            Difference::Added => '+',
            Difference::Changed => '~',
            Difference::Removed => '-',
        };
        write!(formatter, "{sign} {}", self.path)
    }
}

/// The fields that differ between two texts of a resource, in the order of the texts. A field in
/// one that is new or gone as a whole is not told apart.
pub(super) fn changed(before: &str, after: &str) -> Vec<Field> {
    let before_lines = lines(before);
    let after_lines = lines(after);
    let paths = |lines: &[Line]| -> HashSet<String> {
        lines
            .iter()
            .flat_map(Line::prefixes)
            .map(str::to_owned)
            .collect()
    };
    let (before_paths, after_paths) = (paths(&before_lines), paths(&after_lines));

    let mut seen = BTreeSet::new();
    let mut fields: Vec<Field> = Vec::new();
    let gone_and_come = edits(before, after).into_iter().flat_map(|edit| {
        let gone = edit
            .old_range()
            .map(|index| (before_lines.get(index), &after_paths, Difference::Removed));
        gone.chain(
            edit.new_range()
                .map(|index| (after_lines.get(index), &before_paths, Difference::Added)),
        )
    });
    for (line, others, whole) in gone_and_come {
        let Some(line) = line.filter(|line| !line.path.is_empty()) else {
            continue;
        };
        // The topmost that the other text lacks: a new `spec.ports` says all of its lines.
        let top = line.prefixes().find(|prefix| !others.contains(*prefix));
        let field = match top {
            Some(top) => Field {
                difference: whole,
                path: top.to_owned(),
            },
            None => Field {
                difference: Difference::Changed,
                path: line.path.clone(),
            },
        };
        if seen.insert((field.path.clone(), field.difference)) {
            fields.push(field);
        }
    }
    fields
}

/// Where the lines of two texts differ. Of `similar`'s ways to find out this is one, where its
/// `TextDiff` brings all along: that is a tenth of a Wasm module.
fn edits(before: &str, after: &str) -> Vec<DiffOp> {
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let (before, after) = (before.as_slice(), after.as_slice());
    let mut edits = Compact::new(Replace::new(Capture::new()), before, after);
    let ended = myers::diff(&mut edits, before, 0..before.len(), after, 0..after.len());
    // Capturing cannot fail.
    let edits = ended.map(|()| edits.into_inner().into_inner().into_ops());
    let mut edits = edits.unwrap_or_default();
    edits.retain(|edit| !matches!(edit, DiffOp::Equal { .. }));
    edits
}

/// A line of a text.
#[derive(Debug)]
struct Line {
    /// The path of the field that it is about; empty when unknown.
    path: String,
    /// Where in `path` each of its parts ends.
    ends: Vec<usize>,
}

impl Line {
    /// A line in what is open above it.
    fn new(levels: &[Level]) -> Self {
        let mut path = String::new();
        let mut ends = Vec::with_capacity(levels.len());
        for level in levels {
            level.append(&mut path);
            ends.push(path.len());
        }
        Self { path, ends }
    }

    /// The paths above the line's and its own, from the top.
    fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.ends.iter().filter_map(|end| self.path.get(..*end))
    }
}

/// What is open above a line.
#[derive(Debug)]
enum Level {
    Key {
        column: usize,
        name: String,
    },
    Item {
        column: usize,
        index: usize,
        name: Option<String>,
    },
}

impl Level {
    fn column(&self) -> usize {
        match self {
            Self::Key { column, .. } | Self::Item { column, .. } => *column,
        }
    }

    /// Appends its part of a path. A key with dots stands in brackets, as an item does.
    fn append(&self, path: &mut String) {
        match self {
            Self::Key { name, .. } if name.contains('.') => {
                path.extend(["[", name.as_str(), "]"]);
            }
            Self::Key { name, .. } if path.is_empty() => path.push_str(name),
            Self::Key { name, .. } => path.extend([".", name.as_str()]),
            Self::Item {
                name: Some(name), ..
            } => path.extend(["[", name.as_str(), "]"]),
            Self::Item { index, .. } => path.push_str(&format!("[{index}]")),
        }
    }
}

fn lines(text: &str) -> Vec<Line> {
    let mut levels: Vec<Level> = Vec::new();
    // The column that a block scalar's text is right of, inside one.
    let mut scalar = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        let mut column = line.len() - content.len();
        if content.is_empty() || scalar.is_some_and(|edge| column > edge) {
            lines.push(Line::new(&levels));
            continue;
        }
        scalar = None;
        if content.starts_with('#') {
            // A comment is about what follows, which isn't known yet.
            lines.push(Line::new(&[]));
            continue;
        }

        let mut rest = content;
        while let Some(item) = rest
            .strip_prefix("- ")
            .or(rest.strip_prefix('-').filter(|r| r.is_empty()))
        {
            open_item(&mut levels, column, item);
            let inner = item.trim_start_matches(' ');
            scalar = is_block_scalar(inner).then_some(column);
            column += rest.len() - inner.len();
            rest = inner;
        }
        if let Some((name, after)) = key(rest) {
            while levels.last().is_some_and(|level| level.column() >= column) {
                levels.pop();
            }
            levels.push(Level::Key {
                column,
                name: name.to_owned(),
            });
            scalar = is_block_scalar(after).then_some(column);
        }
        lines.push(Line::new(&levels));
    }
    lines
}

/// Opens the next item of the sequence whose dashes are in a column, or the first of a new one.
fn open_item(levels: &mut Vec<Level>, column: usize, content: &str) {
    while levels.last().is_some_and(|level| level.column() > column) {
        levels.pop();
    }
    let name = match key(content.trim_start()) {
        Some(("name", value)) => Some(plain(value).to_owned()),
        _ => None,
    };
    let index = match levels.last() {
        Some(Level::Item {
            column: at, index, ..
        }) if *at == column => {
            let next = index + 1;
            levels.pop();
            next
        }
        _ => 0,
    };
    levels.push(Level::Item {
        column,
        index,
        name,
    });
}

/// Splits `key: value`, with the key's quotes gone.
fn key(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = match text.strip_prefix(['"', '\'']) {
        Some(quoted) => {
            let (name, rest) = quoted.split_once(text.get(..1)?)?;
            (name, rest.trim_start().strip_prefix(':')?)
        }
        None if text.starts_with(['{', '[', '|', '>', '&', '*', '!', '?']) => return None,
        None => match text.split_once(": ") {
            Some(split) => split,
            None => (text.trim_end().strip_suffix(':')?, ""),
        },
    };
    (rest.is_empty() || rest.starts_with(' ') || !text.starts_with(['"', '\'']))
        .then(|| (name.trim_end(), rest.trim()))
}

fn is_block_scalar(value: &str) -> bool {
    value.starts_with(['|', '>'])
}

/// A value without quotes and comment; empty for values that are not on the line.
fn plain(value: &str) -> &str {
    if let Some(quote) = value.get(..1).filter(|first| matches!(*first, "\"" | "'")) {
        return value
            .get(1..)
            .and_then(|rest| rest.split(quote).next())
            .unwrap_or_default();
    }
    if value.starts_with(['{', '[', '|', '>', '#', '&', '*', '!']) {
        return "";
    }
    value.split(" #").next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<String> {
        changed(before, after)
            .iter()
            .map(Field::to_string)
            .collect()
    }

    const DEPLOYMENT: &str = "\
kind: Deployment
metadata:
  name: \"runner\" # ours
spec:
  containers:
  - name: one
    command: [a]
  - name: two
    env:
      - name: A
        value: b: c
    script: |
      key: not a key
      - not an item
status: {}
";

    #[test]
    fn a_new_field_is_told_by_its_top() {
        let after = DEPLOYMENT.replace(
            "    env:\n",
            "    ports:\n    - name: http\n      port: 1\n    env:\n",
        );
        assert_eq!(told(DEPLOYMENT, &after), ["+ spec.containers[two].ports"]);
        assert_eq!(told(&after, DEPLOYMENT), ["- spec.containers[two].ports"]);
    }

    #[test]
    fn a_key_with_dots_is_one_part() {
        let before = "metadata:\n  annotations:\n    example.com/a: x\n";
        let after = format!("{before}    example.com/b: y\n");
        assert_eq!(
            told(before, &after),
            ["+ metadata.annotations[example.com/b]"]
        );
    }

    #[test]
    fn a_changed_value_is_told_once() {
        let after = DEPLOYMENT.replace("value: b: c", "value: d");
        assert_eq!(
            told(DEPLOYMENT, &after),
            ["~ spec.containers[two].env[A].value"]
        );
    }

    #[test]
    fn a_block_scalar_is_one_field() {
        let after = DEPLOYMENT.replace("      key: not a key\n", "      x: y\n\n      z: [\n");
        assert_eq!(told(DEPLOYMENT, &after), ["~ spec.containers[two].script"]);
    }

    #[test]
    fn a_new_item_is_told_by_its_index_or_name() {
        assert_eq!(told("a:\n- x\n- y\n", "a:\n- x\n- y\n- z\n"), ["+ a[2]"]);
        let after = DEPLOYMENT.replace("status", "  - name: three\n    image: x\nstatus");
        assert_eq!(told(DEPLOYMENT, &after), ["+ spec.containers[three]"]);
    }

    #[test]
    fn json_is_not_placed() {
        assert_eq!(told("{\n\"a\": 1\n}\n", "{\n\"a\": 2\n}\n"), ["~ a"]);
        assert!(told("{a: 1}\n", "{a: 2}\n").is_empty());
    }
}
