//! Draws the path that a terminal takes.

use runner_terminal::diagram::Diagram;
use runner_terminal::resource_list::ResourceList;
use serde_json::Value;

use crate::arguments::Picture;

/// Draws the path of each runner of a ResourceList, with the functions' results.
pub(super) fn draw(picture: Picture, list: &str, results: &[Value]) -> String {
    let diagram = Diagram::of(list, results);
    match picture {
        Picture::Html => diagram.html(),
        Picture::Svg => diagram.svg_file(),
        Picture::Mermaid => diagram.mermaid(),
    }
}

/// Draws the list that a function wrote; the input if it wrote none.
pub(super) fn draw_list(picture: Picture, before: &str, after: &str) -> String {
    let results = ResourceList::read(after.as_bytes());
    let results = results.ok().and_then(|list| list.results());
    let list = if after.is_empty() { before } else { after };
    draw(picture, list, &results.unwrap_or_default())
}
