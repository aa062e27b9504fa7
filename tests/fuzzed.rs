//! Bugs that the fuzzers have found (`cargo xtask fuzz`), each with a minimal input.

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
use yaml_splice::YamlError;

/// Why a list is not YAML.
fn not_yaml(text: &str) -> YamlError {
    match ResourceList::read(text.as_bytes()) {
        Err(ReadError::NotYaml(error)) => error,
        Err(error) => panic!("{text:?}: {error}"),
        Ok(_) => panic!("{text:?} is read"),
    }
}

/// In YAML a carriage return ends a line, but the fast reader of lists only looked for line feeds: it
/// read this as a list of one item whose kind is `A\r  metadata: {name: b}`.
#[test]
fn a_lone_carriage_return_in_an_item_is_left_to_the_parser() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n\
                - kind: A\r  metadata: {name: b}\n- kind: C\n";
    let list = ResourceList::read(list.as_bytes()).unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list.head(0), ("A", "b", ""));
}

/// Between items it would end lines that only the parser sees.
#[test]
fn a_lone_carriage_return_between_items_is_refused_with_its_line() {
    let head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";
    for (items, line) in [
        ("items:\n- kind: A\r- kind: B\n", 4),
        ("items:\r- kind: A\n", 3),
        ("note: a\ritems: []\n", 3),
    ] {
        let text = format!("{head}{items}");
        let error = not_yaml(&text);
        assert_eq!(error.line, line, "{text:?}");
        assert!(error.message.contains("carriage return"), "{error}");
    }
}

/// One inside a scalar is part of the scalar.
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

/// A byte order mark was lost by an edit in an existing table.
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

/// A last line without a line ending got one, which stayed when everything else was undone.
#[test]
fn config_toml_keeps_a_last_line_without_an_end() {
    let text = "[session_server]\nlisten_address = \"a:1\"";
    let mut config = ConfigFile::parse(text).unwrap();
    config.set(&[(LISTEN_ADDRESS, json!("b:2"))]);
    assert_eq!(config.text(), text.replace("a:1", "b:2"));
    config.set(&[(LISTEN_ADDRESS, json!("a:1"))]);
    assert_eq!(config.text(), text);
}

/// The results were written at the start of the line, so the output was not YAML.
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

/// A list in braces was recognized by its first byte, so after a comment it got results in block
/// style, which is not YAML.
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

/// Unicode has more white space than YAML: a name may end with such a character, and was read
/// without it.
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

/// A key that gets its first value needs a `?` if a reader would otherwise not find its end: if it
/// has several lines, or more than 1024 characters.
#[test]
fn a_key_in_braces_that_gets_a_value_stays_one_key() {
    let long = "k".repeat(1100);
    for key in [
        "a",
        "a\n b",
        "\"a\n b\"",
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
        let written = written.unwrap();
        let after = libyaml::value(&written, |key| Some(key.to_string()));
        assert_eq!(after, Some(json!({ name: "new" })), "{written}");
    }
}

/// Every byte of the file except those of the keys stays the same, even if its line endings are
/// mixed, and dotted keys are scattered.
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

/// What is wrong with a text.
fn refused(text: &str) -> String {
    match yaml_splice::Tree::parse(text) {
        Ok(tree) => panic!("{text:?} is read as {:?}", tree.to_value()),
        Err(error) => error.to_string(),
    }
}

/// Kubernetes' readers implement YAML 1.1, which has more line breaks, and skip a byte order mark
/// at the start of any line: what is a comment for us could be a key for them.
#[test]
fn characters_that_are_breaks_to_some_readers_are_refused_with_their_place() {
    for (text, place, code) in [
        ("a: 1 # x\u{2028}b: 2\n", "line 1, column 9: ", "U+2028"),
        ("a: |\n  x\u{2029}  y\n", "line 2, column 4: ", "U+2029"),
        ("a:\n- b\u{85}c\n", "line 2, column 4: ", "U+0085"),
        ("\"a\u{85}\": 1 # \u{85}\n", "line 1, column 11: ", "U+0085"),
    ] {
        let why = refused(text);
        assert!(
            why.starts_with(place) && why.contains(code),
            "{text:?}: {why}"
        );
        assert!(why.contains("between double quotes"), "{why}");
    }
    for (text, place) in [
        ("é: 1\n\u{feff}b: 2\n", "line 2, column 1: "),
        ("# \u{feff}\na: 1\n", "line 1, column 3: "),
        ("\u{feff}\u{feff}a: 1\n", "line 1, column 2: "),
        ("a: b\u{feff}\n", "line 1, column 5: "),
    ] {
        let why = refused(text);
        assert!(
            why.starts_with(place) && why.contains("byte order mark"),
            "{text:?}: {why}"
        );
    }
    for text in [
        "\u{feff}a: é\n",
        "a: \"\\u2028\\u0085\\ufeff\"\n",
        "{\"a\u{2028}\": \"\u{2029} \u{85}\", \"b\": '\u{feff}'}\n",
        "a: \u{a0}\u{3000}\n",
    ] {
        assert!(yaml_splice::Tree::parse(text).is_ok(), "{text:?}");
    }
}

