//! Members that share anchors: an alias in one of them refers to an anchor in another.
//!
//! Such a member cannot be parsed alone, so changes of the members become changes of the item that
//! wraps them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

use super::{Changes, Patched, ReadError, ResourceList, WriteError};
use yaml_splice::pointer::{self, At as _};
use yaml_splice::sources::Sources;
use yaml_splice::{EditError, Internal};

/// The changes of the members of one item.
#[derive(Default)]
struct Edits {
    operations: Vec<PatchOperation>,
    /// Added values, by the array's pointer and the index of the member before them.
    added: BTreeMap<(String, usize), Vec<Value>>,
    removed: BTreeSet<(String, usize)>,
}

impl ResourceList<'_> {
    /// The item whose anchors a member shares.
    pub(super) fn tangle(&self, member: usize) -> Option<usize> {
        self.around(member)
            .filter(|item| self.tangled.contains(item))
    }

    /// The value of a member that shares anchors.
    pub(super) fn value_in(&self, item: usize, member: usize) -> Result<Option<Value>, ReadError> {
        let whole = self.resource(item)?.value;
        let pointer = self.pointer_of(member)?;
        Ok(whole.at(&pointer).cloned())
    }

    /// The changes, with those of members that share anchors applied to the items around them.
    pub(super) fn untangled(&self, changes: &Changes) -> Result<Option<Changes>, WriteError> {
        if self.tangled.is_empty() {
            return Ok(None);
        }
        let mut whole = Changes::default();
        let mut edits = BTreeMap::<usize, Edits>::new();
        self.take_patches(changes, &mut whole, &mut edits)?;
        self.take_copies(changes, &mut whole, &mut edits)?;
        self.take_added(changes, &mut whole, &mut edits)?;
        self.take_gone(&changes.removed, &mut whole.removed, &mut edits)?;
        self.take_gone(&changes.dropped, &mut whole.dropped, &mut edits)?;
        for (item, edits) in edits {
            whole.patches.insert(item, self.patched(item, edits)?);
        }
        Ok(Some(whole))
    }

    fn take_patches(
        &self,
        changes: &Changes,
        whole: &mut Changes,
        edits: &mut BTreeMap<usize, Edits>,
    ) -> Result<(), Internal> {
        for (item, patch) in &changes.patches {
            let Some(around) = self.tangle(*item) else {
                whole.patches.insert(*item, patch.clone());
                continue;
            };
            let prefix = self.pointer_of(*item)?;
            let operations = &mut edits.entry(around).or_default().operations;
            for operation in &patch.operations {
                operations.push(below(&prefix, operation)?);
            }
        }
        Ok(())
    }

    fn take_copies(
        &self,
        changes: &Changes,
        whole: &mut Changes,
        edits: &mut BTreeMap<usize, Edits>,
    ) -> Result<(), WriteError> {
        for (item, operations) in &changes.copies {
            let Some(around) = self.tangle(*item) else {
                whole.copies.push((*item, operations.clone()));
                continue;
            };
            let original = self.value_in(around, *item).ok().flatten();
            let mut copy =
                original.ok_or_else(|| Internal::new("the original of a copy has no value"))?;
            json_patch::patch(&mut copy, operations)
                .map_err(|_| self.no_such_place(*item, operations))?;
            let place = self.array_and_index(*item)?;
            let added = &mut edits.entry(around).or_default().added;
            added.entry(place).or_default().push(copy);
        }
        Ok(())
    }

    fn take_added(
        &self,
        changes: &Changes,
        whole: &mut Changes,
        edits: &mut BTreeMap<usize, Edits>,
    ) -> Result<(), Internal> {
        for (item, value) in &changes.added {
            let neighbour = self.neighbour(*item, value);
            let Some(around) = self.tangle(neighbour) else {
                whole.added.push((neighbour, value.clone()));
                continue;
            };
            let place = self.array_and_index(neighbour)?;
            let added = &mut edits.entry(around).or_default().added;
            added.entry(place).or_default().push(value.clone());
        }
        Ok(())
    }

    fn take_gone(
        &self,
        items: &BTreeSet<usize>,
        whole: &mut BTreeSet<usize>,
        edits: &mut BTreeMap<usize, Edits>,
    ) -> Result<(), Internal> {
        for item in items {
            let Some(around) = self.tangle(*item) else {
                whole.insert(*item);
                continue;
            };
            let removed = &mut edits.entry(around).or_default().removed;
            removed.insert(self.array_and_index(*item)?);
        }
        Ok(())
    }

    fn patched(&self, item: usize, edits: Edits) -> Result<Patched, WriteError> {
        let operations = edits.operations()?;
        let resource = self
            .resource(item)
            .map_err(|error| Internal::new(format!("an edited item is not read: {error}")))?;
        let mut value = resource.value.as_ref().clone();
        json_patch::patch(&mut value, &operations)
            .map_err(|_| self.no_such_place(item, &operations))?;
        Ok(Patched {
            operations,
            value: Rc::new(value),
            // The item around them is not a resource, so that nothing is noted on it.
            restored: Some(Sources::new()),
        })
    }

    fn pointer_of(&self, member: usize) -> Result<String, Internal> {
        let (array, index) = self.array_and_index(member)?;
        Ok(format!("{array}/{index}"))
    }

    /// The pointer of the array that holds a member, and the index in it.
    fn array_and_index(&self, member: usize) -> Result<(String, usize), Internal> {
        let number = member.checked_sub(self.len());
        let found = number.and_then(|number| Some((number, self.members.members.get(number)?)));
        let (number, found) =
            found.ok_or_else(|| Internal::new(format!("there is no item {member}")))?;
        Ok((self.members.array(number), found.place))
    }

    fn no_such_place(&self, item: usize, operations: &[PatchOperation]) -> WriteError {
        match operations.last() {
            Some(last) => {
                let path = last.path().to_string();
                self.edit_error(item, EditError::NoSuchPath { path })
            }
            None => Internal::new("an empty patch failed").into(),
        }
    }
}

impl Edits {
    /// The operations in an order in which none shifts the target of a later one: from the last
    /// index of each array to the first.
    fn operations(mut self) -> Result<Vec<PatchOperation>, Internal> {
        let mut places: BTreeSet<(String, usize)> = self.removed.clone();
        places.extend(self.added.keys().cloned());
        let mut operations = self.operations;
        for place in places.into_iter().rev() {
            let (array, index) = &place;
            let added = self.added.remove(&place);
            for value in added.into_iter().flatten().rev() {
                operations.push(PatchOperation::Add(AddOperation {
                    path: pointer::parse(&format!("{array}/{}", index + 1))?,
                    value,
                }));
            }
            if self.removed.contains(&place) {
                operations.push(PatchOperation::Remove(RemoveOperation {
                    path: pointer::parse(&format!("{array}/{index}"))?,
                }));
            }
        }
        Ok(operations)
    }
}

/// Rebases an operation on a member onto the item around it.
fn below(prefix: &str, operation: &PatchOperation) -> Result<PatchOperation, Internal> {
    let path = pointer::parse(&format!("{prefix}{}", operation.path()))?;
    Ok(match operation.clone() {
        PatchOperation::Add(AddOperation { value, .. }) => {
            PatchOperation::Add(AddOperation { path, value })
        }
        PatchOperation::Replace(ReplaceOperation { value, .. }) => {
            PatchOperation::Replace(ReplaceOperation { path, value })
        }
        PatchOperation::Remove(_) => PatchOperation::Remove(RemoveOperation { path }),
        other => return Err(Internal::new(format!("{other} is planned for a member"))),
    })
}
