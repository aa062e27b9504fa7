//! The annotations by which an edit can be taken back to the byte.

use yaml_splice::pointer::token;

/// On a resource that a function has made: its owner. What such a resource was before is nothing.
pub const OWNED_BY: &str = "runner-terminal.dev/owned-by";

/// On the object with a file that was edited: by the name of the file, the text that its keys had
/// before, `null` for none.
pub const CONFIG_BEFORE: &str = "runner-terminal.dev/config-before";

/// On a resource of the user's: the members that stood there with nothing in them before something
/// was put there, by JSON pointer, and what each was.
pub const EMPTY_BEFORE: &str = "runner-terminal.dev/empty-before";

/// On a resource of the user's: the text of what is written in another form since, by JSON pointer.
pub const WRITTEN_BEFORE: &str = "runner-terminal.dev/written-before";

/// What the names of all annotations of this function begin with.
pub const PREFIX: &str = "runner-terminal.dev/";

/// JSON pointer of an annotation in a resource, or in a pod template.
pub fn annotation(name: &str) -> String {
    format!("/metadata/annotations/{}", token(name))
}
