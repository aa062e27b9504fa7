//! The intended changes of a run, as values: nothing is written yet.
//!
//! Plans are made from manifests alone. No plan depends on what another one writes, so each can be
//! printed and tested separately. Only [`Plan::patch`] turns plans into RFC 6902 operations.

use krm::patch::Patches;
use krm::resource::Resource;
use krm::results::{FunctionResult, Refusal, Severity};

use crate::session_server::{RelaysPlan, RunnerPlan, Sharding, UndoPlan};

/// The intended changes of a run, and the messages for the user.
#[derive(Debug, Default)]
pub struct Plan {
    /// Workloads that become one workload per replica.
    pub shardings: Vec<Sharding>,
    /// One plan for each runner.
    pub runners: Vec<RunnerPlan>,
    /// The relays in front of runners.
    pub relays: RelaysPlan,
    /// How the changes of earlier runs are undone.
    pub undo: UndoPlan,
    /// Items that the host has put into the list. They are left out of the output.
    pub injected: Vec<Resource>,
    /// The messages for the user, in order.
    pub results: Vec<FunctionResult>,
}

impl Plan {
    /// Adds the plan of a runner. Its results come after the existing ones.
    pub fn add(&mut self, mut runner: RunnerPlan) {
        self.results.append(&mut runner.results);
        self.runners.push(runner);
    }

    /// Turns the plans into operations, and gives them with what to tell the user. After an error no item
    /// changes: half a session server is worse than none.
    pub fn patch(mut self) -> (Patches, Vec<FunctionResult>) {
        let mut results = std::mem::take(&mut self.results);
        let injected = std::mem::take(&mut self.injected);
        let mut patches = Patches::default();
        if !has_error(&results) {
            match self.operations() {
                Ok(operations) => patches = operations,
                Err(refusal) => results.push(*refusal),
            }
        }
        for resource in &injected {
            patches.drop_item(resource);
        }
        (patches, results)
    }

    /// The operations on the user's items.
    fn operations(self) -> Result<Patches, Refusal> {
        let mut patches = Patches::default();
        for sharding in self.shardings {
            sharding.patch(&mut patches)?;
        }
        for runner in self.runners {
            runner.patch(&mut patches)?;
        }
        self.relays.patch(&mut patches);
        self.undo.patch(&mut patches);
        Ok(patches)
    }
}

/// True when a result is an error.
pub(crate) fn has_error(results: &[FunctionResult]) -> bool {
    let mut results = results.iter();
    results.any(|result| result.severity == Severity::Error)
}
