//! The shapes of the drawing.

use super::colour;
use super::layout::{Content, Layout, Note, Row, heading};
use super::{
    BOLD, BOX, DETAIL, DETAIL_LINE, HEADING, INSET, LABEL, LINE, MARGIN, NAME, NAME_LINE, NOTE,
    TITLE, described,
};
use crate::diagram::markup::Markup;
use crate::diagram::{State, Stop, TerminalPath, width};
use std::fmt::Display;

pub(super) fn draw(markup: &mut Markup, layout: &Layout, path: &TerminalPath, row: &Row) {
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

pub(super) fn draw_link(markup: &mut Markup, (x, y): (f64, f64), gap: f64, link: &str, to: State) {
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

pub(super) fn draw_stop(
    markup: &mut Markup,
    (x, y): (f64, f64),
    height: f64,
    stop: &Stop,
    content: &Content,
) {
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

pub(super) fn draw_state(markup: &mut Markup, (x, y): (f64, f64), state: State) {
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

pub(super) fn note_box(
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

pub(super) fn rectangle<'m>(
    markup: &'m mut Markup,
    class: &'static str,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
) -> crate::diagram::markup::Element<'m> {
    let element = markup.element("rect").with("class", class);
    let element = element.with("x", x).with("y", y);
    element.with("width", width).with("height", height)
}

pub(super) fn text<'m>(
    markup: &'m mut Markup,
    class: &'static str,
    (x, y): (f64, f64),
    size: impl Display,
) -> crate::diagram::markup::Element<'m> {
    let element = markup.element("text").with("class", class);
    element.with("x", x).with("y", y).with("font-size", size)
}
