//! The original text of nodes that an edit rewrites: an alias that has to be written out, a `~` or
//! `{ }` that gets a member, a scalar whose style cannot hold its new value.

use std::collections::BTreeMap;
use std::ops::Range;

use json_patch::{PatchOperation, ReplaceOperation};
use saphyr_parser::ScalarStyle;
use serde_json::Value;

use super::Tree;
use super::block_scalar;
use super::edit::{item_root, item_value};
use super::emit;
use super::tree::{Kind, Node, NodeId};
use crate::pointer::{self, token};
use crate::{EditError, Internal};

/// The text of nodes by their JSON pointer.
pub type Sources = BTreeMap<String, String>;

/// The maximum length of a text that is kept.
const LONGEST: usize = 8 * 1024;
/// A longer anchor or tag may really be part of the value: `&` before base64.
const LONGEST_PROPERTY: usize = 64;
/// Stored instead of the text of a plain scalar on one line, which equals its value.
const PLAIN: &str = "plain";
/// Stored instead of the text of a single-quoted scalar on one line.
const SINGLE_QUOTED: &str = "single-quoted";
/// Stored instead of a Secret's text, and of a text that is too long.
pub const NOT_KEPT: &str = "not kept";
/// The positions of files in a ConfigMap or Secret.
const FILES: [&str; 2] = ["/data/", "/stringData/"];

/// The original text of the nodes that have another form in the edited text. `replaced` are the
/// JSON pointers of nodes with another value, and `with_files` tells whether the text of files may
/// be kept.
///
/// # Errors
/// The edited text cannot be parsed.
pub fn lost<'p>(
    before: &Tree<'_>,
    edited: &str,
    replaced: impl Iterator<Item = &'p str>,
    with_files: bool,
) -> Result<Sources, Internal> {
    let mut notable = Vec::new();
    if let Some(root) = item_root(before) {
        collect(before, root, false, &mut String::new(), &mut notable)?;
    }
    // A file is edited in its own style; if that is not possible, it is among the collected nodes.
    let replaced = replaced.filter(|pointer| !is_file(pointer));
    let scalars = replaced.filter_map(|pointer| {
        let id = find(before, pointer)?;
        let is_scalar = matches!(before.node(id).kind, Kind::Scalar { .. });
        let is_known = notable.iter().any(|(_, known)| *known == id);
        (is_scalar && !is_known).then(|| (pointer.to_owned(), id))
    });
    let scalars: Vec<(String, NodeId)> = scalars.collect();
    notable.extend(scalars);
    if notable.is_empty() {
        return Ok(Sources::new());
    }
    let comparison = Comparison {
        before,
        after: Tree::parse(edited)
            .map_err(|error| Internal::new(format!("an edited text is not YAML: {error}")))?,
        with_files,
    };
    let mut lost = Sources::new();
    for (pointer, id) in notable {
        if let Some(text) = comparison.lost(&pointer, id)? {
            lost.insert(pointer, text);
        }
    }
    Ok(lost)
}

/// An item before and after an edit.
struct Comparison<'t, 'a> {
    before: &'t Tree<'a>,
    after: Tree<'t>,
    with_files: bool,
}

impl Comparison<'_, '_> {
    /// The text to keep for a node; `None` if the edited text has the node in the same form, or not
    /// at all.
    fn lost(&self, pointer: &str, id: NodeId) -> Result<Option<String>, Internal> {
        let Some(now) = find(&self.after, pointer) else {
            return Ok(None);
        };
        let source = source(self.before, id)?;
        let source_now = self::source(&self.after, now)?;
        if source == source_now {
            return Ok(None);
        }
        let node = self.before.node(id);
        match (&node.kind, &self.after.node(now).kind) {
            (Kind::Scalar { value, .. }, Kind::Scalar { value: new, .. })
                if is_file(pointer) && self.before.value_of(id) != Ok(Value::Null) =>
            {
                // A plain scalar on one line is written back in the same way.
                let is_plain = source == value.as_ref() && source_now == new.as_ref();
                let value_before = Value::from(value.as_ref());
                if is_plain || comes_back(self.after.text, pointer, value_before, source)? {
                    return Ok(None);
                }
                // Its anchor and tag precede it.
                let properties = text(self.before, node.span.start..node.content)?;
                Ok(Some(self.lost_file(properties, value, source)))
            }
            (Kind::Scalar { .. }, _)
                if !self.with_files && is_file(pointer) && source.len() > LONGEST_PROPERTY =>
            {
                Ok(Some(NOT_KEPT.to_owned()))
            }
            (Kind::Scalar { value, .. }, Kind::Scalar { value: new, .. }) => {
                let is_plain = source == emit::inline_string(value) && source_now == new.as_ref();
                let value = self.before.value_of(id).unwrap_or_default();
                if is_plain || comes_back(self.after.text, pointer, value, source)? {
                    return Ok(None);
                }
                Ok((source.len() <= LONGEST).then(|| source.to_owned()))
            }
            _ => Ok((source.len() <= LONGEST).then(|| source.to_owned())),
        }
    }

