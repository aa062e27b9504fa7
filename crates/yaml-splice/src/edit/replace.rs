//! Replaces a value, in the style of the old one.

use std::ops::Range;

use saphyr_parser::ScalarStyle;
use serde_json::Value;

use super::editor::Editor;
use super::splice::Splice;
use crate::tree::{Kind, LONGEST_IMPLICIT_KEY, NodeId, line_end};
use crate::{block_scalar, emit, inline_scalar};

impl Editor<'_, '_> {
    pub(super) fn replace(&self, parent: NodeId, member: NodeId, value: &Value) -> Splice {
        let node = self.tree.node(member);
        let flow = self.is_flow(parent);
        let column = match (&self.tree.node(parent).kind, node.indicator) {
            (Kind::Sequence { .. }, Some(dash)) => self.tree.column(dash),
            _ => self.tree.column(self.tree.node(parent).content),
        };
        let inline = if let Some(inline) = self.same_spelling(member, value, column, flow) {
            Some(inline)
        } else if flow {
            let text = match value {
                Value::String(text) if self.is_plain_string(member) => emit::inline_string(text),
                value => emit::flow(value, self.plain_keys(parent)),
            };
            Some((node.span.start, text))
        } else {
            self.same_style(member, value, column)
        };
        if let Some((start, text)) = inline {
            let lead_in = match (node.span.is_empty(), node.indicator) {
                (false, _) => String::new(),
                (true, Some(_)) => " ".to_owned(),
                // `{key}`
                (true, None) if flow => return self.give_value(parent, member, &text),
                // `? key`
                (true, None) => format!("{}{}: ", self.style.newline, " ".repeat(column)),
            };
            return Splice {
                range: start..node.span.end,
                text: format!("{lead_in}{text}"),
            };
        }
        let Some(indicator) = node.indicator else {
            return Splice {
                range: node.span.clone(),
                text: format!(
                    "{}{}:{}",
                    self.style.newline,
                    " ".repeat(column),
                    emit::after_key(value, column, self.style)
                ),
            };
        };
        let below = self.tree.next_line(node.span.end);
        let text = match self.tree.node(parent).kind {
            _ if self.runs_on(value, below, column) => format!(" {}", emit::flow(value, true)),
            // A block may become nothing, which is null.
            _ if value.is_null() && self.is_block(member) => String::new(),
            Kind::Sequence { .. } => format!(" {}", emit::after_dash(value, column, self.style)),
            _ => emit::after_key(value, column, self.style),
        };
        self.fill(indicator + 1, node.span.clone(), &text)
    }

    /// Whether a node is an unquoted string, which JSON does not have.
    fn is_plain_string(&self, id: NodeId) -> bool {
        let style = match &self.tree.node(id).kind {
            Kind::Scalar { style, .. } => *style,
            _ => return false,
        };
        style == ScalarStyle::Plain && self.tree.value_of(id).is_ok_and(|value| value.is_string())
    }

    /// Adds a value to the key of `{key}`.
    pub(super) fn give_value(&self, parent: NodeId, member: NodeId, text: &str) -> Splice {
        let entries = self.tree.entries(parent).iter();
        let key = entries.rev().find(|(_, value)| *value == member);
        let key = key.map(|(key, _)| self.tree.node(*key));
        let end = self.tree.node(member).span.end;
        let needs_indicator = key
            .filter(|key| key.indicator.is_none() && !may_be_implicit(self.text(key.span.clone())));
        match needs_indicator {
            Some(key) => Splice {
                range: key.span.start..end,
                text: format!("? {}: {text}", self.text(key.span.start..end)),
            },
            None => Splice {
                range: end..end,
                text: format!(": {text}"),
            },
        }
    }

