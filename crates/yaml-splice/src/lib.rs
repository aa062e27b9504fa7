#![doc = include_str!("../README.md")]
//!
//! | module | what it knows |
//! |---|---|
//! | [`tree`] | a document as nodes with byte spans, from the events of `saphyr-parser` |
//! | [`value`] | the value of a node: scalars resolved as by Kubernetes' readers, aliases expanded |
//! | [`emit`] | a value as YAML text |
//! | [`block_scalar`] | the physical lines of a `|` or `>` scalar |
//! | [`inline_scalar`] | the spelling of a quoted or plain scalar |
//! | [`folded`] | the lines of a `>` scalar |
//! | [`diff`] | the differences between two values |
//! | [`sources`] | the text of nodes before an edit |
//! | [`pointer`](mod@pointer) | JSON pointers into values |
//! | [`edit`] | RFC 6902 operations as splices of the text |
//! | [`internal`] | the error for a bug of this program |

#![forbid(unsafe_code)]
// The exception for tests in clippy.toml does not cover this lint.
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod block_scalar;
mod diff;
pub mod edit;
mod emit;
mod folded;
mod inline_scalar;
mod internal;
pub mod pointer;
pub mod sources;
pub mod tree;
mod value;

pub use edit::{EditError, apply, apply_to};
pub use emit::{Style, block_document, flow};
pub use internal::Internal;
pub use tree::Tree;

/// A value as a YAML document. Each line ends with a line break.
pub fn document(value: &serde_json::Value) -> String {
    let style = Style {
        newline: "\n",
        indent_sequences: false,
    };
    block_document(value, 0, style)
}

/// The line break of a text, by its first line.
pub fn line_break(text: &str) -> &'static str {
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// The kind of a problem, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YamlErrorKind {
    /// It is not YAML, or YAML that Kubernetes rejects.
    Invalid,
    /// YAML readers interpret it differently.
    Ambiguous,
    /// It has more than one document.
    SeveralDocuments,
    /// Its document is not a mapping.
    NotAMapping,
}

/// Text that is not YAML, or YAML that Kubernetes rejects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    /// What is wrong.
    pub kind: YamlErrorKind,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// Line in the parsed text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}