    fn lost_file(&self, properties: &str, value: &str, source: &str) -> String {
        if !self.with_files && properties.len() > LONGEST_PROPERTY {
            return NOT_KEPT.to_owned();
        }
        let mut styles = [PLAIN, SINGLE_QUOTED]
            .into_iter()
            .map(|style| format!("{properties}{style}"));
        let kept = styles.find(|style| spelled(style, value).as_deref() == Some(source));
        // How a blank file is written tells nothing of a Secret, unless there is a comment.
        let is_public = self.with_files || value.trim().is_empty() && !source.contains('#');
        let text = if is_public && source.len() <= LONGEST {
            source
        } else {
            NOT_KEPT
        };
        kept.unwrap_or_else(|| text.to_owned())
    }
}

/// Whether setting the old value in the edited text gives the scalar's original text.
fn comes_back(edited: &str, pointer: &str, value: Value, source: &str) -> Result<bool, Internal> {
    let operation = PatchOperation::Replace(ReplaceOperation {
        path: pointer::parse(pointer)?,
        value,
    });
    let back = match super::apply(edited, &[operation]) {
        Ok(back) => back,
        Err(EditError::Internal(internal)) => return Err(internal),
        Err(_) => return Ok(false),
    };
    let Ok(tree) = Tree::parse(&back) else {
        return Ok(false);
    };
    match find(&tree, pointer) {
        Some(id) => Ok(self::source(&tree, id)? == source),
        None => Ok(false),
    }
}

fn is_file(pointer: &str) -> bool {
    FILES.iter().any(|section| pointer.starts_with(section))
}

/// A value in one of the styles that are kept by their name, behind its anchor and tag.
fn spelled(style: &str, value: &str) -> Option<String> {
    let (properties, text) = if let Some(properties) = style.strip_suffix(PLAIN) {
        (properties, value.to_owned())
    } else {
        let properties = style.strip_suffix(SINGLE_QUOTED)?;
        (properties, format!("'{}'", value.replace('\'', "''")))
    };
    let is_style = properties.is_empty() || properties.ends_with(' ');
    (is_style && !value.contains('\n')).then(|| format!("{properties}{text}"))
}

/// The text of a scalar of an item.
pub fn scalar(tree: &Tree<'_>, pointer: &str) -> Option<String> {
    Some(tree.scalar(find(tree, pointer)?)?.to_owned())
}

/// Restores the original text of nodes in an item's text, if that does not change its meaning.
///
/// # Errors
/// The edited text cannot be parsed.
pub fn restore(text: &str, sources: &Sources) -> Result<String, Internal> {
    let mut text = text.to_owned();
    let mut places: Vec<(usize, &String, &String)> = {
        let tree = Tree::parse(&text)
            .map_err(|error| Internal::new(format!("an edited text is not YAML: {error}")))?;
        sources
            .iter()
            .filter(|(_, source)| *source != NOT_KEPT)
            .filter_map(|(pointer, source)| {
                let id = find(&tree, pointer)?;
                Some((tree.node(id).span.start, pointer, source))
            })
            .collect()
    };
    // An anchor precedes its aliases.
    places.sort();
    for (_, pointer, source) in places {
        if let Some(restored) = restored(&text, pointer, source) {
            text = restored;
        }
    }
    Ok(text)
}

