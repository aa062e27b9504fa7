//! The items of a ResourceList, viewed as documents.

use std::rc::Rc;

use memchr::memchr_iter;
use serde_json::Value;

use super::split::{after, is_content};
use super::{Document, DocumentError, LIST, Problem};
use crate::resource::{Identity, Resource};
use yaml_splice::Tree;

/// An item of a list, in its position there; or a document that could become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'text> {
    /// All of its lines.
    raw: &'text str,
    /// The column of its dash; `None` for a document.
    dash: Option<usize>,
    /// Its value, if an alias in it refers to something outside it.
    meaning: Option<Rc<Value>>,
}

impl<'text> Item<'text> {
    /// A document of some files, given as (path, text).
    pub fn of(document: &Document, files: &[(&str, &'text str)]) -> Self {
        Self {
            raw: document.text(files),
            dash: None,
            meaning: None,
        }
    }

    /// An item whose lines are `raw`, with its dash in this column.
    pub(super) fn new(raw: &'text str, dash: Option<usize>) -> Self {
        Self {
            raw,
            dash,
            meaning: None,
        }
    }

    /// The same item with a given value, if its own text is not sufficient to determine it.
    pub(super) fn meaning(self, value: Value) -> Self {
        Self {
            meaning: Some(Rc::new(value)),
            ..self
        }
    }

    /// Its lines, unchanged.
    pub(super) fn raw(&self) -> &'text str {
        self.raw
    }

    /// The item as a document: without the dash, the blank after it, and the indentation.
    pub fn text(&self) -> String {
        let Some(column) = self.dash else {
            return self.raw.to_owned();
        };
        let mut lines = self.raw.split_inclusive('\n');
        let first = lines.next().and_then(|line| line.get(column + 2..));
        let mut text = first.unwrap_or("\n").to_owned();
        text.reserve(self.raw.len());
        for line in lines {
            text.push_str(line.get(indent(line).min(column + 2)..).unwrap_or_default());
        }
        text
    }

    /// True for an item of a list, false for a document.
    pub(super) fn is_in_list(&self) -> bool {
        self.dash.is_some()
    }

    /// Its value; null if it is not YAML. This parses it.
    pub fn value(&self) -> Value {
        if let Some(meaning) = &self.meaning {
            return meaning.as_ref().clone();
        }
        let text = self.text();
        let value = Tree::parse(&text).and_then(|tree| tree.to_value());
        value.unwrap_or_default()
    }

    /// Its identity; all fields are empty if it is not YAML. This parses it.
    pub fn identity(&self) -> Identity {
        Resource::new(0, self.value()).identity
    }

    /// False if its text rules out this name: a name occurs literally, unless a double-quoted
    /// scalar spells it with escapes, or an alias stands for it.
    pub(super) fn may_be_named(&self, name: &str) -> bool {
        let text = self.raw.as_bytes();
        self.meaning.is_some()
            || memchr::memmem::find(text, name.as_bytes()).is_some()
            || memchr::memchr(b'\\', text).is_some()
    }

    /// True for the same document, even with a different indentation.
    pub fn is(&self, other: &Self) -> bool {
        let has_same_text = if self.dash == other.dash {
            self.raw == other.raw
        } else {
            self.text() == other.text()
        };
        has_same_text && (self.meaning == other.meaning || self.value() == other.value())
    }
}

/// The items of a ResourceList.
///
/// # Errors
///
/// [`DocumentError`] when `items` is not a block sequence at the start of a line, the form that
/// [`to_resource_list`](super::to_resource_list), kustomize and kpt write.
pub fn items(list: &str) -> Result<Vec<Item<'_>>, DocumentError> {
    let mut lines = lines(list).enumerate();
    let Some((_, (_, key))) = lines.find(|(_, (_, line))| line.starts_with("items:")) else {
        return Err(DocumentError::new(LIST, 1, Problem::NoItems));
    };
    match after(key, "items:") {
        Some(rest) if rest.starts_with("[]") => return Ok(Vec::new()),
        Some(rest) if rest.starts_with(['[', '{']) => {
            return Err(DocumentError::new(LIST, 1, Problem::NoItems));
        }
        _ => {}
    }

    let mut starts = Vec::new();
    let mut end = list.len();
    let mut dash = None;
    for (index, (start, line)) in lines {
        let indent = indent(line);
        // Most lines are inside an item.
        if dash.is_some_and(|column| indent > column) {
            continue;
        }
        let content = line.get(indent..).unwrap_or_default();
        if after(content, "-").is_some() && dash.is_none_or(|column| column == indent) {
            dash = Some(indent);
            starts.push(start);
        } else if is_content(line) {
            if dash.is_none() {
                return Err(DocumentError::new(LIST, index + 1, Problem::NoItems));
            }
            end = start;
            break;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([end]);
    let items = starts.iter().zip(ends).map(|(start, end)| Item {
        raw: list.get(*start..end).unwrap_or_default(),
        dash,
        meaning: None,
    });
    Ok(items.collect())
}

/// The lines of a text with their ends, and where each begins.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = memchr_iter(b'\n', text.as_bytes()).map(|end| end + 1);
    let last = (!text.is_empty() && !text.ends_with('\n')).then_some(text.len());
    let mut start = 0;
    ends.chain(last).map(move |end| {
        let line = (start, text.get(start..end).unwrap_or_default());
        start = end;
        line
    })
}

/// The number of blanks at the start of a line.
fn indent(line: &str) -> usize {
    let bytes = line.as_bytes();
    bytes
        .iter()
        .position(|byte| *byte != b' ')
        .unwrap_or(bytes.len())
}

/// True for a line that ends right where it begins.
pub(super) fn is_empty(line: &str) -> bool {
    matches!(line, "" | "\n" | "\r" | "\r\n")
}
