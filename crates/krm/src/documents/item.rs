//! The items of a ResourceList, as the documents that they are.

use std::fmt;

use memchr::memchr_iter;

use super::split::{after, is_content};
use super::{Document, DocumentError, HEAD, LIST, Problem, push_item};
use crate::resource::display_name;
use crate::resource_list::ResourceList;

/// An item of a list, where it stands there; or a document that could be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'text> {
    /// All of its lines.
    raw: &'text str,
    /// The column of its dash; a document has none.
    dash: Option<usize>,
}

/// What an item is called. All is empty where that cannot be told.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName {
    /// `Deployment`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`; empty when absent.
    pub namespace: String,
}

impl<'text> Item<'text> {
    /// A document of some files, given as (path, text).
    pub fn of(document: &Document, files: &[(&str, &'text str)]) -> Self {
        Self {
            raw: document.text(files),
            dash: None,
        }
    }

    /// An item whose lines are `raw`, with its dash in this column.
    pub(super) fn new(raw: &'text str, dash: Option<usize>) -> Self {
        Self { raw, dash }
    }

    /// Its lines as they stand.
    pub(super) fn raw(&self) -> &'text str {
        self.raw
    }

    /// The document that it is: without the dash, the blank after it, and as much indentation.
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

    /// True for the same document, also where it is indented otherwise.
    pub fn is(&self, other: &Self) -> bool {
        self == other || self.dash != other.dash && self.text() == other.text()
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
    });
    Ok(items.collect())
}

/// What items are called.
///
/// # Errors
///
/// [`DocumentError`] where their text is not what a list can hold.
pub fn names(items: &[Item<'_>]) -> Result<Vec<ItemName>, DocumentError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let size = items.iter().map(|item| item.raw.len()).sum::<usize>();
    let mut text = String::with_capacity(size + size / 8 + 256);
    text.push_str(HEAD);
    text.push_str("items:\n");
    let column = items.first().and_then(|item| item.dash);
    let is_even = items.iter().all(|item| item.dash == column);
    for item in items {
        match item.dash {
            None => push_item(&mut text, item.raw),
            // Of lists with different columns.
            Some(_) if !is_even => push_item(&mut text, &item.text()),
            Some(_) => {
                text.push_str(item.raw);
                if !item.raw.ends_with('\n') {
                    text.push('\n');
                }
            }
        }
    }
    let list = ResourceList::read(text.as_bytes()).ok();
    let list = list
        .filter(|list| list.len() == items.len())
        .ok_or_else(|| DocumentError::new(LIST, 1, Problem::NoItems))?;
    let named = (0..list.len()).map(|item| {
        let (kind, name, namespace) = list.head(item);
        ItemName {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        }
    });
    Ok(named.collect())
}

/// `Deployment ci/runner`
impl fmt::Display for ItemName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind.as_str() {
            "" => "(resource)",
            kind => kind,
        };
        formatter.write_str(display_name(kind, &self.name, &self.namespace).trim_end())
    }
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

/// How many blanks a line begins with.
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
