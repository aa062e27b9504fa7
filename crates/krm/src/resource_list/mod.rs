//! The ResourceList that a KRM function reads and writes.
//!
//! Source: the [KRM Functions Specification](https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md).

mod lines;
mod members;
mod near;
mod references;
mod scan;
mod tangled;
mod written;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use json_patch::PatchOperation;
use memchr::memmem;
use serde_json::{Value, json};

use crate::resource::{PREVIOUS_NAMES, Resource, without_hash, written};
use crate::results::{FunctionResult, Refusal};
use members::{Lines, may_wrap};
pub use references::is_compatible;
use scan::{ItemSpan, Layout};
use yaml_splice::sources::Sources;
use yaml_splice::{EditError, Style, Tree, YamlError};

pub(crate) use members::Members;
pub(crate) use scan::Form;

/// Input that is not a ResourceList, or an item of it that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The input holds bytes that are not UTF-8.
    #[error("the input is not UTF-8 text: byte {0} begins no character")]
    NotUtf8(usize),
    /// There is nothing to read.
    #[error(
        "the input is empty: a KRM function reads a ResourceList on standard input (kustomize and \
         kpt give it one; see `runner-terminal --help`)"
    )]
    Empty,
    /// The input is not YAML.
    #[error("the input is not YAML: {0}")]
    NotYaml(YamlError),
    /// The input is YAML of another kind.
    #[error(
        "the input is {found}, not a ResourceList: a KRM function reads a ResourceList on standard \
         input. For plain manifests use `runner-terminal explain FILE`, or a kustomization with \
         this function under `transformers:`"
    )]
    NotAResourceList {
        /// What it is instead.
        found: String,
    },
    /// The input is a ResourceList of another version.
    #[error(
        "the ResourceList is of apiVersion {0:?}, and this function reads config.kubernetes.io/v1 \
         and config.kubernetes.io/v1beta1"
    )]
    UnknownVersion(String),
    /// An item that matters to the function cannot be read.
    #[error("{name}: {source}")]
    Item {
        /// What is known of the item: its place in the list, its kind and name.
        name: String,
        /// What is wrong, at which line of the input.
        source: YamlError,
    },
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        Self::new(FunctionResult::error(error.to_string()))
    }
}

/// A change that could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// An item's text could not be edited.
    #[error("{resource}: {source}")]
    Edit {
        /// The resource's kind, namespace and name.
        resource: String,
        /// Why.
        source: EditError,
    },
    /// The part that has to change is an anchor that another item refers to.
    #[error("the anchor &{anchor} is used by other items of the list: write its value out there")]
    SharedAnchor {
        /// The anchor's name.
        anchor: String,
    },
}

/// The versions of a ResourceList that the specification names; they differ in nothing else.
const API_VERSIONS: [&str; 2] = ["config.kubernetes.io/v1", "config.kubernetes.io/v1beta1"];

/// A ResourceList as text, with the places of its parts.
///
/// What a List, an OpenShift Template or an array among the items holds are items as well. They are
/// numbered after the items of the list itself, and are read, edited, copied, added and removed where
/// they stand.
#[derive(Debug)]
pub struct ResourceList<'a> {
    text: &'a str,
    layout: Layout,
    members: Members,
    /// The items that have members.
    wrappers: BTreeSet<usize>,
    /// The same by the first member of each.
    by_member: BTreeMap<usize, usize>,
    /// Those of them whose members share anchors.
    tangled: BTreeSet<usize>,
    /// For items whose head cannot be told from the text, what a parse told.
    parsed: BTreeMap<usize, Resource>,
    /// The items that were asked for since: what has been read is looked at again, and edited.
    read: RefCell<BTreeMap<usize, ReadItem<'a>>>,
    /// Items by what their text says is their kind; made when first asked for, as is the next.
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

/// The items of a kind.
#[derive(Debug, Default)]
struct OfKind<'a> {
    items: Vec<usize>,
    /// The same by namespace, as far as a quick look tells it.
    namespaces: BTreeMap<&'a str, OfNamespace<'a>>,
}

/// The items of a kind and namespace.
#[derive(Debug, Default)]
struct OfNamespace<'a> {
    items: Vec<usize>,
    /// The same by name; made when first asked for.
    by_name: OnceCell<Vec<(&'a str, usize)>>,
}

