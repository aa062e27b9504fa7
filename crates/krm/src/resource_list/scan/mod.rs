//! Where the parts of a ResourceList stand: items, functionConfig, results.
//!
//! There are two readers with the same answer. [`by_lines()`] looks at the beginnings of lines and
//! is what runs on every list that a tool has written; [`by_tree()`] parses everything, and runs
//! where the first is not sure (JSON, flow style, complex keys) and in the tests, which hold that
//! both agree.

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
    /// The column of the list's own keys.
    pub(super) column: usize,
    pub(super) items: Vec<ItemSpan>,
    pub(super) form: Form,
    pub(super) function_config: Option<Value>,
    /// The whole section `results: …`, when the input has one.
    pub(super) results: Option<Range<usize>>,
    /// Where a section can be added.
    pub(super) end: usize,
}

/// How the list of items is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `- apiVersion: …` with the dashes in this column.
    Block(usize),
    /// `[{"apiVersion": …}]`
    Flow,
}

/// An item, and the kind and name that its text shows without a parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemSpan {
    pub(super) range: Range<usize>,
    /// `None` when only a full parse tells.
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

/// The range of a scalar whose text is its value, without quotes; `None` for all others.
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
