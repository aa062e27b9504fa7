//! Every short text of YAML's indicators: what we read, libyaml reads in the same way, and an edit
//! of it gives what it should.
//!
//! A fuzzer tries long texts at random; this tries all short ones. `SHORT_TEXTS=6 cargo test --profile
//! quick -p conformance --test short_texts libyaml` goes further, to 119 million texts.

use std::env;

use conformance::{libyaml, libyaml_agrees, nodes};
use serde_json::{Value, json};
use yaml_splice::edit::{EditError, item_root, item_value};
use yaml_splice::{Tree, YamlError};

/// What texts are made of.
const PARTS: [&str; 22] = [
    "a", "b", " ", "\n", "\n  ", "\t", ": ", ":", "- ", "? ", "\"", "'", "#", "[", "]", "{", "}",
    ",", "|", "&b ", "*b", "!",
];

/// The number of parts without the variable `SHORT_TEXTS`, for texts that are read.
const READ: u32 = 4;
/// The same for texts that are edited, in several ways each.
const EDITED: u32 = 3;

/// Each text of up to this many parts.
fn texts(most: u32) -> impl Iterator<Item = String> {
    let of = |parts: u32| {
        (0..PARTS.len().pow(parts)).map(move |number| {
            let mut rest = number;
            let next = |_| {
                let part = PARTS.get(rest % PARTS.len());
                rest /= PARTS.len();
                part.copied().unwrap_or_default()
            };
            (0..parts).map(next).collect::<String>()
        })
    };
    (1..=most).flat_map(of)
}

fn most(usual: u32) -> u32 {
    match env::var("SHORT_TEXTS") {
        Ok(number) => number.parse().expect("SHORT_TEXTS is a number of parts"),
        Err(_) => usual,
    }
}

#[test]
fn libyaml_reads_the_same() {
    let mut compared = 0;
    for text in texts(most(READ)) {
        let Ok(tree) = Tree::parse(&text) else {
            continue;
        };
        let Some(found) = nodes(&tree) else {
            continue;
        };
        let agrees = libyaml_agrees(&text, &found);
        assert_ne!(agrees, Some(false), "{text:?} is read as {found}");
        compared += usize::from(agrees.is_some());
    }
    assert!(compared > 40_000, "only {compared} texts were compared");
}

#[test]
fn an_edit_gives_what_it_should() {
    let mut edited = 0;
    for text in texts(most(EDITED)) {
        let Ok(before) = read(&text) else {
            continue;
        };
        let others = judged(&text, &text).filter(|(item, _)| *item == before);
        for patch in patches(&before) {
            let mut expected = before.clone();
            json_patch::patch(&mut expected, &patch).unwrap();
            let output = match yaml_splice::apply(&text, &patch) {
                Ok(output) => output,
                Err(
                    EditError::NoSuchPath { .. }
                    | EditError::TabBelow { .. }
                    | EditError::NotFaithful { .. },
                ) => continue,
                Err(error) => panic!("{text:?}: {patch}: {error}"),
            };
            let found = read(&output);
            assert_eq!(
                found.as_ref(),
                Ok(&expected),
                "{text:?}: {patch}: {output:?}"
            );
            if let Some((_, others)) = &others {
                let found = judged(&text, &output);
                let expected = Some((expected, others.clone()));
                assert_eq!(found, expected, "{text:?}: {patch}: {output:?}");
            }
            edited += 1;
        }
    }
    assert!(edited > 500, "only {edited} edits were tried");
}

/// What paths start at: of an item of a list, the item.
fn read(text: &str) -> Result<Value, YamlError> {
    item_value(&Tree::parse(text)?)
}

/// What libyaml reads in a text that was made from another one: what paths start at, and the items
/// beside it.
fn judged(original: &str, text: &str) -> Option<(Value, Vec<Value>)> {
    let tree = Tree::parse(original).ok()?;
    Some(match libyaml(text)? {
        Value::Array(mut items) if item_root(&tree) != tree.root() && !items.is_empty() => {
            (items.remove(0), items)
        }
        value => (value, Vec::new()),
    })
}

/// A change of each member, and a new one.
fn patches(value: &Value) -> Vec<json_patch::Patch> {
    let places: Vec<String> = match value {
        Value::Object(members) => members.keys().map(|key| escaped(key)).collect(),
        Value::Array(items) => (0..items.len()).map(|place| place.to_string()).collect(),
        _ => return Vec::new(),
    };
    let new = if value.is_array() { "-" } else { "z" };
    let mut patches = vec![json!([{"op": "add", "path": format!("/{new}"), "value": {"y": [1]}}])];
    for place in places {
        let path = format!("/{place}");
        patches.push(json!([{"op": "replace", "path": path, "value": "new: value"}]));
        patches.push(json!([{"op": "remove", "path": path}]));
    }
    let patches = patches.into_iter();
    patches
        .map(|patch| serde_json::from_value(patch).unwrap())
        .collect()
}

/// A key in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
