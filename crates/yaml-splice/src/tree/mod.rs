//! A YAML document as nodes with their byte positions.

mod ambiguous;
mod builder;
mod merge;
mod outdented;
mod positions;
mod surrogates;

use std::borrow::Cow;
use std::ops::Range;

pub use saphyr_parser::ScalarStyle;
use saphyr_parser::Tag;

use super::YamlError;
use super::edit::item_root;
pub(crate) use ambiguous::LONGEST_IMPLICIT_KEY;
use builder::Builder;
pub(crate) use positions::{error_at, line_end};
// Public for the fuzzers, which include the source file of the list reader.
#[doc(hidden)]
pub use positions::skip_gap;
pub(crate) use surrogates::{PAIR, pair};

/// Deeper documents are refused: no Kubernetes manifest comes close, and the code that processes
/// them is recursive.
pub const MAX_DEPTH: usize = 128;

/// A node's place in [`Tree::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(usize);

/// One parsed document.
#[derive(Debug)]
pub struct Tree<'a> {
    /// The text that every span refers to.
    pub text: &'a str,
    nodes: Vec<Node<'a>>,
    root: Option<NodeId>,
    /// Escapes of surrogates, as in JSON, stand between double quotes.
    has_surrogates: bool,
}

/// A scalar, collection or alias, and its position.
#[derive(Debug)]
pub struct Node<'a> {
    /// The `:`, `-` or `?` before the node; `None` where there is none, as in `[a]`.
    pub indicator: Option<usize>,
    /// From the node's first byte (including its tag and anchor) to the end of its content, without
    /// the line break that follows. For an empty node, the position right after the indicator.
    pub span: Range<usize>,
    /// The start of the content, after the tag and the anchor.
    pub content: usize,
    /// The parser's number for the anchor on this node; 0 when there is none.
    pub anchor: usize,
    /// The node itself.
    pub kind: Kind<'a>,
}

/// Used for an ID from another tree.
static NOTHING: Node<'static> = Node {
    indicator: None,
    span: 0..0,
    content: 0,
    anchor: 0,
    kind: Kind::Scalar {
        value: Cow::Borrowed(""),
        style: ScalarStyle::Plain,
        tag: None,
    },
};

/// What a node is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// `text`, `"text"`, `|`: the value after unescaping and folding.
    Scalar {
        /// The value of the scalar.
        value: Cow<'a, str>,
        /// How it is written.
        style: ScalarStyle,
        /// `!!str`, `!custom`: rare, and large.
        tag: Option<Box<Tag>>,
    },
    /// `*name`: the anchor's number, and the node that carries it.
    Alias {
        /// The parser's number for the anchor.
        anchor: usize,
        /// The node that the alias stands for.
        target: NodeId,
    },
    /// `- a` or `[a]`.
    Sequence {
        /// Written with brackets.
        flow: bool,
        /// The members in order.
        items: Vec<NodeId>,
    },
    /// `a: b` or `{a: b}`.
    Mapping {
        /// Written with braces.
        flow: bool,
        /// The members in order; a key is a scalar or an alias to one.
        entries: Vec<(NodeId, NodeId)>,
    },
}

impl<'a> Tree<'a> {
    /// Refuses characters that other readers refuse or read in another way, and that do no harm where
    /// nothing is edited: a carriage return alone that ends a line, control characters, and escapes of
    /// surrogates outside of JSON.
    pub(crate) fn check_characters(&self) -> Result<(), YamlError> {
        ambiguous::line_ends(self.text, &self.nodes)?;
        ambiguous::control_characters(self.text, &self.nodes)?;
        let is_flow = |root| {
            let kind = &self.node(root).kind;
            matches!(kind, Kind::Mapping { flow, .. } | Kind::Sequence { flow, .. } if *flow)
        };
        if self.has_surrogates && !item_root(self).is_some_and(is_flow) {
            ambiguous::surrogates(self.text, &self.nodes)?;
        }
        Ok(())
    }

    /// Parses one document.
    ///
    /// # Errors
    /// Text that is not YAML, or that YAML readers interpret differently; more than one document,
    /// duplicate keys in a mapping, a key that is not a scalar, and nesting deeper than
    /// [`MAX_DEPTH`].
    pub fn parse(text: &'a str) -> Result<Self, YamlError> {
        Builder::new(text).build()
    }

    /// The document's node; `None` if the text is empty except for comments.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node with this ID; an empty scalar if the ID is from another tree and not valid here.
    pub fn node(&self, id: NodeId) -> &Node<'a> {
        self.nodes.get(id.0).unwrap_or(&NOTHING)
    }

    /// Every node, in the order of the text.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node<'a>)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (NodeId(index), node))
    }

    /// The text of a scalar; `None` for a collection. Aliases are followed.
    pub fn scalar(&self, id: NodeId) -> Option<&str> {
        scalar(&self.nodes, id)
    }

    /// The members of a mapping; empty for anything else. Aliases are not followed.
    pub fn entries(&self, id: NodeId) -> &[(NodeId, NodeId)] {
        match &self.node(id).kind {
            Kind::Mapping { entries, .. } => entries,
            _ => &[],
        }
    }

    /// The members of a sequence; empty for anything else. Aliases are not followed.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// The member of a mapping that is written under `key` (not one that `<<` brings in).
    pub fn entry(&self, id: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        self.entries(id)
            .iter()
            .copied()
            .find(|(name, _)| self.scalar(*name) == Some(key))
    }

    /// The start of the line that contains `position`.
    pub fn line_start(&self, position: usize) -> usize {
        let text = self.text.as_bytes();
        // A position past the end counts as the end.
        let before = text.get(..position).unwrap_or(text);
        memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)
    }

    /// The start of the line after `position`; the end of the text if there is none.
    pub fn next_line(&self, position: usize) -> usize {
        (line_end(self.text, position) + 1).min(self.text.len())
    }

    /// The column of `position` in bytes, the unit of indentation. A byte order mark has no width.
    pub fn column(&self, position: usize) -> usize {
        let mark = if self.text.starts_with('\u{feff}') {
            3
        } else {
            0
        };
        let start = self.line_start(position).max(mark);
        position.saturating_sub(start)
    }
}

/// The text of a scalar, or of the scalar that an alias refers to.
fn scalar<'n>(nodes: &'n [Node<'_>], id: NodeId) -> Option<&'n str> {
    match &nodes.get(id.0)?.kind {
        Kind::Scalar { value, .. } => Some(value),
        Kind::Alias { target, .. } => match &nodes.get(target.0)?.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        },
        _ => None,
    }
}
