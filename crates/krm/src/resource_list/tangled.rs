//! Members that share anchors: an alias in one of them stands for something in another.
//!
//! Such a member cannot be read by itself, so the changes of all members become changes of the item
//! that wraps them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

use super::{Changes, Patched, ReadError, ResourceList, WriteError};
use yaml_splice::EditError;
use yaml_splice::pointer::At as _;
use yaml_splice::sources::Sources;

/// What is to become of the members of one item.
#[derive(Default)]
struct Edits {
    operations: Vec<PatchOperation>,
    /// Values that are added, by the array's pointer and the place of the member before them.
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
        let pointer = self.pointer_of(member);
        Ok(whole.at(&pointer).cloned())
    }

    /// The changes with those of members that share anchors made on the items around them.
    pub(super) fn untangled(&self, changes: &Changes) -> Result<Option<Changes>, WriteError> {
        if self.tangled.is_empty() {
            return Ok(None);
        }
        let mut whole = Changes::default();
        let mut edits = BTreeMap::<usize, Edits>::new();
        for (item, patch) in &changes.patches {
            match self.tangle(*item) {
                Some(around) => {
                    let prefix = self.pointer_of(*item);
                    let operations = patch.operations.iter();
                    edits
                        .entry(around)
                        .or_default()
                        .operations
                        .extend(operations.map(|operation| below(&prefix, operation)));
                }
                None => {
                    whole.patches.insert(*item, patch.clone());
                }
            }
        }
        for (item, operations) in &changes.copies {
            let Some(around) = self.tangle(*item) else {
                whole.copies.push((*item, operations.clone()));
                continue;
            };
            let original = self.value_in(around, *item).ok().flatten();
            let mut copy = original.unwrap_or_default();
            json_patch::patch(&mut copy, operations)
                .map_err(|_| self.no_such_place(*item, operations))?;
            let place = self.place_of(*item);
            let added = &mut edits.entry(around).or_default().added;
            added.entry(place).or_default().push(copy);
        }
        for (item, value) in &changes.added {
            let neighbour = self.neighbour(*item, value);
            match self.tangle(neighbour) {
                Some(around) => {
                    let place = self.place_of(neighbour);
                    let added = &mut edits.entry(around).or_default().added;
                    added.entry(place).or_default().push(value.clone());
                }
                None => whole.added.push((neighbour, value.clone())),
            }
        }
        for (items, kept) in [
            (&changes.removed, &mut whole.removed),
            (&changes.dropped, &mut whole.dropped),
        ] {
            for item in items {
                match self.tangle(*item) {
                    Some(around) => {
                        let removed = &mut edits.entry(around).or_default().removed;
                        removed.insert(self.place_of(*item));
                    }
                    None => {
                        kept.insert(*item);
                    }
                }
            }
        }
        for (item, edits) in edits {
            let operations = edits.operations();
            let resource = self.resource(item);
            let mut value = resource.map_or(Value::Null, |item| item.value.as_ref().clone());
            json_patch::patch(&mut value, &operations)
                .map_err(|_| self.no_such_place(item, &operations))?;
            let value = Rc::new(value);
            // Nothing is noted on the item around them, which is not a resource of its own.
            let restored = Some(Sources::new());
            let patched = Patched {
                operations,
                value,
                restored,
            };
            whole.patches.insert(item, patched);
        }
        Ok(Some(whole))
    }

    fn pointer_of(&self, member: usize) -> String {
        let (array, place) = self.place_of(member);
        format!("{array}/{place}")
    }

    /// The pointer of the array that a member stands in, and its place there.
    fn place_of(&self, member: usize) -> (String, usize) {
        let number = member.saturating_sub(self.len());
        let place = self.members.members.get(number);
        (
            self.members.array(number),
            place.map_or(0, |member| member.place),
        )
    }

    fn no_such_place(&self, item: usize, operations: &[PatchOperation]) -> WriteError {
        let path = operations.last().map(|last| last.path().to_string());
        self.edit_error(
            item,
            EditError::NoSuchPath {
                path: path.unwrap_or_default(),
            },
        )
    }
}

impl Edits {
    /// The operations in an order in which none moves what a later one is about: from the last place
    /// of each array to its first.
    fn operations(mut self) -> Vec<PatchOperation> {
        let mut places: BTreeSet<(String, usize)> = self.removed.clone();
        places.extend(self.added.keys().cloned());
        let mut operations = self.operations;
        for place in places.into_iter().rev() {
            let (array, index) = &place;
            let added = self.added.remove(&place).unwrap_or_default();
            for value in added.into_iter().rev() {
                operations.push(PatchOperation::Add(AddOperation {
                    path: pointer(&format!("{array}/{}", index + 1)),
                    value,
                }));
            }
            if self.removed.contains(&place) {
                operations.push(PatchOperation::Remove(RemoveOperation {
                    path: pointer(&format!("{array}/{index}")),
                }));
            }
        }
        operations
    }
}

/// An operation on a member as one on the item around it.
fn below(prefix: &str, operation: &PatchOperation) -> PatchOperation {
    let path = pointer(&format!("{prefix}{}", operation.path()));
    match operation {
        PatchOperation::Add(AddOperation { value, .. }) => PatchOperation::Add(AddOperation {
            path,
            value: value.clone(),
        }),
        PatchOperation::Replace(ReplaceOperation { value, .. }) => {
            PatchOperation::Replace(ReplaceOperation {
                path,
                value: value.clone(),
            })
        }
        PatchOperation::Remove(_) => PatchOperation::Remove(RemoveOperation { path }),
        // None of these is ever planned, and the editor refuses them.
        other => other.clone(),
    }
}

/// Pointers are put together from escaped tokens here, so that none fails to parse.
fn pointer(pointer: &str) -> PointerBuf {
    PointerBuf::parse(pointer).unwrap_or_default()
}
