//! An edit of YAML text has the effect of the patch, and leaves every other line alone.
//!
//! The meaning of a text is determined by an independent reader: `yaml_serde`, which is based on
//! libyaml. The fixtures are the cases that are known to be hard, each with every edit that it
//! allows; after them come random documents, and random bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "judge/json_places.rs"]
mod json_places;
#[path = "judge/libyaml.rs"]
mod libyaml;

use std::cell::Cell;

use json_patch::{AddOperation, PatchOperation, RemoveOperation, ReplaceOperation, jsonptr};
use json_places::{places, written};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use similar::{ChangeTag, TextDiff};
use yaml_splice::{EditError, Tree, edit};

/// The value that libyaml reads from a text; `None` if it refuses the text.
fn oracle(text: &str) -> Option<Value> {
    libyaml::value(text, |key| Some(key.to_string()))
}

/// The fixtures, by name. Each is used alone, and as a member of a list of items as in a
/// `ResourceList`.
fn fixtures() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("tests/fixtures/yaml").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# Hard: "),
            "{name} does not say why it is hard"
        );
        if !text.contains("---") && !text.contains("\n{") {
            all.push((format!("{name} as item"), as_item(&text, 0)));
            all.push((format!("{name} as indented item"), as_item(&text, 2)));
        }
        all.push((name, text));
    }
    all.sort();
    assert!(all.len() > 100, "only {} fixtures were found", all.len());
    all
}

/// The document as a member of a sequence whose dashes are in `column`.
fn as_item(text: &str, column: usize) -> String {
    let pad = " ".repeat(column);
    let mut dash = "- ";
    text.split_inclusive('\n')
        .map(|line| {
            if line.trim().is_empty() {
                line.to_owned()
            } else if line.starts_with('#') {
                format!("{pad}{line}")
            } else {
                format!("{pad}{}{line}", std::mem::replace(&mut dash, "  "))
            }
        })
        .collect()
}

/// The value that paths start at.
fn item(name: &str, text: &str) -> Option<Value> {
    let value = oracle(text)?;
    Some(if name.ends_with("item") {
        value.get(0)?.clone()
    } else {
        value
    })
}

fn pointer(tokens: &[String]) -> jsonptr::PointerBuf {
    jsonptr::PointerBuf::from_tokens(tokens)
}

fn add(tokens: &[String], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation {
        path: pointer(tokens),
        value,
    })
}

fn replace(tokens: &[String], value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation {
        path: pointer(tokens),
        value,
    })
}

fn remove(tokens: &[String]) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation {
        path: pointer(tokens),
    })
}

/// One value of each kind, and the strings that are hard to write.
fn new_values() -> Vec<Value> {
    vec![
        json!("new"),
        json!(""),
        json!("on"),
        json!("0755"),
        json!("a: b # c"),
        json!("it's \"quoted\""),
        json!("- x"),
        json!("é 漢 😀"),
        json!("a\nb\n"),
        json!("a\n\nb"),
        json!("  indented\nb\n\n"),
        json!("\n\n"),
        json!("\ta\nb\r\n"),
        json!(7),
        json!(-1.5),
        json!(true),
        Value::Null,
        json!({}),
        json!([]),
        json!({"a": "b", "c": ["d", {"e": 1, "f": {}}], "g": {"h": "i\nj\n"}}),
        json!([["x", "y"], {"y": 1, "z": [2]}, null, "k\nl"]),
    ]
}

/// Edits of one line in the middle, at the start and at the end of a text.
fn text_edits(old: &str) -> Vec<String> {
    let lines: Vec<&str> = old.split_inclusive('\n').collect();
    let mut all = Vec::new();
    for at in 0..=lines.len() {
        let (head, tail) = lines.split_at(at);
        if head.last().is_none_or(|line| line.ends_with('\n')) {
            all.push(format!("{}added = 1\n{}", head.concat(), tail.concat()));
        }
        if at < lines.len() {
            all.push(format!("{}{}", head.concat(), tail[1..].concat()));
            all.push(format!("{}changed\n{}", head.concat(), tail[1..].concat()));
        }
    }
    all.push(format!("{old}no end"));
    all.push(format!("{old}\n"));
    all.push(old.trim_end_matches('\n').to_owned());
    all
}

