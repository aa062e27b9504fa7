//! The paths as a drawing: a row of boxes for each, and below it what keeps a terminal from working.
//!
//! The state of a stop is said by a word, a sign and the line around it, and not by colour alone.
//! Every element has its colours as attributes; `drawing.css` has those of both themes, by class.

mod draw;
mod layout;
mod state;

use super::markup::Markup;
use super::{Diagram, State, Stop, width};
use draw::{draw, note_box, rectangle};
use layout::{Layout, Note};

/// The margin around the drawing.
const MARGIN: f64 = 24.0;

/// The width of a stop.
const BOX: f64 = 196.0;

/// The minimum height of a stop.
const LEAST_HEIGHT: f64 = 104.0;

/// The padding between the edge of a box and its text.
const INSET: f64 = 14.0;

/// The minimum gap between two boxes.
const GAP: f64 = 72.0;

/// The space between the name of a runner and its row.
const HEADING: f64 = 36.0;

/// The space between a row and its notes, including the tip of a note's pointer.
const BELOW: f64 = 20.0;

/// The space between the notes of two stops.
const BETWEEN_NOTES: f64 = 12.0;

/// The maximum width of a note.
const WIDEST_NOTE: f64 = 620.0;

/// The space between two paths.
const BETWEEN_PATHS: f64 = 36.0;

/// The lines of a note; the rest of a longer explanation is in its title.
const MOST_LINES: usize = 14;

const LINE: f64 = 18.0;

const TITLE: f64 = 11.5;

const NAME: f64 = 13.5;

const DETAIL: f64 = 12.0;

const NOTE: f64 = 12.5;

const LABEL: f64 = 11.0;

const NAME_LINE: f64 = 17.0;

const DETAIL_LINE: f64 = 16.0;

/// How much wider bold letters are.
const BOLD: f64 = 1.12;

/// The colours to use without a style sheet.
mod colour {
    pub(super) const PANEL: &str = "#f6f7f9";
    pub(super) const SURFACE: &str = "#ffffff";
    pub(super) const TEXT: &str = "#1d2330";
    pub(super) const MUTED: &str = "#596275";
    pub(super) const LINE: &str = "#8a93a6";
}

/// The drawing as an element of a page.
pub(super) fn element(diagram: &Diagram) -> String {
    let mut markup = Markup::after("");
    append(&mut markup, diagram, false);
    markup.finish()
}

/// The drawing as a file, with the colours of both themes.
pub(super) fn file(diagram: &Diagram) -> String {
    let mut markup = Markup::after("");
    append(&mut markup, diagram, true);
    markup.finish()
}

pub(super) fn append(markup: &mut Markup, diagram: &Diagram, has_style: bool) {
    let mut layout = Layout::of(diagram);
    let problem = width::lines(
        &diagram.problem,
        NOTE,
        layout.width - 2.0 * MARGIN - 2.0 * INSET,
        MOST_LINES,
    );
    if diagram.paths.is_empty() {
        layout.height = 2.0 * MARGIN + 16.0 + LINE * (problem.len() as f64 + 1.0);
    }
    let (width, height) = (layout.width, layout.height);
    markup
        .element("svg")
        .with("xmlns", "http://www.w3.org/2000/svg")
        .with("class", "terminal-path")
        .with("viewBox", format!("0 0 {width} {height}"))
        .with("width", width)
        .with("height", height)
        .with("role", "img")
        .with("font-family", "system-ui, sans-serif")
        .open();
    markup.element("title").text(&title(diagram));
    markup.element("desc").text(&description(diagram));
    if has_style {
        markup.style(include_str!("../drawing.css"));
    }
    rectangle(markup, "tp-panel", (0.0, 0.0), (width, height))
        .with("rx", 12)
        .with("fill", colour::PANEL)
        .empty();
    if diagram.paths.is_empty() {
        let note = Note {
            stop: 0,
            left: MARGIN,
            width: width - 2.0 * MARGIN,
            top: MARGIN,
            height: height - 2.0 * MARGIN,
            lines: problem,
        };
        note_box(
            markup,
            &note,
            None,
            State::Broken,
            "No path",
            &diagram.problem,
        );
    }
    for (path, row) in diagram.paths.iter().zip(&layout.rows) {
        draw(markup, &layout, path, row);
    }
    markup.end();
}

fn title(diagram: &Diagram) -> String {
    let runners: Vec<&str> = diagram
        .paths
        .iter()
        .map(|path| path.runner.as_str())
        .collect();
    if runners.is_empty() {
        return "No terminal has a path".to_owned();
    }
    format!("The path of a terminal to {}", runners.join(", "))
}

/// The drawing as text, for screen readers.
fn description(diagram: &Diagram) -> String {
    let mut sentences = Vec::new();
    if !diagram.problem.is_empty() {
        sentences.push(diagram.problem.clone());
    }
    for path in &diagram.paths {
        let stops: Vec<String> = path.stops.iter().map(described).collect();
        sentences.push(format!("{}: {}", path.runner, stops.join("; then ")));
    }
    format!("{}.", sentences.join(". "))
}

fn described(stop: &Stop) -> String {
    let mut text = stop.title.clone();
    for part in [&stop.name, &stop.detail] {
        if !part.is_empty() {
            text.push_str(&format!(" {part}"));
        }
    }
    text.push_str(&format!(", {}", stop.state.word()));
    if !stop.explanation.is_empty() {
        text.push_str(&format!(" ({})", stop.explanation));
    }
    text
}
