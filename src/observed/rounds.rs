//! Runs the function until it asks for nothing more of the cluster.

use std::collections::BTreeMap;

use super::{Answer, Request, Subject, answer};

/// What one run gave, and what it asks for.
#[derive(Debug)]
pub struct Step<T> {
    /// The result when nothing more can be learnt.
    pub outcome: T,
    /// What it asks the host for.
    pub requests: Vec<Request>,
}

/// Runs `step` on the text of a ResourceList, and again with the answers, until it asks for nothing or
/// `learn` has no new answer. `learn` adds to the answers and says whether it has.
///
/// # Errors
///
/// The step's.
pub fn run_to_fixpoint<T, E>(
    list: Vec<u8>,
    mut step: impl FnMut(Vec<u8>) -> Result<Step<T>, E>,
    mut learn: impl FnMut(&[Request], &mut BTreeMap<Subject, Answer>) -> bool,
) -> Result<T, E> {
    let mut answers = BTreeMap::new();
    let mut asked_with = list.clone();
    loop {
        let Step { outcome, requests } = step(asked_with)?;
        if requests.is_empty() || !learn(&requests, &mut answers) {
            return Ok(outcome);
        }
        // What asks is a list, so that it can be answered.
        let Ok(answered) = answer(&list, &answers) else {
            return Ok(outcome);
        };
        asked_with = answered;
    }
}
