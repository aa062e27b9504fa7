//! RFC 6902 operations from one value to another.
//!
//! A `test` before each use of an index verifies the element. If others have changed the list, the
//! build fails instead of changing the wrong element.

use serde_json::{Map, Value, json};
use yaml_splice::pointer::token;

use super::lists::{Schema, are_told_apart, is_same};

/// The operations, in order; empty if the values are equivalent.
pub(super) fn between(schema: Schema, before: &Value, after: &Value) -> Vec<Value> {
    let mut found = Operations {
        schema,
        made: Vec::new(),
    };
    found.value(before, after, "", &mut Vec::new());
    found.made
}

struct Operations {
    schema: Schema,
    made: Vec<Value>,
}

impl Operations {
    fn value(&mut self, before: &Value, after: &Value, pointer: &str, path: &mut Vec<String>) {
        if is_same(self.schema, before, after, path) {
            return;
        }
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                self.members(before, after, pointer, path);
            }
            (Value::Array(before), Value::Array(after)) => {
                self.list(before, after, pointer, path);
            }
            _ => self.with_value("replace", pointer, after),
        }
    }

    fn members(
        &mut self,
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        pointer: &str,
        path: &mut Vec<String>,
    ) {
        for (key, new) in after {
            let below = format!("{pointer}/{}", token(key));
            path.push(key.clone());
            match before.get(key) {
                Some(old) => self.value(old, new, &below, path),
                None => self.with_value("add", &below, new),
            }
            path.pop();
        }
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            self.remove(&format!("{pointer}/{}", token(key)));
        }
    }

    fn list(&mut self, before: &[Value], after: &[Value], pointer: &str, path: &mut Vec<String>) {
        let keys = self.schema.keys(path);
        let by_key = keys.filter(|keys| are_told_apart(keys, before, after));
        let is_ordered = by_key.is_none();
        let key = match by_key.and_then(|keys| keys.first()) {
            Some(key) => key,
            None if are_told_apart(&["name"], before, after) => "name",
            None => return self.whole_list(before, after, pointer),
        };
        let is_in =
            |item: &Value, list: &[Value]| list.iter().any(|one| one.get(key) == item.get(key));
        let kept: Vec<&Value> = before.iter().filter(|item| is_in(item, after)).collect();
        let still: Vec<&Value> = after.iter().filter(|item| is_in(item, before)).collect();
        let is_in_order = kept
            .iter()
            .zip(&still)
            .all(|(was, is)| was.get(key) == is.get(key));
        if is_ordered && !is_in_order {
            return self.whole_list(before, after, pointer);
        }
        for (index, was) in before.iter().enumerate() {
            let is = after.iter().find(|is| is.get(key) == was.get(key));
            if let Some(is) = is
                && !is_same(self.schema, was, is, path)
            {
                self.element_is(was, key, pointer, index);
                self.value(was, is, &format!("{pointer}/{index}"), path);
            }
        }
        for (index, was) in before.iter().enumerate().rev() {
            if !is_in(was, after) {
                self.element_is(was, key, pointer, index);
                self.remove(&format!("{pointer}/{index}"));
            }
        }
        let mut now = kept;
        for (index, item) in after.iter().enumerate() {
            if is_in(item, before) {
                continue;
            }
            let next = now.get(index).copied().filter(|_| is_ordered);
            match next {
                Some(next) => {
                    self.element_is(next, key, pointer, index);
                    self.with_value("add", &format!("{pointer}/{index}"), item);
                    now.insert(index, item);
                }
                None => {
                    self.with_value("add", &format!("{pointer}/-"), item);
                    now.push(item);
                }
            }
        }
    }

    /// For a list whose elements cannot be identified.
    fn whole_list(&mut self, before: &[Value], after: &[Value], pointer: &str) {
        match after.strip_prefix(before) {
            Some(new) => {
                for item in new {
                    self.with_value("add", &format!("{pointer}/-"), item);
                }
            }
            None => {
                self.with_value("test", pointer, &json!(before));
                self.with_value("replace", pointer, &json!(after));
            }
        }
    }

    fn element_is(&mut self, element: &Value, key: &str, pointer: &str, index: usize) {
        let value = element.get(key).cloned().unwrap_or_default();
        let path = format!("{pointer}/{index}/{}", token(key));
        self.with_value("test", &path, &value);
    }

    fn with_value(&mut self, operation: &str, path: &str, value: &Value) {
        self.made
            .push(json!({"op": operation, "path": path, "value": value}));
    }

    fn remove(&mut self, path: &str) {
        self.made.push(json!({"op": "remove", "path": path}));
    }
}
