//! Expands aliases and merge keys (`<<`).

use saphyr_parser::ScalarStyle;

use super::EditError;
use super::editor::Editor;
use crate::Internal;
use crate::emit;
use crate::tree::{Kind, NodeId};

impl Editor<'_, '_> {
    /// The member of this name that `<<` merges into a mapping.
    pub(super) fn merged(&self, mapping: NodeId, token: &str) -> Option<NodeId> {
        let (_, source) = self.tree.entry(mapping, "<<")?;
        let follow = |id: NodeId| match self.tree.node(id).kind {
            Kind::Alias { target, .. } => target,
            _ => id,
        };
        let source = follow(source);
        let of = |source: NodeId| {
            self.member(source, token)
                .or_else(|| self.merged(source, token))
        };
        match &self.tree.node(source).kind {
            Kind::Sequence { items, .. } => items.iter().find_map(|item| of(follow(*item))),
            _ => of(source),
        }
    }

    /// A node on one line, with anchors, aliases and merges expanded.
    pub(super) fn written_out(&self, id: NodeId) -> Result<String, EditError> {
        match &self.tree.node(id).kind {
            // A number or a word keeps its spelling: readers disagree on the meaning of `0755` and
            // `on`.
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
                tag: None,
            } if is_bare(value) => Ok(value.to_string()),
            Kind::Alias { target, .. } => self.written_out(*target),
            Kind::Sequence { items, .. } => {
                let items = items
                    .iter()
                    .map(|item| self.written_out(*item))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(format!("[{}]", items.join(", ")))
            }
            Kind::Mapping { entries, .. } if self.tree.entry(id, "<<").is_none() => {
                let members = entries
                    .iter()
                    .map(|(key, value)| {
                        let key = self.tree.scalar(*key);
                        let key = key.ok_or_else(|| Internal::new("a key is not a scalar"))?;
                        let value = self.written_out(*value)?;
                        Ok(format!("{}: {value}", emit::flow_key(key, true)))
                    })
                    .collect::<Result<Vec<_>, EditError>>()?;
                Ok(format!("{{{}}}", members.join(", ")))
            }
            _ => Ok(emit::flow(&self.tree.value_of(id)?, true)),
        }
    }
}

/// Whether a plain scalar can be used unchanged in a flow collection.
fn is_bare(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || "+-.~_".contains(c))
        && text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '~')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.~_/:".contains(c))
        || text == "~"
}
