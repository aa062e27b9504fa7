//! The paths as a drawing: a row of boxes for each, and below it what keeps a terminal from working.
//!
//! The state of a stop is said by a word, a sign and the line around it, and not by colour alone.
//! Every element has its colours as attributes; `drawing.css` has those of both themes, by class.

use std::fmt::Display;

use super::markup::Markup;
use super::{Diagram, State, Stop, TerminalPath, width};

/// Around all that is drawn.
const MARGIN: f64 = 24.0;
/// The width of a stop.
const BOX: f64 = 196.0;
/// The least height of one.
const LEAST_HEIGHT: f64 = 104.0;
/// Between the edge of a box and its text.
const INSET: f64 = 14.0;
/// The least between two boxes.
const GAP: f64 = 72.0;
/// Between the name of a runner and its row.
const HEADING: f64 = 36.0;
/// Between a row and its notes, with the point of a note's pointer in it.
const BELOW: f64 = 20.0;
/// Between the notes of two stops.
const BETWEEN_NOTES: f64 = 12.0;
/// The width of a note that has all the room.
const WIDEST_NOTE: f64 = 620.0;
/// Between two paths.
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
/// How much wider a bold letter is.
const BOLD: f64 = 1.12;

/// The themes' colours where no style sheet is.
mod colour {
    pub(super) const PANEL: &str = "#f6f7f9";
    pub(super) const SURFACE: &str = "#ffffff";
    pub(super) const TEXT: &str = "#1d2330";
    pub(super) const MUTED: &str = "#596275";
    pub(super) const LINE: &str = "#8a93a6";
}

impl State {
    fn colour(self) -> &'static str {
        match self {
            Self::Ready => "#1a7f37",
            Self::Configured => "#0b5cad",
            Self::Pending => "#8a5a00",
            Self::Broken => "#c0242b",
            Self::Off => "#596275",
        }
    }

    fn tint(self) -> &'static str {
        match self {
            Self::Ready | Self::Configured => "#ffffff",
            Self::Pending => "#fff4d6",
            Self::Broken => "#ffe9e9",
            Self::Off => "#eceff3",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Ready => "tp-ready",
            Self::Configured => "tp-configured",
            Self::Pending => "tp-pending",
            Self::Broken => "tp-broken",
            Self::Off => "tp-off",
        }
    }

    /// The dashes of the line around a stop; none for a whole line.
    fn dashes(self) -> &'static str {
        match self {
            Self::Ready | Self::Configured | Self::Broken => "none",
            Self::Pending => "6 4",
            Self::Off => "2 4",
        }
    }

    /// What stands in the round sign before the word.
    fn sign(self) -> &'static str {
        match self {
            Self::Ready => "M-3.2 0.2L-1 2.6L3.4 -2.4",
            Self::Configured => "M-2.8 -2.4H2.8M-2.8 0H2.8M-2.8 2.4H0.6",
            Self::Pending => "M0 -3.4V0.4L2.6 1.8",
            Self::Broken => "M-2.6 -2.6L2.6 2.6M2.6 -2.6L-2.6 2.6",
            Self::Off => "M-3.2 0H3.2",
        }
    }
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

/// Where everything stands.
struct Layout {
    gap: f64,
    width: f64,
    rows: Vec<Row>,
    height: f64,
}

/// Where a path stands.
struct Row {
    top: f64,
    height: f64,
    boxes: Vec<Content>,
    notes: Vec<Note>,
}

/// What stands in the box of a stop.
struct Content {
    name: Vec<String>,
    detail: Vec<String>,
}

impl Content {
    fn of(stop: &Stop) -> Self {
        let room = BOX - 2.0 * INSET;
        // Bold letters are wider.
        let name = if stop.name.is_empty() {
            width::name_lines(&stop.title, NAME * BOLD, room, 1)
        } else {
            width::name_lines(&stop.name, NAME * BOLD, room, 2)
        };
        let mut detail = Vec::new();
        if !stop.detail.is_empty() {
            detail = width::name_lines(&stop.detail, DETAIL, room, 2);
        }
        if is_said_inside(stop) {
            detail.extend(width::lines(&stop.explanation, DETAIL, room, 3));
        }
        Self { name, detail }
    }

    fn height(&self) -> f64 {
        let lines = NAME_LINE * self.name.len() as f64 + DETAIL_LINE * self.detail.len() as f64;
        (lines + 72.0).max(LEAST_HEIGHT)
    }
}

/// A session server that is off is not a problem: it has no note.
fn is_said_inside(stop: &Stop) -> bool {
    stop.state == State::Off
}

/// What is said below a stop.
struct Note {
    stop: usize,
    left: f64,
    width: f64,
    /// The top of its text, and that of its box.
    top: f64,
    height: f64,
    lines: Vec<String>,
}

