//! No text of a user's becomes more than text in a drawing or on a page.

#![no_main]

#[path = "../../tests/hostile_list/mod.rs"]
mod hostile_list;

use fuzz::{mutate, tape};
use hostile_list::list;
use html5gum::{Token, Tokenizer};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Value, json};
use view::diagram::Diagram;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::lines(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let Some((text, mut choices)) = tape::split(input) else {
        return;
    };
    if choices.arbitrary().unwrap_or(true) {
        // In every name of a list.
        let results = [
            json!({"message": text, "severity": "warning", "field": {"path": text},
            "resourceRef": {"kind": "Deployment", "name": text, "namespace": text}}),
        ];
        check(&Diagram::of(&list(text), &results));
    } else {
        // As the list itself, with what the function says of it.
        let outcome = runner_terminal::run(text.as_bytes());
        let results: Vec<Value> = outcome
            .results()
            .iter()
            .map(|result| json!(result))
            .collect();
        check(&Diagram::of(&outcome.text(), &results));
        check(&Diagram::of(text, &results));
    }
});

const ELEMENTS: &[&str] = &[
    "svg", "title", "desc", "g", "rect", "path", "circle", "text", "style", "html", "head", "meta",
    "body", "main", "h1", "h2", "figure", "section", "ol", "ul", "li", "strong", "span", "p",
];

fn check(diagram: &Diagram) {
    for svg in [diagram.svg(), diagram.svg_file()] {
        let document = roxmltree::Document::parse(&svg);
        let document = document.unwrap_or_else(|error| panic!("{error}\n{svg}"));
        for node in document.descendants() {
            assert!(!node.is_comment() && !node.is_pi(), "{svg}");
            let is_ours = !node.is_element() || ELEMENTS.contains(&node.tag_name().name());
            assert!(is_ours, "{node:?}\n{svg}");
            let attributes = node.attributes();
            for attribute in attributes {
                let name = attribute.name();
                assert!(
                    !name.starts_with("on") && !name.contains("href"),
                    "{attribute:?}"
                );
                assert!(
                    !attribute.value().contains([':', '<', '"']),
                    "{attribute:?}"
                );
            }
        }
    }
    let page = diagram.html();
    let mut inside = Vec::new();
    for Ok(token) in Tokenizer::new(&page) {
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                assert!(ELEMENTS.contains(&&*name), "<{name}>\n{page}");
                for name in tag.attributes.keys() {
                    assert!(
                        !name.starts_with(b"on") && !name.ends_with(b"href"),
                        "{page}"
                    );
                }
                if !tag.self_closing {
                    inside.push(name);
                }
            }
            Token::EndTag(tag) => {
                let open = inside.pop();
                assert_eq!(
                    open.as_deref().map(str::as_bytes),
                    Some(&**tag.name),
                    "{page}"
                );
            }
            Token::String(_) | Token::Doctype(_) => {}
            other => panic!("{other:?}\n{page}"),
        }
    }
    assert!(inside.is_empty(), "{inside:?}");
    for line in diagram.mermaid().lines() {
        assert!(
            matches!(line.matches('"').count(), 0 | 2) || line.starts_with("%%{init"),
            "{line}"
        );
    }
}
