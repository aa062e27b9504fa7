//! RFC 6902 operations as splices of YAML text.
//!
//! Each operation changes the bytes it must and no others: comments, key order, quoting, blanks
//! and line breaks around it stay. Where a place cannot be changed alone (it is an alias, it
//! comes in by `<<`, it is shared through an anchor), the least that makes it so is written out.

use std::ops::Range;

use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use saphyr_parser::ScalarStyle;
use serde_json::Value;

use super::emit::{self, Style};
use super::tree::{Kind, NodeId, Tree, line_end, skip_gap};
use super::{YamlError, block_scalar, inline_scalar, line_break};

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
    /// A blank line with a tab stands below the place: what comes before it says whether libyaml, of
    /// which Go's readers are made, takes it.
    #[error(
        "{path}: the blank line below has a tab in it, which some readers refuse; take it away"
    )]
    TabBelow {
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
    let tree = Tree::parse(text)?;
    let mut expected = item_value(&tree)?;
    for operation in patch {
        json_patch::patch(&mut expected, std::slice::from_ref(operation))
            .map_err(|_| no_such_path(operation))?;
    }
    apply_to(&tree, patch, &expected)
}

/// [`apply`] for an item that has been parsed, and a patch that has been applied to its value:
/// that gave `expected`.
///
/// # Errors
/// As [`apply`].
pub fn apply_to(
    tree: &Tree<'_>,
    patch: &[PatchOperation],
    expected: &Value,
) -> Result<String, EditError> {
    let mut edited: Option<String> = None;
    let mut rest = patch;
    while let Some(operation) = rest.first() {
        let (splices, done) = match &edited {
            None => Edit::new(tree).steps(rest)?,
            Some(text) => {
                let tree = Tree::parse(text).map_err(|_| not_faithful(operation))?;
                Edit::new(&tree).steps(rest)?
            }
        };
        let before = edited.as_deref().unwrap_or(tree.text);
        if splices.iter().any(|splice| has_tab_below(before, splice)) {
            return Err(EditError::TabBelow {
                path: operation.path().to_string(),
            });
        }
        edited = Some(splice(edited.as_deref().unwrap_or(tree.text), splices));
        rest = rest.get(done..).unwrap_or_default();
    }
    let (Some(edited), Some(last)) = (edited, patch.last()) else {
        return Ok(tree.text.to_owned());
    };
    let is_faithful = Tree::parse(&edited).is_ok_and(|tree| match item_root(&tree) {
        Some(root) => tree.means(root, expected),
        None => expected.is_null(),
    });
    if is_faithful {
        Ok(edited)
    } else {
        Err(not_faithful(last))
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

/// What the item means.
///
/// # Errors
/// As [`Tree::to_value`].
pub fn item_value(tree: &Tree<'_>) -> Result<Value, YamlError> {
    item_root(tree).map_or(Ok(Value::Null), |root| tree.value_of(root))
}

fn no_such_path(operation: &PatchOperation) -> EditError {
    EditError::NoSuchPath {
        path: operation.path().to_string(),
    }
}

fn not_faithful(operation: &PatchOperation) -> EditError {
    EditError::NotFaithful {
        path: operation.path().to_string(),
    }
}

/// Text that takes the place of a range.
#[derive(Debug)]
struct Splice {
    range: Range<usize>,
    text: String,
}

/// Whether a blank line with a tab is the next line, or behind blank lines.
fn has_tab_below(text: &str, splice: &Splice) -> bool {
    let rest = text.get(splice.range.end..).unwrap_or_default();
    // Of a line that is gone with its end, the next one begins here.
    let from = match text.get(..splice.range.end) {
        Some(before) if before.ends_with('\n') => 0,
        _ => line_end(rest, 0) + 1,
    };
    let lines = rest.get(from..).unwrap_or_default().lines();
    lines
        .take_while(|line| line.trim_ascii().is_empty())
        .any(|line| line.contains('\t'))
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

/// What brings the text nearer to what an operation says.
struct Step {
    splices: Vec<Splice>,
    /// Nothing is left to do for this operation.
    last: bool,
}

/// A value that is to be written: from the patch, or from another place of the text.
enum New<'v> {
    Value(&'v Value),
    Flow(String),
}

impl New<'_> {
    fn flow(&self, plain_keys: bool) -> String {
        match self {
            Self::Value(value) => emit::flow(value, plain_keys),
            Self::Flow(text) => text.clone(),
        }
    }

    fn after_key(&self, key_column: usize, style: Style) -> String {
        match self {
            Self::Value(value) => emit::after_key(value, key_column, style),
            Self::Flow(text) => format!(" {text}"),
        }
    }
}

struct Edit<'t, 'a> {
    tree: &'t Tree<'a>,
    style: Style,
}

impl<'t, 'a> Edit<'t, 'a> {
    fn new(tree: &'t Tree<'a>) -> Self {
        Self {
            tree,
            style: Style {
                newline: line_break(tree.text),
                indent_sequences: indents_sequences(tree),
            },
        }
    }

    /// Carries out as many of the operations as can be told from one look at the text, at least a
    /// part of the first, and says how many are done.
    ///
    /// They are those that add something, each in a place of its own: what an earlier one has
    /// written is then neither on the path nor in the neighbourhood of a later one.
    fn steps(&self, operations: &[PatchOperation]) -> Result<(Vec<Splice>, usize), EditError> {
        let mut operations = operations.iter();
        let Some(first) = operations.next() else {
            return Ok((Vec::new(), 0));
        };
        let Step { mut splices, last } = self.step(first)?;
        if !last {
            return Ok((splices, 0));
        }
        let mut done = 1;
        if self.is_addition(first) && !self.has_aliases() {
            for operation in operations.take_while(|operation| self.is_addition(operation)) {
                match self.step(operation) {
                    Ok(step) if step.last && self.are_apart(&splices, &step.splices) => {
                        splices.extend(step.splices);
                        done += 1;
                    }
                    _ => break,
                }
            }
        }
        Ok((splices, done))
    }

    /// Whether the operation adds a member or an item at the end, or replaces a scalar: none of
    /// these moves what stands elsewhere to another path, or gives the text another style.
    fn is_addition(&self, operation: &PatchOperation) -> bool {
        let PatchOperation::Add(AddOperation { path, .. }) = operation else {
            return false;
        };
        let mut node = item_root(self.tree);
        let mut tokens = path.tokens().peekable();
        while let (Some(at), Some(token)) = (node, tokens.next()) {
            let is_last = tokens.peek().is_none();
            let is_sequence = matches!(self.tree.node(at).kind, Kind::Sequence { .. });
            if is_last && is_sequence {
                return token.encoded() == "-";
            }
            node = self.member(at, &token.decoded());
        }
        node.is_none_or(|member| matches!(self.tree.node(member).kind, Kind::Scalar { .. }))
    }

    fn has_aliases(&self) -> bool {
        let mut nodes = self.tree.nodes();
        nodes.any(|(_, node)| matches!(node.kind, Kind::Alias { .. }))
    }

    /// Whether text that means something stands between each two of the splices.
    fn are_apart(&self, some: &[Splice], others: &[Splice]) -> bool {
        let before = |one: &Splice, other: &Splice| {
            skip_gap(self.tree.text, one.range.end) < other.range.start
        };
        let apart = |one, other| before(one, other) || before(other, one);
        some.iter()
            .all(|one| others.iter().all(|other| apart(one, other)))
    }

    /// Carries the operation out; or, where its path leads through an alias or a member that `<<`
    /// brings in, writes that out.
    fn step(&self, operation: &PatchOperation) -> Result<Step, EditError> {
        let missing = || no_such_path(operation);
        let unsupported = || EditError::Unsupported {
            path: operation.path().to_string(),
        };
        let tokens: Vec<String> = operation
            .path()
            .tokens()
            .map(|token| token.decoded().into_owned())
            .collect();
        let (last, parents) = tokens.split_last().ok_or_else(unsupported)?;
        let root = item_root(self.tree).ok_or_else(missing)?;
        let mut path = vec![root];
        let mut parent = root;
        for token in parents {
            let Some(next) = self.member(parent, token) else {
                let source = self.merged(parent, token).ok_or_else(missing)?;
                let new = New::Flow(self.written_out(source)?);
                let splice = self
                    .insert_member(parent, token, &new)
                    .ok_or_else(missing)?;
                return self.finish(vec![splice], &path, None, false);
            };
            if let Kind::Alias { target, .. } = self.tree.node(next).kind {
                let splice = Splice {
                    range: self.tree.node(next).span.clone(),
                    text: self.written_out(target)?,
                };
                return self.finish(vec![splice], &path, None, false);
            }
            path.push(next);
            parent = next;
        }
        let member = self.member(parent, last);
        let splices = match operation {
            PatchOperation::Add(AddOperation { value, .. }) => {
                self.add(parent, last, value).map(|splice| vec![splice])
            }
            PatchOperation::Replace(ReplaceOperation { value, .. }) => match member {
                Some(member) => Some(vec![self.replace(parent, member, value)]),
                // It comes in by `<<`, and what is written here wins.
                None => self.add(parent, last, value).map(|splice| vec![splice]),
            },
            PatchOperation::Remove(RemoveOperation { .. }) => match member {
                Some(_) => self.remove(&path, last),
                // It comes in by `<<`, with others that are to stay.
                None => return Err(not_faithful(operation)),
            },
            _ => return Err(unsupported()),
        };
        // An item that is inserted is no change of the one that stands there.
        let inserts = matches!(operation, PatchOperation::Add(_))
            && matches!(self.tree.node(parent).kind, Kind::Sequence { .. });
        let changed = member.filter(|_| !inserts);
        let impossible = || match member {
            Some(_) => not_faithful(operation),
            None => missing(),
        };
        self.finish(splices.ok_or_else(impossible)?, &path, changed, true)
    }

    fn member(&self, parent: NodeId, token: &str) -> Option<NodeId> {
        match &self.tree.node(parent).kind {
            Kind::Mapping { .. } => self.tree.entry(parent, token).map(|(_, value)| value),
            Kind::Sequence { items, .. } => items.get(token.parse::<usize>().ok()?).copied(),
            _ => None,
        }
    }

    /// The member that `<<` brings into a mapping under this name.
    fn merged(&self, mapping: NodeId, token: &str) -> Option<NodeId> {
        let (_, source) = self.tree.entry(mapping, "<<")?;
        let follow = |id: NodeId| match self.tree.node(id).kind {
            Kind::Alias { target, .. } => target,
            _ => id,
        };
        let source = follow(source);
        let of = |source: NodeId| {
            self.member(source, token)
                .or_else(|| self.merged(source, token))
        };
        match &self.tree.node(source).kind {
            Kind::Sequence { items, .. } => items.iter().find_map(|item| of(follow(*item))),
            _ => of(source),
        }
    }

    /// A node as one line that stands for itself: without anchors, aliases and merges.
    fn written_out(&self, id: NodeId) -> Result<String, EditError> {
        match &self.tree.node(id).kind {
            // A number or a word stays as it is written: readers differ on what `0755` and `on`
            // mean, and none is to see a change.
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
                tag: None,
            } if is_bare(value) => Ok(value.to_string()),
            Kind::Alias { target, .. } => self.written_out(*target),
            Kind::Sequence { items, .. } => {
                let items = items
                    .iter()
                    .map(|item| self.written_out(*item))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(format!("[{}]", items.join(", ")))
            }
            Kind::Mapping { entries, .. } if self.tree.entry(id, "<<").is_none() => {
                let members = entries
                    .iter()
                    .map(|(key, value)| {
                        let key = self.tree.scalar(*key).unwrap_or_default();
                        let value = self.written_out(*value)?;
                        Ok(format!("{}: {value}", emit::flow_key(key, true)))
                    })
                    .collect::<Result<Vec<_>, EditError>>()?;
                Ok(format!("{{{}}}", members.join(", ")))
            }
            _ => Ok(emit::flow(&self.tree.value_of(id)?, true)),
        }
    }

    /// Adds to a change what it asks for elsewhere: every alias of what changes is written out, so
    /// that it alone changes.
    fn finish(
        &self,
        mut splices: Vec<Splice>,
        path: &[NodeId],
        changed: Option<NodeId>,
        last: bool,
    ) -> Result<Step, EditError> {
        let gone = changed.map_or(0..0, |id| self.tree.node(id).span.clone());
        let within = |inner: &Range<usize>, outer: &Range<usize>| {
            outer.start <= inner.start && inner.end <= outer.end
        };
        let mut aliases = Vec::new();
        for (_, node) in self.tree.nodes() {
            let Kind::Alias { target, .. } = node.kind else {
                continue;
            };
            let shared = path.contains(&target) || within(&self.tree.node(target).span, &gone);
            let replaced = splices
                .iter()
                .any(|splice| within(&node.span, &splice.range));
            if shared && !replaced {
                aliases.push(Splice {
                    range: node.span.clone(),
                    text: self.written_out(target)?,
                });
            }
        }
        splices.extend(aliases);
        Ok(Step { splices, last })
    }

    fn add(&self, parent: NodeId, token: &str, value: &Value) -> Option<Splice> {
        match &self.tree.node(parent).kind {
            Kind::Mapping { .. } => match self.tree.entry(parent, token) {
                Some((_, member)) => Some(self.replace(parent, member, value)),
                None => self.insert_member(parent, token, &New::Value(value)),
            },
            Kind::Sequence { items, .. } => {
                let index = match token {
                    "-" => items.len(),
                    index => index.parse().ok()?,
                };
                self.insert_item(parent, index, value)
            }
            _ => None,
        }
    }

    fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.tree.node(id).kind,
            Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. }
        )
    }

    fn is_block(&self, id: NodeId) -> bool {
        matches!(
            self.tree.node(id).kind,
            Kind::Mapping { flow: false, .. } | Kind::Sequence { flow: false, .. }
        )
    }

    /// JSON is kept JSON; a flow mapping with plain keys, or none yet, gets plain ones.
    fn plain_keys(&self, near: NodeId) -> bool {
        let plain = |id: NodeId| {
            matches!(
                self.tree.node(id).kind,
                Kind::Scalar {
                    style: ScalarStyle::Plain,
                    ..
                }
            )
        };
        self.tree
            .entries(near)
            .first()
            .is_none_or(|(key, _)| plain(*key))
            && !self.tree.text.trim_start().starts_with('{')
    }

    fn insert_member(&self, parent: NodeId, key: &str, value: &New<'_>) -> Option<Splice> {
        let entries = self.tree.entries(parent);
        if self.is_flow(parent) {
            let plain = self.plain_keys(parent);
            let member = format!("{}: {}", emit::flow_key(key, plain), value.flow(plain));
            return Some(self.append_to_flow(
                parent,
                entries.last().map(|(_, last)| *last),
                &member,
            ));
        }
        let (_, last) = entries.last()?;
        let column = self.tree.column(self.tree.node(parent).content);
        let at = self.line_after(*last, column);
        let value = match value {
            New::Value(value) if self.runs_on(value, at, column) => {
                format!(" {}", emit::flow(value, true))
            }
            value => value.after_key(column, self.style),
        };
        let key = emit::inline_string(key);
        Some(self.insert_line(at, &format!("{}{key}:{value}", " ".repeat(column))))
    }

    fn insert_item(&self, parent: NodeId, index: usize, value: &Value) -> Option<Splice> {
        let items = self.tree.items(parent);
        let before = index
            .checked_sub(1)
            .and_then(|before| items.get(before))
            .copied();
        let after = items.get(index).copied();
        if self.is_flow(parent) {
            let item = emit::flow(value, self.plain_keys(parent));
            return Some(match after {
                Some(after) => {
                    let start = self.tree.node(after).span.start;
                    Splice {
                        range: start..start,
                        text: format!("{item}, "),
                    }
                }
                None => self.append_to_flow(parent, before, &item),
            });
        }
        let dash = self.tree.node(before.or(after)?).indicator?;
        let column = self.tree.column(dash);
        let pad = " ".repeat(column);
        let Some(before) = before else {
            let item = emit::after_dash(value, column, self.style);
            // Something may stand before the dash on its line.
            return Some(Splice {
                range: dash..dash,
                text: format!("- {item}{}{pad}", self.style.newline),
            });
        };
        let at = self.line_after(before, column);
        let item = if self.runs_on(value, at, column) {
            emit::flow(value, true)
        } else {
            emit::after_dash(value, column, self.style)
        };
        Some(self.insert_line(at, &format!("{pad}- {item}")))
    }

    fn append_to_flow(&self, parent: NodeId, last: Option<NodeId>, member: &str) -> Splice {
        let node = self.tree.node(parent);
        match last {
            Some(last) => {
                let end = self.tree.node(last).span.end;
                // A key whose value is left out: libyaml takes `key:,` for a scalar.
                let blank = if self.text(0..end).ends_with(':') {
                    " "
                } else {
                    ""
                };
                Splice {
                    range: end..end,
                    text: format!("{blank}, {member}"),
                }
            }
            None => {
                let inside = node.content + 1..node.span.end - 1;
                let blank = self.text(inside.clone()).trim_matches(' ').is_empty();
                Splice {
                    range: if blank {
                        inside
                    } else {
                        inside.start..inside.start
                    },
                    text: member.to_owned(),
                }
            }
        }
    }

    /// Behind the lines of a node at `column`, and behind the comments that are indented deeper:
    /// they are the node's.
    fn line_after(&self, node: NodeId, column: usize) -> usize {
        let end = self.tree.next_line(self.tree.node(node).span.end);
        self.comments_below(end, column)
    }

    /// Whole lines before the line that begins at `at`.
    fn insert_line(&self, at: usize, text: &str) -> Splice {
        let newline = self.style.newline;
        let text = if self.text(0..at).ends_with('\n') {
            format!("{text}{newline}")
        } else {
            format!("{newline}{text}")
        };
        Splice {
            range: at..at,
            text,
        }
    }

    /// The end of the comments that follow `from` and are indented deeper than `column`; `from`
    /// where there are none.
    fn comments_below(&self, from: usize, column: usize) -> usize {
        let mut end = from;
        let mut at = from;
        for line in self.text(from..self.tree.text.len()).split_inclusive('\n') {
            at += line.len();
            let content = line.trim_start_matches(' ');
            if content.starts_with('#') && line.len() - content.len() > column {
                end = at;
            } else if !content.trim().is_empty() {
                break;
            }
        }
        end
    }

    /// Whether a value that belongs to what stands in `column` has a literal at its end that would
    /// take what is below for its text: comments, or blank lines with many blanks.
    fn runs_on(&self, value: &Value, below: usize, column: usize) -> bool {
        let lines = self.text(below..self.tree.text.len()).lines();
        let mut blank_lines = lines.take_while(|line| line.trim().is_empty());
        ends_in_literal(value)
            && (self.comments_below(below, column) > below
                || blank_lines.any(|line| line.len() > column + 2))
    }

    fn text(&self, range: Range<usize>) -> &'a str {
        self.tree.text.get(range).unwrap_or_default()
    }

    fn replace(&self, parent: NodeId, member: NodeId, value: &Value) -> Splice {
        let node = self.tree.node(member);
        let flow = self.is_flow(parent);
        let column = match (&self.tree.node(parent).kind, node.indicator) {
            (Kind::Sequence { .. }, Some(dash)) => self.tree.column(dash),
            _ => self.tree.column(self.tree.node(parent).content),
        };
        let inline = if let Some(inline) = self.same_spelling(member, value, column, flow) {
            Some(inline)
        } else if flow {
            Some((node.span.start, emit::flow(value, self.plain_keys(parent))))
        } else {
            self.same_style(member, value, column)
        };
        if let Some((start, text)) = inline {
            let lead_in = match (node.span.is_empty(), node.indicator) {
                (false, _) => String::new(),
                (true, Some(_)) => " ".to_owned(),
                // `{key}`
                (true, None) if flow => return self.give_value(parent, member, &text),
                // `? key`
                (true, None) => format!("{}{}: ", self.style.newline, " ".repeat(column)),
            };
            return Splice {
                range: start..node.span.end,
                text: format!("{lead_in}{text}"),
            };
        }
        let Some(indicator) = node.indicator else {
            return Splice {
                range: node.span.clone(),
                text: format!(
                    "{}{}:{}",
                    self.style.newline,
                    " ".repeat(column),
                    emit::after_key(value, column, self.style)
                ),
            };
        };
        let below = self.tree.next_line(node.span.end);
        let text = match self.tree.node(parent).kind {
            _ if self.runs_on(value, below, column) => format!(" {}", emit::flow(value, true)),
            // Where a block stands, nothing may stand.
            _ if value.is_null() && self.is_block(member) => String::new(),
            Kind::Sequence { .. } => format!(" {}", emit::after_dash(value, column, self.style)),
            _ => emit::after_key(value, column, self.style),
        };
        self.fill(indicator + 1, node.span.clone(), &text)
    }

    /// Gives the key of `{key}` a value. A key of several lines needs a `?` for libyaml to see it.
    fn give_value(&self, parent: NodeId, member: NodeId, text: &str) -> Splice {
        let entries = self.tree.entries(parent).iter();
        let key = entries.rev().find(|(_, value)| *value == member);
        let key = key.map(|(key, _)| self.tree.node(*key));
        let end = self.tree.node(member).span.end;
        match key
            .filter(|key| self.text(key.span.clone()).contains('\n') && key.indicator.is_none())
        {
            Some(key) => Splice {
                range: key.span.start..end,
                text: format!("? {}: {text}", self.text(key.span.start..end)),
            },
            None => Splice {
                range: end..end,
                text: format!(": {text}"),
            },
        }
    }

    /// Puts text in the place of an old value and of what is between it and its key or dash.
    /// Comments on the first and last line of that stay on the line of the key.
    fn fill(&self, slot: usize, old: Range<usize>, text: &str) -> Splice {
        let line_end = line_end(self.tree.text, old.end);
        let behind = self.text(old.end..line_end).trim_end_matches('\r');
        let (first, below) = match text.find(self.style.newline) {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut filled = first.to_owned();
        // Blanks at the end of a line are kept where nothing else comes to stand there.
        let mut keep = |comment: &str| {
            if first.is_empty() || !comment.trim().is_empty() {
                filled.push_str(comment);
            }
        };
        let gap = self.text(slot..old.start);
        if let Some((comment, _)) = gap.split_once('\n') {
            keep(comment.trim_end_matches('\r'));
        }
        let mut end = old.end;
        if !below.is_empty() {
            keep(behind);
            end += behind.len();
        }
        filled.push_str(below);
        Splice {
            range: slot..end,
            text: filled,
        }
    }

    /// A quoted or plain scalar with its new value, and where it begins: what stays is spelled as it
    /// was.
    fn same_spelling(
        &self,
        member: NodeId,
        value: &Value,
        column: usize,
        flow: bool,
    ) -> Option<(usize, String)> {
        let node = self.tree.node(member);
        let Kind::Scalar {
            value: old,
            style,
            tag: None,
        } = &node.kind
        else {
            return None;
        };
        let source = self.text(node.content..node.span.end);
        // A plain scalar on one line, or among brackets, is as easily written anew.
        if *style == ScalarStyle::Plain && (flow || !source.contains('\n')) {
            return None;
        }
        let new = value.as_str()?;
        let newline = self.style.newline;
        let text = inline_scalar::rewrite(source, *style, old, new, column, newline)?;
        Some((node.content, text))
    }

    /// The new value in the style of the old one, where that style can hold it, and where it
    /// begins.
    fn same_style(&self, member: NodeId, value: &Value, column: usize) -> Option<(usize, String)> {
        let node = self.tree.node(member);
        let from_start = |text| Some((node.span.start, text));
        match (&node.kind, value) {
            (
                Kind::Scalar {
                    value: old, style, ..
                },
                Value::String(new),
            ) => match style {
                ScalarStyle::Literal | ScalarStyle::Folded => block_scalar::rewrite(
                    self.tree.text,
                    node.content,
                    old,
                    new,
                    column,
                    self.style.newline,
                )
                .map(|text| (node.content, text)),
                ScalarStyle::DoubleQuoted => from_start(emit::double_quoted(new)),
                ScalarStyle::SingleQuoted if !new.contains(|c: char| c.is_control()) => {
                    from_start(format!("'{}'", new.replace('\'', "''")))
                }
                _ if new.contains('\n') => None,
                _ => from_start(emit::inline_string(new)),
            },
            (Kind::Sequence { flow: true, .. } | Kind::Mapping { flow: true, .. }, _) => {
                from_start(emit::flow(value, self.plain_keys(member)))
            }
            (
                Kind::Scalar {
                    style:
                        ScalarStyle::Plain | ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted,
                    ..
                },
                Value::Null | Value::Bool(_) | Value::Number(_),
            ) => from_start(value.to_string()),
            (Kind::Alias { .. }, value) => from_start(emit::flow(value, true)),
            _ => None,
        }
    }

    fn remove(&self, path: &[NodeId], token: &str) -> Option<Vec<Splice>> {
        let (parent, above) = path.split_last()?;
        let node = self.tree.node(*parent);
        let member = self.member(*parent, token)?;
        let starts_with = |first: NodeId, value: NodeId| {
            let first = self.tree.node(first);
            let start = first.indicator.filter(|_| !self.is_flow(*parent));
            start.unwrap_or(first.span.start)..self.tree.node(value).span.end
        };
        let (members, index, empty): (Vec<_>, _, _) = match &node.kind {
            Kind::Mapping { entries, .. } => (
                entries
                    .iter()
                    .map(|(key, value)| starts_with(*key, *value))
                    .collect(),
                entries.iter().position(|(_, value)| *value == member)?,
                Value::Object(serde_json::Map::new()),
            ),
            Kind::Sequence { items, .. } => (
                items.iter().map(|item| starts_with(*item, *item)).collect(),
                items.iter().position(|item| *item == member)?,
                Value::Array(Vec::new()),
            ),
            _ => return None,
        };
        let before = index.checked_sub(1).and_then(|before| members.get(before));
        let after = members.get(index + 1);
        let gone = members.get(index)?.clone();
        if before.is_none() && after.is_none() {
            return Some(vec![match above.last() {
                Some(above) => self.replace(*above, *parent, &empty),
                None => Splice {
                    range: node.content..node.span.end,
                    text: empty.to_string(),
                },
            }]);
        }
        if self.is_flow(*parent) {
            return Some(self.remove_from_flow(before, gone, after));
        }
        let line = self.tree.line_start(gone.start);
        let range = if self.text(line..gone.start).trim().is_empty() {
            line..self.tree.next_line(gone.end)
        } else {
            // It stands behind a dash, which what comes next gets: a member or its comment.
            let next = self.tree.next_line(gone.end);
            let rest = self.text(next..after?.start);
            gone.start..next + rest.len() - rest.trim_start().len()
        };
        Some(vec![Splice {
            range,
            text: String::new(),
        }])
    }

    /// Takes a member and one comma out of a flow collection, and leaves its comments.
    fn remove_from_flow(
        &self,
        before: Option<&Range<usize>>,
        gone: Range<usize>,
        after: Option<&Range<usize>>,
    ) -> Vec<Splice> {
        let nothing = |range| Splice {
            range,
            text: String::new(),
        };
        let limit = after.map_or(gone.end, |after| after.start);
        let comma = self.comma(gone.end..limit);
        match (comma, before) {
            (Some(comma), _) => vec![nothing(self.with_blanks(gone.start..comma + 1))],
            (None, Some(before)) => {
                let Some(comma) = self.comma(before.end..gone.start) else {
                    return Vec::new();
                };
                if self
                    .text(comma + 1..gone.start)
                    .trim_matches(' ')
                    .is_empty()
                {
                    vec![nothing(comma..gone.end)]
                } else {
                    vec![nothing(comma..comma + 1), nothing(self.with_blanks(gone))]
                }
            }
            (None, None) => vec![nothing(gone)],
        }
    }

    /// The comma between two members, which comments may surround.
    fn comma(&self, between: Range<usize>) -> Option<usize> {
        let at = skip_gap(self.tree.text, between.start);
        (at < between.end && self.text(at..at + 1) == ",").then_some(at)
    }

    /// The range with the blanks that follow it; with its lines, where nothing else is on them.
    fn with_blanks(&self, range: Range<usize>) -> Range<usize> {
        let line = self.tree.line_start(range.start);
        let line_end = line_end(self.tree.text, range.end);
        let alone = self.text(line..range.start).trim().is_empty()
            && self.text(range.end..line_end).trim().is_empty();
        if alone {
            return line..self.tree.next_line(range.end);
        }
        let behind = self.text(range.end..line_end);
        let blanks = behind.len() - behind.trim_start_matches(' ').len();
        range.start..range.end + blanks
    }
}

/// Whether the last line of a value as a block is a line of text.
fn ends_in_literal(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n'),
        Value::Array(items) => items.last().is_some_and(ends_in_literal),
        Value::Object(members) => members.values().next_back().is_some_and(ends_in_literal),
        _ => false,
    }
}

/// Whether a plain scalar can stand in a flow collection as it is.
fn is_bare(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || "+-.~_".contains(c))
        && text.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '~')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.~_/:".contains(c))
        || text == "~"
}

/// Whether the first block sequence under a key is indented from it. Level with the key, as
/// `kubectl` and kustomize write, when there is none.
fn indents_sequences(tree: &Tree<'_>) -> bool {
    tree.nodes()
        .filter_map(|(id, mapping)| {
            let key_column = tree.column(mapping.content);
            tree.entries(id).iter().find_map(|(_, value)| {
                let value = tree.node(*value);
                let is_block = matches!(value.kind, Kind::Sequence { flow: false, .. });
                is_block.then(|| tree.column(value.content) > key_column)
            })
        })
        .next()
        .unwrap_or_default()
}
