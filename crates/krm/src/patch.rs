//! What is to change: RFC 6902 operations for the items of a list.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value};

use crate::bookkeeping::{EMPTY_BEFORE, OWNED_BY, PREFIX, WRITTEN_BEFORE, annotation};
use crate::resource::Resource;
use crate::resource_list::{Changes, Patched};
use yaml_splice::pointer::{At as _, name_of};
use yaml_splice::sources::Sources;

/// Items as they will be, and the operations that make them so.
#[derive(Debug, Default)]
pub struct Patches {
    items: BTreeMap<usize, Item>,
    /// What is new, by the place of the item that it stands after.
    added: Vec<(usize, Value)>,
    removed: BTreeSet<usize>,
    dropped: BTreeSet<usize>,
    /// What each copy is a copy of, by the copy's own place.
    copies: BTreeMap<usize, usize>,
}

/// Copies have places of their own, behind those of any list.
const FIRST_COPY: usize = usize::MAX / 2;

#[derive(Debug)]
struct Item {
    /// The resource's own until the first operation.
    value: Rc<Value>,
    operations: Vec<PatchOperation>,
    /// How nodes are to be written again, once all of ours is gone.
    restored: Option<Sources>,
}

impl Patches {
    /// The item as it will be.
    pub fn current(&mut self, resource: &Resource) -> &Value {
        &self.item(resource).value
    }

    /// Sets a member, with the objects above it where they are missing. Does nothing when it has
    /// that value already.
    pub fn set(&mut self, resource: &Resource, pointer: &str, value: Value) {
        let item = self.item(resource);
        if item.value.at(pointer) == Some(&value) {
            return;
        }
        let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
        // The first member on the way that is missing is where the operation acts.
        let mut depth = tokens.len();
        let mut filled = None;
        for length in 1..tokens.len() {
            let above = format!("/{}", tokens.get(..length).unwrap_or_default().join("/"));
            let member = item.value.at(&above);
            if member.is_none_or(Value::is_null) {
                depth = length;
            }
            if let Some(empty) = member.filter(|member| is_empty(member)) {
                filled = Some((above, empty.clone()));
            }
            if depth == length {
                break;
            }
        }
        let (place, below) = tokens.split_at(depth);
        let mut nested = value;
        for token in below.iter().rev() {
            nested = Value::Object(Map::from_iter([(name_of(token), nested)]));
        }
        item.apply(PatchOperation::Add(AddOperation {
            path: parse(&format!("/{}", place.join("/"))),
            value: nested,
        }));
        if let Some((pointer, empty)) = filled {
            self.remember_empty(resource, pointer, empty);
        }
    }

    /// Appends to an array, which is made when it is missing.
    pub fn push(&mut self, resource: &Resource, pointer: &str, value: Value) {
        let array = self.item(resource).value.at(pointer);
        let empty = array.filter(|array| is_empty(array)).cloned();
        if array.is_some_and(Value::is_array) {
            self.item(resource).apply(PatchOperation::Add(AddOperation {
                path: parse(&format!("{pointer}/-")),
                value,
            }));
        } else {
            self.set(resource, pointer, Value::Array(vec![value]));
        }
        if let Some(empty) = empty {
            self.remember_empty(resource, pointer.to_owned(), empty);
        }
    }

    /// Removes a member, and what is above it as far as that becomes empty (never `metadata` or
    /// `spec` of the resource itself). What was there with nothing in it is left so.
    pub fn remove(&mut self, resource: &Resource, pointer: &str) {
        let item = self.item(resource);
        if item.value.at(pointer).is_none() {
            return;
        }
        let before = item.empty_before();
        let mut place = pointer;
        while let Some((above, _)) = place.rsplit_once('/') {
            let alone = item.value.at(above).is_some_and(|value| match value {
                Value::Object(members) => members.len() == 1,
                Value::Array(items) => items.len() == 1,
                _ => false,
            });
            if !alone {
                break;
            }
            if let Some(empty) = before.get(above) {
                return item.apply(PatchOperation::Replace(ReplaceOperation {
                    path: parse(above),
                    value: empty.clone(),
                }));
            }
            if above.matches('/').count() < 2 {
                break;
            }
            place = above;
        }
        item.apply(PatchOperation::Remove(RemoveOperation {
            path: parse(place),
        }));
    }

