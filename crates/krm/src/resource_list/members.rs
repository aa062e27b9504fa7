//! Resources inside other items: the members of a `kind: List`, of an OpenShift Template, and of an
//! array.
//!
//! The wrapper is parsed once to find them. After that, a member is a range of the text, like an
//! item, and is read and edited separately.

use std::ops::Range;

use super::scan::{Form, HeadRanges, ItemSpan, plain_text};
use yaml_splice::Tree;
use yaml_splice::tree::{Kind, NodeId};

/// An item or member that holds resources.
#[derive(Debug)]
pub(crate) struct Wrapper {
    /// The member that this wrapper itself is; `None` for the item.
    pub(super) within: Option<usize>,
    /// How its array is written.
    pub(super) form: Form,
    /// The ranges of all values of its array, including those that are not resources.
    pub(super) values: Vec<Range<usize>>,
    /// The name of the array: `items`, `objects`, empty for an array without a name.
    key: &'static str,
    /// The `apiVersion` and `kind` of members that omit theirs, as the members of a `ServiceList`
    /// may.
    implied: Option<(String, String)>,
}

/// A resource in a wrapper.
#[derive(Debug)]
pub(crate) struct Member {
    /// The index of its wrapper.
    pub(super) wrapper: usize,
    /// Its place in the wrapper's array.
    pub(super) place: usize,
    /// Its range, and those of its kind and name.
    pub(super) span: ItemSpan,
    /// It contains resources itself.
    pub(super) wraps: bool,
}

/// The wrappers and members of an item; outer ones come before inner ones.
#[derive(Debug, Default)]
pub(crate) struct Members {
    pub(super) wrappers: Vec<Wrapper>,
    pub(super) members: Vec<Member>,
    /// An alias in one of the members refers to an anchor outside of it, so that it cannot be parsed
    /// alone.
    pub(super) are_tangled: bool,
}

/// True for the kinds of items that may have members.
pub(super) fn may_wrap(kind: &str) -> bool {
    kind.ends_with("List") || kind == "Template"
}

impl Members {
    /// Finds the members of an item, given its tree.
    pub(crate) fn find(tree: &Tree<'_>, root: Option<NodeId>) -> Self {
        let mut found = Self::default();
        let mut open: Vec<(NodeId, Option<usize>, usize)> = root
            .map(|root| (root, None, tree.text.len()))
            .into_iter()
            .collect();
        while let Some((node, within, end)) = open.pop() {
            let Some((wrapper, nodes)) = wrapper(tree, node, within, end) else {
                continue;
            };
            let number = found.wrappers.len();
            for (place, (node, range)) in nodes.iter().zip(&wrapper.values).enumerate() {
                if !is_resource(tree, *node, wrapper.implied.is_some()) {
                    continue;
                }
                open.push((*node, Some(found.members.len()), range.end));
                found.members.push(Member {
                    wrapper: number,
                    place,
                    span: ItemSpan {
                        range: range.clone(),
                        head: head(tree, *node),
                    },
                    wraps: false,
                });
            }
            if let Some(member) = within.and_then(|member| found.members.get_mut(member)) {
                member.wraps = true;
            }
            found.wrappers.push(wrapper);
        }
        found.are_tangled = found.have_aliases_outside(tree);
        found
    }

    fn have_aliases_outside(&self, tree: &Tree<'_>) -> bool {
        let aliases = tree.nodes().filter_map(|(_, node)| match node.kind {
            Kind::Alias { target, .. } => Some((node.span.start, tree.node(target).span.start)),
            _ => None,
        });
        let mut aliases = aliases.peekable();
        if aliases.peek().is_none() {
            return false;
        }
        let ranges: Vec<_> = self.resources().map(|(_, range, _)| range).collect();
        let inside = |at: usize| {
            let place = ranges.partition_point(|range| range.end <= at);
            ranges
                .get(place)
                .is_some_and(|range| range.start <= at)
                .then_some(place)
        };
        aliases.any(|(alias, target)| inside(alias) != inside(target))
    }