/// libyaml ends the name of an anchor at the first other character: it reads `&a: b` as an empty
/// key.
#[test]
fn names_of_anchors_that_readers_end_elsewhere_are_refused() {
    for text in [
        "&a: b\n",
        "a: &b.c d\n",
        "a: &é b\nc: *é\n",
        "- !!str &a/b c\n",
        "a: !t\n  &b+c {d: e}\n",
        "? &a: b\n: c\n",
        "a: [&b: c, d]\n",
    ] {
        let why = refused(text);
        assert!(
            why.contains("use only letters, digits, - and _"),
            "{text:?}: {why}"
        );
    }
    for text in [
        "a: &b-c_1 d\ne: *b-c_1\n",
        "a: &b !t # &c.d\n  e\n",
        "a: \"&b.c\"\n",
    ] {
        assert!(yaml_splice::Tree::parse(text).is_ok(), "{text:?}");
    }
}

/// go-yaml refuses a tag that does not fit, decodes `!!binary`, and reads `! 5` as a number.
#[test]
fn tags_that_readers_take_for_different_things_are_refused() {
    for text in [
        "a: !!int x\n",
        "a: !!int 1.5\n",
        "a: !!bool yes\n",
        "a: !!null x\n",
        "a: !!float .inf\n",
        "a: !!binary aGk=\n",
        "a: !!timestamp 2001-01-01\n",
        "a: !!unknown x\n",
        "a: ! 5\n",
        "a: ! \"true\"\n",
        "a: !<tag:yaml.org,2002:int> 7\n",
        "- !!merge <<\n",
    ] {
        let why = refused(text);
        assert!(why.contains("remove the tag"), "{text:?}: {why}");
    }
    for text in [
        "!!set {a, b}\n",
        "!!omap\n- a: 1\n",
        "a: !!seq {b: c}\n",
        "!!str [a]\n",
    ] {
        assert!(refused(text).contains("remove the tag"), "{text:?}");
    }
    for (text, value) in [
        ("!!map {a: !!seq [b]}\n", json!({"a": ["b"]})),
        ("!!int \"7\"\n", json!(7)),
        ("!!str 7\n", json!("7")),
        ("!<tag:yaml.org,2002:str> 7\n", json!("7")),
        ("!!float 7\n", json!(7)),
        ("!!null ~\n", json!(null)),
        ("!!bool true\n", json!(true)),
        ("! text\n", json!("text")),
        ("!own 5\n", json!("5")),
        ("!!str\n", json!("")),
    ] {
        let tree = yaml_splice::Tree::parse(text).unwrap();
        assert_eq!(tree.to_value().unwrap(), value, "{text}");
    }
}

/// What cannot be merged was silently left out; go-yaml refuses it.
#[test]
fn merges_of_what_is_no_mapping_are_refused() {
    for text in [
        "<<: a\n",
        "<<:\n",
        "<<: [a]\n",
        "<<: [[{a: 1}]]\n",
        "a: &x [{b: 1}]\nc:\n  <<: *x\n",
        "a: {<<: 5}\n",
    ] {
        let why = refused(text);
        assert!(why.contains("quote it if it is a name"), "{text:?}: {why}");
    }
    assert!(refused("!!str <<: {a: 1}\n").contains("remove the tag"));
    for (text, value) in [
        ("<<: {a: 1}\nb: 2\n", json!({"b": 2, "a": 1})),
        ("<<: [{a: 1}, {a: 2}]\n", json!({"a": 1})),
        ("\"<<\": a\n", json!({"<<": "a"})),
        ("'<<': {a: 1}\n", json!({"<<": {"a": 1}})),
    ] {
        let tree = yaml_splice::Tree::parse(text).unwrap();
        assert_eq!(tree.to_value().unwrap(), value, "{text}");
    }
}