impl Layout {
    fn of(diagram: &Diagram) -> Self {
        let links = diagram.paths.iter().flat_map(|path| &path.links);
        let labels = links.flat_map(|link| link.split(", "));
        let widest = labels
            .map(|label| width::of(label, LABEL))
            .fold(0.0, f64::max);
        let gap = (widest + 16.0).clamp(GAP, 140.0).ceil();
        let most = diagram.paths.iter().map(|path| path.stops.len()).max();
        let most = most.unwrap_or(4);
        let mut layout = Self {
            gap,
            width: 2.0 * MARGIN + left(most, gap) - gap - MARGIN,
            rows: Vec::new(),
            height: MARGIN,
        };
        for path in &diagram.paths {
            let top = layout.height;
            let boxes: Vec<Content> = path.stops.iter().map(Content::of).collect();
            let height = boxes.iter().map(Content::height).fold(0.0, f64::max);
            let notes = layout.notes(path, top + HEADING + height + BELOW);
            let below = notes.iter().map(|note| note.height).fold(0.0, f64::max);
            let below = if notes.is_empty() { 0.0 } else { BELOW + below };
            layout.height = top + HEADING + height + below + BETWEEN_PATHS;
            layout.rows.push(Row {
                top,
                height,
                boxes,
                notes,
            });
        }
        layout.height += MARGIN - BETWEEN_PATHS;
        layout
    }

    fn left(&self, stop: usize) -> f64 {
        left(stop, self.gap)
    }

    fn middle(&self, stop: usize) -> f64 {
        self.left(stop) + BOX / 2.0
    }

    /// The notes of a path, side by side, each below its stop: the room between two is shared.
    fn notes(&self, path: &TerminalPath, top: f64) -> Vec<Note> {
        let stops = path.stops.iter().enumerate();
        let told: Vec<(usize, &Stop)> = stops
            .filter(|(_, stop)| !stop.explanation.is_empty() && !is_said_inside(stop))
            .collect();
        let edges = |place: usize, own: f64| {
            let middle_of = |place: usize| told.get(place).map(|(stop, _)| self.middle(*stop));
            let before = place.checked_sub(1).and_then(middle_of);
            let left = before.map_or(MARGIN, |before| (before + own + BETWEEN_NOTES) / 2.0);
            let right = middle_of(place + 1).map_or(self.width - MARGIN, |after| {
                (own + after - BETWEEN_NOTES) / 2.0
            });
            (left, right)
        };
        let note = |(place, (stop, told)): (usize, &(usize, &Stop))| {
            let middle = self.middle(*stop);
            let (left, right) = edges(place, middle);
            let most = (right - left).min(WIDEST_NOTE);
            let left = (middle - most / 2.0).clamp(left, right - most);
            let lines = width::lines(&told.explanation, NOTE, most - 2.0 * INSET, MOST_LINES);
            let widest = lines.iter().map(|line| width::of(line, NOTE));
            let heading = width::of(&heading(told), NOTE) * BOLD;
            let widest = widest.fold(heading, f64::max) + 2.0 * INSET;
            // A short text needs no wide box, and the pointer stays over it.
            let width = widest.min(most).max(BOX.min(most));
            let left = (middle - width / 2.0).clamp(left, left + most - width);
            Note {
                stop: *stop,
                left,
                width,
                top,
                height: 16.0 + LINE * (lines.len() as f64 + 1.0),
                lines,
            }
        };
        told.iter().enumerate().map(note).collect()
    }
}

fn left(stop: usize, gap: f64) -> f64 {
    MARGIN + stop as f64 * (BOX + gap)
}

fn heading(stop: &Stop) -> String {
    format!("{}: {}", stop.title, stop.state.word())
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
        markup.style(include_str!("drawing.css"));
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

fn draw(markup: &mut Markup, layout: &Layout, path: &TerminalPath, row: &Row) {
    let room = layout.width - 2.0 * MARGIN;
    markup.element("g").open();
    markup.element("title").text(&path.runner);
    text(markup, "tp-text", (MARGIN, row.top + 16.0), 15.0)
        .with("font-weight", 600)
        .with("fill", colour::TEXT)
        .text(&width::fitted(&path.runner, 15.0 * BOLD, room));
    markup.end();
    let top = row.top + HEADING;
    for (index, link) in path.links.iter().enumerate() {
        let to = path
            .stops
            .get(index + 1)
            .map_or(State::Configured, |stop| stop.state);
        let from = layout.left(index) + BOX;
        draw_link(markup, (from, top + row.height / 2.0), layout.gap, link, to);
    }
    let stops = path.stops.iter().zip(&row.boxes);
    for (index, (stop, content)) in stops.enumerate() {
        draw_stop(markup, (layout.left(index), top), row.height, stop, content);
    }
    for note in &row.notes {
        if let Some(stop) = path.stops.get(note.stop) {
            let points_at = Some(layout.middle(note.stop));
            let heading = heading(stop);
            note_box(
                markup,
                note,
                points_at,
                stop.state,
                &heading,
                &stop.explanation,
            );
        }
    }
}

fn draw_link(markup: &mut Markup, (x, y): (f64, f64), gap: f64, link: &str, to: State) {
    let end = x + gap - 5.0;
    markup.element("g").open();
    markup.element("title").text(link);
    markup
        .element("path")
        .with("class", "tp-link")
        .with("d", format!("M{} {y}H{}", x + 5.0, end - 6.0))
        .with("stroke", colour::LINE)
        .with("stroke-width", 1.5)
        .with("stroke-dasharray", to.dashes_of_link())
        .empty();
    markup
        .element("path")
        .with("class", "tp-arrow")
        .with("d", format!("M{end} {y}l-8 -4.5v9z"))
        .with("fill", colour::LINE)
        .empty();
    let (above, below) = link.split_once(", ").unwrap_or((link, ""));
    for (label, y) in [(above, y - 8.0), (below, y + 17.0)] {
        if !label.is_empty() {
            text(markup, "tp-muted", (x + gap / 2.0, y), LABEL)
                .with("text-anchor", "middle")
                .with("fill", colour::MUTED)
                .text(&width::fitted(label, LABEL, gap - 8.0));
        }
    }
    markup.end();
}

impl State {
    fn dashes_of_link(self) -> &'static str {
        match self {
            Self::Ready | Self::Configured => "none",
            Self::Pending | Self::Broken | Self::Off => "4 4",
        }
    }
}

