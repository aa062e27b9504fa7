//! Values in any form: a file, a field of a HelmRelease, a text in an Application.

use std::fmt;

use serde_json::Value;

use super::document::{Document, node_at, step};
use super::set::{Key, merge, set, typed};
use super::{ChartValuesError, KeyPath, Note, Place};
use yaml_splice::Tree;
use yaml_splice::tree::NodeId;

/// The values of one release, merged from its parts.
pub(super) struct Source<'a> {
    pub(super) document: &'a Document<'a>,
    /// The resource that holds them; `None` for a plain values file.
    pub(super) resource: Option<ResourceName>,
    /// Their position in the document, existing or not.
    pub(super) path: Vec<String>,
    /// The resource says that its chart is gitlab-runner.
    pub(super) is_of_chart: bool,
    /// Nothing says that these are Helm values: a text in a ConfigMap, a field of a resource of
    /// another kind. They count where nothing else is found.
    pub(super) is_guess: bool,
    /// The merged values, as Helm gets them.
    pub(super) value: Value,
    /// The parts that `value` is merged from; the last one has precedence.
    layers: Vec<Layer<'a>>,
    /// Values that the resource only refers to.
    pub(super) elsewhere: Vec<Note>,
    /// Why a part cannot be read.
    pub(super) problem: Option<ChartValuesError>,
}

/// One part of a release's values.
struct Layer<'a> {
    /// The keys that lead to it in the document.
    path: Vec<String>,
    content: Content<'a>,
}

enum Content<'a> {
    /// A mapping of the document.
    Mapping,
    /// A scalar of the document whose text is YAML.
    Text { scalar: NodeId, tree: Tree<'a> },
    /// One value, as by Helm's `--set`.
    Setting(Vec<String>),
}

/// The cluster resource, or the kustomization, that holds values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceName {
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

impl ResourceName {
    /// The name of a manifest; `None` without a kind.
    pub(super) fn of(manifest: &Value) -> Option<Self> {
        let metadata = |field: &str| {
            let text = manifest.get("metadata")?.get(field)?.as_str()?;
            Some(text.to_owned())
        };
        Some(Self {
            kind: manifest.get("kind")?.as_str()?.to_owned(),
            namespace: metadata("namespace"),
            name: metadata("name"),
        })
    }

    /// `kind`, `kind/name` or `kind/namespace/name`, the kind in any case.
    pub(super) fn is(&self, selector: &str) -> bool {
        let parts: Vec<&str> = selector.split('/').collect();
        let (name, namespace) = (self.name.as_deref(), self.namespace.as_deref());
        let is_kind = |kind: &str| self.kind.eq_ignore_ascii_case(kind);
        match parts.as_slice() {
            [kind] => is_kind(kind),
            [kind, wanted] => is_kind(kind) && name == Some(wanted),
            [kind, of, wanted] => is_kind(kind) && name == Some(wanted) && namespace == Some(of),
            _ => false,
        }
    }

    /// The selector that [`ResourceName::is`] takes.
    pub(super) fn selector(&self) -> String {
        let parts = [
            Some(&self.kind),
            self.namespace.as_ref().filter(|_| self.name.is_some()),
            self.name.as_ref(),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join("/")
    }
}

impl fmt::Display for ResourceName {
    /// `HelmRelease ci/runner`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.kind))?;
        if let Some(name) = &self.name {
            f.write_str(" ")?;
            if let Some(namespace) = &self.namespace {
                write!(f, "{}/", shown(namespace))?;
            }
            f.write_str(&shown(name))?;
        }
        Ok(())
    }
}

impl<'a> Source<'a> {
    /// An empty source, to be filled.
    pub(super) fn new(
        document: &'a Document<'a>,
        resource: Option<ResourceName>,
        path: Vec<String>,
    ) -> Self {
        Self {
            document,
            resource,
            path,
            is_of_chart: false,
            is_guess: false,
            value: Value::Null,
            layers: Vec::new(),
            elsewhere: Vec::new(),
            problem: None,
        }
    }

    /// The whole document as values.
    pub(super) fn file(document: &'a Document<'a>) -> Self {
        let resource = ResourceName::of(&document.value);
        let mut source = Self::new(document, resource, Vec::new());
        source.layers.push(Layer {
            path: Vec::new(),
            content: Content::Mapping,
        });
        source.value = document.value.clone();
        source
    }

