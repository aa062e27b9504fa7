//! The planned changes: RFC 6902 operations for the items of a list.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value};

use crate::Internal;
use crate::bookkeeping::{EMPTY_BEFORE, OWNED_BY, PREFIX, WRITTEN_BEFORE, annotation};
use crate::keyed_pointer::by_key;
use crate::resource::{Identity, Resource};
use crate::resource_list::{Changes, Patched};
use crate::results::{FunctionResult, Refusal, field_path};
use yaml_splice::pointer::{self, At as _, name_of};
use yaml_splice::sources::Sources;

/// The operations on each item, and the item's value after them.
#[derive(Debug, Default)]
pub struct Patches {
    items: BTreeMap<usize, Item>,
    /// New items, each with the number of the item before it.
    added: Vec<(usize, Value)>,
    removed: BTreeSet<usize>,
    dropped: BTreeSet<usize>,
    /// The original of each copy, by the copy's number.
    copies: BTreeMap<usize, usize>,
    /// The first operation that failed.
    failure: Option<PatchError>,
}

/// An operation that cannot be applied to a resource's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// A member cannot be set in a string, a number, a boolean or a list.
    #[error("{path} is not a mapping, so that nothing can be set in it: write it as one")]
    NotAMapping {
        /// The resource.
        resource: Box<Identity>,
        /// The path of that value, in the notation of results.
        path: String,
    },
    /// A bug.
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl PatchError {
    /// The error for the value at a JSON pointer of a resource.
    pub fn not_a_mapping(resource: &Identity, pointer: &str) -> Self {
        Self::NotAMapping {
            resource: Box::new(resource.clone()),
            path: field_path(pointer),
        }
    }
}

impl From<PatchError> for Refusal {
    fn from(error: PatchError) -> Self {
        Self::new(error.into())
    }
}

impl From<PatchError> for FunctionResult {
    fn from(error: PatchError) -> Self {
        let result = Self::error(error.to_string());
        match error {
            PatchError::NotAMapping { resource, .. } => result.about(&resource),
            PatchError::Internal(_) => result,
        }
    }
}

/// Copies are numbered from here, above the items of any list.
const FIRST_COPY: usize = usize::MAX / 2;

#[derive(Debug)]
struct Item {
    /// Shared with the resource until the first operation.
    value: Rc<Value>,
    operations: Vec<PatchOperation>,
    /// The original text of nodes, restored once none of our changes is left.
    restored: Option<Sources>,
}

impl Patches {
    /// The item's value with the operations so far.
    pub fn current(&mut self, resource: &Resource) -> &Value {
        &self.item(resource).value
    }

    /// Sets a member, and creates missing parents. Does nothing if it already has that value.
    pub fn set(&mut self, resource: &Resource, pointer: &str, value: Value) {
        if let Err(error) = self.try_set(resource, pointer, value) {
            self.failure.get_or_insert(error);
        }
    }

