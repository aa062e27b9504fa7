//! Edits at every place of a value.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::{Value, json};

/// An edit, and what comes of it.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The edit.
    pub operation: PatchOperation,
    /// The value with the edit applied.
    pub expected: Value,
}

/// Values of each kind, and some that are hard to write.
fn new_values() -> [Value; 6] {
    [
        json!("on"),
        json!("- a: b # c\n\tit's \"quoted\""),
        json!("a\n  b\n"),
        json!(null),
        json!({}),
        json!({"a": ["b", {"c": 1, "d": "e\nf"}], "g": -1.5}),
    ]
}

/// Every edit of a value at the places at or below `under`: add, replace, remove, and test.
pub fn edits(value: &Value, under: &[&str]) -> Vec<Edit> {
    let mut operations = Vec::new();
    let mut path: Vec<String> = under.iter().map(|&token| token.to_owned()).collect();
    let pointer = PointerBuf::from_tokens(&path);
    if let Ok(start) = pointer.resolve(value) {
        collect(start, &mut path, &mut operations);
    }
    operations
        .into_iter()
        .filter_map(|operation| {
            let mut expected = value.clone();
            json_patch::patch(&mut expected, std::slice::from_ref(&operation)).ok()?;
            Some(Edit {
                operation,
                expected,
            })
        })
        .collect()
}

fn collect(value: &Value, path: &mut Vec<String>, all: &mut Vec<PatchOperation>) {
    let here = PointerBuf::from_tokens(path.iter());
    all.push(PatchOperation::Test(TestOperation {
        path: here.clone(),
        value: value.clone(),
    }));
    all.push(PatchOperation::Remove(RemoveOperation {
        path: here.clone(),
    }));
    let add = |token: &str, value: Value| {
        let mut path = here.clone();
        path.push_back(token);
        PatchOperation::Add(AddOperation { path, value })
    };
    for new in new_values() {
        match value {
            Value::Object(_) => all.push(add("new.io/key", new.clone())),
            Value::Array(_) => {
                for token in ["-", "0", "1"] {
                    all.push(add(token, new.clone()));
                }
            }
            _ => {}
        }
        all.push(PatchOperation::Replace(ReplaceOperation {
            path: here.clone(),
            value: new,
        }));
    }
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, value)| (index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (token, member) in members {
        path.push(token);
        collect(member, path, all);
        path.pop();
    }
}
