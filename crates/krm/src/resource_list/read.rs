//! Finds the parts of a list, and parses items on demand.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;
use yaml_splice::edit::item_root;
use yaml_splice::{Tree, YamlError, YamlErrorKind};

use super::members::{Members, may_wrap};
use super::scan::Form;
use super::{ReadError, ReadItem, ResourceList, scan};
use crate::resource::Resource;

/// The apiVersions of a ResourceList in the specification; they do not differ otherwise.
const API_VERSIONS: [&str; 2] = ["config.kubernetes.io/v1", "config.kubernetes.io/v1beta1"];

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
            return Err(ReadError::UnknownVersion(version.to_owned()));
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

    /// Parses an item whose kind and name its text does not tell, and finds the members of one that
    /// may have some.
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
        let found = tree.map_or_else(Members::default, |tree| {
            Members::find(&tree, item_root(&tree))
        });
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

    /// The functionConfig, if the host provided one.
    pub fn function_config(&self) -> Option<&Value> {
        self.layout.function_config.as_ref()
    }

    /// The results of an earlier run in the list. `None` if there are none, or they cannot be
    /// parsed.
    pub fn results(&self) -> Option<Vec<Value>> {
        let section = self.text.get(self.layout.results.clone()?)?;
        let text = match self.layout.root {
            Form::Flow => Cow::Owned(format!("{{{section}}}")),
            Form::Block(_) => Cow::Borrowed(section),
        };
        let tree = Tree::parse(&text).ok()?;
        let value = tree.value_of(tree.root()?).ok()?;
        value.get("results")?.as_array().cloned()
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
                let text = self.text.as_bytes();
                let before = text.get(..self.start(item)).unwrap_or(text);
                let lines_before = memchr::memchr_iter(b'\n', before).count();
                Err(ReadError::Item {
                    name: format!("{} ({})", self.place(item), self.display_name(item)),
                    source: YamlError {
                        line: lines_before + source.line,
                        ..source
                    },
                })
            }
        }
    }

    /// In a `ServiceList`, a member may omit its kind.
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
    pub(super) fn tree(&self, item: usize) -> Option<Rc<Tree<'a>>> {
        if let Some(read) = self.read.borrow().get(&item) {
            return read.tree.clone();
        }
        Tree::parse(self.text_of(item)).ok().map(Rc::new)
    }
}

/// Explains the error: most likely the input is plain manifests, which are several documents.
fn not_a_list(text: &str, error: YamlError) -> ReadError {
    let found = match error.kind {
        YamlErrorKind::SeveralDocuments => "a stream of several documents",
        YamlErrorKind::NotAMapping if !text.contains("ResourceList") => {
            "a single value or a sequence"
        }
        YamlErrorKind::NotAMapping | YamlErrorKind::Ambiguous | YamlErrorKind::Invalid => {
            return ReadError::NotYaml(error);
        }
    };
    ReadError::NotAResourceList {
        found: found.to_owned(),
    }
}