/// A key named `<<` is quoted, so that it merges nothing.
#[test]
fn a_new_key_may_be_named_like_a_merge() {
    for text in ["a: 1\n", "{a: 1}\n", "{\"a\": 1}\n"] {
        let operation = json!({"op": "add", "path": "/<<", "value": {"<<": 2}});
        let written = yaml_splice::apply(text, &[serde_json::from_value(operation).unwrap()]);
        let written = written.unwrap();
        assert_eq!(
            written.matches("\"<<\": ").count() + written.matches("\"<<\":\n").count(),
            2,
            "{written}"
        );
        let tree = yaml_splice::Tree::parse(&written).unwrap();
        assert_eq!(tree.to_value().unwrap(), json!({"a": 1, "<<": {"<<": 2}}));
    }
}

/// The parser refuses an escape of a surrogate, which JSON has for a character above U+FFFF. Half a pair
/// is no character.
#[test]
fn surrogate_pairs_of_json_are_read_in_any_item() {
    let items = r#"{"kind": "A", "metadata": {"name": "a", "annotations": {"b": "\ud83d\ude80"}}}"#;
    let own = r#"{"kind": "\uD83D\uDE80", "metadata": {"name": "x\ud83d\ude80"}}"#;
    let version = "config.kubernetes.io/v1";
    for list in [
        format!("apiVersion: {version}\nkind: ResourceList\nitems:\n- {items}\n- {own}\n"),
        format!(
            "{{\"apiVersion\": \"{version}\", \"kind\": \"ResourceList\", \
             \"items\": [{items}, {own}]}}"
        ),
    ] {
        let list = ResourceList::read(list.as_bytes()).unwrap();
        assert_eq!(list.head(0), ("A", "a", ""));
        assert_eq!(list.head(1), ("🚀", "x🚀", ""));
        let resource = list.resource(0).unwrap();
        assert_eq!(resource.value["metadata"]["annotations"]["b"], "🚀");
    }
    let half = "{\"kind\": \"A\",\n\"a\": \"\\ud83d\\ude80\",\n\"b\": \"\\ud83d\"}\n";
    assert!(
        refused(half).starts_with("line 3, column 6: "),
        "{}",
        refused(half)
    );
}

/// Without a `? ` before it, a reader looks for a key's colon in 1,024 characters, and libyaml refuses
/// what was written.
#[test]
fn keys_that_are_too_long_to_be_found_are_refused() {
    let (long, short) = ("k".repeat(1024), "k".repeat(1023));
    for text in [
        format!("{{{long}: 1}}"),
        format!("{{\"{short}\": 1}}"),
        format!("[{long}: 1]"),
    ] {
        assert!(refused(&text).contains("1,024 characters"), "{text}");
    }
    for text in [
        format!("? {long}\n: 1\n"),
        format!("{{? {long} : 1}}"),
        format!("{short}: 1\n"),
    ] {
        assert!(yaml_splice::Tree::parse(&text).is_ok(), "{text}");
    }
    for (path, value) in [
        (format!("/{long}"), json!(1)),
        ("/b".to_owned(), json!({ &long: 1 })),
        ("/a".to_owned(), json!([{"b": { &long: 1 }}])),
        (format!("/{}", "é\u{85}".repeat(200)), json!(1)),
    ] {
        for text in ["a: 1\n", "{a: 1}\n"] {
            let operation = json!({"op": "add", "path": path, "value": value});
            let refused = yaml_splice::apply(text, &[serde_json::from_value(operation).unwrap()]);
            let refused = refused.unwrap_err().to_string();
            assert!(
                refused.contains("a key of more than 1,024 characters"),
                "{refused}"
            );
        }
    }
    for text in ["a: 1\n", "{\"a\": 1}\n"] {
        let path = format!("/{}", "k".repeat(1021));
        let operation = json!({"op": "add", "path": path, "value": 1});
        let written = yaml_splice::apply(text, &[serde_json::from_value(operation).unwrap()]);
        assert!(libyaml::value(&written.unwrap(), |_| None).is_some());
    }
}

