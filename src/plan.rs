//! What is to change, and what a person should know of it.

use krm::patch::Patches;
use krm::results::FunctionResult;

/// The changes to a list, and what to say about them.
#[derive(Debug, Default)]
pub struct Plan {
    /// The changes.
    pub patches: Patches,
    /// What to say.
    pub results: Vec<FunctionResult>,
}
