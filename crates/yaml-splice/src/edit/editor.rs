//! Converts operations to splices.

use std::cell::OnceCell;
use std::ops::Range;

use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use saphyr_parser::ScalarStyle;
use serde_json::Value;

use super::insert::New;
use super::replace::may_be_implicit;
use super::splice::Splice;
use super::{EditError, item_root, no_such_path, not_faithful};
use crate::emit::{self, Style};
use crate::tree::{Kind, NodeId, Tree, skip_gap};
use crate::{Internal, line_break};

/// A part of an operation, or all of it.
struct EditStep {
    splices: Vec<Splice>,
    /// The operation is complete after this step.
    last: bool,
}

/// Converts operations to splices, based on one state of the text.
pub(super) struct Editor<'t, 'a> {
    pub(super) tree: &'t Tree<'a>,
    pub(super) style: Style,
    /// The first invalid range of a node.
    internal: OnceCell<Internal>,
}

impl<'t, 'a> Editor<'t, 'a> {
    pub(super) fn new(tree: &'t Tree<'a>) -> Self {
        Self {
            tree,
            style: Style {
                newline: line_break(tree.text),
                indent_sequences: indents_sequences(tree),
            },
            internal: OnceCell::new(),
        }
    }

    /// The splices for as many operations as are independent of each other, and the number of
    /// these; 0 if only a part of the first operation is done.
    ///
    /// Operations are combined if each of them adds something, and there is text between any two.
    pub(super) fn steps(
        &self,
        operations: &[PatchOperation],
    ) -> Result<(Vec<Splice>, usize), EditError> {
        let steps = self.first_steps(operations)?;
        match self.internal.get() {
            Some(internal) => Err(internal.clone().into()),
            None => Ok(steps),
        }
    }

    fn first_steps(
        &self,
        operations: &[PatchOperation],
    ) -> Result<(Vec<Splice>, usize), EditError> {
        let mut operations = operations.iter();
        let Some(first) = operations.next() else {
            return Ok((Vec::new(), 0));
        };
        let EditStep { mut splices, last } = self.step(first)?;
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

    /// Whether the operation adds a member, appends an item or replaces a scalar. Such operations
    /// change neither the path of another node nor the style of the text.
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

    /// Whether there is more than blanks and comments between any two of the splices.
    fn are_apart(&self, some: &[Splice], others: &[Splice]) -> bool {
        let before = |one: &Splice, other: &Splice| {
            skip_gap(self.tree.text, one.range.end) < other.range.start
        };
        let apart = |one, other| before(one, other) || before(other, one);
        some.iter()
            .all(|one| others.iter().all(|other| apart(one, other)))
    }

    /// The splices of the operation; if its path leads through an alias or a merged member, the
    /// splices that expand that.
    fn step(&self, operation: &PatchOperation) -> Result<EditStep, EditError> {
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
        let is_long = |key: &str| !may_be_implicit(&emit::double_quoted(key));
        if member.is_none() && is_long(last)
            || new_value(operation).is_some_and(|value| any_key(value, &is_long))
        {
            return Err(EditError::LongKey {
                path: operation.path().to_string(),
            });
        }
        let splices = match operation {
            PatchOperation::Add(AddOperation { value, .. }) => {
                self.add(parent, last, value).map(|splice| vec![splice])
            }
            PatchOperation::Replace(ReplaceOperation { value, .. }) => match member {
                Some(member) => Some(vec![self.replace(parent, member, value)]),
                // It is merged by `<<`: a member of the mapping itself wins.
                None => self.add(parent, last, value).map(|splice| vec![splice]),
            },
            PatchOperation::Remove(RemoveOperation { .. }) => match member {
                Some(_) => self.remove(&path, last),
                // It is merged by `<<`, together with others that must stay.
                None => return Err(not_faithful(operation)),
            },
            _ => return Err(unsupported()),
        };
        // Inserting an item does not change the one at that index.
        let inserts = matches!(operation, PatchOperation::Add(_))
            && matches!(self.tree.node(parent).kind, Kind::Sequence { .. });
        let changed = member.filter(|_| !inserts);
        let impossible = || match member {
            Some(_) => not_faithful(operation),
            None => missing(),
        };
        self.finish(splices.ok_or_else(impossible)?, &path, changed, true)
    }

    pub(super) fn member(&self, parent: NodeId, token: &str) -> Option<NodeId> {
        match &self.tree.node(parent).kind {
            Kind::Mapping { .. } => self.tree.entry(parent, token).map(|(_, value)| value),
            Kind::Sequence { items, .. } => items.get(token.parse::<usize>().ok()?).copied(),
            _ => None,
        }
    }

    /// Adds splices that expand every alias of what changes, so that the aliases keep their value.
    fn finish(
        &self,
        mut splices: Vec<Splice>,
        path: &[NodeId],
        changed: Option<NodeId>,
        last: bool,
    ) -> Result<EditStep, EditError> {
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
        Ok(EditStep { splices, last })
    }

    pub(super) fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.tree.node(id).kind,
            Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. }
        )
    }

    pub(super) fn is_block(&self, id: NodeId) -> bool {
        matches!(
            self.tree.node(id).kind,
            Kind::Mapping { flow: false, .. } | Kind::Sequence { flow: false, .. }
        )
    }

    /// Whether new keys are unquoted: not in JSON, and not next to quoted keys.
    pub(super) fn plain_keys(&self, near: NodeId) -> bool {
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

    /// A part of the text. An invalid range makes all steps fail.
    pub(super) fn text(&self, range: Range<usize>) -> &'a str {
        self.tree.text.get(range.clone()).unwrap_or_else(|| {
            let _ = self.internal.set(Internal::range(&range));
            ""
        })
    }
}

/// The value that an operation writes.
fn new_value(operation: &PatchOperation) -> Option<&Value> {
    match operation {
        PatchOperation::Add(AddOperation { value, .. })
        | PatchOperation::Replace(ReplaceOperation { value, .. }) => Some(value),
        _ => None,
    }
}

/// Whether this holds for any key in a value.
fn any_key(value: &Value, holds: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| holds(key) || any_key(value, holds)),
        Value::Array(items) => items.iter().any(|item| any_key(item, holds)),
        _ => false,
    }
}

/// Whether the first block sequence under a key is indented relative to it. If there is none,
/// sequences are not indented, as in the output of `kubectl` and kustomize.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn additions_to_one_place_are_made_one_by_one() {
        let patch = json!([
            {"op": "add", "path": "/m/a", "value": 1},
            {"op": "add", "path": "/m/b", "value": 2},
            {"op": "add", "path": "/l/-", "value": 3},
            {"op": "add", "path": "/l/-", "value": 4},
        ]);
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        assert_eq!(
            crate::apply("m: {}\nl: []\n", &patch).unwrap(),
            "m: {a: 1, b: 2}\nl: [3, 4]\n"
        );
    }
}
