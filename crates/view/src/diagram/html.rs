//! The paths as a standalone page: the drawing, its contents as lists, and the results.
//!
//! It loads nothing and runs nothing, and has a content security policy to enforce that: the only
//! allowed style sheet is identified by its hash.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::markup::Markup;
use super::said::Said;
use super::{Diagram, Stop, TerminalPath, svg};

const STYLE: &str = concat!(include_str!("page.css"), include_str!("drawing.css"));

/// Writes the page.
pub(super) fn page(diagram: &Diagram) -> String {
    let mut markup = Markup::after("<!doctype html>\n");
    markup.element("html").with("lang", "en").open();
    head(&mut markup);
    markup.element("body").open();
    markup.element("main").open();
    markup.element("h1").text("The path of a terminal");
    markup.element("figure").open();
    svg::append(&mut markup, diagram, false);
    markup.end();
    if !diagram.problem.is_empty() {
        markup.element("h2").text("No path");
        markup.element("p").text(&diagram.problem);
    }
    for path in &diagram.paths {
        append(&mut markup, path);
    }
    results(&mut markup, &diagram.results);
    markup.finish()
}

fn head(markup: &mut Markup) {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    markup.element("head").open();
    markup.element("meta").with("charset", "utf-8").empty();
    markup
        .element("meta")
        .with("http-equiv", "Content-Security-Policy")
        .with("content", policy)
        .empty();
    markup
        .element("meta")
        .with("name", "viewport")
        .with("content", "width=device-width, initial-scale=1")
        .empty();
    markup.element("title").text("The path of a terminal");
    markup.style(STYLE);
    markup.end();
}

fn append(markup: &mut Markup, path: &TerminalPath) {
    markup.element("section").open();
    markup.element("h2").text(&path.runner);
    // Without a role, some screen readers do not announce a list without markers.
    markup.element("ol").with("role", "list").open();
    for stop in &path.stops {
        append_stop(markup, stop);
    }
    markup.end();
    markup.end();
}

fn append_stop(markup: &mut Markup, stop: &Stop) {
    let state = stop.state.word();
    markup.element("li").with("class", state).open();
    markup
        .element("strong")
        .text(&format!("{}: {state}", stop.title));
    let about = [stop.name.as_str(), stop.detail.as_str()];
    let about = about.into_iter().filter(|text| !text.is_empty());
    let about = about.collect::<Vec<_>>().join(", ");
    if !about.is_empty() {
        markup.element("span").with("class", "place").text(&about);
    }
    if !stop.explanation.is_empty() {
        markup.element("p").text(&stop.explanation);
    }
    markup.end();
}

fn results(markup: &mut Markup, results: &[Said]) {
    markup.element("section").open();
    markup.element("h2").text("Results");
    if results.is_empty() {
        markup
            .element("p")
            .text("The functions had nothing to say.");
    } else {
        markup.element("ul").with("role", "list").open();
    }
    for said in results {
        let severity = match said.severity.as_str() {
            "error" => "error",
            "warning" => "warning",
            _ => "info",
        };
        markup.element("li").with("class", severity).open();
        markup.element("strong").text(severity);
        markup
            .element("span")
            .with("class", "place")
            .text(&said.place());
        markup.element("p").text(&said.message);
        markup.end();
    }
}
