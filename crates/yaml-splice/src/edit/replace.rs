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
            let text = match self.anchor(member) {
                Some(anchor) if start < node.content => format!("{anchor} {text}"),
                _ => text,
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
        // Behind a dash, the first key or item may follow on the same line, and an anchor would be that of
        // this key or item.
        let is_compact = (value.is_object() || value.is_array())
            && !text.starts_with(self.style.newline)
            && !text.trim_start().starts_with(['{', '[']);
        let text = match self.anchor(member) {
            Some(anchor) if !is_compact => format!(" {anchor}{text}"),
            _ => text,
        };
        self.fill(indicator + 1, node.span.clone(), &text)
    }

    /// The anchor of a node, with its `&`. It stays when the value changes; aliases of the old value have
    /// been written out.
    fn anchor(&self, id: NodeId) -> Option<&str> {
        let node = self.tree.node(id);
        let properties = self.text(node.span.start..node.content).lines();
        let words = properties.flat_map(|line| {
            let words = line.split_whitespace();
            words.take_while(|word| !word.starts_with('#'))
        });
        let mut anchors = words.filter(|word| word.starts_with('&'));
        anchors.next().filter(|_| node.anchor != 0)
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
        let rest = behind.trim_start();
        let blanks = behind.len() - rest.len();
        if !below.is_empty() {
            keep(behind);
            end += behind.len();
        } else if text.is_empty() && self.text(end..end + blanks).contains('\t') {
            // Behind a dash alone, libyaml refuses tabs.
            end += blanks;
            filled.push_str(if rest.is_empty() { "" } else { " " });
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::tree::Tree;

    /// A text with the value at this pointer replaced.
    fn replaced(text: &str, pointer: &str, value: &Value) -> String {
        let patch = json!([{"op": "replace", "path": pointer, "value": value}]);
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        let edited = crate::apply(text, &patch).unwrap();
        let after = Tree::parse(&edited).unwrap().to_value().unwrap();
        assert_eq!(after.pointer(pointer), Some(value), "{edited}");
        edited
    }

    #[test]
    fn a_value_keeps_its_column() {
        for (text, value, edited) in [
            ("a:    1   # one\n", json!(2), "a:    2   # one\n"),
            ("a:    b   # one\n", json!(true), "a:    true   # one\n"),
            ("a:    'b'   # one\n", json!(null), "a:    null   # one\n"),
            ("a:    1   # one\n", json!("b"), "a:    b   # one\n"),
        ] {
            assert_eq!(replaced(text, "/a", &value), edited);
        }
    }

    #[test]
    fn an_alias_is_written_out_as_its_anchor_is() {
        for (item, written) in [
            ("b, c", r#""b, c""#),
            ("b c", r#""b c""#),
            ("0755", "0755"),
            ("~", "~"),
            ("a: on", "{a: on}"),
            ("a: 'on'", r#"{a: "on"}"#),
        ] {
            assert_eq!(
                replaced(
                    &format!("l: &x\n- {item}\n- d\nm: *x\n"),
                    "/l/1",
                    &json!("e")
                ),
                format!("l: &x\n- {item}\n- e\nm: [{written}, d]\n")
            );
        }
    }

    #[test]
    fn a_value_keeps_its_anchor() {
        let map = json!({"k": "v"});
        let list = json!(["v"]);
        for (text, pointer, value, edited) in [
            ("a: &x 1\n", "/a", &json!(2), "a: &x 2\n"),
            ("a: &x 1\nb: *x\n", "/a", &json!(2), "a: &x 2\nb: 1\n"),
            ("a: &x b\n", "/a", &json!("c\nd\n"), "a: &x |\n  c\n  d\n"),
            ("a: &x b\n", "/a", &json!(null), "a: &x null\n"),
            ("a: &x\n", "/a", &json!("b"), "a: &x b\n"),
            ("a: &x [b]\n", "/a", &map, "a: &x {k: \"v\"}\n"),
            ("a: &x\n  b: c\n", "/a", &list, "a: &x\n- v\n"),
            ("a:\n  &x !t # &y\n  b\n", "/a", &json!("c"), "a:\n  &x c\n"),
            (
                "{a: &x [b], c: *x}\n",
                "/a",
                &map,
                "{a: &x {\"k\": \"v\"}, c: [b]}\n",
            ),
            (
                "l:\n- &x b\n- *x\n",
                "/l/0",
                &json!("c\n"),
                "l:\n- &x |\n  c\n- b\n",
            ),
            // It would be the anchor of `k`.
            ("l:\n- &x b\n", "/l/0", &map, "l:\n- k: v\n"),
        ] {
            assert_eq!(replaced(text, pointer, value), edited, "{text}");
        }
    }
}
