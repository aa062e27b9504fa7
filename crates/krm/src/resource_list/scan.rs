//! Where the parts of a ResourceList stand: items, functionConfig, results.
//!
//! There are two readers with the same answer. [`by_lines`] looks at the beginnings of lines and
//! is what runs on every list that a tool has written; [`by_tree`] parses everything, and runs
//! where the first is not sure (JSON, flow style, complex keys) and in the tests, which hold that
//! both agree.

use std::ops::Range;

use serde_json::Value;

use super::lines::{Line, Lines, Unsure};
use yaml_splice::tree::{Kind, NodeId, skip_gap};
use yaml_splice::{Tree, YamlError};

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

/// One item and what can be told of it without parsing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ItemSpan {
    pub(super) range: Range<usize>,
    /// `None` when only a full parse tells.
    pub(super) head: Option<Head>,
}

/// What an item says it is; each field is the range of a plain text, empty when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
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

/// The reader for lists in block style.
pub(super) fn by_lines(text: &str) -> Result<Layout, Unsure> {
    if has_odd_blank(text) {
        return Err(Unsure);
    }
    let mut layout = Layout {
        api_version: None,
        kind: None,
        column: 0,
        items: Vec::new(),
        form: Form::Block(0),
        function_config: None,
        results: None,
        end: text.len(),
    };
    let mut lines = Lines::new(text.as_bytes(), after_document_start(text));
    let mut section = Section::default();
    let mut seen: Vec<&str> = Vec::new();
    while let Some(line) = lines.next(section.depth())? {
        if section.is_items && section.take_item_line(text, &mut layout, &line, &lines)? {
            continue;
        }
        if line.indent > 0 {
            if section.name.is_empty() || section.is_items {
                return Err(Unsure);
            }
            continue;
        }
        let Some((key, _)) = line.key.clone().filter(|_| line.dashes == 0) else {
            if line.dashes > 0 && !section.name.is_empty() && !section.is_items {
                // A sequence level with its key: `results:` and then `- message: …`.
                continue;
            }
            return Err(Unsure);
        };
        let name = text.get(key).ok_or(Unsure)?;
        if seen.contains(&name) || name.starts_with(['"', '\'']) {
            return Err(Unsure);
        }
        seen.push(name);
        section.close(text, &mut layout, line.start)?;
        section = Section::open(text, name, &line)?;
        let scalar = || {
            let text = section.scalar(text).filter(|_| !lines.goes_on());
            text.map(str::to_owned).ok_or(Unsure)
        };
        match name {
            "apiVersion" => layout.api_version = Some(scalar()?),
            "kind" => layout.kind = Some(scalar()?),
            _ => {}
        }
    }
    section.close(text, &mut layout, text.len())?;
    Ok(layout)
}

/// A carriage return ends a line, to YAML, also where no line feed is behind it; and a form feed is
/// a blank to Rust alone.
fn has_odd_blank(text: &str) -> bool {
    let text = text.as_bytes();
    memchr::memchr2_iter(b'\r', b'\x0c', text)
        .any(|at| text.get(at) == Some(&b'\x0c') || text.get(at + 1) != Some(&b'\n'))
}

/// Without the blanks and line ends around it, of which Unicode has more than YAML.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Behind a byte order mark, comments, and one `---`.
fn after_document_start(text: &str) -> usize {
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
        let trimmed = trim(line);
        if trimmed == "---" && line.starts_with('-') {
            return at + line.len();
        }
        if !(trimmed.is_empty() || trimmed.starts_with('#')) {
            break;
        }
        at += line.len();
    }
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

/// A top-level key and what is under it, while it is being read.
#[derive(Default)]
struct Section<'a> {
    name: &'a str,
    start: usize,
    value: Range<usize>,
    is_items: bool,
    dash_column: Option<usize>,
    item: Option<Item>,
}

/// An item while it is being read.
struct Item {
    start: usize,
    /// Column of the item's keys, once one has been seen.
    column: Option<usize>,
    /// Set on `metadata:`, with the column of the keys below it once one has been seen.
    metadata: Option<Option<usize>>,
    head: Head,
    /// Something stands here that only the parser understands.
    opaque: bool,
}

impl<'a> Section<'a> {
    fn open(text: &str, name: &'a str, line: &Line) -> Result<Self, Unsure> {
        let is_items = name == "items";
        if is_items {
            let value = trim(text.get(line.value.clone()).unwrap_or_default());
            if !(value.is_empty() || value.starts_with('#') || value == "[]") {
                return Err(Unsure);
            }
        }
        Ok(Self {
            name,
            start: line.start,
            value: line.value.clone(),
            is_items,
            ..Self::default()
        })
    }

    /// Lines that are indented deeper say nothing about the layout.
    fn depth(&self) -> usize {
        match &self.item {
            Some(item) => item.depth(),
            None => usize::MAX,
        }
    }

