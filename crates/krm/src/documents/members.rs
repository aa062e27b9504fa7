//! The resources in a document: the document itself, or the members of a List, a Template or an
//! array.

use memchr::memmem;

use super::item::Item;
use crate::resource_list::{Form, Members};
use yaml_splice::Tree;
use yaml_splice::edit::item_root;
use yaml_splice::pointer::At as _;

/// A resource, and its position in its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'text> {
    /// The resource.
    pub item: Item<'text>,
    /// Its path in the notation of results: `items[3]`; empty for the document itself.
    pub path: String,
    /// How many lines of the document come before it.
    pub lines_before: usize,
}

/// The resources in a document.
pub fn members<'text>(document: Item<'text>) -> Vec<Member<'text>> {
    let text = document.raw();
    let tree = may_wrap(&document)
        .then(|| Tree::parse(text).ok())
        .flatten();
    // An item of a list begins with its dash; a document that begins with one is an array.
    let root = tree.as_ref().and_then(|tree| {
        if document.is_in_list() {
            item_root(tree)
        } else {
            tree.root()
        }
    });
    let found = tree
        .as_ref()
        .map_or_else(Members::default, |tree| Members::find(tree, root));
    // The anchor of an alias in a member may be in another member.
    let whole = tree.as_ref().zip(root).and_then(|(tree, root)| {
        let whole = found.are_tangled().then(|| tree.value_of(root).ok());
        whole.flatten()
    });
    let mut members: Vec<_> = found
        .resources()
        .filter_map(|(number, range, form)| {
            let before = text.as_bytes().get(..range.start)?;
            let mut item = Item::new(text.get(range)?, column(form));
            let has_aliases = item.raw().contains('*');
            if let Some(whole) = whole.as_ref().filter(|_| has_aliases) {
                item = item.meaning(whole.at(&found.pointer(number)).cloned()?);
            }
            Some(Member {
                item,
                path: found.path(number),
                lines_before: memchr::memchr_iter(b'\n', before).count(),
            })
        })
        .collect();
    if members.is_empty() {
        members.push(Member {
            item: document,
            path: String::new(),
            lines_before: 0,
        });
    }
    members
}

fn column(form: Form) -> Option<usize> {
    match form {
        Form::Block(column) => Some(column),
        Form::Flow => None,
    }
}

/// Most documents wrap nothing, and need not be parsed to find that out: they start with a key, and
/// none of their kinds can be that of a wrapper, either written literally or with escapes.
fn may_wrap(document: &Item<'_>) -> bool {
    let text = document.raw();
    let has = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let mut content = text.trim_start();
    if document.is_in_list() {
        content = content.strip_prefix('-').unwrap_or(content).trim_start();
    }
    !content.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '"' | '\'' | '{'))
        || has("List")
        || has("Template")
        || has("\\")
}

/// True for a document whose first line of content begins with a dash.
pub(super) fn is_sequence(document: &str) -> bool {
    let content = document.trim_start_matches(' ');
    let rest = content.strip_prefix('-');
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}
