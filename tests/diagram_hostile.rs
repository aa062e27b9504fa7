//! User text is always escaped in every diagram.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod hostile_list;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use base64::Engine as _;
use hostile_list::list;
use html5gum::{Token, Tokenizer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use view::diagram::Diagram;

/// Texts that would become markup if they are not escaped somewhere.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onload='alert(1)",
        "]]><script>alert(1)</script>",
        "--><script>alert(1)</script><!--",
        "</title></desc></style></svg><script>alert(1)</script>",
        "\"]; click a href \"javascript:alert(1)\"",
        "\"]:::x\n  evil[\"",
        "%%{init: {\"securityLevel\": \"loose\"}}%%",
        "`**a**`",
        "&lt;script&gt;&#60;b&#62;",
        "#quot;#lt;script#gt;",
        "https://evil.example.com www.example.com a@example.com",
        "a\u{202e}b\u{2066}c\u{200f}\u{0}\u{7}\u{fffe}\u{85}",
        "a\nb\r\nc\td\u{2028}e",
        "ﬂ°°34¶ß",
        "- a\n1. b\n# c",
        "url(https://evil.example.com) ; color:red",
    ]
    .map(str::to_owned)
    .into();
    for long in ["<\"'&", "a-", "字", "a "] {
        texts.push(long.repeat(10_000 / long.len()));
    }
    texts
}

fn results(text: &str) -> Vec<Value> {
    vec![
        json!({"message": text, "severity": "warning", "file": {"path": text},
            "field": {"path": text},
            "resourceRef": {"kind": text, "name": text, "namespace": text}}),
        json!({"message": text, "severity": text}),
        json!({"message": text, "severity": "error",
            "resourceRef": {"kind": "Deployment", "name": text, "namespace": text}}),
    ]
}

/// Drawn once: ten kilobytes in each name take a while to read.
static DIAGRAMS: LazyLock<Vec<(String, Diagram)>> = LazyLock::new(diagrams);

fn diagrams() -> Vec<(String, Diagram)> {
    let mut all = Vec::new();
    for text in hostile() {
        let list = list(&text);
        let drawn = Diagram::of(&list, &results(&text));
        assert_eq!(drawn.paths.len(), 1, "{}", drawn.problem);
        let kinds: Vec<_> = drawn.paths[0]
            .stops
            .iter()
            .map(|stop| stop.kind.word())
            .collect();
        assert_eq!(kinds[3..], ["service", "pod"], "{text}");
        all.push((text.clone(), drawn));
        all.push((text.clone(), Diagram::of(&list, &[])));
        // A result without a resource is the reason that there is no path.
        let general = json!({"message": text, "severity": "error"});
        all.push((text.clone(), Diagram::of(&list, &[general])));
    }
    all
}

/// The elements of a drawing.
const ELEMENTS: &[&str] = &[
    "svg", "title", "desc", "g", "rect", "path", "circle", "text",
];
const ATTRIBUTES: &[&str] = &[
    "class",
    "cx",
    "cy",
    "d",
    "fill",
    "font-family",
    "font-size",
    "font-weight",
    "height",
    "r",
    "role",
    "rx",
    "stroke",
    "stroke-dasharray",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-width",
    "text-anchor",
    "transform",
    "viewBox",
    "width",
    "x",
    "y",
];

#[test]
fn a_drawing_holds_only_its_own_elements() {
    for (text, diagram) in DIAGRAMS.iter() {
        for (svg, elements) in [
            (diagram.svg(), ELEMENTS.to_vec()),
            (diagram.svg_file(), [ELEMENTS, &["style"]].concat()),
        ] {
            let document = roxmltree::Document::parse(&svg).expect(text);
            let mut said = String::new();
            for node in document.descendants() {
                assert!(!node.is_comment() && !node.is_pi(), "{text}");
                if node.is_element() {
                    let name = node.tag_name().name();
                    assert!(elements.contains(&name), "{text}: <{name}>");
                    for attribute in node.attributes() {
                        assert!(
                            ATTRIBUTES.contains(&attribute.name()),
                            "{text}: {attribute:?}"
                        );
                        let value = attribute.value();
                        let is_own = value
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || " .-#,()".contains(c));
                        assert!(is_own, "{text}: {attribute:?}");
                    }
                    if name == "title" {
                        said.push_str(node.text().unwrap_or_default());
                    }
                }
            }
            // The whole text is present, as text.
            let whole: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
            let said: String = said.chars().filter(|c| c.is_alphanumeric()).collect();
            assert!(said.contains(&whole), "{text}");
        }
    }
}

