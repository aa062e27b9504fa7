//! The path that a terminal takes, drawn.

use runner_terminal::diagram::Diagram;
use serde::Serialize;

use crate::fault::Fault;
use crate::transform::Given;

/// The same drawing in each form.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    diagram: Diagram,
    svg: String,
    mermaid: String,
    html: String,
}

/// Runs the functions, and draws what comes of it.
///
/// # Errors
///
/// A [`Fault`] where one of the inputs cannot be read.
pub(crate) fn explain(given: &Given) -> Result<Explanation, Fault> {
    let ran = given.run()?;
    let results: Vec<_> = ran
        .results()
        .filter_map(|result| serde_json::to_value(result).ok())
        .collect();
    let diagram = Diagram::of(&ran.applied.list, &results);
    Ok(Explanation {
        svg: diagram.svg(),
        mermaid: diagram.mermaid(),
        html: diagram.html(),
        diagram,
    })
}