    fn try_set(
        &mut self,
        resource: &Resource,
        pointer: &str,
        value: Value,
    ) -> Result<(), PatchError> {
        let item = self.item(resource);
        if item.value.at(pointer) == Some(&value) {
            return Ok(());
        }
        let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
        // The operation applies to the first missing member of the path.
        let mut depth = tokens.len();
        let mut filled = None;
        let mut above = String::new();
        let parents = tokens.split_last().map_or(&[][..], |(_, parents)| parents);
        for ((token, next), length) in parents.iter().zip(tokens.iter().skip(1)).zip(1..) {
            above.push('/');
            above.push_str(token);
            let member = item.value.at(&above);
            match member {
                None | Some(Value::Null) => depth = length,
                Some(Value::Object(_)) => {}
                Some(Value::Array(_)) if is_index(next) => {}
                Some(_) => {
                    return Err(PatchError::not_a_mapping(&resource.identity, &above));
                }
            }
            if let Some(empty) = member.filter(|member| is_empty(member)) {
                filled = Some((above.clone(), empty.clone()));
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
            path: pointer::parse(&format!("/{}", place.join("/")))?,
            value: nested,
        }))?;
        if let Some((pointer, empty)) = filled {
            self.remember_empty(resource, &pointer, empty);
        }
        Ok(())
    }

    /// Appends to an array, and creates it when it is missing.
    pub fn push(&mut self, resource: &Resource, pointer: &str, value: Value) {
        let array = self.item(resource).value.at(pointer);
        let empty = array.filter(|array| is_empty(array)).cloned();
        if array.is_some_and(Value::is_array) {
            self.apply(resource, &format!("{pointer}/-"), |path| {
                PatchOperation::Add(AddOperation { path, value })
            });
        } else {
            self.set(resource, pointer, Value::Array(vec![value]));
        }
        if let Some(empty) = empty {
            self.remember_empty(resource, pointer, empty);
        }
    }

    /// Removes a member, and the parents that become empty by it, except for `metadata` and `spec`
    /// of the resource itself. A parent that was empty before our changes stays, empty.
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
            if let Some(empty) = before.get(&by_key(&item.value, above)) {
                let value = empty.clone();
                return self.apply(resource, above, |path| {
                    PatchOperation::Replace(ReplaceOperation { path, value })
                });
            }
            if above.matches('/').count() < 2 {
                break;
            }
            place = above;
        }
        self.apply(resource, place, |path| {
            PatchOperation::Remove(RemoveOperation { path })
        });
    }

    fn apply(
        &mut self,
        resource: &Resource,
        pointer: &str,
        operation: impl FnOnce(PointerBuf) -> PatchOperation,
    ) {
        let applied =
            pointer::parse(pointer).and_then(|path| self.item(resource).apply(operation(path)));
        if let Err(error) = applied {
            self.failure.get_or_insert(error.into());
        }
    }

    /// Removes the record of empty members, unless another annotation of ours still needs it.
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

    /// [`Self::set`] for a member that may be there, but empty: that is noted, so that it can be undone.
    pub fn fill(&mut self, resource: &Resource, pointer: &str, value: Value) {
        let empty = self.current(resource).at(pointer).cloned();
        self.set(resource, pointer, value);
        if let Some(empty) = empty.filter(is_empty) {
            self.remember_empty(resource, pointer, empty);
        }
    }

    /// The empty value that a member had before our changes: `null`, `{}` or `[]`.
    pub fn empty_before(&mut self, resource: &Resource, pointer: &str) -> Option<Value> {
        let item = self.item(resource);
        item.empty_before()
            .get(&by_key(&item.value, pointer))
            .cloned()
    }

    /// Records empty members on a resource of the user, so that [`Self::remove`] can restore them.
    fn remember_empty(&mut self, resource: &Resource, pointer: &str, empty: Value) {
        let is_ours = resource.item >= FIRST_COPY || resource.annotation(OWNED_BY).is_some();
        if is_ours {
            return;
        }
        let item = self.item(resource);
        let mut before = item.empty_before();
        before.entry(by_key(&item.value, pointer)).or_insert(empty);
        let note = Value::Object(before).to_string();
        self.set(resource, &annotation(EMPTY_BEFORE), note.into());
    }

    /// Adds a resource to the list, after another one.
    pub fn add_after(&mut self, neighbour: &Resource, value: Value) {
        let item = neighbour.item;
        self.added
            .push((self.copies.get(&item).copied().unwrap_or(item), value));
    }

    /// Adds a copy of a resource: its text with its comments. The returned resource can be changed
    /// like any other.
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

    /// Removes an item that the host has added to the list, even if nothing else changes.
    pub fn drop_item(&mut self, resource: &Resource) {
        self.dropped.insert(resource.item);
    }

    /// The removal of the items that the host has added, if nothing else changes.
    pub fn only_dropped(&self) -> Changes {
        Changes {
            dropped: self.dropped.clone(),
            ..Changes::default()
        }
    }

    /// The operations by item.
    ///
    /// # Errors
    /// The first operation that failed.
    pub fn into_changes(mut self) -> Result<Changes, PatchError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let copied = self.items.split_off(&FIRST_COPY);
        let copied = copied.into_iter().map(|(place, item)| {
            let original = self.copies.get(&place).copied();
            original
                .map(|original| (original, item.operations))
                .ok_or_else(|| Internal::new("a copy was edited that is of no item of the list"))
        });
        Ok(Changes {
            copies: copied.collect::<Result<_, _>>()?,
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
        })
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
    /// The members that were empty before our changes, by pointers of [`by_key`].
    fn empty_before(&self) -> Map<String, Value> {
        let note = self.value.at(&annotation(EMPTY_BEFORE));
        let note = note.and_then(Value::as_str);
        let before = note.and_then(|note| serde_json::from_str::<Map<String, Value>>(note).ok());
        let before = before.unwrap_or_default().into_iter();
        let before = before.filter(|(_, value)| is_empty(value));
        before
            .map(|(pointer, value)| (by_key(&self.value, &pointer), value))
            .collect()
    }

    fn apply(&mut self, operation: PatchOperation) -> Result<(), Internal> {
        let value = Rc::make_mut(&mut self.value);
        json_patch::patch(value, std::slice::from_ref(&operation))
            .map_err(|error| Internal::new(format!("an operation of its own fails: {error}")))?;
        self.operations.push(operation);
        Ok(())
    }
}

fn is_index(token: &str) -> bool {
    token == "-" || token.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resource() -> Resource {
        let value =
            json!({"kind": "A", "metadata": {"name": "a"}, "spec": {"text": "b", "list": []}});
        Resource::new(0, value)
    }

    fn failure(change: impl FnOnce(&mut Patches, &Resource)) -> PatchError {
        let mut patches = Patches::default();
        change(&mut patches, &resource());
        patches.into_changes().unwrap_err()
    }

    #[test]
    fn the_current_value_has_the_changes_so_far() {
        let resource = resource();
        let mut patches = Patches::default();
        assert_eq!(patches.current(&resource), &*resource.value);
        patches.set(&resource, "/spec/text", json!("c"));
        assert_eq!(
            patches.current(&resource).at("/spec/text"),
            Some(&json!("c"))
        );
        assert_eq!(patches.current(&resource).at("/kind"), Some(&json!("A")));
    }

    #[test]
    fn a_member_of_a_text_or_a_list_is_refused() {
        for (above, path) in [("/spec/text", "spec.text"), ("/spec/list", "spec.list")] {
            let pointer = format!("{above}/below");
            let error = failure(|patches, resource| patches.set(resource, &pointer, json!(1)));
            let result = FunctionResult::from(error);
            let message = format!("{path} is not a mapping");
            assert!(result.message.starts_with(&message), "{result}");
            assert!(result.resource_ref.is_some());
        }
    }

    #[test]
    fn an_operation_of_its_own_that_fails_is_an_internal_error() {
        // An index behind the end, and a name whose tilde is not escaped.
        for pointer in ["/spec/list/7", "/spec/a~b"] {
            let error = failure(|patches, resource| patches.set(resource, pointer, json!(1)));
            assert!(
                matches!(error, PatchError::Internal(_)),
                "{pointer}: {error}"
            );
            let result = FunctionResult::from(error);
            assert!(result.message.contains("please report it"), "{result}");
        }
    }
}
