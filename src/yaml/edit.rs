//! RFC 6902 operations as splices of YAML text.
//!
//! Each operation changes the bytes it must and no others: comments, key order, quoting, blanks
//! and line breaks around it stay. Where a place cannot be changed alone (it is an alias, it
//! comes in by `<<`, it is shared through an anchor), the least that makes it so is written out.

use std::ops::Range;

use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, jsonptr};
use saphyr_parser::ScalarStyle;
use serde_json::Value;

use super::emit::{self, Style};
use super::tree::{Kind, NodeId, Tree, after_colon, skip_blanks};
use super::{YamlError, block_scalar};

/// An operation that could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The operation's path leads nowhere in this document.
    #[error("{path}: no such place in this document")]
    NoSuchPath {
        /// The JSON pointer of the operation.
        path: String,
    },
    /// The operation is one that this editor does not carry out.
    #[error("{path}: only add, replace and remove can be carried out on text")]
    Unsupported {
        /// The JSON pointer of the operation.
        path: String,
    },
    /// The edited text would not mean what the patch says. Nothing is written then.
    #[error("{path}: this cannot be edited as it is written; write it as a plain block")]
    NotFaithful {
        /// The JSON pointer of the last operation.
        path: String,
    },
}

/// Carries out a patch on the text of one item.
///
/// The item is the document's root, or the one member of a block sequence that is the document
/// (`- apiVersion: …`, as items stand in a ResourceList). Paths start at the item.
///
/// # Errors
/// See [`EditError`]. The result has been parsed again and compared with the patch applied to the
/// parsed input: text that means anything else is never returned.
pub fn apply(text: &str, patch: &[PatchOperation]) -> Result<String, EditError> {
    let mut edited = text.to_owned();
    let mut expected = item_value(&Tree::parse(text)?)?;
    for operation in patch {
        let path = path_of(operation)?;
        edited = {
            let tree = Tree::parse(&edited)?;
            let splices = Edit::new(&tree).operation(operation, &expected)?;
            splice(&edited, splices)
        };
        json_patch::patch(&mut expected, std::slice::from_ref(operation)).map_err(|_| {
            EditError::NoSuchPath {
                path: path.to_string(),
            }
        })?;
    }
    let unfaithful = || EditError::NotFaithful {
        path: patch
            .last()
            .map(|op| op.path().to_string())
            .unwrap_or_default(),
    };
    let tree = Tree::parse(&edited).map_err(|_| unfaithful())?;
    if item_value(&tree)? == expected {
        Ok(edited)
    } else {
        Err(unfaithful())
    }
}

/// The node that paths start at: the item, not the one-member sequence around it.
pub fn item_root(tree: &Tree<'_>) -> Option<NodeId> {
    let root = tree.root()?;
    match &tree.node(root).kind {
        Kind::Sequence { flow: false, items } => items.first().copied(),
        _ => Some(root),
    }
}

fn item_value(tree: &Tree<'_>) -> Result<Value, YamlError> {
    item_root(tree).map_or(Ok(Value::Null), |root| tree.value_of(root))
}

fn path_of(operation: &PatchOperation) -> Result<&jsonptr::Pointer, EditError> {
    match operation {
        PatchOperation::Add(_) | PatchOperation::Replace(_) | PatchOperation::Remove(_) => {
            Ok(operation.path())
        }
        _ => Err(EditError::Unsupported {
            path: operation.path().to_string(),
        }),
    }
}

/// Text that takes the place of a range.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
}

