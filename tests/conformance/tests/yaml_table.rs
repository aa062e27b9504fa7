//! The tables in `docs/yaml.md` match what the function does.
//!
//! `UPDATE_YAML=1 cargo test -p conformance --test yaml_table` regenerates them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use conformance::{Meaning, Place, RUNNER, YamlCase, edits, indented, list, meaning, suites};
use json_patch::PatchOperation;
use serde_json::json;
use yaml_splice::{Tree, YamlErrorKind};

/// A feature, and what to do if it is refused.
struct Feature {
    name: &'static str,
    /// An item's text with the feature in it.
    item: &'static str,
    /// Where the feature is.
    place: &'static str,
    advice: &'static str,
}

const fn feature(
    name: &'static str,
    item: &'static str,
    place: &'static str,
    advice: &'static str,
) -> Feature {
    Feature {
        name,
        item,
        place,
        advice,
    }
}

const FEATURES: &[Feature] = &[
    feature(
        "comments",
        "a: # one\n  # two\n  b: c # three\n",
        "/a/b",
        "",
    ),
    feature("plain text", "a: b c\n", "/a", ""),
    feature("plain text on several lines", "a: b\n  c\n", "/a", ""),
    feature("quoted text", "a: 'b'\n\"c\": d\n", "/a", ""),
    feature("quoted text on several lines", "a: \"b\n  c\"\n", "/a", ""),
    feature("literals", "a: |\n  b\n  c\n", "/a", ""),
    feature("folded text", "a: >\n  b\n  c\n", "/a", ""),
    feature(
        "indentation and chomping indicators",
        "a: |2-\n   b\n",
        "/a",
        "",
    ),
    feature(
        "sequences level with their key",
        "a:\n- b\n- c\n",
        "/a/1",
        "",
    ),
    feature("flow collections", "a: {b: [c, d]}\n", "/a/b/1", ""),
    feature("JSON", "{\"a\": [1, {\"b\": null}]}\n", "/a/1", ""),
    feature(
        "anchors and aliases: at an alias",
        "a: &x {b: c}\nd: *x\n",
        "/d/b",
        "",
    ),
    feature(
        "anchors and aliases: at the anchor",
        "a: &x {b: c}\nd: *x\n",
        "/a/b",
        "",
    ),
    feature(
        "merge keys: what is merged",
        "a: &x {b: c, d: e}\nf: {<<: *x, g: h}\n",
        "/f/b",
        "write the members out that are to stay",
    ),
    feature(
        "merge keys: beside them",
        "a: &x {b: c}\nf: {<<: *x, g: h}\n",
        "/f/g",
        "",
    ),
    feature("tags", "a: !!str 5\nb: !own {c: d}\n", "/b/c", ""),
    feature("keys with `?`", "? a\n: b\n? c\n", "/a", ""),
    feature("keys without a value", "a:\nb: c\n", "/a", ""),
    feature("empty keys", ": a\nb: c\n", "/", ""),
    feature("a document's start and end", "---\na: b\n...\n", "/a", ""),
    feature(
        "the directive `%YAML`",
        "%YAML 1.2\n---\na: b\n",
        "/a",
        "remove it from plain manifests, which kubectl refuses with it",
    ),
    feature("no line end at the end", "a: b\nc: d", "/c", ""),
    feature("CRLF", "a: b\r\nc: d\r\n", "/a", ""),
    feature("a byte order mark", "\u{feff}a: b\nc: d\n", "/a", ""),
    feature(
        "surrogate pairs in JSON",
        r#"{"a": "\ud83d\ude80", "b": null}"#,
        "/a",
        "",
    ),
    feature(
        "surrogate pairs elsewhere",
        "a: \"\\ud83d\\ude80\"\nb: c\n",
        "/b",
        "write the character itself",
    ),
    feature(
        "tabs between a key and its value",
        "a:\tb\nc: d\n",
        "/a",
        "write a blank",
    ),
    feature(
        "tabs as indentation",
        "a:\n\tb: c\n",
        "/a/b",
        "indent by spaces",
    ),
    feature(
        "tabs on blank lines",
        "a: b\n \t\nc: d\n",
        "/a",
        "remove the tab",
    ),
    feature(
        "pairs without braces",
        "a: [b: c]\n",
        "/a/0/b",
        "write `[{b: c}]`, or a block",
    ),
    feature(
        "keys that are collections",
        "? [a, b]\n: c\nd: e\n",
        "/d",
        "no field of Kubernetes has one",
    ),
    feature(
        "a key that stands twice",
        "a: b\na: c\n",
        "/a",
        "remove one of them",
    ),
    feature(
        "an alias without its anchor",
        "a: *x\nb: c\n",
        "/b",
        "write the value out, where the anchor is in another item",
    ),
    feature(
        "several documents in one item",
        "a: b\n---\nc: d\n",
        "/a",
        "give each an item of its own",
    ),
    feature(
        "tags that do not fit, or that few readers know",
        "a: !!int b\nc: d\n",
        "/c",
        "remove the tag",
    ),
    feature(
        "anchors with other characters than letters, digits, `-` and `_`",
        "a: &b.c d\ne: *b.c\n",
        "/a",
        "rename the anchor",
    ),
    feature(
        "merge keys: something else than mappings",
        "a: {<<: b}\nc: d\n",
        "/c",
        "quote the key if it is a name",
    ),
    feature(
        "merge keys: below a key that is merged too",
        "a: &x {b: c}\nf: {b: d, <<: *x}\n",
        "/a/b",
        "move `<<` to the top of its mapping",
    ),
    feature(
        "directives other than `%YAML`",
        "%TAG ! tag:example.com,2026:\n---\na: b\n",
        "/a",
        "remove the line",
    ),
    feature(
        "text between brackets that begins with `?` or `:`",
        "a: [?b]\nc: d\n",
        "/c",
        "quote the text",
    ),
    feature(
        "keys between brackets without a blank behind the colon",
        "a: {b:, c: d}\n",
        "/a/c",
        "write a blank",
    ),
    feature("text that is no YAML", "a: \"b\n", "/a", "correct it"),
];