/// Every edit that a value allows.
fn edits(value: &Value) -> Vec<PatchOperation> {
    let mut all = Vec::new();
    for (tokens, value) in places(value) {
        let below = |token: &str| [tokens.as_slice(), &[token.to_owned()]].concat();
        for new in new_values() {
            match value {
                Value::Object(_) => all.push(add(&below("new.io/key"), new.clone())),
                Value::Array(items) => {
                    all.push(add(&below("-"), new.clone()));
                    all.push(add(&below("0"), new.clone()));
                    all.push(add(&below(&(items.len() / 2).to_string()), new.clone()));
                }
                _ => {}
            }
            if !tokens.is_empty() {
                all.push(replace(&tokens, new));
            }
        }
        if tokens.is_empty() {
            continue;
        }
        all.push(remove(&tokens));
        if let Value::String(text) = value {
            all.extend(
                text_edits(text)
                    .into_iter()
                    .map(|new| replace(&tokens, new.into())),
            );
        }
    }
    all
}

/// The bytes that an edit may rewrite.
fn about(tree: &Tree<'_>, operation: &PatchOperation) -> std::ops::Range<usize> {
    let tokens: Vec<String> = operation
        .path()
        .tokens()
        .map(|t| t.decoded().into_owned())
        .collect();
    let parents = &tokens[..tokens.len() - 1];
    let parent = written(tree, parents);
    let place = written(tree, &tokens);
    match (operation, parent, place) {
        // Without its only member a collection is written as `{}` or `[]`.
        (PatchOperation::Remove(_), Some((parent, range)), _)
            if tree.entries(parent).len() + tree.items(parent).len() == 1 =>
        {
            range.start..tree.next_line(range.end)
        }
        // A comment after a removed member is removed with it, and if the member follows a dash,
        // the next one moves to the dash.
        (PatchOperation::Remove(_), _, Some((_, range))) => {
            let line = &tree.text[tree.line_start(range.start)..range.start];
            let end = tree.next_line(range.end);
            range.start..if line.trim().is_empty() {
                end
            } else {
                tree.next_line(end)
            }
        }
        (PatchOperation::Add(_), Some((parent, range)), _) if !tree.items(parent).is_empty() => {
            range.end..range.end
        }
        (_, _, Some((_, range))) => range,
        (_, Some((_, range)), None) => range.end..range.end,
        (_, None, None) => 0..tree.text.len(),
    }
}

/// Checks one edit, and returns what is wrong with it, in one line.
fn check(name: &str, text: &str, before: &Value, operation: &PatchOperation) -> Result<(), String> {
    let mut expected = before.clone();
    if json_patch::patch(&mut expected, std::slice::from_ref(operation)).is_err() {
        return Ok(());
    }
    let tree = Tree::parse(text).unwrap();
    let output = match yaml_splice::apply(text, std::slice::from_ref(operation)) {
        Ok(output) => output,
        // A single member that `<<` merges in cannot be removed.
        Err(EditError::NotFaithful { .. })
            if matches!(operation, PatchOperation::Remove(_)) && text.contains("<<") =>
        {
            return Ok(());
        }
        Err(error) => return Err(format!("{error:?}")),
    };
    match item(name, &output) {
        Some(value) if value == expected => {}
        Some(_) => return Err(format!("means something else:\n{output}")),
        None => return Err(format!("libyaml refuses the result:\n{output}")),
    }
    let diff = TextDiff::from_lines(text, &output);
    let lost = diff
        .iter_all_changes()
        .filter(|change| change.tag() == ChangeTag::Delete)
        .count();
    let about = about(&tree, operation);
    let shared = text
        .lines()
        .filter(|line| line.contains('*') || line.contains("<<"))
        .count();
    // What is removed ends with its line, and the line above may lose a comma.
    let lines = text[about.clone()].matches('\n').count() + 1;
    let allowed = lines + shared;
    if lost > allowed {
        return Err(format!("{lost} lines are lost, not {allowed}:\n{output}"));
    }
    let inside = text[about].matches('#').count();
    if output.matches('#').count() + inside < text.matches('#').count() {
        return Err(format!("a comment is lost:\n{output}"));
    }
    let crlf = text.contains("\r\n");
    if crlf
        && output
            .split_inclusive('\n')
            .any(|line| line.ends_with('\n') && !line.ends_with("\r\n"))
    {
        return Err(format!("a line ends without CR:\n{output}"));
    }
    Ok(())
}