/// An item's kind, name and namespace.
pub type Head<'a> = (&'a str, &'a str, &'a str);

/// What is to change in a list.
#[derive(Debug, Default)]
pub struct Changes {
    /// RFC 6902 operations by the item's place in the list, and what they make of it.
    pub patches: BTreeMap<usize, Patched>,
    /// Copies of items, each after its original: the place of that, and what is another in the copy.
    pub copies: Vec<(usize, Vec<PatchOperation>)>,
    /// Items that go.
    pub removed: BTreeSet<usize>,
    /// Items that the host has put there for this run: they go even when nothing else changes.
    pub dropped: BTreeSet<usize>,
    /// Items that come: the place of the item that each stands after, behind its copies.
    pub added: Vec<(usize, Value)>,
}

/// What is to change in an item.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The operations.
    pub operations: Vec<PatchOperation>,
    /// The item's value with the operations applied: what its text is to mean.
    pub value: Rc<Value>,
    /// Where all of ours is gone: how nodes were written before. Otherwise that is noted.
    pub restored: Option<Sources>,
}

impl Changes {
    fn touched(&self) -> BTreeSet<usize> {
        let gone = self.removed.iter().chain(&self.dropped);
        self.patches.keys().chain(gone).copied().collect()
    }

    /// Leaves the user's items as they are.
    pub fn withdraw(&mut self) {
        self.patches.clear();
        self.copies.clear();
        self.removed.clear();
        self.added.clear();
    }
}

