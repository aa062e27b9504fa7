//! A patch that is carried out on a text gives a text that means what json-patch gives, by a reader
//! that is not ours; and what the patch is not about stays, byte for byte.

#![no_main]

use std::ops::Range;

use arbitrary::Unstructured;
use fuzz::{judge, mutate, tape};
use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;
use yaml_splice::edit::{EditError, apply, item_root, item_value};
use yaml_splice::tree::{Kind, skip_gap};
use yaml_splice::{Tree, YamlError};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some((text, mut choices)) = tape::split(input) else {
        return;
    };
    let Ok((tree, before)) = read(text) else {
        let any = add(Vec::new(), Value::Null);
        assert!(apply(text, &[any]).is_err(), "what is not read is edited");
        return;
    };
    assert!(judge::agrees(&tree), "the other reader finds other nodes");
    let Ok((patch, after)) = patch(&mut choices, &before) else {
        return;
    };
    let output = match apply(text, &patch) {
        Ok(output) => output,
        // What has been read is edited, or refused with the reason.
        Err(
            EditError::NoSuchPath { .. }
            | EditError::TabBelow { .. }
            | EditError::LongKey { .. }
            | EditError::NotFaithful { .. },
        ) => return,
        // It is read, and not edited.
        Err(EditError::Yaml(_)) if has_unusual_characters(text) => return,
        Err(error) => panic!("{error}: {patch:?}"),
    };
    let (_, value) = read(&output).unwrap_or_else(|error| panic!("{error}: {patch:?}\n{output}"));
    assert_eq!(value, after, "{patch:?}\n{output}");
    // Where both readers agree on what was there, they agree on what is there now.
    let whole = judge::yaml(text).map(|value| member(&tree, value));
    if let Some((item, others)) = whole
        && item == before
    {
        let written = judge::written(&output)
            .unwrap_or_else(|| panic!("the other reader refuses what {patch:?} gives:\n{output}"));
        let found = member(&tree, written);
        assert_eq!(found, (after, others), "{patch:?}\n{output}");
    }
    if let [operation] = &patch[..] {
        stays(&tree, operation, &output);
    }
});

fn read(text: &str) -> Result<(Tree<'_>, Value), YamlError> {
    let tree = Tree::parse(text)?;
    let value = item_value(&tree)?;
    Ok((tree, value))
}

/// True if a text has characters that YAML does not allow, a carriage return alone, which ends a line
/// to YAML only, or perhaps a surrogate pair, which only JSON has.
fn has_unusual_characters(text: &str) -> bool {
    let is_refused = |c: char| {
        let is_control = c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
        is_control || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let may_have_pair = text.contains(r"\ud") || text.contains(r"\uD");
    text.contains(is_refused) || may_have_pair || judge::has_lone_return(text)
}

/// What paths start at, and what stands beside it.
fn member(tree: &Tree<'_>, value: Value) -> (Value, Vec<Value>) {
    match value {
        Value::Array(mut items) if item_root(tree) != tree.root() && !items.is_empty() => {
            (items.remove(0), items)
        }
        value => (value, Vec::new()),
    }
}

fn add(path: Vec<String>, value: Value) -> PatchOperation {
    let path = PointerBuf::from_tokens(path);
    PatchOperation::Add(AddOperation { path, value })
}

/// Some operations that a value allows, one after the other, and what they make of it.
fn patch(
    choices: &mut Unstructured<'_>,
    before: &Value,
) -> arbitrary::Result<(Vec<PatchOperation>, Value)> {
    let mut value = before.clone();
    let mut all = Vec::new();
    for _ in 0..choices.int_in_range(1..=4)? {
        let operation = operation(choices, &value)?;
        let mut patched = value.clone();
        let done = json_patch::patch(&mut patched, std::slice::from_ref(&operation));
        // An item stays a mapping, or whatever else it is.
        if done.is_ok() && std::mem::discriminant(&patched) == std::mem::discriminant(&value) {
            value = patched;
            all.push(operation);
        }
    }
    Ok((all, value))
}

fn operation(choices: &mut Unstructured<'_>, value: &Value) -> arbitrary::Result<PatchOperation> {
    let mut path = Vec::new();
    let mut at = value;
    loop {
        let members: Vec<(String, &Value)> = match at {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.clone(), value))
                .collect(),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(place, value)| (place.to_string(), value))
                    .collect()
            }
            _ => Vec::new(),
        };
        if members.is_empty() || choices.int_in_range(0..=4)? == 4 {
            break;
        }
        let (token, member) = choices.choose(&members)?;
        path.push(token.clone());
        at = member;
    }
    let new = tape::value(choices, 3)?;
    let below = match at {
        Value::Object(_) => Some(tape::key(choices)?),
        Value::Array(items) if choices.arbitrary()? => {
            Some(choices.int_in_range(0..=items.len())?.to_string())
        }
        Value::Array(_) => Some("-".to_owned()),
        _ => None,
    };
    let kind = choices.int_in_range(0..=3)?;
    Ok(match (kind, below) {
        // The item itself stays.
        (0, _) if !path.is_empty() => PatchOperation::Remove(RemoveOperation {
            path: PointerBuf::from_tokens(path),
        }),
        (1, _) | (_, None) if !path.is_empty() => {
            let path = PointerBuf::from_tokens(path);
            PatchOperation::Replace(ReplaceOperation { path, value: new })
        }
        (_, below) => {
            path.push(below.unwrap_or_default());
            add(path, new)
        }
    })
}

