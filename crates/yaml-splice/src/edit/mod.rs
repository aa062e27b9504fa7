//! RFC 6902 operations as splices of YAML text.
//!
//! Each operation changes as few bytes as possible: comments, key order, quoting, blanks and line
//! breaks around it stay. Where a node cannot be changed alone (it is an alias, it is merged by `<<`,
//! it is shared through an anchor), the alias or the merged member is written out first.

mod editor;
mod error;
mod insert;
mod remove;
mod replace;
mod splice;
mod written_out;

use json_patch::PatchOperation;
use serde_json::Value;

use super::YamlError;
use super::tree::{Kind, NodeId, Tree};
use crate::Internal;
use editor::Editor;
pub use error::EditError;
use splice::{has_tab_below, splice};

/// Applies a patch to the text of one item.
///
/// The item is the document's root, or the one member of a block sequence that is the document
/// (`- apiVersion: …`, as items are written in a ResourceList). Paths start at the item.
///
/// # Errors
/// See [`EditError`]. The result is parsed again and compared with the patch applied to the parsed
/// input, so text with any other meaning is never returned.
pub fn apply(text: &str, patch: &[PatchOperation]) -> Result<String, EditError> {
    let tree = Tree::parse(text)?;
    let mut expected = item_value(&tree)?;
    for operation in patch {
        json_patch::patch(&mut expected, std::slice::from_ref(operation))
            .map_err(|_| no_such_path(operation))?;
    }
    apply_to(&tree, patch, &expected)
}

/// Like [`apply`], for an item that is already parsed and a patch that is already applied to its
/// value, with the result `expected`.
///
/// # Errors
/// As [`apply`].
pub fn apply_to(
    tree: &Tree<'_>,
    patch: &[PatchOperation],
    expected: &Value,
) -> Result<String, EditError> {
    if !patch.is_empty() {
        tree.check_characters()?;
    }
    let mut edited: Option<String> = None;
    let mut rest = patch;
    while let Some(operation) = rest.first() {
        let (splices, done) = match &edited {
            None => Editor::new(tree).steps(rest)?,
            Some(text) => {
                let tree = Tree::parse(text).map_err(|_| not_faithful(operation))?;
                Editor::new(&tree).steps(rest)?
            }
        };
        let before = edited.as_deref().unwrap_or(tree.text);
        if splices.iter().any(|splice| has_tab_below(before, splice)) {
            return Err(EditError::TabBelow {
                path: operation.path().to_string(),
            });
        }
        edited = Some(splice(before, splices)?);
        rest = rest.get(done..).ok_or_else(|| {
            Internal::new(format!("{done} of {} operations were made", rest.len()))
        })?;
    }
    let (Some(edited), Some(last)) = (edited, patch.last()) else {
        return Ok(tree.text.to_owned());
    };
    let is_faithful = Tree::parse(&edited).is_ok_and(|tree| match item_root(&tree) {
        Some(root) => tree.means(root, expected),
        None => expected.is_null(),
    });
    if is_faithful {
        Ok(edited)
    } else {
        Err(not_faithful(last))
    }
}

/// The node that paths start at: the item, not the one-member sequence around it.
pub fn item_root(tree: &Tree<'_>) -> Option<NodeId> {
    let root = tree.root()?;
    match &tree.node(root).kind {
        Kind::Sequence { flow: false, items } => items.first().copied(),
        _ => Some(root),
    }
}

/// The value of the item.
///
/// # Errors
/// As [`Tree::to_value`].
pub fn item_value(tree: &Tree<'_>) -> Result<Value, YamlError> {
    item_root(tree).map_or(Ok(Value::Null), |root| tree.value_of(root))
}

fn no_such_path(operation: &PatchOperation) -> EditError {
    EditError::NoSuchPath {
        path: operation.path().to_string(),
    }
}

fn not_faithful(operation: &PatchOperation) -> EditError {
    EditError::NotFaithful {
        path: operation.path().to_string(),
    }
}