    /// True when the item wraps nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.wrappers.is_empty()
    }

    /// Appends the members of an item that begins at `start` of the list.
    pub(super) fn append(&mut self, found: Self, start: usize) {
        let shift = |range: &mut Range<usize>| {
            // The range of an absent field stays empty.
            if range.end > 0 {
                *range = range.start + start..range.end + start;
            }
        };
        let (wrappers, members) = (self.wrappers.len(), self.members.len());
        self.wrappers
            .extend(found.wrappers.into_iter().map(|mut wrapper| {
                wrapper.values.iter_mut().for_each(shift);
                wrapper.within = wrapper.within.map(|member| member + members);
                wrapper
            }));
        self.members
            .extend(found.members.into_iter().map(|mut member| {
                member.wrapper += wrappers;
                shift(&mut member.span.range);
                if let Some(head) = &mut member.span.head {
                    [&mut head.kind, &mut head.name, &mut head.namespace]
                        .into_iter()
                        .for_each(shift);
                }
                member
            }));
    }

    pub(super) fn wrapper_of(&self, member: usize) -> Option<&Wrapper> {
        self.wrappers.get(self.members.get(member)?.wrapper)
    }

    /// The `apiVersion` and `kind` that apply to a member without its own.
    pub(super) fn implied(&self, member: usize) -> Option<&(String, String)> {
        self.wrapper_of(member)?.implied.as_ref()
    }

    /// The path of a member in its item, in the notation of results: `items[3]`, `objects[0]`,
    /// `[2]`, `items[1].items[0]`.
    pub(crate) fn path(&self, member: usize) -> String {
        let mut path = String::new();
        for (key, place) in self.steps(member) {
            if !path.is_empty() && !key.is_empty() {
                path.push('.');
            }
            path.push_str(&format!("{key}[{place}]"));
        }
        path
    }

    /// The JSON pointer of a member, from its item on: `/items/3`.
    pub(crate) fn pointer(&self, member: usize) -> String {
        let place = self.members.get(member).map_or(0, |member| member.place);
        format!("{}/{place}", self.array(member))
    }

    /// True if an alias in one of the members refers to an anchor outside of it.
    pub(crate) fn are_tangled(&self) -> bool {
        self.are_tangled
    }

    /// The JSON pointer of the array that holds a member, relative to its item: `/items`.
    pub(super) fn array(&self, member: usize) -> String {
        let mut pointer = String::new();
        let mut steps = self.steps(member).into_iter().peekable();
        while let Some((key, place)) = steps.next() {
            if !key.is_empty() {
                pointer.push_str(&format!("/{key}"));
            }
            if steps.peek().is_some() {
                pointer.push_str(&format!("/{place}"));
            }
        }
        pointer
    }

    /// The arrays that lead to a member, each with its name and an index in it.
    fn steps(&self, member: usize) -> Vec<(&'static str, usize)> {
        let mut steps = Vec::new();
        let mut next = Some(member);
        while let Some(member) = next.and_then(|member| self.members.get(member)) {
            let Some(wrapper) = self.wrappers.get(member.wrapper) else {
                break;
            };
            steps.push((wrapper.key, member.place));
            next = wrapper.within;
        }
        steps.reverse();
        steps
    }

    /// The members that contain no resources themselves, in the order of the text: the number,
    /// range and form of each.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (usize, Range<usize>, Form)> {
        let members = self.members.iter().enumerate();
        let mut resources: Vec<_> = members
            .filter(|(_, member)| !member.wraps)
            .filter_map(|(number, member)| {
                let form = self.wrappers.get(member.wrapper)?.form;
                Some((number, member.span.range.clone(), form))
            })
            .collect();
        resources.sort_by_key(|(_, range, _)| range.start);
        resources.into_iter()
    }
}

/// The wrapper for a node, if it is one, and the nodes in its array. `end` is the end of the node's
/// text.
fn wrapper(
    tree: &Tree<'_>,
    node: NodeId,
    within: Option<usize>,
    end: usize,
) -> Option<(Wrapper, Vec<NodeId>)> {
    let (key, array, end) = array(tree, node, end)?;
    let Kind::Sequence { flow, items } = &tree.node(array).kind else {
        return None;
    };
    let implied = implied(tree, node);
    let is_resource = |value: &NodeId| is_resource(tree, *value, implied.is_some());
    if !items.iter().any(is_resource) {
        return None;
    }
    let (form, values) = if *flow {
        let span = |value: &NodeId| tree.node(*value).span.clone();
        (Form::Flow, items.iter().map(span).collect())
    } else {
        let starts: Vec<(usize, usize)> = items
            .iter()
            .map(|value| dash_line(tree, *value))
            .collect::<Option<_>>()?;
        let column = starts.first()?.1;
        let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([end]);
        let ranges = starts.iter().zip(ends).map(|((start, _), end)| *start..end);
        (Form::Block(column), ranges.collect())
    };
    Some((
        Wrapper {
            within,
            form,
            values,
            key,
            implied,
        },
        items.clone(),
    ))
}

/// The array of a wrapper, its name, and the end of its lines.
fn array(tree: &Tree<'_>, node: NodeId, end: usize) -> Option<(&'static str, NodeId, usize)> {
    if let Kind::Sequence { .. } = tree.node(node).kind {
        return Some(("", node, end));
    }
    let kind = text(tree, node, "kind")?;
    let key = match kind {
        "Template" => {
            // Old files have no group.
            let version = text(tree, node, "apiVersion")?;
            let is_openshift = version == "v1" || version.starts_with("template.openshift.io/");
            is_openshift.then_some("objects")?
        }
        kind if kind.ends_with("List") => "items",
        _ => return None,
    };
    let (_, array) = tree.entry(node, key)?;
    let entries = tree.entries(node);
    let place = entries.iter().position(|(_, value)| *value == array)?;
    let next = entries.get(place + 1);
    let end = next.map_or(end, |(key, _)| tree.line_start(tree.node(*key).span.start));
    Some((key, array, end))
}

