//! The reader for lists in block style: it looks at the beginnings of lines.

use std::ops::Range;

use yaml_splice::Tree;

use super::{Form, HeadRanges, ItemSpan, Layout, plain_text};
use crate::resource_list::lines::{LineReader, NodeLine, Unsure};

/// The reader for lists in block style.
pub(in crate::resource_list) fn by_lines(text: &str) -> Result<Layout, Unsure> {
    if has_odd_blank(text) {
        return Err(Unsure);
    }
    let mut layout = Layout {
        api_version: None,
        kind: None,
        root: Form::Block(0),
        items: Vec::new(),
        form: Form::Block(0),
        function_config: None,
        results: None,
        end: text.len(),
    };
    let mut lines = LineReader::new(text.as_bytes(), after_document_start(text));
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
                // A sequence at the same indentation as its key: `results:` and then `- message:
                // …`.
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

/// In YAML, a carriage return alone also ends a line; and only Rust treats a form feed as blank.
fn has_odd_blank(text: &str) -> bool {
    let text = text.as_bytes();
    memchr::memchr2_iter(b'\r', b'\x0c', text)
        .any(|at| text.get(at) == Some(&b'\x0c') || text.get(at + 1) != Some(&b'\n'))
}

/// Trims YAML's blanks and line ends, a subset of Unicode's.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// The position after a byte order mark, comments, and one `---`.
fn after_document_start(text: &str) -> usize {
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let start = at;
    for line in text.split_at(at).1.split_inclusive('\n') {
        let trimmed = trim(line);
        if trimmed == "---" && line.starts_with('-') {
            return at + line.len();
        }
        if !(trimmed.is_empty() || trimmed.starts_with('#')) {
            break;
        }
        at += line.len();
    }
    start
}

/// A top-level key and its content, while being read.
#[derive(Default)]
struct Section<'a> {
    name: &'a str,
    start: usize,
    value: Range<usize>,
    is_items: bool,
    dash_column: Option<usize>,
    item: Option<OpenItem>,
}

/// An item while it is being read.
struct OpenItem {
    start: usize,
    /// Column of the item's keys, once one has been seen.
    column: Option<usize>,
    /// Set on `metadata:`, with the column of the keys below it once one has been seen.
    metadata: Option<Option<usize>>,
    head: HeadRanges,
    /// It has something that only the parser understands.
    opaque: bool,
}

impl<'a> Section<'a> {
    fn open(text: &str, name: &'a str, line: &NodeLine) -> Result<Self, Unsure> {
        let is_items = name == "items";
        if is_items {
            let value = trim(text.get(line.value.clone()).ok_or(Unsure)?);
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

    /// Lines with a deeper indentation do not affect the layout.
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
                // The parser of the whole list reports the error at the right line.
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

    /// True if the line belongs to the items; false if it ends them.
    fn take_item_line(
        &mut self,
        text: &str,
        layout: &mut Layout,
        line: &NodeLine,
        lines: &LineReader<'_>,
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
            self.item = Some(OpenItem {
                start: line.start,
                column: None,
                metadata: None,
                head: HeadRanges::default(),
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
            item.take(text, line, lines)?;
        }
        Ok(true)
    }
}

impl OpenItem {
    /// The column of the item's own keys, and of those of its metadata.
    fn depth(&self) -> usize {
        match (self.column, self.metadata) {
            (Some(column), None) => column,
            (Some(_), Some(Some(column))) => column,
            _ => usize::MAX,
        }
    }

    fn take(&mut self, text: &str, line: &NodeLine, lines: &LineReader<'_>) -> Result<(), Unsure> {
        // First the item's own dash, then those of sequences inside it.
        if line.dashes > usize::from(line.start == self.start) {
            self.opaque |= self.column.is_none();
            return Ok(());
        }
        let Some((key, column)) = &line.key else {
            // `- {…}` and `- *alias` before any key.
            self.opaque |= self.column.is_none() && !line.value.is_empty();
            return Ok(());
        };
        let (key, column) = (text.get(key.clone()).ok_or(Unsure)?, *column);
        let item_column = *self.column.get_or_insert(column);
        if column == item_column {
            self.metadata = None;
            match key {
                "kind" => self.read(text, line, lines, |head| &mut head.kind),
                "metadata" => {
                    let value = trim(text.get(line.value.clone()).ok_or(Unsure)?);
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
        Ok(())
    }

    fn read(
        &mut self,
        text: &str,
        line: &NodeLine,
        lines: &LineReader<'_>,
        field: impl Fn(&mut HeadRanges) -> &mut Range<usize>,
    ) {
        match plain_text(text, line.value.clone()) {
            Some(range) if field(&mut self.head).start == 0 && !lines.goes_on() => {
                *field(&mut self.head) = range;
            }
            _ => self.opaque = true,
        }
    }
}

/// Keys that may be equivalent to one of the wanted ones: quoted, merged, an alias, with an anchor.
fn is_odd_key(key: &str) -> bool {
    key.starts_with(['"', '\'', '<', '*', '&', '!'])
}
