//! Draws the path that a terminal takes.

use serde_json::Value;
use view::diagram::Diagram;

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