/// Kubernetes' readers know the numbers of YAML 1.1: only we read `port: 9_000` as text.
#[test]
fn numbers_are_those_of_kubernetes_readers() {
    for (text, value) in [
        ("1_000", json!(1000)),
        ("-1_0", json!(-10)),
        ("0b11", json!(3)),
        ("0B1_1", json!(3)),
        ("-0b11", json!(-3)),
        ("0X1f", json!(31)),
        ("+0x1_f", json!(31)),
        ("0O17", json!(15)),
        ("0_17", json!(15)),
        ("1_0.5", json!(10.5)),
        ("1e1_0", json!(1e10)),
        ("0b12", json!("0b12")),
        ("_1", json!("_1")),
        (".1_0", json!(".1_0")),
        ("0x", json!("0x")),
        ("1_a", json!("1_a")),
    ] {
        let tree = yaml_splice::Tree::parse(text).unwrap();
        assert_eq!(tree.to_value().unwrap(), value, "{text}");
    }
}

/// The second of two byte order marks counted as a column; one in the middle of a file became part
/// of a key.
#[test]
fn manifests_have_one_byte_order_mark_at_most() {
    let config = "kind: SessionServer\n";
    for (file, line) in [
        ("\u{feff}\u{feff}kind: A\n", 1),
        ("kind: A\n---\n\u{feff}kind: B\n", 3),
        ("\u{feff}# c\n\u{feff}kind: A\n", 2),
    ] {
        let refused = to_resource_list(&[("a.yaml", file)], config).unwrap_err();
        let start = format!("a.yaml:{line}: there is a byte order mark");
        assert!(refused.to_string().starts_with(&start), "{refused}");
    }
    for files in [
        ["\u{feff}kind: A\n", "\u{feff}kind: B\n"],
        ["\u{feff}---\nkind: A\n", ""],
    ] {
        let files = files.map(|file| ("a.yaml", file));
        assert!(to_resource_list(&files, config).is_ok());
    }
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n";
    assert!(ResourceList::read(format!("\u{feff}{list}").as_bytes()).is_ok());
    let twice = format!("\u{feff}\u{feff}{list}");
    let refused = ResourceList::read(twice.as_bytes());
    assert!(matches!(refused, Err(ReadError::NotYaml(_))));
}

/// In a list such a text would be indented more, but only as much as its indentation indicator
/// says.
#[test]
fn a_manifest_that_is_only_a_text_is_refused() {
    for (file, line) in [
        ("|\nx\n", 1),
        ("|2\n x\n", 1),
        (">-\n  x\n", 1),
        ("kind: A\n---\n!t &x |1\n x\n", 3),
        ("&x # c\n|\n  x\n", 1),
        ("--- # c\n!!str\n>\n x\n", 2),
    ] {
        let refused = to_resource_list(&[("a.yaml", file)], "kind: SessionServer\n").unwrap_err();
        let start = format!("a.yaml:{line}: this document is only a text");
        assert!(refused.to_string().starts_with(&start), "{refused}");
    }
    let file = "!t\nkind: |\n  A\n---\n- |\n x\n";
    assert!(to_resource_list(&[("a.yaml", file)], "kind: SessionServer\n").is_ok());
}

/// libyaml reads `?` between brackets as an indicator, and go-yaml reads the colon of `{a:}` as
/// part of `a:`.
#[test]
fn indicators_between_brackets_that_readers_find_elsewhere_are_refused() {
    for text in [
        "[?x]\n",
        "{ ?a: b }\n",
        "{a: b, ?}\n",
        "[:x]\n",
        "a: {:b: c}\n",
    ] {
        let why = refused(text);
        assert!(
            why.contains("text between brackets") && why.contains("quote the text"),
            "{text:?}: {why}"
        );
    }
    for text in [
        "{a:}\n",
        "{a:, b: c}\n",
        "[a:]\n",
        "x: {a b:,\n}\n",
        "{? a :, b: c}\n",
    ] {
        let why = refused(text);
        assert!(
            why.contains("write a blank after the colon"),
            "{text:?}: {why}"
        );
    }
    for text in [
        "{? a : b}\n",
        "?a: :b\n",
        "[a:b, \"?\", ':x']\n",
        "{a: , b: }\n",
        "{\"a\":, 'b':[c]}\n",
        "{a:\n, b: c}\n",
    ] {
        assert!(yaml_splice::Tree::parse(text).is_ok(), "{text:?}");
    }
}

