//! One document of a file, edited in place.

use json_patch::PatchOperation;
use krm::Internal;
use krm::documents::{DocumentError, split};
use krm::resource::Identity;
use serde_json::Value;
use yaml_splice::{EditError, Tree, YamlError};

use super::change::identity;

/// Why a file cannot be edited.
#[derive(Debug, thiserror::Error)]
pub enum EditedDocumentError {
    /// It cannot be split into documents.
    #[error(transparent)]
    Split(#[from] DocumentError),
    /// A document is not YAML.
    #[error("{path}: {error}")]
    NotYaml {
        /// The path of the file, as given.
        path: String,
        /// What is wrong.
        error: YamlError,
    },
    /// The file has no such resource.
    #[error("{path} has no {kind}: name the file that has it")]
    None {
        /// The path of the file, as given.
        path: String,
        /// The kind that was looked for.
        kind: &'static str,
    },
    /// The file has several of them.
    #[error(
        "{path} has several resources of kind {kind}: put the one to write into a file of its own"
    )]
    Several {
        /// The path of the file, as given.
        path: String,
        /// The kind that was looked for.
        kind: &'static str,
    },
    /// The text cannot be edited.
    #[error("{path}: {error}")]
    Edit {
        /// The path of the file, as given.
        path: String,
        /// Why.
        error: EditError,
    },
    /// A bug.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// The one document of a kind in a file.
pub(super) struct Wanted<'t> {
    path: &'t str,
    text: &'t str,
    range: std::ops::Range<usize>,
    /// Its parsed value.
    pub(super) value: Value,
}

impl<'t> Wanted<'t> {
    /// Finds the document by kind and API group.
    pub(super) fn find(
        path: &'t str,
        text: &'t str,
        kind: &'static str,
        group: &str,
    ) -> Result<Self, EditedDocumentError> {
        let files = [(path, text)];
        let mut found = Vec::new();
        for document in split(&files)? {
            let value = Tree::parse(document.text(&files)).and_then(|tree| tree.to_value());
            let value = value.map_err(|error| EditedDocumentError::NotYaml {
                path: path.to_owned(),
                error,
            })?;
            let own: Identity = identity(&value);
            if own.kind == kind && own.group() == group {
                found.push(Self {
                    path,
                    text,
                    range: document.range,
                    value,
                });
            }
        }
        let path = path.to_owned();
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(EditedDocumentError::None { path, kind }),
            _ => Err(EditedDocumentError::Several { path, kind }),
        }
    }

    /// The file with these operations applied. The rest stays byte for byte.
    pub(super) fn edited(&self, operations: Vec<Value>) -> Result<String, EditedDocumentError> {
        if operations.is_empty() {
            return Ok(self.text.to_owned());
        }
        let operations: Vec<PatchOperation> = serde_json::from_value(Value::Array(operations))
            .map_err(|error| Internal::new(format!("an operation of its own is none: {error}")))?;
        let part = |range: std::ops::Range<usize>| {
            let found = self.text.get(range);
            found.ok_or_else(|| Internal::new("a document is not where its file has it"))
        };
        let edited =
            yaml_splice::apply(part(self.range.clone())?, &operations).map_err(|error| {
                EditedDocumentError::Edit {
                    path: self.path.to_owned(),
                    error,
                }
            })?;
        let before = part(0..self.range.start)?;
        let after = part(self.range.end..self.text.len())?;
        Ok(format!("{before}{edited}{after}"))
    }
}
