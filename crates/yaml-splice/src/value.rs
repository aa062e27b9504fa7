//! Computes the value of a node as Kubernetes' own readers see it.

use std::borrow::Cow;

use saphyr_parser::{ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use super::YamlError;
use super::tree::{Kind, NodeId, Tree, error_at};

/// The maximum number of nodes that aliases may add, to prevent alias bombs.
const MAX_ADDED_NODES: usize = 100_000;
/// The maximum depth of a document after aliases are expanded.
const MAX_DEPTH: usize = 512;

impl Tree<'_> {
    /// The whole document as a value; `null` for an empty one.
    ///
    /// # Errors
    /// Aliases that expand to more than 100,000 nodes, or that hold themselves.
    pub fn to_value(&self) -> Result<Value, YamlError> {
        match self.root() {
            Some(root) => self.value_of(root),
            None => Ok(Value::Null),
        }
    }

    /// One node as a value, with aliases and merge keys (`<<`) written out.
    ///
    /// # Errors
    /// As [`Tree::to_value`].
    pub fn value_of(&self, id: NodeId) -> Result<Value, YamlError> {
        let mut budget = self.nodes().count() + MAX_ADDED_NODES;
        self.expand(id, 0, &mut budget)
    }

    /// Whether [`Tree::value_of`] returns this value, without computing it.
    pub fn means(&self, id: NodeId, value: &Value) -> bool {
        let mut nodes = self.nodes();
        // The expansion of aliases has a limit for the whole document.
        if nodes.any(|(_, node)| matches!(node.kind, Kind::Alias { .. })) {
            return self.value_of(id).as_ref() == Ok(value);
        }
        self.is_written_as(id, value)
    }

    fn is_written_as(&self, id: NodeId, value: &Value) -> bool {
        match (&self.node(id).kind, value) {
            (
                Kind::Scalar {
                    value: text,
                    style,
                    tag,
                },
                value,
            ) => match resolve(text, *style, tag.as_deref()) {
                Some(resolved) => resolved == *value,
                None => value.as_str() == Some(text),
            },
            (Kind::Sequence { items, .. }, Value::Array(values)) => {
                items.len() == values.len()
                    && items
                        .iter()
                        .zip(values)
                        .all(|(item, value)| self.is_written_as(*item, value))
            }
            (Kind::Mapping { .. }, Value::Object(_)) if self.entry(id, "<<").is_some() => {
                self.value_of(id).as_ref() == Ok(value)
            }
            (Kind::Mapping { entries, .. }, Value::Object(members)) => {
                // The members are usually in the same order.
                let mut in_order = members.iter();
                let mut member = |name: &str| match in_order.next() {
                    Some((key, value)) if key == name => Some(value),
                    _ => members.get(name),
                };
                entries.len() == members.len()
                    && entries.iter().all(|(key, node)| {
                        let value = self.scalar(*key).and_then(&mut member);
                        value.is_some_and(|value| self.is_written_as(*node, value))
                    })
            }
            _ => false,
        }
    }

    fn expand(&self, id: NodeId, depth: usize, budget: &mut usize) -> Result<Value, YamlError> {
        let node = self.node(id);
        if *budget == 0 || depth > MAX_DEPTH {
            return Err(error_at(
                self.text,
                node.span.start,
                "its aliases make this document too large",
            ));
        }
        *budget -= 1;
        match &node.kind {
            Kind::Scalar { value, style, tag } => Ok(scalar(value, *style, tag.as_deref())),
            Kind::Alias { target, .. } => self.expand(*target, depth + 1, budget),
            Kind::Sequence { items, .. } => items
                .iter()
                .map(|item| self.expand(*item, depth + 1, budget))
                .collect(),
            Kind::Mapping { entries, .. } => {
                let mut map = Map::new();
                let mut merged = Vec::new();
                for (key, value) in entries {
                    let name = self.scalar(*key).ok_or_else(|| {
                        let start = self.node(*key).span.start;
                        error_at(self.text, start, "a key must be a scalar")
                    })?;
                    let value = self.expand(*value, depth + 1, budget)?;
                    if name == "<<" && self.is_plain(*key) {
                        merged.push(value);
                    } else {
                        map.insert(name.to_owned(), value);
                    }
                }
                for value in merged {
                    merge(&mut map, value);
                }
                Ok(Value::Object(map))
            }
        }
    }

    fn is_plain(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).kind,
            Kind::Scalar {
                style: ScalarStyle::Plain,
                ..
            }
        )
    }
}

