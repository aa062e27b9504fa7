//! Finds the line of a field in a document.

use std::collections::BTreeMap;

use yaml_splice::Tree;
use yaml_splice::tree::{Kind, NodeId};

use super::Document;

/// The line of a field, given its path from the document's root in the notation of results:
/// `spec.containers[0].ports`, `data[config.toml]`. If it does not exist, the line of its closest
/// parent.
pub fn line_of(tree: &Tree<'_>, path: &str) -> usize {
    let at = tree.root().map_or(0, |root| position(tree, root, path));
    let before = tree.text.as_bytes().get(..at).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).count() + 1
}

/// Finds lines of fields in files. Each document is parsed once: a List is one document with many
/// resources.
#[derive(Debug)]
pub struct FieldLines<'f, 'text> {
    files: &'f [(&'f str, &'text str)],
    /// By the file and the start of the document; `None` if that is not YAML.
    trees: BTreeMap<(usize, usize), Option<Tree<'text>>>,
}

impl<'f, 'text> FieldLines<'f, 'text> {
    /// For files, given as (path, text).
    pub fn new(files: &'f [(&'f str, &'text str)]) -> Self {
        Self {
            files,
            trees: BTreeMap::new(),
        }
    }

    /// The line in its file, from 1, of a field of a document, whose path is as for [`line_of`].
    pub fn line_in_file(&mut self, document: &Document, path: &str) -> usize {
        let tree = self
            .trees
            .entry((document.file, document.range.start))
            .or_insert_with(|| Tree::parse(document.text(self.files)).ok());
        let line = tree.as_ref().map_or(1, |tree| line_of(tree, path));
        document.line + line - 1
    }
}

fn position(tree: &Tree<'_>, root: NodeId, path: &str) -> usize {
    let mut at = tree.node(root).span.start;
    let mut node = root;
    let mut rest = path;
    loop {
        if let Kind::Alias { target, .. } = tree.node(node).kind {
            node = target;
        }
        let step = match tree.node(node).kind {
            Kind::Mapping { .. } => member(tree, node, rest),
            Kind::Sequence { .. } => item(tree, node, rest),
            _ => None,
        };
        let Some(step) = step else {
            return at;
        };
        // The target of an alias is elsewhere: positions in it are not positions here.
        let start = tree.node(step.place).span.start;
        at = if start < at { at } else { start };
        (node, rest) = (step.value, step.rest);
    }
}

/// One part of a path.
struct Step<'path> {
    /// The node that determines the line.
    place: NodeId,
    value: NodeId,
    rest: &'path str,
}

/// The member that a path leads into. If one key is a prefix of another, the longer match wins.
/// Keys may contain dots.
fn member<'path>(tree: &Tree<'_>, mapping: NodeId, path: &'path str) -> Option<Step<'path>> {
    let steps = tree.entries(mapping).iter().filter_map(|(key, value)| {
        let rest = after_key(path, tree.scalar(*key)?)?;
        Some(Step {
            place: *key,
            value: *value,
            rest,
        })
    });
    steps.min_by_key(|step| step.rest.len())
}

fn after_key<'path>(path: &'path str, key: &str) -> Option<&'path str> {
    if key.is_empty() {
        return None;
    }
    if let Some(bracketed) = path.strip_prefix('[') {
        return bracketed.strip_prefix(key)?.strip_prefix(']');
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let rest = path.strip_prefix(key)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

fn item<'path>(tree: &Tree<'_>, sequence: NodeId, path: &'path str) -> Option<Step<'path>> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    let item = *tree.items(sequence).get(index.parse::<usize>().ok()?)?;
    Some(Step {
        place: item,
        value: item,
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# head
kind: Deployment
metadata:
  annotations:
    example.com/a: x
    example.com: y
spec:
  containers:
  - name: one
    ports: [{port: 1},
      {port: 2}]
  -
    name: two
data:
  config.toml: |
    a
  b: c
";

    fn line(path: &str) -> usize {
        line_of(&Tree::parse(TEXT).unwrap(), path)
    }

    #[test]
    fn a_field_has_the_line_of_its_key() {
        assert_eq!(line("kind"), 2);
        assert_eq!(line("spec.containers"), 8);
        assert_eq!(line("spec.containers[0].ports"), 10);
        assert_eq!(line("spec.containers[0].ports[1].port"), 11);
        assert_eq!(line("spec.containers[1].name"), 13);
        assert_eq!(line("data[config.toml]"), 15);
        assert_eq!(line("data.config.toml"), 15);
        assert_eq!(line("data.b"), 17);
        assert_eq!(line("metadata.annotations.example.com/a"), 5);
        assert_eq!(line("metadata.annotations[example.com]"), 6);
    }

    #[test]
    fn a_field_that_is_not_there_has_the_line_of_the_nearest_around_it() {
        assert_eq!(line(""), 2);
        assert_eq!(line("status.loadBalancer"), 2);
        assert_eq!(line("spec.replicas"), 7);
        assert_eq!(line("spec.containers[7].ports"), 8);
        assert_eq!(line("spec.containers[x"), 8);
        assert_eq!(line("spec.containers[0].name.x"), 9);
        assert_eq!(line("kin"), 2);
        assert_eq!(line("].[..["), 2);
        assert_eq!(line_of(&Tree::parse("# none\n").unwrap(), "a"), 1);
    }

    #[test]
    fn what_an_alias_stands_for_is_not_where_it_is() {
        let text = "a: &a\n  x: 1\nb: *a\nc: 1\n";
        assert_eq!(line_of(&Tree::parse(text).unwrap(), "b.x"), 3);
    }
}
