//! New members and items, and their positions.

use serde_json::Value;

use super::editor::Editor;
use super::splice::Splice;
use crate::emit::{self, Style};
use crate::tree::{Kind, NodeId};

/// A value to write: from the patch, or copied from the text.
pub(super) enum New<'v> {
    Value(&'v Value),
    Flow(String),
}

impl New<'_> {
    fn flow(&self, plain_keys: bool) -> String {
        match self {
            Self::Value(value) => emit::flow(value, plain_keys),
            Self::Flow(text) => text.clone(),
        }
    }

    fn after_key(&self, key_column: usize, style: Style) -> String {
        match self {
            Self::Value(value) => emit::after_key(value, key_column, style),
            Self::Flow(text) => format!(" {text}"),
        }
    }
}

impl Editor<'_, '_> {
    pub(super) fn add(&self, parent: NodeId, token: &str, value: &Value) -> Option<Splice> {
        match &self.tree.node(parent).kind {
            Kind::Mapping { .. } => match self.tree.entry(parent, token) {
                Some((_, member)) => Some(self.replace(parent, member, value)),
                None => self.insert_member(parent, token, &New::Value(value)),
            },
            Kind::Sequence { items, .. } => {
                let index = match token {
                    "-" => items.len(),
                    index => index.parse().ok()?,
                };
                self.insert_item(parent, index, value)
            }
            _ => None,
        }
    }

    pub(super) fn insert_member(
        &self,
        parent: NodeId,
        key: &str,
        value: &New<'_>,
    ) -> Option<Splice> {
        let entries = self.tree.entries(parent);
        if self.is_flow(parent) {
            let plain = self.plain_keys(parent);
            let member = format!("{}: {}", emit::flow_key(key, plain), value.flow(plain));
            return Some(self.append_to_flow(
                parent,
                entries.last().map(|(_, last)| *last),
                &member,
            ));
        }
        let (_, last) = entries.last()?;
        let column = self.tree.column(self.tree.node(parent).content);
        let at = self.line_after(*last, column);
        let value = match value {
            New::Value(value) if self.runs_on(value, at, column) => {
                format!(" {}", emit::flow(value, true))
            }
            value => value.after_key(column, self.style),
        };
        let key = emit::inline_string(key);
        Some(self.insert_line(at, &format!("{}{key}:{value}", " ".repeat(column))))
    }

    pub(super) fn insert_item(
        &self,
        parent: NodeId,
        index: usize,
        value: &Value,
    ) -> Option<Splice> {
        let items = self.tree.items(parent);
        let before = index
            .checked_sub(1)
            .and_then(|before| items.get(before))
            .copied();
        let after = items.get(index).copied();
        if self.is_flow(parent) {
            let item = emit::flow(value, self.plain_keys(parent));
            return Some(match after {
                Some(after) => {
                    let start = self.tree.node(after).span.start;
                    Splice {
                        range: start..start,
                        text: format!("{item}, "),
                    }
                }
                None => self.append_to_flow(parent, before, &item),
            });
        }
        let dash = self.tree.node(before.or(after)?).indicator?;
        let column = self.tree.column(dash);
        let pad = " ".repeat(column);
        let Some(before) = before else {
            let item = emit::after_dash(value, column, self.style);
            // There may be other text before the dash on its line.
            return Some(Splice {
                range: dash..dash,
                text: format!("- {item}{}{pad}", self.style.newline),
            });
        };
        let at = self.line_after(before, column);
        let item = if self.runs_on(value, at, column) {
            emit::flow(value, true)
        } else {
            emit::after_dash(value, column, self.style)
        };
        Some(self.insert_line(at, &format!("{pad}- {item}")))
    }

    pub(super) fn append_to_flow(
        &self,
        parent: NodeId,
        last: Option<NodeId>,
        member: &str,
    ) -> Splice {
        let node = self.tree.node(parent);
        match last {
            Some(last) => {
                let end = self.tree.node(last).span.end;
                // A key without a value: libyaml treats `key:,` as a scalar.
                let blank = if self.text(0..end).ends_with(':') {
                    " "
                } else {
                    ""
                };
                Splice {
                    range: end..end,
                    text: format!("{blank}, {member}"),
                }
            }
            None => {
                let inside = node.content + 1..node.span.end - 1;
                let blank = self.text(inside.clone()).trim_matches(' ').is_empty();
                Splice {
                    range: if blank {
                        inside
                    } else {
                        inside.start..inside.start
                    },
                    text: member.to_owned(),
                }
            }
        }
    }

    /// The position after the lines of a node at `column` and the comments with a deeper
    /// indentation, which belong to it.
    pub(super) fn line_after(&self, node: NodeId, column: usize) -> usize {
        let end = self.tree.next_line(self.tree.node(node).span.end);
        self.comments_below(end, column)
    }

    /// Whole lines before the line that begins at `at`.
    pub(super) fn insert_line(&self, at: usize, text: &str) -> Splice {
        let newline = self.style.newline;
        let text = if self.text(0..at).ends_with('\n') {
            format!("{text}{newline}")
        } else {
            format!("{newline}{text}")
        };
        Splice {
            range: at..at,
            text,
        }
    }

    /// The end of the comments after `from` that are indented deeper than `column`; `from` if there
    /// are none.
    pub(super) fn comments_below(&self, from: usize, column: usize) -> usize {
        let mut end = from;
        let mut at = from;
        for line in self.text(from..self.tree.text.len()).split_inclusive('\n') {
            at += line.len();
            let content = line.trim_start_matches(' ');
            if content.starts_with('#') && line.len() - content.len() > column {
                end = at;
            } else if !content.trim().is_empty() {
                break;
            }
        }
        end
    }

    /// Whether the value ends in a literal that would take the lines below for its text: comments, or
    /// blank lines with many blanks.
    pub(super) fn runs_on(&self, value: &Value, below: usize, column: usize) -> bool {
        let lines = self.text(below..self.tree.text.len()).lines();
        let mut blank_lines = lines.take_while(|line| line.trim().is_empty());
        ends_in_literal(value)
            && (self.comments_below(below, column) > below
                || blank_lines.any(|line| line.len() > column + 2))
    }
}

/// Whether the last line of a value in block style belongs to a literal.
fn ends_in_literal(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n'),
        Value::Array(items) => items.last().is_some_and(ends_in_literal),
        Value::Object(members) => members.values().next_back().is_some_and(ends_in_literal),
        _ => false,
    }
}
