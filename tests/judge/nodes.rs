//! The nodes that a YAML reader finds in a text, before it resolves scalars to numbers, so that
//! readers can be compared.
//!
//! Nodes are written as JSON: a scalar is its text, a sequence an array, a mapping
//! `{"map": [[key, value], …]}`. An alias is replaced by what it stands for.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use yaml_serde::Value as Yaml;
use yaml_splice::Tree;
use yaml_splice::tree::{Kind, NodeId};

/// The most aliases in a text that is compared: their expansion is not limited here.
pub(crate) const MOST_ALIASES: usize = 20;

/// The nodes that our reader finds; `None` for a text without content, or with too many aliases.
pub fn nodes(tree: &Tree<'_>) -> Option<Value> {
    let is_finite = tree.text.matches('*').count() <= MOST_ALIASES && tree.to_value().is_ok();
    tree.root()
        .filter(|_| is_finite)
        .map(|root| node(tree, root))
}

fn node(tree: &Tree<'_>, id: NodeId) -> Value {
    match &tree.node(id).kind {
        Kind::Scalar { value, .. } => json!(value),
        Kind::Alias { target, .. } => node(tree, *target),
        Kind::Sequence { items, .. } => items.iter().map(|item| node(tree, *item)).collect(),
        Kind::Mapping { entries, .. } => {
            let pairs = entries
                .iter()
                .map(|(key, value)| json!([node(tree, *key), node(tree, *value)]));
            json!({ "map": pairs.collect::<Value>() })
        }
    }
}

/// Whether libyaml finds the same nodes in a text; `None` if it refuses the text, or if
/// `yaml_serde` would confuse its anchors.
pub fn libyaml_agrees(text: &str, nodes: &Value) -> Option<bool> {
    if has_anchor_twice(text) {
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // As in `libyaml::value`.
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let yaml: Yaml = yaml_serde::from_str(&format!("{text}{end}")).ok()?;
    Some(is_alike(nodes, &yaml))
}

/// Whether a text has characters that are line breaks only in YAML 1.1. Between quotes we read them
/// as text, as JSON does, and libyaml folds them. Elsewhere they are refused.
#[allow(dead_code, reason = "not every user of this file asks")]
pub fn has_breaks_of_1_1(text: &str) -> bool {
    text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
}

/// Whether the name of an anchor occurs twice in a text. `yaml_serde` numbers anchors by the count
/// of distinct names, so that the next anchor gets the number of the second one.
#[allow(dead_code, reason = "the fuzzers use it")]
pub(crate) fn has_anchor_twice(text: &str) -> bool {
    let words = text.split(|c: char| c.is_ascii_whitespace() || ",[]{}".contains(c));
    let mut names = BTreeSet::new();
    let mut anchors = words.filter(|word| word.starts_with('&'));
    anchors.any(|name| !names.insert(name))
}

/// `yaml_serde` does not keep the text of a number, so a number matches any other.
fn is_alike(node: &Value, yaml: &Yaml) -> bool {
    match (node, yaml) {
        (_, Yaml::Tagged(tagged)) => is_alike(node, &tagged.value),
        (Value::String(text), Yaml::String(found)) => text == found,
        (Value::String(text), Yaml::Null) => {
            matches!(&**text, "" | "~" | "null" | "Null" | "NULL")
        }
        (Value::String(text), Yaml::Bool(found)) => text.eq_ignore_ascii_case(&found.to_string()),
        (Value::String(text), Yaml::Number(_)) => {
            text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        }
        (Value::Array(items), Yaml::Sequence(found)) => {
            items.len() == found.len()
                && items
                    .iter()
                    .zip(found)
                    .all(|(item, found)| is_alike(item, found))
        }
        (Value::Object(mapping), Yaml::Mapping(found)) => {
            let pairs = mapping.get("map").and_then(Value::as_array);
            let pairs = pairs.map_or(&[] as &[Value], Vec::as_slice);
            pairs.len() == found.len()
                && pairs.iter().zip(found).all(|(pair, (key, value))| {
                    is_alike(&pair[0], key) && is_alike(&pair[1], value)
                })
        }
        _ => false,
    }
}