impl<'a> ResourceList<'a> {
    /// Finds the parts of a ResourceList. Items are not parsed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(input: &'a [u8]) -> Result<Self, ReadError> {
        let text =
            std::str::from_utf8(input).map_err(|error| ReadError::NotUtf8(error.valid_up_to()))?;
        if text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Err(ReadError::Empty);
        }
        let layout = scan::scan(text).map_err(|error| not_a_list(text, error))?;
        if layout.kind.as_deref() != Some("ResourceList") {
            return Err(ReadError::NotAResourceList {
                found: match &layout.kind {
                    Some(kind) => format!("a {kind}"),
                    None => "YAML without a kind".to_owned(),
                },
            });
        }
        let version = layout.api_version.as_deref().unwrap_or_default();
        if !API_VERSIONS.contains(&version) {
            return Err(ReadError::UnknownVersion(
                layout.api_version.unwrap_or_default(),
            ));
        }
        let mut list = Self {
            text,
            layout,
            members: Members::default(),
            wrappers: BTreeSet::new(),
            by_member: BTreeMap::new(),
            tangled: BTreeSet::new(),
            parsed: BTreeMap::new(),
            by_kind: OnceCell::new(),
            renamed: OnceCell::new(),
            read: RefCell::default(),
        };
        for item in 0..list.len() {
            list.look_into(item);
        }
        for item in list.len()..list.count() {
            if list.span(item).is_some_and(|span| span.head.is_none())
                && let Ok(parsed) = list.parse(item)
            {
                list.parsed.insert(item, parsed.resource);
            }
        }
        Ok(list)
    }

    /// Parses an item whose head cannot be told from its text, and finds the members of one that may
    /// have some.
    fn look_into(&mut self, item: usize) {
        let head = self.span(item).and_then(|span| span.head.as_ref());
        let tree = match head.map(|head| self.text.get(head.kind.clone())) {
            Some(kind) if !kind.is_some_and(may_wrap) => return,
            Some(_) => Tree::parse(self.text_of(item)).ok().map(Rc::new),
            None => self.parse(item).ok().and_then(|parsed| {
                let may_wrap =
                    parsed.resource.value.is_array() || may_wrap(&parsed.resource.identity.kind);
                self.parsed.insert(item, parsed.resource);
                parsed.tree.filter(|_| may_wrap)
            }),
        };
        let found = tree.map_or_else(Members::default, |tree| Members::find(&tree));
        if let (false, Some(span)) = (found.is_empty(), self.span(item)) {
            let start = span.range.start;
            let first = self.count();
            if found.are_tangled {
                self.tangled.insert(item);
            }
            self.members.append(found, start);
            self.wrappers.insert(item);
            self.by_member.insert(first, item);
        }
    }

    /// The functionConfig, when the host gave one.
    pub fn function_config(&self) -> Option<&Value> {
        self.layout.function_config.as_ref()
    }

    /// The results of an earlier run that stand in the list. `None` when there are none, or they do
    /// not parse.
    pub fn results(&self) -> Option<Vec<Value>> {
        let section = self.text.get(self.layout.results.clone()?)?;
        let json = format!("{{{section}}}");
        let text = if self.is_json() { &json } else { section };
        let tree = Tree::parse(text).ok()?;
        let value = tree.value_of(tree.root()?).ok()?;
        value.get("results")?.as_array().cloned()
    }

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

    /// The item that a member stands in.
    fn around(&self, member: usize) -> Option<usize> {
        member.checked_sub(self.len())?;
        let (_, item) = self.by_member.range(..=member).next_back()?;
        Some(*item)
    }

    /// True when an item wraps others.
    pub fn has_members(&self) -> bool {
        !self.wrappers.is_empty()
    }

    /// True for an item that is there for its members.
    pub fn wraps(&self, item: usize) -> bool {
        match item.checked_sub(self.len()) {
            None => self.wrappers.contains(&item),
            Some(member) => {
                let member = self.members.members.get(member);
                member.is_some_and(|member| member.wraps)
            }
        }
    }

    /// Where a member stands in the item that wraps it: `items[3]`; empty for other items.
    pub fn path(&self, item: usize) -> String {
        let member = item.checked_sub(self.len());
        member.map_or_else(String::new, |member| self.members.path(member))
    }

    /// The item's kind and name, and its namespace, which is empty when absent. All three are
    /// empty for an item that does not parse.
    pub fn head(&self, item: usize) -> Head<'_> {
        let parsed = || {
            let identity = &self.parsed.get(&item)?.identity;
            Some((
                identity.kind.as_str(),
                identity.name.as_str(),
                identity.namespace.as_str(),
            ))
        };
        self.written_head(item).or_else(parsed).unwrap_or_default()
    }

    /// `Deployment ci/runner`, for messages.
    pub fn written(&self, item: usize) -> String {
        let (kind, name, namespace) = self.head(item);
        written(kind, name, namespace)
    }

    fn written_head(&self, item: usize) -> Option<Head<'a>> {
        let head = self.span(item)?.head.as_ref()?;
        let text = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default();
        Some((text(&head.kind), text(&head.name), text(&head.namespace)))
    }

    fn of_kind(&self, kind: &str) -> Option<&OfKind<'a>> {
        let by_kind = self.by_kind.get_or_init(|| {
            let mut by_kind = BTreeMap::<&str, OfKind<'_>>::new();
            for item in 0..self.count() {
                let (kind, _, namespace) = self.written_head(item).unwrap_or_default();
                let of_kind = by_kind.entry(kind).or_default();
                of_kind.items.push(item);
                let of_namespace = of_kind.namespaces.entry(namespace).or_default();
                of_namespace.items.push(item);
            }
            by_kind
        });
        by_kind.get(kind)
    }

    /// The items of these kinds, and those whose kind no quick look can tell.
    fn of_kinds(&self, kinds: &[&str]) -> Vec<usize> {
        let items = |kind: &&str| self.of_kind(kind).map_or(&[][..], |of_kind| &of_kind.items);
        let told = kinds.iter().flat_map(items).copied();
        told.chain(self.untold(kinds)).collect()
    }

    /// The items of which only a parse can tell that they may be of these kinds.
    fn untold<'s>(&'s self, kinds: &'s [&str]) -> impl Iterator<Item = usize> + 's {
        let untold = self.of_kind("").map_or(&[][..], |of_kind| &of_kind.items);
        untold.iter().copied().filter(move |item| {
            let (kind, ..) = self.head(*item);
            (kind.is_empty() || kinds.contains(&kind)) && !self.wraps(*item)
        })
    }

    /// The items of these kinds whose text mentions `word`, and those that no quick look can tell.
    pub fn candidates(&self, kinds: &[&str], word: &str) -> Vec<usize> {
        let mut items = self.of_kinds(kinds);
        if !items.is_empty() {
            let finder = memmem::Finder::new(word);
            items.retain(|item| mentions(self.text_of(*item), &finder));
            items.sort_unstable_by_key(|item| self.start(*item));
        }
        items
    }

    /// The items of these kinds that may be in one of these namespaces, and that no quick look can
    /// tell.
    pub fn beside(&self, kinds: &[&str], namespaces: &BTreeSet<&str>) -> Vec<usize> {
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

    /// [`Self::beside`], where an item mentions one of these words: labels or names of Kubernetes.
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

    /// True when kustomize has renamed anything: names and references may differ then.
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
        let names = of_namespace.map_or(&[][..], |of_namespace| {
            of_namespace.by_name.get_or_init(|| {
                let items = of_namespace.items.iter();
                let names = items.filter_map(|item| Some((self.written_head(*item)?.1, *item)));
                let mut names: Vec<_> = names.collect();
                names.sort_unstable();
                names
            })
        });
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

    /// The items of this kind and namespace that a reference to `name` means, whatever kustomize
    /// has made of their own (see [`Resource::answers_to`]).
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

    /// Parses one item.
    ///
    /// # Errors
    /// [`ReadError::Item`]
    pub fn resource(&self, item: usize) -> Result<Resource, ReadError> {
        if let Some(resource) = self.parsed.get(&item) {
            return Ok(resource.clone());
        }
        if let Some(read) = self.read.borrow().get(&item) {
            return Ok(read.resource.clone());
        }
        let parsed = self.parse(item)?;
        let resource = parsed.resource.clone();
        self.read.borrow_mut().insert(item, parsed);
        Ok(resource)
    }

    fn parse(&self, item: usize) -> Result<ReadItem<'a>, ReadError> {
        if let Some(around) = self.tangle(item)
            && let Some(value) = self.value_in(around, item)?
        {
            let resource = self.named_by_its_list(Resource::new(item, value));
            return Ok(ReadItem {
                tree: None,
                resource,
            });
        }
        let parse = || -> Result<(Tree<'a>, Value), YamlError> {
            let tree = Tree::parse(self.text_of(item))?;
            let value = yaml_splice::edit::item_value(&tree)?;
            Ok((tree, value))
        };
        match parse() {
            Ok((tree, value)) => Ok(ReadItem {
                tree: Some(Rc::new(tree)),
                resource: self.named_by_its_list(Resource::new(item, value)),
            }),
            Err(source) => {
                let before = self.text.as_bytes().get(..self.start(item));
                let before = before.unwrap_or_default();
                let lines_before = memchr::memchr_iter(b'\n', before).count();
                Err(ReadError::Item {
                    name: format!("{} ({})", self.place(item), self.written(item)),
                    source: YamlError {
                        line: lines_before + source.line,
                        ..source
                    },
                })
            }
        }
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

    /// A member of a `ServiceList` may leave out that it is a Service.
    fn named_by_its_list(&self, mut resource: Resource) -> Resource {
        let member = resource.item.checked_sub(self.len());
        if resource.identity.kind.is_empty()
            && let Some((version, kind)) = member.and_then(|member| self.members.implied(member))
        {
            resource.identity.api_version.clone_from(version);
            resource.identity.kind.clone_from(kind);
        }
        resource
    }

    /// The tree of an item; `None` when it does not parse.
    fn tree(&self, item: usize) -> Option<Rc<Tree<'a>>> {
        if let Some(read) = self.read.borrow().get(&item) {
            return read.tree.clone();
        }
        Tree::parse(self.text_of(item)).ok().map(Rc::new)
    }

    /// An item's text with a patch carried out.
    fn edit(&self, item: usize, patch: &Patched) -> Result<String, WriteError> {
        let edited = match self.tree(item) {
            Some(tree) => written::edit(&tree, patch),
            None => yaml_splice::apply(self.text_of(item), &patch.operations),
        };
        edited.map_err(|source| self.edit_error(item, source))
    }

    fn span(&self, item: usize) -> Option<&ItemSpan> {
        match item.checked_sub(self.len()) {
            None => self.layout.items.get(item),
            Some(member) => Some(&self.members.members.get(member)?.span),
        }
    }

    /// Where an item begins in the text.
    fn start(&self, item: usize) -> usize {
        self.span(item).map_or(0, |span| span.range.start)
    }

    /// How the sequence that an item stands in is written.
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

    /// The list's text with the changes made and the results written. What does not change is
    /// borrowed from the input.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(
        &self,
        changes: &Changes,
        results: &[FunctionResult],
    ) -> Result<Vec<Cow<'a, str>>, WriteError> {
        let untangled = self.untangled(changes)?;
        let changes = untangled.as_ref().unwrap_or(changes);
        let mut out = Pieces::new(self.text);
        let added: Vec<(usize, &Value)> = changes
            .added
            .iter()
            .map(|(item, value)| (self.neighbour(*item, value), value))
            .collect();
        let copies = changes.copies.iter().map(|(item, _)| *item);
        let followed: BTreeSet<usize> = copies.chain(added.iter().map(|(item, _)| *item)).collect();
        for item in changes.touched() {
            let Some(span) = self.span(item) else {
                continue;
            };
            if changes.removed.contains(&item) || changes.dropped.contains(&item) {
                let (range, left) = self.removal(item, span, changes, &followed);
                out.replace(range, left);
            } else if let Some(patch) = changes.patches.get(&item) {
                self.check_anchors(item)?;
                let mut edited = self.edit(item, patch)?;
                let mut range = span.range.clone();
                // What comes after the item comes before the comments about the next one.
                if followed.contains(&item)
                    && let Some(own) = self.own_range(item)
                    && let Some(behind) = self.text.get(own.end..range.end)
                    && edited.ends_with(behind)
                {
                    edited.truncate(edited.len() - behind.len());
                    range.end = own.end;
                }
                out.replace(range, edited);
            }
        }
        for (item, patch) in &changes.copies {
            let Some(own) = self.own_range(*item) else {
                continue;
            };
            let at = own.end;
            let copy = yaml_splice::apply(self.text.get(own).unwrap_or_default(), patch)
                .map_err(|source| self.edit_error(*item, source))?;
            let before = match self.form(*item) {
                Form::Flow => self.comma(*item),
                Form::Block(_) => self.gap(at).to_owned(),
            };
            out.replace(at..at, format!("{before}{copy}"));
        }
        for (item, value) in &added {
            if let Some(own) = self.own_range(*item) {
                out.replace(own.end..own.end, self.new_item(value, *item, own.end));
            }
        }
        if let Some(text) = self.results_text(results) {
            match &self.layout.results {
                Some(section) => out.replace(section.clone(), text),
                None => out.replace(self.layout.end..self.layout.end, text),
            }
        } else if let Some(section) = &self.layout.results {
            out.replace(section.clone(), String::new());
        }
        Ok(out.finish())
    }

    fn style(&self) -> Style {
        Style {
            newline: yaml_splice::line_break(self.text),
            indent_sequences: false,
        }
    }

    /// The line break that whole lines put in at `at` need before them.
    fn gap(&self, at: usize) -> &'static str {
        let before = self.text.get(..at).unwrap_or_default();
        if before.ends_with('\n') {
            ""
        } else {
            yaml_splice::line_break(self.text)
        }
    }

    fn is_json(&self) -> bool {
        self.text
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('{')
    }

    /// The item that a new resource comes after: a `DeploymentList` holds Deployments only, so that a
    /// Service for one of them stands behind the list.
    fn neighbour(&self, item: usize, value: &Value) -> usize {
        let mut item = item;
        while let Some(member) = item.checked_sub(self.len())
            && let Some((_, kind)) = self.members.implied(member)
            && value.get("kind").and_then(Value::as_str) != Some(kind)
        {
            let within = self
                .members
                .wrapper_of(member)
                .and_then(|wrapper| wrapper.within);
            item = match (within, self.around(item)) {
                (Some(member), _) => member + self.len(),
                (None, Some(around)) => around,
                (None, None) => break,
            };
        }
        item
    }

    /// A new item behind another, which ends at `at`.
    fn new_item(&self, value: &Value, neighbour: usize, at: usize) -> String {
        match self.form(neighbour) {
            Form::Flow => {
                let item = match Lines::of(self.text, self.start(neighbour)) {
                    Some(lines) => lines.json(value),
                    None => yaml_splice::flow(value, false),
                };
                format!("{}{item}", self.comma(neighbour))
            }
            Form::Block(column) => {
                let block = yaml_splice::block_document(value, column + 2, self.style());
                let body = block.get(column + 2..).unwrap_or_default();
                let gap = self.gap(at);
                format!("{gap}{}- {body}", " ".repeat(column))
            }
        }
    }

    /// What stands between an item in brackets and the one put behind it.
    fn comma(&self, neighbour: usize) -> String {
        let lines = Lines::of(self.text, self.start(neighbour));
        format!(",{}", lines.map_or(" ", |lines| lines.start))
    }

    /// A removed item takes its own lines along, and leaves the comments that follow them. Gives the
    /// range, and what is left in its place.
    fn removal(
        &self,
        item: usize,
        span: &ItemSpan,
        changes: &Changes,
        followed: &BTreeSet<usize>,
    ) -> (Range<usize>, String) {
        if item < self.len() && self.layout.form != Form::Flow {
            let own = self.own_range(item);
            return (own.unwrap_or(span.range.clone()), String::new());
        }
        let goes = |item: usize| changes.removed.contains(&item) || changes.dropped.contains(&item);
        let siblings = self.siblings(item);
        let of = |place: usize| siblings.get(place).map(|(_, range)| range);
        let place = siblings
            .iter()
            .position(|(sibling, _)| *sibling == Some(item));
        let place = place.unwrap_or_default();
        let stays = |(sibling, _): &(Option<usize>, Range<usize>)| !sibling.is_some_and(goes);
        let first_staying = siblings.iter().position(stays);
        let is_behind = first_staying.is_some_and(|first| first < place);
        let range = match self.form(item) {
            Form::Flow => match (place.checked_sub(1).and_then(of), of(place + 1)) {
                (Some(previous), _) if is_behind => previous.end..span.range.end,
                (_, Some(next)) => span.range.start..next.start,
                (_, None) => span.range.clone(),
            },
            Form::Block(_) => self.own_range(item).unwrap_or(span.range.clone()),
        };
        let is_followed = |(sibling, _): &(Option<usize>, Range<usize>)| {
            sibling.is_some_and(|sibling| followed.contains(&sibling))
        };
        let left = match self.form(item) {
            // `items:` with nothing below it would be null.
            Form::Block(column)
                if place == 0 && first_staying.is_none() && !siblings.iter().any(is_followed) =>
            {
                format!(
                    "{}[]{}",
                    " ".repeat(column + 1),
                    yaml_splice::line_break(self.text)
                )
            }
            _ => String::new(),
        };
        (range, left)
    }

    /// What stands in the same sequence as an item, itself included: what is an item, by its number,
    /// and where each stands.
    fn siblings(&self, item: usize) -> Vec<(Option<usize>, Range<usize>)> {
        let members = &self.members.members;
        let Some(member) = item
            .checked_sub(self.len())
            .and_then(|member| members.get(member))
        else {
            let items = self.layout.items.iter().enumerate();
            return items
                .map(|(item, span)| (Some(item), span.range.clone()))
                .collect();
        };
        let Some(wrapper) = self.members.wrappers.get(member.wrapper) else {
            return Vec::new();
        };
        let mut siblings: Vec<_> = wrapper
            .values
            .iter()
            .map(|range| (None, range.clone()))
            .collect();
        let numbered = members.iter().zip(self.len()..);
        for (sibling, item) in numbered.filter(|(sibling, _)| sibling.wrapper == member.wrapper) {
            if let Some((number, _)) = siblings.get_mut(sibling.place) {
                *number = Some(item);
            }
        }
        siblings
    }

    /// An item without the comments behind it that are about the next one: those that begin no
    /// deeper than its dash.
    fn own_range(&self, item: usize) -> Option<Range<usize>> {
        let range = self.span(item)?.range.clone();
        let Form::Block(column) = self.form(item) else {
            return Some(range);
        };
        let text = self.text_of(item);
        let content_end = self.tree(item).and_then(|tree| {
            let root = tree.root()?;
            Some(tree.next_line(tree.node(root).span.end))
        });
        let mut end = content_end.unwrap_or(text.len());
        for line in text.get(end..).unwrap_or_default().split_inclusive('\n') {
            let indent = line.len() - line.trim_start_matches(' ').len();
            if line.trim_start().starts_with('#') && indent <= column {
                break;
            }
            end += line.len();
        }
        Some(range.start..range.start + end)
    }

    /// An edit must not reach other items through an anchor.
    fn check_anchors(&self, item: usize) -> Result<(), WriteError> {
        let text = self.text_of(item);
        if !text.contains('&') {
            return Ok(());
        }
        let Ok(tree) = Tree::parse(text) else {
            return Ok(());
        };
        for (_, node) in tree.nodes().filter(|(_, node)| node.anchor > 0) {
            let written = text.get(node.span.start..).unwrap_or_default();
            let Some(name) = written.split_once('&').map(|(_, rest)| rest) else {
                continue;
            };
            let name = name
                .split([' ', '\n', '\r', '\t', ',', ']', '}'])
                .next()
                .unwrap_or_default();
            let alias = format!("*{name}");
            let elsewhere = (0..self.count()).any(|other| {
                other != item
                    && self.around(other) != Some(item)
                    && memmem::find(self.text_of(other).as_bytes(), alias.as_bytes()).is_some()
                    && Tree::parse(self.text_of(other)).is_err()
            });
            if elsewhere {
                return Err(WriteError::SharedAnchor {
                    anchor: name.to_owned(),
                });
            }
        }
        Ok(())
    }

    fn edit_error(&self, item: usize, source: EditError) -> WriteError {
        WriteError::Edit {
            resource: self.written(item),
            source,
        }
    }

    fn results_text(&self, results: &[FunctionResult]) -> Option<String> {
        if results.is_empty() && !(self.is_json() && self.layout.results.is_some()) {
            return None;
        }
        let results: Vec<Value> = results
            .iter()
            .filter_map(|result| serde_json::to_value(result).ok())
            .collect();
        if self.is_json() {
            let list = yaml_splice::flow(&Value::Array(results), false);
            let comma = if self.layout.results.is_some() {
                ""
            } else {
                ", "
            };
            return Some(format!("{comma}\"results\": {list}"));
        }
        let text = yaml_splice::block_document(
            &json!({ "results": results }),
            self.layout.column,
            self.style(),
        );
        let gap = self.gap(self.layout.end);
        Some(format!("{gap}{text}"))
    }
}

