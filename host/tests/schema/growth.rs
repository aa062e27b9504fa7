//! Checks that a later JSON Schema accepts everything that an earlier one accepts, with the same
//! meaning. It knows the keywords that the schemas here use, and reports a change of any other
//! keyword as a loss.

use serde_json::Value;

/// What the old schema accepts and the new one rejects, or understands differently: one line each.
pub(crate) fn narrowed(old: &Value, new: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    Pair {
        old_root: old,
        new_root: new,
    }
    .compare("", old, new, &mut lost);
    lost
}

/// Both schemas, to look up their definitions.
#[derive(Clone, Copy)]
struct Pair<'a> {
    old_root: &'a Value,
    new_root: &'a Value,
}

/// Keywords that do not affect which values are accepted.
const WORDS: [&str; 4] = ["$schema", "title", "description", "$defs"];

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    match reference.and_then(|reference| root.pointer(reference.trim_start_matches('#'))) {
        Some(target) => resolved(root, target),
        None => schema,
    }
}

/// The types of a schema; none if it accepts all.
fn types(schema: &Value) -> Vec<&Value> {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// The values of a schema; `None` if it accepts all.
fn values(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.iter().collect()),
        (_, Some(one)) => Some(vec![one]),
        _ => None,
    }
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    let list = schema.get("oneOf").or_else(|| schema.get("anyOf"))?;
    list.as_array()
}