    /// Takes the note away of what was empty, once all is gone that was put there: while another
    /// annotation of ours is left, it is still needed.
    pub fn forget_empty(&mut self, resource: &Resource) {
        let annotations = self.current(resource).at("/metadata/annotations");
        let annotations = annotations.and_then(Value::as_object);
        let is_needed = annotations.is_some_and(|annotations| {
            let mut names = annotations.keys();
            names.any(|name| {
                name.starts_with(PREFIX) && ![EMPTY_BEFORE, WRITTEN_BEFORE].contains(&name.as_str())
            })
        });
        if is_needed {
            return;
        }
        let written = resource.annotation(WRITTEN_BEFORE);
        let written = written.and_then(|note| serde_json::from_str(note).ok());
        self.remove(resource, &annotation(WRITTEN_BEFORE));
        self.item(resource).restored = Some(written.unwrap_or_default());
        self.remove(resource, &annotation(EMPTY_BEFORE));
    }

    /// [`Self::set`] for a member that may be there with nothing in it, which is noted.
    pub fn fill(&mut self, resource: &Resource, pointer: &str, value: Value) {
        let empty = self.current(resource).at(pointer).cloned();
        self.set(resource, pointer, value);
        if let Some(empty) = empty.filter(is_empty) {
            self.remember_empty(resource, pointer.to_owned(), empty);
        }
    }

    /// What a member was that had nothing in it.
    pub fn empty_before(&mut self, resource: &Resource, pointer: &str) -> Option<Value> {
        self.item(resource).empty_before().get(pointer).cloned()
    }

    /// Notes on a resource of the user's what was empty, so that [`Self::remove`] can leave it so.
    fn remember_empty(&mut self, resource: &Resource, pointer: String, empty: Value) {
        let is_ours = resource.item >= FIRST_COPY || resource.annotation(OWNED_BY).is_some();
        if is_ours {
            return;
        }
        let mut before = self.item(resource).empty_before();
        before.entry(pointer).or_insert(empty);
        let note = Value::Object(before).to_string();
        self.set(resource, &annotation(EMPTY_BEFORE), note.into());
    }

    /// Adds a resource to the list, after another one.
    pub fn add_after(&mut self, neighbour: &Resource, value: Value) {
        let item = neighbour.item;
        self.added
            .push((self.copies.get(&item).copied().unwrap_or(item), value));
    }

    /// Adds a copy of a resource of the list: its text, comments and all. What the copy is to have
    /// of its own are changes to it.
    pub fn copy(&mut self, original: &Resource) -> Resource {
        let place = FIRST_COPY + self.copies.len();
        self.copies.insert(place, original.item);
        Resource {
            item: place,
            ..original.clone()
        }
    }

    /// Takes a resource out of the list.
    pub fn remove_item(&mut self, resource: &Resource) {
        self.removed.insert(resource.item);
    }

    /// Takes what the host has put into the list out of it again, whatever else becomes of it.
    pub fn drop_item(&mut self, resource: &Resource) {
        self.dropped.insert(resource.item);
    }

    /// The operations by item.
    pub fn into_changes(mut self) -> Changes {
        let copies = self.items.split_off(&FIRST_COPY);
        Changes {
            copies: copies
                .into_iter()
                .filter_map(|(place, item)| Some((*self.copies.get(&place)?, item.operations)))
                .collect(),
            patches: self
                .items
                .into_iter()
                .filter(|(_, item)| !item.operations.is_empty())
                .map(|(index, item)| {
                    let Item {
                        value,
                        operations,
                        restored,
                    } = item;
                    let patched = Patched {
                        operations,
                        value,
                        restored,
                    };
                    (index, patched)
                })
                .collect(),
            removed: self.removed,
            dropped: self.dropped,
            added: self.added,
        }
    }

    fn item(&mut self, resource: &Resource) -> &mut Item {
        self.items.entry(resource.item).or_insert_with(|| Item {
            value: Rc::clone(&resource.value),
            operations: Vec::new(),
            restored: None,
        })
    }
}

impl Item {
    /// What was empty, by JSON pointer.
    fn empty_before(&self) -> Map<String, Value> {
        let note = self.value.at(&annotation(EMPTY_BEFORE));
        let note = note.and_then(Value::as_str);
        let before = note.and_then(|note| serde_json::from_str::<Map<String, Value>>(note).ok());
        let mut before = before.unwrap_or_default();
        before.retain(|_, value| is_empty(value));
        before
    }

    fn apply(&mut self, operation: PatchOperation) {
        if json_patch::patch(
            Rc::make_mut(&mut self.value),
            std::slice::from_ref(&operation),
        )
        .is_ok()
        {
            self.operations.push(operation);
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Pointers are put together from escaped tokens here, so that none fails to parse.
fn parse(pointer: &str) -> PointerBuf {
    PointerBuf::parse(pointer).unwrap_or_default()
}
