//! Strategic merge patches, as kustomize applies them.
//!
//! Members are merged, and `null` removes a member. The lists of [`lists`](super::lists) are merged
//! by their keys: elements of the patch come first, in its order, followed by those that the patch
//! does not mention.
//!
//! Source: `merge2` and `walk` in kustomize's `kyaml/yaml`.

use serde_json::{Map, Value, json};

use super::lists::{Schema, are_told_apart, key_of};

/// The directive that removes a resource, or an element of a list.
pub(super) const DIRECTIVE: &str = "$patch";

/// The part of a change that a strategic merge patch can express; empty if there is none.
pub(super) fn difference(
    schema: Schema,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    path: &mut Vec<String>,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, new) in after {
        path.push(key.clone());
        let value = match before.get(key) {
            Some(old) => member(schema, old, new, path),
            None => is_sayable(new).then(|| new.clone()),
        };
        path.pop();
        patch.extend(value.map(|value| (key.clone(), value)));
    }
    // kustomize does not remove labels and annotations, even if a patch does.
    let is_metadata = path.first().is_some_and(|first| first == "metadata");
    let gone = before
        .keys()
        .filter(|key| !is_metadata && !after.contains_key(*key));
    patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    patch
}

fn member(schema: Schema, old: &Value, new: &Value, path: &mut Vec<String>) -> Option<Value> {
    match (old, new) {
        (old, new) if old == new => None,
        (Value::Object(old), Value::Object(new)) => {
            // kustomize drops a mapping that becomes empty.
            if new.is_empty() {
                return None;
            }
            let patch = difference(schema, old, new, path);
            (!patch.is_empty()).then_some(Value::Object(patch))
        }
        (Value::Array(old), Value::Array(new)) => list(schema, old, new, path),
        (Value::Null, new) => is_sayable(new).then(|| new.clone()),
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => None,
        (_, Value::Null) => None,
        (_, new) => Some(new.clone()),
    }
}

/// False for values that a patch cannot set: `null` removes a member, and a directive is not taken
/// literally.
fn is_sayable(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(members) => {
            !members.contains_key(DIRECTIVE) && members.values().all(is_sayable)
        }
        Value::Array(items) => items.iter().all(is_sayable),
        _ => true,
    }
}

fn list(schema: Schema, old: &[Value], new: &[Value], path: &mut Vec<String>) -> Option<Value> {
    let keys = schema.keys(path)?;
    if new.is_empty() || !are_told_apart(keys, old, new) {
        return None;
    }
    let mut patch = Vec::new();
    for item in new {
        let key = key_of(keys, item);
        let was = old.iter().find(|was| key_of(keys, was) == key);
        match (was, item) {
            (Some(Value::Object(was)), Value::Object(item)) => {
                let changed = difference(schema, was, item, path);
                if !changed.is_empty() {
                    let mut found = key;
                    found.extend(changed);
                    patch.push(Value::Object(found));
                }
            }
            (None, item) if is_sayable(item) => patch.push(item.clone()),
            _ => {}
        }
    }
    let is_gone = |was: &&Value| {
        let key = key_of(keys, was);
        !new.iter().any(|item| key_of(keys, item) == key)
    };
    patch.extend(old.iter().filter(is_gone).map(|was| {
        let mut gone = key_of(keys, was);
        gone.insert(DIRECTIVE.to_owned(), json!("delete"));
        Value::Object(gone)
    }));
    (!patch.is_empty()).then_some(Value::Array(patch))
}

/// Applies a patch to a value.
pub(super) fn apply(
    schema: Schema,
    value: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    path: &mut Vec<String>,
) {
    for (key, new) in patch {
        path.push(key.clone());
        match (value.get_mut(key), new) {
            (_, Value::Null) => {
                value.shift_remove(key);
            }
            (Some(Value::Object(old)), Value::Object(new)) => apply(schema, old, new, path),
            (Some(Value::Array(old)), Value::Array(new)) => match schema.keys(path) {
                Some(keys) => apply_list(schema, keys, old, new, path),
                None => old.clone_from(new),
            },
            (_, new) => {
                value.insert(key.clone(), new.clone());
            }
        }
        path.pop();
    }
}

fn apply_list(
    schema: Schema,
    keys: &[&str],
    value: &mut Vec<Value>,
    patch: &[Value],
    path: &mut Vec<String>,
) {
    let mut merged = Vec::with_capacity(value.len() + patch.len());
    for item in patch {
        let key = key_of(keys, item);
        let place = value.iter().position(|was| key_of(keys, was) == key);
        let was = place.map(|place| value.remove(place));
        if item.get(DIRECTIVE).is_some() {
            continue;
        }
        match (was, item) {
            (Some(Value::Object(mut was)), Value::Object(item)) => {
                apply(schema, &mut was, item, path);
                merged.push(Value::Object(was));
            }
            (_, item) => merged.push(item.clone()),
        }
    }
    merged.append(value);
    *value = merged;
}
