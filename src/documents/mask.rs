//! Texts in which no value of a Secret can be read, to be shown to people.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use saphyr_parser::ScalarStyle;

use super::split;
use crate::yaml::Tree;
use crate::yaml::tree::{Kind, NodeId};

const SECRET: &str = "Secret";
/// A list that need not say the kind of its items.
const SECRET_LIST: &str = "SecretList";
/// A field that only Secrets have.
const STRING_DATA: &str = "stringData";
/// What a Secret has besides its values, and what its metadata are. All else is masked: a value that
/// is indented too little, or too far, is no less a secret.
const SHOWN: [&str; 4] = ["apiVersion", "immutable", "kind", "type"];
const SHOWN_METADATA: [&str; 12] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "labels",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "uid",
];
/// Where kubectl leaves a copy of the values.
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
        if !may_have_secrets(text) {
            return Cow::Borrowed(text);
        }
        let files = [("", text)];
        let parts = match split(&files) {
            Ok(documents) => {
                let mut all = Vec::new();
                let mut above = 0;
                for document in &documents {
                    let found = parts(document.text(&files), document.range.start);
                    if found.is_secret {
                        let done = all.last().map_or(0, |part: &Part| part.range.end);
                        let above = before_comments(text, above).max(done);
                        all.extend(comments(text, above..document.range.start));
                    }
                    all.extend(found.parts);
                    above = document.range.end;
                }
                all
            }
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
            let mut content = line.trim();
            let mut start = line.len() - line.trim_start().len();
            if has_header && index == 0 {
                // What follows the indicator of a block scalar is a comment.
                start = comment_start(line).unwrap_or(line.len());
                content = line.get(start..).unwrap_or_default().trim_end();
            }
            if content.is_empty() {
                out.push_str(line);
                continue;
            }
            let (indent, rest) = line.split_at(start);
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

fn may_have_secrets(text: &str) -> bool {
    [SECRET, STRING_DATA]
        .iter()
        .any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// What is to be masked in a document.
#[derive(Debug, Default)]
struct Found {
    parts: Vec<Part>,
    /// The document is a Secret, or may be one.
    is_secret: bool,
}

/// The comments in a part of a text that has nothing but comments and separators.
fn comments(text: &str, range: Range<usize>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        if let Some(start) = comment_start(line) {
            parts.push(Part {
                range: at + start..at + line.trim_end().len(),
                has_header: false,
            });
        }
        at += line.len();
    }
    parts
}

/// The start of the lines of comments, and empty ones, that end at `end`.
fn before_comments(text: &str, end: usize) -> usize {
    let mut start = end;
    for line in text
        .get(..end)
        .unwrap_or_default()
        .split_inclusive('\n')
        .rev()
    {
        if !line.trim().is_empty() && !line.trim().starts_with('#') {
            break;
        }
        start -= line.len();
    }
    start
}

/// Where a comment begins in a line. The sign may also stand inside a quoted scalar: then its rest is
/// taken for a comment, which hides more than it must.
fn comment_start(line: &str) -> Option<usize> {
    let mut before = ' ';
    for (index, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return Some(index);
        }
        before = c;
    }
    None
}

/// The values of the Secrets in a document that begins at `start`, and the comments in and around
/// them, in their order.
fn parts(document: &str, start: usize) -> Found {
    if !may_have_secrets(document) {
        return Found::default();
    }
    let Ok(tree) = Tree::parse(document) else {
        return Found {
            parts: vec![Part::all(document, start)],
            is_secret: true,
        };
    };
    let mut is_secret = false;
    let mut values = Values::new(&tree);
    // A Secret may be an item of a list.
    for (id, _) in tree.nodes() {
        let entry = |key| tree.entry(id, key).map(|(_, value)| value);
        match entry("kind").and_then(|kind| tree.scalar(kind)) {
            Some(SECRET_LIST) => {
                for item in entry("items")
                    .map(|items| tree.items(items))
                    .unwrap_or_default()
                {
                    values.of_secret(*item);
                }
            }
            Some(SECRET) => {
                values.of_secret(id);
                is_secret |= tree.root() == Some(id);
            }
            _ if entry(STRING_DATA).is_some() => {
                values.of_secret(id);
                is_secret |= tree.root() == Some(id);
            }
            _ => {}
        }
    }
    let mut end = 0;
    let mut parts = Vec::new();
    for (range_start, range_end, has_header) in values.found {
        // A value behind an alias, or a comment, may lie in one that is masked anyway.
        let is_whole = range_start >= end;
        let range_start = range_start.max(end);
        if range_start < range_end {
            end = range_end;
            parts.push(Part {
                range: start + range_start..start + range_end,
                has_header: has_header && is_whole,
            });
        }
    }
    Found { parts, is_secret }
}

/// True for what Kubernetes takes for a key of a Secret. Anything else is a value by mistake.
fn may_be_key(key: &str) -> bool {
    key.chars()
        .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.'))
}

/// Where the values of Secrets begin and end, and whether they are block scalars.
struct Values<'t> {
    tree: &'t Tree<'t>,
    found: BTreeSet<(usize, usize, bool)>,
    /// Where the nodes stand that aliases led to: aliases of aliases could take forever.
    seen: BTreeSet<usize>,
}