#[test]
fn every_edit_of_every_fixture_means_what_the_patch_says() {
    let fixtures = fixtures();
    // There are many edits, so each part has its own thread.
    let (some, others) = fixtures.split_at(fixtures.len() / 2);
    let (mut wrong, also) = std::thread::scope(|scope| {
        let other = scope.spawn(|| wrong_edits(others));
        (wrong_edits(some), other.join().unwrap())
    });
    wrong.extend(also);
    assert!(
        wrong.is_empty(),
        "{} edits are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn wrong_edits(fixtures: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, text) in fixtures {
        let before = item(name, text).unwrap_or_else(|| panic!("libyaml refuses {name}"));
        // All values if the text is alone, some if it is an item.
        let every = if name.ends_with("item") { 3 } else { 1 };
        for operation in edits(&before).into_iter().step_by(every) {
            if let Err(why) = check(name, text, &before, &operation) {
                wrong.push(format!("{name}: {operation}: {why}"));
            }
        }
    }
    wrong
}

/// Whether libyaml accepts a tab on a blank line depends on what precedes it.
#[test]
fn what_stands_above_a_blank_line_with_a_tab_stays() {
    let text = "a: 1\n \t\nb: 2\n";
    assert!(oracle(text).is_some());
    for operation in [
        remove(&["a".to_owned()]),
        replace(&["a".to_owned()], json!("on")),
    ] {
        let error = yaml_splice::apply(text, std::slice::from_ref(&operation)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/a: a tab indents the blank line or comment below, which some readers refuse; remove it"
        );
    }
    let other = replace(&["b".to_owned()], json!("on"));
    let output = yaml_splice::apply(text, std::slice::from_ref(&other)).unwrap();
    assert_eq!(output, "a: 1\n \t\nb: \"on\"\n");
    assert!(oracle(&output).is_some());
}

#[test]
fn a_byte_order_mark_is_no_indentation() {
    let operation = add(&["new".to_owned()], json!({"c": "d"}));
    let output = yaml_splice::apply("\u{feff}a: b\n", std::slice::from_ref(&operation)).unwrap();
    assert_eq!(output, "\u{feff}a: b\nnew:\n  c: d\n");
}

#[test]
fn both_readers_agree_on_the_fixtures() {
    for (name, text) in fixtures() {
        let tree = Tree::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Numbers of YAML 1.1 are strings to libyaml's newer users.
        let ours = tree
            .to_value()
            .unwrap()
            .to_string()
            .replace(":493", ":\"0755\"")
            .replace(":1000", ":\"1_000\"");
        let theirs = oracle(&text).unwrap_or_else(|| panic!("libyaml refuses {name}"));
        assert_eq!(ours, theirs.to_string(), "{name}");
    }
}

/// Writes a value in a style that a tape of random numbers chooses, line for line.
struct Writer<'t> {
    tape: std::iter::Cycle<std::slice::Iter<'t, u8>>,
    newline: &'static str,
    out: String,
}

