//! The paths in a value, and where each is written in a text.

use std::ops::Range;

use serde_json::Value;
use yaml_splice::tree::{Kind, NodeId};
use yaml_splice::{Tree, edit};

/// Every path in a value with the value there, the root first.
pub(crate) fn places(value: &Value) -> Vec<(Vec<String>, &Value)> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.map(|(i, v)| (i.to_string(), v)).collect()
        }
        _ => Vec::new(),
    };
    let mut all = vec![(Vec::new(), value)];
    for (token, member) in members {
        for (mut tokens, value) in places(member) {
            tokens.insert(0, token.clone());
            all.push((tokens, value));
        }
    }
    all
}

/// The node at a path in an item, and where it is written: from its key or dash to its end.
pub(crate) fn written(tree: &Tree<'_>, tokens: &[String]) -> Option<(NodeId, Range<usize>)> {
    let mut at = edit::item_root(tree)?;
    let mut range = tree.node(at).span.clone();
    for token in tokens {
        let (first, next) = match &tree.node(at).kind {
            Kind::Mapping { .. } => tree.entry(at, token)?,
            Kind::Sequence { items, .. } => {
                let item = *items.get(token.parse::<usize>().ok()?)?;
                (item, item)
            }
            _ => return None,
        };
        let first = tree.node(first);
        let start = first.indicator.unwrap_or(first.span.start);
        range = start..tree.node(next).span.end.max(start);
        at = next;
    }
    Some((at, range))
}
