//! What the fuzzers have found (`cargo xtask fuzz`), each as small as it gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "judge/libyaml.rs"]
mod libyaml;

use json_patch::jsonptr;
use krm::documents::to_resource_list;
use krm::resource_list::{Changes, ReadError, ResourceList};
use krm::results::FunctionResult;
use runner_terminal::session_server::config_file::{ADVERTISE_ADDRESS, ConfigFile, LISTEN_ADDRESS};
use serde_json::json;

/// To YAML a carriage return ends a line, and the quick reader of lists looked for line feeds: it
/// took this for a list of one item whose kind is `A\r  metadata: {name: b}`.
#[test]
fn a_lone_carriage_return_in_an_item_is_left_to_the_parser() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n\
                - kind: A\r  metadata: {name: b}\n- kind: C\n";
    let list = ResourceList::read(list.as_bytes()).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list.head(0), ("A", "b", ""));
}

/// Between items it would make lines of which only the parser knows.
#[test]
fn a_lone_carriage_return_between_items_is_refused_with_its_line() {
    let head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";
    for (items, line) in [
        ("items:\n- kind: A\r- kind: B\n", 4),
        ("items:\r- kind: A\n", 3),
        ("note: a\ritems: []\n", 3),
    ] {
        let text = format!("{head}{items}");
        let Err(ReadError::NotYaml(error)) = ResourceList::read(text.as_bytes()) else {
            panic!("{text:?} is read");
        };
        assert_eq!(error.line, line, "{text:?}");
        assert!(error.message.contains("carriage return"), "{error}");
    }
}

/// The one in a text is the text's own.
#[test]
fn a_lone_carriage_return_in_a_scalar_is_no_matter() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n\
                - kind: A\n  data: \"a\r    b\"\n- kind: B\n  data: |\n    a\r    b\n- kind: C\n";
    assert_eq!(ResourceList::read(list.as_bytes()).unwrap().len(), 3);
}

#[test]
fn a_carriage_return_before_a_line_end_is_a_lone_one_in_manifests_too() {
    let refused = to_resource_list(&[("a.yaml", "a: 1\r\r\nb: 2\n")], "kind: SessionServer\n");
    assert!(refused.unwrap_err().to_string().contains("a.yaml:1: "));
}

/// A byte order mark was lost with an edit in a table that is there.
#[test]
fn config_toml_keeps_its_byte_order_mark() {
    let text = "\u{feff}[session_server]\nlisten_address = \"a:1\"\n";
    let mut config = ConfigFile::parse(text).unwrap();
    config.set(&[(ADVERTISE_ADDRESS, json!("b:2"))]);
    assert_eq!(
        config.text(),
        format!("{text}advertise_address = \"b:2\"\n")
    );
    config.unset(&[ADVERTISE_ADDRESS], false);
    assert_eq!(config.text(), text);
}

/// A last line without an end got one, and it stayed when all else was taken back.
#[test]
fn config_toml_keeps_a_last_line_without_an_end() {
    let text = "[session_server]\nlisten_address = \"a:1\"";
    let mut config = ConfigFile::parse(text).unwrap();
    config.set(&[(LISTEN_ADDRESS, json!("b:2"))]);
    assert_eq!(config.text(), text.replace("a:1", "b:2"));
    config.set(&[(LISTEN_ADDRESS, json!("a:1"))]);
    assert_eq!(config.text(), text);
}

/// The results stood at the start of the line, and the output was no YAML.
#[test]
fn results_stand_below_each_other_with_the_keys_of_an_indented_list() {
    let list = "  apiVersion: config.kubernetes.io/v1\n  kind: ResourceList\n";
    for (results, rest) in [
        ("", ""),
        ("  results: []\n", ""),
        ("  ? results\n  : []\n", "  note: a\n"),
    ] {
        let output = runner_terminal::run(format!("{list}{results}{rest}").as_bytes()).text();
        let value: yaml_serde::Value = yaml_serde::from_str(&output).unwrap();
        assert_eq!(value["results"][0]["severity"], "error", "{output}");
        assert!(
            output.starts_with(list) && output.contains(rest),
            "{output}"
        );
    }
}

