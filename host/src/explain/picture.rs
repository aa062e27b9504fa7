//! The path that a terminal takes, drawn from what the functions gave.

use krm::resource_list::ResourceList;
use serde_json::Value;
use view::diagram::Diagram;

use crate::arguments::Picture;

/// Draws the path of each runner of a ResourceList, with what the functions had to say of it.
pub(super) fn draw(picture: Picture, list: &str, results: &[Value]) -> String {
    let diagram = Diagram::of(list, results);
    match picture {
        Picture::Html => diagram.html(),
        Picture::Svg => diagram.svg_file(),
        Picture::Mermaid => diagram.mermaid(),
    }
}

/// Draws what a function made of a list; the list itself where it made none.
pub(super) fn draw_list(picture: Picture, before: &str, after: &str) -> String {
    let results = ResourceList::read(after.as_bytes());
    let results = results.ok().and_then(|list| list.results());
    let list = if after.is_empty() { before } else { after };
    draw(picture, list, &results.unwrap_or_default())
}
