//! A ResourceList in, a ResourceList out: the function as hosts run it.

use serde::Serialize;

/// The rest of the output.
#[derive(Debug, Serialize)]
pub(crate) struct Rest {
    report: String,
    failed: bool,
}

/// Runs the function. There is no output if the input is not a ResourceList; the report says so.
pub(crate) fn run(list: &str) -> (String, Rest) {
    let outcome = runner_terminal::run(list.as_bytes());
    let rest = Rest {
        report: outcome.report(),
        failed: outcome.failed(),
    };
    (outcome.text(), rest)
}