/// The outcome of adding something beside a position, and of replacing and removing what is there.
fn edited(feature: &Feature) -> String {
    let (above, _) = feature.place.rsplit_once('/').unwrap();
    let is_item = feature.place.ends_with(|c: char| c.is_ascii_digit());
    let beside = if is_item { "-" } else { "new" };
    let edits = [
        (
            "add",
            json!([{"op": "add", "path": format!("{above}/{beside}"), "value": "x"}]),
        ),
        (
            "replace",
            json!([{"op": "replace", "path": feature.place, "value": "x"}]),
        ),
        ("remove", json!([{"op": "remove", "path": feature.place}])),
    ];
    let mut by_outcome: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, patch) in edits {
        let patch: Vec<PatchOperation> = serde_json::from_value(patch).unwrap();
        let outcome = match yaml_splice::apply(feature.item, &patch) {
            Ok(_) => "edited".to_owned(),
            Err(error) => refused(&error.to_string()),
        };
        match by_outcome.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, names)) => names.push(name),
            None => by_outcome.push((outcome, vec![name])),
        }
    }
    let several = by_outcome.len() > 1;
    let outcomes = by_outcome
        .into_iter()
        .map(|(outcome, names)| match several {
            true => format!("{}: {outcome}", names.join(", ")),
            false => outcome,
        });
    outcomes.collect::<Vec<_>>().join("; ")
}

/// A message without the position at its start.
fn refused(message: &str) -> String {
    let is_place = |place: &str| place.starts_with('/') || place.starts_with("line ");
    let why = match message.split_once(": ") {
        Some((place, why)) if is_place(place) => why,
        _ => message,
    };
    format!("refused: “{why}”")
}

/// The outcome for a list with the feature in an item before the runner. A feature that only a
/// whole text can have is in the list itself.
fn passed_on(feature: &Feature) -> String {
    let item = feature.item;
    let list = if item.contains('\r') {
        list("- a: b\n").replace('\n', "\r\n")
    } else if item.starts_with('\u{feff}') {
        format!("\u{feff}{}", list("- a: b\n"))
    } else if item.starts_with('%') {
        format!("%YAML 1.2\n---\n{}", list("- a: b\n"))
    } else if item.contains("c: d\n") && item.contains("\n---") {
        list(&format!("- {}", item.replace("\nc", "\n- c")))
    } else {
        list(&format!("-\n{}", indented(item, 2).unwrap()))
    };
    let outcome = runner_terminal::run(list.as_bytes());
    let output = outcome.text();
    if outcome.failed() {
        assert!(output.is_empty() || output.starts_with(&list), "{output}");
        let told = &outcome.results()[0].message;
        let why = match told.strip_prefix("the input is not YAML: ") {
            Some(why) => refused(why),
            None => refused(told.split(": ").next().unwrap()),
        };
        return format!("the list is {why}");
    }
    let kept = list.find("- apiVersion: v1").unwrap();
    assert!(RUNNER.starts_with("- apiVersion: v1"));
    assert!(
        output.starts_with(&list[..kept]),
        "{}:\n{output}",
        feature.name
    );
    "as it is".to_owned()
}

