//! Annotations with the data to undo an edit byte for byte.

use yaml_splice::pointer::token;

/// On a resource that a function has made: its owner.
pub const OWNED_BY: &str = "runner-terminal.dev/owned-by";

/// On the object with an edited file: for each file name, the previous text of its keys, or `null`
/// if there was none.
pub const CONFIG_BEFORE: &str = "runner-terminal.dev/config-before";

/// On a resource of the user: the members that were empty before something was added to them, by
/// JSON pointer, with their previous value (`null`, `{}`, `[]`).
pub const EMPTY_BEFORE: &str = "runner-terminal.dev/empty-before";

/// On a resource of the user's: the original text of nodes that an edit has rewritten, by JSON pointer.
pub const WRITTEN_BEFORE: &str = "runner-terminal.dev/written-before";

/// The prefix of this function's annotations.
pub const PREFIX: &str = "runner-terminal.dev/";

/// JSON pointer of an annotation in a resource, or in a pod template.
pub fn annotation(name: &str) -> String {
    format!("/metadata/annotations/{}", token(name))
}