/// Only the lines of the place change, and the line on each side of it: the one above may lose a
/// comma or get a colon, the one below may come to the dash of what is gone.
fn stays(tree: &Tree<'_>, operation: &PatchOperation, output: &str) {
    let text = tree.text;
    // The value was there already.
    if output == text {
        return;
    }
    // An alias, and what `<<` brings in, are written out where they stand.
    if text.contains(['&', '*']) || text.contains("<<") {
        return;
    }
    // Lines that end by a carriage return alone are lines to YAML only.
    if judge::has_lone_return(text) {
        return;
    }
    let about = about(tree, operation);
    let first = tree.line_start(tree.line_start(about.start).saturating_sub(1));
    // What is added comes behind the comments at the end of what it is added to.
    let last = tree.next_line(tree.next_line(skip_gap(text, about.end)));
    let (old, new) = (text.as_bytes(), output.as_bytes());
    let same = old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count();
    assert!(
        same >= first,
        "{operation:?} changes byte {same}, before {first}:\n{output}"
    );
    // In equal lines, each end may reach over what has changed.
    let ends = old.iter().rev().zip(new.iter().rev());
    let end = old.len() - ends.take_while(|(old, new)| old == new).count();
    assert!(
        end <= last,
        "{operation:?} changes byte {end}, behind {last}:\n{output}"
    );
}

/// Where the place of an operation is written, or what it is to stand in.
fn about(tree: &Tree<'_>, operation: &PatchOperation) -> Range<usize> {
    let mut range = 0..tree.text.len();
    let Some(mut at) = item_root(tree) else {
        return range;
    };
    let tokens: Vec<_> = operation
        .path()
        .tokens()
        .map(|token| token.decoded().into_owned())
        .collect();
    for (depth, token) in tokens.iter().enumerate() {
        let next = match &tree.node(at).kind {
            Kind::Mapping { .. } => tree
                .entry(at, token)
                .map(|(key, value)| (tree.node(key).span.start, value)),
            Kind::Sequence { items, .. } => token
                .parse::<usize>()
                .ok()
                .and_then(|place| items.get(place).copied())
                .map(|item| {
                    (
                        tree.node(item)
                            .indicator
                            .unwrap_or(tree.node(item).span.start),
                        item,
                    )
                }),
            _ => None,
        };
        let Some((start, next)) = next else {
            return range;
        };
        // The only member of a collection goes with it.
        let alone = tree.entries(at).len() + tree.items(at).len() == 1;
        let goes = matches!(operation, PatchOperation::Remove(_)) && depth + 1 == tokens.len();
        if !(alone && goes) {
            range = start..tree.node(next).span.end.max(start);
        }
        at = next;
    }
    range
}
