//! Removes members and items.

use std::ops::Range;

use serde_json::Value;

use super::editor::Editor;
use super::splice::Splice;
use crate::tree::{Kind, NodeId, line_end, skip_gap};

impl Editor<'_, '_> {
    pub(super) fn remove(&self, path: &[NodeId], token: &str) -> Option<Vec<Splice>> {
        let (parent, above) = path.split_last()?;
        let node = self.tree.node(*parent);
        let member = self.member(*parent, token)?;
        let starts_with = |first: NodeId, value: NodeId| {
            let first = self.tree.node(first);
            let start = first.indicator.filter(|_| !self.is_flow(*parent));
            start.unwrap_or(first.span.start)..self.tree.node(value).span.end
        };
        let (members, index, empty): (Vec<_>, _, _) = match &node.kind {
            Kind::Mapping { entries, .. } => (
                entries
                    .iter()
                    .map(|(key, value)| starts_with(*key, *value))
                    .collect(),
                entries.iter().position(|(_, value)| *value == member)?,
                Value::Object(serde_json::Map::new()),
            ),
            Kind::Sequence { items, .. } => (
                items.iter().map(|item| starts_with(*item, *item)).collect(),
                items.iter().position(|item| *item == member)?,
                Value::Array(Vec::new()),
            ),
            _ => return None,
        };
        let before = index.checked_sub(1).and_then(|before| members.get(before));
        let after = members.get(index + 1);
        let gone = members.get(index)?.clone();
        if before.is_none() && after.is_none() {
            return Some(vec![match above.last() {
                Some(above) => self.replace(*above, *parent, &empty),
                None => Splice {
                    range: node.content..node.span.end,
                    text: empty.to_string(),
                },
            }]);
        }
        if self.is_flow(*parent) {
            return Some(self.remove_from_flow(before, gone, after));
        }
        let line = self.tree.line_start(gone.start);
        let range = if self.text(line..gone.start).trim().is_empty() {
            line..self.tree.next_line(gone.end)
        } else {
            // It follows a dash on its line: the next member, or its comment, moves there.
            let next = self.tree.next_line(gone.end);
            let after = after?.start;
            if after < next {
                // An empty key (`: a`) has no place of its own to move from.
                return None;
            }
            let rest = self.text(next..after);
            gone.start..next + rest.len() - rest.trim_start().len()
        };
        Some(vec![Splice {
            range,
            text: String::new(),
        }])
    }

    /// Removes a member and one comma from a flow collection, and keeps its comments.
    pub(super) fn remove_from_flow(
        &self,
        before: Option<&Range<usize>>,
        gone: Range<usize>,
        after: Option<&Range<usize>>,
    ) -> Vec<Splice> {
        let nothing = |range| Splice {
            range,
            text: String::new(),
        };
        let limit = after.map_or(gone.end, |after| after.start);
        let comma = self.comma(gone.end..limit);
        match (comma, before) {
            (Some(comma), _) => vec![nothing(self.with_blanks(gone.start..comma + 1))],
            (None, Some(before)) => {
                let Some(comma) = self.comma(before.end..gone.start) else {
                    return Vec::new();
                };
                if self
                    .text(comma + 1..gone.start)
                    .trim_matches(' ')
                    .is_empty()
                {
                    vec![nothing(comma..gone.end)]
                } else {
                    vec![nothing(comma..comma + 1), nothing(self.with_blanks(gone))]
                }
            }
            (None, None) => vec![nothing(gone)],
        }
    }

    /// The comma between two members, possibly between comments.
    pub(super) fn comma(&self, between: Range<usize>) -> Option<usize> {
        let at = skip_gap(self.tree.text, between.start);
        (at < between.end && self.text(at..at + 1) == ",").then_some(at)
    }

    /// The range with the blanks after it; with complete lines if there is nothing else on them.
    pub(super) fn with_blanks(&self, range: Range<usize>) -> Range<usize> {
        let line = self.tree.line_start(range.start);
        let line_end = line_end(self.tree.text, range.end);
        let alone = self.text(line..range.start).trim().is_empty()
            && self.text(range.end..line_end).trim().is_empty();
        if alone {
            return line..self.tree.next_line(range.end);
        }
        let behind = self.text(range.end..line_end);
        let blanks = behind.len() - behind.trim_start_matches(' ').len();
        range.start..range.end + blanks
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::EditError;

    /// This edit used to fail with an internal error: the range to remove ended before it began.
    #[test]
    fn nothing_moves_to_a_dash_where_the_next_key_is_empty() {
        for text in [
            "k:\n- l:\n  : m\n",
            "k:\n- l: 1\n  : m\n",
            "k:\n- l: {a: b}\n  : m\n",
        ] {
            let operation = json!({"op": "remove", "path": "/k/0/l"});
            let operation = serde_json::from_value(operation).unwrap();
            let refused = crate::apply(text, &[operation]);
            let path = "/k/0/l".to_owned();
            assert_eq!(refused, Err(EditError::NotFaithful { path }), "{text}");
        }
    }
}
