//! The ResourceList that a KRM function reads and writes.
//!
//! | module | what it does |
//! |---|---|
//! | [`scan`], [`lines`], [`line_head`], [`swar`] | finds the items in the text, by its lines |
//! | [`read`] | opens a list, and parses items on demand |
//! | [`members`], [`tangled`] | the resources that a List, a Template or an array holds |
//! | [`index`], [`references`] | finds items by kind, namespace and name |
//! | [`changes`], [`write`](mod@write), [`original_text`] | apply changes to the text |
//! | [`align`] | how items correspond afterwards |
//! | [`error`] | why a list cannot be read or written |
//!
//! Source: the [KRM Functions Specification](https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md).

mod align;
mod changes;
mod error;
mod index;
mod line_head;
mod lines;
mod members;
mod original_text;
mod read;
mod references;
mod scan;
mod swar;
mod tangled;
mod write;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use yaml_splice::Tree;

use crate::resource::{self, Resource};
pub use changes::{Changes, Patched};
pub use error::{ReadError, WriteError};
use index::OfKind;
pub use references::is_compatible;
use scan::{ItemSpan, Layout};
pub use write::Written;

pub(crate) use members::Members;
pub(crate) use scan::Form;

/// A ResourceList as text, with the places of its parts.
///
/// The members of a List, an OpenShift Template or an array among the items are items as well. They
/// are numbered after the items of the list itself, and are read, edited, copied, added and removed in
/// place.
#[derive(Debug)]
pub struct ResourceList<'a> {
    text: &'a str,
    layout: Layout,
    members: Members,
    /// The items that have members.
    wrappers: BTreeSet<usize>,
    /// The items that have members, by the first member of each.
    by_member: BTreeMap<usize, usize>,
    /// The items whose members share anchors.
    tangled: BTreeSet<usize>,
    /// Items whose kind and name can only be determined by parsing.
    parsed: BTreeMap<usize, Resource>,
    /// The items that have been parsed on demand.
    read: RefCell<BTreeMap<usize, ReadItem<'a>>>,
    /// Items by the kind in their text. Built on first use.
    by_kind: OnceCell<BTreeMap<&'a str, OfKind<'a>>>,
    renamed: OnceCell<bool>,
}

/// An item that has been parsed.
#[derive(Clone, Debug)]
struct ReadItem<'a> {
    /// `None` for a member that is edited with the item around it.
    tree: Option<Rc<Tree<'a>>>,
    resource: Resource,
}

/// An item's kind, name and namespace.
pub type KindAndName<'a> = (&'a str, &'a str, &'a str);

impl<'a> ResourceList<'a> {
    /// How many items the list itself has.
    pub fn len(&self) -> usize {
        self.layout.items.len()
    }

    /// True when the list has no items.
    pub fn is_empty(&self) -> bool {
        self.layout.items.is_empty()
    }

    /// How many items there are, members included.
    fn count(&self) -> usize {
        self.len() + self.members.members.len()
    }

    /// The resources: items and members, without those that only wrap others.
    pub fn resources(&self) -> impl Iterator<Item = usize> {
        (0..self.count()).filter(|item| !self.wraps(*item))
    }

    /// The item that contains a member.
    fn around(&self, member: usize) -> Option<usize> {
        member.checked_sub(self.len())?;
        let (_, item) = self.by_member.range(..=member).next_back()?;
        Some(*item)
    }

    /// True when an item wraps others.
    pub fn has_members(&self) -> bool {
        !self.wrappers.is_empty()
    }

    /// True for an item that only wraps others.
    pub fn wraps(&self, item: usize) -> bool {
        match item.checked_sub(self.len()) {
            None => self.wrappers.contains(&item),
            Some(member) => {
                let member = self.members.members.get(member);
                member.is_some_and(|member| member.wraps)
            }
        }
    }

    /// The path of a member in its item: `items[3]`; empty for other items.
    pub fn path(&self, item: usize) -> String {
        let member = item.checked_sub(self.len());
        member.map_or_else(String::new, |member| self.members.path(member))
    }

    /// The item's kind and name, and its namespace, which is empty when absent. All three are
    /// empty for an item that does not parse.
    pub fn head(&self, item: usize) -> KindAndName<'_> {
        let parsed = || {
            let identity = &self.parsed.get(&item)?.identity;
            Some((
                identity.kind.as_str(),
                identity.name.as_str(),
                identity.namespace.as_str(),
            ))
        };
        self.head_in_text(item).or_else(parsed).unwrap_or_default()
    }

    /// `Deployment ci/runner`, for messages.
    pub fn display_name(&self, item: usize) -> String {
        let (kind, name, namespace) = self.head(item);
        resource::display_name(kind, name, namespace)
    }

    fn head_in_text(&self, item: usize) -> Option<KindAndName<'a>> {
        let head = self.span(item)?.head.as_ref()?;
        let text = |range: &Range<usize>| self.text.get(range.clone());
        Some((text(&head.kind)?, text(&head.name)?, text(&head.namespace)?))
    }

    /// `item 2 of the list`, `items[3] in item 1 of the list`
    pub fn place(&self, item: usize) -> String {
        match self.around(item) {
            Some(wrapper) => {
                format!("{} in item {} of the list", self.path(item), wrapper + 1)
            }
            None => format!("item {} of the list", item + 1),
        }
    }

    fn span(&self, item: usize) -> Option<&ItemSpan> {
        match item.checked_sub(self.len()) {
            None => self.layout.items.get(item),
            Some(member) => Some(&self.members.members.get(member)?.span),
        }
    }

    /// The start of an item in the text.
    fn start(&self, item: usize) -> usize {
        self.span(item).map_or(0, |span| span.range.start)
    }

    /// The form of the sequence that holds an item.
    fn form(&self, item: usize) -> Form {
        let member = item.checked_sub(self.len());
        let wrapper = member.and_then(|member| self.members.wrapper_of(member));
        wrapper.map_or(self.layout.form, |wrapper| wrapper.form)
    }

    /// The text of an item, from its first byte after the dash to its end.
    pub fn text_of(&self, item: usize) -> &'a str {
        self.span(item)
            .and_then(|span| self.text.get(span.range.clone()))
            .unwrap_or_default()
    }
}
