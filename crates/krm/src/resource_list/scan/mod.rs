//! Locates the parts of a ResourceList: items, functionConfig, results.
//!
//! There are two equivalent readers. [`by_lines()`] examines the beginnings of lines, and handles
//! every list that a tool has written. [`by_tree()`] parses everything, and runs if the first is
//! unsure (JSON, flow style, complex keys), and in the tests, which verify that both agree.

mod by_lines;
mod by_tree;

use std::ops::Range;

use serde_json::Value;
use yaml_splice::YamlError;

use super::lines::Unsure;
pub(super) use by_lines::by_lines;
pub(super) use by_tree::by_tree;

/// The parts of a ResourceList, as byte ranges of its text.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) api_version: Option<String>,
    pub(super) kind: Option<String>,
    /// How the list's own mapping is written.
    pub(super) root: Form,
    pub(super) items: Vec<ItemSpan>,
    pub(super) form: Form,
    pub(super) function_config: Option<Value>,
    /// The whole section `results: …`, when the input has one.
    pub(super) results: Option<Range<usize>>,
    /// Where a section can be added.
    pub(super) end: usize,
}

/// How a mapping or a sequence is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `kind: …` or `- apiVersion: …`, with the keys or the dashes in this column.
    Block(usize),
    /// In braces or brackets, as in JSON.
    Flow,
}

/// An item, and its kind and name if its text shows them without parsing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemSpan {
    pub(super) range: Range<usize>,
    /// `None` if only a full parse can tell.
    pub(super) head: Option<HeadRanges>,
}

/// The ranges of an item's kind and name; empty when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct HeadRanges {
    pub(super) kind: Range<usize>,
    pub(super) name: Range<usize>,
    pub(super) namespace: Range<usize>,
}

/// Finds the parts.
///
/// # Errors
/// Text that is not YAML, or whose root is not a mapping.
pub(super) fn scan(text: &str) -> Result<Layout, YamlError> {
    match by_lines(text) {
        Ok(layout) => Ok(layout),
        Err(Unsure) => by_tree(text),
    }
}

/// The range of a scalar whose text equals its value, without quotes; `None` for any other.
pub(super) fn plain_text(text: &str, value: Range<usize>) -> Option<Range<usize>> {
    let raw = text.get(value.clone())?;
    let first = raw.chars().next()?;
    match first {
        '"' | '\'' => {
            let inner = raw.get(1..)?;
            let end = inner.find(first)?;
            let content = inner.get(..end)?;
            let rest = inner.get(end + 1..)?;
            if content.contains('\\') || rest.starts_with(first) || content.is_empty() {
                return None;
            }
            Some(value.start + 1..value.start + 1 + end)
        }
        '&' | '*' | '!' | '|' | '>' | '[' | '{' | '#' => None,
        _ => {
            let has_sign = raw.bytes().any(|byte| byte == b'#');
            let comment = has_sign.then(|| raw.find(" #")).flatten();
            let end = comment.unwrap_or(raw.len());
            let content = raw.get(..end)?.trim_end_matches([' ', '\t', '\r']);
            // A number, a boolean or null is not a name.
            let number_like = first.is_ascii_digit() || matches!(first, '+' | '-' | '.' | '~');
            let word = ["null", "true", "false"]
                .iter()
                .any(|word| content.eq_ignore_ascii_case(word));
            if number_like || word || content.is_empty() {
                return None;
            }
            Some(value.start..value.start + content.len())
        }
    }
}

#[cfg(test)]
mod tests;