    /// Merges a mapping of the document over the current values, if there is one.
    pub(super) fn add_mapping(&mut self, path: &[String]) -> bool {
        match at(&self.document.value, path) {
            None | Some(Value::Null) => false,
            Some(Value::Object(members)) => {
                merge(&mut self.value, Value::Object(members.clone()));
                self.push(path, Content::Mapping);
                true
            }
            Some(_) => {
                self.fail(
                    path,
                    "this is not a mapping, so these are not values".to_owned(),
                );
                false
            }
        }
    }

    /// Merges the YAML in a text of the document over the current values, if there is one.
    pub(super) fn add_text(&mut self, path: &[String]) -> bool {
        match at(&self.document.value, path) {
            None | Some(Value::Null) => return false,
            Some(Value::String(text)) if text.trim().is_empty() => return false,
            Some(Value::String(_)) => {}
            Some(_) => {
                self.fail(path, "this is not a text".to_owned());
                return false;
            }
        }
        let document = self.document;
        let Some((scalar, text)) = node_at(&document.tree, path)
            .and_then(|node| Some((node, document.tree.scalar(node)?)))
        else {
            return false;
        };
        let read = Tree::parse(text).and_then(|tree| {
            let value = tree.to_value()?;
            Ok((tree, value))
        });
        match read {
            Ok((tree, value @ (Value::Object(_) | Value::Null))) => {
                merge(&mut self.value, value);
                self.push(path, Content::Text { scalar, tree });
                true
            }
            Ok(_) => {
                self.fail(
                    path,
                    "this is not a mapping, so these are not values".to_owned(),
                );
                false
            }
            Err(error) => {
                let line = format!(
                    "the text in it is not YAML: line {} of it: {}",
                    error.line, error.message
                );
                let placeholders = if text.contains("{{") {
                    ". Fill in its {{ }} placeholders first"
                } else {
                    ""
                };
                self.fail(path, format!("{line}{placeholders}"));
                false
            }
        }
    }

    /// Sets one value, as Helm's `--set` does. `path` is its position.
    pub(super) fn add_setting(
        &mut self,
        path: &[String],
        keys: &[Key],
        value: &str,
        is_text: bool,
    ) {
        let value = if is_text {
            Value::from(value)
        } else {
            typed(value)
        };
        set(&mut self.value, keys, value);
        let keys = keys.iter().map(Key::text).collect();
        self.push(path, Content::Setting(keys));
    }

    /// Records that values are stored elsewhere.
    pub(super) fn add_elsewhere(&mut self, path: &[String], what: String) {
        let place = self.document.place_at(path);
        self.elsewhere.push(Note {
            place,
            message: what,
        });
    }

    /// Records the first problem.
    pub(super) fn fail(&mut self, path: &[String], message: String) {
        let note = Note {
            place: self.document.place_at(path),
            message,
        };
        self.problem.get_or_insert(ChartValuesError::Value { note });
    }

    fn push(&mut self, path: &[String], content: Content<'a>) {
        if self.layers.is_empty() {
            self.path = path.to_vec();
        }
        self.layers.push(Layer {
            path: path.to_vec(),
            content,
        });
    }

    /// True if there are no values here, only references to values elsewhere.
    pub(super) fn is_elsewhere_only(&self) -> bool {
        self.layers.is_empty() && !self.elsewhere.is_empty()
    }

    /// The keys of a path from the root of the document, relative to these values.
    pub(super) fn below<'k>(&self, keys: &'k [String]) -> Option<&'k [String]> {
        let parts = self.layers.iter().map(|layer| &layer.path);
        std::iter::once(&self.path)
            .chain(parts)
            .find_map(|path| keys.strip_prefix(path.as_slice()))
    }

    /// The node of the document at a path of these values, where they are but one mapping of it.
    pub(super) fn node(&self, keys: &[String]) -> Option<(&Tree<'a>, NodeId)> {
        match self.layers.as_slice() {
            [
                Layer {
                    path,
                    content: Content::Mapping,
                },
            ] => {
                let keys: Vec<String> = path.iter().chain(keys).cloned().collect();
                Some((&self.document.tree, node_at(&self.document.tree, &keys)?))
            }
            [
                Layer {
                    content: Content::Text { tree, .. },
                    ..
                },
            ] => Some((tree, node_at(tree, keys)?)),
            _ => None,
        }
    }

    /// The path of these values' keys from the top of the document.
    pub(super) fn path_of(&self, keys: &[String]) -> KeyPath {
        let all: Vec<String> = self.path.iter().chain(keys).cloned().collect();
        all.into()
    }

    /// The position of a value, in the part that sets it. If a key is not written there, as with
    /// `<<`, it is the position of its parent.
    pub(super) fn place(&self, keys: &[String]) -> Place {
        let located = self.layers.iter().enumerate().map(|(index, layer)| {
            let (known, rank, place) = layer.locate(self.document, keys);
            (known, rank, index, place)
        });
        let best = located.max_by_key(|(known, rank, index, _)| (*known, *rank, *index));
        match best {
            Some((known, _, _, place)) if known > 0 || keys.is_empty() => place,
            // None of it is written: the first part represents the values.
            _ => match self.layers.first() {
                Some(layer) => layer.locate(self.document, keys).2,
                None => {
                    let mut place = self.document.place_at(&self.path);
                    place.path = path_text(self.path.iter().chain(keys));
                    place
                }
            },
        }
    }
}

