//! Masks the values of Secrets in texts that are shown to people.

mod template;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use serde_json::Value;
use yaml_splice::tree::ScalarStyle;

use krm::bookkeeping::{CONFIG_BEFORE, WRITTEN_BEFORE};
use krm::documents::split;
use yaml_splice::Tree;
use yaml_splice::tree::{Kind, NodeId};

const SECRET: &str = "Secret";
/// A list whose items may omit their kind.
const SECRET_LIST: &str = "SecretList";
/// A field that only Secrets have.
const STRING_DATA: &str = "stringData";
/// The fields of a Secret besides its values and metadata. Everything else is masked: a value with
/// the wrong indentation is no less secret.
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
/// Fields with the template of the Secrets, in an object that generates Secrets.
const TEMPLATES: [&str; 2] = ["template", "templates"];

/// Masks texts that are compared with each other.
///
/// Each line of a value becomes `<masked 1>`, with the same number for equal lines, so that a diff
/// still shows which lines differ, and every line stays where it was.
#[derive(Debug, Default)]
pub struct Mask {
    numbers: HashMap<String, usize>,
}

impl Mask {
    /// Masks the values of the Secrets in a text: YAML documents, a ResourceList among them. A
    /// document that cannot be read and may be one is masked as a whole. In the template of an
    /// ExternalSecret or the like, the lines with literal values are masked.
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
                // Anything after the indicator of a block scalar is a comment.
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

/// A part of a text to mask.
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

/// The parts of a document to mask.
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

/// The start of the comment lines and empty lines that end at `end`.
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

/// The start of a comment in a line. The `#` may also be inside a quoted scalar: then the rest of
/// the scalar counts as a comment, which hides more than necessary.
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
            Some(kind) if template::is_maker(kind) => values.of_maker(id),
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
        // A value behind an alias, or a comment, may be inside a part that is already masked.
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

/// True for text that Kubernetes accepts as a key of a Secret. Anything else is a misplaced value.
fn may_be_key(key: &str) -> bool {
    key.chars()
        .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.'))
}

/// True for a record of a previous `config.toml` that only says which keys were missing.
fn has_no_values(record: &str) -> bool {
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Object(members) => members.values().all(is_empty),
            _ => false,
        }
    }
    serde_json::from_str(record).is_ok_and(|record: Value| is_empty(&record))
}

