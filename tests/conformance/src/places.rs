//! The suite's documents in every context where a document can be, and what an edit may change
//! there.

use std::ops::Range;

use json_patch::PatchOperation;
use serde_json::{Value, json};
use yaml_splice::Tree;
use yaml_splice::tree::Kind;

use crate::json_places::written;

/// A text with the document of a case in it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text.
    pub text: String,
    /// The value of the whole text.
    pub value: Value,
    /// Whether the text is a sequence whose first member is the item that paths start at.
    pub is_list: bool,
    /// The path of the document in the item.
    pub under: &'static [&'static str],
}

impl Place {
    /// A text that consists of the document alone.
    pub fn alone(text: &str, value: &Value) -> Self {
        let is_list = Tree::parse(text).is_ok_and(|tree| {
            let root = tree.root().map(|root| &tree.node(root).kind);
            matches!(root, Some(Kind::Sequence { flow: false, .. }))
        });
        Self {
            text: text.to_owned(),
            value: value.clone(),
            is_list,
            under: &[],
        }
    }

    /// A text with the document as a member of an item, which is a member of a list. `None` for a
    /// document that has markers or directives of its own.
    pub fn member(text: &str, value: &Value, newline: &str) -> Option<Self> {
        let body = indented(text, 4)?;
        let text = format!("# before\n- kind: ConfigMap\n  case:\n{body}  after: 2 # after\n");
        Some(Self {
            text: text.replace('\n', newline),
            value: json!([{"kind": "ConfigMap", "case": value, "after": 2}]),
            is_list: true,
            under: &["case"],
        })
    }

    /// The value of the item.
    pub fn item(&self) -> Value {
        match self.value.get(0) {
            Some(first) if self.is_list => first.clone(),
            _ => self.value.clone(),
        }
    }

    /// The value of the whole text, if that of the item is `item`.
    pub fn with_item(&self, item: Value) -> Value {
        let mut value = self.value.clone();
        match value.get_mut(0) {
            Some(first) if self.is_list => *first = item,
            _ => value = item,
        }
        value
    }

    /// Whether an edit has left everything else alone: the text up to the end of the node before
    /// its position, and from the start of the node after it. If the text has aliases, the edit may
    /// write them out, which this does not detect.
    pub fn is_kept(&self, operation: &PatchOperation, output: &str) -> bool {
        let Ok(tree) = Tree::parse(&self.text) else {
            return false;
        };
        let mut nodes = tree.nodes();
        if nodes.any(|(_, node)| matches!(node.kind, Kind::Alias { .. })) {
            return true;
        }
        let about = about(&tree, operation);
        let leaves = || {
            let nodes = tree.nodes().map(|(_, node)| node);
            nodes.filter(|node| matches!(node.kind, Kind::Scalar { .. }) && !node.span.is_empty())
        };
        let before = leaves()
            .map(|node| node.span.end)
            .filter(|end| *end <= about.start);
        let nodes = tree.nodes().map(|(_, node)| node);
        let starts = nodes.filter_map(|node| {
            let start = (!node.span.is_empty()).then_some(node.span.start);
            node.indicator.or(start)
        });
        let behind = starts.filter(|start| *start >= about.end);
        let head = &self.text[..before.max().unwrap_or(0)];
        let tail = &self.text[behind.min().unwrap_or(self.text.len())..];
        output.starts_with(head)
            && output.ends_with(tail)
            && output.len() >= head.len() + tail.len()
    }
}

/// The lines of a document, indented as a block in a column; `None` if it has markers that only a
/// separate document can have.
pub fn indented(text: &str, column: usize) -> Option<String> {
    let body = text.strip_prefix("---\n").unwrap_or(text);
    let body = match body.strip_suffix("\n...\n") {
        Some(rest) => body.get(..rest.len() + 1)?,
        None => body,
    };
    let mut out = String::new();
    for line in body.split_inclusive('\n') {
        if ["---", "...", "%"]
            .iter()
            .any(|mark| line.starts_with(mark))
        {
            return None;
        }
        if line != "\n" {
            out.push_str(&" ".repeat(column));
        }
        out.push_str(line);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Some(out)
}

/// The bytes that an edit may change.
fn about(tree: &Tree<'_>, operation: &PatchOperation) -> Range<usize> {
    let tokens: Vec<String> = operation
        .path()
        .tokens()
        .map(|token| token.decoded().into_owned())
        .collect();
    let (last, above) = tokens.split_last().expect("an edit below the root");
    let (parent, around) = written(tree, above).expect("a parent that is there");
    let place = written(tree, &tokens).map(|(_, range)| range);
    let members = tree.entries(parent).len() + tree.items(parent).len();
    match (operation, place) {
        // Without its only member a collection is written as `{}` or `[]`.
        (PatchOperation::Remove(_), _) if members == 1 => around,
        // A new item is inserted before the one at this position.
        (PatchOperation::Add(_), Some(range)) if !tree.items(parent).is_empty() => {
            range.start..range.start
        }
        (_, Some(range)) => range,
        (_, None) if members == 0 => around,
        (_, None) => {
            assert!(
                last == "-" || !tree.entries(parent).is_empty() || last.parse::<usize>().is_ok()
            );
            around.end..around.end
        }
    }
}