fn features() -> String {
    let mut table = "| feature | for example | in an item that is edited | in an item of others | what to do |\n|---|---|---|---|---|\n".to_owned();
    for feature in FEATURES {
        let shown = feature
            .item
            .replace("\r\n", "␍⏎")
            .replace('\n', "⏎")
            .replace('\t', "→")
            .replace('\u{feff}', "⇔")
            .replace('|', "\\|");
        table.push_str(&format!(
            "| {} | `{}` | {} | {} | {} |\n",
            feature.name,
            shown.strip_suffix('⏎').unwrap_or(&shown),
            edited(feature),
            passed_on(feature),
            feature.advice
        ));
    }
    table
}

/// The outcome of a case.
fn outcome(case: &YamlCase) -> &'static str {
    if case.fails {
        return "no YAML";
    }
    let value = match meaning(case.tree.as_deref().unwrap()) {
        Meaning::Unspeakable(_) => return "refused",
        Meaning::Documents(values) => match values.as_slice() {
            [] => return "empty",
            [value] => value.clone(),
            _ => return "refused",
        },
    };
    if Tree::parse(&case.yaml).is_err_and(|error| error.kind == YamlErrorKind::Ambiguous) {
        return "ambiguous";
    }
    let place = Place::alone(&case.yaml, &value);
    let mut edits = edits(&place.item(), place.under).into_iter();
    let all = edits.all(|edit| {
        // Neither is applied to any text.
        let never =
            edit.operation.path().is_root() || matches!(edit.operation, PatchOperation::Test(_));
        never || yaml_splice::apply(&case.yaml, std::slice::from_ref(&edit.operation)).is_ok()
    });
    if all { "edited" } else { "edited in part" }
}

fn suite() -> String {
    const OUTCOMES: [&str; 6] = [
        "edited",
        "edited in part",
        "empty",
        "refused",
        "ambiguous",
        "no YAML",
    ];
    let mut by_tag = BTreeMap::<String, [usize; 6]>::new();
    let mut all = [0; 6];
    for case in suites().yaml {
        let outcome = outcome(&case);
        let is_read = Tree::parse(&case.yaml).is_ok();
        assert_eq!(
            is_read,
            !["refused", "ambiguous", "no YAML"].contains(&outcome),
            "{}",
            case.id
        );
        let at = OUTCOMES.iter().position(|one| *one == outcome).unwrap();
        all[at] += 1;
        let mut tags = case.tags.clone();
        tags.sort();
        tags.dedup();
        for tag in tags {
            by_tag.entry(tag).or_default()[at] += 1;
        }
    }
    let mut table = "| tag | cases | every edit is made | some edits are refused | nothing to edit | refused: several documents, or keys that are collections or stand twice | refused: readers differ | no YAML, and refused |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    let mut row = |name: &str, counts: &[usize; 6]| {
        let total: usize = counts.iter().sum();
        let cells: Vec<String> = counts
            .iter()
            .map(|count| {
                if *count > 0 {
                    count.to_string()
                } else {
                    String::new()
                }
            })
            .collect();
        table.push_str(&format!("| {name} | {total} | {} |\n", cells.join(" | ")));
    };
    row("all", &all);
    for (tag, counts) in &by_tag {
        row(&format!("`{tag}`"), counts);
    }
    table
}

#[test]
fn the_tables_say_what_the_function_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/yaml.md");
    let written = fs::read_to_string(&path).unwrap();
    let mut page = written.clone();
    for (name, table) in [("features", features()), ("suite", suite())] {
        let start = format!("<!-- {name} -->\n");
        let from = page.find(&start).unwrap() + start.len();
        let to = from + page[from..].find("<!-- end -->").unwrap();
        page.replace_range(from..to, &table);
    }
    if env::var_os("UPDATE_YAML").is_some() {
        fs::write(&path, page).unwrap();
        return;
    }
    assert!(
        page == written,
        "docs/yaml.md is out of date; UPDATE_YAML=1 writes it anew"
    );
}
