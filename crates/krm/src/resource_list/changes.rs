//! What is to change in a list.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use json_patch::PatchOperation;
use serde_json::Value;
use yaml_splice::sources::Sources;

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
    /// New items: the position of the item that each comes after, behind its copies. That one stays.
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
    pub(super) fn touched(&self) -> BTreeSet<usize> {
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
