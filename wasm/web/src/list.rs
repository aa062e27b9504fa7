//! A ResourceList in, a ResourceList out: the function as hosts run it.

use serde::Serialize;

/// What comes with the list.
#[derive(Debug, Serialize)]
pub(crate) struct Rest {
    report: String,
    failed: bool,
}

/// Runs the function. Nothing comes out where nothing is a ResourceList, as the report says.
pub(crate) fn run(list: &str) -> (String, Rest) {
    let outcome = runner_terminal::run(list.as_bytes());
    let rest = Rest {
        report: outcome.report(),
        failed: outcome.failed(),
    };
    (outcome.text(), rest)
}
