//! What a text means to a reader that is not ours: `yaml_serde`, which is made from libyaml.

#[path = "../../tests/judge/libyaml.rs"]
mod libyaml;
#[path = "../../tests/judge/nodes.rs"]
mod nodes;

use serde_json::Value;
use yaml_splice::Tree;

/// The value of a YAML text; `None` when the reader refuses it, or takes it for something else than
/// YAML 1.2 does: more signs are line ends to it, marks in the middle are none, and it stumbles over tabs where blanks may stand.
pub fn yaml(text: &str) -> Option<Value> {
    let is_odd = nodes::has_breaks_of_1_1(text)
        || text.rfind('\u{feff}').is_some_and(|at| at > 0)
        || text.matches('*').count() > nodes::MOST_ALIASES
        || nodes::has_anchor_twice(text)
        || text
            .lines()
            .any(|line| line.trim_start_matches(' ').starts_with('\t'));
    if is_odd { None } else { written(text) }
}

/// The value of a text that was made of one that [`yaml`] takes.
pub fn written(text: &str) -> Option<Value> {
    // Each level of collections as keys doubles the quotes of the text.
    libyaml::value(text, |key| {
        Some(key.to_string()).filter(|text| text.len() < 10_000)
    })
}

/// Whether a carriage return alone ends a line, or may do so: a text that is not edited.
pub fn has_lone_return(text: &str) -> bool {
    text.replace("\r\n", "").contains('\r')
}

/// Whether both readers find the same nodes in a text that both take, and that may be edited.
pub fn agrees(tree: &Tree<'_>) -> bool {
    let is_odd = nodes::has_breaks_of_1_1(tree.text) || has_lone_return(tree.text);
    let nodes = nodes::nodes(tree).filter(|_| !is_odd);
    nodes.is_none_or(|nodes| nodes::libyaml_agrees(tree.text, &nodes) != Some(false))
}