/// A list in braces was known by its first byte, so that behind a comment it got results in block style,
/// which is no YAML.
#[test]
fn a_list_in_braces_gets_its_results_inside() {
    let member = r#""kind": "ResourceList", "apiVersion": "config.kubernetes.io/v1", "items": []"#;
    for (before, after) in [
        ("", "}"),
        ("\u{feff}", "}\n"),
        ("# A comment.\n", "\n}\n"),
        ("---\n", "}\n"),
        ("--- ", "}\n...\n"),
        ("%YAML 1.2\n---\n", "}"),
        ("!!map ", "}"),
        ("&list ", "}"),
        ("", ",}"),
        ("", ",\n  # A comment with a }.\n}"),
        ("", " # A comment.\n}"),
        ("\n\n  ", ", a: }"),
        ("", ", a: ,}"),
        ("", ", a }"),
        ("", ", ? a }"),
        ("", ", \"a\":b}"),
    ] {
        for earlier in ["", r#", "results": [{"message": "earlier"}]"#] {
            let text = format!("{before}{{{member}{earlier}{after}");
            let list = ResourceList::read(text.as_bytes()).unwrap();
            let results = [FunctionResult::info("new")];
            let written = list.write(&Changes::default(), &results).unwrap();
            let written = written.pieces.concat();
            let list = ResourceList::read(written.as_bytes())
                .unwrap_or_else(|error| panic!("{text}\n=>\n{written}\n{error}"));
            let results = list.results().unwrap();
            assert_eq!(results.len(), 1, "{text}\n=>\n{written}");
            assert_eq!(results[0]["message"], "new", "{written}");
            assert!(
                written.starts_with(&format!("{before}{{{member}")),
                "{written}"
            );
            assert!(written.ends_with(after) || after.contains('a'), "{written}");
        }
    }
}

/// Unicode has more blanks than YAML: a name may end with one of these, and was read without it.
#[test]
fn blanks_of_unicode_are_no_blanks_of_yaml() {
    for blank in ['\u{a0}', '\u{3000}', '\u{2003}'] {
        let list = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n\
             - kind: A\n  metadata:\n    name: b{blank}\n- kind: A\n  metadata: {blank}\n"
        );
        let list = ResourceList::read(list.as_bytes()).unwrap();
        assert_eq!(list.head(0), ("A", &*format!("b{blank}"), ""));
        assert_eq!(list.head(1), ("A", "", ""));
    }
}

/// A key that gets its first value needs a `?` where a reader would not see that it goes on: YAML 1.1 has
/// more line breaks, and a key has at most 1024 characters.
#[test]
fn a_key_in_braces_that_gets_a_value_stays_one_key() {
    let long = "k".repeat(1100);
    for key in [
        "a",
        "a\n b",
        "\\\u{2028}&",
        "a\u{2029}b",
        "a\u{85}b",
        "\"a\u{2028}b\"",
        &long,
        &format!("\"{long}\""),
        &format!("? {long}"),
    ] {
        let text = format!("{{{key}}}");
        let before = libyaml::value(&text, |key| Some(key.to_string())).unwrap();
        let (name, _) = before.as_object().unwrap().iter().next().unwrap();
        let path = jsonptr::PointerBuf::from_tokens([name]);
        let operation = json!({"op": "replace", "path": path, "value": "new"});
        let written = yaml_splice::apply(&text, &[serde_json::from_value(operation).unwrap()]);
        let tree = yaml_splice::Tree::parse(&text).unwrap();
        if tree.value_of(tree.root().unwrap()).as_ref() != Ok(&before) {
            // The readers do not agree on the key itself: it folds to libyaml alone.
            assert!(written.is_err(), "{text}");
            continue;
        }
        let written = written.unwrap();
        let after = libyaml::value(&written, |key| Some(key.to_string()));
        assert_eq!(after, Some(json!({ name: "new" })), "{written}");
    }
}

/// Each byte of the file but those of the keys stays, also where its line ends differ, and dotted keys
/// stand apart.
#[test]
fn config_toml_is_spliced() {
    for text in [
        "a = 1\r\nb = 2\n",
        "session_server.sub.x = 1\na = 1\nsession_server.listen_address = ':1'\nb = 2\n",
        "[session_server] # c",
        "[session_server]\n# c",
        "a = 1\r\n# c",
        "[[runners]]\nname = '''\n[session_server]\n'''",
    ] {
        let mut config = ConfigFile::parse(text).unwrap();
        let had_table = config.has_table();
        let settings = [
            ("session_timeout", json!(9)),
            (ADVERTISE_ADDRESS, json!("b:2")),
        ];
        config.set(&settings);
        let edited = config.text().to_owned();
        assert_ne!(edited, text);
        config.set(&settings);
        assert_eq!(config.text(), edited);
        config.unset(&["session_timeout", ADVERTISE_ADDRESS], !had_table);
        assert_eq!(config.text(), text, "{edited}");
    }
}
