//! Why a text cannot be edited.

use crate::{Internal, YamlError};

/// Why an operation cannot be applied to the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The operation's path leads nowhere in this document.
    #[error("{path}: no such place in this document")]
    NoSuchPath {
        /// The JSON pointer of the operation.
        path: String,
    },
    /// The editor does not support the operation.
    #[error("{path}: only add, replace and remove can be carried out on text")]
    Unsupported {
        /// The JSON pointer of the operation.
        path: String,
    },
    /// A blank line or a comment follows that a tab indents. Whether readers accept it depends on the
    /// line before it, which the edit would change.
    #[error(
        "{path}: a tab indents the blank line or comment below, which some readers refuse; remove it"
    )]
    TabBelow {
        /// The JSON pointer of the operation.
        path: String,
    },
    /// A new key is longer than YAML readers accept: 1,024 characters.
    #[error("{path}: a key of more than 1,024 characters is not found by all readers; shorten it")]
    LongKey {
        /// The JSON pointer of the operation.
        path: String,
    },
    /// The edited text would not have the meaning of the patch. Nothing is written in that case.
    #[error("{path}: this cannot be edited as it is written; write it as a plain block")]
    NotFaithful {
        /// The JSON pointer of the last operation.
        path: String,
    },
    /// A bug.
    #[error(transparent)]
    Internal(#[from] Internal),
}