fn text<'t>(tree: &'t Tree<'_>, mapping: NodeId, key: &str) -> Option<&'t str> {
    tree.scalar(tree.entry(mapping, key)?.1)
}

/// A resource has a kind; or metadata, if its list implies the kind.
fn is_resource(tree: &Tree<'_>, node: NodeId, is_implied: bool) -> bool {
    let is_array = matches!(tree.node(node).kind, Kind::Sequence { .. });
    let has = |key| tree.entry(node, key).is_some();
    !is_array && (has("kind") || is_implied && has("metadata"))
}

/// `apps/v1` and `Deployment` for a `DeploymentList`; `None` for a `List`, which says nothing.
fn implied(tree: &Tree<'_>, list: NodeId) -> Option<(String, String)> {
    let kind = text(tree, list, "kind")?.strip_suffix("List")?;
    let version = text(tree, list, "apiVersion")?;
    (!kind.is_empty()).then(|| (version.to_owned(), kind.to_owned()))
}

/// The kind and name of a member, if they are written literally.
fn head(tree: &Tree<'_>, node: NodeId) -> Option<HeadRanges> {
    let is_merged = |node| tree.entry(node, "<<").is_some();
    if is_merged(node) {
        return None;
    }
    let field = |node, key| match tree.entry(node, key) {
        None => Some(0..0),
        Some((_, value)) => range(tree, value),
    };
    let kind = field(node, "kind").filter(|kind| !kind.is_empty())?;
    let Some((_, metadata)) = tree.entry(node, "metadata") else {
        return Some(HeadRanges {
            kind,
            ..HeadRanges::default()
        });
    };
    let is_mapping = matches!(tree.node(metadata).kind, Kind::Mapping { .. });
    if !is_mapping || is_merged(metadata) {
        return None;
    }
    Some(HeadRanges {
        kind,
        name: field(metadata, "name")?,
        namespace: field(metadata, "namespace")?,
    })
}

fn range(tree: &Tree<'_>, value: NodeId) -> Option<Range<usize>> {
    let node = tree.node(value);
    let Kind::Scalar { value, .. } = &node.kind else {
        return None;
    };
    let range = plain_text(tree.text, node.span.clone())?;
    (tree.text.get(range.clone()) == Some(value)).then_some(range)
}

/// The start of the line with a member's dash, and the dash's column. `None` if there is anything
/// but blanks before the dash, as in `- - a`.
fn dash_line(tree: &Tree<'_>, value: NodeId) -> Option<(usize, usize)> {
    let dash = tree.node(value).indicator?;
    let start = tree.line_start(dash);
    let before = tree.text.get(start..dash)?;
    let is_blank = before.bytes().all(|byte| byte == b' ');
    is_blank.then_some((start, tree.column(dash)))
}

/// The layout of multi-line JSON: the start of a value's line, and the additional indentation of
/// its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JsonLines<'t> {
    /// The line break and the blanks before the value.
    pub(super) start: &'t str,
    unit: &'t str,
}

impl<'t> JsonLines<'t> {
    /// Detects the layout from a value that begins at `at`; `None` if the value is not at the start
    /// of its line, or its members are on the same line.
    pub(super) fn of(text: &'t str, at: usize) -> Option<Self> {
        let before = text.get(..at)?;
        let blank = before.trim_end_matches([' ', '\t']).len();
        let line = before.get(..blank)?;
        let end = line.strip_suffix('\n')?;
        let start = before.get(end.strip_suffix('\r').unwrap_or(end).len()..)?;
        let member = text.get(at + 1..)?.trim_start_matches('\r');
        let member = member.strip_prefix('\n')?;
        let column = member.len() - member.trim_start_matches([' ', '\t']).len();
        let unit = member.get(..column)?.strip_prefix(before.get(blank..)?)?;
        if unit.is_empty() {
            return None;
        }
        Some(Self { start, unit })
    }

    /// Formats a value as JSON with this layout.
    pub(super) fn json(self, value: &serde_json::Value) -> String {
        let mut out = String::new();
        self.append(value, 0, &mut out);
        out
    }

    fn append(self, value: &serde_json::Value, depth: usize, out: &mut String) {
        use serde_json::Value;
        let line = |depth: usize, out: &mut String| {
            out.push_str(self.start);
            out.push_str(&self.unit.repeat(depth));
        };
        match value {
            Value::Object(members) if !members.is_empty() => {
                let mut before = "{";
                for (key, value) in members {
                    out.push_str(before);
                    line(depth + 1, out);
                    out.push_str(&yaml_splice::flow(&Value::String(key.clone()), false));
                    out.push_str(": ");
                    self.append(value, depth + 1, out);
                    before = ",";
                }
                line(depth, out);
                out.push('}');
            }
            Value::Array(items) if !items.is_empty() => {
                let mut before = "[";
                for item in items {
                    out.push_str(before);
                    line(depth + 1, out);
                    self.append(item, depth + 1, out);
                    before = ",";
                }
                line(depth, out);
                out.push(']');
            }
            other => out.push_str(&yaml_splice::flow(other, false)),
        }
    }
}