impl Layer<'_> {
    /// How many of the keys are written in this part, how well they match, and the position of the
    /// last one.
    fn locate(&self, document: &Document<'_>, keys: &[String]) -> (usize, u8, Place) {
        let path = path_text(self.path.iter().chain(keys));
        match &self.content {
            Content::Mapping => {
                let (start, node) = document.walk(&self.path);
                let node = node.filter(|_| at(&document.value, &self.path).is_some());
                let (known, position) = walk(&document.tree, node, keys);
                let position = position.unwrap_or(start);
                (known, 1, document.place(path, position))
            }
            Content::Text { scalar, tree } => {
                let (known, position) = walk(tree, tree.root(), keys);
                let place = match position {
                    Some(position) => document.place_in_text(path, *scalar, tree, position),
                    None => {
                        let mut place = document.place_at(&self.path);
                        place.path = path;
                        place
                    }
                };
                (known, 1, place)
            }
            Content::Setting(set) => {
                let mut place = document.place_at(&self.path);
                // k3s has the value's name in the key, Argo CD below it.
                let name = path_text(keys.iter());
                if keys.is_empty() {
                    let above = self.path.iter().rev().skip(1).rev();
                    place.path = path_text(above);
                } else if !place.path.ends_with(&name) {
                    place.path = format!("{} ({name})", place.path);
                }
                if keys.starts_with(set) {
                    (keys.len(), 2, place)
                } else {
                    let pairs = set.iter().zip(keys);
                    let common = pairs.take_while(|(set, key)| set == key).count();
                    (common, 0, place)
                }
            }
        }
    }
}

/// How many keys are written below a node, and the position of the last one.
fn walk(tree: &Tree<'_>, node: Option<NodeId>, keys: &[String]) -> (usize, Option<usize>) {
    let mut found = (0, None);
    let mut node = node;
    for key in keys {
        let Some((position, next)) = node.and_then(|node| step(tree, node, key)) else {
            break;
        };
        found = (found.0 + 1, Some(position));
        node = Some(next);
    }
    found
}

impl Document<'_> {
    /// The position and the node of the last key of a path that is written.
    fn walk(&self, keys: &[String]) -> (usize, Option<NodeId>) {
        let mut position = 0;
        let mut node = self.tree.root();
        for key in keys {
            let Some((start, next)) = node.and_then(|node| step(&self.tree, node, key)) else {
                break;
            };
            position = start;
            node = Some(next);
        }
        (position, node)
    }

    /// The position of a key path; if the key is not written, that of its parent.
    pub(super) fn place_at(&self, keys: &[String]) -> Place {
        let (position, _) = self.walk(keys);
        self.place(path_text(keys.iter()), position)
    }
}

/// The value at a path.
pub(super) fn at<'v>(value: &'v Value, keys: &[String]) -> Option<&'v Value> {
    keys.iter().try_fold(value, |value, key| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })
}

/// A path in a message.
pub(super) fn path_text<'k>(keys: impl Iterator<Item = &'k String>) -> String {
    let keys: Vec<String> = keys.map(|key| shown(key)).collect();
    if keys.is_empty() {
        "values".to_owned()
    } else {
        keys.join(".")
    }
}

/// Text in messages is truncated to this many characters.
const MAX_SHOWN: usize = 60;

/// User text in a message: on one line, truncated, and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown = String::new();
    for c in chars.by_ref().take(MAX_SHOWN) {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
