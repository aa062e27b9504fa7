//! Edits at every position in a value.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation};
use serde_json::{Value, json};

use crate::json_places::places;

/// An edit, and its expected result.
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

/// Every edit of a value at or below `under`: add, replace, remove, and test.
pub fn edits(value: &Value, under: &[&str]) -> Vec<Edit> {
    let start = PointerBuf::from_tokens(under.iter().copied());
    let mut operations = Vec::new();
    for (tokens, place) in start.resolve(value).map(places).unwrap_or_default() {
        let mut here = start.clone();
        here.append(PointerBuf::from_tokens(tokens));
        operations.extend(at(&here, place));
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

/// The edits at one position.
fn at(here: &PointerBuf, value: &Value) -> Vec<PatchOperation> {
    let mut all = vec![
        PatchOperation::Test(TestOperation {
            path: here.clone(),
            value: value.clone(),
        }),
        PatchOperation::Remove(RemoveOperation { path: here.clone() }),
    ];
    let add = |token: &str, value: Value| {
        let mut path = here.clone();
        path.push_back(token);
        PatchOperation::Add(AddOperation { path, value })
    };
    for new in new_values() {
        match value {
            Value::Object(_) => all.push(add("new.io/key", new.clone())),
            Value::Array(_) => all.extend(["-", "0", "1"].map(|token| add(token, new.clone()))),
            _ => {}
        }
        all.push(PatchOperation::Replace(ReplaceOperation {
            path: here.clone(),
            value: new,
        }));
    }
    all
}
