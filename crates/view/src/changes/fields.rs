//! Determines which fields of a resource differ, from its values before and after.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// How it differs.
    pub difference: Difference,
    /// Its path: `spec.ports[0].name`; with the name of a list item if all items of the list have
    /// one.
    pub path: String,
}

/// How a field, or a resource, differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// It did not exist before.
    Added,
    /// Its value, or some of it, changed.
    Changed,
    /// It no longer exists.
    Removed,
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.difference {
            Difference::Added => '+',
            Difference::Changed => '~',
            Difference::Removed => '-',
        };
        write!(formatter, "{sign} {}", self.path)
    }
}

/// The fields that differ between two values of a resource, in the order of the later one. The
/// contents of a field that was added or removed are not listed.
pub(super) fn changed(before: &Value, after: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    compare(before, after, "", &mut fields);
    fields
}

fn compare(before: &Value, after: &Value, path: &str, fields: &mut Vec<Field>) {
    if before == after {
        return;
    }
    let (before, after) = match (before, after) {
        (Value::Object(before), Value::Object(after)) => (by_key(before), by_key(after)),
        (Value::Array(before), Value::Array(after)) => by_item(before, after),
        _ => {
            fields.push(Field {
                difference: Difference::Changed,
                path: path.to_owned(),
            });
            return;
        }
    };
    // A removed member comes where it was: before the first of its later neighbours that is still
    // there.
    let mut gone = before.iter().peekable();
    let removed = |step: &str| Field {
        difference: Difference::Removed,
        path: format!("{path}{}", joined(path, step)),
    };
    for (step, value) in &after {
        let below = format!("{path}{}", joined(path, step));
        let Some(was) = find(&before, step) else {
            fields.push(Field {
                difference: Difference::Added,
                path: below,
            });
            continue;
        };
        for (earlier, _) in gone.by_ref().take_while(|(earlier, _)| earlier != step) {
            if find(&after, earlier).is_none() {
                fields.push(removed(earlier));
            }
        }
        compare(was, value, &below, fields);
    }
    for (rest, _) in gone {
        if find(&after, rest).is_none() {
            fields.push(removed(rest));
        }
    }
}

/// A member of a mapping or an item of a list, by the step that leads to it: `name` or `[0]`.
type Member<'v> = (Cow<'v, str>, &'v Value);

fn by_key(members: &Map<String, Value>) -> Vec<Member<'_>> {
    let members = members.iter();
    members
        .map(|(key, value)| {
            let step = if key.contains('.') {
                Cow::Owned(format!("[{key}]"))
            } else {
                Cow::Borrowed(key.as_str())
            };
            (step, value)
        })
        .collect()
}

/// The items of two lists by name, if each has a unique one; otherwise by position.
fn by_item<'v>(before: &'v [Value], after: &'v [Value]) -> (Vec<Member<'v>>, Vec<Member<'v>>) {
    match (by_name(before), by_name(after)) {
        (Some(before), Some(after)) => (before, after),
        _ => (by_position(before), by_position(after)),
    }
}

fn by_name(items: &[Value]) -> Option<Vec<Member<'_>>> {
    let mut named = Vec::<Member<'_>>::with_capacity(items.len());
    for item in items {
        let step = format!("[{}]", item.get("name")?.as_str()?);
        if named.iter().any(|(other, _)| *other == step) {
            return None;
        }
        named.push((Cow::Owned(step), item));
    }
    Some(named)
}

fn by_position(items: &[Value]) -> Vec<Member<'_>> {
    let items = items.iter().enumerate();
    items
        .map(|(position, item)| (Cow::Owned(format!("[{position}]")), item))
        .collect()
}

fn find<'v>(members: &[Member<'v>], step: &str) -> Option<&'v Value> {
    let found = members.iter().find(|(other, _)| other == step);
    found.map(|(_, value)| *value)
}

/// A step in the form that follows a path.
fn joined<'s>(path: &str, step: &'s str) -> Cow<'s, str> {
    if path.is_empty() || step.starts_with('[') {
        Cow::Borrowed(step)
    } else {
        Cow::Owned(format!(".{step}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yaml_splice::Tree;

    fn listed(before: &str, after: &str) -> Vec<String> {
        let value = |text: &str| Tree::parse(text).unwrap().to_value().unwrap();
        changed(&value(before), &value(after))
            .iter()
            .map(Field::to_string)
            .collect()
    }

    const DEPLOYMENT: &str = "\
kind: Deployment
metadata:
  name: \"runner\" # ours
spec:
  containers:
  - name: one
    command: [a]
  - name: two
    env:
      - name: A
        value: b c
    script: |
      key: not a key
      - not an item
status: {}
";

    #[test]
    fn a_new_field_is_listed_by_its_top() {
        let after = DEPLOYMENT.replace(
            "    env:\n",
            "    ports:\n    - name: http\n      port: 1\n    env:\n",
        );
        assert_eq!(listed(DEPLOYMENT, &after), ["+ spec.containers[two].ports"]);
        assert_eq!(listed(&after, DEPLOYMENT), ["- spec.containers[two].ports"]);
    }

    #[test]
    fn a_key_with_dots_is_one_step() {
        let before = "metadata:\n  annotations:\n    example.com/a: x\n";
        let after = format!("{before}    example.com/b: y\n");
        assert_eq!(
            listed(before, &after),
            ["+ metadata.annotations[example.com/b]"]
        );
    }

    #[test]
    fn a_changed_value_is_listed_once() {
        let after = DEPLOYMENT.replace("value: b c", "value: d");
        assert_eq!(
            listed(DEPLOYMENT, &after),
            ["~ spec.containers[two].env[A].value"]
        );
    }

    #[test]
    fn a_block_scalar_is_one_field() {
        let after = DEPLOYMENT.replace("      key: not a key\n", "      x: y\n\n      z: [\n");
        assert_eq!(
            listed(DEPLOYMENT, &after),
            ["~ spec.containers[two].script"]
        );
    }

    #[test]
    fn a_new_item_is_listed_by_its_position_or_name() {
        assert_eq!(listed("a:\n- x\n- y\n", "a:\n- x\n- y\n- z\n"), ["+ a[2]"]);
        let after = DEPLOYMENT.replace("status", "  - name: three\n    image: x\nstatus");
        assert_eq!(listed(DEPLOYMENT, &after), ["+ spec.containers[three]"]);
        assert_eq!(
            listed("a: [{name: x}, {name: x}]", "a: [{name: x}]"),
            ["- a[1]"]
        );
    }

    #[test]
    fn what_is_gone_stands_where_it_was() {
        assert_eq!(
            listed("a: 1\nb: 1\nc: 1\nd: 1\n", "e: 1\nc: 2\n"),
            ["+ e", "- a", "- b", "~ c", "- d"]
        );
        // In a different order.
        assert_eq!(
            listed("a: 1\nb: 1\nc: 1\n", "b: 2\na: 2\n"),
            ["~ b", "- c", "~ a"]
        );
        assert_eq!(listed("a: {b: 1}\n", "a: [1]\n"), ["~ a"]);
    }

    #[test]
    fn each_style_is_read() {
        assert_eq!(listed("{\n\"a\": 1\n}\n", "{\n\"a\": 2\n}\n"), ["~ a"]);
        assert_eq!(listed("{a: 1}\n", "{a: 2, b: 1}\n"), ["~ a", "+ b"]);
        assert!(listed("a: 1 # x\n", "a: 1 # y\n").is_empty());
    }
}