/// libyaml finds no text in such a document, because the text must be indented.
#[test]
fn a_document_that_is_a_text_is_indented() {
    for text in ["|\nx\n", "--- >\nx\n  y\n", "!t |-\n\nx\n", "|+\r\nx\r\n"] {
        assert!(refused(text).contains("indent them"), "{text:?}");
    }
    for (text, value) in [("|\n x\n", "x\n"), ("|\n", ""), ("--- |2-\n   x\n", " x")] {
        let tree = yaml_splice::Tree::parse(text).unwrap();
        assert_eq!(tree.to_value().unwrap(), json!(value), "{text:?}");
    }
}

/// YAML does not allow control characters, and kubectl and PyYAML refuse the file.
#[test]
fn a_text_with_a_control_character_is_not_edited() {
    let patch = json!([{"op": "add", "path": "/z", "value": 1}]);
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    for text in [
        "a: b # \u{7}\n",
        "a: b\u{1}c\n",
        "a: b\u{fffe}c\n",
        "a: \"\u{1b}\"\n",
        "a: |\n  b\u{c}\n",
        "a: \u{7f}\n",
        "a: \u{9b}\n",
    ] {
        let error = yaml_splice::apply(text, &patch).unwrap_err().to_string();
        assert!(error.contains("the character U+"), "{text:?}: {error}");
    }
    for text in [
        "a: \"\u{7f}\"\n",
        "a: \"\\u0007\"\n",
        "a: b\tc\r\n",
        "a: é\u{a0}\n",
    ] {
        assert!(yaml_splice::apply(text, &patch).is_ok(), "{text:?}");
    }
}

/// libyaml read the result of an edit differently.
#[test]
fn a_text_with_a_carriage_return_as_a_line_end_is_not_edited() {
    let patch = |value| -> json_patch::Patch {
        let patch = json!([{"op": "add", "path": "/z", "value": value}]);
        serde_json::from_value(patch).unwrap()
    };
    for text in [
        "a: 1\rb: 2\n",
        "a:\n- - \n    ?017 \r- -\n",
        "a: 1 # c\rb: 2\n",
    ] {
        let error = yaml_splice::apply(text, &patch(1)).unwrap_err();
        assert!(
            error.to_string().contains("carriage return"),
            "{text:?}: {error}"
        );
    }
    for text in ["a: 'b\r  c'\n", "a: |\n  b\r  c\n", "a: 1\r\n"] {
        assert!(yaml_splice::apply(text, &patch(1)).is_ok(), "{text:?}");
    }
}

/// The blank line at the end of the text was read differently.
#[test]
fn the_header_of_a_block_scalar_ends_in_a_line_feed() {
    for text in ["a: |+\r b\r\n   ", "a: >\r  b\n", "- | # c\r  b\n"] {
        let why = refused(text);
        assert!(
            why.contains("ends in a carriage return alone"),
            "{text:?}: {why}"
        );
    }
    for text in ["a: |+\r\n  b\r\n   ", "a: |\n  b\r  c\n"] {
        assert!(yaml_splice::Tree::parse(text).is_ok(), "{text:?}");
    }
}

/// Whether blanks at the end of a text counted as a line depended on their number.
#[test]
fn blanks_without_a_line_break_are_a_blank_line() {
    for (text, value) in [
        ("a: |\n  x\n  ", "x\n"),
        ("a: >\n  x\n  ", "x\n"),
        ("a: |\n    x\n\n    ", "x\n"),
        ("a: |\n  x\n   ", "x\n \n"),
        ("a: |\n  x\n ", "x\n"),
        ("a: |-\n  x\n  ", "x"),
        ("a: |+\n  x\n  ", "x\n\n"),
        ("a: |+\n  x\n ", "x\n\n"),
        ("a: >+\n  x\n\n ", "x\n\n\n"),
        ("a: |+\n  x\n   ", "x\n \n"),
        ("a: |+\n ", "\n"),
        ("a: |+\n\n ", "\n\n"),
        ("a: |+2\n    x\n \n  ", "  x\n\n\n"),
        ("a: |-2\n  x\n \n   ", "x\n\n "),
    ] {
        let ended = format!("{text}\n");
        for text in [text, &ended] {
            let tree = yaml_splice::Tree::parse(text).unwrap();
            assert_eq!(tree.to_value().unwrap(), json!({ "a": value }), "{text:?}");
        }
    }
}