/// The ranges of the values of Secrets, and whether they are block scalars.
struct Values<'t> {
    tree: &'t Tree<'t>,
    found: BTreeSet<(usize, usize, bool)>,
    /// The positions of nodes that aliases led to: aliases of aliases could take forever.
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

    /// Adds the comments in a Secret and next to it: a commented-out line may have been a value.
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
                    self.of_annotations(*value);
                }
                Some(key) if SHOWN_METADATA.contains(&key) => {}
                _ => self.add_section(*value),
            }
        }
    }

    /// Adds the annotations that contain copies of values.
    fn of_annotations(&mut self, annotations: NodeId) {
        let tree = self.tree;
        for copy in [LAST_APPLIED, WRITTEN_BEFORE] {
            if let Some((_, copy)) = tree.entry(annotations, copy) {
                self.add(copy);
            }
        }
        if let Some((_, record)) = tree.entry(annotations, CONFIG_BEFORE)
            && !tree.scalar(record).is_some_and(has_no_values)
        {
            self.add(record);
        }
    }

    /// Adds the literal values in the templates of an object that makes Secrets.
    fn of_maker(&mut self, maker: NodeId) {
        let tree = self.tree;
        if let Some((_, metadata)) = tree.entry(maker, "metadata")
            && let Some((_, annotations)) = tree.entry(metadata, "annotations")
        {
            self.of_annotations(annotations);
        }
        if let Some((_, spec)) = tree.entry(maker, "spec") {
            self.find_templates(spec);
        }
    }

    fn find_templates(&mut self, value: NodeId) {
        self.each_in(value, Self::find_templates, |values, key, value| {
            let key = values.tree.scalar(key);
            if key.is_some_and(|key| TEMPLATES.contains(&key)) {
                values.add_template(value);
                values.add_comments_in(value);
            } else {
                values.find_templates(value);
            }
        });
    }

    /// Adds the literal values of a template, and the comments behind values.
    fn add_template(&mut self, value: NodeId) {
        let tree = self.tree;
        let node = tree.node(value);
        self.add_properties(value);
        if let Kind::Scalar { style, .. } = &node.kind {
            let is_shown = |text: &str| text.lines().all(template::is_shown);
            if is_block(*style) {
                self.add_lines(node.content..node.span.end);
            } else if tree.scalar(value).is_none_or(is_shown) {
                self.add_comment_behind(node.span.end);
            } else {
                self.add(value);
            }
        }
        self.each_in(value, Self::add_template, |values, key, value| {
            let name = values.tree.scalar(key).unwrap_or_default();
            if template::SHOWN.contains(&name) {
                return;
            }
            if !may_be_key(name) && !template::is_shown(name) {
                values.add(key);
            }
            values.add_template(value);
        });
    }

    /// Visits the contents of a value: the target of an alias, once; the items of a sequence; the
    /// keys and values of a mapping.
    fn each_in(
        &mut self,
        value: NodeId,
        visit: fn(&mut Self, NodeId),
        visit_entry: fn(&mut Self, NodeId, NodeId),
    ) {
        let tree = self.tree;
        match &tree.node(value).kind {
            Kind::Scalar { .. } => {}
            Kind::Alias { target, .. } => {
                if self.seen.insert(tree.node(*target).span.start) {
                    visit(self, *target);
                }
            }
            Kind::Sequence { items, .. } => {
                for item in items {
                    visit(self, *item);
                }
            }
            Kind::Mapping { entries, .. } => {
                for (key, value) in entries {
                    visit_entry(self, *key, *value);
                }
            }
        }
    }

    /// Adds the lines of a block scalar that are not to be shown, and the comment in its header.
    fn add_lines(&mut self, scalar: Range<usize>) {
        let text = self.tree.text.get(scalar.clone()).unwrap_or_default();
        let mut at = scalar.start;
        for line in text.split_inclusive('\n') {
            let content = if at == scalar.start {
                line.get(comment_start(line).unwrap_or(line.len())..)
                    .unwrap_or_default()
            } else if template::is_shown(line) {
                ""
            } else {
                line.trim_start()
            };
            let start = at + line.len() - content.len();
            let end = start + content.trim_end().len();
            if start < end {
                self.found.insert((start, end, false));
            }
            at += line.len();
        }
    }

    /// Adds a value, and the comments in it: a commented-out line may have been a value.
    fn add_section(&mut self, value: NodeId) {
        self.add(value);
        self.add_comments_in(value);
    }

    /// Adds the comments on their own lines in a value.
    fn add_comments_in(&mut self, value: NodeId) {
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

    /// Adds a comment on the line where a value ends.
    fn add_comment_behind(&mut self, end: usize) {
        let tree = self.tree;
        let line = tree.next_line(end);
        let rest = tree.text.get(end..line).unwrap_or_default();
        let comment = rest.trim_start();
        if comment.starts_with('#') && comment.len() < rest.len() {
            let start = line - comment.len();
            self.found
                .insert((start, start + comment.trim_end().len(), false));
        }
    }

    /// Adds the scalars of a value, including those behind aliases. Anything after them on the line
    /// is a comment.
    fn add(&mut self, value: NodeId) {
        let node = self.tree.node(value);
        self.add_properties(value);
        if let Kind::Scalar { style, .. } = &node.kind {
            self.found
                .insert((node.content, node.span.end, is_block(*style)));
            self.add_comment_behind(node.span.end);
        }
        self.each_in(value, Self::add, |values, key, value| {
            if !values.tree.scalar(key).is_some_and(may_be_key) {
                values.add(key);
            }
            values.add(value);
        });
    }

    /// Adds the tag and the anchor of a value: one that begins with `!` or `&` is one by mistake.
    fn add_properties(&mut self, value: NodeId) {
        let node = self.tree.node(value);
        if node.span.start < node.content {
            self.found.insert((node.span.start, node.content, false));
        }
    }
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
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
            "# shown\nkind: ExternalSecret\nspec:\n  # shown\n  target:\n    template:\n      type: Opaque\n      data: {a: '{{ .b }}'}\n",
            "kind: SealedSecret\nspec:\n  encryptedData: {a: sealed}\n  template: {metadata: {name: r}}\n",
            "# shown\nkind: Pod\n---\nkind: Secret\n",
        ] {
            assert_eq!(Mask::default().text(text), text);
        }
    }

    #[test]
    fn a_record_is_masked_where_it_has_a_value() {
        let annotation = |value: &str| {
            format!("kind: Secret\nmetadata:\n  annotations:\n    {CONFIG_BEFORE}: '{value}'\n")
        };
        let empty = annotation(r#"{"config.toml":{"session_server":null}}"#);
        assert_eq!(Mask::default().text(&empty), empty);
        for value in [
            r#"{"config.toml":{"advertise_address":"\"https://user:canary@host\""}}"#,
            r#"{"advertise_address":"canary"}"#,
            "canary",
        ] {
            let masked = Mask::default().text(&annotation(value)).into_owned();
            assert!(!masked.contains("canary"), "{masked}");
        }
    }

    #[test]
    fn literals_in_templates_are_masked() {
        let text = "\
# shown
kind: ExternalSecret
spec:
  target:
    template:
      engineVersion: v2
      data:
        # canary
        plain: canary  # canary
        quoted: \"{{ .token }}canary\"
        store: \"{{ .token }}\"  # canary
        config.toml: |  # canary
          concurrent = 4
          [[runners]]
            name = \"one\"
            token = \"glrt-canary\"
            token = \"{{ .token }}\"
            # canary
      templateFrom:
      - literal: |
          password: canary
  data: [{secretKey: token, remoteRef: {key: shown}}]
";
        let masked = Mask::default().text(text).into_owned();
        assert!(!masked.contains("canary"), "{masked}");
        assert_eq!(masked.lines().count(), text.lines().count(), "{masked}");
        for line in text.lines().filter(|line| !line.contains("canary")) {
            assert!(masked.contains(line), "{line}: {masked}");
        }
        assert!(
            masked.contains("store: \"{{ .token }}\"  <masked "),
            "{masked}"
        );
        for text in [
            "kind: SealedSecret\nspec:\n  template:\n    data:\n      a: |\n        token = \"canary\"\n",
            "kind: SealedSecret\nspec: {template: {data: {a: \"b = 1\\ntoken = 'canary'\"}}}\n",
            "kind: ClusterExternalSecret\nspec:\n  externalSecretSpec:\n    target: {template: {data: {a: canary}}}\n",
            "kind: List\nitems:\n- kind: ExternalSecret\n  spec:\n    target: {template: {data: {a: canary}}}\n",
            "kind: VaultStaticSecret\nspec:\n  destination:\n    transformation:\n      templates: {a: {text: canary}}\n",
            "x: &a {data: {a: canary}}\nkind: SealedSecret\nspec: {template: *a}\n",
            "kind: SealedSecret\nspec:\n  template:\n    data:\n      a: &canary |\n        b = 1\n",
        ] {
            let masked = Mask::default().text(text).into_owned();
            assert!(!masked.contains("canary"), "{masked}");
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