impl Writer<'_> {
    fn document(value: &Value, tape: &[u8]) -> String {
        let mut writer = Writer {
            tape: tape.iter().cycle(),
            newline: "\n",
            out: String::new(),
        };
        if writer.one_in(4) {
            writer.newline = "\r\n";
        }
        writer.filler(0);
        writer.block(value, 0);
        writer.filler(0);
        if writer.one_in(4) {
            let end = writer.out.trim_end_matches(['\r', '\n']).len();
            // A literal may end with blank lines of its own.
            if !writer.out.contains(['|', '>']) {
                writer.out.truncate(end);
            }
        }
        writer.out
    }

    fn number(&mut self, below: usize) -> usize {
        usize::from(*self.tape.next().unwrap()) % below
    }

    fn one_in(&mut self, cases: usize) -> bool {
        self.number(cases) == 0
    }

    fn pad(&mut self, column: usize) {
        self.out.push_str(&" ".repeat(column));
    }

    fn end_line(&mut self) {
        let blanks = self.number(8);
        match blanks {
            0 => self.out.push_str("  # - comment: |"),
            1 => self.out.push_str("   "),
            _ => {}
        }
        self.out.push_str(self.newline);
    }

    /// Blank lines and comments between members.
    fn filler(&mut self, column: usize) {
        match self.number(10) {
            0 => self.out.push_str(self.newline),
            1 => {
                self.pad(column);
                self.out.push_str("# a: comment");
                self.out.push_str(self.newline);
            }
            2 => {
                self.pad(column);
                self.out.push_str(self.newline);
            }
            _ => {}
        }
    }

    /// The members of a collection, whose first line is already indented.
    fn block(&mut self, value: &Value, column: usize) {
        match value {
            Value::Object(members) => {
                for (index, (key, member)) in members.iter().enumerate() {
                    if index > 0 {
                        self.filler(column);
                        self.pad(column);
                    }
                    self.string(key, None);
                    self.out.push(':');
                    self.after_key(member, column);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.filler(column);
                        self.pad(column);
                    }
                    self.out.push('-');
                    self.after_dash(item, column);
                }
            }
            _ => {}
        }
    }

    fn nests(&mut self, value: &Value) -> bool {
        let filled = match value {
            Value::Object(members) => !members.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        filled && !self.one_in(5)
    }

    fn after_key(&mut self, value: &Value, column: usize) {
        if self.nests(value) {
            self.end_line();
            let level = value.is_array() && self.one_in(2);
            let column = if level {
                column
            } else {
                column + 1 + self.number(4)
            };
            self.filler(column);
            self.pad(column);
            self.block(value, column);
        } else {
            self.leaf(value, column);
        }
    }

    fn after_dash(&mut self, value: &Value, column: usize) {
        if !self.nests(value) {
            self.leaf(value, column);
        } else if self.one_in(5) {
            self.end_line();
            let column = column + 1 + self.number(4);
            self.pad(column);
            self.block(value, column);
        } else {
            let blanks = if self.one_in(4) {
                1 + self.number(4)
            } else {
                1
            };
            self.pad(blanks);
            self.block(value, column + 1 + blanks);
        }
    }

    fn leaf(&mut self, value: &Value, column: usize) {
        match value {
            Value::Null if self.one_in(2) => self.end_line(),
            Value::String(text) => {
                self.out.push(' ');
                if self.string(text, Some(column)) {
                    self.end_line();
                }
            }
            _ => {
                self.out.push(' ');
                self.flow(value, column);
                self.end_line();
            }
        }
    }

    /// A string; returns false if its line has already ended.
    fn string(&mut self, text: &str, literal_at: Option<usize>) -> bool {
        let word = text.chars().all(|c| c.is_ascii_lowercase()) && text.len() > 3;
        let lines = text.split('\n').collect::<Vec<_>>();
        let plain_lines = lines.iter().all(|line| {
            line.chars().all(|c| c == ' ' || !c.is_control()) && !line.starts_with(' ')
        }) && !text.trim().is_empty()
            && !text.starts_with('\n')
            && !text.ends_with("\n\n");
        match (self.number(4), literal_at) {
            (0, _) if word && !["true", "null", "false"].contains(&text) => {
                self.out.push_str(text);
            }
            (1, _) if !text.contains(|c: char| c.is_control()) => {
                self.out.push('\'');
                self.out.push_str(&text.replace('\'', "''"));
                self.out.push('\'');
            }
            (2, Some(column)) if plain_lines => {
                let chomp = if text.ends_with('\n') { "" } else { "-" };
                self.out.push('|');
                self.out.push_str(chomp);
                self.end_line();
                let column = column + 1 + self.number(4);
                for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                    if !line.is_empty() {
                        self.pad(column);
                    }
                    self.out.push_str(line);
                    self.out.push_str(self.newline);
                }
                return false;
            }
            _ => self.out.push_str(&Value::from(text).to_string()),
        }
        true
    }

    fn flow_gap(&mut self, column: usize) {
        match self.number(6) {
            0 => {
                self.out.push_str(self.newline);
                self.pad(column + 1);
            }
            1 => self.out.push(' '),
            _ => {}
        }
    }

    fn flow(&mut self, value: &Value, column: usize) {
        let (open, close) = match value {
            Value::Object(_) => ('{', '}'),
            Value::Array(_) => ('[', ']'),
            Value::String(text) => {
                self.string(text, None);
                return;
            }
            other => {
                self.out.push_str(&other.to_string());
                return;
            }
        };
        self.out.push(open);
        self.flow_gap(column);
        let members: Vec<(Option<&String>, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(k, v)| (Some(k), v)).collect(),
            Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
            _ => Vec::new(),
        };
        for (index, (key, member)) in members.iter().enumerate() {
            if let Some(key) = key {
                self.string(key, None);
                self.out.push_str(": ");
            }
            self.flow(member, column);
            self.flow_gap(column);
            if index + 1 < members.len() || self.one_in(4) {
                self.out.push(',');
                self.out.push(' ');
                self.flow_gap(column);
            }
        }
        self.out.push(close);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}",
        2 => "[ -~]{0,16}",
        2 => "([a-z#:|-][a-z #:|-]{0,8}\n?){0,4}",
        1 => "[a-c \n]{0,8}",
        1 => "[\\PC\n\t]{0,8}",
        1 => prop::sample::select(new_values())
            .prop_map(|value| value.as_str().unwrap_or_default().to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            mapping(inner),
        ]
    })
}

