//! What a text means to a reader that is not ours: `yaml_serde`, which is made from libyaml.

use serde_json::{Map, Value};
use yaml_serde::Value as Yaml;

/// How many aliases there may be.
const ALIASES: usize = 20;

/// The value of a YAML text; `None` when the reader refuses it.
///
/// A missing line end at the end of the text is added: libyaml takes it for a part of a block
/// scalar's text that stands there, and our parser, as most, does not. A byte order mark is left out:
/// libyaml gives it a column. To libyaml, which reads YAML 1.1, more signs are line ends.
pub fn yaml(text: &str) -> Option<Value> {
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return None;
    }
    // It has no limit for what aliases make of a text.
    if text.matches('*').count() > ALIASES {
        return None;
    }
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
