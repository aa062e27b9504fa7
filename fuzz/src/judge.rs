//! What a text means to a reader that is not ours: `yaml_serde`, which is made from libyaml.

use serde_json::{Map, Value};
use yaml_serde::Value as Yaml;

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
///
/// A missing line end at the end of the text is added: libyaml takes it for a part of a block
/// scalar's text that stands there, and our parser, as most, does not. A byte order mark is left out:
/// libyaml gives it a column.
pub fn written(text: &str) -> Option<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut value: Yaml = yaml_serde::from_str(&format!("{text}{end}")).ok()?;
    value.apply_merge().ok()?;
    Some(as_json(value))
}

fn as_json(value: Yaml) -> Value {
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => match serde_json::to_value(&number) {
            Ok(value) if !value.is_null() => value,
            _ => number.to_string().into(),
        },
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(as_json).collect(),
        Yaml::Mapping(members) => {
            let members = members.into_iter().map(|(key, value)| {
                let key = match as_json(key) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                (key, as_json(value))
            });
            members.collect::<Map<_, _>>().into()
        }
        Yaml::Tagged(tagged) => as_json(tagged.value),
    }
}
