//! Checks for merge keys (`<<`) that YAML readers interpret differently.
//!
//! Source: "merge key" of the language-independent types for YAML 1.1, <https://yaml.org/type/merge.html>

use std::collections::HashSet;

use super::ambiguous::error_at;
use super::{Kind, Node, NodeId, ScalarStyle, scalar};
use crate::YamlError;

/// The maximum number of entries to examine for what one `<<` merges. A text that needs more is
/// refused, which bounds the time by its length.
const MOST_MERGED: usize = 1_000;

/// Checks a mapping with a `<<`. Readers agree if it merges a mapping, an alias of one, or a
/// sequence of these, and no key above it is merged too. For such a key, the merged value wins in
/// go-yaml v2, which kubectl uses, and the written one in others.
pub(super) fn check(
    text: &str,
    nodes: &[Node<'_>],
    entries: &[(NodeId, NodeId)],
) -> Result<(), YamlError> {
    for (index, (key_id, value)) in entries.iter().enumerate() {
        let Some(key) = nodes.get(key_id.0) else {
            continue;
        };
        let Kind::Scalar {
            value: name,
            style,
            tag,
        } = &key.kind
        else {
            continue;
        };
        if name != "<<" {
            continue;
        }
        let refuse = |message| Err(error_at(text, key.span.start, message));
        if tag.is_some() {
            return refuse("remove the tag of `<<`: not all readers merge then");
        }
        if *style != ScalarStyle::Plain {
            continue;
        }
        let Some(merged) = merged(nodes, *value) else {
            return refuse(
                "`<<` merges a mapping, an alias of one, or a sequence of these; quote it if it is a name",
            );
        };
        let above = entries.get(..index).unwrap_or_default();
        let above: HashSet<&str> = above
            .iter()
            .filter_map(|(key, _)| scalar(nodes, *key))
            .collect();
        if !above.is_empty() && may_merge(nodes, merged, &above) {
            return refuse(
                "readers do not agree which value wins: that of a key above this `<<`, or that which it \
                 merges; move `<<` to the top of its mapping",
            );
        }
    }
    Ok(())
}

/// The mappings that a `<<` with this value merges; `None` if it is anything else.
fn merged(nodes: &[Node<'_>], value: NodeId) -> Option<Vec<NodeId>> {
    match &nodes.get(value.0)?.kind {
        Kind::Sequence { items, .. } => items.iter().map(|item| mapping(nodes, *item)).collect(),
        _ => Some(vec![mapping(nodes, value)?]),
    }
}

/// The mapping of a node, or of its alias.
fn mapping(nodes: &[Node<'_>], id: NodeId) -> Option<NodeId> {
    let target = match nodes.get(id.0)?.kind {
        Kind::Alias { target, .. } => target,
        _ => id,
    };
    matches!(nodes.get(target.0)?.kind, Kind::Mapping { .. }).then_some(target)
}

/// Whether one of these mappings, or one that they merge, has one of the keys.
fn may_merge(nodes: &[Node<'_>], mut mappings: Vec<NodeId>, keys: &HashSet<&str>) -> bool {
    let mut seen = HashSet::new();
    let mut left = MOST_MERGED;
    while let Some(id) = mappings.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(Kind::Mapping { entries, .. }) = nodes.get(id.0).map(|node| &node.kind) else {
            continue;
        };
        let Some(rest) = left.checked_sub(entries.len()) else {
            return true;
        };
        left = rest;
        for (key, value) in entries {
            match scalar(nodes, *key) {
                Some("<<") => mappings.extend(merged(nodes, *value).unwrap_or_default()),
                Some(name) if keys.contains(name) => return true,
                _ => {}
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::Tree;

    #[test]
    fn a_merge_below_a_key_that_it_merges_too_is_refused() {
        let anchors = "d: &d {image: a, x: 1}\ne: &e\n  <<: *d\n  y: 1\n";
        for (mapping, is_read) in [
            ("{<<: *d, image: b}", true),
            ("{image: b, <<: *d}", false),
            ("{\"image\": b, <<: *d}", false),
            ("{image: b, <<: *e}", false),
            ("{image: b, <<: [{z: 1}, *e]}", false),
            ("{image: b, <<: {image: c}}", false),
            ("{y: b, <<: *d}", true),
            ("{image: b, '<<': *d}", true),
            ("{z: b, <<: [*d, *e], image: b}", true),
        ] {
            let text = format!("{anchors}f: {mapping}\n");
            let error = Tree::parse(&text).err();
            assert_eq!(error.is_none(), is_read, "{mapping}: {error:?}");
            if let Some(error) = error {
                assert_eq!(error.line, 5, "{error}");
                assert!(error.message.contains("which value wins"), "{error}");
            }
        }
    }

    #[test]
    fn merges_of_merges_take_no_longer_than_their_text() {
        let mut text = "a0: &a0 {k: 1}\n".to_owned();
        for number in 1..200 {
            let last = number - 1;
            text += &format!("a{number}: &a{number} {{z: 1, <<: [*a{last}, *a{last}]}}\n");
        }
        assert!(Tree::parse(&text).is_err_and(|error| error.message.contains("which value wins")));
        let text = text.replace("z: 1, ", "");
        assert!(Tree::parse(&text).is_ok());
    }
}