/// saphyr-parser repeats the prefix of a `%TAG` in each tag, which took gigabytes, and counts the
/// bytes of unknown directives as characters, which shifted all positions after them.
#[test]
fn directives_that_not_all_readers_know_are_refused_with_their_line() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- kind: A\n";
    for (before, line) in [
        ("%TAG !a! !b\n---\n", 1),
        ("# c\n\n%FOO \u{e9}\u{e9}\n---\n", 3),
        ("\u{feff}%TAG !a! !b\n---\n", 1),
        ("%YAML 1.2 # \u{e9}\n---\n", 1),
        ("%YAMLS 1.2\n---\n", 1),
    ] {
        let text = format!("{before}{list}");
        let error = not_yaml(&text);
        assert_eq!(error.line, line, "{text:?}");
        assert!(error.message.contains("this directive"), "{error}");
    }
    let refused = |text| {
        yaml_splice::Tree::parse(text).is_err_and(|error| error.message.contains("this directive"))
    };
    assert!(refused("a: 1\n...\n%TAG !a! !b\n"));
    assert!(refused("# c\r%TAG !a! !b\r---\ra: 1\r"));
    for read in [
        "%YAML 1.2\n---\na: 1\n",
        "a: |\n  x\n\n  %TAG\n",
        "a: \"b\n  %TAG c\"\n",
        "a: 50%\n%b: 1\n",
    ] {
        assert!(!refused(read), "{read}");
    }
}

/// toml_edit takes time that grows with the square of the tables at the root.
#[test]
fn a_config_toml_of_too_many_tables_is_refused_at_once() {
    let headers: String = (0..10_001).map(|number| format!("[a{number}]\n")).collect();
    let error = ConfigFile::parse(&headers).unwrap_err().to_string();
    assert!(
        error.starts_with("has more than 10000 lines that start with `[`"),
        "{error}"
    );
    let unfilled = headers + "a = ${A}\n";
    assert_eq!(runner_terminal::runner::placeholder(&unfilled), None);
}

/// Behind the `:` of an explicit key, libyaml takes a tab above a block for an error.
#[test]
fn tabs_behind_the_colon_of_an_explicit_key_go_with_a_block() {
    let operations = json!([{"op": "replace", "path": "/k", "value": {"a": {"b": 1}}}]);
    let operations: Vec<json_patch::PatchOperation> = serde_json::from_value(operations).unwrap();
    for (text, expected) in [
        ("? k\n: \t\t\n", "? k\n:\n  a:\n    b: 1\n"),
        ("? k\n: \t# c\n", "? k\n: # c\n  a:\n    b: 1\n"),
        ("? k\n: \"x\" \t\t\n", "? k\n:\n  a:\n    b: 1\n"),
        ("k: \t# c\n", "k: \t# c\n  a:\n    b: 1\n"),
    ] {
        let edited = yaml_splice::apply(text, &operations).unwrap();
        assert_eq!(edited, expected);
        let expected = json!({"k": {"a": {"b": 1}}});
        let read = libyaml::value(&edited, |_| None);
        assert_eq!(read, Some(expected), "{edited}");
    }
}

/// The tabs behind the old value stayed behind the dash, where libyaml refuses them.
#[test]
fn no_tabs_stay_behind_a_dash() {
    let patch = json!([{"op": "replace", "path": "/list/0", "value": null}]);
    let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
    for text in [
        "list:\n-\n  - name: x\t\t\n",
        "list:\n-\n  - name: x\t",
        "list:\n-\n  a:\n    b: x \t # c\n",
        "list:\r\n-\r\n    - # c:\r\n       name: \t\tx\t\t",
    ] {
        let output = yaml_splice::apply(text, &patch).unwrap();
        let found = libyaml::value(&output, |_| None);
        assert_eq!(found, Some(json!({"list": [null]})), "{text:?}: {output:?}");
    }
}
