//! Edits of the user's items that can be undone byte for byte: the original text of what an edit
//! rewrites is noted in the item, and restored when the last of our changes is removed.

use std::rc::Rc;

use json_patch::{AddOperation, PatchOperation};
use serde_json::{Map, Value};

use super::Patched;
use crate::bookkeeping::{
    CONFIG_BEFORE, EMPTY_BEFORE, OWNED_BY, PREFIX, WRITTEN_BEFORE, annotation,
};
use crate::keyed_pointer::{by_index, by_key};
use yaml_splice::pointer::{self, At as _, name_of};
use yaml_splice::sources::{self, NOT_KEPT, Sources};
use yaml_splice::{EditError, Internal, Tree};

const ANNOTATIONS: &str = "/metadata/annotations";

/// An item's text with a patch applied.
///
/// # Errors
/// As [`yaml_splice::apply_to`].
pub(super) fn edit(tree: &Tree<'_>, patch: &Patched) -> Result<String, EditError> {
    let edited = yaml_splice::apply_to(tree, &patch.operations, &patch.value)?;
    if let Some(restored) = &patch.restored {
        let restored = restored
            .iter()
            .filter_map(|(pointer, text)| Some((by_index(&patch.value, pointer)?, text.clone())));
        return Ok(sources::restore(&edited, &restored.collect())?);
    }
    if patch.value.at(&annotation(OWNED_BY)).is_some() {
        return Ok(edited);
    }
    // A record must not copy a Secret's text.
    let is_secret = patch.value.get("kind").and_then(Value::as_str) == Some("Secret");
    // The text of a file that an earlier run has edited is not the original.
    let files = sources::scalar(tree, &annotation(CONFIG_BEFORE));
    let files = files.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
    let files = files.unwrap_or_default();
    let is_edited = |pointer: &str| {
        let token = pointer.rsplit('/').next();
        token.is_some_and(|token| files.contains_key(&name_of(token)))
    };
    let mut edited = edited;
    let mut noted = Sources::new();
    // Adding the note may rewrite a node too.
    loop {
        let replaced = patch.operations.iter().filter_map(replaced);
        let mut lost = sources::lost(tree, &edited, replaced, !is_secret)?;
        // Text from an earlier run does not belong to the user.
        lost.retain(|pointer, _| !is_own_annotation(pointer));
        for (pointer, text) in &mut lost {
            if is_edited(pointer) {
                NOT_KEPT.clone_into(text);
            }
        }
        if lost.keys().all(|pointer| noted.contains_key(pointer)) {
            return Ok(edited);
        }
        noted.extend(lost);
        let operation = note(&patch.value, noted.clone())?;
        let mut value = Rc::clone(&patch.value);
        let mut operations = patch.operations.clone();
        json_patch::patch(Rc::make_mut(&mut value), std::slice::from_ref(&operation))
            .map_err(|error| Internal::new(format!("a note cannot be added: {error}")))?;
        operations.push(operation);
        edited = yaml_splice::apply_to(tree, &operations, &value)?;
    }
}

/// Whether a JSON pointer is that of an annotation of this function.
fn is_own_annotation(pointer: &str) -> bool {
    pointer
        .rsplit_once("/annotations/")
        .is_some_and(|(_, name)| name_of(name).starts_with(PREFIX))
}

/// The JSON pointer of a scalar that an operation sets.
fn replaced(operation: &PatchOperation) -> Option<&str> {
    let (path, value) = match operation {
        PatchOperation::Add(operation) => (&operation.path, &operation.value),
        PatchOperation::Replace(operation) => (&operation.path, &operation.value),
        _ => return None,
    };
    let is_scalar = !value.is_object() && !value.is_array();
    is_scalar.then(|| path.as_str())
}

/// The operation that adds the annotation with the texts, those of earlier runs included.
fn note(value: &Value, lost: Sources) -> Result<PatchOperation, Internal> {
    let pointer = annotation(WRITTEN_BEFORE);
    let earlier = value.at(&pointer).and_then(Value::as_str);
    let earlier = earlier.and_then(|note| serde_json::from_str::<Sources>(note).ok());
    let earlier = earlier.unwrap_or_default();
    let all = lost.into_iter().chain(earlier);
    let all: Sources = all
        .map(|(pointer, text)| (by_key(value, &pointer), text))
        .collect();
    let all = all.into_iter().map(|(key, text)| (key, Value::from(text)));
    let note = Value::from(Value::Object(all.collect()).to_string());
    let annotations = value.at(ANNOTATIONS);
    let members = annotations.and_then(Value::as_object);
    let (path, value) = if members.is_some_and(|members| !members.is_empty()) {
        (pointer.as_str(), note)
    } else {
        let mut all = Map::from_iter([(WRITTEN_BEFORE.to_owned(), note)]);
        if let Some(empty) = annotations {
            let empty = Map::from_iter([(ANNOTATIONS.to_owned(), empty.clone())]);
            let empty = Value::Object(empty).to_string();
            all.insert(EMPTY_BEFORE.to_owned(), Value::from(empty));
        }
        (ANNOTATIONS, Value::Object(all))
    };
    Ok(PatchOperation::Add(AddOperation {
        path: pointer::parse(path)?,
        value,
    }))
}