impl Pair<'_> {
    fn compare(self, path: &str, old: &Value, new: &Value, lost: &mut Vec<String>) {
        let default = |schema: &Value| schema.get("default").cloned();
        if default(old) != default(new) {
            lost.push(format!("{path}: the default is another"));
        }
        let (old, new) = (resolved(self.old_root, old), resolved(self.new_root, new));
        let Value::Object(keywords) = new else {
            if new != old && *new != Value::Bool(true) {
                lost.push(format!("{path}: nothing is taken any more"));
            }
            return;
        };
        for (keyword, is) in keywords {
            let was = old.get(keyword);
            let tighter = match keyword.as_str() {
                "minimum" | "minLength" | "minItems" => was.and_then(Value::as_f64) < is.as_f64(),
                "maximum" | "maxLength" | "maxItems" => {
                    was.is_none_or(|was| was.as_f64() > is.as_f64())
                }
                "additionalProperties" | "unevaluatedProperties" => {
                    *is == Value::Bool(false) && was != Some(is)
                }
                "required" => is.as_array().into_iter().flatten().any(|field| {
                    let was = was.and_then(Value::as_array);
                    !was.is_some_and(|was| was.contains(field))
                }),
                "items" => was.is_none(),
                "type" | "enum" | "const" | "properties" | "oneOf" | "anyOf" | "default"
                | "$ref" => false,
                word if WORDS.contains(&word) => false,
                _ => was != Some(is),
            };
            if tighter {
                lost.push(format!("{path}: {keyword} is tighter"));
            }
        }
        self.compare_values(path, old, new, lost);
        self.compare_members(path, old, new, lost);
        self.compare_alternatives(path, old, new, lost);
    }

    fn compare_values(self, path: &str, old: &Value, new: &Value, lost: &mut Vec<String>) {
        let (was, is) = (types(old), types(new));
        if !is.is_empty() && (was.is_empty() || was.iter().any(|one| !is.contains(one))) {
            // Alternatives may have the type that is missing.
            if alternatives(new).is_none() {
                lost.push(format!("{path}: a type is gone"));
            }
        }
        if let Some(is) = values(new) {
            let was = values(old).unwrap_or_default();
            let gone: Vec<_> = was.iter().filter(|value| !is.contains(value)).collect();
            if was.is_empty() || !gone.is_empty() {
                lost.push(format!(
                    "{path}: only {is:?} are taken, and {gone:?} were too"
                ));
            }
        }
    }

    fn compare_members(self, path: &str, old: &Value, new: &Value, lost: &mut Vec<String>) {
        let fields = |schema: &'_ Value| schema.get("properties").cloned().unwrap_or_default();
        let (was, is) = (fields(old), fields(new));
        for (name, field) in was.as_object().into_iter().flatten() {
            match is.get(name) {
                Some(now) => self.compare(&format!("{path}.{name}"), field, now, lost),
                None => lost.push(format!("{path}.{name}: the field is gone")),
            }
        }
        for (keyword, sign) in [("items", "[]"), ("additionalProperties", ".*")] {
            let pair = (old.get(keyword), new.get(keyword));
            if let (Some(was @ Value::Object(_)), Some(is)) = pair {
                self.compare(&format!("{path}{sign}"), was, is, lost);
            }
        }
    }

    /// Each old alternative needs a new one that accepts as much.
    fn compare_alternatives(self, path: &str, old: &Value, new: &Value, lost: &mut Vec<String>) {
        let Some(now) = alternatives(new) else {
            // What holds of all values is compared above.
            if alternatives(old).is_some() && !(types(new).is_empty() && values(new).is_none()) {
                lost.push(format!("{path}: alternatives are gone"));
            }
            return;
        };
        let alone = [old.clone()];
        let was = alternatives(old).map_or(&alone[..], Vec::as_slice);
        for one in was {
            let losses = now.iter().map(|now| {
                let mut lost = Vec::new();
                self.compare(path, one, now, &mut lost);
                lost
            });
            let least = losses.min_by_key(Vec::len);
            lost.extend(
                least.unwrap_or_else(|| vec![format!("{path}: all alternatives are gone")]),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::narrowed;
    use serde_json::{Value, json};

    fn lost(old: Value, new: Value) -> Vec<String> {
        narrowed(&old, &new)
    }

    #[test]
    fn what_grows_is_no_loss() {
        let spec =
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
        for (old, new) in [
            (
                spec.clone(),
                json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}),
            ),
            (
                json!({"type": "integer"}),
                json!({"anyOf": [{"type": "null"}, {"type": "integer"}]}),
            ),
            (
                json!({"type": "string"}),
                json!({"type": ["string", "null"]}),
            ),
            (json!({"const": "A"}), json!({"enum": ["B", "A"]})),
            (
                json!({"maxLength": 3, "minimum": 2}),
                json!({"maxLength": 4, "minimum": 1}),
            ),
            (json!({"pattern": "a"}), json!({})),
            (
                json!({"oneOf": [{"properties": {"type": {"const": "A"}}}]}),
                json!({"oneOf": [{"properties": {"type": {"const": "B"}}}, {"properties": {"type": {"const": "A"}}}]}),
            ),
        ] {
            assert_eq!(lost(old.clone(), new.clone()), [""; 0], "{old} {new}");
            assert_ne!(lost(new.clone(), old.clone()), [""; 0], "{new} {old}");
        }
    }

    #[test]
    fn what_is_tighter_is_a_loss() {
        for (old, new) in [
            (
                json!({"type": "string"}),
                json!({"type": "string", "pattern": "a"}),
            ),
            (
                json!({"type": "string"}),
                json!({"type": "string", "maxLength": 3}),
            ),
            (
                json!({"type": "integer"}),
                json!({"type": "integer", "minimum": 1}),
            ),
            (
                json!({"type": "object"}),
                json!({"type": "object", "additionalProperties": false}),
            ),
            (
                json!({"type": "array"}),
                json!({"type": "array", "items": {"type": "string"}}),
            ),
            (json!({"default": true}), json!({"default": false})),
            (json!({}), json!({"type": "string"})),
            (json!({}), json!({"const": 1})),
            (json!({}), json!({"dependentRequired": {}})),
            (
                json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}}),
                json!({"$ref": "#/$defs/A", "$defs": {"A": {"type": "null"}}}),
            ),
            (
                json!({"items": {"type": "string"}}),
                json!({"items": {"type": "null"}}),
            ),
        ] {
            assert_ne!(lost(old.clone(), new.clone()), [""; 0], "{old} {new}");
        }
    }
}
