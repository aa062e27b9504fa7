//! The documents of a file, each with the line it starts at.

use serde_json::Value;

use super::{ChartValuesError, Note, Place};
use krm::documents::split;
use yaml_splice::tree::{Kind, NodeId};
use yaml_splice::{Tree, YamlError};

/// One document of a file.
pub(super) struct Document<'a> {
    pub(super) tree: Tree<'a>,
    /// Its value, with aliases and merge keys expanded.
    pub(super) value: Value,
    /// The line of the file at which its text starts, from 1.
    line: usize,
}

impl<'a> Document<'a> {
    fn parse(text: &'a str, line: usize) -> Result<Self, YamlError> {
        let read = || {
            let tree = Tree::parse(text)?;
            let value = tree.to_value()?;
            Ok(Self { tree, value, line })
        };
        read().map_err(|error: YamlError| YamlError {
            line: line + error.line.saturating_sub(1),
            ..error
        })
    }

    /// The place in the file of a byte of the document.
    pub(super) fn place(&self, path: String, position: usize) -> Place {
        let (line, column) = line_and_column(&self.tree, position);
        Place {
            path,
            line: self.line + line - 1,
            column,
        }
    }

    /// The position of a byte in a text that is a scalar of the document, such as
    /// `spec.source.helm.values`. If the text is not written line by line, for example in quotes,
    /// it is the position of the scalar.
    pub(super) fn place_in_text(
        &self,
        path: String,
        scalar: NodeId,
        text: &Tree<'_>,
        position: usize,
    ) -> Place {
        let node = self.tree.node(scalar);
        let (line, column) = line_and_column(text, position);
        // There is no line after the last line break.
        let inner = text.text.lines().nth(line - 1).unwrap_or_default();
        // The header of a block scalar has a line of its own.
        let header = line_and_column(&self.tree, node.content).0;
        let outer = self.tree.text.lines().nth(header + line - 1);
        let indent = outer.and_then(|outer| outer.strip_suffix(inner));
        let is_block = matches!(
            self.tree.text.as_bytes().get(node.content),
            Some(b'|' | b'>')
        );
        match indent {
            Some(indent) if is_block && indent.chars().all(|c| c == ' ') => Place {
                path,
                line: self.line + header + line - 1,
                column: indent.len() + column,
            },
            _ => self.place(path, node.span.start),
        }
    }
}

/// The documents of a file. If there is only one, it may consist of comments.
///
/// # Errors
/// Text that is not YAML, or holds nothing at all.
pub(super) fn documents(text: &str) -> Result<Vec<Document<'_>>, ChartValuesError> {
    let is_blank = |line: &str| matches!(line.trim(), "" | "\u{feff}" | "---" | "...");
    if text.lines().all(is_blank) {
        let place = Place {
            path: "values".to_owned(),
            line: 1,
            column: 1,
        };
        // Helm prints nothing when it fails: an empty pipe must not become the chart's defaults.
        let message =
            "the file is empty; for a release without values of its own, helm get values \
                       --output yaml prints null"
                .to_owned();
        return Err(ChartValuesError::Value {
            note: Note { place, message },
        });
    }
    let error = match Document::parse(text, 1) {
        Ok(document) => return Ok(vec![document]),
        Err(error) => error,
    };
    let file = [("", text)];
    match split(&file) {
        Ok(documents)
            if documents.len() > 1 || text.lines().any(|line| line.trim_end() == "---") =>
        {
            documents
                .iter()
                .map(|document| Document::parse(document.text(&file), document.line))
                .collect::<Result<_, YamlError>>()
                .map_err(ChartValuesError::from)
        }
        _ => Err(error.into()),
    }
}

/// Line and column in characters, both from 1.
fn line_and_column(tree: &Tree<'_>, position: usize) -> (usize, usize) {
    let before = tree.text.get(..position).unwrap_or(tree.text);
    let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// The member of a mapping or the item of a list: its position, and its node. Aliases are followed.
/// Members from a merge key (`<<`) do not count.
pub(super) fn step(tree: &Tree<'_>, node: NodeId, key: &str) -> Option<(usize, NodeId)> {
    let node = target(tree, node);
    if let Some((name, value)) = tree.entry(node, key) {
        return Some((tree.node(name).span.start, value));
    }
    let item = *tree.items(node).get(key.parse::<usize>().ok()?)?;
    Some((tree.node(item).span.start, item))
}

/// The node that an alias refers to, otherwise the node itself.
pub(super) fn target(tree: &Tree<'_>, node: NodeId) -> NodeId {
    match tree.node(node).kind {
        Kind::Alias { target, .. } => target,
        _ => node,
    }
}

/// The node at a path of keys, including keys from merge keys.
pub(super) fn node_at(tree: &Tree<'_>, keys: &[String]) -> Option<NodeId> {
    let root = target(tree, tree.root()?);
    keys.iter().try_fold(root, |node, key| {
        member(tree, node, key, 0).map(|node| target(tree, node))
    })
}

/// The maximum number of mappings to follow merge keys through.
const MAX_MERGES: usize = 16;

fn member(tree: &Tree<'_>, node: NodeId, key: &str, depth: usize) -> Option<NodeId> {
    if let Some((_, value)) = step(tree, node, key) {
        return Some(value);
    }
    if depth > MAX_MERGES {
        return None;
    }
    merged(tree, node)
        .into_iter()
        .find_map(|node| member(tree, node, key, depth + 1))
}

/// The mappings that a mapping's merge key (`<<`) brings in.
pub(super) fn merged(tree: &Tree<'_>, node: NodeId) -> Vec<NodeId> {
    let Some((_, value)) = tree.entry(target(tree, node), "<<") else {
        return Vec::new();
    };
    let value = target(tree, value);
    match tree.node(value).kind {
        Kind::Sequence { .. } => tree
            .items(value)
            .iter()
            .map(|item| target(tree, *item))
            .collect(),
        _ => vec![value],
    }
}