fn draw_stop(markup: &mut Markup, (x, y): (f64, f64), height: f64, stop: &Stop, content: &Content) {
    let state = stop.state;
    markup.element("g").with("class", state.class()).open();
    markup.element("title").text(&described(stop));
    rectangle(markup, "tp-box tp-edge", (x, y), (BOX, height))
        .with("rx", 10)
        .with("fill", colour::SURFACE)
        .with("stroke", state.colour())
        .with(
            "stroke-width",
            if state == State::Broken { 2.5 } else { 1.5 },
        )
        .with("stroke-dasharray", state.dashes())
        .empty();
    let x = x + INSET;
    let mut line = y + 10.0;
    if !stop.name.is_empty() {
        line += 15.0;
        text(markup, "tp-muted", (x, line), TITLE)
            .with("fill", colour::MUTED)
            .text(&width::fitted(&stop.title, TITLE, BOX - 2.0 * INSET));
        line += 3.0;
    }
    for name in &content.name {
        line += NAME_LINE;
        text(markup, "tp-text", (x, line), NAME)
            .with("font-weight", 600)
            .with("fill", colour::TEXT)
            .text(name);
    }
    line += 3.0;
    for detail in &content.detail {
        line += DETAIL_LINE;
        text(markup, "tp-muted", (x, line), DETAIL)
            .with("fill", colour::MUTED)
            .text(detail);
    }
    draw_state(markup, (x, y + height - 18.0), state);
    markup.end();
}

fn draw_state(markup: &mut Markup, (x, y): (f64, f64), state: State) {
    markup
        .element("circle")
        .with("class", "tp-fill")
        .with("cx", x + 6.5)
        .with("cy", y)
        .with("r", 6.5)
        .with("fill", state.colour())
        .empty();
    markup
        .element("path")
        .with("class", "tp-sign")
        .with("d", state.sign())
        .with("transform", format!("translate({} {y})", x + 6.5))
        .with("fill", "none")
        .with("stroke", colour::SURFACE)
        .with("stroke-width", 1.6)
        .with("stroke-linecap", "round")
        .with("stroke-linejoin", "round")
        .empty();
    text(markup, "tp-fill", (x + 19.0, y + 4.0), DETAIL)
        .with("font-weight", 600)
        .with("fill", state.colour())
        .text(state.word());
}

fn note_box(
    markup: &mut Markup,
    note: &Note,
    points_at: Option<f64>,
    state: State,
    heading: &str,
    explanation: &str,
) {
    markup.element("g").with("class", state.class()).open();
    markup.element("title").text(explanation);
    let (x, y) = (note.left, note.top);
    rectangle(markup, "tp-note", (x, y), (note.width, note.height))
        .with("rx", 8)
        .with("fill", state.tint())
        .empty();
    if let Some(middle) = points_at {
        markup
            .element("path")
            .with("class", "tp-note")
            .with("d", format!("M{} {y}l9 -10l9 10z", middle - 9.0))
            .with("fill", state.tint())
            .empty();
    }
    let x = x + INSET;
    text(markup, "tp-fill", (x, y + 21.0), NOTE)
        .with("font-weight", 600)
        .with("fill", state.colour())
        .text(heading);
    for (index, line) in note.lines.iter().enumerate() {
        let y = y + 21.0 + LINE * (index as f64 + 1.0);
        text(markup, "tp-text", (x, y), NOTE)
            .with("fill", colour::TEXT)
            .text(line);
    }
    markup.end();
}

fn rectangle<'m>(
    markup: &'m mut Markup,
    class: &'static str,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
) -> super::markup::Element<'m> {
    let element = markup.element("rect").with("class", class);
    let element = element.with("x", x).with("y", y);
    element.with("width", width).with("height", height)
}

fn text<'m>(
    markup: &'m mut Markup,
    class: &'static str,
    (x, y): (f64, f64),
    size: impl Display,
) -> super::markup::Element<'m> {
    let element = markup.element("text").with("class", class);
    element.with("x", x).with("y", y).with("font-size", size)
}