fn splice(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.range.start);
    let mut out = String::with_capacity(text.len() + 256);
    let mut at = 0;
    for splice in splices {
        out.push_str(text.get(at..splice.range.start).unwrap_or_default());
        out.push_str(&splice.text);
        at = at.max(splice.range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// How far a path could be followed through what is really written.
struct Walk {
    /// The item, then each member that the path names.
    nodes: Vec<NodeId>,
    /// How many of the path's tokens those members stand for.
    followed: usize,
}

struct Edit<'t, 'a> {
    tree: &'t Tree<'a>,
    style: Style,
}

impl<'t, 'a> Edit<'t, 'a> {
    fn new(tree: &'t Tree<'a>) -> Self {
        let text = tree.text;
        let first_break = memchr::memchr(b'\n', text.as_bytes());
        let crlf = first_break.is_some_and(|at| text.get(..at).is_some_and(|l| l.ends_with('\r')));
        Self {
            tree,
            style: Style {
                newline: if crlf { "\r\n" } else { "\n" },
                indent_sequences: indents_sequences(tree),
            },
        }
    }

    fn operation(
        &self,
        operation: &PatchOperation,
        current: &Value,
    ) -> Result<Vec<Splice>, EditError> {
        let path = operation.path();
        let missing = || EditError::NoSuchPath {
            path: path.to_string(),
        };
        let root = item_root(self.tree).ok_or_else(missing)?;
        let tokens: Vec<String> = path
            .tokens()
            .map(|token| token.decoded().into_owned())
            .collect();
        let (Some((last, parents)), false) = (tokens.split_last(), tokens.is_empty()) else {
            return Err(EditError::Unsupported {
                path: path.to_string(),
            });
        };
        let walk = self.walk(root, parents);
        if walk.followed < parents.len() {
            return self.lift(operation, current, &tokens, &walk);
        }
        let parent = *walk.nodes.last().ok_or_else(missing)?;
        let edited = match operation {
            PatchOperation::Add(AddOperation { value, .. }) => self.add(parent, last, value),
            PatchOperation::Replace(ReplaceOperation { value, .. }) => self
                .member(parent, last)
                .map(|member| self.replace(parent, member, value)),
            PatchOperation::Remove(RemoveOperation { .. }) => self.remove(parent, last),
            _ => None,
        };
        let Some(edited) = edited else {
            // The parent is an alias, or the member comes in by `<<`.
            return if walk.nodes.len() > 1
                && matches!(self.tree.node(parent).kind, Kind::Alias { .. })
            {
                self.lift(operation, current, &tokens, &walk)
            } else {
                Err(missing())
            };
        };
        let mut splices = vec![edited];
        self.unshare(&walk.nodes, self.member(parent, last), &mut splices)?;
        Ok(splices)
    }

    /// Follows tokens through mappings and sequences as they are written, stopping at an alias.
    fn walk(&self, root: NodeId, tokens: &[String]) -> Walk {
        let mut nodes = vec![root];
        let mut at = root;
        for (followed, token) in tokens.iter().enumerate() {
            match self.member(at, token) {
                Some(next) => {
                    at = next;
                    nodes.push(next);
                }
                None => return Walk { nodes, followed },
            }
        }
        Walk {
            nodes,
            followed: tokens.len(),
        }
    }

    fn member(&self, parent: NodeId, token: &str) -> Option<NodeId> {
        match &self.tree.node(parent).kind {
            Kind::Mapping { .. } => self.tree.entry(parent, token).map(|(_, value)| value),
            Kind::Sequence { items, .. } => items.get(token.parse::<usize>().ok()?).copied(),
            _ => None,
        }
    }

    /// Carries the operation out on the value of the nearest place that is written here, and
    /// writes that place out.
    fn lift(
        &self,
        operation: &PatchOperation,
        current: &Value,
        tokens: &[String],
        walk: &Walk,
    ) -> Result<Vec<Splice>, EditError> {
        let missing = || EditError::NoSuchPath {
            path: operation.path().to_string(),
        };
        // An alias as the place reached: it is the thing to write out. Otherwise the next token
        // names a member that `<<` brings in, and the member itself is to be written out.
        let (nodes, depth) = match walk.nodes.split_last() {
            Some((last, above))
                if matches!(self.tree.node(*last).kind, Kind::Alias { .. })
                    && !above.is_empty() =>
            {
                (above.to_vec(), walk.followed)
            }
            _ => (walk.nodes.clone(), walk.followed + 1),
        };
        let parent = *nodes.last().ok_or_else(missing)?;
        let place = tokens.get(..depth).ok_or_else(missing)?;
        let mut patched = current.clone();
        json_patch::patch(&mut patched, std::slice::from_ref(operation)).map_err(|_| missing())?;
        let pointer = jsonptr::PointerBuf::from_tokens(place);
        let value = pointer.resolve(&patched).map_err(|_| missing())?;
        let token = place.last().ok_or_else(missing)?;
        let edited = match self.member(parent, token) {
            Some(member) => self.replace(parent, member, value),
            None => self.add(parent, token, value).ok_or_else(missing)?,
        };
        let mut splices = vec![edited];
        self.unshare(&nodes, self.member(parent, token), &mut splices)?;
        Ok(splices)
    }

    /// Writes out every alias of what is about to change, so that it alone changes.
    fn unshare(
        &self,
        path: &[NodeId],
        target: Option<NodeId>,
        splices: &mut Vec<Splice>,
    ) -> Result<(), EditError> {
        let gone = target.map(|id| self.tree.node(id).span.clone());
        let shared = |node: NodeId| {
            let inside = |span: &Range<usize>| {
                gone.as_ref()
                    .is_some_and(|gone| span.start >= gone.start && span.end <= gone.end)
            };
            path.contains(&node) || inside(&self.tree.node(node).span)
        };
        let mut extra = Vec::new();
        for (_, node) in self.tree.nodes() {
            let Kind::Alias { target, .. } = node.kind else {
                continue;
            };
            let replaced = splices
                .iter()
                .any(|s| s.range.start <= node.span.start && node.span.end <= s.range.end);
            if shared(target) && !replaced {
                extra.push(Splice {
                    range: node.span.clone(),
                    text: emit::flow(&self.tree.value_of(target)?, true),
                });
            }
        }
        splices.extend(extra);
        Ok(())
    }

    fn add(&self, parent: NodeId, token: &str, value: &Value) -> Option<Splice> {
        match &self.tree.node(parent).kind {
            Kind::Mapping { .. } => Some(match self.tree.entry(parent, token) {
                Some((_, member)) => self.replace(parent, member, value),
                None => self.insert_member(parent, token, value)?,
            }),
            Kind::Sequence { items, .. } if token == "-" || token == items.len().to_string() => {
                self.append_item(parent, value)
            }
            Kind::Sequence { .. } => self.insert_item(parent, self.member(parent, token)?, value),
            _ => None,
        }
    }

    fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.tree.node(id).kind,
            Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. }
        )
    }

    /// JSON is kept JSON; a flow mapping with plain keys, or none yet, gets plain ones.
    fn plain_keys(&self, near: NodeId) -> bool {
        let style = |id: NodeId| match self.tree.node(id).kind {
            Kind::Scalar { style, .. } => Some(style),
            _ => None,
        };
        self.tree
            .entries(near)
            .first()
            .is_none_or(|(key, _)| style(*key) == Some(ScalarStyle::Plain))
            && !self.tree.text.trim_start().starts_with('{')
    }

    fn insert_member(&self, parent: NodeId, key: &str, value: &Value) -> Option<Splice> {
        let node = self.tree.node(parent);
        let entries = self.tree.entries(parent);
        if self.is_flow(parent) {
            let plain = self.plain_keys(parent);
            let member = format!(
                "{}: {}",
                emit::flow_key(key, plain),
                emit::flow(value, plain)
            );
            return Some(self.insert_into_flow(
                node.span.clone(),
                entries.last().map(|e| e.1),
                &member,
            ));
        }
        let (first, _) = entries.first()?;
        let (_, last) = entries.last()?;
        let column = self.tree.column(self.tree.node(*first).span.start);
        let text = format!(
            "{}{}:{}",
            " ".repeat(column),
            emit::inline_string(key),
            emit::after_key(value, column, self.style),
        );
        Some(self.insert_line_after(self.tree.node(*last).span.end, &text))
    }

    fn append_item(&self, parent: NodeId, value: &Value) -> Option<Splice> {
        let node = self.tree.node(parent);
        let last = self.tree.items(parent).last().copied();
        if self.is_flow(parent) {
            let item = emit::flow(value, self.plain_keys(parent));
            return Some(self.insert_into_flow(node.span.clone(), last, &item));
        }
        let last = last?;
        let dash = self.dash_before(self.tree.node(last).span.start)?;
        let column = self.tree.column(dash);
        let text = self.item_line(value, column);
        Some(self.insert_line_after(self.tree.node(last).span.end, &text))
    }

    fn insert_item(&self, parent: NodeId, before: NodeId, value: &Value) -> Option<Splice> {
        let start = self.tree.node(before).span.start;
        if self.is_flow(parent) {
            let item = emit::flow(value, self.plain_keys(parent));
            return Some(Splice {
                range: start..start,
                text: format!("{item}, "),
            });
        }
        let dash = self.dash_before(start)?;
        let column = self.tree.column(dash);
        let text = emit::after_dash(value, column, self.style);
        // The dash that stands there becomes the new item's, and the old item gets a new one.
        Some(Splice {
            range: dash..dash,
            text: format!("- {text}{}{}", self.style.newline, " ".repeat(column)),
        })
    }

    fn item_line(&self, value: &Value, column: usize) -> String {
        format!(
            "{}- {}",
            " ".repeat(column),
            emit::after_dash(value, column, self.style)
        )
    }

    fn insert_into_flow(&self, span: Range<usize>, last: Option<NodeId>, member: &str) -> Splice {
        match last {
            Some(last) => {
                let end = self.tree.node(last).span.end;
                Splice {
                    range: end..end,
                    text: format!(", {member}"),
                }
            }
            None => {
                let inside = self.open_bracket(span.start) + 1;
                Splice {
                    range: inside..span.end - 1,
                    text: member.to_owned(),
                }
            }
        }
    }

    /// A flow collection's span starts with its anchor or tag; its bracket is what follows.
    fn open_bracket(&self, start: usize) -> usize {
        let rest = self.tree.text.get(start..).unwrap_or_default();
        rest.find(['{', '[']).map_or(start, |at| start + at)
    }

    /// Whole lines after the line that holds `position`.
    fn insert_line_after(&self, position: usize, text: &str) -> Splice {
        let at = self.tree.next_line(position);
        let newline = self.style.newline;
        let before = self.tree.text.get(..at).unwrap_or_default();
        let text = if before.ends_with('\n') {
            format!("{text}{newline}")
        } else {
            format!("{newline}{text}")
        };
        Splice {
            range: at..at,
            text,
        }
    }

    /// The dash of the sequence member that starts at `start`.
    fn dash_before(&self, start: usize) -> Option<usize> {
        let mut line_end = start;
        loop {
            let line_start = self.tree.line_start(line_end);
            let line = self.tree.text.get(line_start..line_end)?;
            let trimmed = line.trim_end_matches([' ', '\t', '\r']);
            // On an earlier line a comment may follow the dash.
            let code = if line_end == start {
                trimmed
            } else {
                match line.find('#') {
                    Some(comment) => line.get(..comment)?.trim_end(),
                    None => trimmed,
                }
            };
            if code.ends_with('-') {
                return Some(line_start + code.len() - 1);
            }
            if !code.trim().is_empty() || line_start == 0 {
                return None;
            }
            line_end = line_start - 1;
        }
    }

    /// Where a member's value is written: behind its key's colon or its dash.
    fn slot(&self, parent: NodeId, member: NodeId) -> (usize, Option<usize>) {
        let start = self.tree.node(member).span.start;
        let entry = self
            .tree
            .entries(parent)
            .iter()
            .find(|(_, value)| *value == member);
        match entry {
            Some((key, _)) => {
                let key = self.tree.node(*key).span.clone();
                (
                    after_colon(self.tree.text, key.end),
                    Some(self.tree.column(key.start)),
                )
            }
            None => (self.dash_before(start).map_or(start, |dash| dash + 1), None),
        }
    }

    fn replace(&self, parent: NodeId, member: NodeId, value: &Value) -> Splice {
        let node = self.tree.node(member);
        let span = node.span.clone();
        if self.is_flow(parent) {
            return Splice {
                range: span,
                text: emit::flow(value, self.plain_keys(parent)),
            };
        }
        let (slot, key_column) = self.slot(parent, member);
        let column = key_column
            .or_else(|| {
                self.dash_before(span.start)
                    .map(|dash| self.tree.column(dash))
            })
            .unwrap_or(0);
        if let Some(text) = self.same_style(member, value, column) {
            let start = skip_blanks(self.tree.text, slot);
            // A value on the line below its key keeps its place.
            let range = if start <= span.start
                && self
                    .tree
                    .text
                    .get(start..span.start)
                    .is_some_and(|gap| gap.trim().is_empty())
            {
                span
            } else {
                start..span.end
            };
            let gap = if range.is_empty() && range.start == slot {
                " "
            } else {
                ""
            };
            return Splice {
                range,
                text: format!("{gap}{text}"),
            };
        }
        match key_column {
            Some(column) => {
                let text = emit::after_key(value, column, self.style);
                self.rest_of_line(slot, span.end, text)
            }
            None => {
                let text = format!(" {}", emit::after_dash(value, column, self.style));
                self.rest_of_line(slot, span.end, text)
            }
        }
    }

    /// Puts `text` in a slot. A comment behind the old value stays on the line of the key.
    fn rest_of_line(&self, slot: usize, end: usize, text: String) -> Splice {
        let line_end = self.tree.next_line(end);
        let rest = self.tree.text.get(end..line_end).unwrap_or_default();
        let comment = rest.trim_end_matches(['\r', '\n']);
        match text.find('\n') {
            Some(at) if !comment.trim().is_empty() => {
                let at = if text.get(..at).is_some_and(|t| t.ends_with('\r')) {
                    at - 1
                } else {
                    at
                };
                let (first, below) = text.split_at(at);
                Splice {
                    range: slot..end + comment.len(),
                    text: format!("{first} {}{below}", comment.trim_start()),
                }
            }
            _ => Splice {
                range: slot..end.max(slot),
                text,
            },
        }
    }

    /// The new value in the style of the old one, where that style can hold it.
    fn same_style(&self, member: NodeId, value: &Value, column: usize) -> Option<String> {
        let node = self.tree.node(member);
        match (&node.kind, value) {
            (
                Kind::Scalar {
                    value: old, style, ..
                },
                Value::String(new),
            ) => match style {
                ScalarStyle::Literal | ScalarStyle::Folded => block_scalar::rewrite(
                    self.tree.text,
                    node.span.clone(),
                    old,
                    new,
                    column,
                    self.style.newline,
                ),
                ScalarStyle::DoubleQuoted => Some(emit::double_quoted(new)),
                ScalarStyle::SingleQuoted if !new.contains(|c: char| c.is_control()) => {
                    Some(format!("'{}'", new.replace('\'', "''")))
                }
                _ if new.contains('\n') => None,
                _ => Some(emit::inline_string(new)),
            },
            (Kind::Sequence { flow: true, .. } | Kind::Mapping { flow: true, .. }, _) => {
                Some(emit::flow(value, self.plain_keys(member)))
            }
            (
                Kind::Scalar {
                    style:
                        ScalarStyle::Plain | ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted,
                    ..
                }
                | Kind::Alias { .. },
                Value::Null | Value::Bool(_) | Value::Number(_),
            ) => Some(value.to_string()),
            (Kind::Alias { .. }, value) => Some(emit::flow(value, true)),
            _ => None,
        }
    }

    fn remove(&self, parent: NodeId, token: &str) -> Option<Splice> {
        let (position, spans) = match &self.tree.node(parent).kind {
            Kind::Mapping { entries, .. } => (
                entries
                    .iter()
                    .position(|(key, _)| self.tree.scalar(*key) == Some(token))?,
                entries
                    .iter()
                    .map(|(key, value)| {
                        self.tree.node(*key).span.start..self.tree.node(*value).span.end
                    })
                    .collect::<Vec<_>>(),
            ),
            Kind::Sequence { items, flow } => (
                token.parse().ok()?,
                items
                    .iter()
                    .map(|item| {
                        let span = self.tree.node(*item).span.clone();
                        let start = if *flow {
                            Some(span.start)
                        } else {
                            self.dash_before(span.start)
                        };
                        Some(start?..span.end)
                    })
                    .collect::<Option<Vec<_>>>()?,
            ),
            _ => return None,
        };
        let member = spans.get(position)?.clone();
        let (before, after) = (
            position.checked_sub(1).and_then(|at| spans.get(at)),
            spans.get(position + 1),
        );
        let empty = Splice {
            range: self.tree.node(parent).span.clone(),
            text: match self.tree.node(parent).kind {
                Kind::Mapping { .. } => "{}".to_owned(),
                _ => "[]".to_owned(),
            },
        };
        let range = match (self.is_flow(parent), before, after) {
            (_, None, None) => return Some(empty),
            (true, Some(before), _) => before.end..member.end,
            (true, None, Some(after)) => member.start..after.start,
            (false, before, after) => {
                let line = self.tree.line_start(member.start);
                let leads = self
                    .tree
                    .text
                    .get(line..member.start)
                    .is_some_and(|indent| indent.trim().is_empty());
                match (leads, before, after) {
                    (true, _, _) => line..self.tree.next_line(member.end),
                    (false, None, Some(after)) => member.start..after.start,
                    _ => return None,
                }
            }
        };
        Some(Splice {
            range,
            text: String::new(),
        })
    }
}

/// Whether the first block sequence under a key is indented from it. Level with the key, as
/// `kubectl` and kustomize write, when there is none.
fn indents_sequences(tree: &Tree<'_>) -> bool {
    for (id, _) in tree.nodes() {
        for (key, value) in tree.entries(id) {
            if let Kind::Sequence { flow: false, items } = &tree.node(*value).kind
                && let Some(first) = items.first()
            {
                let edit_column = tree.column(tree.node(*key).span.start);
                let start = tree.node(*first).span.start;
                let line = tree.line_start(start);
                let text = tree.text.get(line..start).unwrap_or_default();
                if let Some(dash) = text.find('-') {
                    return dash > edit_column;
                }
            }
        }
    }
    false
}
