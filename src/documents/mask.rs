//! Texts in which no value of a Secret can be read, to be shown to people.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::split;
use crate::yaml::Tree;
use crate::yaml::tree::{Kind, NodeId};

const SECRET: &str = "Secret";
/// Where a Secret has its values.
const VALUES: [&str; 2] = ["data", "stringData"];
/// Where kubectl leaves a copy of them.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Masks texts that are compared with each other.
///
/// Each line of a value stands as `<masked 1>`: the same number for the same line, so that a diff
/// still says which lines differ, and every line where it was.
#[derive(Debug, Default)]
pub struct Mask {
    numbers: HashMap<String, usize>,
}

impl Mask {
    /// Masks the values of the Secrets in a text: YAML documents, a ResourceList among them. A
    /// document that cannot be read and may be one is masked as a whole.
    pub fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if memchr::memmem::find(text.as_bytes(), SECRET.as_bytes()).is_none() {
            return Cow::Borrowed(text);
        }
        let files = [("", text)];
        let parts = match split(&files) {
            Ok(documents) => documents
                .iter()
                .flat_map(|document| parts(document.text(&files), document.range.start))
                .collect(),
            Err(_) => vec![Part::all(text, 0)],
        };
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for part in parts {
            out.push_str(text.get(end..part.range.start).unwrap_or_default());
            let value = text.get(part.range.clone()).unwrap_or_default();
            self.append(value, part.has_header, &mut out);
            end = part.range.end;
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Cow::Owned(out)
    }

    fn append(&mut self, value: &str, has_header: bool, out: &mut String) {
        for (index, line) in value.split_inclusive('\n').enumerate() {
            let content = line.trim();
            if content.is_empty() || has_header && index == 0 {
                out.push_str(line);
                continue;
            }
            let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
            let next = self.numbers.len() + 1;
            let number = *self.numbers.entry(content.to_owned()).or_insert(next);
            out.push_str(&format!("{indent}<masked {number}>"));
            out.push_str(rest.get(content.len()..).unwrap_or_default());
        }
    }
}

/// What is to be masked.
#[derive(Debug)]
struct Part {
    range: Range<usize>,
    /// The first line is the `|` or `>` of a block scalar.
    has_header: bool,
}

impl Part {
    fn all(text: &str, start: usize) -> Self {
        Self {
            range: start..start + text.len(),
            has_header: false,
        }
    }
}

/// The values of the Secrets in a document that begins at `start`, in their order.
fn parts(document: &str, start: usize) -> Vec<Part> {
    if memchr::memmem::find(document.as_bytes(), SECRET.as_bytes()).is_none() {
        return Vec::new();
    }
    let Ok(tree) = Tree::parse(document) else {
        return vec![Part::all(document, start)];
    };
    let mut values = BTreeSet::new();
    // A Secret may be an item of a list.
    for (id, _) in tree.nodes() {
        let kind = tree
            .entry(id, "kind")
            .and_then(|(_, kind)| tree.scalar(kind));
        if kind != Some(SECRET) {
            continue;
        }
        let annotations = tree
            .entry(id, "metadata")
            .and_then(|(_, metadata)| tree.entry(metadata, "annotations"))
            .and_then(|(_, annotations)| tree.entry(annotations, LAST_APPLIED));
        let values_of = VALUES.iter().filter_map(|key| tree.entry(id, key));
        for (_, value) in values_of.chain(annotations) {
            collect(&tree, value, &mut BTreeSet::new(), &mut values);
        }
    }
    let part = |(range_start, range_end, has_header)| Part {
        range: start + range_start..start + range_end,
        has_header,
    };
    values.into_iter().map(part).collect()
}

/// Collects the scalars of a value, those behind an alias too: where each begins and ends, and
/// whether it is a block scalar.
fn collect(
    tree: &Tree<'_>,
    value: NodeId,
    seen: &mut BTreeSet<usize>,
    values: &mut BTreeSet<(usize, usize, bool)>,
) {
    let node = tree.node(value);
    match &node.kind {
        Kind::Scalar { style, .. } => {
            let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
            values.insert((node.content, node.span.end, is_block));
        }
        Kind::Alias { target, .. } => {
            // Aliases of aliases could take forever.
            if seen.insert(tree.node(*target).span.start) {
                collect(tree, *target, seen, values);
            }
        }
        Kind::Sequence { items, .. } => {
            for item in items {
                collect(tree, *item, seen, values);
            }
        }
        Kind::Mapping { entries, .. } => {
            for (_, value) in entries {
                collect(tree, *value, seen, values);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_masked_line_by_line() {
        let text = "\
kind: ConfigMap
data: {a: shown} # Secret
---
kind: \"Secret\"
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"data\":{\"a\":\"c2Vj\"}}'
    other: shown
stringData:
  config.toml: |
    token = \"canary\"

    [[runners]]
  folded: \"a
    b\"
data: {a: c2Vj, b: c2Vj,
  c: }  # shown
";
        let expected = text
            .replace("'{\"data\":{\"a\":\"c2Vj\"}}'", "<masked 1>")
            .replace("token = \"canary\"", "<masked 2>")
            .replace("[[runners]]", "<masked 3>")
            .replace("\"a\n    b\"", "<masked 4>\n    <masked 5>")
            .replace("c2Vj", "<masked 6>");
        assert_eq!(Mask::default().text(text), expected);
    }

    #[test]
    fn the_same_line_has_the_same_number_in_both_texts() {
        let mut mask = Mask::default();
        let text = |value: &str| format!("kind: Secret\r\ndata:\r\n  a: x\r\n  b: {value}\r\n");
        assert_eq!(
            mask.text(&text("y")),
            "kind: Secret\r\ndata:\r\n  a: <masked 1>\r\n  b: <masked 2>\r\n"
        );
        assert_eq!(
            mask.text(&text("z")),
            "kind: Secret\r\ndata:\r\n  a: <masked 1>\r\n  b: <masked 3>\r\n"
        );
    }

    #[test]
    fn secrets_in_lists_and_behind_aliases_are_masked() {
        let text = "x: &a canary\nitems:\n- kind: Secret\n  data: {a: *a, b: [canary]}\n";
        let masked = Mask::default().text(text).into_owned();
        assert!(!masked.contains("canary"), "{masked}");
        assert!(masked.contains("a: *a"), "{masked}");
    }

    #[test]
    fn what_cannot_be_read_is_masked_as_a_whole() {
        for text in ["kind: Secret\ndata: {a: canary\n", "--- {canary: Secret}\n"] {
            let masked = Mask::default().text(text).into_owned();
            assert!(!masked.contains("canary"), "{masked}");
        }
        assert_eq!(Mask::default().text("a: [\n"), "a: [\n");
    }
}
