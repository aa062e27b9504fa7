//! No text of a user's becomes more than text in a drawing or on a page.

#![no_main]

use fuzz::{mutate, tape};
use html5gum::{Token, Tokenizer};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use view::diagram::Diagram;
use serde_json::{Value, json};

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

/// A list in which everything that a user can name has this name.
fn list(text: &str) -> String {
    let metadata = |name: &str| {
        json!({"name": name, "namespace": text, "annotations": {
            "internal.config.kubernetes.io/path": text, text: text}})
    };
    let list = json!({
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(text),
                "data": {"config.toml": format!(
                    "[session_server]\nlisten_address = \"0.0.0.0:8093\"\nadvertise_address = {}\n",
                    toml_edit::Value::from(text))}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(text), "spec": {
                "template": {"metadata": {"labels": {"a": text}}, "spec": {
                    "containers": [{"name": text, "image": "gitlab-runner",
                        "volumeMounts": [{"name": text}]}],
                    "volumes": [{"name": text, "configMap": {"name": text}}],
                }},
            }},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata(&format!("{text}-x")),
                "spec": {"type": "ClusterIP", "selector": {"a": text}, "ports": [
                    {"name": "session-server", "port": 9000, "targetPort": text}]}},
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata(text),
                "spec": {"rules": [{"host": text, "http": {"paths": [
                    {"path": "/", "backend": {"service": {"name": format!("{text}-x")}}}]}}]}},
        ],
        "functionConfig": {"apiVersion": "runner-terminal.dev/v1alpha1", "kind": "SessionServer",
            "metadata": {"name": text}},
    });
    list.to_string()
}
