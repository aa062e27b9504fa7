//! Annotations with what an edit needs to be undone byte for byte.

use yaml_splice::pointer::token;

/// On a resource that a function has made: its owner.
pub const OWNED_BY: &str = "runner-terminal.dev/owned-by";

/// On the object with a file that was edited: by the name of the file, the text that its keys had
/// before, `null` for none.
pub const CONFIG_BEFORE: &str = "runner-terminal.dev/config-before";

/// On a resource of the user's: the members that were empty before something was put into them, by
/// JSON pointer, and what each was (`null`, `{}`, `[]`).
pub const EMPTY_BEFORE: &str = "runner-terminal.dev/empty-before";

/// On a resource of the user's: the original text of nodes that an edit has rewritten, by JSON pointer.
pub const WRITTEN_BEFORE: &str = "runner-terminal.dev/written-before";

/// The prefix of this function's annotations.
pub const PREFIX: &str = "runner-terminal.dev/";

/// JSON pointer of an annotation in a resource, or in a pod template.
pub fn annotation(name: &str) -> String {
    format!("/metadata/annotations/{}", token(name))
}