/// `<<: *a` and `<<: [*a, *b]`: members written in the mapping take precedence, then the first
/// merged mapping.
fn merge(map: &mut Map<String, Value>, merged: Value) {
    match merged {
        Value::Object(members) => {
            for (key, value) in members {
                map.entry(key).or_insert(value);
            }
        }
        Value::Array(items) => {
            for item in items {
                merge(map, item);
            }
        }
        _ => {}
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    resolve(text, style, tag).unwrap_or_else(|| Value::from(text))
}

/// The value of a scalar; `None` if it is a string equal to the text.
fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Option<Value> {
    let core_tag = tag
        .filter(|tag| tag.is_yaml_core_schema())
        .map(|tag| tag.suffix.as_str());
    match (core_tag, style) {
        (Some("str"), _) => None,
        (Some(_), _) | (None, ScalarStyle::Plain) if tag.is_none() || core_tag.is_some() => {
            resolve_plain(text)
        }
        _ => None,
    }
}

/// Whether all readers interpret a scalar with this tag the same way: go-yaml rejects a value that
/// does not fit, decodes `!!binary`, and ignores `!`.
pub(super) fn is_tag_portable(text: &str, tag: &Tag) -> bool {
    let resolved = resolve_plain(text);
    let name = format!("{}{}", tag.handle, tag.suffix);
    match name.strip_prefix(CORE_SCHEMA) {
        Some("str") => true,
        // Only `!!int` makes a number here, not the unabbreviated tag.
        Some(_) if !tag.is_yaml_core_schema() => false,
        Some("null") => resolved == Some(Value::Null),
        Some("bool") => resolved.is_some_and(|value| value.is_boolean()),
        Some("int") => resolved.is_some_and(|value| value.is_i64() || value.is_u64()),
        Some("float") => resolved.is_some_and(|value| value.is_number()),
        Some(_) => false,
        None => name != "!" || resolved.is_none(),
    }
}

/// Whether all readers interpret a collection with this tag the same way: some know `!!set` and
/// `!!omap`.
pub(super) fn is_collection_tag_portable(tag: &Tag, is_mapping: bool) -> bool {
    let name = format!("{}{}", tag.handle, tag.suffix);
    match name.strip_prefix(CORE_SCHEMA) {
        Some(kind) => kind == if is_mapping { "map" } else { "seq" },
        None => true,
    }
}

/// The prefix of the tags in YAML's own schemas, abbreviated in `!!str`.
pub(super) const CORE_SCHEMA: &str = "tag:yaml.org,2002:";

/// Whether a plain scalar is a string according to YAML 1.2's core schema, plus the numbers of YAML
/// 1.1 (`0755`, `1_000`, `0b11`) that Go's readers still accept.
///
/// `yes`, `no`, `on` and `off` stay strings here: some readers of manifests treat them as booleans
/// and others as strings, and no decision of this function depends on them.
pub(super) fn is_text(plain: &str) -> bool {
    resolve_plain(plain).is_none()
}

fn resolve_plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    let number_like = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if !number_like {
        return None;
    }
    let digits = without_underscores(text);
    integer(&digits)
        .or_else(|| float(&digits))
        .map(Value::Number)
}

/// `1_000` is a number in YAML 1.1, and for Go's readers.
fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') && !text.starts_with('.') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// Source: `resolve.go` of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml reads with: `strconv.ParseInt` with
/// base 0, once the underscores are gone.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', b'b' | b'B', ..] => (digits.get(2..)?, 2),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        Some(Number::from(0_i64.checked_sub_unsigned(magnitude)?))
    } else {
        Some(Number::from(magnitude))
    }
}

fn float(text: &str) -> Option<Number> {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let shaped = body.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && body.contains(|c: char| c.is_ascii_digit())
        && body
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !shaped {
        return None;
    }
    text.strip_prefix('+')
        .unwrap_or(text)
        .parse::<f64>()
        .ok()
        .and_then(Number::from_f64)
}
