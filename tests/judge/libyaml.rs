//! The value of a YAML text according to an independent reader: `yaml_serde`, which is based on
//! libyaml.

use serde_json::{Map, Value};
use yaml_serde::Value as Yaml;

/// The value that libyaml reads from a text; `None` if it refuses the text, or if `key_text` has no
/// text for a key.
///
/// A missing line break at the end of the text is added: libyaml includes it in a block scalar
/// there, and our parser, like most, does not. A byte order mark is left out: libyaml counts it as
/// a column, so that the next line would be indented less.
pub(crate) fn value(text: &str, key_text: fn(Value) -> Option<String>) -> Option<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut value: Yaml = yaml_serde::from_str(&format!("{text}{end}")).ok()?;
    value.apply_merge().ok()?;
    as_json(value, key_text)
}

fn as_json(value: Yaml, key_text: fn(Value) -> Option<String>) -> Option<Value> {
    Some(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => match serde_json::to_value(&number) {
            Ok(value) if !value.is_null() => value,
            _ => number.to_string().into(),
        },
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => {
            let items = items.into_iter().map(|item| as_json(item, key_text));
            items.collect::<Option<_>>()?
        }
        Yaml::Mapping(members) => {
            let members = members.into_iter().map(|(key, value)| {
                let key = match as_json(key, key_text)? {
                    Value::String(text) => text,
                    other => key_text(other)?,
                };
                Some((key, as_json(value, key_text)?))
            });
            members.collect::<Option<Map<_, _>>>()?.into()
        }
        Yaml::Tagged(tagged) => as_json(tagged.value, key_text)?,
    })
}