    fn scalar<'t>(&self, text: &'t str) -> Option<&'t str> {
        plain_text(text, self.value.clone()).and_then(|range| text.get(range))
    }

    fn close(&mut self, text: &str, layout: &mut Layout, end: usize) -> Result<(), Unsure> {
        self.close_item(layout, end);
        match self.name {
            "functionConfig" => {
                let section = text.get(self.start..end).ok_or(Unsure)?;
                // An error is told by the parser of the whole, which knows the right line.
                let tree = Tree::parse(section).map_err(|_| Unsure)?;
                let root = tree.root().ok_or(Unsure)?;
                let (_, value) = tree.entry(root, self.name).ok_or(Unsure)?;
                layout.function_config = Some(tree.value_of(value).map_err(|_| Unsure)?);
            }
            "results" => layout.results = Some(self.start..end),
            _ => {}
        }
        Ok(())
    }

    fn close_item(&mut self, layout: &mut Layout, end: usize) {
        if let Some(item) = self.item.take() {
            layout.items.push(ItemSpan {
                range: item.start..end,
                head: (!item.opaque).then_some(item.head),
            });
        }
    }

    /// True when the line is one of the items; false when it ends them.
    fn take_item_line(
        &mut self,
        text: &str,
        layout: &mut Layout,
        line: &Line,
        lines: &Lines<'_>,
    ) -> Result<bool, Unsure> {
        let column = match self.dash_column {
            Some(column) => column,
            None if line.dashes > 0 => {
                layout.form = Form::Block(line.indent);
                *self.dash_column.insert(line.indent)
            }
            None => return Ok(false),
        };
        if line.indent == column && line.dashes > 0 {
            self.close_item(layout, line.start);
            self.item = Some(Item {
                start: line.start,
                column: None,
                metadata: None,
                head: Head::default(),
                opaque: false,
            });
        } else if line.indent <= column {
            return if line.indent == 0 {
                Ok(false)
            } else {
                Err(Unsure)
            };
        }
        if let Some(item) = &mut self.item {
            item.take(text, line, lines);
        }
        Ok(true)
    }
}

impl Item {
    /// How deep the item's own keys, and those of its metadata, are.
    fn depth(&self) -> usize {
        match (self.column, self.metadata) {
            (Some(column), None) => column,
            (Some(_), Some(Some(column))) => column,
            _ => usize::MAX,
        }
    }

    fn take(&mut self, text: &str, line: &Line, lines: &Lines<'_>) {
        // The item's own dash, and then those of sequences inside it.
        if line.dashes > usize::from(line.start == self.start) {
            self.opaque |= self.column.is_none();
            return;
        }
        let Some((key, column)) = &line.key else {
            // `- {…}` and `- *alias` before any key.
            self.opaque |= self.column.is_none() && !line.value.is_empty();
            return;
        };
        let (key, column) = (text.get(key.clone()).unwrap_or_default(), *column);
        let item_column = *self.column.get_or_insert(column);
        if column == item_column {
            self.metadata = None;
            match key {
                "kind" => self.read(text, line, lines, |head| &mut head.kind),
                "metadata" => {
                    let value = trim(text.get(line.value.clone()).unwrap_or_default());
                    self.opaque |= !(value.is_empty() || value.starts_with('#'));
                    self.metadata = Some(None);
                }
                _ => self.opaque |= is_odd_key(key),
            }
        } else if let Some(seen) = self.metadata {
            let metadata_column = seen.unwrap_or(column);
            self.metadata = Some(Some(metadata_column));
            if column == metadata_column {
                match key {
                    "name" => self.read(text, line, lines, |head| &mut head.name),
                    "namespace" => self.read(text, line, lines, |head| &mut head.namespace),
                    _ => self.opaque |= is_odd_key(key),
                }
            }
        }
    }

    fn read(
        &mut self,
        text: &str,
        line: &Line,
        lines: &Lines<'_>,
        field: impl Fn(&mut Head) -> &mut Range<usize>,
    ) {
        match plain_text(text, line.value.clone()) {
            Some(range) if field(&mut self.head).start == 0 && !lines.goes_on() => {
                *field(&mut self.head) = range;
            }
            _ => self.opaque = true,
        }
    }
}

/// Keys that may stand for one of those looked for: quoted, merged, an alias, with an anchor.
fn is_odd_key(key: &str) -> bool {
    key.starts_with(['"', '\'', '<', '*', '&', '!'])
}

/// The range of a scalar that is written as it reads, without its quotes; `None` for all others.
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
            // A number, a boolean or null is no name.
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