fn restored(text: &str, pointer: &str, source: &str) -> Option<String> {
    let tree = Tree::parse(text).ok()?;
    let value = item_value(&tree).ok()?;
    let id = find(&tree, pointer)?;
    let node = tree.node(id);
    let source = match tree.scalar(id).and_then(|value| spelled(source, value)) {
        Some(spelled) => spelled,
        None => source.to_owned(),
    };
    // A tool that expands aliases removes the anchors too, and may not expect any in what it reads next:
    // kustomize does not in a function's output.
    let source = match node.anchor {
        0 => without_anchor(&source),
        _ => source,
    };
    let (range, blank) = match (node.span.is_empty(), node.indicator) {
        // There was nothing after the key.
        (false, Some(indicator)) if source.is_empty() => (indicator + 1..node.span.end, ""),
        (false, _) => (node.span.clone(), ""),
        (true, Some(indicator)) => (indicator + 1..indicator + 1, " "),
        (true, None) => return None,
    };
    // A comment after the header of a block scalar used to follow the original scalar.
    let written = text.get(node.content..node.span.end)?;
    let is_block = written.starts_with(['|', '>']) && !source.contains(['|', '>']);
    let header = written.lines().next().filter(|_| is_block).unwrap_or("");
    let comment = header
        .find([' ', '\t'])
        .map_or("", |at| header.split_at(at).1);
    let mut edited = text.to_owned();
    edited.replace_range(range, &format!("{blank}{source}{comment}"));
    let again = Tree::parse(&edited).ok()?;
    (item_value(&again).ok()? == value).then_some(edited)
}

/// The text of a node without its anchor.
fn without_anchor(source: &str) -> String {
    let mut rest = source;
    let mut tag = "";
    while rest.starts_with(['&', '!']) {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (property, after) = rest.split_at(end);
        rest = after.trim_start();
        if property.starts_with('!') {
            tag = property;
        }
    }
    let blank = if tag.is_empty() || rest.is_empty() {
        ""
    } else {
        " "
    };
    format!("{tag}{blank}{rest}")
}

fn source<'a>(tree: &Tree<'a>, id: NodeId) -> Result<&'a str, Internal> {
    text(tree, tree.node(id).span.clone())
}

fn text<'a>(tree: &Tree<'a>, range: Range<usize>) -> Result<&'a str, Internal> {
    let text = tree.text.get(range.clone());
    text.ok_or_else(|| Internal::range(&range))
}

/// The node of a JSON pointer; aliases are not followed.
fn find(tree: &Tree<'_>, pointer: &str) -> Option<NodeId> {
    let mut node = item_root(tree)?;
    for token in pointer.split('/').skip(1) {
        let name = crate::pointer::name_of(token);
        node = match &tree.node(node).kind {
            Kind::Mapping { .. } => tree.entry(node, &name)?.1,
            Kind::Sequence { items, .. } => *items.get(name.parse::<usize>().ok()?)?,
            Kind::Scalar { .. } | Kind::Alias { .. } => return None,
        };
    }
    Some(node)
}

/// Collects the nodes whose form an edit may change.
fn collect(
    tree: &Tree<'_>,
    id: NodeId,
    in_flow: bool,
    pointer: &mut String,
    found: &mut Vec<(String, NodeId)>,
) -> Result<(), Internal> {
    let node = tree.node(id);
    if is_notable(tree, id, node, in_flow, is_file(pointer))? {
        found.push((pointer.clone(), id));
    }
    let length = pointer.len();
    let mut below = |name: &str, id: NodeId, flow: bool| {
        pointer.push('/');
        pointer.push_str(name);
        let collected = collect(tree, id, flow, pointer, found);
        pointer.truncate(length);
        collected
    };
    match &node.kind {
        Kind::Mapping { flow, entries } => entries.iter().try_for_each(|(key, value)| {
            let key = tree.scalar(*key);
            let key = key.ok_or_else(|| Internal::new("a key is not a scalar"))?;
            below(&token(key), *value, *flow)
        }),
        Kind::Sequence { flow, items } => (0_usize..)
            .zip(items)
            .try_for_each(|(index, item)| below(&index.to_string(), *item, *flow)),
        Kind::Scalar { .. } | Kind::Alias { .. } => Ok(()),
    }
}

