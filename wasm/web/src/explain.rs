//! The path that a terminal takes, drawn.

use serde::Serialize;
use view::diagram::Diagram;

use crate::fault::Fault;
use crate::last;
use crate::transform::Given;

/// The drawing in each format.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    diagram: Diagram,
    svg: String,
    mermaid: String,
    html: String,
}

/// Draws the outcome of the functions, which are run if it is not known yet.
/// # Errors
///
/// A [`Fault`] where one of the inputs cannot be read.
pub(crate) fn explain(given: &Given) -> Result<Explanation, Fault> {
    let drawable = match last::of(given) {
        Some(drawable) => drawable,
        None => given.run()?.into_parts().1,
    };
    let diagram = Diagram::of(&drawable.list, &drawable.results);
    Ok(Explanation {
        svg: diagram.svg(),
        mermaid: diagram.mermaid(),
        html: diagram.html(),
        diagram,
    })
}