#[test]
fn a_page_holds_only_its_own_elements_and_its_one_style() {
    let own: BTreeSet<&str> = [
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "figure", "section",
        "ol", "ul", "li", "strong", "span", "p",
    ]
    .into_iter()
    .chain(ELEMENTS.iter().copied())
    .collect();
    let attributes: BTreeSet<&str> = ["lang", "charset", "http-equiv", "content", "name", "xmlns"]
        .into_iter()
        .chain(ATTRIBUTES.iter().copied())
        .collect();
    for (text, diagram) in DIAGRAMS.iter() {
        let page = diagram.html();
        let mut inside = Vec::new();
        let (mut policy, mut style) = (String::new(), String::new());
        for Ok(token) in Tokenizer::new(&page) {
            match token {
                Token::StartTag(tag) => {
                    let name = String::from_utf8(tag.name.to_vec()).unwrap();
                    // The tokenizer writes names in lower case.
                    assert!(own.contains(&*name), "{text}: <{name}>");
                    for (attribute, value) in &tag.attributes {
                        let attribute = String::from_utf8_lossy(attribute);
                        let is_own = attributes
                            .iter()
                            .any(|own| own.eq_ignore_ascii_case(&attribute));
                        assert!(is_own, "{text}: {attribute}");
                        if attribute == "content" && value.starts_with(b"default-src") {
                            policy = String::from_utf8_lossy(value).into_owned();
                        }
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
                        "{text}"
                    );
                }
                Token::String(said) => {
                    if inside.last().is_some_and(|name| name == "style") {
                        style.push_str(&String::from_utf8_lossy(&said));
                    }
                }
                Token::Doctype(_) => {}
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(inside.is_empty(), "{text}: {inside:?}");
        let hash = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(&style));
        assert!(policy.contains("default-src 'none';"), "{policy}");
        assert!(
            policy.contains(&format!("style-src 'sha256-{hash}'")),
            "{policy}"
        );
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
}

#[test]
fn a_flowchart_holds_only_its_own_lines() {
    let own = |line: &str| {
        let line = line.trim();
        let word = line.split([' ', '[']).next().unwrap_or_default();
        let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
        [
            "flowchart",
            "accTitle:",
            "subgraph",
            "direction",
            "end",
            "classDef",
            "problem",
            "browser",
            "gitlab",
            "ingress",
            "loadbalancer",
            "service",
            "pod",
        ]
        .contains(&stem)
    };
    for (text, diagram) in DIAGRAMS.iter() {
        let flowchart = diagram.mermaid();
        let head = "%%{init: {\"flowchart\": {\"wrappingWidth\": 420}}}%%\n";
        let flowchart = flowchart.strip_prefix(head).unwrap();
        for line in flowchart.lines() {
            assert!(own(line), "{text}: {line}");
            let parts: Vec<&str> = line.split('"').collect();
            assert!(matches!(parts.len(), 1 | 3), "{text}: {line}");
            let Some(label) = parts.get(1) else { continue };
            for part in label.split("<br/>") {
                let is_plain = |c: char| c.is_alphanumeric() || c == ' ' || ",.:/-#;".contains(c);
                assert!(part.chars().all(is_plain), "{text}: {part}");
                // Each `#` begins a character code, which `;` ends.
                for code in part.split('#').skip(1) {
                    let (number, _) = code.split_once(';').unwrap();
                    let number: u32 = number.parse().unwrap();
                    assert!(char::from_u32(number).is_some());
                }
                assert!(
                    !part.contains("://") && !part.contains("www."),
                    "{text}: {part}"
                );
            }
        }
    }
}
