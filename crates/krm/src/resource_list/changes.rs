//! The changes to a list.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use json_patch::PatchOperation;
use serde_json::Value;
use yaml_splice::sources::Sources;

/// The changes to a list.
#[derive(Debug, Default)]
pub struct Changes {
    /// The changed items by their number.
    pub patches: BTreeMap<usize, Patched>,
    /// Copies: the number of the original, which the copy follows, and the differences.
    pub copies: Vec<(usize, Vec<PatchOperation>)>,
    /// Items to remove.
    pub removed: BTreeSet<usize>,
    /// Items that the host has added for this run, removed even when nothing else changes.
    pub dropped: BTreeSet<usize>,
    /// New items: the number of the item that each follows, after its copies. That one must stay.
    pub added: Vec<(usize, Value)>,
}

/// The changes to an item.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The operations.
    pub operations: Vec<PatchOperation>,
    /// The item's value after the operations.
    pub value: Rc<Value>,
    /// The original text of nodes, if none of our changes is left; `None` to record it instead.
    pub restored: Option<Sources>,
}

impl Changes {
    pub(super) fn touched(&self) -> BTreeSet<usize> {
        let gone = self.removed.iter().chain(&self.dropped);
        self.patches.keys().chain(gone).copied().collect()
    }
}
