//! The text of one YAML document: read, and edited as the function edits manifests.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;
use yaml_splice::Tree;
use yaml_splice::edit::item_root;

use crate::fault::Fault;

/// The document's value; `null` if it is empty.
///
/// # Errors
///
/// A [`Fault`] if the text is not YAML.
pub(crate) fn parse(text: &str) -> Result<Value, Fault> {
    let value = Tree::parse(text).and_then(|tree| tree.to_value());
    value.map_err(Fault::of_yaml)
}

/// The text with a JSON patch applied.
///
/// # Errors
///
/// A [`Fault`] if the text is not YAML, the patch is invalid, or an operation cannot be applied.
pub(crate) fn edit(text: &str, patch: &str) -> Result<String, Fault> {
    let patch = operations(patch)?;
    let tree = Tree::parse(text).map_err(Fault::of_yaml)?;
    // The editor would take these for an item of a ResourceList, with its dash.
    if item_root(&tree) != tree.root() {
        return Err(Fault::of_list());
    }
    yaml_splice::apply(text, &patch).map_err(Fault::of_edit)
}

/// Parses a patch. `json_patch` could do it too, but adds 7 KB for browsers to fetch.
fn operations(patch: &str) -> Result<Vec<PatchOperation>, Fault> {
    let patch: Value = serde_json::from_str(patch)
        .map_err(|error| Fault::of_patch(&format!("this cannot be read: {error}")))?;
    let Value::Array(patch) = patch else {
        return Err(Fault::of_patch("this is to be a list of operations"));
    };
    patch.into_iter().map(operation).collect()
}

fn operation(mut operation: Value) -> Result<PatchOperation, Fault> {
    let text = |member: &str| operation.get(member).and_then(Value::as_str);
    let path = text("path").and_then(|path| PointerBuf::parse(path).ok());
    let path = path.ok_or_else(|| Fault::of_patch("each operation has a path, such as /spec"))?;
    let op = text("op").unwrap_or_default().to_owned();
    let value = operation.get_mut("value").map(Value::take);
    let value = value.ok_or_else(|| Fault::of_patch("this operation needs a value"));
    Ok(match op.as_str() {
        "add" => PatchOperation::Add(AddOperation {
            path,
            value: value?,
        }),
        "replace" => PatchOperation::Replace(ReplaceOperation {
            path,
            value: value?,
        }),
        "remove" => PatchOperation::Remove(RemoveOperation { path }),
        _ => {
            return Err(Fault::of_patch(
                "an operation is to be add, replace or remove",
            ));
        }
    })
}