fn mapping(member: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    // `<<` is a special key.
    let key = prop_oneof![4 => "[a-z]{1,6}", 1 => "[ -~]{1,10}"]
        .prop_filter("a merge", |key: &String| key != "<<");
    prop::collection::vec((key, member), 1..5)
        .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
}

/// A patch of some operations that the value allows, one after the other.
fn patch(value: &Value, picks: &[(Index, Value)]) -> (Vec<PatchOperation>, Value) {
    let mut value = value.clone();
    let mut all = Vec::new();
    for (pick, new) in picks {
        let edits = edits(&value);
        let operation = match pick.get(&edits).clone() {
            PatchOperation::Add(add) => PatchOperation::Add(AddOperation {
                value: new.clone(),
                ..add
            }),
            operation => operation,
        };
        // The value itself stays a mapping with members: an item is one.
        let mut patched = value.clone();
        json_patch::patch(&mut patched, std::slice::from_ref(&operation)).unwrap();
        if patched
            .as_object()
            .is_some_and(|members| !members.is_empty())
        {
            value = patched;
            all.push(operation);
        }
    }
    (all, value)
}

#[test]
fn random_edits_of_random_documents() {
    let (count, declined) = (Cell::new(0), Cell::new(0));
    let cases = (
        mapping(value()),
        prop::collection::vec(any::<u8>(), 40..41),
        prop::collection::vec((any::<Index>(), value()), 1..4),
    );
    let mut runner = TestRunner::new(ProptestConfig {
        max_global_rejects: 100_000,
        failure_persistence: None,
        ..ProptestConfig::with_cases(1500)
    });
    let result = runner.run(&cases, |(before, tape, picks)| {
        let text = Writer::document(&before, &tape);
        // Mistakes of this writer do not matter.
        prop_assume!(oracle(&text).as_ref() == Some(&before));
        let (patch, expected) = patch(&before, &picks);
        count.set(count.get() + 1);
        match yaml_splice::apply(&text, &patch) {
            Ok(output) => {
                let found = oracle(&output);
                prop_assert_eq!(found, Some(expected), "\n{}\n=>\n{}", text, output);
            }
            Err(EditError::NotFaithful { path }) => {
                declined.set(declined.get() + 1);
                if std::env::var_os("SHOW_DECLINED").is_some() {
                    println!("{path}: {patch:?}\n{text}\n");
                }
            }
            Err(error) => prop_assert!(false, "{}: {:?}\n{}", error, patch, text),
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (count, declined) = (count.get(), declined.get());
    assert!(
        declined * 50 < count,
        "{declined} of {count} edits were declined"
    );
}

/// Operations are applied together if that gives the same bytes as one after the other.
#[test]
fn a_patch_does_what_its_operations_do_one_by_one() {
    let together = Cell::new(0);
    let cases = (
        mapping(value()),
        prop::collection::vec(any::<u8>(), 40..41),
        prop::collection::vec((any::<Index>(), value(), any::<u8>()), 2..6),
    );
    let mut runner = TestRunner::new(ProptestConfig {
        max_global_rejects: 100_000,
        failure_persistence: None,
        ..ProptestConfig::with_cases(800)
    });
    let result = runner.run(&cases, |(before, tape, picks)| {
        let text = Writer::document(&before, &tape);
        prop_assume!(oracle(&text).as_ref() == Some(&before));
        let mut value = before;
        let mut patch = Vec::new();
        for (pick, new, other) in &picks {
            // Mostly what the function does: new members and new items at the end.
            let additions: Vec<PatchOperation> = edits(&value)
                .into_iter()
                .filter(|operation| {
                    let PatchOperation::Add(add) = operation else {
                        return false;
                    };
                    let (above, last) = add.path.split_back().unwrap();
                    *other < 10
                        || match above.resolve(&value) {
                            Ok(Value::Array(_)) => last.encoded() == "-",
                            Ok(above) => above.get(last.decoded().as_ref()).is_none(),
                            Err(_) => false,
                        }
                })
                .collect();
            if additions.is_empty() {
                continue;
            }
            let mut operation = pick.get(&additions).clone();
            if let PatchOperation::Add(add) = &mut operation {
                add.value = new.clone();
            }
            json_patch::patch(&mut value, std::slice::from_ref(&operation)).unwrap();
            patch.push(operation);
        }
        let one_by_one = patch.iter().try_fold(text.clone(), |text, operation| {
            yaml_splice::apply(&text, std::slice::from_ref(operation))
        });
        if let Ok(one_by_one) = one_by_one {
            together.set(together.get() + usize::from(patch.len() > 1));
            prop_assert_eq!(
                yaml_splice::apply(&text, &patch),
                Ok(one_by_one),
                "{}\n{:?}",
                text,
                patch
            );
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(together.get() > 400, "{} patches", together.get());
}

/// Documents with some characters removed, doubled or replaced: mostly not YAML, sometimes a
/// different document.
fn damage(text: &str, damages: &[(Index, u8, char)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (place, kind, new) in damages {
        if characters.is_empty() {
            break;
        }
        let at = place.index(characters.len());
        match kind % 4 {
            0 => {
                characters.remove(at);
            }
            1 => characters.insert(at, *new),
            2 => characters[at] = *new,
            _ => {
                let end = (at + 12).min(characters.len());
                let copy = characters[at..end].to_vec();
                characters.splice(at..at, copy);
            }
        }
    }
    characters.into_iter().collect()
}

fn sign() -> impl Strategy<Value = char> {
    let signs = "\n\r\t  -?:,[]{}#&*!|>'\"%@`\\<~.a0é😀\u{feff}\u{85}\u{2028}";
    prop::sample::select(signs.chars().collect::<Vec<_>>())
}

/// Whatever our parser accepts can be edited, and an edit means what libyaml says it means wherever
/// both readers agree on the document.
fn survives(text: &str, picks: &[(Index, Value)]) -> Result<(), TestCaseError> {
    let Ok(tree) = Tree::parse(text) else {
        let any = add(&["a".to_owned()], json!("b"));
        prop_assert!(yaml_splice::apply(text, &[any]).is_err());
        return Ok(());
    };
    let Some(root) = edit::item_root(&tree) else {
        return Ok(());
    };
    let Ok(before) = tree.value_of(root) else {
        return Ok(());
    };
    for (pick, _) in picks {
        let edits = edits(&before);
        if edits.is_empty() {
            return Ok(());
        }
        let operation = pick.get(&edits);
        let Ok(output) = yaml_splice::apply(text, std::slice::from_ref(operation)) else {
            continue;
        };
        if root == tree.root().unwrap() && oracle(text).as_ref() == Some(&before) {
            let mut expected = before.clone();
            json_patch::patch(&mut expected, std::slice::from_ref(operation)).unwrap();
            prop_assert_eq!(
                oracle(&output),
                Some(expected),
                "{}\n{}=>\n{}",
                operation,
                text,
                output
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1500)
    })]

    #[test]
    fn damaged_documents_do_no_harm(
        fixture in prop::sample::select(fixtures()),
        damages in prop::collection::vec((any::<Index>(), any::<u8>(), sign()), 1..6),
        picks in prop::collection::vec((any::<Index>(), value()), 3),
    ) {
        survives(&damage(&fixture.1, &damages), &picks)?;
    }

    #[test]
    fn any_text_at_all_does_no_harm(
        text in prop_oneof![
            prop::collection::vec(sign(), 0..40).prop_map(|signs| signs.into_iter().collect()),
            "\\PC{0,40}",
        ],
        picks in prop::collection::vec((any::<Index>(), value()), 3),
    ) {
        survives(&text, &picks)?;
    }
}