    /// Replaces an old value and the text between it and its key or dash. Comments on the first and
    /// last line of that move to the line of the key.
    pub(super) fn fill(&self, slot: usize, old: Range<usize>, text: &str) -> Splice {
        let line_end = line_end(self.tree.text, old.end);
        let behind = self.text(old.end..line_end).trim_end_matches('\r');
        let (first, below) = match text.find(self.style.newline) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut filled = first.to_owned();
        // Behind the `:` of an explicit key, libyaml refuses tabs above a block.
        let mut before = self.text(0..slot).trim_end_matches(':').chars().rev();
        let is_explicit = before.find(|c| *c != ' ').is_none_or(|c| c == '\n');
        let is_tabbed = |comment: &str| is_explicit && first.is_empty() && comment.contains('\t');
        // Trailing blanks on a line stay only if no text is added to it.
        let mut keep = |comment: &str| match comment.trim() {
            "" if is_tabbed(comment) => {}
            trimmed if is_tabbed(comment) => filled.push_str(&format!(" {trimmed}")),
            "" if !first.is_empty() => {}
            _ => filled.push_str(comment),
        };
        let gap = self.text(slot..old.start);
        if let Some((comment, _)) = gap.split_once('\n') {
            keep(comment.trim_end_matches('\r'));
        }
        let mut end = old.end;
        if !below.is_empty() {
            keep(behind);
            end += behind.len();
        }
        filled.push_str(below);
        Splice {
            range: slot..end,
            text: filled,
        }
    }

    /// A quoted or plain scalar with its new value, and its start. Unchanged characters keep their
    /// spelling.
    pub(super) fn same_spelling(
        &self,
        member: NodeId,
        value: &Value,
        column: usize,
        flow: bool,
    ) -> Option<(usize, String)> {
        let node = self.tree.node(member);
        let Kind::Scalar {
            value: old,
            style,
            tag: None,
        } = &node.kind
        else {
            return None;
        };
        let source = self.text(node.content..node.span.end);
        // A plain scalar on one line, or in a flow collection, can simply be rewritten.
        if *style == ScalarStyle::Plain && (flow || !source.contains('\n')) {
            return None;
        }
        let new = value.as_str()?;
        let newline = self.style.newline;
        let text = inline_scalar::rewrite(source, *style, old, new, column, newline)?;
        Some((node.content, text))
    }

    /// The new value in the style of the old one, if that style can hold it, and its start.
    pub(super) fn same_style(
        &self,
        member: NodeId,
        value: &Value,
        column: usize,
    ) -> Option<(usize, String)> {
        let node = self.tree.node(member);
        let from_start = |text| Some((node.span.start, text));
        match (&node.kind, value) {
            (
                Kind::Scalar {
                    value: old, style, ..
                },
                Value::String(new),
            ) => match style {
                ScalarStyle::Literal | ScalarStyle::Folded => block_scalar::rewrite(
                    self.tree.text,
                    node.content,
                    old,
                    new,
                    column,
                    self.style.newline,
                )
                .map(|text| (node.content, text)),
                ScalarStyle::DoubleQuoted => from_start(emit::double_quoted(new)),
                ScalarStyle::SingleQuoted if !new.contains(|c: char| c.is_control()) => {
                    from_start(format!("'{}'", new.replace('\'', "''")))
                }
                _ if new.contains('\n') => None,
                _ => from_start(emit::inline_string(new)),
            },
            (Kind::Sequence { flow: true, .. } | Kind::Mapping { flow: true, .. }, _) => {
                from_start(emit::flow(value, self.plain_keys(member)))
            }
            (
                Kind::Scalar {
                    style:
                        ScalarStyle::Plain | ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted,
                    ..
                },
                Value::Null | Value::Bool(_) | Value::Number(_),
            ) => from_start(value.to_string()),
            (Kind::Alias { .. }, value) => from_start(emit::flow(value, true)),
            _ => None,
        }
    }
}

/// True for a key that a reader of YAML takes without a `?`: it is on one line, and has at most 1024
/// characters.
///
/// Source: "implicit keys" in YAML 1.2, 7.4.2.
pub(super) fn may_be_implicit(key: &str) -> bool {
    key.len() < LONGEST_IMPLICIT_KEY && !key.contains(['\n', '\r'])
}
