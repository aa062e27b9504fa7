//! Runs the function until it has all that it needs of the cluster.
//!
//! The function itself has no access to a cluster: it says which Services it needs, gets them as items
//! of its list, and is run again.

#[cfg(feature = "cluster")]
mod cluster;
#[cfg(not(feature = "cluster"))]
#[path = "observe/no_cluster.rs"]
mod cluster;

use krm::resource_list::ReadError;
use runner_terminal::observed;
pub(crate) use runner_terminal::observed::Step;

use cluster::Asked;

/// Runs `step` on the text of a ResourceList, and again with the answers to its requests, until it
/// asks for nothing new.
///
/// # Errors
///
/// The step's; an answer cannot be put into the list.
pub(crate) fn run<T, E: From<ReadError>>(
    list: Vec<u8>,
    step: impl FnMut(Vec<u8>) -> Result<Step<T>, E>,
) -> Result<T, E> {
    let mut asked = Asked::default();
    observed::run_to_fixpoint(list, step, |requests, answers| {
        asked.answer(requests, answers)
    })
}