impl<'t> Values<'t> {
    fn new(tree: &'t Tree<'t>) -> Self {
        Self {
            tree,
            found: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    fn of_secret(&mut self, secret: NodeId) {
        for (key, value) in self.tree.entries(secret) {
            match self.tree.scalar(*key) {
                Some("metadata") => self.of_metadata(*value),
                Some(key) if SHOWN.contains(&key) => {}
                _ => self.add_section(*value),
            }
        }
        self.add_comments(secret);
    }

    /// Adds the comments in a Secret and next to it: what somebody has commented out was a value.
    fn add_comments(&mut self, secret: NodeId) {
        let text = self.tree.text;
        let span = self.tree.node(secret).span.clone();
        let line_start = |at: usize| {
            let before = text.get(..at).unwrap_or_default();
            before.rfind('\n').map_or(0, |end| end + 1)
        };
        let has_no_content = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
        let mut start = line_start(span.start);
        while start > 0 {
            let above = line_start(start - 1);
            if !text.get(above..start).is_some_and(has_no_content) {
                break;
            }
            start = above;
        }
        let mut end = self.tree.next_line(span.end).max(span.end);
        while end < text.len() {
            let below = self.tree.next_line(end).max(end + 1);
            if !text.get(end..below).is_some_and(has_no_content) {
                break;
            }
            end = below;
        }
        for part in comments(text, start..end) {
            self.found.insert((part.range.start, part.range.end, false));
        }
    }

    fn of_metadata(&mut self, metadata: NodeId) {
        for (key, value) in self.tree.entries(metadata) {
            match self.tree.scalar(*key) {
                Some("annotations") => {
                    let copy = self.tree.entry(*value, LAST_APPLIED);
                    copy.into_iter().for_each(|(_, copy)| self.add(copy));
                }
                Some(key) if SHOWN_METADATA.contains(&key) => {}
                _ => self.add_section(*value),
            }
        }
    }

    /// Adds a value, and the comments in it: what somebody has commented out was a value.
    fn add_section(&mut self, value: NodeId) {
        self.add(value);
        let text = self.tree.text;
        let span = self.tree.node(value).span.clone();
        let mut at = span.start;
        while at < span.end {
            let end = self.tree.next_line(at).max(at + 1);
            let line = text.get(at..end).unwrap_or_default();
            let content = line.trim_start();
            if content.starts_with('#') {
                self.found
                    .insert((end - content.len(), at + line.trim_end().len(), false));
            }
            at = end;
        }
    }

    /// Adds the scalars of a value, those behind an alias too, with their tags and anchors: a value
    /// that begins with `!` or `&` is one by mistake. What follows on the line is a comment.
    fn add(&mut self, value: NodeId) {
        let tree = self.tree;
        let node = tree.node(value);
        if node.span.start < node.content {
            self.found.insert((node.span.start, node.content, false));
        }
        match &node.kind {
            Kind::Scalar { style, .. } => {
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                self.found.insert((node.content, node.span.end, is_block));
                let line = tree.next_line(node.span.end);
                let rest = tree.text.get(node.span.end..line).unwrap_or_default();
                let comment = rest.trim_start();
                if comment.starts_with('#') && comment.len() < rest.len() {
                    let start = line - comment.len();
                    self.found
                        .insert((start, start + comment.trim_end().len(), false));
                }
            }
            Kind::Alias { target, .. } => {
                if self.seen.insert(tree.node(*target).span.start) {
                    self.add(*target);
                }
            }
            Kind::Sequence { items, .. } => {
                for item in items {
                    self.add(*item);
                }
            }
            Kind::Mapping { entries, .. } => {
                for (key, value) in entries {
                    if !tree.scalar(*key).is_some_and(may_be_key) {
                        self.add(*key);
                    }
                    self.add(*value);
                }
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
  c: }  # canary
";
        let expected = text
            .replace("'{\"data\":{\"a\":\"c2Vj\"}}'", "<masked 1>")
            .replace("token = \"canary\"", "<masked 2>")
            .replace("[[runners]]", "<masked 3>")
            .replace("\"a\n    b\"", "<masked 4>\n    <masked 5>")
            .replace("c2Vj", "<masked 6>")
            .replace("# canary", "<masked 7>");
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
    fn a_value_that_is_written_by_mistake_is_masked() {
        for text in [
            "kind: Secret\ndata:\n  a: !canary\n",
            "kind: Secret\ndata:\n  a: &canary |\n    x\n",
            "kind: Secret\ndata: !canary {a: b}\n",
            "kind: Secret\ndata:\n  a: b  # canary\n  # was canary\n  c: d\n",
            "kind: Secret\ndata:\npassword: canary\n",
            "kind: Secret\nmetadata:\n  name: x\n  data: {a: canary}\n",
            "metadata: {name: x}\nstringData: {a: canary}\n",
            "kind: SecretList\nitems:\n- data: {a: canary}\n",
            "kind: Secret\ndata:\n  canary+1=: password\n",
            "# canary\nkind: Secret\n",
            "a: b\n# canary\n--- # canary\n# canary\nkind: Secret\n",
            "kind: Secret  # canary\n# canary\n\ndata:\n  # canary\n  a: |  # canary\n    x\n# canary\n",
            "kind: Secret\nmetadata:\n  # canary\n  name: x  # canary\n",
            "kind: List\nitems:\n# canary\n- kind: Secret\n  data: {a: x}\n# canary\n",
            "stringData: {a: 'x # y'}  # canary\n",
        ] {
            let masked = Mask::default().text(text).into_owned();
            assert!(!masked.contains("canary"), "{masked}");
            assert_eq!(masked.lines().count(), text.lines().count(), "{masked}");
        }
        for text in [
            "kind: Secret\ntype: Opaque\nmetadata: {name: x, labels: {a: b}}\n",
            "# shown\nkind: ExternalSecret\nspec:\n  target:\n    template:\n      data: {a: b}  # c\n",
            "# shown\nkind: Pod\n---\nkind: Secret\n",
        ] {
            assert_eq!(Mask::default().text(text), text);
        }
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