/// A double-quoted scalar may spell a word with escapes: such a text may mention anything.
fn mentions(text: &str, word: &memmem::Finder<'_>) -> bool {
    word.find(text.as_bytes()).is_some() || has_escapes(text)
}

fn has_escapes(text: &str) -> bool {
    let text = text.as_bytes();
    memchr::memchr_iter(b'\\', text).any(|at| matches!(text.get(at + 1), Some(b'x' | b'u' | b'U')))
}

/// True where a text has one of these words, of letters, digits, hyphens, dots and underscores; or
/// where it may, by an escape.
fn mentions_one(text: &str, words: &BTreeSet<&str>) -> bool {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    has_escapes(text)
        || text
            .split(|c| !is_of_word(c))
            .any(|word| !word.is_empty() && words.contains(word))
}

/// Plain manifests are the likeliest thing to be given by mistake, and are not one document.
fn not_a_list(text: &str, error: YamlError) -> ReadError {
    let several = error.message.starts_with("a second document");
    if several {
        ReadError::NotAResourceList {
            found: "a stream of several documents".to_owned(),
        }
    } else if !text.contains("ResourceList") && error.message.starts_with("this is not a mapping") {
        ReadError::NotAResourceList {
            found: "a single value or a sequence".to_owned(),
        }
    } else {
        ReadError::NotYaml(error)
    }
}

/// Text in pieces: the input's own, and what takes the place of some of it.
struct Pieces<'a> {
    text: &'a str,
    replacements: Vec<(Range<usize>, String)>,
}

impl<'a> Pieces<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            replacements: Vec::new(),
        }
    }

    fn replace(&mut self, range: Range<usize>, text: String) {
        self.replacements.push((range, text));
    }

    fn finish(mut self) -> Vec<Cow<'a, str>> {
        // What is put in between comes before what begins there.
        self.replacements
            .sort_by_key(|(range, _)| (range.start, range.end));
        let mut pieces = Vec::with_capacity(self.replacements.len() * 2 + 1);
        let mut at = 0;
        for (range, text) in self.replacements {
            pieces.push(Cow::Borrowed(
                self.text.get(at..range.start).unwrap_or_default(),
            ));
            pieces.push(Cow::Owned(text));
            at = at.max(range.end);
        }
        pieces.push(Cow::Borrowed(self.text.get(at..).unwrap_or_default()));
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}
