//! Why a list cannot be read or written.

use yaml_splice::{EditError, Internal, YamlError, YamlErrorKind};

use crate::results::{FunctionResult, Refusal};

/// Input that is not a ResourceList, or an item of it that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The input holds bytes that are not UTF-8.
    #[error("the input is not UTF-8 text: byte {0} begins no character")]
    NotUtf8(usize),
    /// There is nothing to read.
    #[error(
        "the input is empty: a KRM function reads a ResourceList on standard input (kustomize and \
         kpt give it one; see `runner-terminal --help`)"
    )]
    Empty,
    /// The input is not YAML, or YAML readers disagree on it.
    #[error("{what}: {0}", what = not_read(.0))]
    NotYaml(YamlError),
    /// The input is YAML, but not a ResourceList.
    #[error(
        "the input is {found}, not a ResourceList: a KRM function reads a ResourceList on standard \
         input. For plain manifests use `runner-terminal apply-to FILE` (as a post-renderer of Helm \
         3: --post-renderer-args apply-to), or a kustomization with this function under \
         `transformers:`"
    )]
    NotAResourceList {
        /// What it is instead.
        found: String,
    },
    /// The input is a ResourceList of another version.
    #[error(
        "the ResourceList is of apiVersion {0:?}, and this function reads config.kubernetes.io/v1 \
         and config.kubernetes.io/v1beta1"
    )]
    UnknownVersion(String),
    /// An item that matters to the function cannot be read.
    #[error("{name}: {source}")]
    Item {
        /// The item's place in the list, its kind and name.
        name: String,
        /// What is wrong, at which line of the input.
        source: YamlError,
    },
    /// A bug.
    #[error(transparent)]
    Internal(#[from] Internal),
}

fn not_read(error: &YamlError) -> &'static str {
    match error.kind {
        YamlErrorKind::Ambiguous => "the input cannot be read",
        _ => "the input is not YAML",
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::new(FunctionResult::error(error.to_string()))
    }
}

/// A change that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// An item's text could not be edited.
    #[error("{resource}: {source}")]
    Edit {
        /// The resource's kind, namespace and name.
        resource: String,
        /// Why.
        source: EditError,
    },
    /// An anchor would have to change that another item refers to.
    #[error("the anchor &{anchor} is used by other items of the list: write its value out there")]
    SharedAnchor {
        /// The anchor's name.
        anchor: String,
    },
    /// A bug.
    #[error(transparent)]
    Internal(#[from] Internal),
}
