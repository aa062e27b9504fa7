//! The reader for everything else: it parses the whole list.

use std::ops::Range;

use serde_json::Value;
use yaml_splice::tree::{Kind, NodeId, skip_gap};
use yaml_splice::{Tree, YamlError, YamlErrorKind};

use super::{Form, ItemSpan, Layout};

/// The reader for everything that [`super::by_lines()`] is unsure about.
///
/// # Errors
/// As [`super::scan`].
pub(in crate::resource_list) fn by_tree(text: &str) -> Result<Layout, YamlError> {
    let (offset, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => (text.len() - body.len(), body),
        None => (0, text),
    };
    if body.starts_with('\u{feff}') {
        // The parser would mistake this byte order mark for the first one.
        return Err(YamlError {
            kind: YamlErrorKind::Ambiguous,
            message: "there are two byte order marks; keep one".to_owned(),
            line: 1,
            column: 2,
        });
    }
    let tree = Tree::parse(body)?;
    let root = Root::of(&tree)?;
    let shift = |range: Range<usize>| range.start + offset..range.end + offset;
    let items = root.item_ranges()?.into_iter().map(|range| ItemSpan {
        range: shift(range),
        head: None,
    });
    Ok(Layout {
        api_version: root.scalar("apiVersion"),
        kind: root.scalar("kind"),
        root: root.own_form(),
        items: items.collect(),
        form: root.form(),
        function_config: root.function_config()?,
        results: root.results().map(shift),
        end: root.end + offset,
    })
}

/// The root mapping of the list.
struct Root<'t, 'a> {
    tree: &'t Tree<'a>,
    id: NodeId,
    flow: bool,
    /// Where a member can be added.
    end: usize,
    /// Where each member ends: where the next one begins.
    ends: Vec<usize>,
}

impl<'t, 'a> Root<'t, 'a> {
    fn of(tree: &'t Tree<'a>) -> Result<Self, YamlError> {
        let not_a_mapping = || YamlError {
            kind: YamlErrorKind::NotAMapping,
            message: "this is not a mapping".to_owned(),
            line: 1,
            column: 1,
        };
        let id = tree.root().ok_or_else(not_a_mapping)?;
        let Kind::Mapping { flow, ref entries } = tree.node(id).kind else {
            return Err(not_a_mapping());
        };
        let text_end = tree.text.len();
        let root_end = tree.node(id).span.end;
        let end = if let (true, Some((_, last))) = (flow, entries.last()) {
            // Before whatever follows: a comma, a comment.
            tree.node(*last).span.end
        } else if skip_gap(tree.text, root_end) == text_end {
            // Comments at the end belong to the last section.
            text_end
        } else {
            tree.next_line(root_end)
        };
        if !flow {
            for (key, _) in entries {
                begins_line(tree, tree.node(*key).span.start)?;
            }
        }
        let starts = entries.iter().skip(1);
        let starts = starts.map(|(key, _)| tree.line_start(tree.node(*key).span.start));
        Ok(Self {
            tree,
            id,
            flow,
            end,
            ends: starts.chain([end]).collect(),
        })
    }

    fn scalar(&self, name: &str) -> Option<String> {
        let (_, value) = self.tree.entry(self.id, name)?;
        self.tree.scalar(value).map(str::to_owned)
    }

    fn own_form(&self) -> Form {
        if self.flow {
            return Form::Flow;
        }
        Form::Block(self.tree.column(self.tree.node(self.id).span.start))
    }

    fn items(&self) -> &'t [NodeId] {
        let items = self.tree.entry(self.id, "items");
        items.map_or(&[], |(_, items)| self.tree.items(items))
    }

    fn form(&self) -> Form {
        let Some(first) = self.items().first() else {
            return Form::Block(0);
        };
        let list = self.tree.entry(self.id, "items");
        match list.map(|(_, list)| &self.tree.node(list).kind) {
            Some(Kind::Sequence { flow: false, .. }) => {
                Form::Block(dash_line(self.tree, *first).map_or(0, |(_, column)| column))
            }
            _ => Form::Flow,
        }
    }

    fn function_config(&self) -> Result<Option<Value>, YamlError> {
        match self.tree.entry(self.id, "functionConfig") {
            Some((_, value)) => Ok(Some(self.tree.value_of(value)?)),
            None => Ok(None),
        }
    }

    /// A member of the list by its name, and its end.
    fn section(&self, name: &str) -> Option<(NodeId, NodeId, usize)> {
        let mut entries = self.tree.entries(self.id).iter().zip(&self.ends);
        let ((key, value), end) =
            entries.find(|((key, _), _)| self.tree.scalar(*key) == Some(name))?;
        Some((*key, *value, *end))
    }

    fn results(&self) -> Option<Range<usize>> {
        let (key, value, end) = self.section("results")?;
        let start = self.tree.node(key).span.start;
        Some(if self.flow {
            start..self.tree.node(value).span.end
        } else {
            self.tree.line_start(start)..end
        })
    }

    fn item_ranges(&self) -> Result<Vec<Range<usize>>, YamlError> {
        let items = self.items();
        if self.form() == Form::Flow {
            let range = |item: &NodeId| self.tree.node(*item).span.clone();
            return Ok(items.iter().map(range).collect());
        }
        let end = self.section("items").map_or(self.end, |(.., end)| end);
        let mut starts = Vec::with_capacity(items.len());
        for item in items {
            let (start, column) = dash_line(self.tree, *item).unwrap_or((0, 0));
            begins_line(self.tree, start + column)?;
            starts.push(start);
        }
        let ends = starts.iter().skip(1).copied().chain([end]);
        Ok(starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(start, end)| start..end)
            .collect())
    }
}

/// Checks that a node starts its line, as whole lines are inserted, changed and removed. Other
/// programs do not treat a carriage return without a line feed as the end of a line.
fn begins_line(tree: &Tree<'_>, position: usize) -> Result<(), YamlError> {
    let start = tree.line_start(position);
    let before = tree.text.get(start..position);
    if before.is_some_and(|before| !before.contains('\r')) {
        return Ok(());
    }
    let lines_before = tree.text.get(..start).unwrap_or(tree.text);
    Err(YamlError {
        kind: YamlErrorKind::Invalid,
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
