//! Finds items by kind, namespace and name, without parsing if their text is sufficient.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::{ReadError, ResourceList};
use crate::resource::{PREVIOUS_NAMES, Resource, without_hash};

/// The items of a kind.
#[derive(Debug, Default)]
pub(super) struct OfKind<'a> {
    items: Vec<usize>,
    /// The items by namespace.
    namespaces: BTreeMap<&'a str, OfNamespace<'a>>,
}

/// The items of a kind and namespace.
#[derive(Debug, Default)]
pub(super) struct OfNamespace<'a> {
    items: Vec<usize>,
    /// The items by name, built on first use.
    by_name: OnceCell<Vec<(&'a str, usize)>>,
}

impl<'a> ResourceList<'a> {
    fn of_kind(&self, kind: &str) -> Option<&OfKind<'a>> {
        let by_kind = self.by_kind.get_or_init(|| {
            let mut by_kind = BTreeMap::<&str, OfKind<'_>>::new();
            for item in 0..self.count() {
                let (kind, _, namespace) = self.head_in_text(item).unwrap_or_default();
                let of_kind = by_kind.entry(kind).or_default();
                of_kind.items.push(item);
                let of_namespace = of_kind.namespaces.entry(namespace).or_default();
                of_namespace.items.push(item);
            }
            by_kind
        });
        by_kind.get(kind)
    }

    /// The items of these kinds, and those whose kind cannot be determined without parsing.
    fn of_kinds(&self, kinds: &[&str]) -> Vec<usize> {
        let items = |kind: &&str| self.of_kind(kind).map_or(&[][..], |of_kind| &of_kind.items);
        let told = kinds.iter().flat_map(items).copied();
        told.chain(self.untold(kinds)).collect()
    }

    /// The items that may be of these kinds but must be parsed to find out.
    fn untold<'s>(&'s self, kinds: &'s [&str]) -> impl Iterator<Item = usize> + 's {
        let untold = self.of_kind("").map_or(&[][..], |of_kind| &of_kind.items);
        untold.iter().copied().filter(move |item| {
            let (kind, ..) = self.head(*item);
            (kind.is_empty() || kinds.contains(&kind)) && !self.wraps(*item)
        })
    }

    /// The items of these kinds whose text mentions `word`, and those that must be parsed to find
    /// out.
    pub fn candidates(&self, kinds: &[&str], word: &str) -> Vec<usize> {
        let mut items = self.of_kinds(kinds);
        if !items.is_empty() {
            let finder = memmem::Finder::new(word);
            items.retain(|item| mentions(self.text_of(*item), &finder));
            items.sort_unstable_by_key(|item| self.start(*item));
        }
        items
    }

    /// The items of these kinds that may be in one of these namespaces, and those that must be
    /// parsed to find out.
    fn beside(&self, kinds: &[&str], namespaces: &BTreeSet<&str>) -> Vec<usize> {
        if namespaces.contains("") {
            return self.candidates(kinds, "");
        }
        let of_kinds = kinds.iter().filter_map(|kind| self.of_kind(kind));
        let told = of_kinds.flat_map(|of_kind| {
            let namespaces = namespaces.iter().chain([&""]);
            namespaces.filter_map(|namespace| of_kind.namespaces.get(namespace))
        });
        let told = told.flat_map(|of_namespace| &of_namespace.items).copied();
        let mut items: Vec<usize> = told.chain(self.untold(kinds)).collect();
        items.sort_unstable_by_key(|item| self.start(*item));
        items
    }

    /// The items of these kinds that may be in one of these namespaces, with a name that `is_wanted`,
    /// in the order of the text.
    pub fn named_beside(
        &self,
        kinds: &[&str],
        namespaces: &BTreeSet<&str>,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Vec<usize> {
        let may_be_in = |namespace: &str| {
            namespace.is_empty() || namespaces.contains("") || namespaces.contains(namespace)
        };
        let of_kinds = kinds.iter().filter_map(|kind| self.of_kind(kind));
        let told = of_kinds
            .flat_map(|of_kind| &of_kind.namespaces)
            .filter(|(namespace, _)| may_be_in(namespace))
            .flat_map(|(_, of_namespace)| self.names(of_namespace))
            .filter(|(name, _)| is_wanted(name))
            .map(|(_, item)| *item);
        let untold = self.untold(kinds);
        let untold = untold.filter(|item| is_wanted(self.head(*item).1));
        let mut items: Vec<usize> = told.chain(untold).collect();
        items.sort_unstable_by_key(|item| self.start(*item));
        items
    }

    /// The names of the items of a kind and namespace, in order.
    fn names<'s>(&'s self, of_namespace: &'s OfNamespace<'a>) -> &'s [(&'a str, usize)] {
        of_namespace.by_name.get_or_init(|| {
            let items = of_namespace.items.iter();
            let names = items.filter_map(|item| Some((self.head_in_text(*item)?.1, *item)));
            let mut names: Vec<_> = names.collect();
            names.sort_unstable();
            names
        })
    }

    /// The items of these kinds that may be in one of these namespaces and mention one of these
    /// words: Kubernetes labels or names.
    pub fn candidates_beside(
        &self,
        kinds: &[&str],
        namespaces: &BTreeSet<&str>,
        words: &BTreeSet<&str>,
    ) -> Vec<usize> {
        let mut items = self.beside(kinds, namespaces);
        items.retain(|item| mentions_one(self.text_of(*item), words));
        items
    }

    /// True if kustomize has renamed anything, so that names and references may differ.
    pub fn has_renamed_items(&self) -> bool {
        *self
            .renamed
            .get_or_init(|| memmem::find(self.text.as_bytes(), PREVIOUS_NAMES.as_bytes()).is_some())
    }

    /// The items of this kind, name and namespace.
    pub fn named<'s>(
        &'s self,
        kind: &'s str,
        name: &'s str,
        namespace: &'s str,
    ) -> impl Iterator<Item = usize> + 's {
        let of_kind = self.of_kind(kind);
        let of_namespace = of_kind.and_then(|of_kind| of_kind.namespaces.get(namespace));
        let names = of_namespace.map_or(&[][..], |of_namespace| self.names(of_namespace));
        let first = names.partition_point(|(head, _)| *head < name);
        let written = names.get(first..).unwrap_or_default().iter();
        let written = written.take_while(move |(head, _)| *head == name);
        let wanted = (kind, name, namespace);
        let parsed = self
            .parsed
            .keys()
            .filter(move |item| self.head(**item) == wanted);
        written.map(|(_, item)| *item).chain(parsed.copied())
    }

    /// The items of this kind and namespace that a reference to `name` may mean, even after a
    /// rename by kustomize (see [`Resource::answers_to`]).
    ///
    /// # Errors
    /// An item that mentions the name and cannot be parsed.
    pub fn answering(
        &self,
        kind: &str,
        name: &str,
        namespace: &str,
    ) -> Result<Vec<Resource>, ReadError> {
        let mut found = Vec::new();
        for item in self.candidates(&[kind], without_hash(name).unwrap_or(name)) {
            let resource = self.resource(item)?;
            if resource.identity.kind == kind
                && resource.identity.namespace == namespace
                && resource.answers_to(name)
            {
                found.push(resource);
            }
        }
        Ok(found)
    }
}

/// A double-quoted scalar may spell a word with escapes, so a text with escapes counts as mentioning it.
fn mentions(text: &str, word: &memmem::Finder<'_>) -> bool {
    word.find(text.as_bytes()).is_some() || has_escapes(text)
}

fn has_escapes(text: &str) -> bool {
    let text = text.as_bytes();
    memchr::memchr_iter(b'\\', text).any(|at| matches!(text.get(at + 1), Some(b'x' | b'u' | b'U')))
}

/// True if a text has one of these words (letters, digits, hyphens, dots and underscores), or an
/// escape that may spell one.
fn mentions_one(text: &str, words: &BTreeSet<&str>) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    has_escapes(text)
        || text
            .split(|c| !is_of_word(c))
            .any(|word| !word.is_empty() && words.contains(word))
}
