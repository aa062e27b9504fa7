//! What a text means to a reader that is not ours: `yaml_serde`, which is made from libyaml.

#[path = "../../tests/judge/libyaml.rs"]
mod libyaml;

use serde_json::Value;

/// How many aliases there may be: the reader has no limit for what they make of a text.
const ALIASES: usize = 20;

/// The value of a YAML text; `None` when the reader refuses it, or takes it for something else than
/// YAML 1.2 does: more signs are line ends to it, marks in the middle are none, and it stumbles over tabs where blanks may stand.
pub fn yaml(text: &str) -> Option<Value> {
    let is_odd = text.contains(['\u{85}', '\u{2028}', '\u{2029}'])
        || text.rfind('\u{feff}').is_some_and(|at| at > 0)
        || text.matches('*').count() > ALIASES
        || text
            .lines()
            .any(|line| line.trim_start_matches(' ').starts_with('\t'));
    if is_odd { None } else { written(text) }
}

/// The value of a text that was made of one that [`yaml`] takes.
pub fn written(text: &str) -> Option<Value> {
    libyaml::value(text, |key| Some(key.to_string()))
}