/// The reader for everything else: parses the whole list.
pub(super) fn by_tree(text: &str) -> Result<Layout, YamlError> {
    let offset = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let body = text.get(offset..).unwrap_or_default();
    let tree = Tree::parse(body)?;
    let not_a_mapping = || YamlError {
        message: "this is not a mapping".to_owned(),
        line: 1,
        column: 1,
    };
    let root = tree.root().ok_or_else(not_a_mapping)?;
    let Kind::Mapping { flow, .. } = tree.node(root).kind else {
        return Err(not_a_mapping());
    };
    let scalar = |name: &str| {
        tree.entry(root, name)
            .and_then(|(_, value)| tree.scalar(value))
            .map(str::to_owned)
    };
    let shift = |range: Range<usize>| range.start + offset..range.end + offset;
    let root_end = tree.node(root).span.end;
    let end = if flow {
        root_end - 1
    } else if skip_gap(body, root_end) == body.len() {
        // Comments at the end belong to the last section.
        body.len()
    } else {
        tree.next_line(root_end)
    };
    let items = tree.entry(root, "items").map(|(_, value)| value);
    let form = match items.map(|items| &tree.node(items).kind) {
        Some(Kind::Sequence { flow: false, items }) if !items.is_empty() => {
            let first = items.first().and_then(|item| dash_line(&tree, *item));
            Form::Block(first.map_or(0, |(_, column)| column))
        }
        _ => Form::Flow,
    };
    let ends = section_ends(&tree, root, end);
    if !flow {
        for (key, _) in tree.entries(root) {
            begins_line(&tree, tree.node(*key).span.start)?;
        }
    }
    let function_config = match tree.entry(root, "functionConfig") {
        Some((_, value)) => Some(tree.value_of(value)?),
        None => None,
    };
    let results = tree
        .entries(root)
        .iter()
        .position(|(key, _)| tree.scalar(*key) == Some("results"))
        .and_then(|index| {
            let (key, value) = tree.entries(root).get(index)?;
            let start = tree.node(*key).span.start;
            Some(if flow {
                start..tree.node(*value).span.end
            } else {
                tree.line_start(start)..*ends.get(index)?
            })
        });
    let mut spans = Vec::new();
    if let Some(list) = items {
        let members = tree.items(list);
        let list_end = tree
            .entries(root)
            .iter()
            .position(|(_, value)| *value == list)
            .and_then(|index| ends.get(index).copied())
            .unwrap_or(end);
        for (index, member) in members.iter().enumerate() {
            let range = match form {
                Form::Flow => tree.node(*member).span.clone(),
                Form::Block(_) => {
                    let start = match dash_line(&tree, *member) {
                        Some((start, column)) => {
                            begins_line(&tree, start + column)?;
                            start
                        }
                        None => 0,
                    };
                    let next = members
                        .get(index + 1)
                        .and_then(|next| dash_line(&tree, *next))
                        .map_or(list_end, |(start, _)| start);
                    start..next
                }
            };
            spans.push(ItemSpan {
                range: shift(range),
                head: None,
            });
        }
    }
    Ok(Layout {
        api_version: scalar("apiVersion"),
        kind: scalar("kind"),
        column: if flow {
            0
        } else {
            tree.column(tree.node(root).span.start)
        },
        items: spans,
        form: if spans_are_empty(items, &tree) {
            Form::Block(0)
        } else {
            form
        },
        function_config,
        results: results.map(shift),
        end: end + offset,
    })
}

fn spans_are_empty(items: Option<NodeId>, tree: &Tree<'_>) -> bool {
    items.is_none_or(|items| tree.items(items).is_empty())
}

/// Where each top-level member ends: where the next one begins.
fn section_ends(tree: &Tree<'_>, root: NodeId, end: usize) -> Vec<usize> {
    let entries = tree.entries(root);
    (0..entries.len())
        .map(|index| {
            entries
                .get(index + 1)
                .map_or(end, |(key, _)| tree.line_start(tree.node(*key).span.start))
        })
        .collect()
}

/// Whole lines are what is put in, changed and taken out. A carriage return without a line feed makes
/// lines that are none to other programs.
fn begins_line(tree: &Tree<'_>, position: usize) -> Result<(), YamlError> {
    let start = tree.line_start(position);
    let before = tree.text.get(start..position).unwrap_or_default();
    if !before.contains('\r') {
        return Ok(());
    }
    let lines_before = tree.text.get(..start).unwrap_or_default();
    Err(YamlError {
        message: "there is a carriage return inside the line; end lines with LF or CRLF".to_owned(),
        line: memchr::memchr_iter(b'\n', lines_before.as_bytes()).count() + 1,
        column: 1,
    })
}

/// Where the line of a member's dash starts, and the dash's column.
fn dash_line(tree: &Tree<'_>, member: NodeId) -> Option<(usize, usize)> {
    let dash = tree.node(member).indicator?;
    Some((tree.line_start(dash), tree.column(dash)))
}

#[cfg(test)]
mod tests;