fn is_notable(
    tree: &Tree<'_>,
    id: NodeId,
    node: &Node<'_>,
    in_flow: bool,
    is_file: bool,
) -> Result<bool, Internal> {
    let source = source(tree, id)?;
    Ok(match &node.kind {
        Kind::Alias { .. } => true,
        Kind::Mapping { flow, entries } => *flow && entries.is_empty() && source != "{}",
        Kind::Sequence { flow, items } => *flow && items.is_empty() && source != "[]",
        Kind::Scalar { value, style, .. } => {
            let is_null = tree.value_of(id) == Ok(Value::Null);
            let is_written = !source.is_empty() && (source != "null" || !in_flow);
            if is_null {
                is_written || is_file
            } else {
                // The lines of a literal are preserved individually, if it can be written again.
                is_file && (*style != ScalarStyle::Literal || !block_scalar::fits(value))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts that are kept when `before` becomes `after` and one node is replaced.
    fn kept(before: &str, after: &str, replaced: &str, with_files: bool) -> Vec<(String, String)> {
        let tree = Tree::parse(before).unwrap();
        let lost = lost(&tree, after, [replaced].into_iter(), with_files).unwrap();
        lost.into_iter().collect()
    }

    fn of(pointer: &str, text: &str) -> Vec<(String, String)> {
        vec![(pointer.to_owned(), text.to_owned())]
    }

    #[test]
    fn a_number_that_is_spelled_otherwise_is_kept() {
        assert_eq!(kept("a: 0x1F\n", "a: 8\n", "/a", true), of("/a", "0x1F"));
        assert_eq!(kept("a: 31\n", "a: 8\n", "/a", true), []);
    }

    #[test]
    fn an_anchor_comes_back_only_where_it_still_is() {
        let sources = |text: &str| Sources::from([("/a".to_owned(), text.to_owned())]);
        for (text, kept, restored) in [
            ("a: &x {}\n", "&x { }", "a: &x { }\n"),
            ("a: {}\n", "&x { }", "a: { }\n"),
            ("a: {}\n", "&x !!map { }", "a: !!map { }\n"),
            ("a: {}\n", "!!map &x {}", "a: !!map {}\n"),
            ("a: null\n", "&x", "a:\n"),
            ("a: &x null\n", "&x", "a: &x\n"),
            ("a: b c\n", "&x 'b c'", "a: 'b c'\n"),
            ("a: b c\n", "&x single-quoted", "a: 'b c'\n"),
            ("a: &x b c\n", "&x single-quoted", "a: &x 'b c'\n"),
            ("a: b c\n", "& no anchor", "a: b c\n"),
        ] {
            assert_eq!(restore(text, &sources(kept)).unwrap(), restored, "{kept}");
        }
    }

    #[test]
    fn an_alias_comes_back_only_where_its_anchor_still_is() {
        let kept = [("/a", "&x {}"), ("/b", "*x")];
        let kept: Sources = kept
            .map(|(at, text)| (at.to_owned(), text.to_owned()))
            .into();
        let restored = |text| restore(text, &kept).unwrap();
        assert_eq!(restored("a: &x { }\nb: { }\n"), "a: &x {}\nb: *x\n");
        assert_eq!(restored("a: { }\nb: { }\n"), "a: {}\nb: { }\n");
    }

    #[test]
    fn a_null_of_a_secret_is_no_text_of_a_secret() {
        let before = "metadata:\n  annotations: ~\n";
        let after = "metadata:\n  annotations:\n    a: b\n";
        let pointer = "/metadata/annotations";
        assert_eq!(kept(before, after, pointer, false), of(pointer, "~"));
    }

    #[test]
    fn each_spelling_of_null_between_brackets_is_kept_but_the_one_that_is_written() {
        let before = "m: {a: ~, b: null}\n";
        let after = "m: {a: null, b: null, c: d}\n";
        assert_eq!(kept(before, after, "/m/c", true), of("/m/a", "~"));
    }
}
