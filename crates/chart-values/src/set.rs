//! Individually set values, as in Helm's `--set`: Argo CD's `parameters`, k3s' `set`.
//!
//! Source: Helm's `pkg/strvals`; Argo CD, which sets each parameter by `--set` or `--set-string`.

use serde_json::{Map, Value};

/// A higher index is probably a mistake. Helm's own limit is 65,536.
const MAX_INDEX: usize = 1000;
/// Deeper paths are ignored, as in Helm.
const MAX_KEYS: usize = 30;

/// A step of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A key of a mapping.
    Name(String),
    /// An item of a list, from 0.
    Index(usize),
}

impl Key {
    /// The step as text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Index(index) => index.to_string(),
        }
    }
}

/// The keys of a name such as `sessionServer.annotations.example\.com/team` or `tls[0].hosts`.
/// `None` if Helm would reject it too.
pub(super) fn keys(name: &str) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    let mut key = String::new();
    let mut is_open = true;
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => key.push(chars.next()?),
            '.' | '[' => {
                if is_open {
                    keys.push(Key::Name(std::mem::take(&mut key)));
                }
                is_open = c == '.';
                if c == '[' {
                    let index: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    let index = index.parse().ok().filter(|index| *index <= MAX_INDEX)?;
                    keys.push(Key::Index(index));
                }
            }
            _ if !is_open => return None,
            c => key.push(c),
        }
    }
    if is_open {
        keys.push(Key::Name(key));
    }
    let is_named = |key: &Key| !matches!(key, Key::Name(name) if name.is_empty());
    let is_whole = keys.len() <= MAX_KEYS && keys.iter().all(is_named);
    is_whole.then_some(keys)
}

/// The value that `--set` reads from a text.
pub(super) fn typed(text: &str) -> Value {
    if let Some(list) = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
    {
        let items = list.split(',').filter(|item| !item.is_empty());
        return items.map(|item| typed(item.trim())).collect();
    }
    let text = text.replace("\\,", ",");
    let is_decimal = text == "0" || !text.starts_with('0');
    match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        _ => match text.parse::<i64>() {
            Ok(number) if is_decimal => Value::from(number),
            _ => Value::String(text),
        },
    }
}

/// Sets a value. Other values on its path are replaced by a mapping or a list.
pub(super) fn set(root: &mut Value, keys: &[Key], value: Value) {
    let mut target = root;
    for key in keys {
        let next = match key {
            Key::Name(name) => {
                if !target.is_object() {
                    *target = Value::Object(Map::new());
                }
                target
                    .as_object_mut()
                    .map(|members| members.entry(name.clone()).or_insert(Value::Null))
            }
            Key::Index(index) => {
                if !target.is_array() {
                    *target = Value::Array(Vec::new());
                }
                target.as_array_mut().and_then(|items| {
                    let length = items.len().max(index + 1);
                    items.resize(length, Value::Null);
                    items.get_mut(*index)
                })
            }
        };
        let Some(next) = next else { return };
        target = next;
    }
    *target = value;
}

/// Merges a values file over another one, as Helm does: mappings are merged, everything else is
/// replaced. A file without content changes nothing.
pub(super) fn merge(below: &mut Value, above: Value) {
    if !above.is_null() {
        merge_members(below, above);
    }
}

fn merge_members(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                merge_members(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{keys, set, typed};

    fn set_all(names: &[(&str, &str)]) -> Value {
        let mut root = Value::Null;
        for (name, value) in names {
            set(&mut root, &keys(name).unwrap(), typed(value));
        }
        root
    }

    #[test]
    fn names_are_read_as_helm_reads_them() {
        assert_eq!(
            set_all(&[
                ("sessionServer.enabled", "true"),
                ("sessionServer.nodePort", "30093"),
                ("sessionServer.annotations.example\\.com/team", "a\\,b"),
                (
                    "sessionServer.loadBalancerSourceRanges",
                    "{192.0.2.0/24,198.51.100.0/24}"
                ),
                ("leading", "0755"),
            ]),
            json!({
                "sessionServer": {
                    "enabled": true,
                    "nodePort": 30093,
                    "annotations": {"example.com/team": "a,b"},
                    "loadBalancerSourceRanges": ["192.0.2.0/24", "198.51.100.0/24"],
                },
                "leading": "0755",
            })
        );
    }

    #[test]
    fn an_index_sets_the_item_of_a_list() {
        let mut root = json!({"list": ["a"]});
        set(&mut root, &keys("list[2]").unwrap(), typed("c"));
        assert_eq!(root, json!({"list": ["a", null, "c"]}));
        set(&mut root, &keys("hosts[0].name").unwrap(), typed("d"));
        assert_eq!(root.get("hosts"), Some(&json!([{"name": "d"}])));
    }

    #[test]
    fn names_that_helm_refuses_are_none() {
        for name in ["", "a..b", "a[", "a[x]", "a[1]b", "a[99999999]", "a\\"] {
            assert_eq!(keys(name), None, "{name}");
        }
    }
}
